use std::time::Duration;

use futures::{StreamExt as _, future, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::testing::{Server, cordoned, node};
use super::{Activity, Leave, wait_gone, wait_idle};
use crate::error::{Error, Kind};
use crate::event::{Item, Phase, What};
use crate::world::testing::Seen;

fn want(keep: u32) -> Leave {
    Leave {
        pool: "nb-user".to_owned(),
        keep,
        usual: Duration::from_mins(14),
        limit: Duration::from_mins(30),
    }
}

fn pod(name: &str, node: &str) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "prod", "labels": { "app": name } },
        "spec": { "nodeName": node },
        "status": { "phase": "Running" },
    })
}

fn owned(mut pod: Value, kind: &str) -> Value {
    pod["metadata"]["ownerReferences"] = json!([{ "apiVersion": "apps/v1", "kind": kind, "name": "x", "uid": "u", "controller": true }]);
    pod
}

fn person(name: &str, node: &str) -> Value {
    let mut pod = pod(&format!("jupyter-{name}"), node);
    pod["metadata"]["labels"] = json!({ "component": "singleuser-server" });
    pod["metadata"]["annotations"] = json!({ "hub.jupyter.org/username": name });
    pod
}

fn at(time: &str) -> Timestamp {
    format!("2026-01-15T{time}Z").parse().unwrap()
}

fn server_of(name: &str) -> (String, String) {
    ("prod".to_owned(), name.to_owned())
}

fn nobody_tells() -> stream::LocalBoxStream<'static, Activity> {
    stream::pending().boxed_local()
}

/// The items of every progress, in order.
fn told(seen: &Seen) -> Vec<Vec<Item>> {
    let told = seen.events().into_iter().filter_map(|what| match what {
        What::Progress { items, .. } => Some(items),
        _ => None,
    });
    told.collect()
}

fn notes(items: &[Item]) -> Vec<(Phase, &str)> {
    items
        .iter()
        .map(|item| (item.phase, item.note.as_str()))
        .collect()
}

/// A node for each reason to stay or to go.
fn reasons() -> Server {
    let server = Server::default();
    for name in ["a", "b", "c", "d", "e"] {
        server.put("nodes", node(name, true));
    }
    server.put("nodes", cordoned(node("f", true)));
    let mut going = node("g", true);
    going["spec"]["taints"] =
        json!([{ "key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule" }]);
    server.put("nodes", going);
    for name in ["ada", "bob", "cyd"] {
        server.put("pods", person(name, "a"));
    }
    server.put("pods", pod("notes", "b"));
    let mut pinned = owned(pod("cache", "c"), "ReplicaSet");
    pinned["metadata"]["annotations"] =
        json!({ "cluster-autoscaler.kubernetes.io/safe-to-evict": "false" });
    server.put("pods", pinned);
    server.put("pods", owned(pod("web", "d"), "ReplicaSet"));
    server.put(
        "poddisruptionbudgets",
        json!({
            "metadata": { "name": "web", "namespace": "prod" },
            "spec": { "selector": { "matchLabels": { "app": "web" } } },
            "status": { "disruptionsAllowed": 0 },
        }),
    );
    server.put("pods", owned(pod("agent", "e"), "DaemonSet"));
    server.put("pods", owned(pod("job", "f"), "Job"));
    server
}

#[tokio::test(start_paused = true)]
async fn every_node_says_why_it_stays() {
    let server = reasons();
    let (world, seen) = server.world();
    let active = Activity::from([
        (server_of("ada"), at("12:30:00")),
        (server_of("bob"), at("12:56:00")),
        (server_of("cyd"), at("12:10:00")),
    ]);
    let active = stream::iter([active])
        .chain(stream::pending())
        .boxed_local();
    let error = wait_gone(&world, want(0), active, future::pending())
        .await
        .unwrap_err();
    let all = told(&seen);
    assert_eq!(
        notes(&all[0]),
        [
            (
                Phase::Staying,
                "bob, ada and 1 more; the last active 4 min ago"
            ),
            (
                Phase::Staying,
                "held by prod/notes: nothing would start it again"
            ),
            (
                Phase::Staying,
                "held by prod/cache: it says that it must not be evicted"
            ),
            (
                Phase::Staying,
                "held by prod/web: disruption budget web allows no eviction now"
            ),
            (Phase::Leaving, "nobody on it"),
            (Phase::Leaving, "emptying, 1 pod left"),
            (Phase::Leaving, "being taken away"),
        ]
    );
    let last = all.last().unwrap();
    assert_eq!(last[4].note, "nobody on it for 29 min");
    assert_eq!(error.kind, Kind::TimedOut);
    // What is put on record names nobody.
    assert!(
        error.message.contains("0 of 7") && error.message.contains("a: 3 people"),
        "{error}"
    );
    assert!(!error.message.contains("bob"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn nodes_are_gone_when_there_is_neither_an_object_nor_a_machine_to_come() {
    let server = Server::default();
    server.put("nodes", node("a", true));
    server.put("nodes", node("b", true));
    let status = "nodeGroups:\n- name: z/gke-callysto-cluster-nb-user-1234abcd-grp\n  health:\n    \
                  cloudProviderTarget: ";
    let map = |target: u32| {
        json!({
            "metadata": { "name": "cluster-autoscaler-status", "namespace": "kube-system" },
            "data": { "status": format!("{status}{target}\n") },
        })
    };
    server.put("configmaps", map(2));
    let (world, seen) = server.world();
    let script = async {
        for name in ["a", "b"] {
            tokio::time::sleep(Duration::from_mins(5)).await;
            server.delete("nodes", node(name, true));
        }
        tokio::time::sleep(Duration::from_mins(2)).await;
        server.put("configmaps", map(0));
        future::pending::<()>().await;
    };
    let gone = tokio::select! {
        gone = wait_gone(&world, want(0), nobody_tells(), future::pending()) => gone.unwrap(),
        () = script => unreachable!(),
    };
    assert_eq!((gone.gone, gone.left), (2, 0));
    assert!(gone.took >= Duration::from_mins(12), "{gone:?}");
    let done: Vec<(u64, u64)> = (seen.events().into_iter())
        .filter_map(|what| match what {
            What::Progress { done, of, .. } => Some((done, of)),
            _ => None,
        })
        .collect();
    assert!(done.contains(&(0, 2)) && done.contains(&(1, 2)) && done.contains(&(2, 2)));
}

#[tokio::test(start_paused = true)]
async fn a_failed_resize_ends_the_wait_and_some_nodes_may_stay() {
    let server = Server::default();
    server.put("nodes", node("a", true));
    let (world, _) = server.world();
    let kept = wait_gone(&world, want(1), nobody_tells(), future::pending())
        .await
        .unwrap();
    assert_eq!((kept.gone, kept.left), (0, 1));
    let failure = async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        Error::new(Kind::Operation, "it broke")
    };
    let error = wait_gone(&world, want(0), nobody_tells(), failure)
        .await
        .unwrap_err();
    assert_eq!(error.message, "it broke");
}

#[tokio::test(start_paused = true)]
async fn people_are_idle_when_the_hub_says_so_or_their_server_is_gone() {
    let server = Server::default();
    server.put("nodes", node("a", true));
    server.put("pods", person("ada", "a"));
    server.put("pods", person("bob", "a"));
    let (world, _) = server.world();
    let active = Activity::from([(server_of("ada"), at("12:50:00"))]);
    let active = || {
        stream::iter([active.clone()])
            .chain(stream::pending())
            .boxed_local()
    };
    let half = Duration::from_mins(30);
    let limit = Duration::from_hours(1);
    let error = wait_idle(&world, "nb-user", half, limit, active())
        .await
        .unwrap_err();
    assert!(error.message.contains("1 of 2"), "{error}");
    server.delete("pods", person("bob", "a"));
    wait_idle(&world, "nb-user", half, limit, active())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_ending_holds_nothing() {
    let server = Server::default();
    server.put("nodes", cordoned(node("a", true)));
    let mut ending = person("ada", "a");
    ending["metadata"]["deletionTimestamp"] = json!("2026-01-15T12:59:59Z");
    server.put("pods", ending);
    let (world, seen) = server.world();
    wait_gone(&world, want(0), nobody_tells(), future::pending())
        .await
        .unwrap_err();
    assert_eq!(
        notes(&told(&seen)[0]),
        [(Phase::Leaving, "emptying, 1 pod left")]
    );
}
