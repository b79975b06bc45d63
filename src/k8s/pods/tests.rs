//! Looking at pods, against a small API server.

mod live;

use super::super::testing::{Server, shown, used};
use super::*;

fn look(all: bool, top: usize, by: By) -> Look {
    Look {
        place: Where::Watched,
        all,
        top,
        by,
    }
}

async fn seen(server: &Server, look: &Look) -> error::Result<Overview> {
    overview(&server.world().0, look).await
}

fn namespace(server: &Server, name: &str) {
    server.put(
        "namespaces",
        serde_json::json!({ "metadata": { "name": name } }),
    );
}

/// Two hubs; the second one is empty.
fn hubs() -> Server {
    let server = Server::default();
    for name in ["prod", "staging", "support"] {
        namespace(&server, name);
    }
    for (name, ready, status) in [
        ("hub-7d9f-x2x9q", "1/1", "Running"),
        ("proxy-6c5b-abcde", "0/1", "CrashLoopBackOff"),
        ("jupyter-ann", "1/1", "Running"),
        ("jupyter-bob", "1/1", "Running"),
        ("jupyter-cyd", "0/1", "ImagePullBackOff"),
        ("user-scheduler-1", "1/1", "Running"),
    ] {
        server.put("pods", shown("prod", name, ready, status));
    }
    server
}

fn measured(server: &Server) {
    for (name, containers) in [
        ("hub-7d9f-x2x9q", &[("hub", "12345678n", "200Mi")][..]),
        (
            "jupyter-ann",
            &[("notebook", "250m", "1Gi"), ("sidecar", "1m", "8192Ki")],
        ),
        ("jupyter-bob", &[("notebook", "750m", "512Mi")]),
    ] {
        server.put("metrics/pods", used("prod", name, containers));
    }
}

fn names(pods: &[Pod]) -> Vec<&str> {
    pods.iter().map(|pod| pod.name.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_hubs_own_pods_come_first_and_a_missing_one_is_named() {
    let server = hubs();
    let seen = seen(&server, &look(false, 1, By::Memory)).await.unwrap();
    let [prod, staging] = seen.namespaces.as_slice() else {
        panic!("{seen:?}");
    };
    assert_eq!(names(&prod.hub), ["hub-7d9f-x2x9q", "proxy-6c5b-abcde"]);
    assert_eq!(prod.hub[1].tone, Some(Tone::Alarm));
    assert_eq!(prod.hub[0].restarts, "2 (73m ago)");
    assert_eq!(prod.missing, ["home-metrics-"]);
    // The target says that there is a hub, and nothing of it is left.
    assert_eq!(staging.missing, ["hub-", "proxy-", "home-metrics-"]);
    // Of people's pods those in trouble come first.
    assert_eq!(names(&prod.users.pods), ["jupyter-cyd"]);
    assert_eq!(
        (prod.users.count, prod.users.running, prod.users.trouble),
        (3, 2, 1)
    );
    assert_eq!((prod.others.count, prod.others.pods.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn only_names_and_cells_are_asked_for() {
    let server = hubs();
    seen(&server, &look(true, 1, By::Memory)).await.unwrap();
    let lists = server.requests("/api/v1/namespaces/prod/pods");
    assert_eq!(
        lists,
        ["GET /api/v1/namespaces/prod/pods?&limit=500&includeObject=None"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_pods_use_is_summed_and_orders_them() {
    let server = hubs();
    measured(&server);
    let seen = async |by| seen(&server, &look(false, 2, by)).await.unwrap();
    let by_memory = seen(By::Memory).await;
    assert_eq!(by_memory.unmeasured, None);
    let prod = &by_memory.namespaces[0];
    assert_eq!(
        (prod.hub[0].cpu.as_str(), prod.hub[0].memory.as_str()),
        ("13m", "200Mi")
    );
    assert_eq!(prod.hub[1].cpu, "", "nothing is known of it");
    assert_eq!(names(&prod.users.pods), ["jupyter-cyd", "jupyter-ann"]);
    assert_eq!(
        (prod.users.cpu.as_str(), prod.users.memory.as_str()),
        ("1001m", "1.5Gi")
    );
    let ann = &prod.users.pods[1];
    assert_eq!(ann.memory, "1.0Gi");
    assert_eq!(ann.containers[1].name, "sidecar");
    assert_eq!(ann.containers[1].memory, "8Mi");
    let by_cpu = seen(By::Cpu).await;
    assert_eq!(
        names(&by_cpu.namespaces[0].users.pods),
        ["jupyter-cyd", "jupyter-bob"]
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_metrics_server_everything_else_is_shown() {
    for (code, says) in [
        (503, "the cluster has no metrics server"),
        (404, "the cluster has no metrics server"),
        (403, "kubectl auth can-i list pods.metrics.k8s.io -n prod"),
    ] {
        let server = hubs();
        server.refuse("metrics.k8s.io/v1beta1/namespaces/prod", code, "no");
        let seen = seen(&server, &look(false, 1, By::Memory)).await.unwrap();
        let why = seen.unmeasured.unwrap();
        assert!(why.contains(says), "{code}: {why}");
        assert_eq!(seen.namespaces[0].hub.len(), 2);
        assert_eq!(seen.namespaces[0].users.memory, "");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_renewed_for_measuring_too() {
    let server = hubs();
    measured(&server);
    server.refuse("metrics.k8s.io", 401, "Unauthorized");
    let seen = seen(&server, &look(false, 1, By::Memory)).await.unwrap();
    assert_eq!(seen.unmeasured, None);
    assert_eq!(seen.namespaces[0].hub[0].memory, "200Mi");
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_names_the_verb_and_the_role() {
    let server = hubs();
    server.refuse("/api/v1/namespaces/prod/pods", 403, "pods is forbidden");
    let error = seen(&server, &look(false, 1, By::Memory))
        .await
        .unwrap_err();
    assert_eq!(
        error.message,
        "Kubernetes does not let us list pods in namespace prod: pods is forbidden"
    );
    let hint = error.hint.unwrap();
    assert!(hint.contains("roles/container.viewer"), "{hint}");
    assert!(hint.contains("can-i list pods -n prod"), "{hint}");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_not_there_is_told_from_an_empty_one() {
    let server = hubs();
    let these = |name: &str| Look {
        place: Where::These(vec![name.to_owned()]),
        ..look(false, 1, By::Memory)
    };
    let empty = seen(&server, &these("support")).await.unwrap();
    assert_eq!(empty.namespaces[0].missing, Vec::<String>::new());
    let error = seen(&server, &these("prdo")).await.unwrap_err();
    assert_eq!(error.message, "there is no namespace prdo");
    assert_eq!(
        error.hint.unwrap(),
        "did you mean `prod`? there are: prod, staging, support"
    );
}

#[tokio::test(start_paused = true)]
async fn pages_are_put_together_and_an_expired_one_begins_again() {
    let server = hubs();
    for number in 0..1200 {
        server.put(
            "pods",
            shown("prod", &format!("jupyter-{number:04}"), "1/1", "Running"),
        );
    }
    let count = async || {
        let seen = seen(&server, &look(true, 0, By::Memory)).await.unwrap();
        (
            seen.namespaces[0].users.count,
            seen.namespaces[0].users.pods.len(),
        )
    };
    assert_eq!(count().await, (1203, 1203));
    assert_eq!(server.requests("prod/pods?&limit=500").len(), 3);
    server.refuse(
        "continue=1000",
        410,
        "the provided continue parameter is too old",
    );
    assert_eq!(count().await, (1203, 1203));
}

#[tokio::test(start_paused = true)]
async fn without_a_watch_list_hubs_are_found_by_their_label() {
    let server = Server::default();
    let (mut parts, _) = crate::world::testing::parts(None, Some(server.client()));
    parts.target.watch.clear();
    let mut pod = shown("school", "hub-1", "1/1", "Running");
    pod["spec"] = serde_json::json!({});
    pod["metadata"]["labels"] = serde_json::json!({ "component": "hub" });
    let world = World::new(parts);
    let error = overview(&world, &look(false, 1, By::Memory))
        .await
        .unwrap_err();
    assert!(error.message.contains("no namespace has a hub"), "{error}");
    server.put("pods", pod);
    let seen = overview(&world, &look(false, 1, By::Memory)).await.unwrap();
    assert_eq!(seen.namespaces[0].name, "school");
    assert_eq!(seen.namespaces[0].missing, ["proxy-", "home-metrics-"]);
}
