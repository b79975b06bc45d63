//! The world as its clients see it: through the doors, on paused time.

use google_cloud_container_v1::model::{NodePool, NodePoolAutoscaling, Operation, operation};
use google_cloud_gax::error::Error as Refused;
use google_cloud_gax::error::rpc::{Code, StatusDetails};
use serde_json::{Value, json};

use super::apiserver::Cluster as _;
use super::objects::{NOTEBOOK, text};
use super::*;
use crate::error::{self, Kind};
use crate::world::Doors as _;

type Asked = google_cloud_gax::Result<Operation>;

fn setup(scenario: &str, seed: u64, faults: &[&str]) -> Setup {
    Setup {
        seed,
        scenario: scenario.to_owned(),
        faults: faults.iter().map(|f| Fault::parse(f).unwrap()).collect(),
        ..Setup::default()
    }
}

/// Runs a test in a world of its own, on a clock of its own.
fn within<T>(practice: &Practice, test: impl AsyncFnOnce(&Practice) -> T) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        practice.start(Events::new(|_| {}));
        test(practice).await
    })
}

fn fresh(scenario: &str, seed: u64, faults: &[&str]) -> Practice {
    Practice::fresh(&setup(scenario, seed, faults)).unwrap()
}

fn cluster() -> crate::names::ClusterName {
    Layout::default().cluster
}

fn pool_name() -> String {
    cluster().pool("nb-user")
}

async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn limits(min: i32, max: i32) -> NodePoolAutoscaling {
    let limits = NodePoolAutoscaling::new().set_enabled(true);
    limits.set_min_node_count(min).set_max_node_count(max)
}

async fn autoscale(practice: &Practice, limits: NodePoolAutoscaling) -> Asked {
    let gke = practice.gke().await.unwrap();
    let request = gke.set_node_pool_autoscaling().set_name(pool_name());
    request.set_autoscaling(limits).send().await
}

async fn size(practice: &Practice, count: i32) -> Asked {
    let gke = practice.gke().await.unwrap();
    let request = gke.set_node_pool_size().set_name(pool_name());
    request.set_node_count(count).send().await
}

async fn pool(practice: &Practice) -> NodePool {
    let gke = practice.gke().await.unwrap();
    let request = gke.get_node_pool().set_name(pool_name());
    request.send().await.unwrap()
}

async fn finished(practice: &Practice, name: &str) -> Operation {
    let gke = practice.gke().await.unwrap();
    loop {
        let request = gke.get_operation().set_name(cluster().operation(name));
        let op = request.send().await.unwrap();
        if op.status == operation::Status::Done {
            return op;
        }
        pause(5).await;
    }
}

fn user_nodes(practice: &Practice) -> Vec<Value> {
    practice.0.sim.with(|store| {
        let ours = |node: &&Value| {
            text(node, "/metadata/labels/cloud.google.com~1gke-nodepool") == "nb-user"
        };
        store.list("Node").filter(ours).cloned().collect()
    })
}

fn warm(node: &Value) -> bool {
    ready(node) && node["status"]["images"].to_string().contains(NOTEBOOK)
}

fn ready(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array().unwrap();
    (conditions.iter()).any(|c| c["type"] == "Ready" && c["status"] == "True")
}

fn pullers(practice: &Practice) -> Vec<Value> {
    practice.0.sim.with(|store| {
        let ours = |pod: &&Value| text(pod, "/metadata/labels/component") == pullers::PULLER;
        store.list("Pod").filter(ours).cloned().collect()
    })
}

fn reasons(practice: &Practice) -> String {
    practice.0.sim.with(|store| {
        let reasons: Vec<_> = store
            .list("Event")
            .map(|e| text(e, "/reason").to_owned())
            .collect();
        reasons.join(" ")
    })
}

async fn all_warm(practice: &Practice, count: usize) {
    while user_nodes(practice)
        .iter()
        .filter(|node| warm(node))
        .count()
        < count
    {
        pause(5).await;
    }
}

fn minutes(practice: &Practice, since: Timestamp) -> f64 {
    practice.clock().since(since).as_secs_f64() / 60.0
}

/// Raises the minimum and sees it done: else the autoscaler takes idle nodes away again.
async fn floor(practice: &Practice, count: i32) {
    let op = autoscale(practice, limits(count, 20)).await.unwrap();
    finished(practice, &op.name).await;
}

/// Raises the minimum and the size to two, and waits until two nodes are warm. Minutes from the
/// resize, and from the beginning.
async fn warm_up(practice: &Practice) -> (f64, f64) {
    let began = practice.clock().now();
    floor(practice, 2).await;
    let resized = practice.clock().now();
    let op = size(practice, 2).await.unwrap();
    let op = finished(practice, &op.name).await;
    assert_eq!(op.error, None);
    all_warm(practice, 2).await;
    (minutes(practice, resized), minutes(practice, began))
}

fn code(refused: &Refused) -> (Code, u16) {
    (
        refused.status().unwrap().code,
        refused.http_status_code().unwrap(),
    )
}

fn info(refused: &Refused) -> Vec<String> {
    let details = refused.status().unwrap().details.iter();
    details
        .filter_map(|detail| match detail {
            StatusDetails::ErrorInfo(info) => Some(info.reason.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn two_nodes_take_twenty_to_twenty_five_minutes() {
    let mut seen = Vec::new();
    for seed in 0..50 {
        let (resize, whole) = within(&fresh("quiet", seed, &[]), warm_up);
        assert!(
            resize > 20.0 && whole < 25.0,
            "seed {seed}: {resize} of {whole}"
        );
        seen.push(resize);
    }
    let spread =
        seen.iter().copied().fold(0.0, f64::max) - seen.iter().copied().fold(99.0, f64::min);
    assert!(spread > 1.0, "{spread}");
}

#[test]
fn one_seed_one_history() {
    let run = |seed| {
        let practice = fresh("quiet", seed, &[]);
        within(&practice, async |practice| {
            warm_up(practice).await;
            snapshot(practice)
        })
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}

#[test]
fn pullers_show_how_far_they_are_and_the_node_then_holds_the_image() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        floor(practice, 1).await;
        size(practice, 1).await.unwrap();
        pause(300).await;
        let pods = pullers(practice);
        assert_eq!(pods.len(), 2);
        for pod in &pods {
            let init = &pod["status"]["initContainerStatuses"];
            assert_eq!(init[0]["state"]["terminated"]["reason"], "Completed");
            assert_eq!(init[1]["state"]["waiting"]["reason"], "PodInitializing");
            assert_eq!(pod["status"]["phase"], "Pending");
        }
        assert!(
            user_nodes(practice)
                .iter()
                .all(|node| ready(node) && !warm(node))
        );
        all_warm(practice, 1).await;
        assert!(
            pullers(practice)
                .iter()
                .all(|pod| pod["status"]["phase"] == "Running")
        );
        let daemons = practice.0.sim.with(|store| {
            store
                .get("DaemonSet", Some("prod"), pullers::PULLER)
                .unwrap()
                .clone()
        });
        assert_eq!(daemons["status"]["numberReady"], 1);
        let reasons = reasons(practice);
        for reason in [
            "Scheduled",
            "Pulling",
            "Pulled",
            "NodeReady",
            "RegisteredNode",
        ] {
            assert!(reasons.contains(reason), "{reason}");
        }
    });
}

#[test]
fn a_higher_minimum_alone_brings_no_nodes() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        floor(practice, 2).await;
        pause(7200).await;
        assert_eq!(user_nodes(practice).len(), 0);
        assert_eq!(pool(practice).await.autoscaling.unwrap().min_node_count, 2);
    });
}

#[test]
fn nodes_above_the_minimum_that_nobody_uses_are_taken_away() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        size(practice, 2).await.unwrap();
        pause(600).await;
        assert_eq!(user_nodes(practice).len(), 2);
        pause(600).await;
        assert_eq!(user_nodes(practice).len(), 0);
        assert!(reasons(practice).contains("ScaleDownEmpty"));
    });
    within(&fresh("users", 1, &[]), async |practice| {
        floor(practice, 0).await;
        pause(7200).await;
        assert_eq!(user_nodes(practice).len(), 1, "people are on it");
    });
}

#[test]
fn autoscaling_is_replaced_whole() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        let before = pool(practice).await.autoscaling.unwrap();
        let op = autoscale(practice, limits(1, 9)).await.unwrap();
        assert_eq!(op.operation_type, operation::Type::UpdateCluster);
        assert_eq!(
            pool(practice).await.autoscaling.unwrap(),
            before,
            "not done yet"
        );
        finished(practice, &op.name).await;
        let after = pool(practice).await.autoscaling.unwrap();
        assert_eq!(after, limits(1, 9));
        assert_ne!(
            after.location_policy, before.location_policy,
            "it was not sent"
        );
        let both = limits(1, 9).set_total_max_node_count(9);
        let refused = autoscale(practice, both).await.unwrap_err();
        assert_eq!(code(&refused), (Code::InvalidArgument, 400));
    });
}

#[test]
fn a_second_operation_is_refused_while_one_runs() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        let op = autoscale(practice, limits(2, 20)).await.unwrap();
        let refused = size(practice, 2).await.unwrap_err();
        assert_eq!(code(&refused), (Code::FailedPrecondition, 400));
        assert!(refused.status().unwrap().message.contains(&op.name));
        assert_eq!(info(&refused), ["CLUSTER_ALREADY_HAS_OPERATION"]);
        finished(practice, &op.name).await;
        size(practice, 2).await.unwrap();
        let ledger = practice.ledger();
        assert_eq!(ledger.len(), 2, "the refused one changed nothing");
        assert_eq!(ledger[1].body, json!({"nodeCount": 2}));
        assert!(ledger[1].what.ends_with("nodePools/nb-user:setSize"));
    });
}

#[test]
fn what_does_not_exist_is_not_found_and_what_is_not_built_says_so() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        let gke = practice.gke().await.unwrap();
        let request = gke.get_node_pool().set_name(cluster().pool("nb-usr"));
        let refused = request.send().await.unwrap_err();
        assert_eq!(code(&refused), (Code::NotFound, 404));
        let request = gke
            .get_operation()
            .set_name(cluster().operation("operation-1"));
        assert_eq!(code(&request.send().await.unwrap_err()).1, 404);
        let refused = gke
            .delete_cluster()
            .set_name(cluster().path())
            .send()
            .await
            .unwrap_err();
        assert_eq!(refused.http_status_code(), Some(501));
    });
}

#[test]
fn more_machines_than_the_quota_are_refused_at_once() {
    within(&fresh("three-zones", 1, &[]), async |practice| {
        let refused = size(practice, 9).await.unwrap_err();
        assert_eq!(code(&refused), (Code::PermissionDenied, 403));
        assert!(
            refused
                .status()
                .unwrap()
                .message
                .contains("Insufficient regional quota")
        );
        size(practice, 1).await.unwrap();
        pause(300).await;
        assert_eq!(user_nodes(practice).len(), 3, "one in each zone");
    });
}

#[test]
fn a_smaller_size_takes_nodes_and_the_people_on_them() {
    within(&fresh("users", 1, &[]), async |practice| {
        let op = size(practice, 0).await.unwrap();
        finished(practice, &op.name).await;
        assert_eq!(user_nodes(practice).len(), 0);
        let people = practice.0.sim.with(|store| {
            let names = store
                .list("Pod")
                .map(|pod| text(pod, "/metadata/name").to_owned());
            names.filter(|name| name.starts_with("jupyter-")).count()
        });
        assert_eq!(people, 0);
    });
}

#[test]
fn a_restored_world_ends_at_the_same_moment() {
    let ends = |practice: &Practice| {
        within(practice, async |practice| {
            all_warm(practice, 2).await;
            let at = practice
                .0
                .sim
                .with(|store| store.list("Node").cloned().collect::<Vec<_>>());
            (at, practice.ledger())
        })
    };
    let through = fresh("quiet", 5, &[]);
    let saved = within(&through, async |practice| {
        floor(practice, 2).await;
        size(practice, 2).await.unwrap();
        pause(400).await;
        snapshot(practice)
    });
    let restored = || Practice::restore(&saved, Duration::ZERO, Speed::Max).unwrap();
    assert_eq!(ends(&restored()), ends(&restored()));
    let whole = within(&fresh("quiet", 5, &[]), async |practice| {
        floor(practice, 2).await;
        size(practice, 2).await.unwrap();
        all_warm(practice, 2).await;
        let at = practice
            .0
            .sim
            .with(|store| store.list("Node").cloned().collect::<Vec<_>>());
        (at, practice.ledger())
    });
    assert_eq!(ends(&restored()), whole);
    assert!(Practice::restore(b"{\"at\": 1}", Duration::ZERO, Speed::Max).is_err());

    // Hours later everything due has happened, at its own moment.
    let later = Practice::restore(&saved, Duration::from_hours(8), Speed::Max).unwrap();
    let now = within(&later, async |practice| {
        all_warm(practice, 2).await;
        practice.clock().now()
    });
    assert_eq!(ends(&later).0, whole.0);
    assert!(now.duration_since(state::EPOCH).as_hours() == 8, "{now}");
}

/// Everything about the world, its time included.
fn snapshot(practice: &Practice) -> Vec<u8> {
    practice
        .0
        .sim
        .change(|state, at| serde_json::to_vec(&Saving { at, state }).unwrap())
}

#[test]
fn a_paced_world_has_the_same_history() {
    let run = |speed| {
        let setup = Setup {
            speed,
            ..setup("quiet", 9, &[])
        };
        let practice = Practice::fresh(&setup).unwrap();
        within(&practice, async |practice| {
            size(practice, 1).await.unwrap();
            pause(200).await;
            snapshot(practice)
        })
    };
    assert_eq!(run(Speed::Max), run(Speed::Times(100_000)));
}

#[test]
fn nothing_due_means_nothing_done() {
    within(&fresh("warm", 1, &[]), async |practice| {
        let before = practice.0.sim.with(|store| store.version());
        pause(7 * 24 * 3600).await;
        assert_eq!(practice.0.sim.with(|store| store.version()), before);
    });
}

#[test]
fn the_kubernetes_door_leads_to_the_router() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        let client = practice.k8s().await.unwrap();
        let request = http::Request::get("/nowhere").body(Vec::new()).unwrap();
        match client.request_text(request).await.unwrap_err() {
            kube::Error::Api(status) => assert_eq!(status.code, 404),
            other => panic!("{other}"),
        }
    });
}

mod autoscaler;
mod crowd;
mod deployments;
mod drains;
mod faults;
mod hub;
mod people;
mod rhythm;
mod spawns;
mod usage;
