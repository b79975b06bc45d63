//! Debts: what a run leaves open on purpose and another closes.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kept::{Shelf, Texts, Wish};
use crate::error::{self, Kind};
use crate::event::{Change, Fate};
use crate::names::{Class, Took};
use crate::world::{Target, World};

/// Where they are kept.
pub(super) const SHELF: Shelf = Shelf("runbook-debts");

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
    /// The runbook that closes it.
    #[serde(default = "teardown")]
    pub closed_by: String,
    /// Whether the run that opened it has not come to its end.
    #[serde(default)]
    pub incomplete: bool,
}

fn teardown() -> String {
    "teardown".to_owned()
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

/// The debts among what is kept, by key. What cannot be read as one is left out.
fn read(texts: Texts) -> Vec<Debt> {
    let debts = texts.into_iter();
    debts
        .filter_map(|(key, text)| parsed(&key, &text))
        .collect()
}

fn parsed(key: &str, text: &str) -> Option<Debt> {
    let debt = serde_json::from_str(text).ok()?;
    let key = key.to_owned();
    Some(Debt { key, ..debt })
}

/// The debts of the target, by key.
///
/// # Errors
/// When they may not be read.
pub async fn debts(world: &World) -> error::Result<Vec<Debt>> {
    Ok(read(SHELF.texts(world).await?))
}

/// The same, asked once: a reminder is not worth waiting for.
///
/// # Errors
/// When they cannot be read at once.
pub async fn debts_now(world: &World) -> error::Result<Vec<Debt>> {
    Ok(read(SHELF.glance(world).await?))
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
    let told = |debt: Option<&Debt>| debt.map_or_else(|| "none".to_owned(), Debt::told);
    let wish = |found: Option<&str>| {
        let found = found.and_then(|text| parsed(key, text));
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
        let wish = match &wanted {
            wanted if *wanted == found => Wish::Keep,
            None => Wish::Remove,
            Some(debt) => {
                let text = serde_json::to_string(debt);
                Wish::Put(text.map_err(|why| error::Error::new(Kind::Bug, why.to_string()))?)
            }
        };
        Ok((wish, change))
    };
    SHELF.bring(world, key, wish).await
}
