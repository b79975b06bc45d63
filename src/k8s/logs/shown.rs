//! What of a log has been shown, so that it can go on where its connection was lost.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// A line with the time the kubelet puts in front of it.
type Stamped = (Timestamp, String);

/// The lines last shown. The server is asked for whole seconds only, and those who write at once
/// may be out of order by a little: what it sends again is known by time and text.
#[derive(Debug, Default)]
pub(super) struct Shown {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    recent: VecDeque<Stamped>,
    /// What is expected once more, and how often.
    again: BTreeMap<Stamped, usize>,
}

impl Shown {
    /// From when on the server has to send lines.
    pub(super) fn since(&self) -> Option<Timestamp> {
        let last = self.last?;
        let second = SignedDuration::from_nanos(i64::from(last.subsec_nanosecond()));
        Some(last - second - SignedDuration::from_secs(1))
    }

    /// The connection was lost.
    pub(super) fn lost(&mut self) {
        self.again.clear();
        let Some(since) = self.since() else {
            return;
        };
        for line in self.recent.iter().filter(|(at, _)| *at >= since) {
            *self.again.entry(line.clone()).or_default() += 1;
        }
    }

    /// Whether this line has not been shown yet; it has then.
    pub(super) fn is_new(&mut self, at: Timestamp, text: &str) -> bool {
        let line = (at, text.to_owned());
        if let Some(count) = self.again.get_mut(&line).filter(|count| **count > 0) {
            *count -= 1;
            return false;
        }
        // Left out on purpose: only so many lines were asked for.
        if self.first.is_some_and(|first| at < first) {
            return false;
        }
        self.first.get_or_insert(at);
        self.last = self.last.max(Some(at));
        self.recent.push_back(line);
        if let Some(since) = self.since() {
            while self.recent.front().is_some_and(|(at, _)| *at < since) {
                self.recent.pop_front();
            }
        }
        true
    }
}

/// A line as it comes: its time, and what was written.
pub(super) fn split(raw: &str) -> Option<(Timestamp, &str)> {
    let (at, text) = raw.split_once(' ').unwrap_or((raw, ""));
    Some((at.parse().ok()?, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-01-15T13:00:{text}Z").parse().unwrap()
    }

    #[test]
    fn what_is_sent_again_is_known_and_what_is_new_is_not_lost() {
        let mut shown = Shown::default();
        for (time, text) in [
            ("05.1", "a"),
            ("05.9", "b"),
            ("05.9", "b"),
            ("05.8", "late"),
        ] {
            assert!(shown.is_new(at(time), text));
        }
        assert_eq!(shown.since(), Some(at("04")));
        shown.lost();
        let again = [
            ("04.5", "before the first"),
            ("05.1", "a"),
            ("05.8", "late"),
            ("05.9", "b"),
            ("05.9", "b"),
            ("05.9", "b"),
            ("05.85", "later still"),
            ("06", "c"),
        ];
        let new = again
            .iter()
            .filter(|(time, text)| shown.is_new(at(time), text));
        let new: Vec<&str> = new.map(|(_, text)| *text).collect();
        assert_eq!(new, ["b", "later still", "c"]);
    }

    #[test]
    fn only_the_last_seconds_are_kept() {
        let mut shown = Shown::default();
        for second in 10..60 {
            shown.is_new(at(&second.to_string()), "x");
        }
        assert!(shown.recent.len() <= 3, "{}", shown.recent.len());
        assert_eq!(
            split("2026-01-15T13:00:05.1Z a b"),
            Some((at("05.1"), "a b"))
        );
        assert_eq!(split("no time"), None);
    }
}
