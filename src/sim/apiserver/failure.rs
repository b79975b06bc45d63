//! What goes wrong, as the `Status` a real API server sends.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::Refusal;
use super::kinds::Kind;
use super::object::{set, text};

/// A request that is answered with a failed `Status`.
#[derive(Debug)]
pub(super) struct Failure {
    code: u16,
    reason: &'static str,
    message: String,
    details: Option<Value>,
    retry_after: Option<u64>,
}

impl Failure {
    pub(super) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
            retry_after: None,
        }
    }

    /// A failure about one object.
    fn about(mut self, kind: &Kind, name: &str) -> Self {
        let mut details = json!({"name": name, "kind": kind.plural});
        if !kind.group.is_empty() {
            set(&mut details, "group", json!(kind.group));
        }
        self.details = Some(details);
        self
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.qualified());
        Self::new(404, "NotFound", message).about(kind, name)
    }

    pub(super) fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kind.qualified());
        Self::new(409, "AlreadyExists", message).about(kind, name)
    }

    pub(super) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            kind.qualified()
        );
        Self::new(409, "Conflict", message).about(kind, name)
    }

    /// A disruption budget allows no eviction now.
    pub(super) fn disrupts(budget: &Value) -> Self {
        let number = |pointer| budget.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
        let (needs, has) = (
            number("/status/desiredHealthy"),
            number("/status/currentHealthy"),
        );
        Self::budget(
            budget,
            &format!("needs {needs} healthy pods and has {has} currently"),
        )
    }

    /// Nobody has worked out yet what a disruption budget allows.
    pub(super) fn stale_budget(budget: &Value) -> Self {
        Self {
            retry_after: Some(10),
            ..Self::budget(budget, "is still being processed by the server.")
        }
    }

    fn budget(budget: &Value, why: &str) -> Self {
        let message = "Cannot evict pod as it would violate the pod's disruption budget.";
        let mut failure = Self::new(429, "TooManyRequests", message);
        let why = format!(
            "The disruption budget {} {why}",
            text(budget, "/metadata/name")
        );
        failure.details = Some(json!({"causes": [{"reason": "DisruptionBudget", "message": why}]}));
        failure
    }

    /// The real one gives no reason with this, only the code.
    pub(super) fn many_budgets() -> Self {
        let message = "This pod has more than one PodDisruptionBudget, which the eviction \
                       subresource does not support.";
        Self::new(500, "", message)
    }

    pub(super) fn internal(why: &str) -> Self {
        let message = format!("Internal error occurred: {why}");
        let mut failure = Self::new(500, "InternalError", message);
        failure.details = Some(json!({"causes": [{"message": why}]}));
        failure
    }

    pub(super) fn unknown_resource() -> Self {
        let message = "the server could not find the requested resource";
        let mut failure = Self::new(404, "NotFound", message);
        failure.details = Some(json!({}));
        failure
    }

    pub(super) fn wrong_method() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut failure = Self::new(405, "MethodNotAllowed", message);
        failure.details = Some(json!({}));
        failure
    }

    /// The changes asked for are no longer known.
    pub(super) fn expired(wanted: u64, oldest: u64) -> Self {
        let message = format!("too old resource version: {wanted} ({oldest})");
        Self::new(410, "Expired", message)
    }

    /// The object a client reads.
    pub(super) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            set(&mut status, "reason", json!(self.reason));
        }
        let mut details = self.details.clone();
        if let Some(seconds) = self.retry_after {
            let details = details.get_or_insert_with(|| json!({}));
            set(details, "retryAfterSeconds", json!(seconds));
        }
        if let Some(details) = details {
            set(&mut status, "details", details);
        }
        status
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self {
            retry_after: refusal.retry_after,
            ..Self::new(refusal.code, refusal.reason, refusal.message)
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (code, axum::Json(self.status())).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
