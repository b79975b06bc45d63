//! Each fault, as a client meets it.

use super::*;

async fn failed_resize(practice: &Practice) -> Operation {
    let op = size(practice, 3).await.unwrap();
    finished(practice, &op.name).await
}

#[test]
fn busy_holds_the_cluster_for_minutes_under_a_name_that_can_be_looked_up() {
    within(&fresh("quiet", 1, &["busy"]), async |practice| {
        let refused = autoscale(practice, limits(2, 20)).await.unwrap_err();
        assert_eq!(info(&refused), ["CLUSTER_ALREADY_HAS_OPERATION"]);
        let gke = practice.gke().await.unwrap();
        let request = gke.list_operations().set_parent(cluster().parent());
        let op = request.send().await.unwrap().operations.remove(0);
        assert!(refused.status().unwrap().message.contains(&op.name));
        let began = practice.clock().now();
        finished(practice, &op.name).await;
        assert!((4.9..8.2).contains(&minutes(practice, began)));
        autoscale(practice, limits(2, 20)).await.unwrap();
    });
}

#[test]
fn busy_waits_for_the_operation_that_runs() {
    within(&fresh("quiet", 1, &["busy@5s"]), async |practice| {
        let op = autoscale(practice, limits(2, 20)).await.unwrap();
        let op = finished(practice, &op.name).await;
        assert_eq!(op.error, None);
        pause(2).await;
        let refused = size(practice, 2).await.unwrap_err();
        assert_eq!(info(&refused), ["CLUSTER_ALREADY_HAS_OPERATION"]);
    });
}

#[test]
fn stockout_ends_the_resize_after_half_an_hour_with_fewer_nodes() {
    for seed in 0..5 {
        within(&fresh("quiet", seed, &["stockout"]), async |practice| {
            floor(practice, 3).await;
            let began = practice.clock().now();
            let op = failed_resize(practice).await;
            assert!((35.0..36.0).contains(&minutes(practice, began)));
            let error = op.error.unwrap();
            assert_eq!(error.code, 8);
            assert!(error.message.contains("ZONE_RESOURCE_POOL_EXHAUSTED"));
            let pool = pool(practice).await;
            assert_eq!(pool.conditions.len(), 1);
            assert!(user_nodes(practice).len() < 3);
            let status = practice.0.sim.with(|store| {
                let name = "cluster-autoscaler-status";
                store
                    .get("ConfigMap", Some("kube-system"), name)
                    .unwrap()
                    .to_string()
            });
            assert!(status.contains("Backoff") && status.contains("cloudProviderTarget: 3"));
        });
    }
}

#[test]
#[expect(deprecated, reason = "the field is what the fault is about")]
fn op_error_only_has_an_error_and_no_status_message_once() {
    within(&fresh("quiet", 1, &["op-error-only"]), async |practice| {
        let op = failed_resize(practice).await;
        assert!(op.error.unwrap().message.contains("IP_SPACE_EXHAUSTED"));
        assert_eq!(op.status_message, "");
        assert_eq!(user_nodes(practice).len(), 0);
        let op = size(practice, 4).await.unwrap();
        assert_eq!(finished(practice, &op.name).await.error, None);
    });
}

#[test]
fn denied_refuses_changes_and_lets_one_look() {
    within(&fresh("quiet", 1, &["denied"]), async |practice| {
        let refused = size(practice, 2).await.unwrap_err();
        assert_eq!(code(&refused), (Code::PermissionDenied, 403));
        let message = &refused.status().unwrap().message;
        assert!(message.contains("container.clusters.update"));
        pool(practice).await;
        assert_eq!(practice.ledger(), []);
        let refusal = practice.0.sim.refuse("PATCH", "/api/v1/nodes/n").unwrap();
        assert_eq!(refusal.code, 403);
        assert!(refusal.message.starts_with("nodes \"n\" is forbidden"));
        assert!(practice.0.sim.refuse("GET", "/api/v1/nodes").is_none());
    });
}

#[test]
fn a_slow_image_takes_three_times_as_long() {
    within(&fresh("quiet", 1, &["slow-image"]), async |practice| {
        let (resize, _) = warm_up(practice).await;
        assert!((55.0..65.0).contains(&resize), "{resize}");
    });
}

#[test]
fn a_missing_image_is_backed_off_from_and_the_world_comes_to_rest() {
    within(&fresh("quiet", 1, &["image-missing"]), async |practice| {
        floor(practice, 1).await;
        size(practice, 1).await.unwrap();
        pause(3600).await;
        for pod in pullers(practice) {
            let waiting = &pod["status"]["initContainerStatuses"][1]["state"]["waiting"];
            assert_eq!(waiting["reason"], "ImagePullBackOff");
        }
        let reasons = reasons(practice);
        assert!(reasons.contains("Failed") && reasons.contains("BackOff"));
        assert!(!user_nodes(practice).iter().any(warm));
        assert_eq!(practice.0.sim.change(|state, _| state.due()), None);
    });
}

#[test]
fn one_node_never_gets_ready() {
    within(
        &fresh("quiet", 1, &["node-never-ready"]),
        async |practice| {
            let op = autoscale(practice, limits(2, 20)).await.unwrap();
            finished(practice, &op.name).await;
            size(practice, 2).await.unwrap();
            pause(3600).await;
            let nodes = user_nodes(practice);
            let bad: Vec<_> = nodes.iter().filter(|node| !ready(node)).collect();
            assert_eq!((nodes.len(), bad.len()), (2, 1));
            assert!(
                bad[0]["status"]["conditions"]
                    .to_string()
                    .contains("cni plugin not initialized")
            );
            assert!(nodes.iter().any(warm));
        },
    );
}

#[test]
fn rate_limits_say_when_to_come_back_and_end() {
    within(&fresh("quiet", 1, &["rate-limited"]), async |practice| {
        for _ in 0..3 {
            let refused = size(practice, 2).await.unwrap_err();
            assert_eq!(code(&refused), (Code::ResourceExhausted, 429));
            assert_eq!(refused.http_headers().unwrap()["retry-after"], "5");
            let details = &refused.status().unwrap().details;
            assert!(
                (details.iter()).any(|d| matches!(d, StatusDetails::RetryInfo(i)
                if i.retry_delay.as_ref().is_some_and(|d| d.seconds() == 5)))
            );
        }
        size(practice, 2).await.unwrap();
        let refusal = practice.0.sim.refuse("GET", "/api/v1/nodes").unwrap();
        assert_eq!((refusal.code, refusal.retry_after), (429, Some(1)));
        assert!(practice.0.sim.refuse("GET", "/api/v1/nodes").is_some());
        assert!(practice.0.sim.refuse("GET", "/api/v1/nodes").is_none());
    });
}

#[test]
fn an_expired_token_is_refused_by_both_until_renewed() {
    within(
        &fresh("quiet", 1, &["expired-token@1m"]),
        async |practice| {
            pool(practice).await;
            pause(60).await;
            let refused = size(practice, 2).await.unwrap_err();
            assert_eq!(code(&refused), (Code::Unauthenticated, 401));
            let refusal = practice.0.sim.refuse("GET", "/api/v1/nodes").unwrap();
            assert_eq!((refusal.code, refusal.reason), (401, "Unauthorized"));
            practice.renew().await.unwrap();
            size(practice, 2).await.unwrap();
            pause(3600).await;
            assert!(practice.0.sim.refuse("GET", "/api/v1/nodes").is_none());
        },
    );
}

fn lease(practice: &Practice) -> Value {
    practice.0.sim.with(|store| {
        let lease = store.get("Lease", Some("default"), "runbook");
        lease.cloned().unwrap_or_default()
    })
}

#[test]
fn held_by_another_is_renewed_for_ten_minutes_and_then_released() {
    within(&fresh("quiet", 1, &["held-by-another"]), async |practice| {
        let taken = lease(practice);
        assert_eq!(taken["spec"]["holderIdentity"], "bob@desk");
        assert_eq!(taken["spec"]["renewTime"], "2026-01-15T13:00:00.000000Z");
        pause(599).await;
        let renewed = lease(practice);
        assert_eq!(renewed["spec"]["renewTime"], "2026-01-15T13:09:45.000000Z");
        pause(1).await;
        let released = lease(practice);
        assert_eq!(released["spec"]["holderIdentity"], Value::Null);
        assert_eq!(
            released["metadata"]["annotations"]["runbook/step"],
            "Grow the pool"
        );
        assert_eq!(practice.ledger(), []);
    });
}

#[test]
fn lease_lost_takes_what_somebody_else_holds_and_lets_go_when_it_is_taken_back() {
    within(&fresh("quiet", 1, &["lease-lost"]), async |practice| {
        let take = |who: &str| {
            let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"namespace": "default", "name": "runbook"},
                "spec": {"holderIdentity": who, "leaseTransitions": 4}});
            practice
                .0
                .sim
                .change(|state, now| state.store.put(lease, now));
        };
        take("ann@laptop");
        pause(119).await;
        assert_eq!(lease(practice)["spec"]["holderIdentity"], "ann@laptop");
        pause(1).await;
        let lost = lease(practice);
        assert_eq!(lost["spec"]["holderIdentity"], "bob@desk");
        assert_eq!(lost["spec"]["leaseTransitions"], 5);
        take("ann@laptop");
        pause(60).await;
        assert_eq!(lease(practice)["spec"]["holderIdentity"], "ann@laptop");
    });
}

#[test]
fn denied_is_about_changes_and_not_about_who_may_make_them() {
    within(&fresh("quiet", 1, &["denied"]), async |practice| {
        let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
        assert!(practice.0.sim.refuse("POST", leases).is_none());
        assert!(practice.0.sim.refuse("PATCH", "/api/v1/nodes/n").is_some());
    });
}

#[test]
fn uncordoning_a_node_lifts_its_taint() {
    within(&fresh("cordoned", 1, &[]), async |practice| {
        let cordoned = |node: &Value| node["spec"]["unschedulable"] == true;
        let nodes = user_nodes(practice);
        let node = nodes.iter().find(|node| cordoned(node)).unwrap();
        assert!(node["spec"]["taints"].to_string().contains("unschedulable"));
        let name = text(node, "/metadata/name");
        practice.0.sim.with(|store| {
            store.edit("Node", None, name, |node| {
                node["spec"]["unschedulable"] = json!(null);
            })
        });
        let path = format!("/api/v1/nodes/{name}");
        let body = json!({"spec": {"unschedulable": null}});
        practice.0.sim.mutated("PATCH", &path, &body);
        let nodes = user_nodes(practice);
        assert!(
            !nodes
                .iter()
                .any(|node| node.to_string().contains("io/unschedulable"))
        );
        assert_eq!(practice.ledger()[0].method, "PATCH");
    });
}
