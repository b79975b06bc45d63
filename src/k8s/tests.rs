mod debt;
mod lease;
mod memory;
mod sessions;

use std::time::Duration;

use serde_json::{Value, json};

use super::testing::{IMAGE, Server, cordoned, daemon, node as a_node};
use super::{cordon, nodes, present, puller, uncordon, users};
use crate::error::Kind;
use crate::event::{Fate, What};
use crate::world::{Begun, Effect};

fn user(namespace: &str, name: &str, node: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": namespace,
            "labels": { "component": "singleuser-server" },
            "annotations": { "hub.jupyter.org/username": "ada" },
            "creationTimestamp": "2026-01-15T12:00:00Z",
        },
        "spec": { "nodeName": node },
        "status": { "phase": "Running" },
    })
}

#[tokio::test(start_paused = true)]
async fn nodes_come_by_name_with_what_keeps_them_from_ready() {
    let server = Server::default();
    server.put("nodes", a_node("b", false));
    server.put("nodes", cordoned(a_node("a", true)));
    let mut core = a_node("c", true);
    core["metadata"]["labels"]["cloud.google.com/gke-nodepool"] = json!("core");
    server.put("nodes", core);
    let (world, _) = server.world();
    let found = nodes(&world, "nb-user").await.unwrap();
    let names: Vec<_> = found.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(found[0].ready && found[0].cordoned && !found[1].ready);
    assert_eq!(found[0].version, "v1.33.5-gke.1");
    assert_eq!(
        found[1].why.as_deref(),
        Some("KubeletNotReady: cni plugin not initialized")
    );
}

#[tokio::test(start_paused = true)]
async fn users_are_those_of_the_watched_hubs_on_the_pool() {
    let server = Server::default();
    server.put("nodes", a_node("a", true));
    server.put("pods", user("staging", "jupyter-2", "a"));
    server.put("pods", user("prod", "jupyter-1", "a"));
    server.put("pods", user("prod", "jupyter-3", "elsewhere"));
    server.put("pods", user("other", "jupyter-4", "a"));
    let mut ended = user("prod", "jupyter-5", "a");
    ended["status"]["phase"] = json!("Failed");
    server.put("pods", ended);
    let (world, _) = server.world();
    let names = |found: Vec<super::UserPod>| -> Vec<String> {
        found.into_iter().map(|pod| pod.name).collect()
    };
    let on_pool = users(&world, Some("nb-user")).await.unwrap();
    assert_eq!(
        (on_pool[0].user.as_str(), on_pool[0].namespace.as_str()),
        ("ada", "prod")
    );
    assert_eq!(names(on_pool), ["jupyter-1", "jupyter-2"]);
    let all = users(&world, None).await.unwrap();
    assert_eq!(names(all), ["jupyter-1", "jupyter-3", "jupyter-2"]);
}

#[tokio::test(start_paused = true)]
async fn the_pullers_notebook_image_is_told_from_its_helpers() {
    let server = Server::default();
    server.put("daemonsets", daemon("prod"));
    let (world, _) = server.world();
    let found = puller(&world).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].namespace.as_str(), &found[0].images[..]),
        ("prod", &[IMAGE.to_owned()][..])
    );
}

#[tokio::test(start_paused = true)]
async fn nodes_that_were_asked_for_are_present_already() {
    let server = Server::default();
    server.put("nodes", a_node("a", true));
    let (world, _) = server.world();
    assert_eq!(present(&world, "nb-user").await.unwrap().total, 1);
    let status = "nodeGroups:\n- name: z/gke-callysto-cluster-nb-user-1234abcd-grp\n  health:\n    \
                  cloudProviderTarget: 3\n";
    server.put(
        "configmaps",
        json!({
            "metadata": { "name": "cluster-autoscaler-status", "namespace": "kube-system" },
            "data": { "status": status },
        }),
    );
    assert_eq!(present(&world, "nb-user").await.unwrap().total, 3);
    server.refuse("configmaps", 403, "configmaps is forbidden");
    assert_eq!(present(&world, "nb-user").await.unwrap().total, 1);
}

#[tokio::test(start_paused = true)]
async fn uncordoning_sends_one_small_patch_and_says_so() {
    let server = Server::default();
    server.put("nodes", cordoned(a_node("a", true)));
    let (world, seen) = server.world();
    assert!(uncordon(&world, "a").await.unwrap());
    assert_eq!(
        server.requests("PATCH"),
        [r#"PATCH /api/v1/nodes/a? {"spec":{"unschedulable":null}}"#]
    );
    let [What::Changed(change)] = &seen.events()[..] else {
        panic!("{:?}", seen.events());
    };
    assert_eq!(change.call, "k8s::uncordon");
    assert_eq!(
        (change.before.as_str(), change.fate),
        ("cordoned", Fate::Done)
    );
}

#[tokio::test(start_paused = true)]
async fn cordoning_is_the_same_the_other_way_round() {
    let server = Server::default();
    server.put("nodes", a_node("a", true));
    server.put("nodes", cordoned(a_node("b", true)));
    let (world, _) = server.world();
    assert!(cordon(&world, "a").await.unwrap());
    assert!(!cordon(&world, "b").await.unwrap());
    assert_eq!(
        server.requests("PATCH"),
        [r#"PATCH /api/v1/nodes/a? {"spec":{"unschedulable":true}}"#]
    );
    let change = &world.changes()[0];
    assert_eq!(
        (change.call.as_str(), change.after.as_str()),
        ("k8s::cordon", "cordoned")
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_open_to_pods_is_left_alone() {
    let server = Server::default();
    server.put("nodes", a_node("a", true));
    let (world, seen) = server.world();
    assert!(!uncordon(&world, "a").await.unwrap());
    assert_eq!(server.requests("PATCH"), Vec::<String>::new());
    assert_eq!(seen.events(), []);
}

#[tokio::test(start_paused = true)]
async fn an_uncordon_that_a_killed_session_sent_is_accounted_once_and_not_sent_again() {
    let server = Server::default();
    server.put("nodes", cordoned(a_node("a", true)));
    let (world, _) = server.world();
    assert!(uncordon(&world, "a").await.unwrap());
    let noted = world.changes();

    for (changes, accounted) in [(Vec::new(), 1), (noted.clone(), 0)] {
        let server = Server::default();
        server.put("nodes", a_node("a", true));
        let (world, seen) = server.world();
        world.enter(Effect {
            planned: None,
            begun: Some(Begun {
                at: world.clock().now(),
                changes,
                watched: Duration::ZERO,
            }),
            usual: None,
        });
        assert!(uncordon(&world, "a").await.unwrap());
        assert_eq!(server.requests("PATCH"), Vec::<String>::new());
        assert_eq!(world.changes(), noted[..accounted]);
        assert_eq!(seen.notes().len(), accounted);
    }
}

#[tokio::test(start_paused = true)]
async fn an_uncordon_that_was_begun_and_never_arrived_is_sent() {
    let server = Server::default();
    server.put("nodes", cordoned(a_node("a", true)));
    let (world, _) = server.world();
    world.enter(Effect {
        planned: None,
        begun: Some(Begun::default()),
        usual: None,
    });
    assert!(uncordon(&world, "a").await.unwrap());
    assert_eq!(server.requests("PATCH").len(), 1);
    assert_eq!(world.changes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_and_an_expired_token_renewed() {
    let server = Server::default();
    server.refuse("/nodes", 503, "starting");
    server.refuse("/nodes", 401, "Unauthorized");
    server.refuse("/nodes", 429, "slow down");
    let (world, seen) = server.world();
    assert!(nodes(&world, "nb-user").await.is_ok());
    assert_eq!(server.requests("/nodes").len(), 4);
    assert_eq!(seen.renewals(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_named_with_the_role_that_gives_it() {
    let server = Server::default();
    server.put("nodes", cordoned(a_node("a", true)));
    server.refuse("PATCH", 403, "nodes \"a\" is forbidden");
    let (world, _) = server.world();
    let error = uncordon(&world, "a").await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    assert_eq!(
        error.message,
        "Kubernetes does not let us patch nodes a: nodes \"a\" is forbidden"
    );
    let hint = error.hint.unwrap();
    assert!(hint.contains("roles/container.developer"), "{hint}");
    assert!(hint.contains("kubectl auth can-i patch nodes"), "{hint}");
    let gone = uncordon(&world, "b").await.unwrap_err();
    assert_eq!(gone.kind, Kind::NotFound);
}
