//! A hub that remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::world::World;
use crate::world::testing::{self, Seen};

/// What a hub was asked, in order: `POST /path body`.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Those that change something.
    pub(super) fn writes(&self) -> Vec<String> {
        let mut all = self.all();
        all.retain(|asked| !asked.starts_with("GET"));
        all
    }
}

/// A hub that answers `METHOD /path` like this, given the body too.
pub(super) fn hub(
    answer: impl Fn(&str, &str) -> Response + Clone + Send + Sync + 'static,
) -> (World, Seen, Asked) {
    let asked = Asked::default();
    let log = Arc::clone(&asked.0);
    let router = Router::new().fallback(move |request: Request| {
        let (answer, log) = (answer.clone(), Arc::clone(&log));
        async move {
            let line = format!("{} {}", request.method(), request.uri());
            assert_eq!(request.headers()["authorization"], "token canary");
            let line = line.replace("https://hub.example", "");
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            log.lock()
                .unwrap()
                .push(format!("{line} {body}").trim().to_owned());
            answer(&line, &body)
        }
    });
    let hub = testing::http("https://hub.example/", Some("token canary"), router);
    let (parts, seen) = testing::parts_with(None, None, Some(hub), None);
    (World::new(parts), seen, asked)
}

pub(super) fn ok(body: &Value) -> Response {
    axum::Json(body).into_response()
}

pub(super) fn status(code: u16, message: &str) -> Response {
    let code = StatusCode::from_u16(code).unwrap();
    let body = axum::Json(json!({ "status": code.as_u16(), "message": message }));
    (code, body).into_response()
}
