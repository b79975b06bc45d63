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
    /// `nodes`, `daemonsets.apps`.
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
pub(super) enum Error {
    /// The API server said no, in its own words.
    #[error("{}: {message}", refusal(*.code, .what))]
    Api {
        what: Request,
        code: u16,
        message: String,
        /// The pause it asks for before the next try.
        after: Option<Duration>,
    },
    /// No answer came.
    #[error("Kubernetes does not answer ({what}): {why}")]
    Lost { what: Request, why: String },
    /// The answer is not what Kubernetes answers.
    #[error("cannot read what Kubernetes answered ({what}): {why}")]
    Strange { what: Request, why: String },
    /// An image cannot be pulled; reason and message are the kubelet's.
    #[error("image {image} cannot be pulled in namespace {namespace} ({reason}): {message}")]
    Image {
        image: String,
        namespace: String,
        pod: String,
        reason: String,
        message: String,
    },
    /// There is no such namespace.
    #[error("there is no namespace {namespace}")]
    NoNamespace {
        namespace: String,
        near: Option<String>,
        known: Vec<String>,
    },
    /// Nobody says where the hubs are, and none is to be seen.
    #[error("no namespace has a hub: no pod is labelled component=hub")]
    NoHub,
    /// A wait passed its limit; `missing` says what is stuck where.
    #[error("{what}: {done} of {of} after {}; {missing}", Took(*.limit))]
    TimedOut {
        what: String,
        done: u32,
        of: u32,
        limit: Duration,
        missing: String,
        hint: String,
    },
    /// The connection of a command broke.
    #[error("the connection to {place} was lost: {why}")]
    Cut { place: String, why: String },
    /// A command could not be begun; the message is the kubelet's.
    #[error("no shell in {place}: {message}")]
    NotRun { place: String, message: String },
    /// From the doors.
    #[error(transparent)]
    World(#[from] error::Error),
}

fn refusal(code: u16, what: &Request) -> String {
    match code {
        401 => format!("Kubernetes did not accept the credentials ({what})"),
        403 => format!("Kubernetes does not let us {what}"),
        404 => format!("Kubernetes cannot {what}"),
        410 => format!("Kubernetes has forgotten where we were ({what})"),
        429 | 503 => format!("Kubernetes is busy ({code}, {what})"),
        code => format!("Kubernetes refused to {what} ({code})"),
    }
}

impl Error {
    /// What kube's failure of `what` means.
    pub(super) fn of(what: &Request, failure: kube::Error) -> Self {
        let what = what.clone();
        match failure {
            kube::Error::Api(status) => Self::status(what, *status),
            // A door that could not get a token says so in its own words.
            kube::Error::Service(inner) => match inner.downcast::<error::Error>() {
                Ok(error) => Self::World(*error),
                Err(inner) => Self::Lost {
                    what,
                    why: root(&*inner),
                },
            },
            kube::Error::SerdeError(why) if !why.is_eof() => Self::Strange {
                what,
                why: why.to_string(),
            },
            failure => Self::Lost {
                what,
                why: root(&failure),
            },
        }
    }

    /// What a failure of a watch means.
    pub(super) fn of_watch(what: &Request, failure: watcher::Error) -> Self {
        match failure {
            watcher::Error::InitialListFailed(e)
            | watcher::Error::WatchStartFailed(e)
            | watcher::Error::WatchFailed(e) => Self::of(what, e),
            watcher::Error::WatchError(status) => Self::status(what.clone(), *status),
            watcher::Error::NoResourceVersion => Self::Strange {
                what: what.clone(),
                why: "it has no resourceVersion".to_owned(),
            },
        }
    }

    fn status(what: Request, status: Status) -> Self {
        // What a watch sends and kube cannot read comes out as an empty status.
        if status.code == 0 && status.message.is_empty() {
            let why = "an object does not have the expected shape".to_owned();
            return Self::Strange { what, why };
        }
        let asked = status.details.map_or(0, |d| d.retry_after_seconds);
        Self::Api {
            what,
            code: status.code,
            message: status.message,
            after: (asked > 0).then(|| Duration::from_secs(asked.into())),
        }
    }

    /// The status the API server answered with.
    pub(super) fn code(&self) -> Option<u16> {
        match self {
            Self::Api { code, .. } => Some(*code),
            _ => None,
        }
    }
}

/// The innermost reason: outer layers only say that something failed.
pub(super) fn root(failure: &dyn std::error::Error) -> String {
    let mut inner = failure;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

impl Failure for Error {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Api { code, after, .. } => match code {
                401 => Verdict::Renew,
                429 | 503 => Verdict::Again(*after),
                500 | 502 | 504 => Verdict::Unknown,
                _ => Verdict::Final,
            },
            Self::Lost { .. } => Verdict::Unknown,
            Self::World(error) => Verdict::of(error),
            Self::Strange { .. }
            | Self::Image { .. }
            | Self::NoNamespace { .. }
            | Self::NoHub
            | Self::Cut { .. }
            | Self::NotRun { .. }
            | Self::TimedOut { .. } => Verdict::Final,
        }
    }
}

impl From<Error> for error::Error {
    fn from(failure: Error) -> Self {
        let message = failure.to_string();
        let (kind, hint) = match failure {
            Error::World(error) => return error,
            Error::Api { what, code, .. } => next_step(code, &what),
            Error::Lost { what, .. } => next_step(503, &what),
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
            Error::NoNamespace { near, known, .. } => (Kind::NotFound, there_are(near, &known)),
            Error::NoHub => (
                Kind::NotFound,
                "name the hubs' namespaces in `watch` of runbook.toml, or ask for one by name"
                    .to_owned(),
            ),
            Error::TimedOut { hint, .. } => (Kind::TimedOut, hint),
            Error::Cut { .. } => (
                Kind::Unreachable,
                "what it was doing may have gone on or not: look before you do it again".to_owned(),
            ),
            Error::NotRun { .. } => (
                Kind::NotFound,
                "its image may hold nothing but one program; another container of the pod may \
                 have a shell (--container)"
                    .to_owned(),
            ),
        };
        Self::new(kind, message).hint(hint)
    }
}

/// What kind of failure a status is, and what to do about it.
fn next_step(code: u16, what: &Request) -> (Kind, String) {
    let (kind, hint) = match code {
        401 => (
            Kind::Credentials,
            "log in again: `gcloud auth application-default login`",
        ),
        403 => return (Kind::Denied, permission(what)),
        404 => (
            Kind::NotFound,
            "check the name, and that --on names the right target",
        ),
        409 => (
            Kind::Busy,
            "somebody else has changed it at the same moment; run it again",
        ),
        429 => (
            Kind::RateLimited,
            "wait a minute and run it again; it goes on from what is there",
        ),
        410 | 500 | 502 | 503 | 504 => (
            Kind::Unreachable,
            "check the network, and with `kubectl get --raw /readyz` the control plane; then \
             run it again",
        ),
        _ => (
            Kind::Operation,
            "the cluster's own rules forbid it; its words above say which",
        ),
    };
    (kind, hint.to_owned())
}

/// What there is instead.
fn there_are(near: Option<String>, known: &[String]) -> String {
    let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    match known {
        [] => format!("{near}check the name, and that --on names the right target"),
        known => format!("{near}there are: {}", known.join(", ")),
    }
}

/// How to get a missing permission, and how to see whether one has it.
fn permission(what: &Request) -> String {
    let namespace = what.namespace.as_ref();
    let place = namespace.map_or_else(String::new, |namespace| format!(" -n {namespace}"));
    let role = match what.verb {
        // A viewer may look at everything but logs and secrets.
        "get" | "list" | "watch" if !["pods/log", "secrets"].contains(&&*what.resource) => {
            "roles/container.viewer"
        }
        _ => "roles/container.developer",
    };
    let (verb, resource) = (what.verb, &what.resource);
    format!(
        "ask for {role} on the project, or an RBAC rule for it; \
         `kubectl auth can-i {verb} {resource}{place}` says when you have it"
    )
}
