//! A request, taken apart: what it asks, and what it is about.

use axum::body::to_bytes;
use axum::extract::Query;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, header};
use hyper::upgrade::OnUpgrade;
use serde_json::Value;

use super::failure::Failure;
use super::kinds::{GROUPS, KINDS, Kind, version_of};
use super::object::text;

/// Longer than any object; etcd's own limit is half of it.
const BODY_MAX: usize = 3 << 20;

/// A request with its body read.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Vec<u8>,
    /// The connection, for what is to be spoken on it next.
    pub(super) upgrade: OnUpgrade,
}

impl Request {
    pub(super) async fn read(mut request: axum::extract::Request) -> Result<Self, Failure> {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, body) = request.into_parts();
        let query = Query::try_from_uri(&parts.uri)
            .map_err(|error| Failure::bad_request(error.to_string()))?;
        let body = to_bytes(body, BODY_MAX)
            .await
            .map_err(|error| Failure::bad_request(error.to_string()))?;
        Ok(Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: query.0,
            headers: parts.headers,
            body: body.to_vec(),
            upgrade,
        })
    }

    /// A parameter of the query; empty when it is not there.
    pub(super) fn param(&self, name: &str) -> &str {
        let given = self.query.iter().find(|(key, _)| key == name);
        given.map_or("", |(_, value)| value.as_str())
    }

    /// A parameter that may be given several times.
    pub(super) fn params<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let given = self.query.iter().filter(move |(key, _)| key == name);
        given.map(|(_, value)| value.as_str())
    }

    /// A parameter that is yes or no.
    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), "true" | "1")
    }

    /// A parameter that is a number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        match self.param(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                Failure::bad_request(format!("{name}: Invalid value: \"{text}\": not a number"))
            }),
        }
    }

    /// The body as JSON; nothing when there is none.
    pub(super) fn json(&self) -> Result<Value, Failure> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::bad_request(format!("the body is not JSON: {error}")))
    }

    /// The media type of the body, without its parameters.
    pub(super) fn content_type(&self) -> &str {
        let written = self.header(header::CONTENT_TYPE);
        written.split(';').next().unwrap_or_default().trim()
    }

    /// Whether the client would rather have objects in a form of this name.
    pub(super) fn accepts(&self, form: &str) -> bool {
        self.header(header::ACCEPT).contains(form)
    }

    /// The version of aggregated discovery that the client understands best, if any.
    pub(super) fn wants_aggregated(&self) -> Option<&'static str> {
        let accepted = self.header(header::ACCEPT);
        ["v2", "v2beta1"].into_iter().find(|version| {
            let form = format!("g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
            accepted
                .split(',')
                .any(|accepted| accepted.trim().ends_with(&form))
        })
    }

    /// A document about the server, in the form that was asked for.
    pub(super) fn as_asked(&self, document: Value) -> Response {
        let aggregated = text(&document, "/kind") == "APIGroupDiscoveryList";
        let mut response = axum::Json(document).into_response();
        if aggregated && let Some(version) = self.wants_aggregated() {
            let form = format!(
                "application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            );
            if let Ok(form) = form.parse() {
                response.headers_mut().insert(header::CONTENT_TYPE, form);
            }
        }
        response
    }

    pub(super) fn header(&self, name: header::HeaderName) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The answer to a question about health.
    pub(super) fn probe(&self) -> Option<&'static str> {
        ["/healthz", "/livez", "/readyz"]
            .contains(&self.path.as_str())
            .then_some("ok")
    }

    pub(super) fn is_access_review(&self) -> bool {
        self.path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    }
}

/// What a path is about.
pub(super) struct Target<'a> {
    pub(super) kind: &'static Kind,
    pub(super) namespace: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    /// `status`, `eviction`, `log` or `exec`.
    pub(super) sub: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads a path; `None` when it lies outside the served groups.
    pub(super) fn parse(path: &'a str) -> Result<Option<Self>, Failure> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, rest) = match parts.as_slice() {
            ["api", "v1", rest @ ..] => ("", rest),
            ["apis", group, version, rest @ ..]
                if GROUPS.contains(group) && *version == version_of(group) =>
            {
                (*group, rest)
            }
            _ => return Ok(None),
        };
        let (namespace, rest) = match rest {
            // `namespaces/x/status` is about the namespace itself.
            ["namespaces", _, "status"] => (None, rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            _ => (None, rest),
        };
        let (plural, name, sub) = match rest {
            [plural] => (*plural, None, None),
            [plural, name] => (*plural, Some(*name), None),
            [plural, name, sub] => (*plural, Some(*name), Some(*sub)),
            _ => return Err(Failure::unknown_resource()),
        };
        KINDS
            .iter()
            .find(|kind| kind.plural == plural && kind.group == group)
            // All namespaces can be listed at once; one object lies in one namespace.
            .filter(|kind| match namespace {
                Some(_) => kind.namespaced,
                None => !kind.namespaced || name.is_none(),
            })
            .map(|kind| {
                Some(Self {
                    kind,
                    namespace,
                    name,
                    sub,
                })
            })
            .ok_or_else(Failure::unknown_resource)
    }
}
