//! Running code in somebody's server, as a notebook does: in a kernel, over a WebSocket.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::call::{Ask, encoded};
use super::error::Error;
use crate::world::World;
use crate::world::http::Http;

/// How long a kernel may take over a line.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
struct Kernel {
    id: String,
}

/// What a kernel sends.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Heard {
    header: Header,
    parent_header: Header,
    content: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Header {
    msg_id: String,
    msg_type: String,
}

/// What code prints in a new kernel of that user's server; the kernel is taken away again.
pub(super) async fn run(
    world: &World,
    hub: &Http,
    user: &str,
    code: &str,
) -> Result<String, Error> {
    let kernels = format!("/user/{}/api/kernels", encoded(user));
    let start = Ask {
        body: b"{}".to_vec(),
        ..Ask::to(Method::POST, "start a kernel", &kernels)
    };
    let Kernel { id } = start.read(world, hub).await?;
    let path = format!("{kernels}/{}", encoded(&id));
    let printed = tokio::select! {
        biased;
        printed = execute(hub, user, &path, code) => printed,
        () = world.clock().sleep(PATIENCE) => {
            let why = format!("it said nothing in {} s", PATIENCE.as_secs());
            Err(Error::Kernel { user: user.to_owned(), why })
        }
    };
    // The server is stopped next, and its kernels with it.
    let end = Ask::to(Method::DELETE, "end a kernel", &path);
    end.send(world, hub).await.ok();
    printed
}

async fn execute(hub: &Http, user: &str, path: &str, code: &str) -> Result<String, Error> {
    let broken = |why: String| {
        let user = user.to_owned();
        Error::Kernel { user, why }
    };
    let channels = format!("{path}/channels?session_id=runbook");
    let socket = hub.socket(&channels).await.map_err(&broken)?;
    let mut socket = socket.map_err(|status| broken(format!("no WebSocket opens ({status})")))?;
    let id = "runbook-1";
    let request = json!({
        "channel": "shell",
        "header": { "msg_id": id, "msg_type": "execute_request", "username": "runbook",
            "session": "runbook", "version": "5.3" },
        "parent_header": {}, "metadata": {}, "buffers": [],
        "content": { "code": code, "silent": false, "store_history": false,
            "user_expressions": {}, "allow_stdin": false, "stop_on_error": true },
    });
    let sent = socket.send(Message::text(request.to_string())).await;
    sent.map_err(|why| broken(why.to_string()))?;
    let mut printed = String::new();
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.map_err(|why| broken(why.to_string()))? else {
            continue;
        };
        let heard: Heard = serde_json::from_str(&text).unwrap_or_default();
        let content = |key: &str| {
            let value = heard.content.get(key).and_then(Value::as_str);
            value.unwrap_or_default()
        };
        let state = content("execution_state");
        if heard.header.msg_type == "status" && ["dead", "restarting"].contains(&state) {
            return Err(broken("it died".to_owned()));
        }
        // Others may talk to it as well.
        if heard.parent_header.msg_id != id {
            continue;
        }
        match heard.header.msg_type.as_str() {
            "stream" if content("name") == "stdout" => printed += content("text"),
            "error" => {
                let why = format!("{}: {}", content("ename"), content("evalue"));
                return Err(broken(why));
            }
            // The reply may come before the output; this comes last.
            "status" if state == "idle" => {
                socket.close(None).await.ok();
                return Ok(printed);
            }
            _ => {}
        }
    }
    Err(broken("it hung up".to_owned()))
}
