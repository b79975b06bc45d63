//! Reads Google's refusals: code first, then `ErrorInfo`, text only where they do not tell.

use std::time::Duration;

use google_cloud_gax::error::rpc::{Code, Status, StatusDetails};
use google_cloud_gax::error::{CredentialsError, Error as Refusal};

use super::Error;
use super::call::Request;
use crate::error;
use crate::names::ClusterName;
use crate::world::post;
use crate::world::retry::Verdict;

/// The HTTP status of a refusal, also where a simulator only gives the code.
pub(crate) fn http_status(refusal: &Refusal) -> Option<u16> {
    refusal.http_status_code().or_else(|| {
        Some(match refusal.status()?.code {
            Code::Ok => 200,
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
            Code::Unauthenticated => 401,
            Code::PermissionDenied => 403,
            Code::NotFound => 404,
            Code::AlreadyExists | Code::Aborted => 409,
            Code::ResourceExhausted => 429,
            Code::Cancelled => 499,
            Code::Unimplemented => 501,
            Code::Unavailable => 503,
            Code::DeadlineExceeded => 504,
            _ => 500,
        })
    })
}

/// What a refusal means.
pub(crate) fn read(refusal: &Refusal, request: &Request, cluster: &ClusterName) -> Error {
    let unreachable = |verdict| Error::Unreachable {
        text: words(refusal),
        verdict,
    };
    // A login that is no longer there says so in its own words.
    if let Some(own) = error::Error::within(refusal) {
        return Error::Elsewhere(own);
    }
    if refusal.is_connect() {
        return unreachable(Verdict::Again(None));
    }
    if refusal.is_authentication() {
        let passing = std::error::Error::source(refusal)
            .and_then(|cause| cause.downcast_ref::<CredentialsError>())
            .is_some_and(CredentialsError::is_transient);
        return if passing {
            unreachable(Verdict::Again(None))
        } else {
            Error::Unauthenticated {
                text: words(refusal),
            }
        };
    }
    if refusal.is_binding() || refusal.is_serialization() {
        return other(refusal, request);
    }
    match http_status(refusal) {
        Some(400 | 409) if is_busy(refusal) => Error::Busy {
            operation: operation_in(&words(refusal)),
            cluster: cluster.clone(),
        },
        Some(401) => Error::Unauthenticated {
            text: words(refusal),
        },
        Some(403 | 429) => limited(refusal, request, cluster),
        Some(404) => not_found(request, cluster),
        // Only a service that names a pause has surely not begun.
        Some(503) if !request.write || pause(refusal).is_some() => {
            unreachable(Verdict::Again(pause(refusal)))
        }
        Some(400..=498 | 501) => other(refusal, request),
        Some(_) | None => unreachable(Verdict::Unknown),
    }
}

fn other(refusal: &Refusal, request: &Request) -> Error {
    Error::Other {
        what: request.what.clone(),
        text: words(refusal),
    }
}

fn not_found(request: &Request, cluster: &ClusterName) -> Error {
    let hint = if request.path.contains("/operations/") {
        format!("See which there are: {}", super::error::show(cluster, None))
    } else {
        format!(
            "Check project, location and cluster in runbook.toml against `gcloud container \
             clusters list --project {}`",
            cluster.project
        )
    };
    Error::NotFound {
        what: subject(&request.path),
        place: format!("{}/{}", cluster.project, cluster.location),
        hint,
    }
}

/// `…/clusters/C/nodePools/P` as `node pool P`.
fn subject(path: &str) -> String {
    let mut ends = path
        .trim_end_matches("/nodePools")
        .trim_end_matches("/operations")
        .rsplit('/');
    let name = ends.next().unwrap_or(path);
    match ends.next() {
        Some("nodePools") => format!("node pool {}", name.split(':').next().unwrap_or(name)),
        Some("operations") => format!("operation {name}"),
        Some("clusters") => format!("cluster {name}"),
        Some("locations") => format!("location {name}"),
        _ => path.to_owned(),
    }
}

/// 403 and 429: a permission, a quota or a rate; Google uses both codes for each of the last two.
fn limited(refusal: &Refusal, request: &Request, cluster: &ClusterName) -> Error {
    let text = words(refusal);
    if let Some(found) = trouble(&text, cluster, None) {
        return found;
    }
    let reason = reason(refusal);
    if reason == Some("QUOTA_EXCEEDED") {
        return Error::Quota {
            project: cluster.project.clone(),
            text,
        };
    }
    if http_status(refusal) == Some(429) || reason == Some("RATE_LIMIT_EXCEEDED") {
        return Error::RateLimited {
            text,
            after: pause(refusal),
        };
    }
    Error::Denied {
        what: request.what.clone(),
        project: cluster.project.clone(),
        permission: permission_in(&text),
        text: reason.map_or_else(|| text.clone(), |reason| format!("{text} ({reason})")),
    }
}

/// Stockouts and used-up quotas, which only GKE's words tell from other failures.
pub(crate) fn trouble(text: &str, cluster: &ClusterName, operation: Option<&str>) -> Option<Error> {
    let lower = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&[
        "stockout",
        "resource_pool_exhausted",
        "does not have enough resources",
        "out of resources",
    ]) {
        return Some(Error::Stockout {
            zone: zone_in(text)
                .map_or_else(|| cluster.location.clone(), |zone| format!("zone {zone}")),
            text: came(text).unwrap_or_else(|| text.to_owned()),
            operation: operation.map(str::to_owned),
        });
    }
    let quota = says(&["quota_exceeded"])
        || (says(&["quota"]) && says(&["insufficient", "is short", "quota '"]));
    quota.then(|| Error::Quota {
        project: cluster.project.clone(),
        text: text
            .split(" View and manage quotas")
            .next()
            .unwrap_or(text)
            .to_owned(),
    })
}

/// A conflict with another operation. Older answers carry no `ErrorInfo`, so words count as well.
fn is_busy(refusal: &Refusal) -> bool {
    let Some(status) = refusal.status() else {
        return false;
    };
    match status.code {
        Code::Aborted => true,
        Code::FailedPrecondition => {
            reason(refusal) == Some("CLUSTER_ALREADY_HAS_OPERATION")
                || [
                    "incompatible operation",
                    "created, deleted, updated or repaired",
                    "try again once it is done",
                ]
                .iter()
                .any(|words| status.message.contains(words))
        }
        _ => false,
    }
}

fn details(refusal: &Refusal) -> &[StatusDetails] {
    refusal
        .status()
        .map_or(&[], |status: &Status| &status.details)
}

fn reason(refusal: &Refusal) -> Option<&str> {
    details(refusal).iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) => Some(info.reason.as_str()),
        _ => None,
    })
}

/// The pause a service asked for, by `RetryInfo` or by header.
fn pause(refusal: &Refusal) -> Option<Duration> {
    let detail = details(refusal).iter().find_map(|detail| match detail {
        StatusDetails::RetryInfo(info) => info.retry_delay.as_ref(),
        _ => None,
    });
    if let Some(delay) = detail {
        return u64::try_from(delay.seconds()).ok().map(Duration::from_secs);
    }
    let header = refusal.http_headers()?.get("retry-after")?;
    header
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

/// GKE's own words, else what went wrong on the way.
fn words(refusal: &Refusal) -> String {
    if let Some(status) = refusal.status() {
        return status.message.replace("\\\"", "\"").trim().to_owned();
    }
    post::chain(refusal)
}

/// The first `operation-…` named in a text.
pub(crate) fn operation_in(text: &str) -> Option<String> {
    word_from(text, "operation-", |c| {
        c.is_ascii_alphanumeric() || c == '-'
    })
}

fn permission_in(text: &str) -> Option<String> {
    ["container.", "compute.", "iam."]
        .iter()
        .find_map(|service| {
            let found = word_from(text, service, |c| c.is_ascii_alphanumeric() || c == '.')?;
            let found = found.trim_end_matches('.');
            (found.matches('.').count() >= 2).then(|| found.to_owned())
        })
}

fn zone_in(text: &str) -> Option<String> {
    let path = word_from(text, "zones/", |c| {
        c.is_ascii_alphanumeric() || c == '-' || c == '/'
    })?;
    path.strip_prefix("zones/").map(str::to_owned)
}

/// `Expected 3, running 1` as `1 of 3 came`.
fn came(text: &str) -> Option<String> {
    let (expected, rest) = text.split_once("Expected ")?.1.split_once(", running ")?;
    let running: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("{running} of {expected} came"))
}

/// The word that begins with `start`, as far as `inside` goes.
fn word_from(text: &str, start: &str, inside: impl Fn(char) -> bool) -> Option<String> {
    let begin = text.find(start)?;
    let word: String = text
        .get(begin..)?
        .chars()
        .take_while(|c| inside(*c))
        .collect();
    (word.len() > start.len()).then(|| word.trim_end_matches('-').to_owned())
}
