//! What can go wrong with GKE, and what to do about it.

use std::time::Duration;

use crate::error::{self, Kind};
use crate::names::{ClusterName, Took};
use crate::world::retry::{Failure, Verdict};

/// A failure of the GKE API, or of work it accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The credentials are good, a permission is missing.
    #[error("not allowed to {what}: {}", missing(permission.as_deref(), text))]
    Denied {
        /// What was tried.
        what: String,
        /// The project in which it was tried.
        project: String,
        /// The permission that is missing, where GKE named it.
        permission: Option<String>,
        /// GKE's own words.
        text: String,
    },
    /// A quota is used up.
    #[error("quota used up: {text}")]
    Quota {
        /// The project whose quota it is.
        project: String,
        /// GKE's own words.
        text: String,
    },
    /// What was named does not exist.
    #[error("{what} does not exist in {place}")]
    NotFound {
        /// The thing: `node pool nb-usr`.
        what: String,
        /// Where it was looked for.
        place: String,
        /// What exists instead, or where to look.
        hint: String,
    },
    /// Another operation holds the cluster or the pool.
    #[error("{} holds {cluster}", operation.as_deref().unwrap_or("another operation"))]
    Busy {
        /// Its name, where GKE gave it.
        operation: Option<String>,
        /// What it holds.
        cluster: ClusterName,
    },
    /// The zone has no machines left.
    #[error("no machines left in {zone}: {text}{}", by(operation.as_deref()))]
    Stockout {
        /// Which zone.
        zone: String,
        /// How many came, or GKE's own words.
        text: String,
        /// The operation that wanted them.
        operation: Option<String>,
    },
    /// Too many requests.
    #[error("too many requests to GKE: {text}")]
    RateLimited {
        /// GKE's own words.
        text: String,
        /// The pause it asked for.
        after: Option<Duration>,
    },
    /// No answer, or none that could be used.
    #[error("no answer from GKE: {text}")]
    Unreachable {
        /// Why.
        text: String,
        /// Whether it can have arrived all the same.
        verdict: Verdict,
    },
    /// The credentials are missing or no longer good.
    #[error("GKE does not accept these credentials: {text}")]
    Unauthenticated {
        /// The reason given.
        text: String,
    },
    /// It was sent, and looking did not tell whether it arrived.
    #[error("\"{what}\" was sent, and nobody knows whether it arrived: {text}")]
    FateUnknown {
        /// What was sent.
        what: String,
        /// Why it is unknown.
        text: String,
        /// Where to look.
        cluster: ClusterName,
    },
    /// An operation ended with an error.
    #[error("{kind} {name} failed: {cause}")]
    Operation {
        /// Its short name.
        name: String,
        /// Its type: `SET_NODE_POOL_SIZE`.
        kind: String,
        /// What GKE says went wrong.
        cause: String,
        /// Where.
        cluster: ClusterName,
    },
    /// An operation is still going after its limit.
    #[error("{name} is still running after {}", Took(*limit))]
    TimedOut {
        /// Its short name.
        name: String,
        /// How long was waited.
        limit: Duration,
        /// Where.
        cluster: ClusterName,
    },
    /// Anything else GKE refused.
    #[error("GKE refused to {what}: {text}")]
    Other {
        /// What was tried.
        what: String,
        /// GKE's own words.
        text: String,
    },
    /// A failure outside this room: a door that does not open, a journal that cannot be written.
    #[error(transparent)]
    Elsewhere(#[from] error::Error),
}

fn missing(permission: Option<&str>, text: &str) -> String {
    permission.map_or_else(|| text.to_owned(), |p| format!("{p} is missing"))
}

fn by(operation: Option<&str>) -> String {
    operation.map_or_else(String::new, |name| format!(" ({name})"))
}

impl Failure for Error {
    fn verdict(&self) -> Verdict {
        match self {
            Self::RateLimited { after, .. } => Verdict::Again(*after),
            Self::Unreachable { verdict, .. } => *verdict,
            Self::Unauthenticated { .. } => Verdict::Renew,
            Self::Denied { .. }
            | Self::Quota { .. }
            | Self::NotFound { .. }
            | Self::Busy { .. }
            | Self::Stockout { .. }
            | Self::FateUnknown { .. }
            | Self::Operation { .. }
            | Self::TimedOut { .. }
            | Self::Other { .. } => Verdict::Final,
            Self::Elsewhere(error) => Verdict::of(error),
        }
    }
}

impl Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Denied { .. } => Kind::Denied,
            Self::Quota { .. } => Kind::Quota,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Busy { .. } => Kind::Busy,
            Self::Stockout { .. } => Kind::Stockout,
            Self::RateLimited { .. } => Kind::RateLimited,
            Self::Unreachable { .. } => Kind::Unreachable,
            Self::Unauthenticated { .. } => Kind::Credentials,
            Self::FateUnknown { .. } => Kind::FateUnknown,
            Self::Operation { .. } | Self::Other { .. } => Kind::Operation,
            Self::TimedOut { .. } => Kind::TimedOut,
            Self::Elsewhere(error) => error.kind,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Denied {
                project,
                permission,
                text,
                ..
            } => grant(project, permission.as_deref(), text),
            Self::Quota { project, .. } => format!(
                "Ask for fewer nodes, or for more quota at \
                 https://console.cloud.google.com/iam-admin/quotas?project={project}"
            ),
            Self::NotFound { hint, .. } => hint.clone(),
            Self::Busy { operation, cluster } => {
                format!(
                    "See {}; run this again when it is done.",
                    show(cluster, operation.as_deref())
                )
            }
            Self::Stockout { .. } => "Machines that came stay, and Google keeps trying for the \
                 rest: run this again later, or give the pool another zone or machine type."
                .to_owned(),
            Self::RateLimited { .. } => {
                "Wait a minute, then run this again; somebody else may be calling the same project."
                    .to_owned()
            }
            Self::Unreachable { .. } => {
                "Check the network and https://status.cloud.google.com, then run this again."
                    .to_owned()
            }
            Self::Unauthenticated { .. } => {
                "Run `gcloud auth application-default login`, then run this again.".to_owned()
            }
            Self::FateUnknown { cluster, .. } => format!(
                "Look with {}; running this again is safe.",
                show(cluster, None)
            ),
            Self::Operation { name, cluster, .. } => {
                format!("See {}", show(cluster, Some(name)))
            }
            Self::TimedOut { name, cluster, .. } => format!(
                "It goes on without us. See {}; running this again is safe.",
                show(cluster, Some(name))
            ),
            Self::Other { .. } => return None,
            Self::Elsewhere(error) => return error.hint.clone(),
        })
    }
}

/// The command that shows an operation, or all of them.
pub(super) fn show(cluster: &ClusterName, operation: Option<&str>) -> String {
    let verb = operation.map_or_else(|| "list".to_owned(), |name| format!("describe {name}"));
    format!(
        "`gcloud container operations {verb} --project {} --location {}`",
        cluster.project, cluster.location
    )
}

/// The command that grants what is missing. Some refusals are no matter of roles.
fn grant(project: &str, permission: Option<&str>, text: &str) -> String {
    let says = |words: [&str; 2]| words.iter().any(|words| text.contains(words));
    if says([
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "insufficient authentication scopes",
    ]) {
        return "Run `gcloud auth application-default login`, or get a token with the scope \
                https://www.googleapis.com/auth/cloud-platform"
            .to_owned();
    }
    // Before the API: this one also carries the reason that it is off, for another project.
    if says(["USER_PROJECT_DENIED", "requires a quota project"]) {
        return format!("Run `gcloud auth application-default set-quota-project {project}`");
    }
    if says(["SERVICE_DISABLED", "has not been used in project"]) {
        return format!(
            "Switch the API on: `gcloud services enable container.googleapis.com --project {project}`"
        );
    }
    let role = match permission.and_then(|p| p.rsplit('.').next()) {
        Some("get" | "list") => "roles/container.viewer",
        Some(_) | None => "roles/container.clusterAdmin",
    };
    format!(
        "Ask a project owner for {role}: `gcloud projects add-iam-policy-binding {project} \
         --member=user:YOUR_EMAIL --role={role}`"
    )
}

impl From<Error> for error::Error {
    fn from(error: Error) -> Self {
        let (kind, hint) = (error.kind(), error.hint());
        if let Error::Elsewhere(error) = error {
            return error;
        }
        let plain = Self::new(kind, error.to_string());
        match hint {
            Some(hint) => plain.hint(hint),
            None => plain,
        }
    }
}
