//! Somebody's server in practice: as much of Jupyter's own API as it takes to run code in a kernel.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use futures::{SinkExt as _, StreamExt as _};
use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::users::person;
use super::{Asked, Rights, answered, empty, no};
use crate::sim::fault::Trouble;
use crate::sim::handle::Sim;
use crate::sim::objects::text;

/// How long a kernel takes to start, and to run a line.
const STARTS: Duration = Duration::from_millis(1_400);
const RUNS: Duration = Duration::from_millis(120);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A request to `/user/USER/...`.
pub(super) async fn serve(sim: &Sim, asked: &Asked, rights: Rights, path: &str) -> Response {
    let (user, path) = path.split_once('/').unwrap_or((path, ""));
    let (up, ours) = sim.change(|state, at| {
        let up = person(state, user).is_some_and(|p| state.hub_ready(p, at));
        (up, user == state.layout.checker)
    });
    if !up {
        // The hub takes the request, and would say 424.
        let to = format!("/hub/user/{user}/{path}");
        return (StatusCode::FOUND, [(header::LOCATION, to)]).into_response();
    }
    if rights != Rights::Full || !ours {
        // It is Jupyter's own server that says so.
        let body = json!({"message": "Forbidden", "reason": null});
        return answered(StatusCode::FORBIDDEN, body);
    }
    let parts: Vec<&str> = path.split('/').collect();
    match (asked.method.as_str(), parts.as_slice()) {
        ("GET", ["api", "status"]) => {
            answered(StatusCode::OK, json!({"connections": 0, "kernels": 0}))
        }
        ("POST", ["api", "kernels"]) => {
            sleep(STARTS).await;
            let id = sim.change(|state, _| {
                let id = state.chance.uuid();
                state.hub.kernels.insert(id.clone(), user.to_owned());
                id
            });
            answered(StatusCode::CREATED, model(&id))
        }
        (method, ["api", "kernels", id, rest @ ..]) => {
            if !sim.change(|state, _| state.hub.kernels.contains_key(*id)) {
                return no(StatusCode::NOT_FOUND, "Kernel does not exist");
            }
            match (method, rest) {
                ("GET", []) => answered(StatusCode::OK, model(id)),
                ("GET", ["channels"]) => channels(sim, asked),
                ("DELETE", []) => {
                    sim.change(|state, _| state.hub.kernels.remove(*id));
                    empty(StatusCode::NO_CONTENT)
                }
                _ => no(StatusCode::NOT_FOUND, "Not Found"),
            }
        }
        _ => no(StatusCode::NOT_FOUND, "Not Found"),
    }
}

fn model(id: &str) -> Value {
    json!({"id": id, "name": "python3", "last_activity": "2026-01-15T13:00:00.000000Z",
        "execution_state": "starting", "connections": 0})
}

/// Opens the kernel's channels.
fn channels(sim: &Sim, asked: &Asked) -> Response {
    let key = asked.headers.get(header::SEC_WEBSOCKET_KEY);
    let accept = key.map(|key| derive_accept_key(key.as_bytes()));
    let accept = accept.and_then(|accept| HeaderValue::from_str(&accept).ok());
    let (Some(accept), Some(upgrade)) = (accept, asked.upgrade.clone()) else {
        return no(
            StatusCode::BAD_REQUEST,
            "Can \"Upgrade\" only to \"WebSocket\".",
        );
    };
    let sim = sim.clone();
    tokio::spawn(async move {
        // A client that never comes has nothing to be told.
        if let Ok(upgraded) = upgrade.await {
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
            talk(&sim, socket).await.ok();
        }
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
}

/// Runs what it is asked to run, until nobody asks any more.
async fn talk(sim: &Sim, mut socket: Socket) -> Result<(), Error> {
    let mut number = 0;
    while let Some(message) = socket.next().await {
        let Message::Text(message) = message? else {
            continue;
        };
        let request: Value = serde_json::from_str(&message).unwrap_or_default();
        if text(&request, "/header/msg_type") != "execute_request" {
            continue;
        }
        number += 1;
        let mut tell = async |channel: &str, kind: &str, content: Value| {
            let parent = request.get("header").cloned().unwrap_or_default();
            let id = format!("{}-{number}-{kind}", text(&parent, "/msg_id"));
            let header = json!({"msg_id": id, "msg_type": kind, "version": "5.3",
                "username": "jovyan", "session": "practice", "date": "2026-01-15T13:00:00Z"});
            let message = json!({"channel": channel, "header": header, "msg_id": id,
                "msg_type": kind, "parent_header": parent, "metadata": {},
                "content": content, "buffers": []});
            socket.send(Message::Text(message.to_string().into())).await
        };
        let state = |now: &str| json!({ "execution_state": now });
        tell("iopub", "status", state("busy")).await?;
        sleep(RUNS).await;
        if sim.change(|state, at| state.strikes(Trouble::KernelDies, at)) {
            tell("iopub", "status", state("dead")).await?;
            return socket.close(None).await;
        }
        let ran = run(text(&request, "/content/code"));
        let reply = match &ran {
            Ok(_) => json!({"status": "ok", "execution_count": number}),
            Err((name, value)) => {
                json!({"status": "error", "ename": name, "evalue": value, "traceback": []})
            }
        };
        // The reply may come before the output it is about.
        tell("shell", "execute_reply", reply.clone()).await?;
        match ran {
            Ok(output) if output.is_empty() => {}
            Ok(output) => {
                tell("iopub", "stream", json!({"name": "stdout", "text": output})).await?;
            }
            Err(_) => tell("iopub", "error", reply).await?,
        }
        tell("iopub", "status", state("idle")).await?;
    }
    Ok(())
}

/// What a little Python prints, or the error it raises: `import NAME` and `print(A * B)`.
fn run(code: &str) -> Result<String, (&'static str, String)> {
    let mut output = String::new();
    for line in code.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(names) = line.strip_prefix("import ") {
            for name in names.split(',').map(str::trim) {
                if !MODULES.contains(&name) {
                    let why = format!("No module named '{name}'");
                    return Err(("ModuleNotFoundError", why));
                }
            }
            continue;
        }
        let product = line
            .strip_prefix("print(")
            .and_then(|rest| rest.strip_suffix(')'))
            .and_then(|factors| {
                let mut factors = factors.split('*').map(|f| f.trim().parse::<i64>().ok());
                factors.try_fold(1, |product: i64, factor| product.checked_mul(factor?))
            });
        let Some(product) = product else {
            return Err(("SyntaxError", "invalid syntax".to_owned()));
        };
        output.push_str(&product.to_string());
        output.push('\n');
    }
    Ok(output)
}

/// What can be imported.
const MODULES: [&str; 5] = ["ipykernel", "json", "math", "os", "sys"];
