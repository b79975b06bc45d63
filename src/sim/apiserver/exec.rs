//! A command in a container, over a WebSocket: the framing of `v4.channel.k8s.io` and
//! `v5.channel.k8s.io`. SPDY, which clients of before 2024 speak, is refused.

mod session;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Cluster;
use super::container;
use super::failure::Failure;
use super::object::text;
use super::request::{Request, Target};
use crate::sim::shell::Shell;
use session::{Place, Session};

/// What this server speaks, best first.
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/// GET or POST of `pods/NAME/exec`.
pub(super) fn exec<C: Cluster>(
    cluster: &C,
    request: &Request,
    target: &Target<'_>,
    name: &str,
) -> Result<Response, Failure> {
    let (pod, container) = container::named(cluster, request, target, name)?;
    if text(&pod, "/spec/nodeName").is_empty() {
        let message = format!("pod {name} does not have a host assigned");
        return Err(Failure::bad_request(message));
    }
    let argv: Vec<String> = request.params("command").map(str::to_owned).collect();
    if argv.is_empty() {
        return Err(Failure::bad_request(
            "you must specify a command for the container",
        ));
    }
    let protocol = protocol(request)?;
    let running = container::status(&pod, &container)
        .is_some_and(|status| status.pointer("/state/running").is_some());
    if !running {
        let why = format!("unable to upgrade connection: container not found (\"{container}\")");
        return Err(Failure::internal(&why));
    }
    let key = request.header(header::SEC_WEBSOCKET_KEY);
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|error| Failure::bad_request(error.to_string()))?;
    let place = Place {
        namespace: text(&pod, "/metadata/namespace").to_owned(),
        pod: name.to_owned(),
        uid: text(&pod, "/metadata/uid").to_owned(),
    };
    let shell = Shell::of(&pod, &container);
    let tty = request.flag("tty");
    let stdin = request.flag("stdin");
    let (cluster, upgrade) = (cluster.clone(), request.upgrade.clone());
    tokio::spawn(async move {
        // A client that never comes has nothing to be told.
        if let Ok(upgraded) = upgrade.await {
            let io = TokioIo::new(upgraded);
            let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
            let session = Session::new(cluster, socket, place, shell, (tty, stdin));
            session.run(&argv).await.ok();
        }
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(protocol),
    );
    Ok(response)
}

/// The framing that both sides know.
fn protocol(request: &Request) -> Result<&'static str, Failure> {
    let upgrade = request.header(header::UPGRADE);
    if upgrade.is_empty() {
        return Err(Failure::bad_request("Upgrade request required"));
    }
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return Err(Failure::bad_request(format!(
            "unable to upgrade: the practice world speaks WebSocket and not {upgrade}; use kubectl \
             1.30 or later"
        )));
    }
    let offered = request.header(header::SEC_WEBSOCKET_PROTOCOL);
    let known = |protocol: &&str| offered.split(',').any(|offer| offer.trim() == *protocol);
    PROTOCOLS.into_iter().find(known).ok_or_else(|| {
        Failure::bad_request(format!(
            "unable to upgrade: the client offers none of {}",
            json!(PROTOCOLS)
        ))
    })
}
