//! Live runs that are killed, and go on: GKE is asked for what it accepted, never told twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::Notify;

use crate::canned::{Answer, Recorded};
use crate::cluster::{Cluster, command, operation};
use crate::program::{Place, Ran};
use crate::running::Running;

const WARM_UP: &str = "run warm_up --nodes 2 --on live --yes --output plain";
const RESUME: &str = "resume --yes --output plain";

fn resume(place: &Place, line: &str) -> Ran {
    Ran::from(command(place, line).output().unwrap())
}

/// What GKE says an operation began at, when it has just begun.
#[expect(clippy::disallowed_methods, reason = "GKE has its own clock")]
fn now() -> String {
    Timestamp::now().to_string()
}

/// How often each change was asked for.
fn sent(cluster: &Cluster) -> Vec<String> {
    let changes = cluster.changes().into_iter();
    changes
        .filter_map(|(line, _)| Some(line.rsplit_once(':')?.1.to_owned()))
        .collect()
}

/// A cluster whose operations go on until this is set.
async fn until(over: &Arc<AtomicBool>) -> Cluster {
    let over = Arc::clone(over);
    Cluster::where_gke(move |asked: &Recorded| {
        let name = asked.line();
        let name = name
            .strip_prefix("GET ")?
            .rsplit_once("/operations/")?
            .1
            .to_owned();
        (!over.load(Ordering::SeqCst)).then(|| operation(&name, "UPDATE_CLUSTER", "RUNNING"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_killed_run_waits_for_the_operation_it_began_and_sends_nothing_again() {
    let over = Arc::new(AtomicBool::new(false));
    let cluster = until(&over).await;
    let place = cluster.place("timezone = \"America/Edmonton\"");
    Running::start(command(&place, WARM_UP))
        .reading("operation-1")
        .killed();
    assert_eq!(sent(&cluster), ["setAutoscaling"]);
    over.store(true, Ordering::SeqCst);
    let ran = resume(&place, RESUME);
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert_eq!(sent(&cluster), ["setAutoscaling", "setSize"]);
    for part in [
        "times are America/Edmonton (-0",
        "resuming: ann@",
        "caught up",
        "2 nodes of nb-user warm",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.whole());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_change_whose_answer_never_came_is_found_by_its_trace() {
    let (arrived, never) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let told = Arc::clone(&arrived);
    let first = AtomicBool::new(true);
    let cluster = Cluster::where_gke(move |asked: &Recorded| {
        let line = asked.line();
        if line.ends_with(":setAutoscaling") && first.swap(false, Ordering::SeqCst) {
            told.notify_one();
            let answer = json!({ "name": "operation-lost", "status": "RUNNING" });
            return Some(Answer::held_until(Arc::clone(&never), &answer));
        }
        line.ends_with("/operations").then(|| {
            Answer::json(&json!({ "operations": [{
                "name": "operation-lost", "operationType": "UPDATE_CLUSTER", "status": "DONE",
                "startTime": now(),
                "targetLink": "https://container.googleapis.com/v1/projects/1/locations/l/clusters/c",
            }] }))
        })
    })
    .await;
    let place = cluster.place("");
    let running = Running::start(command(&place, WARM_UP));
    arrived.notified().await;
    running.killed();
    let ran = resume(&place, RESUME);
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert!(ran.out.contains("operation-lost"), "{}", ran.whole());
    // What was found may be somebody else's, so it is looked again; this server had forgotten it.
    assert_eq!(
        sent(&cluster),
        ["setAutoscaling", "setAutoscaling", "setSize"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_operators_cannot_run_against_one_cluster_at_once() {
    let over = Arc::new(AtomicBool::new(false));
    let cluster = until(&over).await;
    let (mine, yours) = (cluster.place(""), cluster.place(""));
    let running = Running::start(command(&mine, WARM_UP)).reading("operation-1");
    let mut second = command(&yours, WARM_UP);
    let ran = Ran::from(second.env("USER", "bob").output().unwrap());
    assert_eq!(ran.exit, 5, "{}", ran.whole());
    for part in ["ann@", "warm_up", "Raise the floor", "--wait"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.whole());
    }
    assert_eq!(sent(&cluster), ["setAutoscaling"]);
    // Killed, its lock is its own when it goes on.
    running.killed();
    over.store(true, Ordering::SeqCst);
    let ran = resume(&mine, RESUME);
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    // And free for the other afterwards.
    let ran = Ran::from(
        command(&yours, WARM_UP)
            .env("USER", "bob")
            .output()
            .unwrap(),
    );
    assert_eq!(ran.exit, 0, "{}", ran.whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_goes_on_where_it_began_and_nowhere_else() {
    let cluster = until(&Arc::default()).await;
    let place = cluster.place("");
    Running::start(command(&place, WARM_UP))
        .reading("operation-1")
        .killed();
    let config = std::fs::read_to_string(place.path().join("runbook.toml")).unwrap();
    place.configure(&config.replace("cluster = \"c\"", "cluster = \"other\""));
    let ran = resume(&place, RESUME);
    assert_eq!(ran.exit, 5, "{}", ran.whole());
    assert!(
        ran.err.contains("ran on p/l/c, and live is p/l/other now"),
        "{}",
        ran.whole()
    );
    place.configure(&config);
    let ran = resume(&place, &format!("{RESUME} --away 2h"));
    assert_eq!(ran.exit, 2, "{}", ran.whole());
    assert!(
        ran.err.contains("a real cluster has its own time"),
        "{}",
        ran.whole()
    );
    assert_eq!(sent(&cluster), ["setAutoscaling"]);
}
