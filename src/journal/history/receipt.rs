//! That a runbook was practised in the version it has now: what its journals tell.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::{Ending, Filter, entries};
use crate::names::{Age, Mode};

/// How many journals are read for that, at most.
const JOURNALS: usize = 400;

/// The rehearsals and dry runs of one version of a runbook, its libraries included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// When the newest that ended well was begun.
    pub when: Timestamp,
    /// Where that was: a scenario, `practice`, or the target of a dry run.
    pub place: String,
    /// The names of its parameters that had a value.
    pub params: Vec<String>,
    /// The faults that a rehearsal ended well with.
    pub survived: BTreeSet<String>,
    /// The faults that no rehearsal ended well with.
    pub stopped: BTreeSet<String>,
}

impl Receipt {
    /// The receipt of this version; none when nothing of it ever ended well in practice.
    pub fn of(
        folder: &Path,
        runbook: &str,
        hash: &str,
        libraries: &BTreeMap<String, String>,
    ) -> Option<Self> {
        let filter = Filter {
            runbook: Some(runbook.to_owned()),
            ..Filter::default()
        };
        let mut newest: Option<Self> = None;
        let (mut survived, mut met) = (BTreeSet::new(), BTreeSet::new());
        let runs = entries(folder, &filter).into_iter().flatten();
        for entry in runs.take(JOURNALS) {
            let Some(header) = entry.header else { continue };
            let this = header.hash == hash && header.libraries == *libraries;
            if !this || header.mode == Mode::Live {
                continue;
            }
            let faults = || header.faults.iter().map(|fault| plain(fault));
            met.extend(faults());
            if !matches!(entry.ending, Ending::Done) {
                continue;
            }
            survived.extend(faults());
            newest.get_or_insert_with(|| {
                let params = header.params.iter().filter(|(_, value)| !value.is_null());
                let place = match header.mode {
                    Mode::DryRun => format!("a dry run on {}", header.target),
                    _ => header.scenario.unwrap_or_else(|| "practice".to_owned()),
                };
                Self {
                    when: header.started,
                    place,
                    params: params.map(|(name, _)| name.clone()).collect(),
                    survived: BTreeSet::new(),
                    stopped: BTreeSet::new(),
                }
            });
        }
        newest.map(|receipt| Self {
            stopped: met.difference(&survived).cloned().collect(),
            survived,
            ..receipt
        })
    }

    /// `rehearsed 3 h ago on this version: 9 faults, all survived`.
    pub fn sentence(&self, now: Timestamp) -> String {
        let age = Duration::try_from(now.duration_since(self.when)).unwrap_or_default();
        let faults = match (self.survived.len(), self.stopped.len()) {
            (0, 0) => "no faults".to_owned(),
            (1, 0) => "1 fault, survived".to_owned(),
            (all, 0) => format!("{all} faults, all survived"),
            (some, others) => format!("{} faults, {some} survived", some + others),
        };
        format!("rehearsed {} ago on this version: {faults}", Age(age))
    }
}

/// A fault from the beginning goes by its name.
fn plain(fault: &str) -> String {
    fault.strip_suffix("@0s").unwrap_or(fault).to_owned()
}

/// What is said where there is none.
pub const NEVER: &str = "never rehearsed in this version";

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |faults: &BTreeSet<String>| {
            faults
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        };
        write!(f, "{} ({}", self.when.strftime("%-d %B %Y"), self.place)?;
        if !self.params.is_empty() {
            write!(f, ", with {}", self.params.join(", "))?;
        }
        f.write_str(")")?;
        if !self.survived.is_empty() {
            write!(f, "; survived: {}", list(&self.survived))?;
        }
        if !self.stopped.is_empty() {
            write!(f, "; not: {}", list(&self.stopped))?;
        }
        Ok(())
    }
}
