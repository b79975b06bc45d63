//! The people on a pool in numbers, without anybody's name: what a run decides by is on record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::super::user::UserPod;
use super::Activity;

/// How many people are there, and how long they have been idle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Crowd {
    /// How many have a server.
    pub people: u32,
    /// How many of them have been active within the time asked about, or of how many nobody can
    /// tell.
    pub working: u32,
    /// Of how many nobody can tell when they were last active.
    pub unknown: u32,
    /// For how long the one who was active last has been idle, in seconds.
    pub least_idle: Option<i64>,
    /// For how long the one who was active first has been idle, in seconds.
    pub most_idle: Option<i64>,
    /// When the last of the servers was started.
    pub newest: Option<Timestamp>,
}

impl Crowd {
    fn add(&mut self, user: &UserPod, active: Option<Timestamp>, now: Timestamp, idle: i64) {
        self.people += 1;
        self.newest = self.newest.max(user.since);
        let Some(active) = active else {
            self.unknown += 1;
            self.working += 1;
            return;
        };
        let since = now.duration_since(active).as_secs().max(0);
        self.working += u32::from(since < idle);
        self.least_idle = Some(self.least_idle.map_or(since, |least| least.min(since)));
        self.most_idle = self.most_idle.max(Some(since));
    }
}

/// These people, all together and by node. Who has been active less than `idle` seconds ago, or at
/// an unknown moment, counts as working.
pub fn crowd(
    users: &[UserPod],
    active: &Activity,
    now: Timestamp,
    idle: i64,
) -> (Crowd, BTreeMap<String, Crowd>) {
    let mut all = Crowd::default();
    let mut nodes: BTreeMap<String, Crowd> = BTreeMap::new();
    for user in users {
        let server = (user.namespace.clone(), user.user.clone());
        let active = active.get(&server).copied();
        all.add(user, active, now, idle);
        let node = nodes.entry(user.node.clone()).or_default();
        node.add(user, active, now, idle);
    }
    (all, nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_active_lately_or_nobody_knows_when_is_working() {
        let now: Timestamp = "2026-01-15T13:00:00Z".parse().unwrap();
        let ago = |minutes: i64| now - jiff::SignedDuration::from_mins(minutes);
        let user = |name: &str, node: &str, started: i64| UserPod {
            namespace: "prod".to_owned(),
            name: format!("jupyter-{name}"),
            user: name.to_owned(),
            node: node.to_owned(),
            phase: "Running".to_owned(),
            image: String::new(),
            since: Some(ago(started)),
        };
        let users = [
            user("ada", "a", 90),
            user("bob", "a", 20),
            user("cyd", "b", 60),
        ];
        let active = Activity::from(
            [("ada", 45), ("bob", 3)]
                .map(|(name, minutes)| (("prod".to_owned(), name.to_owned()), ago(minutes))),
        );
        let (all, nodes) = crowd(&users, &active, now, 1800);
        assert_eq!((all.people, all.working, all.unknown), (3, 2, 1));
        assert_eq!((all.least_idle, all.most_idle), (Some(180), Some(2700)));
        assert_eq!(all.newest, Some(ago(20)));
        assert_eq!((nodes["a"].people, nodes["a"].working), (2, 1));
        assert_eq!((nodes["b"].unknown, nodes["b"].least_idle), (1, None));
        // The same name at another hub is another server.
        let mut elsewhere = user("ada", "c", 90);
        elsewhere.namespace = "staging".to_owned();
        let (other, _) = crowd(&[elsewhere], &active, now, 1800);
        assert_eq!((other.working, other.unknown), (1, 1));
        let (nobody, nodes) = crowd(&[], &active, now, 1800);
        assert_eq!((nobody, nodes.len()), (Crowd::default(), 0));
    }
}
