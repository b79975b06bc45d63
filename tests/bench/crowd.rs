//! A practice world of many nodes and pods: how long it takes to build and to list, and, told to
//! `serve`, its APIs on loopback for programs to be measured against (`tests/bench/peers.py`).
//!
//! `cargo bench --bench crowd` prints the figures; nothing is asserted.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock and its arguments"
)]
#![expect(clippy::print_stdout, reason = "it is how a benchmark answers")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run should say so"
)]

#[expect(dead_code, reason = "it serves tests too")]
#[path = "../it/canned.rs"]
mod canned;

use std::io::Read as _;
use std::time::Instant;

use http::Request;
use runbook::event::Events;
use runbook::names::Mode;
use runbook::sim::Practice;
use runbook::world::Doors as _;
use serde_json::json;

use canned::{Answer, Canned};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let number = |at: usize| arguments[at].parse::<u32>().unwrap();
    match arguments.first().map(String::as_str) {
        Some("serve") => runtime.block_on(serve(number(1), number(2), number(3))),
        _ => runtime.block_on(figures(5_000, 100_000)),
    }
}

/// The world, started.
fn world(nodes: u32, pods: u32) -> Practice {
    let practice = Practice::crowd(nodes, pods);
    practice.start(Events::new(|_| {}));
    practice
}

/// Serves both APIs until standard input ends, while so many pods a second change; says where as a
/// line of JSON.
async fn serve(nodes: u32, pods: u32, changes: u32) {
    let practice = world(nodes, pods);
    let kubernetes = Canned::serving(practice.kubernetes(), true).await;
    let described = json!({
        "name": "c",
        "endpoint": kubernetes.host(),
        "masterAuth": { "clusterCaCertificate": kubernetes.authority() },
    });
    let gke = Canned::plain(move |_| Answer::json(&described)).await;
    println!(
        "{}",
        json!({ "gke": gke.url(), "kubernetes": kubernetes.url(),
            "authority": kubernetes.authority(), "namespaces": practice.target(Mode::Practice).watch })
    );
    if changes > 0 {
        practice.churn(changes);
    }
    let over = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    over.await.unwrap().unwrap();
}

/// How long it takes here, without a socket.
async fn figures(nodes: u32, pods: u32) {
    let began = Instant::now();
    let practice = world(nodes, pods);
    println!(
        "{nodes} nodes and {pods} pods built in {:.2} s",
        began.elapsed().as_secs_f64()
    );
    let client = practice.k8s().await.unwrap();
    for (what, accept, query) in [
        ("objects", "application/json", ""),
        ("kubectl's table", TABLE, ""),
        ("a table of names and cells", TABLE, "&includeObject=None"),
    ] {
        let began = Instant::now();
        let (mut bytes, mut token) = (0, String::new());
        loop {
            let url = format!("/api/v1/pods?limit=500{query}&continue={token}");
            let request = Request::get(url)
                .header("accept", accept)
                .body(Vec::new())
                .unwrap();
            let text = client.request_text(request).await.unwrap();
            bytes += text.len();
            let next = text.split_once("\"continue\":\"").map(|(_, rest)| rest);
            let Some(next) = next.and_then(|rest| rest.split_once('"')) else {
                break;
            };
            next.0.clone_into(&mut token);
        }
        let took = began.elapsed().as_secs_f64();
        println!(
            "listed as {what}: {took:.2} s, {} bytes a pod",
            bytes / usize::try_from(pods).unwrap()
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("{peak}");
    }
}

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
