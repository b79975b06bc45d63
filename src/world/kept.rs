//! Doors whose answers from the web are kept, so that a copy can give them again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use google_cloud_container_v1::client::ClusterManager;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use serde_json::Value;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt as _, service_fn};

use super::http::Body;
use super::snapshot::Exchange;
use super::{Desk, Doors, GitHub, Http};
use crate::error;

/// The longest answer that is kept.
const ANSWER_MAX: usize = 8 << 20;
/// The headers that are kept.
const HEADERS: [&str; 4] = [
    "content-type",
    "docker-content-digest",
    "www-authenticate",
    "link",
];

/// The same doors; what the web answers is kept.
pub struct Kept {
    doors: Arc<dyn Doors>,
    web: Web,
}

/// What was asked of the web, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Web(Arc<Mutex<Vec<Exchange>>>);

/// A service behind a door.
pub(super) type Service = BoxCloneSyncService<Request<Full<Bytes>>, Response<Body>, BoxError>;

impl Kept {
    /// These doors, with a memory.
    pub fn new(doors: Arc<dyn Doors>) -> Self {
        let web = Web::default();
        Self { doors, web }
    }

    /// What was asked of the web, in order, and what came back.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.web
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Web {
    /// The same service; what it answers is kept.
    pub(super) fn of(&self, service: Service) -> Service {
        let kept = self.clone();
        BoxCloneSyncService::new(service_fn(move |request| {
            kept.clone().ask(service.clone(), request)
        }))
    }

    /// Asks, and keeps the answer.
    fn ask(
        self,
        service: Service,
        request: Request<Full<Bytes>>,
    ) -> BoxFuture<'static, Result<Response<Body>, BoxError>> {
        Box::pin(async move {
            let text = |name| {
                let value = request.headers().get(name);
                let value = value.and_then(|value| value.to_str().ok());
                value.unwrap_or_default().to_owned()
            };
            let mut exchange = Exchange {
                method: request.method().to_string(),
                url: request.uri().to_string(),
                accept: text(header::ACCEPT),
                known: request.headers().contains_key(header::AUTHORIZATION),
                status: 0,
                headers: BTreeMap::new(),
                body: String::new(),
            };
            let (parts, mut body) = service.oneshot(request).await?.into_parts();
            let mut whole = Vec::new();
            while let Some(frame) = body.frame().await {
                whole.extend(frame?.into_data().iter().flatten());
                if whole.len() > ANSWER_MAX {
                    return Err("its answer is too long".into());
                }
            }
            let body = Bytes::from(whole);
            exchange.status = parts.status.as_u16();
            for name in HEADERS {
                let value = parts
                    .headers
                    .get(name)
                    .and_then(|value| value.to_str().ok());
                let value = value.map(|value| (name.to_owned(), value.to_owned()));
                exchange.headers.extend(value);
            }
            exchange.body = harmless(&body);
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(exchange);
            let body = Full::new(body)
                .map_err(|never| match never {})
                .boxed_unsync();
            Ok(Response::from_parts(parts, body))
        })
    }
}

impl Doors for Kept {
    fn gke(&self) -> BoxFuture<'_, error::Result<ClusterManager>> {
        self.doors.gke()
    }

    fn k8s(&self) -> BoxFuture<'_, error::Result<kube::Client>> {
        self.doors.k8s()
    }

    fn hub(&self) -> BoxFuture<'_, error::Result<Option<Http>>> {
        self.doors.hub()
    }

    fn web(&self, base: &str) -> BoxFuture<'_, error::Result<Http>> {
        let (opened, kept) = (self.doors.web(base), self.web.clone());
        Box::pin(async move { Ok(opened.await?.kept(&kept)) })
    }

    fn iam(&self) -> BoxFuture<'_, error::Result<Http>> {
        self.doors.iam()
    }

    fn github(&self) -> BoxFuture<'_, error::Result<GitHub>> {
        self.doors.github()
    }

    fn desk(&self) -> &dyn Desk {
        self.doors.desk()
    }

    fn identity(&self) -> BoxFuture<'_, error::Result<String>> {
        self.doors.identity()
    }

    fn renew(&self) -> BoxFuture<'_, error::Result<()>> {
        self.doors.renew()
    }
}

/// An answer without the tokens in it.
fn harmless(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Ok(Value::Object(mut fields)) = serde_json::from_str(&text) else {
        return text.into_owned();
    };
    let mut held = false;
    for key in ["token", "access_token", "refresh_token"] {
        if let Some(value) = fields.get_mut(key) {
            *value = "left-out".into();
            held = true;
        }
    }
    if held {
        Value::Object(fields).to_string()
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_kept() {
        assert!(!harmless(br#"{"token":"canary","expires_in":300}"#).contains("canary"));
        assert_eq!(
            harmless(b"{\"schemaVersion\": 2}"),
            "{\"schemaVersion\": 2}"
        );
    }
}
