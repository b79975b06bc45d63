//! How a server starts, as the hub tells it: server-sent events, one JSON object each.

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Collected};
use serde::Deserialize;

use super::call::{encoded, judge, lost};
use super::error::Error;
use crate::world::http::{Answer, Body, Http};

/// What a pod's events say that will not come right by waiting.
const HOPELESS: [&str; 5] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "Failed to pull image",
    "InvalidImageName",
    "CrashLoopBackOff",
];
/// How kubelets write the last of them.
const RESTARTING: &str = "Back-off restarting failed container";

/// One event.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Step {
    pub(super) message: String,
    pub(super) ready: bool,
    pub(super) failed: bool,
}

impl Step {
    /// Whether it says that the server will never run.
    pub(super) fn is_hopeless(&self) -> bool {
        let says = |what: &&str| self.message.contains(*what);
        HOPELESS.iter().any(says) || says(&RESTARTING)
    }
}

/// The stream of a server's start.
pub(super) struct Steps {
    body: Body,
    /// What has come of a line that has not ended.
    rest: Vec<u8>,
}

impl Steps {
    /// Opens it; none when the server is not starting.
    pub(super) async fn open(hub: &Http, user: &str) -> Result<Option<Self>, Error> {
        let path = format!("/hub/api/users/{}/server/progress", encoded(user));
        let request = Request::get(&path).header(header::ACCEPT, "text/event-stream");
        let answer = hub.open(request).await.map_err(|why| lost(hub, why))?;
        let (parts, body) = answer.into_parts();
        if parts.status == StatusCode::OK {
            let rest = Vec::new();
            return Ok(Some(Self { body, rest }));
        }
        if matches!(
            parts.status,
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND
        ) {
            return Ok(None);
        }
        let body = body.collect().await.map(Collected::to_bytes);
        let refusal = Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.unwrap_or_default(),
        };
        judge(hub, "tell how a server starts", refusal).map(|_| None)
    }

    /// The next event; none when the stream has ended, for whatever reason.
    pub(super) async fn next(&mut self) -> Option<Step> {
        loop {
            while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                let data = line.strip_prefix(b"data:");
                if let Some(step) = data.and_then(|data| serde_json::from_slice(data).ok()) {
                    return Some(step);
                }
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.rest.extend_from_slice(&data);
            }
        }
    }
}
