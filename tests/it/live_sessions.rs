//! Logs and commands over loopback TLS, against a server that cuts connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use futures::{SinkExt as _, StreamExt as _, stream};
use http::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::canned::{Answer, Canned};
use crate::cluster::command;
use crate::program::{Place, Ran};

const PODS: &str = "/api/v1/namespaces/prod/pods";

/// What the server does with a command.
#[derive(Clone, Copy)]
enum Exec {
    /// Runs it and says that it ended with this code.
    Ends(&'static str, u8),
    /// Loses the connection in the middle.
    Cut,
    /// Forbids it.
    Forbids,
}

/// A cluster with one pod whose log is cut off once.
async fn cluster(exec: Exec) -> (Canned, Canned, Place) {
    let logs = Arc::new(AtomicUsize::new(0));
    let router = Router::new().fallback(move |request: Request<Body>| {
        let logs = Arc::clone(&logs);
        async move {
            let path = request.uri().path().to_owned();
            match path.strip_prefix(PODS).unwrap_or(&path) {
                "" => answer(&json!({"kind": "Table", "metadata": {},
                    "columnDefinitions": [{"name": "Name"}], "rows": [{"cells": ["hub-1"]}]})),
                "/hub-1" => answer(&pod(logs.load(Ordering::SeqCst) > 1)),
                "/hub-1/log" => log(logs.fetch_add(1, Ordering::SeqCst)),
                "/hub-1/exec" => run(request, exec),
                // Debts.
                _ => refused(404, "configmaps \"runbook-debts\" not found"),
            }
        }
    });
    let k8s = Canned::serving(router, true).await;
    let described = json!({"name": "c", "endpoint": k8s.host(),
        "masterAuth": {"clusterCaCertificate": k8s.authority()}});
    let gke = Canned::plain(move |_| Answer::json(&described)).await;
    let place = Place::empty();
    place.configure(&format!(
        "[target.live]\nproject = \"p\"\nlocation = \"l\"\ncluster = \"c\"\nwatch = [\"prod\"]\n\
         endpoint = \"{}\"\n",
        gke.url()
    ));
    (gke, k8s, place)
}

fn answer(body: &Value) -> Response<Body> {
    Response::new(Body::from(body.to_string()))
}

fn refused(code: u16, message: &str) -> Response<Body> {
    let status = json!({"kind": "Status", "status": "Failure", "code": code, "message": message});
    let mut refused = answer(&status);
    *refused.status_mut() = StatusCode::from_u16(code).unwrap();
    refused
}

fn pod(ended: bool) -> Value {
    let state = if ended {
        json!({"terminated": {"exitCode": 1, "reason": "Error"}})
    } else {
        json!({"running": {"startedAt": "2026-01-15T12:00:00Z"}})
    };
    json!({"metadata": {"namespace": "prod", "name": "hub-1", "uid": "u", "annotations":
            {"kubectl.kubernetes.io/default-container": "hub"}},
        "spec": {"nodeName": "n", "containers": [{"name": "sidecar"}, {"name": "hub"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "hub", "state": state}]}})
}

/// The first time it is cut off within a line; then the server sends what it was asked for, which
/// it can tell by the second only.
fn log(before: usize) -> Response<Body> {
    let line = |at: &str, text: &str| Ok(format!("2026-01-15T13:00:{at}Z {text}\n"));
    let cut = || Err(std::io::Error::other("cut"));
    let lines = match before {
        0 => vec![
            line("01.100000000", "one"),
            line("02.200000000", "two"),
            line("02.200000000", "two"),
            Ok("2026-01-15T13:00:02.3000".to_owned()),
            cut(),
        ],
        _ => vec![
            line("01.100000000", "one"),
            line("02.200000000", "two"),
            line("02.200000000", "two"),
            line("02.300000000", "three"),
            line("09.000000000", "four"),
        ],
    };
    // Each arrives before the connection is gone.
    let sent = stream::iter(lines).then(async |line| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        line
    });
    Response::new(Body::from_stream(sent))
}

fn run(mut request: Request<Body>, exec: Exec) -> Response<Body> {
    if matches!(exec, Exec::Forbids) {
        return refused(
            403,
            "pods \"hub-1\" is forbidden: User \"ann\" cannot create resource \"pods/exec\"",
        );
    }
    let protocol = match exec {
        Exec::Ends(protocol, _) => protocol,
        Exec::Cut | Exec::Forbids => "v5.channel.k8s.io",
    };
    let offered = request.headers()[header::SEC_WEBSOCKET_PROTOCOL]
        .to_str()
        .unwrap();
    assert!(offered.contains(protocol), "{offered}");
    let accept = derive_accept_key(request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let io = TokioIo::new(upgrade.await.unwrap());
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        let mut frames = vec!["\x01", "\x01begun\nha", "\x02no\n", "\x01lf"];
        let ended;
        if let Exec::Ends(_, code) = exec {
            ended = format!(
                "\x03{}",
                json!({"metadata": {}, "status": "Failure",
                "reason": "NonZeroExitCode", "details": {"causes": [
                    {"reason": "ExitCode", "message": code.to_string()}]}})
            );
            frames.push(&ended);
        }
        for frame in frames {
            let frame = Message::Binary(frame.as_bytes().to_vec().into());
            socket.send(frame).await.unwrap();
        }
        if matches!(exec, Exec::Ends(..)) {
            socket.close(None).await.unwrap();
            while socket.next().await.is_some() {}
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .header(header::SEC_WEBSOCKET_PROTOCOL, protocol)
        .body(Body::empty())
        .unwrap()
}

async fn ran(place: &Place, words: &[&str]) -> Ran {
    let mut program = command(place, "run --on live");
    program.args(words);
    let output = tokio::task::spawn_blocking(move || program.output().unwrap());
    Ran::from(output.await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_followed_log_goes_on_after_its_connection_is_cut() {
    let (_gke, k8s, place) = cluster(Exec::Forbids).await;
    let ran = ran(&place, &["logs", "hub", "--follow", "--tail", "3"]).await;
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "one\ntwo\ntwo\nthree\nfour\n"),
        "{}",
        ran.raw()
    );
    for said in [
        "container hub of hub-1; there are: sidecar, hub",
        "get pods/log hub-1 in namespace prod",
        "container hub ended with exit code 1",
    ] {
        assert!(ran.err.contains(said), "{said}: {}", ran.raw());
    }
    let asked: Vec<String> = k8s.seen().into_iter().map(|asked| asked.path).collect();
    let logs: Vec<&str> = asked
        .iter()
        .filter_map(|path| path.split_once("/log?"))
        .map(|(_, query)| query)
        .collect();
    let first = "&container=hub&follow=true";
    assert_eq!(
        logs,
        [
            format!("{first}&tailLines=3&timestamps=true"),
            format!("{first}&sinceTime=2026-01-15T13%3A00%3A01Z&timestamps=true"),
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_command_speaks_both_framings() {
    for protocol in ["v5.channel.k8s.io", "v4.channel.k8s.io"] {
        let (_gke, k8s, place) = cluster(Exec::Ends(protocol, 7)).await;
        let ran = ran(&place, &["shell", "hub", "--command", "make it so"]).await;
        assert_eq!(
            (ran.exit, ran.out.as_str()),
            (7, "begun\nhalf\n"),
            "{protocol}: {}",
            ran.raw()
        );
        assert!(ran.err.lines().any(|line| line == "no"), "{}", ran.raw());
        let asked = k8s.seen().pop().unwrap();
        assert_eq!(
            asked.path,
            format!(
                "{PODS}/hub-1/exec?&stdout=true&stderr=true&container=hub&command=sh&command=-c&command=make+it+so"
            )
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_command_whose_connection_is_lost_or_refused_says_so_and_is_sent_once() {
    for (exec, exit, says) in [
        (
            Exec::Cut,
            1,
            "the connection to container hub of hub-1 was lost",
        ),
        (
            Exec::Forbids,
            1,
            "Kubernetes does not let us create pods/exec hub-1 in namespace prod",
        ),
    ] {
        let (_gke, k8s, place) = cluster(exec).await;
        let ran = ran(&place, &["shell", "hub", "--command", "make it so"]).await;
        assert_eq!(ran.exit, exit, "{}", ran.raw());
        assert!(ran.err.contains(says), "{}", ran.raw());
        let sent = k8s
            .lines()
            .iter()
            .filter(|line| line.ends_with("/exec"))
            .count();
        assert_eq!(sent, 1, "{}", ran.raw());
    }
}
