//! What earlier runs teach: how long things usually take here, and what was given last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use serde_json::Value;

use super::{Ending, Entry, Filter, entries};
use crate::error::Kind;
use crate::event::{Usual, seconds};
use crate::journal::{Begin, Story};
use crate::names::Mode;

/// How many runs a usual duration is learned from, at most: clusters change.
const RUNS: usize = 10;

/// How many journals are read for that, at most.
const JOURNALS: usize = 30;

/// A shorter wait, in seconds, found everything there already.
const WARM: u64 = 10;

/// How long things usually take here, learned from the newest undisturbed live runs of a runbook
/// on a target, when first asked. By default nothing is known.
#[derive(Debug, Clone, Default)]
pub struct Usuals(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    runbook: String,
    target: String,
    learned: OnceLock<BTreeMap<Key, Usual>>,
}

/// A call, and what it is about.
type Key = (String, String);

impl Usuals {
    /// Those of this runbook on this target, as the journals in `folder` tell.
    pub fn learn(folder: &Path, runbook: &str, target: &str) -> Self {
        Self(Some(Arc::new(Inner {
            folder: folder.to_owned(),
            runbook: runbook.to_owned(),
            target: target.to_owned(),
            learned: OnceLock::new(),
        })))
    }

    /// Of this call with these arguments, the first of which says what it is about.
    pub fn of(&self, call: &str, args: &[Value]) -> Option<Usual> {
        let inner = self.0.as_ref()?;
        let learned = inner.learned.get_or_init(|| inner.learn());
        learned.get(&key(call, args)).copied()
    }
}

impl Inner {
    /// A journal that cannot be read teaches nothing, and a run does not fail for it.
    fn learn(&self) -> BTreeMap<Key, Usual> {
        let filter = Filter {
            runbook: Some(self.runbook.clone()),
            target: Some(self.target.clone()),
            ..Filter::default()
        };
        let mut took: BTreeMap<Key, Vec<u64>> = BTreeMap::new();
        let runs = entries(&self.folder, &filter).into_iter().flatten();
        let stories = (runs.filter(is_live_and_done).take(JOURNALS))
            .filter_map(|entry| Story::read(&entry.path).ok())
            .filter(|story| story.resumes.is_empty() && !story.slept());
        for story in stories {
            for (key, seconds) in waits(&story) {
                let took = took.entry(key).or_default();
                if took.len() < RUNS {
                    took.push(seconds);
                }
            }
        }
        let learned = took.into_iter();
        learned
            .filter_map(|(key, took)| Some((key, usual(took)?)))
            .collect()
    }
}

/// How long whole runs of this runbook on this target took that ended well; nothing where there was
/// none.
pub fn usual_run(folder: &Path, runbook: &str, target: &str) -> Option<Usual> {
    let filter = Filter {
        runbook: Some(runbook.to_owned()),
        target: Some(target.to_owned()),
        ..Filter::default()
    };
    let runs = entries(folder, &filter).into_iter().flatten();
    let took = runs
        .filter(is_live_and_done)
        .filter_map(|entry| entry.took());
    usual(took.take(RUNS).map(seconds).collect())
}

fn is_live_and_done(entry: &Entry) -> bool {
    let live = (entry.header.as_ref()).is_some_and(|header| header.mode == Mode::Live);
    live && matches!(entry.ending, Ending::Done)
}

/// What was waited for in a run, with the longest it took; what was there already is left out.
fn waits(story: &Story) -> BTreeMap<Key, u64> {
    let mut waits = BTreeMap::new();
    for step in story.steps.iter().filter(|step| step.is_done()) {
        let Some((_, watched)) = step.watched() else {
            continue;
        };
        if seconds(watched) >= WARM {
            let Begin { call, args, .. } = &step.begin;
            let longest = waits.entry(key(call, args)).or_default();
            *longest = seconds(watched).max(*longest);
        }
    }
    waits
}

fn key(call: &str, args: &[Value]) -> Key {
    let about = match args.first() {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        // A handle's other fields change from run to run.
        Some(value) => match value.get("name").and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => value.to_string(),
        },
    };
    (call.to_owned(), about)
}

fn usual(mut took: Vec<u64>) -> Option<Usual> {
    took.sort_unstable();
    let runs = u32::try_from(took.len()).ok()?;
    let middle = took.get(took.len() / 2)?;
    let before = took.get((took.len() - 1) / 2)?;
    Some(Usual {
        median: u64::midpoint(*before, *middle),
        shortest: *took.first()?,
        longest: *took.last()?,
        runs,
    })
}

/// The parameters of the newest run of this runbook on this target, and when it started. A run
/// whose parameters were refused does not count.
pub fn last_params(
    folder: &Path,
    runbook: &str,
    target: &str,
) -> Option<(BTreeMap<String, Value>, Timestamp)> {
    let filter = Filter {
        runbook: Some(runbook.to_owned()),
        target: Some(target.to_owned()),
        ..Filter::default()
    };
    let usage = Some(Kind::Usage.exit_code());
    let last = entries(folder, &filter)
        .ok()?
        .filter(|entry| entry.finish.as_ref().map(|finish| finish.exit) != usage)
        .find_map(|entry| entry.header)?;
    Some((last.params, last.started))
}
