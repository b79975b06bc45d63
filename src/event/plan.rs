//! What a dry run found out: what a run would change, in order, and what it would come to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Change, Usual};

/// Version of the plan's shape.
pub const PLAN: u32 = 1;

/// What a run would do on a target as it was at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN`].
    pub version: u32,
    /// The runbook, and the first 12 digits of its hash.
    pub runbook: String,
    /// See [`super::Started::hash`].
    pub hash: String,
    /// The target.
    pub target: String,
    /// Its cluster, as `project/location/name`.
    pub cluster: String,
    /// When the target was looked at.
    pub taken: Timestamp,
    /// The runbook's parameters.
    pub params: BTreeMap<String, Value>,
    /// What would come of it.
    pub verdict: Verdict,
    /// What would be sent, in order.
    pub steps: Vec<Planned>,
    /// Whose servers there are, and whose would end.
    pub people: People,
    /// How long it would take.
    pub expected: Usual,
    /// What it would cost, where the target has a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    /// What could not be known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
    /// The flags that answer what nobody has answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
    /// What the target was like, in words, to compare with later.
    pub facts: BTreeMap<String, String>,
}

/// What would come of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It would end well.
    WouldSucceed,
    /// It would end well once its questions are answered.
    NeedsAnswers,
    /// It would fail.
    WouldFail,
    /// It would be refused for safety.
    WouldBeRefused,
    /// Nobody can tell: it wants something the copy does not know, or was stopped.
    Unknown,
}

/// One thing that would be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The function, from the registration table.
    pub call: String,
    /// Its arguments; long texts are their digests.
    pub args: Vec<Value>,
    /// The heading of the script it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Its line: `runbooks/warm_up.rhai:31:5`.
    pub place: String,
    /// How long after the beginning, in seconds.
    pub after_seconds: u64,
    /// What it would change; nothing when all is as it should be.
    pub changes: Vec<Change>,
    /// How it is taken back; none when it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<String>,
    /// What would become of a file, as a unified diff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

impl Planned {
    /// What tells it from another one: the call, and what it is to bring about.
    pub fn same_as(&self, call: &str, args: &[Value]) -> bool {
        self.call == call && self.args == args
    }
}

/// People with a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct People {
    /// How many there are.
    pub there: u64,
    /// How many of them would lose it.
    pub affected: u64,
}
