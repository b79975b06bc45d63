//! Asking a hub, and noting what it answers as far as hubs should agree on it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use http::{Request, header};
use http_body_util::BodyExt as _;
use runbook::world::{Clock, Http};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::CHECKER;

/// One exchange, as far as hubs should agree on it.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub(super) what: String,
    pub(super) status: u16,
    /// The keys of an object; a real hub may have more.
    pub(super) keys: BTreeSet<String>,
    /// What must be the same to the letter.
    pub(super) text: String,
}

/// A hub being asked.
pub(super) struct Asking<'a> {
    pub(super) hub: &'a Http,
    pub(super) lines: Vec<Line>,
}

impl Asking<'_> {
    /// Asks and notes the status, and the keys of what came.
    pub(super) async fn ask(&mut self, what: &str, body: &str) -> Value {
        self.told(what, body, |_| String::new()).await
    }

    /// The same, with something of the answer that must be the same.
    pub(super) async fn told(
        &mut self,
        what: &str,
        body: &str,
        text: impl Fn(&Value) -> String,
    ) -> Value {
        let mut words = what.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::CONTENT_TYPE, "application/json");
        if what.ends_with("for pages") {
            request = request.header(header::ACCEPT, "application/jupyterhub-pagination+json");
        }
        if what.ends_with("as nobody") {
            request = request.header(header::AUTHORIZATION, "token of-nobody");
        }
        let answer = self.hub.send(request, body.to_owned()).await.unwrap();
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let keys = value.as_object().map(|map| map.keys().cloned().collect());
        self.lines.push(Line {
            what: what.to_owned(),
            status: answer.status.as_u16(),
            keys: keys.unwrap_or_default(),
            text: text(&value),
        });
        value
    }

    /// The last event of a server's start, and the keys it has.
    pub(super) async fn follow(&mut self) {
        let path = format!("/hub/api/users/{CHECKER}/server/progress");
        let request = Request::get(path).header(header::ACCEPT, "text/event-stream");
        let answer = self.hub.open(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let events = text.lines().filter_map(|line| line.strip_prefix("data:"));
        let events: Vec<Value> = events
            .map(|event| serde_json::from_str(event).unwrap())
            .collect();
        let last = events.last().unwrap();
        self.lines.push(Line {
            what: "the last event".to_owned(),
            status,
            keys: last.as_object().unwrap().keys().cloned().collect(),
            text: format!("{} {} {}", last["progress"], last["ready"], last["url"]),
        });
    }

    /// Asks until the server is as it should be.
    pub(super) async fn until(&mut self, clock: &Clock, there: bool) {
        let path = format!("/hub/api/users/{CHECKER}");
        loop {
            let answer = self.hub.get(&path, "*/*").await.unwrap();
            let user: Value = serde_json::from_slice(&answer.body).unwrap();
            let server = &user["servers"][""];
            if server.is_object() == there && user["pending"].is_null() {
                return;
            }
            clock.sleep(Duration::from_millis(300)).await;
        }
    }

    /// What code prints in a kernel of the check user's server.
    pub(super) async fn run(&mut self, kernel: &str, code: &str) {
        let path = format!("/user/{CHECKER}/api/kernels/{kernel}/channels?session_id=contract");
        let mut socket = self.hub.socket(&path).await.unwrap().unwrap();
        let request = json!({ "channel": "shell", "parent_header": {}, "metadata": {},
            "buffers": [], "header": { "msg_id": "1", "msg_type": "execute_request",
                "username": "", "session": "contract", "version": "5.3" },
            "content": { "code": code, "silent": false, "store_history": false,
                "user_expressions": {}, "allow_stdin": false } });
        socket
            .send(Message::text(request.to_string()))
            .await
            .unwrap();
        let (mut kinds, mut printed, mut idle) = (BTreeSet::new(), String::new(), false);
        while let Some(message) = socket.next().await {
            let Message::Text(text) = message.unwrap() else {
                continue;
            };
            let heard: Value = serde_json::from_str(&text).unwrap();
            if heard["parent_header"]["msg_id"] != "1" {
                continue;
            }
            let kind = heard["header"]["msg_type"].as_str().unwrap().to_owned();
            printed += heard["content"]["text"].as_str().unwrap_or_default();
            kinds.insert(kind);
            idle |= heard["content"]["execution_state"] == "idle";
            // They come by two channels, in either order.
            if idle && kinds.contains("execute_reply") {
                break;
            }
        }
        self.lines.push(Line {
            what: format!("run {code}"),
            status: 101,
            keys: kinds,
            text: printed,
        });
    }
}
