//! Limits set to exactly what is wanted, and what a killed session left of that.

use std::time::Duration;

use google_cloud_container_v1::model::operation::Type;
use google_cloud_container_v1::model::{NodePoolAutoscaling, Operation};
use google_cloud_rpc::model::Status;

use super::killed::{begun, noted};
use super::stub::{Fate, Gke, POOL, autoscaling, busy, operation};
use crate::error::{self, Kind};
use crate::event::{self, Level, What};
use crate::gke::{limits_left_by, set_limits};
use crate::names::Class;
use crate::world::{Begun, World};

const NONE: [&str; 0] = [];

async fn left(world: &World, earlier: &Begun) -> error::Result<Option<bool>> {
    limits_left_by(world, POOL, (0, 8), earlier).await
}

#[tokio::test(start_paused = true)]
async fn limits_can_be_lowered_and_nothing_else_is_changed() {
    let (gke, world, seen) = Gke::new();
    gke.state().pool.autoscaling = Some(autoscaling(2, 20).set_autoprovisioned(true));
    let done = set_limits(&world, POOL, 0, 8).await.unwrap().unwrap();
    assert!(done.is_done());
    assert_eq!(
        gke.state().pool.autoscaling,
        Some(autoscaling(0, 8).set_autoprovisioned(true))
    );
    assert!(gke.state().sizes.is_empty());
    assert_eq!(seen.operations(), ["operation-1"]);
    let change = &world.changes()[0];
    assert_eq!(
        (change.before.as_str(), change.after.as_str()),
        ("2..20 nodes", "0..8 nodes")
    );
    assert_eq!(
        (change.call.as_str(), change.class, change.fate),
        ("Pool.set_limits", Class::WriteOnce, event::Fate::Done)
    );
}

#[tokio::test(start_paused = true)]
async fn limits_can_be_raised_too() {
    let (gke, world, _) = Gke::new();
    set_limits(&world, POOL, 3, 30).await.unwrap().unwrap();
    assert_eq!(gke.writes(), ["setAutoscaling 3..30 total 0..0"]);
}

#[tokio::test(start_paused = true)]
async fn limits_that_are_these_already_send_nothing() {
    let (gke, world, _) = Gke::new();
    assert_eq!(set_limits(&world, POOL, 0, 20).await.unwrap(), None);
    assert_eq!(gke.state().log, ["getNodePool"]);
    assert!(world.changes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn limits_per_zone_stay_per_zone_and_their_rounding_is_said() {
    let (gke, world, seen) = Gke::new();
    gke.spread();
    gke.state().pool.autoscaling = Some(autoscaling(2, 9));
    set_limits(&world, POOL, 1, 8).await.unwrap();
    assert_eq!(gke.writes(), ["setAutoscaling 1..3 total 0..0"]);
    assert!(seen.events().contains(&What::Said {
        level: Level::Info,
        text: "nb-user spans 3 zones, and its limits become 3..9 nodes (1..3 per zone).".to_owned(),
    }));
    assert_eq!(set_limits(&world, POOL, 1, 8).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn limits_in_total_stay_in_total() {
    let (gke, world, seen) = Gke::new();
    gke.spread();
    gke.state().pool.autoscaling = Some(
        NodePoolAutoscaling::new()
            .set_enabled(true)
            .set_total_min_node_count(4)
            .set_total_max_node_count(9),
    );
    set_limits(&world, POOL, 1, 8).await.unwrap();
    assert_eq!(gke.writes(), ["setAutoscaling 0..0 total 1..8"]);
    let said = |event: &What| matches!(event, What::Said { .. });
    assert!(!seen.events().iter().any(said), "nothing was rounded");
}

#[tokio::test(start_paused = true)]
async fn setting_limits_switches_autoscaling_on() {
    let (gke, world, _) = Gke::new();
    gke.state().pool.autoscaling = Some(autoscaling(0, 8).set_enabled(false));
    set_limits(&world, POOL, 0, 8).await.unwrap().unwrap();
    assert_eq!(gke.state().pool.autoscaling, Some(autoscaling(0, 8)));
    assert_eq!(world.changes()[0].before, "off");
}

#[tokio::test(start_paused = true)]
async fn limits_that_make_no_sense_ask_nothing_of_gke() {
    let (gke, world, _) = Gke::new();
    for (minimum, maximum) in [(3, 2), (0, 0)] {
        let error = set_limits(&world, POOL, minimum, maximum)
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::Script);
        assert_eq!(
            error.message,
            format!("{minimum} to {maximum} nodes are no limits for node pool nb-user")
        );
        assert!(error.hint.unwrap().contains("at least 1"));
    }
    assert_eq!(gke.state().log, NONE);
}

#[tokio::test(start_paused = true)]
async fn a_busy_cluster_is_waited_for_and_the_limits_are_set_all_the_same() {
    let (gke, world, seen) = Gke::new();
    gke.state()
        .run("operation-7", operation(Type::UpgradeNodes, true));
    gke.fate(
        "setAutoscaling",
        Fate::Overtaken(busy("operation-7"), autoscaling(5, 40)),
    );
    set_limits(&world, POOL, 0, 8).await.unwrap();
    assert_eq!(gke.state().pool.autoscaling, Some(autoscaling(0, 8)));
    assert_eq!(world.changes()[0].before, "5..40 nodes");
    assert_eq!(seen.operations(), ["operation-2"]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_fails_is_told_and_settled() {
    let (gke, world, _) = Gke::new();
    gke.state().ending = Operation::new().set_error(Status::new().set_message("broken"));
    let error = set_limits(&world, POOL, 0, 8).await.unwrap_err();
    assert_eq!(error.kind, Kind::Operation);
    assert_eq!(world.changes()[0].fate, event::Fate::Failed);
    assert_eq!(gke.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_waited_for_and_counts_when_the_limits_hold() {
    for changes in [vec![], vec![noted("Pool.set_limits", Some("operation-1"))]] {
        let (gke, world, _) = Gke::new();
        gke.state().pool.autoscaling = Some(autoscaling(0, 8));
        gke.state()
            .run("operation-1", operation(Type::UpdateCluster, false));
        let earlier = begun(&world, &changes);
        assert_eq!(left(&world, &earlier).await.unwrap(), Some(true));
        let account = world.changes();
        assert_eq!((account.len(), account[0].fate), (1, event::Fate::Done));
        assert_eq!(account[0].operation.as_deref(), Some("operation-1"));
        assert_eq!(gke.writes(), NONE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_did_not_bring_these_limits_is_none() {
    let (gke, world, _) = Gke::new();
    let earlier = begun(&world, &[]);
    gke.state()
        .run("operation-7", operation(Type::UpdateCluster, false));
    assert_eq!(left(&world, &earlier).await.unwrap(), None);
    assert_eq!(gke.writes(), NONE);
}

#[tokio::test(start_paused = true)]
async fn without_a_trace_the_limits_themselves_decide() {
    let (gke, world, _) = Gke::new();
    let earlier = begun(&world, &[]);
    assert_eq!(left(&world, &earlier).await.unwrap(), None);
    gke.state().pool.autoscaling = Some(autoscaling(0, 8));
    assert_eq!(left(&world, &earlier).await.unwrap(), Some(false));
    assert_eq!(gke.writes(), NONE);
    assert!(world.changes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_noted_and_holds_was_a_change_though_gke_forgot_it() {
    let (gke, world, _) = Gke::new();
    gke.state().pool.autoscaling = Some(autoscaling(0, 8));
    let earlier = begun(&world, &[noted("Pool.set_limits", Some("operation-1"))]);
    tokio::time::sleep(Duration::from_hours(12)).await;
    assert_eq!(left(&world, &earlier).await.unwrap(), Some(true));
    assert_eq!(world.changes()[0].fate, event::Fate::Done);
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_failed_is_told() {
    let (gke, world, _) = Gke::new();
    gke.state().ending = Operation::new().set_error(Status::new().set_message("broken"));
    gke.state()
        .run("operation-1", operation(Type::UpdateCluster, false));
    let earlier = begun(&world, &[noted("Pool.set_limits", Some("operation-1"))]);
    let error = left(&world, &earlier).await.unwrap_err();
    assert_eq!(error.kind, Kind::Operation);
    assert_eq!(world.changes()[0].fate, event::Fate::Failed);
}
