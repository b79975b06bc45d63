//! What can go wrong between us and an API server, and what to do about it.

use std::fmt;
use std::time::Duration;

use kube::core::Status;
use kube::runtime::watcher;

use crate::error::{self, Kind};
use crate::names::Took;
use crate::world::retry::{Failure, Verdict};

/// A request, in the words of Kubernetes' own access rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// `get`, `list`, `watch`, `patch`.
    pub(super) verb: &'static str,
    /// `nodes`, `pods`.
    pub(super) resource: String,
    /// The namespace, when it is about one.
    pub(super) namespace: Option<String>,
    /// The object's name, when it is about one.
    pub(super) name: Option<String>,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

/// A failure of this room.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The credentials were not accepted.
    #[error("Kubernetes did not accept the credentials ({what})")]
    Unauthorized {
        /// What was asked.
        what: String,
    },
    /// The permission is missing.
    #[error("Kubernetes refuses to let us {what}: {message}")]
    Denied {
        /// What was asked.
        what: String,
        /// The RBAC verb.
        verb: &'static str,
        /// The RBAC resource.
        resource: String,
        /// Namespace of the permission; none for the whole cluster.
        namespace: Option<String>,
        /// The API server's words.
        message: String,
    },
    /// There is no such object.
    #[error("Kubernetes has nothing to {what}: {message}")]
    NotFound {
        /// What was asked.
        what: String,
        /// The API server's words.
        message: String,
    },
    /// The API server is overloaded or starting.
    #[error("Kubernetes is busy ({code}, {what}): {message}")]
    Busy {
        /// What was asked.
        what: String,
        /// HTTP status.
        code: u16,
        /// The API server's words.
        message: String,
        /// The pause it asks for.
        after: Option<Duration>,
    },
    /// What we had read so far is too old to go on from.
    #[error("Kubernetes has forgotten where we were ({what})")]
    Expired {
        /// What was asked.
        what: String,
    },
    /// No answer came.
    #[error("Kubernetes does not answer ({what}): {why}")]
    Lost {
        /// What was asked.
        what: String,
        /// How it broke.
        why: String,
    },
    /// The API server said no.
    #[error("Kubernetes refused to {what} ({code}): {message}")]
    Refused {
        /// What was asked.
        what: String,
        /// HTTP status.
        code: u16,
        /// The API server's words.
        message: String,
    },
    /// The answer is not what Kubernetes answers.
    #[error("cannot read what Kubernetes answered ({what}): {why}")]
    Strange {
        /// What was asked.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// An image cannot be pulled.
    #[error("image {image} cannot be pulled in namespace {namespace} ({reason}): {message}")]
    Image {
        /// The image.
        image: String,
        /// The puller's namespace.
        namespace: String,
        /// The puller's pod.
        pod: String,
        /// `ErrImagePull`, `ImagePullBackOff`, `InvalidImageName`.
        reason: String,
        /// The kubelet's words.
        message: String,
    },
    /// A wait passed its limit.
    #[error("{what}: {done} of {of} after {}; {missing}", Took(*.limit))]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How many came.
        done: u32,
        /// Of how many.
        of: u32,
        /// The limit.
        limit: Duration,
        /// Each one missing, and where it is stuck.
        missing: String,
        /// What to look at.
        hint: String,
    },
    /// From the doors.
    #[error(transparent)]
    World(#[from] error::Error),
}

impl Error {
    /// What kube's failure of `request` means.
    pub(super) fn of(request: &Request, failure: kube::Error) -> Self {
        match failure {
            kube::Error::Api(status) => Self::status(request, &status),
            // A door that could not get a token says so in its own words.
            kube::Error::Service(inner) => match inner.downcast::<error::Error>() {
                Ok(error) => Self::World(*error),
                Err(inner) => Self::Lost {
                    what: request.to_string(),
                    why: root(&*inner),
                },
            },
            kube::Error::SerdeError(why) if !why.is_eof() => Self::Strange {
                what: request.to_string(),
                why: why.to_string(),
            },
            failure => Self::Lost {
                what: request.to_string(),
                why: root(&failure),
            },
        }
    }

    /// What a failure of a watch means.
    pub(super) fn of_watch(request: &Request, failure: watcher::Error) -> Self {
        match failure {
            watcher::Error::InitialListFailed(e)
            | watcher::Error::WatchStartFailed(e)
            | watcher::Error::WatchFailed(e) => Self::of(request, e),
            watcher::Error::WatchError(status) => Self::status(request, &status),
            watcher::Error::NoResourceVersion => Self::Lost {
                what: request.to_string(),
                why: "the answer has no resourceVersion".to_owned(),
            },
        }
    }

    fn status(request: &Request, status: &Status) -> Self {
        let what = request.to_string();
        let message = status.message.clone();
        match status.code {
            401 => Self::Unauthorized { what },
            403 => Self::Denied {
                what,
                verb: request.verb,
                resource: request.resource.clone(),
                namespace: request.namespace.clone(),
                message,
            },
            404 => Self::NotFound { what, message },
            410 => Self::Expired { what },
            code @ (429 | 503) => Self::Busy {
                what,
                code,
                message,
                after: status
                    .details
                    .as_ref()
                    .map(|details| u64::from(details.retry_after_seconds))
                    .filter(|seconds| *seconds > 0)
                    .map(Duration::from_secs),
            },
            500 | 502 | 504 => Self::Lost { what, why: message },
            code => Self::Refused {
                what,
                code,
                message,
            },
        }
    }
}

/// The innermost reason: outer layers only say that something failed.
fn root(failure: &dyn std::error::Error) -> String {
    let mut inner = failure;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

impl Failure for Error {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unauthorized { .. } => Verdict::Renew,
            Self::Busy { after, .. } => Verdict::Again(*after),
            Self::Lost { .. } => Verdict::Unknown,
            Self::Denied { .. }
            | Self::NotFound { .. }
            | Self::Expired { .. }
            | Self::Refused { .. }
            | Self::Strange { .. }
            | Self::Image { .. }
            | Self::TimedOut { .. }
            | Self::World(_) => Verdict::Final,
        }
    }
}

impl From<Error> for error::Error {
    fn from(failure: Error) -> Self {
        let message = failure.to_string();
        let (kind, hint) = match failure {
            Error::World(error) => return error,
            Error::Unauthorized { .. } => (
                Kind::Credentials,
                "log in again: `gcloud auth application-default login`".to_owned(),
            ),
            Error::Denied {
                verb,
                resource,
                namespace,
                ..
            } => (
                Kind::Denied,
                permission(verb, &resource, namespace.as_deref()),
            ),
            Error::NotFound { .. } => (
                Kind::NotFound,
                "check the name, and that --on names the right target".to_owned(),
            ),
            Error::Busy { code: 429, .. } => (
                Kind::RateLimited,
                "wait a minute and run it again; it goes on from what is there".to_owned(),
            ),
            Error::Busy { .. } | Error::Lost { .. } | Error::Expired { .. } => (
                Kind::Unreachable,
                "check the network, and with `kubectl get --raw /readyz` that the control plane \
                 is up; then run it again"
                    .to_owned(),
            ),
            Error::Refused { .. } => (
                Kind::Operation,
                "the cluster's own rules forbid it; its words above say which".to_owned(),
            ),
            Error::Strange { .. } => (
                Kind::Bug,
                "run it again with -vv and report what it says".to_owned(),
            ),
            Error::Image { namespace, pod, .. } => (
                Kind::Image,
                format!(
                    "check the image's name and tag in the hub's configuration, then \
                     `kubectl -n {namespace} describe pod {pod}`"
                ),
            ),
            Error::TimedOut { hint, .. } => (Kind::TimedOut, hint),
        };
        Self::new(kind, message).hint(hint)
    }
}

/// How to get a missing permission, and how to see whether one has it.
fn permission(verb: &str, resource: &str, namespace: Option<&str>) -> String {
    let place = namespace.map_or_else(String::new, |namespace| format!(" -n {namespace}"));
    let role = match verb {
        "get" | "list" | "watch" => "roles/container.viewer",
        _ => "roles/container.developer",
    };
    format!(
        "ask for {role} on the project, or an RBAC rule for it; \
         `kubectl auth can-i {verb} {resource}{place}` says when you have it"
    )
}
