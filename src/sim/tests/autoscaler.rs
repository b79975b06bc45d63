//! Which nodes the autoscaler takes away, when, and what it says.

use super::*;
use crate::sim::drains::By;
use crate::sim::objects::{Pod, set};

const HELD: [(&str, &str); 2] = [
    (
        "cluster-autoscaler.kubernetes.io/scale-down-disabled",
        "true",
    ),
    ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
];

fn status(practice: &Practice) -> String {
    practice.0.sim.with(|store| {
        let map = store.get(
            "ConfigMap",
            Some("kube-system"),
            "cluster-autoscaler-status",
        );
        text(map.unwrap(), "/data/status").to_owned()
    })
}

fn taints(practice: &Practice) -> Vec<String> {
    let nodes = user_nodes(practice);
    let taints = nodes
        .iter()
        .flat_map(|node| node["spec"]["taints"].as_array().unwrap());
    let shown = taints.map(|taint| format!("{}:{}", text(taint, "/key"), text(taint, "/effect")));
    shown.filter(|shown| shown.contains("Autoscaler")).collect()
}

fn edit(practice: &Practice, kind: &str, namespace: Option<&str>, name: &str, annotation: Value) {
    practice.0.sim.change(|state, _| {
        state.store.edit(kind, namespace, name, |object| {
            set(object, "/metadata/annotations", annotation);
        })
    });
}

fn node(practice: &Practice) -> String {
    text(&user_nodes(practice)[0], "/metadata/name").to_owned()
}

/// A pod of a controller on the first user node.
fn put(practice: &Practice, namespace: &str) {
    let node = node(practice);
    let pod = Pod {
        namespace,
        name: "web-1",
        node: &node,
        labels: json!({"app": "web"}),
        owner: Some(("ReplicaSet", "web")),
        containers: &[("web", "web:1")],
    };
    let sim = &practice.0.sim;
    sim.change(|state, now| state.store.put(pod.running(now), now));
}

fn remove(practice: &Practice, namespace: &str, name: &str) {
    let sim = &practice.0.sim;
    sim.change(|state, now| state.store.remove("Pod", Some(namespace), name, now));
}

#[test]
fn nodes_are_candidates_for_ten_minutes_before_they_go() {
    within(&fresh("warm", 1, &[]), async |practice| {
        assert_eq!(taints(practice), [""; 0]);
        assert!(!status(practice).contains("CandidatesPresent"));
        floor(practice, 0).await;
        let mark = "DeletionCandidateOfClusterAutoscaler:PreferNoSchedule";
        assert_eq!(taints(practice), [mark, mark]);
        let said = status(practice);
        assert_eq!(
            said.matches("status: CandidatesPresent").count(),
            2,
            "{said}"
        );
        assert_eq!(said.matches("candidates: 2").count(), 2, "{said}");
        pause(590).await;
        assert_eq!(taints(practice), [mark, mark]);
        pause(15).await;
        let leaving = "ToBeDeletedByClusterAutoscaler:NoSchedule";
        assert_eq!(taints(practice), [leaving, leaving]);
        // It does not cordon what it takes away.
        assert!(
            user_nodes(practice)
                .iter()
                .all(|n| n["spec"].get("unschedulable").is_none())
        );
        assert!(status(practice).contains("beingDeleted: 2"));
        pause(100).await;
        assert_eq!(user_nodes(practice).len(), 0);
        assert!(reasons(practice).contains("ScaleDownEmpty"));
    });
}

#[test]
fn only_so_many_go_as_the_minimum_lets() {
    within(&fresh("warm", 1, &[]), async |practice| {
        floor(practice, 1).await;
        pause(3600).await;
        assert_eq!(user_nodes(practice).len(), 1);
        assert_eq!(taints(practice), [""; 0]);
        assert!(status(practice).contains("status: NoCandidates"));
    });
}

#[test]
fn somebody_who_comes_keeps_the_node_and_it_is_looked_at_again_when_they_leave() {
    within(&fresh("warm", 1, &[]), async |practice| {
        floor(practice, 0).await;
        pause(300).await;
        let come =
            |state: &mut State, now| state.arrive(("prod", "ada"), state::later(now, 600_000), now);
        let pod = practice.0.sim.change(come);
        assert_eq!(taints(practice).len(), 1);
        pause(3_000).await;
        assert_eq!(user_nodes(practice).len(), 1);
        assert_eq!(taints(practice), [""; 0]);
        assert!(
            practice
                .0
                .sim
                .change(|state, now| state.leave("prod", &pod, now))
        );
        pause(590).await;
        assert_eq!(user_nodes(practice).len(), 1);
        pause(120).await;
        assert_eq!(user_nodes(practice).len(), 0);
    });
}

#[test]
fn what_must_stay_keeps_its_node_until_it_need_not() {
    let kept = |hold: &dyn Fn(&Practice), release: &dyn Fn(&Practice)| {
        within(&fresh("warm", 1, &[]), async |practice| {
            hold(practice);
            floor(practice, 0).await;
            pause(3_600).await;
            assert_eq!(user_nodes(practice).len(), 1);
            release(practice);
            pause(750).await;
            assert_eq!(user_nodes(practice).len(), 0);
        });
    };
    let [(disabled, yes), (safe, no)] = HELD;
    // The node says so itself.
    kept(
        &|p| edit(p, "Node", None, &node(p), json!({disabled: yes})),
        &|p| edit(p, "Node", None, &node(p), json!({})),
    );
    // A pod says so; one of a controller alone would not keep it.
    kept(
        &|p| {
            put(p, "prod");
            edit(p, "Pod", Some("prod"), "web-1", json!({safe: no}));
        },
        &|p| edit(p, "Pod", Some("prod"), "web-1", json!({})),
    );
    // One of the system's without a budget.
    kept(&|p| put(p, "kube-system"), &|p| {
        remove(p, "kube-system", "web-1");
    });
}

#[test]
fn a_bare_pod_keeps_its_node() {
    within(&fresh("warm", 1, &["bare-pod"]), async |practice| {
        floor(practice, 0).await;
        pause(7_200).await;
        assert_eq!(user_nodes(practice).len(), 1);
        remove(practice, "prod", "data-copy");
        pause(750).await;
        assert_eq!(user_nodes(practice).len(), 0);
    });
}

#[test]
fn a_budget_keeps_its_node_for_an_hour() {
    within(&fresh("warm", 1, &["pdb-blocks"]), async |practice| {
        floor(practice, 0).await;
        pause(3_900).await;
        assert_eq!(user_nodes(practice).len(), 1);
        pause(600).await;
        assert_eq!(user_nodes(practice).len(), 0);
    });
}

#[test]
fn a_pod_with_a_long_grace_gets_ten_minutes_of_it() {
    within(&fresh("warm", 1, &["drain-timeout"]), async |practice| {
        floor(practice, 0).await;
        pause(620).await;
        let said = practice.0.sim.with(|store| {
            let events = store.list("Event").map(|event| text(event, "/message"));
            events.collect::<Vec<_>>().join("\n")
        });
        assert!(
            said.contains("pods to reschedule: exporter-7d9c5b8f6-k2x4p"),
            "{said}"
        );
        assert!(said.contains("deleting pod for node scale down"), "{said}");
        pause(500).await;
        assert_eq!(user_nodes(practice).len(), 1);
        pause(250).await;
        assert_eq!(user_nodes(practice).len(), 0);
    });
}

#[test]
fn a_drain_that_a_budget_stops_is_given_up_and_tried_again() {
    within(&fresh("warm", 1, &[]), async |practice| {
        put(practice, "prod");
        floor(practice, 0).await;
        pause(595).await;
        let node = node(practice);
        // A budget that comes between the last look and the eviction.
        practice.0.sim.change(|state, now| {
            let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                "metadata": {"namespace": "prod", "name": "web"},
                "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}});
            state.store.put(budget, now);
            state.drain(&node, By::Autoscaler, now);
        });
        pause(60).await;
        assert!(status(practice).contains("beingDeleted: "));
        pause(70).await;
        let nodes = user_nodes(practice);
        let stays = nodes
            .iter()
            .find(|n| text(n, "/metadata/name") == node)
            .unwrap();
        assert!(!stays["spec"]["taints"].to_string().contains("Autoscaler"));
        assert!(reasons(practice).contains("ScaleDownFailed"));
        // Without the budget it goes after all.
        practice.0.sim.change(|state, now| {
            state
                .store
                .remove("PodDisruptionBudget", Some("prod"), "web", now)
        });
        pause(750).await;
        assert_eq!(user_nodes(practice).len(), 0);
    });
}

#[test]
fn an_autoscaler_that_backs_off_takes_nothing_away_and_adds_nothing() {
    within(
        &fresh("warm", 1, &["autoscaler-backoff"]),
        async |practice| {
            assert!(status(practice).contains("errorCode: QUOTA_EXCEEDED"));
            floor(practice, 0).await;
            pause(1_700).await;
            assert_eq!(user_nodes(practice).len(), 2);
            assert!(reasons(practice).contains("ScaleDownFailed"));
            pause(110).await;
            assert!(!status(practice).contains("Backoff"));
            pause(120).await;
            assert_eq!(user_nodes(practice).len(), 0);
        },
    );
    within(
        &fresh("quiet", 1, &["autoscaler-backoff"]),
        async |practice| {
            let come = |state: &mut State, now| {
                state.arrive(("prod", "ada"), state::later(now, 9_000_000), now)
            };
            practice.0.sim.change(come);
            pause(1_700).await;
            let told = practice.0.sim.with(|store| {
                let events = store.list("Event").map(|event| text(event, "/message"));
                events.collect::<Vec<_>>().join("\n")
            });
            assert!(
                told.contains("1 in backoff after failed scale-up"),
                "{told}"
            );
            assert_eq!(user_nodes(practice).len(), 0);
            pause(400).await;
            assert_eq!(user_nodes(practice).len(), 1);
        },
    );
}

#[test]
fn machines_that_never_came_are_given_up_and_can_be_asked_for_again() {
    for fault in ["stockout", "op-error-only"] {
        within(&fresh("quiet", 1, &[fault]), async |practice| {
            floor(practice, 3).await;
            let op = size(practice, 3).await.unwrap();
            let op = finished(practice, &op.name).await;
            assert!(op.error.is_some());
            assert!(status(practice).contains("cloudProviderTarget: 3"));
            pause(900).await;
            let there = user_nodes(practice).len();
            let said = status(practice);
            assert!(
                there < 3 && said.contains(&format!("cloudProviderTarget: {there}")),
                "{said}"
            );
            assert!(reasons(practice).contains("DeleteUnregistered"));
            practice.0.sim.change(|state, _| state.faults.clear());
            let op = size(practice, 3).await.unwrap();
            assert_eq!(finished(practice, &op.name).await.error, None);
            assert_eq!(user_nodes(practice).len(), 3);
        });
    }
    // Where autoscaling is off nobody gives up, and asking again is trying again.
    within(
        &fresh("autoscaling-off", 1, &["op-error-only"]),
        async |practice| {
            let op = size(practice, 2).await.unwrap();
            finished(practice, &op.name).await;
            pause(7_200).await;
            let stuck = practice
                .0
                .sim
                .change(|state, _| state.pools["nb-user"].total());
            assert_eq!(stuck, 2);
            let op = size(practice, 2).await.unwrap();
            assert_eq!(finished(practice, &op.name).await.error, None);
            assert_eq!(user_nodes(practice).len(), 2);
        },
    );
}

#[test]
fn after_a_shortage_the_autoscaler_waits_before_it_adds() {
    within(&fresh("quiet", 1, &["stockout"]), async |practice| {
        floor(practice, 3).await;
        let op = size(practice, 3).await.unwrap();
        finished(practice, &op.name).await;
        pause(30).await;
        assert!(status(practice).contains("errorCode: GCE_STOCKOUT"));
        pause(300).await;
        assert!(!status(practice).contains("Backoff"));
    });
}
