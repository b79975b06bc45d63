use google_cloud_container_v1::model::NodePoolAutoscaling;
use google_cloud_container_v1::model::node_pool_autoscaling::LocationPolicy;
use google_cloud_container_v1::model::operation::Type;
use google_cloud_gax::error::rpc::Code;

use super::stub::{Fate, Gke, POOL, autoscaling, busy, operation, refused};
use crate::error::Kind;
use crate::event::{self, Level, What};
use crate::gke::raise_limits;

fn waits(events: &[What]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| match event {
            What::WaitBegan { what, .. } => Some(what.clone()),
            _ => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn raising_keeps_what_is_not_ours_and_a_higher_maximum() {
    let (gke, world, seen) = Gke::new();
    gke.state().pool.autoscaling = Some(
        autoscaling(1, 30)
            .set_location_policy(LocationPolicy::Any)
            .set_autoprovisioned(true),
    );
    let done = raise_limits(&world, POOL, 2, 20).await.unwrap().unwrap();
    assert_eq!(done.name, "operation-1");
    assert_eq!(
        gke.state().pool.autoscaling,
        Some(
            autoscaling(2, 30)
                .set_location_policy(LocationPolicy::Any)
                .set_autoprovisioned(true)
        )
    );
    assert_eq!(seen.operations(), ["operation-1"]);
    let changes = world.changes();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].what, "node pool nb-user: autoscaler limits");
    assert_eq!(changes[0].before, "1..30 nodes");
    assert_eq!(changes[0].after, "2..30 nodes");
    assert_eq!(changes[0].fate, event::Fate::Done);
    assert_eq!(
        waits(&seen.events()),
        ["limits of node pool nb-user: operation-1"]
    );
}

#[tokio::test(start_paused = true)]
async fn limits_high_enough_send_nothing() {
    let (gke, world, _) = Gke::new();
    gke.state().pool.autoscaling = Some(autoscaling(3, 20));
    assert_eq!(raise_limits(&world, POOL, 2, 10).await.unwrap(), None);
    assert_eq!(gke.state().log, ["getNodePool"]);
    assert!(world.changes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn total_limits_stay_total() {
    let (gke, world, _) = Gke::new();
    gke.spread();
    gke.state().pool.autoscaling = Some(
        NodePoolAutoscaling::new()
            .set_enabled(true)
            .set_total_max_node_count(9),
    );
    raise_limits(&world, POOL, 4, 8).await.unwrap();
    assert_eq!(gke.writes(), ["setAutoscaling 0..0 total 4..9"]);
}

#[tokio::test(start_paused = true)]
async fn per_zone_limits_are_rounded_up_and_that_is_said() {
    let (gke, world, seen) = Gke::new();
    gke.spread();
    gke.state().pool.autoscaling = Some(autoscaling(0, 2));
    raise_limits(&world, POOL, 4, 8).await.unwrap();
    assert_eq!(gke.writes(), ["setAutoscaling 2..3 total 0..0"]);
    assert!(seen.events().contains(&What::Said {
        level: Level::Info,
        text: "nb-user spans 3 zones, and its limits become 6..9 nodes (2..3 per zone).".to_owned(),
    }));
}

#[tokio::test(start_paused = true)]
async fn autoscaling_found_off_is_switched_on_even_at_the_right_limits() {
    let (gke, world, _) = Gke::new();
    gke.state().pool.autoscaling = Some(NodePoolAutoscaling::new());
    raise_limits(&world, POOL, 2, 20).await.unwrap();
    assert_eq!(gke.state().pool.autoscaling, Some(autoscaling(2, 20)));
    assert_eq!(world.changes()[0].before, "off");

    gke.state().pool.autoscaling = Some(autoscaling(2, 20).set_enabled(false));
    raise_limits(&world, POOL, 2, 20).await.unwrap();
    assert_eq!(gke.state().pool.autoscaling, Some(autoscaling(2, 20)));
}

#[tokio::test(start_paused = true)]
async fn a_busy_cluster_is_waited_for_and_what_changed_meanwhile_is_kept() {
    let (gke, world, seen) = Gke::new();
    gke.state()
        .run("operation-7", operation(Type::UpgradeNodes, true));
    gke.fate(
        "setAutoscaling",
        Fate::Overtaken(busy("operation-7"), autoscaling(0, 40)),
    );
    raise_limits(&world, POOL, 2, 20).await.unwrap();
    assert_eq!(
        gke.writes(),
        [
            "setAutoscaling 2..20 total 0..0",
            "setAutoscaling 2..40 total 0..0"
        ]
    );
    assert_eq!(
        waits(&seen.events()),
        [
            "another operation: UPGRADE_NODES operation-7",
            "limits of node pool nb-user: operation-2"
        ]
    );
    assert_eq!(seen.operations(), ["operation-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_cluster_that_names_nobody_is_looked_through() {
    let (gke, world, seen) = Gke::new();
    gke.state()
        .run("operation-7", operation(Type::UpgradeMaster, false));
    gke.fate(
        "setAutoscaling",
        refused(
            Code::FailedPrecondition,
            "Cluster is currently being created, deleted, updated or repaired and cannot be updated",
        ),
    );
    gke.fate("setAutoscaling", refused(Code::Aborted, "Request conflict"));
    raise_limits(&world, POOL, 2, 20).await.unwrap();
    assert_eq!(
        waits(&seen.events())[0],
        "another operation: UPGRADE_MASTER operation-7"
    );
    assert_eq!(gke.writes().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_busy_for_too_long_is_given_up_by_name() {
    let (gke, world, _) = Gke::new();
    gke.state().takes = std::time::Duration::from_hours(9);
    gke.state()
        .run("operation-7", operation(Type::UpgradeNodes, true));
    gke.fate("setAutoscaling", Fate::Refused(busy("operation-7")));
    let began = world.clock().now();
    let error = raise_limits(&world, POOL, 2, 20).await.unwrap_err();
    assert_eq!(error.kind, Kind::Busy);
    assert_eq!(
        error.message,
        "operation-7 holds practice/northamerica-northeast1/callysto-cluster"
    );
    assert_eq!(world.clock().since(began).as_secs(), 45 * 60);
    assert_eq!(gke.writes().len(), 1);
    assert!(world.changes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_lost_on_the_way_is_found_by_its_trace() {
    let (gke, world, seen) = Gke::new();
    gke.fate("setAutoscaling", Fate::Lost);
    let done = raise_limits(&world, POOL, 2, 20).await.unwrap().unwrap();
    assert_eq!(done.name, "operation-1");
    assert_eq!(gke.writes().len(), 1);
    assert_eq!(seen.operations(), ["operation-1"]);
    assert_eq!(world.changes()[0].fate, event::Fate::Done);
}

#[tokio::test(start_paused = true)]
async fn a_lost_change_that_the_pool_already_shows_is_done() {
    let (gke, world, seen) = Gke::new();
    let status = google_cloud_gax::error::rpc::Status::default().set_code(Code::Internal);
    gke.fate(
        "setAutoscaling",
        Fate::Overtaken(status, autoscaling(2, 20)),
    );
    assert_eq!(raise_limits(&world, POOL, 2, 20).await.unwrap(), None);
    assert_eq!(gke.writes().len(), 1);
    assert!(seen.operations().is_empty());
    assert_eq!(world.changes().len(), 1);
    assert_eq!(world.changes()[0].fate, event::Fate::Done);
}
