//! What can be made to go wrong, and when.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::names;

/// Every fault: its name, and what it does.
pub const FAULTS: &[(&str, &str)] = &[
    (
        "busy",
        "GKE upgrades the control plane and refuses everything else for 5-8 minutes",
    ),
    (
        "stockout",
        "the zone runs out of machines: the resize fails after 35 minutes, one node short or more",
    ),
    (
        "denied",
        "every change is refused: the account lacks container.clusters.update",
    ),
    (
        "slow-image",
        "the notebook image takes three times as long to pull",
    ),
    (
        "image-missing",
        "the notebook image cannot be pulled: ErrImagePull, then ImagePullBackOff",
    ),
    (
        "node-never-ready",
        "one new node registers and stays NotReady: its network never comes up",
    ),
    (
        "op-error-only",
        "the resize ends DONE with an error but no status message, and brings no nodes",
    ),
    (
        "rate-limited",
        "both APIs answer 429 a few times, saying when to try again",
    ),
    (
        "expired-token",
        "both APIs answer 401 until the credentials are renewed",
    ),
    ("hub-down", "the hub's own API does not answer"),
    ("token-expired", "the hub does not know our token any more"),
    (
        "token-too-narrow",
        "the hub knows our token, and does not let it see who is there",
    ),
    (
        "image-typo",
        "the new image is nowhere to be pulled from, though the registry knew it: somebody has deleted the tag",
    ),
    (
        "wrong-arch",
        "the new image was built for arm64, which the nodes are not",
    ),
    (
        "registry-unreachable",
        "the registries of images do not answer",
    ),
    (
        "registry-rate-limit",
        "the registries answer 429: too many requests from here",
    ),
    (
        "hub-restarting",
        "the hub restarts right after its configuration was changed, and is away for a minute",
    ),
    (
        "config-raced",
        "somebody else saves the hub's configuration right after us",
    ),
    (
        "config-double-encoded",
        "the hub's configuration was saved as a text in a text: no server can be started",
    ),
    (
        "spawn-timeout",
        "new servers run and never answer: the hub gives them up after two minutes",
    ),
    ("kernel-dies", "kernels die as soon as code is run in them"),
    (
        "file-moved",
        "the file with the allow-list is no longer where it was",
    ),
    (
        "list-moved",
        "the allow-list stands under another key of its file",
    ),
    (
        "edit-raced",
        "somebody else changes the allow-list while our change is being written",
    ),
    (
        "fork-slow",
        "GitHub takes a minute and a half to make a fork",
    ),
    (
        "fork-name-taken",
        "we have a repository of the fork's name that is no fork",
    ),
    (
        "pr-exists",
        "somebody else has an open pull request that adds new.domain.ca",
    ),
    (
        "token-fine-grained",
        "our GitHub token is a fine-grained one: it writes nothing of others'",
    ),
    ("token-missing", "there is no token for GitHub"),
    (
        "secondary-rate-limit",
        "GitHub refuses two writes, and says when to try again",
    ),
    (
        "merge-conflict",
        "somebody else changes the same lines before our pull request is merged",
    ),
    (
        "bare-pod",
        "a pod that nothing would start again sits on the first node of the user pool",
    ),
    (
        "pdb-blocks",
        "a PodDisruptionBudget allows no eviction from the first node of the user pool for an hour",
    ),
    (
        "drain-timeout",
        "a pod on the first node of the user pool takes an hour to end, and so does emptying the node",
    ),
    (
        "autoscaler-backoff",
        "the autoscaler backs off and does nothing for 30 minutes",
    ),
    (
        "somebody-arrives",
        "somebody starts a server just before the first node is cordoned",
    ),
    (
        "killed",
        "the program is killed, as when a laptop dies; `runbook resume` goes on",
    ),
    (
        "laptop-asleep",
        "this machine sleeps for two hours while the world goes on; credentials expire meanwhile",
    ),
    (
        "held-by-another",
        "somebody else is warming the cluster up, and holds its lock for ten minutes",
    ),
    (
        "lease-lost",
        "somebody else takes the lock over in the middle of the run, and keeps it for an hour",
    ),
    (
        "lease-abandoned",
        "the lock is still held by a run that has been silent for an hour",
    ),
    (
        "no-metrics",
        "the metrics server is down: nobody can say what nodes and pods use",
    ),
    (
        "hub-pod-missing",
        "the hub of prod has no pod, and its deployment makes no new one",
    ),
    (
        "crash-loop",
        "the hub of prod ends as soon as it starts: CrashLoopBackOff, more restarts each time",
    ),
    (
        "plugin-missing",
        "gke-gcloud-auth-plugin, which gives kubectl its tokens, is not installed",
    ),
];

/// The kinds of fault, by the names in [`FAULTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Trouble {
    Busy,
    Stockout,
    Denied,
    SlowImage,
    ImageMissing,
    NodeNeverReady,
    OpErrorOnly,
    RateLimited,
    ExpiredToken,
    BarePod,
    PdbBlocks,
    DrainTimeout,
    AutoscalerBackoff,
    SomebodyArrives,
    HubDown,
    TokenExpired,
    TokenTooNarrow,
    ImageTypo,
    WrongArch,
    RegistryUnreachable,
    RegistryRateLimit,
    HubRestarting,
    ConfigRaced,
    ConfigDoubleEncoded,
    SpawnTimeout,
    KernelDies,
    FileMoved,
    ListMoved,
    EditRaced,
    ForkSlow,
    ForkNameTaken,
    PrExists,
    TokenFineGrained,
    TokenMissing,
    SecondaryRateLimit,
    MergeConflict,
    Killed,
    LaptopAsleep,
    HeldByAnother,
    LeaseLost,
    LeaseAbandoned,
    PluginMissing,
    NoMetrics,
    HubPodMissing,
    CrashLoop,
}

impl Trouble {
    /// Whether it befalls the machine a run is on, and nothing in the cluster.
    fn is_of_the_machine(self) -> bool {
        matches!(
            self,
            Self::Killed | Self::LaptopAsleep | Self::PluginMissing | Self::TokenMissing
        )
    }

    /// When it strikes if nobody says so, in seconds after the world's start.
    fn usual_moment(self) -> i64 {
        match self {
            // In the middle of a resize, when nobody expects it.
            Self::ExpiredToken | Self::LeaseLost => 120,
            // While the images are being pulled.
            Self::Killed => 420,
            Self::LaptopAsleep => 300,
            Self::Busy
            | Self::Stockout
            | Self::Denied
            | Self::SlowImage
            | Self::ImageMissing
            | Self::NodeNeverReady
            | Self::OpErrorOnly
            | Self::RateLimited
            | Self::BarePod
            | Self::PdbBlocks
            | Self::DrainTimeout
            | Self::AutoscalerBackoff
            | Self::SomebodyArrives
            | Self::HubDown
            | Self::TokenExpired
            | Self::TokenTooNarrow
            | Self::ImageTypo
            | Self::WrongArch
            | Self::RegistryUnreachable
            | Self::RegistryRateLimit
            | Self::HubRestarting
            | Self::ConfigRaced
            | Self::ConfigDoubleEncoded
            | Self::SpawnTimeout
            | Self::KernelDies
            | Self::FileMoved
            | Self::ListMoved
            | Self::EditRaced
            | Self::ForkSlow
            | Self::ForkNameTaken
            | Self::PrExists
            | Self::TokenFineGrained
            | Self::TokenMissing
            | Self::SecondaryRateLimit
            | Self::MergeConflict
            | Self::HeldByAnother
            | Self::LeaseAbandoned
            | Self::PluginMissing
            | Self::NoMetrics
            | Self::HubPodMissing
            | Self::CrashLoop => 0,
        }
    }
}

/// One thing that goes wrong in the practice world, from a moment on: `stockout`, `busy@1m`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub(super) trouble: Trouble,
    pub(super) when: When,
}

/// When something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum When {
    /// Milliseconds after the world's start.
    After(i64),
    /// When the world is put on disk for the so-many-th time; only for `killed`.
    Point(u64),
}

impl Fault {
    /// Refuses what befalls the machine a run is on: it is not the one that serves a world.
    pub(super) fn for_others(&self) -> Result<(), Error> {
        if self.trouble.is_of_the_machine() {
            let fault = self.to_string();
            return Err(Error::Elsewhere { fault });
        }
        Ok(())
    }

    /// Reads `NAME` or `NAME@WHEN`, with WHEN a duration after the start of the world (`5m`), or for
    /// `killed` the so-many-th time that anything is put on disk (`#12`).
    ///
    /// # Errors
    /// An unknown name, with the nearest one; a WHEN that is not a duration.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, when) = match text.split_once('@') {
            Some((name, when)) => (name, Some(when)),
            None => (text, None),
        };
        let trouble: Trouble =
            serde_json::from_value(name.into()).map_err(|_| Error::UnknownFault {
                name: name.to_owned(),
                nearest: names::nearest(name, FAULTS.iter().map(|(name, _)| *name)),
            })?;
        let wrong = |why| Error::BadMoment {
            fault: text.to_owned(),
            why,
        };
        let after = match when {
            None => SignedDuration::from_secs(trouble.usual_moment()),
            Some(when) => {
                let point = when
                    .strip_prefix('#')
                    .filter(|_| trouble == Trouble::Killed);
                if let Some(point) = point {
                    let point = point
                        .parse()
                        .map_err(|_| wrong(format!("{point} is no number")))?;
                    let when = When::Point(point);
                    return Ok(Self { trouble, when });
                }
                let after = names::duration(when).map_err(wrong)?;
                SignedDuration::try_from(after).map_err(|e| wrong(e.to_string()))?
            }
        };
        let when = When::After(i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        Ok(Self { trouble, when })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = serde_json::to_value(self.trouble).map_err(|_| fmt::Error)?;
        let name = name.as_str().unwrap_or_default();
        match self.when {
            When::Point(point) => write!(f, "{name}@#{point}"),
            When::After(after) => {
                let after = u64::try_from(after / 1000).unwrap_or_default();
                write!(f, "{name}@{}", names::spell(after))
            }
        }
    }
}

impl FromStr for Fault {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_fault_is_known_and_a_moment_is_read() {
        for (name, line) in FAULTS {
            assert!(Fault::parse(name).is_ok(), "{name}");
            assert!(!line.is_empty());
        }
        let busy = Fault::parse("busy@1m30s").unwrap();
        assert_eq!(
            (busy.trouble, busy.when),
            (Trouble::Busy, When::After(90_000))
        );
        let killed = Fault::parse("killed@#12").unwrap();
        assert_eq!(
            (killed.when, killed.to_string().as_str()),
            (When::Point(12), "killed@#12")
        );
        assert!(Fault::parse("busy@#12").is_err());
    }

    #[test]
    fn a_misspelt_fault_gets_a_suggestion() {
        let error = crate::error::Error::from(Fault::parse("stokout").unwrap_err());
        assert!(error.hint.unwrap().contains("stockout"));
        assert!(Fault::parse("busy@soon").is_err());
        assert!(Fault::parse("busy@").is_err());
    }
}
