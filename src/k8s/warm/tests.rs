mod watches;

use serde_json::json;

use super::*;
use crate::error::{Error, Kind};
use crate::event::Phase;
use crate::event::What;
use crate::k8s::testing::{
    IMAGE, Server, cordoned, daemon, event, failing, node as a_node, pulling as puller_pod,
};
use crate::world::testing::Seen;

const MINUTE: Duration = Duration::from_mins(1);

fn want(nodes: u32) -> Want {
    Want {
        pool: "nb-user".to_owned(),
        nodes,
        image: None,
        usual: 22 * MINUTE,
        limit: 40 * MINUTE,
    }
}

async fn never() -> Error {
    std::future::pending().await
}

/// Every progress told: how many are done, each node's phase and note, and why.
fn progress(seen: &Seen) -> Vec<String> {
    let told = |what| match what {
        What::Progress {
            done, items, why, ..
        } => {
            let items: Vec<String> = items
                .iter()
                .map(|item| format!("{} {:?} {}", item.name, item.phase, item.note))
                .collect();
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            Some(format!("{done}: {}{why}", items.join(", ")))
        }
        _ => None,
    };
    let mut all: Vec<String> = seen.events().into_iter().filter_map(told).collect();
    // What goes on as before is told again every few seconds.
    all.dedup();
    all
}

#[tokio::test(start_paused = true)]
async fn a_pool_becomes_warm_step_by_step() {
    let server = Server::default();
    server.put("daemonsets", daemon("prod"));
    server.put("nodes", a_node("a", true));
    server.put("pods", puller_pod("prod", "a", 3));
    let (world, seen) = server.world();
    let (warm, ()) = tokio::join!(wait(&world, want(2), never()), async {
        world.clock().sleep(MINUTE).await;
        server.put("nodes", a_node("b", false));
        world.clock().sleep(MINUTE).await;
        server.put("nodes", a_node("b", true));
        world.clock().sleep(MINUTE).await;
        server.put("pods", puller_pod("prod", "b", 1));
        server.put("pods", puller_pod("prod", "elsewhere", 1));
        world.clock().sleep(MINUTE).await;
        server.put("pods", puller_pod("prod", "b", 3));
    });
    let warm = warm.unwrap();
    assert_eq!(warm.took.as_secs(), 4 * MINUTE.as_secs());
    assert_eq!(warm.nodes[1].node, "b");
    assert_eq!(warm.nodes[1].by, "image puller in prod");
    assert_eq!(warm.nodes[1].images, [IMAGE]);
    assert_eq!(
        warm.unchecked.unwrap(),
        "there is no image puller in staging: whether the nodes hold its notebook image was not \
         checked"
    );
    let ready = "a Ready image puller in prod";
    assert_eq!(
        progress(&seen),
        [
            format!("1: {ready}, node 2 Booting not there yet"),
            format!(
                "1: {ready}, b Registering KubeletNotReady (KubeletNotReady: cni plugin not \
                 initialized)"
            ),
            format!("1: {ready}, b Pulling waiting for its image puller"),
            format!("1: {ready}, b Pulling pulling 1/3"),
            format!("2: {ready}, b Ready image puller in prod"),
        ]
    );
    let events = seen.events();
    let What::WaitBegan { what, of, .. } = &events[0] else {
        panic!("{events:?}");
    };
    assert_eq!((what.as_str(), *of), ("2 nodes of nb-user", 2));
    assert_eq!(
        events.last().unwrap(),
        &What::WaitEnded {
            id: 1,
            what: "2 nodes of nb-user".to_owned(),
            ok: true,
            took_seconds: 240
        }
    );
}

#[tokio::test(start_paused = true)]
async fn every_hub_s_puller_has_to_be_done() {
    let server = Server::default();
    for hub in ["prod", "staging"] {
        server.put("daemonsets", daemon(hub));
    }
    server.put("nodes", a_node("a", true));
    server.put("pods", puller_pod("prod", "a", 3));
    server.put("pods", puller_pod("staging", "a", 2));
    let (world, seen) = server.world();
    let (warm, ()) = tokio::join!(wait(&world, want(1), never()), async {
        world.clock().sleep(MINUTE).await;
        server.put("pods", puller_pod("staging", "a", 3));
    });
    let warm = warm.unwrap();
    assert_eq!(warm.nodes[0].by, "image puller in prod, staging");
    assert_eq!(warm.unchecked, None);
    assert_eq!(progress(&seen)[0], "0: a Pulling pulling 2/3 in staging");
}

#[tokio::test(start_paused = true)]
async fn cordoned_nodes_do_not_count() {
    let server = Server::default();
    server.put("nodes", a_node("a", true));
    server.put("nodes", cordoned(a_node("b", true)));
    let (world, _) = server.world();
    let Look::Cold(items) = check(&world, &want(2)).await.unwrap() else {
        panic!("cordoned node counted");
    };
    let found: Vec<_> = items.iter().map(|i| (i.name.as_str(), i.phase)).collect();
    assert_eq!(
        found,
        [
            ("a", Phase::Ready),
            ("b", Phase::Trouble),
            ("node 2", Phase::Booting)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn kubernetes_own_taints_keep_a_node_from_counting() {
    let server = Server::default();
    let mut node = a_node("a", true);
    node["spec"]["taints"] =
        json!([{ "key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule" }]);
    server.put("nodes", node);
    let (world, _) = server.world();
    let Look::Cold(items) = check(&world, &want(1)).await.unwrap() else {
        panic!("a node about to go was counted");
    };
    assert_eq!(items[0].note, "Tainted");
}

#[tokio::test(start_paused = true)]
async fn without_a_puller_it_says_what_was_not_checked() {
    let server = Server::default();
    server.put("nodes", a_node("a", true));
    let (world, _) = server.world();
    let Look::Warm(warm) = check(&world, &want(1)).await.unwrap() else {
        panic!("waits for a puller that is not there");
    };
    assert_eq!(warm.nodes[0].by, "not checked");
    assert!(warm.unchecked.unwrap().contains("in prod, staging"));
}

#[tokio::test(start_paused = true)]
async fn the_kubelets_own_list_proves_an_image() {
    let server = Server::default();
    let mut node = a_node("a", true);
    node["status"]["images"] = json!([{ "names": ["quay.io/x@sha256:1", IMAGE] }]);
    server.put("nodes", node);
    server.put("nodes", a_node("b", true));
    let (world, _) = server.world();
    let want = Want {
        image: Some(IMAGE.to_owned()),
        ..want(2)
    };
    let Look::Warm(warm) = check(&world, &want).await.unwrap() else {
        panic!("waits for an image nobody pulls");
    };
    assert_eq!(warm.nodes[0].by, "node.status.images");
    assert_eq!(warm.nodes[0].images, [IMAGE]);
    assert!(warm.unchecked.unwrap().contains("whether b holds it"));
}

#[tokio::test(start_paused = true)]
async fn a_puller_of_another_image_proves_nothing() {
    let server = Server::default();
    let mut old = puller_pod("prod", "a", 3);
    old["spec"]["initContainers"][1]["image"] = json!("quay.io/callysto/notebook:old");
    server.put("daemonsets", daemon("prod"));
    server.put("nodes", a_node("a", true));
    server.put("pods", old);
    let (world, _) = server.world();
    let Look::Cold(items) = check(&world, &want(1)).await.unwrap() else {
        panic!("an old image counted");
    };
    assert_eq!(items[0].note, "waiting for its image puller");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_pulled_ends_the_wait_after_three_minutes() {
    let server = Server::default();
    server.put("daemonsets", daemon("prod"));
    server.put("nodes", a_node("a", true));
    let (world, seen) = server.world();
    let (warm, ()) = tokio::join!(wait(&world, want(1), never()), async {
        world.clock().sleep(MINUTE).await;
        let why = "rpc error: code = NotFound: quay.io/callysto/notebook:2026.01: not found";
        server.put("pods", failing("prod", "a", "ErrImagePull", why));
        world.clock().sleep(MINUTE).await;
        let puller = ("Pod", "prod", "continuous-image-puller-a");
        server.put(
            "events",
            event("Failed", puller, "13:01:00", "Failed to pull image x"),
        );
        let why = "Back-off pulling image";
        server.put("pods", failing("prod", "a", "ImagePullBackOff", why));
    });
    let error = warm.unwrap_err();
    assert_eq!(error.kind, Kind::Image);
    assert_eq!(
        error.message,
        "image quay.io/callysto/notebook:2026.01 cannot be pulled in namespace prod \
         (ErrImagePull): rpc error: code = NotFound: quay.io/callysto/notebook:2026.01: not found"
    );
    assert!(
        error
            .hint
            .unwrap()
            .contains("kubectl -n prod describe pod continuous-image-puller-a")
    );
    assert_eq!(
        progress(&seen).last().unwrap(),
        &format!("0: a Trouble ErrImagePull: {IMAGE} (Failed: Failed to pull image x)")
    );
    let Some(What::WaitEnded {
        ok, took_seconds, ..
    }) = seen.events().pop()
    else {
        panic!("the wait does not end");
    };
    assert_eq!((ok, took_seconds), (false, 240));
}

#[tokio::test(start_paused = true)]
async fn an_image_that_fails_for_a_moment_is_forgiven() {
    let server = Server::default();
    server.put("daemonsets", daemon("prod"));
    server.put("nodes", a_node("a", true));
    let (world, _) = server.world();
    let (warm, ()) = tokio::join!(wait(&world, want(1), never()), async {
        server.put("pods", failing("prod", "a", "ErrImagePull", "EOF"));
        world.clock().sleep(2 * MINUTE).await;
        server.put("pods", puller_pod("prod", "a", 1));
        world.clock().sleep(10 * MINUTE).await;
        server.put("pods", puller_pod("prod", "a", 3));
    });
    assert_eq!(warm.unwrap().took.as_secs(), 12 * MINUTE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn the_limit_names_who_is_missing_and_where_it_is_stuck() {
    let server = Server::default();
    server.put("daemonsets", daemon("prod"));
    server.put("nodes", a_node("a", true));
    server.put("pods", puller_pod("prod", "a", 2));
    server.put("nodes", cordoned(a_node("b", true)));
    let said = "Node scale up in zones z failed: GCE out of resources.";
    let pod = ("Pod", "prod", "jupyter-x");
    server.put("events", event("FailedScaleUp", pod, "12:59:00", said));
    server.put(
        "events",
        event("NotTriggerScaleUp", pod, "11:00:00", "an old story"),
    );
    let (world, _) = server.world();
    let error = wait(&world, want(2), never()).await.unwrap_err();
    assert_eq!(error.kind, Kind::TimedOut);
    assert_eq!(
        error.message,
        "2 nodes of nb-user: 0 of 2 after 40 min 00 s; a: pulling 2/3; b: cordoned; node 2: not \
         there yet; last heard: FailedScaleUp: Node scale up in zones z failed: GCE out of \
         resources."
    );
    assert!(
        error
            .hint
            .unwrap()
            .contains("-l component=continuous-image-puller")
    );
}

#[tokio::test(start_paused = true)]
async fn the_newest_event_explains_only_what_is_still_missing() {
    let server = Server::default();
    let (world, seen) = server.world();
    let pod = ("Pod", "prod", "jupyter-x");
    let (warm, ()) = tokio::join!(wait(&world, want(1), never()), async {
        world.clock().sleep(MINUTE).await;
        server.put(
            "events",
            event("FailedScaleUp", pod, "13:01:00", "none left"),
        );
        world.clock().sleep(MINUTE).await;
        server.put(
            "events",
            event("NotTriggerScaleUp", pod, "13:02:00", "in backoff"),
        );
        server.put(
            "events",
            event("Pulled", pod, "13:02:01", "nothing to do with it"),
        );
        world.clock().sleep(MINUTE).await;
        server.put("nodes", a_node("a", true));
    });
    assert!(warm.is_ok());
    let missing = "0: node 1 Booting not there yet";
    assert_eq!(
        progress(&seen),
        [
            missing.to_owned(),
            format!("{missing} (FailedScaleUp: none left)"),
            format!("{missing} (NotTriggerScaleUp: in backoff)"),
            "1: a Ready not checked".to_owned(),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_callers_failure_ends_it_at_once() {
    let server = Server::default();
    let (world, seen) = server.world();
    let failure = async {
        world.clock().sleep(5 * MINUTE).await;
        Error::new(Kind::Stockout, "the zone is empty")
    };
    let error = wait(&world, want(1), failure).await.unwrap_err();
    assert_eq!(error.kind, Kind::Stockout);
    let Some(What::WaitEnded { took_seconds, .. }) = seen.events().pop() else {
        panic!("the wait does not end");
    };
    assert_eq!(took_seconds, 300);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_never_becomes_ready_is_named() {
    let server = Server::default();
    server.put("nodes", a_node("a", false));
    let (world, seen) = server.world();
    let error = wait(&world, want(1), never()).await.unwrap_err();
    assert_eq!(
        error.message,
        "1 node of nb-user: 0 of 1 after 40 min 00 s; a: KubeletNotReady; last heard: \
         KubeletNotReady: cni plugin not initialized"
    );
    assert_eq!(
        error.hint.unwrap(),
        "look at the node: `kubectl describe node a`; run it again to go on waiting"
    );
    assert!(progress(&seen)[0].starts_with("0: a Registering"));
}
