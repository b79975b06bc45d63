//! Debts: what a run leaves open on purpose and another closes, kept where the whole team sees it.
//!
//! One `ConfigMap` in the target's home namespace, one key for each debt. It is written as it was
//! read or not at all, so that of two who write at once nobody's debt is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::{call, found_made, once, write};
use super::error::{Error, Request};
use crate::error::{self, Kind};
use crate::event::{Change, Fate};
use crate::names::{Class, Took};
use crate::world::{Target, World};

/// The name of the `ConfigMap`.
const NAME: &str = "runbook-debts";

/// How long a look in passing may take.
const GLANCE: Duration = Duration::from_secs(5);

/// A debt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Debt {
    /// What tells it from others: `nodes.nb-user`. Letters, digits, `-`, `_` and `.`.
    #[serde(skip)]
    pub key: String,
    /// What is owed: `2 nodes of nb-user warm`.
    pub what: String,
    /// What for: `Spring hackathon`; empty when nobody said.
    #[serde(default)]
    pub purpose: String,
    /// How many nodes it costs; zero when it is not about nodes.
    #[serde(default)]
    pub nodes: u32,
    /// Since when.
    pub since: Timestamp,
    /// Who opened it: `ann@laptop`.
    pub by: String,
    /// Whether the run that opened it has not come to its end.
    #[serde(default)]
    pub incomplete: bool,
}

impl Debt {
    /// How old it is.
    pub fn age(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.since)).unwrap_or_default()
    }

    /// What it has cost there; none where nobody has said what a node costs.
    pub fn cost(&self, target: &Target, now: Timestamp) -> Option<String> {
        let price = target.price.as_ref().filter(|_| self.nodes > 0)?;
        Some(price.of(self.nodes, self.age(now)))
    }

    /// `2 nodes of nb-user warm since 2026-11-23 08:10 UTC (4 h 12 min), for 'Spring hackathon', by
    /// ann@laptop; 1.68 CAD so far`.
    pub fn owed(&self, target: &Target, now: Timestamp) -> String {
        let mut owed = self.what.clone();
        if self.incomplete {
            owed.push_str(" (incomplete)");
        }
        let (since, age) = (target.moment(self.since), Took(self.age(now)));
        owed = format!("{owed} since {since} ({age})");
        if !self.purpose.is_empty() {
            owed = format!("{owed}, for '{}'", self.purpose);
        }
        owed = format!("{owed}, by {}", self.by);
        if let Some(cost) = self.cost(target, now) {
            owed = format!("{owed}; {cost} so far");
        }
        owed
    }

    /// `2 nodes of nb-user warm, for 'Spring hackathon'`.
    fn told(&self) -> String {
        let mut told = self.what.clone();
        if !self.purpose.is_empty() {
            told = format!("{told}, for '{}'", self.purpose);
        }
        if self.incomplete {
            told.push_str(" (incomplete)");
        }
        told
    }
}

/// All debts, as they were read.
struct Read {
    /// None when there is no `ConfigMap` yet.
    version: Option<String>,
    debts: BTreeMap<String, Debt>,
}

/// The debts of the target, by key. What cannot be read as one is left out.
///
/// # Errors
/// When they may not be read.
pub async fn debts(world: &World) -> error::Result<Vec<Debt>> {
    Ok(read(world).await?.debts.into_values().collect())
}

/// The same, asked once: a reminder is not worth waiting for.
///
/// # Errors
/// When they cannot be read at once.
pub async fn debts_now(world: &World) -> error::Result<Vec<Debt>> {
    let api = Api::<ConfigMap>::namespaced(world.doors().k8s().await?, &world.target().home);
    let request = request(world, "get");
    let found = tokio::select! {
        biased;
        found = once(world, &request, api.get(NAME)) => found,
        () = world.clock().sleep(GLANCE) => return Ok(Vec::new()),
    };
    Ok(Read::of(found)?.debts.into_values().collect())
}

/// Opens a debt, incomplete for now. One that is open already keeps its beginning, and its purpose
/// unless there is a new one. Says whether anything had to be changed.
///
/// # Errors
/// When it cannot be written.
pub async fn open_debt(world: &World, debt: Debt) -> error::Result<bool> {
    let key = debt.key.clone();
    let opened = |found: Option<&Debt>| {
        let mut debt = debt.clone();
        if let Some(found) = found {
            debt.since = found.since;
            debt.by.clone_from(&found.by);
            if debt.purpose.is_empty() {
                debt.purpose.clone_from(&found.purpose);
            }
        }
        Some(debt)
    };
    bring(world, &key, "debt::open", opened).await
}

/// The run that opened a debt has done what it wanted. Says whether anything had to be changed;
/// nothing has where there is no such debt.
///
/// # Errors
/// When it cannot be written.
pub async fn complete_debt(world: &World, key: &str) -> error::Result<bool> {
    let complete = |found: Option<&Debt>| {
        let mut debt = found.cloned()?;
        debt.incomplete = false;
        Some(debt)
    };
    bring(world, key, "debt::complete", complete).await
}

/// What was owed has been given back. Says whether there was such a debt.
///
/// # Errors
/// When it cannot be written.
pub async fn close_debt(world: &World, key: &str) -> error::Result<bool> {
    bring(world, key, "debt::close", |_| None).await
}

/// Brings a debt to what `wanted` makes of the one that is found.
async fn bring(
    world: &World,
    key: &str,
    name: &str,
    wanted: impl Fn(Option<&Debt>) -> Option<Debt>,
) -> error::Result<bool> {
    let mut tried: Option<Change> = None;
    let told = |debt: Option<&Debt>| debt.map_or_else(|| "none".to_owned(), Debt::told);
    loop {
        let Read { version, mut debts } = read(world).await?;
        let found = debts.remove(key);
        let wanted = wanted(found.as_ref());
        let completes = found.as_ref().zip(wanted.as_ref());
        let completes = completes.is_some_and(|(found, wanted)| {
            let incomplete = found.incomplete;
            found.incomplete != wanted.incomplete
                && *found
                    == Debt {
                        incomplete,
                        ..wanted.clone()
                    }
        });
        let (before, after) = if completes {
            ("incomplete".to_owned(), "complete".to_owned())
        } else {
            (told(found.as_ref()), told(wanted.as_ref()))
        };
        let change = Change {
            what: format!("debt {key}"),
            before,
            after,
            call: name.to_owned(),
            class: Class::WriteConverge,
            operation: None,
            fate: Fate::Done,
        };
        if wanted == found {
            return match tried {
                // It arrived after all, and its answer was lost.
                Some(change) => world.changed(change).map(|()| true),
                None => found_made(world, change),
            };
        }
        let text = wanted.as_ref().map(serde_json::to_string).transpose();
        let text = text.map_err(|why| error::Error::new(Kind::Bug, why.to_string()))?;
        let written = match version {
            Some(version) => update(world, &change, &version, key, text).await,
            None => create(world, &change, key, text).await,
        };
        match written {
            // Somebody else has written meanwhile.
            Err(stale) if stale.kind == Kind::Busy => tried = Some(change),
            written => return written.map(|()| true),
        }
    }
}

fn request(world: &World, verb: &'static str) -> Request {
    Request {
        verb,
        resource: "configmaps".to_owned(),
        namespace: Some(world.target().home.clone()),
        name: (verb != "create").then(|| NAME.to_owned()),
    }
}

async fn read(world: &World) -> error::Result<Read> {
    let home = &world.target().home;
    let found = call(world, &request(world, "get"), async |client| {
        let api = Api::<ConfigMap>::namespaced(client, home);
        api.get(NAME).await
    })
    .await;
    Ok(Read::of(found)?)
}

impl Read {
    fn of(found: Result<ConfigMap, Error>) -> Result<Self, Error> {
        let map = match found {
            Ok(map) => map,
            Err(missing) if missing.code() == Some(404) => {
                return Ok(Self {
                    version: None,
                    debts: BTreeMap::new(),
                });
            }
            Err(failure) => return Err(failure),
        };
        let debts = map.data.unwrap_or_default().into_iter();
        let debts = debts.filter_map(|(key, text)| {
            let debt: Debt = serde_json::from_str(&text).ok()?;
            Some((key.clone(), Debt { key, ..debt }))
        });
        Ok(Self {
            version: map.metadata.resource_version,
            debts: debts.collect(),
        })
    }
}

async fn create(
    world: &World,
    change: &Change,
    key: &str,
    text: Option<String>,
) -> error::Result<()> {
    let home = &world.target().home;
    let map = ConfigMap {
        metadata: ObjectMeta {
            name: Some(NAME.to_owned()),
            ..ObjectMeta::default()
        },
        data: text.map(|text| BTreeMap::from([(key.to_owned(), text)])),
        ..ConfigMap::default()
    };
    let params = PostParams::default();
    write(world, &request(world, "create"), change, async |client| {
        let api = Api::<ConfigMap>::namespaced(client, home);
        api.create(&params, &map).await
    })
    .await
    .map(drop)
}

async fn update(
    world: &World,
    change: &Change,
    version: &str,
    key: &str,
    text: Option<String>,
) -> error::Result<()> {
    let home = &world.target().home;
    let params = PatchParams::default();
    let patch = Patch::Merge(json!({
        "metadata": { "resourceVersion": version },
        "data": { key: text },
    }));
    write(world, &request(world, "patch"), change, async |client| {
        let api = Api::<ConfigMap>::namespaced(client, home);
        api.patch(NAME, &params, &patch).await
    })
    .await
    .map(drop)
}
