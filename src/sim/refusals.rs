//! How the two APIs say no, in their own words.

use google_cloud_gax::error::Error;
use google_cloud_gax::error::rpc::{Code, Status, StatusDetails};
use google_cloud_rpc::model::{ErrorInfo, RequestInfo, RetryInfo};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use super::apiserver::Refusal;
use super::fault::Trouble;
use super::leases;
use super::state::State;
use crate::names::ClusterName;

/// How often `rate-limited` refuses, per API.
const REFUSALS: (u32, u32) = (3, 2);
const GKE_PAUSE: i64 = 5;

fn error(code: Code, http: u16, message: String, details: Vec<StatusDetails>) -> Error {
    let request = RequestInfo::new().set_request_id("0xbc082b8846774fe9");
    let mut all = vec![StatusDetails::RequestInfo(request)];
    let mut headers = HeaderMap::new();
    if (details.iter()).any(|detail| matches!(detail, StatusDetails::RetryInfo(_))) {
        headers.insert("retry-after", HeaderValue::from(GKE_PAUSE));
    }
    all.extend(details);
    let status = Status::default()
        .set_code(code)
        .set_message(message)
        .set_details(all);
    // The plain constructor has no HTTP status, which the live client always sees.
    Error::service_with_http_metadata(status, Some(http), Some(headers))
}

fn info(reason: &str, domain: &str) -> StatusDetails {
    StatusDetails::ErrorInfo(ErrorInfo::new().set_reason(reason).set_domain(domain))
}

/// Another operation is in the way.
pub(super) fn busy(operation: &str) -> Error {
    error(
        Code::FailedPrecondition,
        400,
        format!("Cluster is running incompatible operation {operation}."),
        vec![info(
            "CLUSTER_ALREADY_HAS_OPERATION",
            "container.googleapis.com",
        )],
    )
}

pub(super) fn not_found(what: &str) -> Error {
    error(
        Code::NotFound,
        404,
        format!("Not found: {what}."),
        Vec::new(),
    )
}

pub(super) fn invalid(why: impl Into<String>) -> Error {
    error(Code::InvalidArgument, 400, why.into(), Vec::new())
}

/// The practice world does not do this.
pub(super) fn unimplemented(call: &str) -> Error {
    let message = format!("The practice world does not implement {call}.");
    error(Code::Unimplemented, 501, message, Vec::new())
}

pub(super) fn not_cancellable(operation: &str) -> Error {
    let message = format!("Operation {operation} cannot be cancelled.");
    error(Code::FailedPrecondition, 400, message, Vec::new())
}

/// Fewer processors are left than a resize needs.
pub(super) fn quota(project: &str, requires: usize, limit: usize, available: usize) -> Error {
    let short = requires.saturating_sub(available);
    error(
        Code::PermissionDenied,
        403,
        format!(
            "Insufficient regional quota to satisfy request: resource \"CPUS\": request requires \
             '{requires}.0' and is short '{short}.0'. project has a quota of '{limit}.0' with \
             '{available}.0' available. View and manage quotas at \
             https://console.cloud.google.com/iam-admin/quotas?usage=USED&project={project}."
        ),
        Vec::new(),
    )
}

fn denied(cluster: &ClusterName) -> Error {
    error(
        Code::PermissionDenied,
        403,
        format!(
            "Required \"container.clusters.update\" permission(s) for \"{}\".",
            cluster.path()
        ),
        vec![info("IAM_PERMISSION_DENIED", "container.googleapis.com")],
    )
}

pub(super) fn unauthenticated() -> Error {
    error(
        Code::Unauthenticated,
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login \
         cookie or other valid authentication credential."
            .to_owned(),
        vec![info("ACCESS_TOKEN_EXPIRED", "googleapis.com")],
    )
}

fn rate_limited() -> Error {
    let pause = google_cloud_wkt::Duration::clamp(GKE_PAUSE, 0);
    error(
        Code::ResourceExhausted,
        429,
        "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' of service \
         'container.googleapis.com' for consumer 'project_number:123456789012'."
            .to_owned(),
        vec![
            info("RATE_LIMIT_EXCEEDED", "googleapis.com"),
            StatusDetails::RetryInfo(RetryInfo::new().set_retry_delay(pause)),
        ],
    )
}

impl State {
    /// What GKE checks before it looks at a request.
    pub(super) fn admit(&mut self, writes: bool, at: Timestamp) -> Result<(), Error> {
        if self.strikes(Trouble::ExpiredToken, at) {
            return Err(unauthenticated());
        }
        if self.strikes(Trouble::RateLimited, at) && self.limited.0 < REFUSALS.0 {
            self.limited.0 += 1;
            return Err(rate_limited());
        }
        if writes && self.strikes(Trouble::Denied, at) {
            return Err(denied(&self.layout.cluster));
        }
        Ok(())
    }

    /// What Kubernetes checks before it looks at a request.
    pub(super) fn refuse(&mut self, method: &str, path: &str, at: Timestamp) -> Option<Refusal> {
        self.surprise(method, path, at);
        let refusal = |code, reason, message: String, retry_after| Refusal {
            code,
            reason,
            message,
            retry_after,
        };
        if self.strikes(Trouble::ExpiredToken, at) {
            return Some(refusal(
                401,
                "Unauthorized",
                "Unauthorized".to_owned(),
                None,
            ));
        }
        if self.strikes(Trouble::RateLimited, at) && self.limited.1 < REFUSALS.1 {
            self.limited.1 += 1;
            let message =
                "the server has received too many requests and has asked us to try again later";
            return Some(refusal(429, "TooManyRequests", message.to_owned(), Some(1)));
        }
        let metrics = path.starts_with("/apis/metrics.k8s.io/");
        if let Some(origin) = &self.origin
            && matches!(method, "GET" | "HEAD")
            && let Some(said) = origin.refused.get(path)
        {
            return Some(refusal(403, "Forbidden", said.message.clone(), None));
        }
        // What a copy's containers use nobody has measured.
        if metrics && (self.origin.is_some() || self.strikes(Trouble::NoMetrics, at)) {
            let message = "the server is currently unable to handle the request";
            let message = message.to_owned();
            return Some(refusal(503, "ServiceUnavailable", message, None));
        }
        // A shell is begun with a GET, and is no reading.
        let shell = path.ends_with("/exec");
        let changes = (shell || !matches!(method, "GET" | "HEAD")) && !leases::is_about(path);
        if changes && self.strikes(Trouble::Denied, at) {
            let message = forbidden(method, path);
            return Some(refusal(403, "Forbidden", message, None));
        }
        None
    }
}

/// `nodes "x" is forbidden: ...`, as GKE's authorizer writes it.
fn forbidden(method: &str, path: &str) -> String {
    if let [
        "",
        "api",
        "v1",
        "namespaces",
        namespace,
        "pods",
        pod,
        "exec",
    ] = path.split('/').collect::<Vec<_>>().as_slice()
    {
        return format!(
            "pods \"{pod}\" is forbidden: User \"operator@example.com\" cannot create resource \
             \"pods/exec\" in API group \"\" in the namespace \"{namespace}\": requires one of \
             [\"container.pods.exec\"] permission(s)."
        );
    }
    let verb = match method {
        "POST" => "create",
        "PUT" => "update",
        "DELETE" => "delete",
        _ => "patch",
    };
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (resource, name) = match (verb, parent.rsplit_once('/')) {
        ("create", _) | (_, None) => (name, String::new()),
        (_, Some((_, resource))) => (resource, format!(" \"{name}\"")),
    };
    format!(
        "{resource}{name} is forbidden: User \"operator@example.com\" cannot {verb} resource \
         \"{resource}\" in API group \"\" at the cluster scope: requires one of \
         [\"container.{resource}.{verb}\"] permission(s)."
    )
}
