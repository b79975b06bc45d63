//! The program on a configured target, whose GKE and Kubernetes are on loopback.

mod cluster;

use std::sync::atomic::{AtomicUsize, Ordering};

use insta::assert_snapshot;
use serde_json::json;

use crate::canned::{Answer, nobody};
use crate::program::Place;
use cluster::{Cluster, POOL, TOKEN, operation, run};

const WARM_UP: &str = "run warm_up --nodes 2 --on live";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_warm_up_sends_two_changes_and_waits_for_the_nodes() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    let ran = run(&place, &format!("{WARM_UP} --yes")).await;
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert_eq!(
        cluster.changes(),
        [
            (
                format!("POST {POOL}:setAutoscaling"),
                json!({ "autoscaling": { "enabled": true, "minNodeCount": 2, "maxNodeCount": 20,
                    "locationPolicy": "BALANCED" } })
            ),
            (
                format!("POST {POOL}:setSize"),
                json!({ "nodeCount": 2 })
            ),
        ]
    );
    for said in [
        "runbook warm_up · live · LIVE",
        "from built in: warm_up.rhai (",
        "on p/l/c",
        "? Keep 2 nodes of nb-user warm? yes (--yes)",
        "~ node pool nb-user: size: 0 nodes -> 2 nodes",
        "gke-c-nb-user-2: holds callysto/2i2c:0.1.4",
        "✓ warm_up on live: done in ",
    ] {
        assert!(ran.out.contains(said), "{said}\n{}", ran.whole());
    }
    assert!(!ran.out.contains("practice"), "{}", ran.out);
}
