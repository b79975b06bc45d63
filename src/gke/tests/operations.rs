use std::time::Duration;

use google_cloud_container_v1::model::operation::Type;
use google_cloud_container_v1::model::operation_progress::{Metric, metric::Value};
use google_cloud_container_v1::model::{Operation, OperationProgress, StatusCondition};
use google_cloud_container_v1::model::{operation::Status as Stage, status_condition};
use google_cloud_gax::error::rpc::Code;
use google_cloud_rpc::model::Status;

use super::stub::{Gke, operation, refused};
use crate::error::{self, Kind};
use crate::event::{Usual, What};
use crate::gke::operation::{failure, get, list, wait};
use crate::world::World;

const LIMIT: Duration = Duration::from_mins(50);

/// Runs one operation to the given end.
async fn ended(ending: Operation) -> error::Error {
    let (gke, world, _) = Gke::new();
    gke.state().ending = ending;
    gke.state()
        .run("operation-1", operation(Type::SetNodePoolSize, true));
    waited(&world).await.unwrap_err()
}

async fn waited(world: &World) -> error::Result<crate::gke::Operation> {
    wait(
        world,
        "operation-1",
        "the resize",
        Some(Usual::estimate(90, 300)),
        LIMIT,
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn an_error_without_a_status_message_is_a_failure() {
    let error = ended(
        Operation::new().set_error(
            Status::new()
                .set_code(13)
                .set_message("only error set, no statusMessage"),
        ),
    )
    .await;
    assert_eq!(error.kind, Kind::Operation);
    assert_eq!(
        error.message,
        "SET_NODE_POOL_SIZE operation-1 failed: only error set, no statusMessage"
    );
    assert_eq!(
        error.hint.unwrap(),
        "See `gcloud container operations describe operation-1 --project practice --location \
         northamerica-northeast1`"
    );
}

#[tokio::test(start_paused = true)]
#[expect(deprecated, reason = "GKE still fills these fields")]
async fn every_place_where_gke_tells_a_failure_is_read() {
    let message = Operation::new().set_status_message("IP space exhausted.");
    let condition = Operation::new().set_nodepool_conditions([StatusCondition::new()
        .set_code(status_condition::Code::SetByOperator)
        .set_message("held back")]);
    let detail = Operation::new().set_detail(
        "All cluster resources were brought up, but: only 0 nodes out of 3 have registered; \
         cluster may be unhealthy.",
    );
    let code = Operation::new().set_error(Status::new().set_code(1));
    for (ending, says) in [
        (message, "IP space exhausted."),
        (condition, "[SET_BY_OPERATOR] held back"),
        (detail, "only 0 nodes out of 3 have registered"),
        (code, "error code 1"),
    ] {
        let error = ended(ending).await;
        assert_eq!(error.kind, Kind::Operation);
        assert!(error.message.contains(says), "{}", error.message);
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_that_came_up_sick_are_a_failure_in_every_wording() {
    for end in [
        "only 0 nodes out of 3 have registered; cluster may be unhealthy.",
        "3 nodes out of 3 are unhealthy.",
    ] {
        let detail = format!("All cluster resources were brought up, but: {end}");
        let error = ended(Operation::new().set_detail(detail)).await;
        assert!(error.message.contains(end), "{}", error.message);
    }
}

#[tokio::test(start_paused = true)]
#[expect(deprecated, reason = "GKE still fills these fields")]
async fn a_condition_that_only_warns_fails_nothing() {
    let (gke, world, _) = Gke::new();
    let expiring = StatusCondition::new()
        .set_code(status_condition::Code::CaExpiring)
        .set_message("the cluster's CA expires in 180 days");
    gke.state().ending = Operation::new()
        .set_cluster_conditions([expiring])
        .set_nodepool_conditions([StatusCondition::new()]);
    gke.state()
        .run("operation-1", operation(Type::SetNodePoolSize, true));
    assert_eq!(waited(&world).await.unwrap().failure, None);
}

#[tokio::test(start_paused = true)]
#[expect(deprecated, reason = "GKE still fills this field")]
async fn a_stockout_names_the_zone_and_how_many_came() {
    let error = ended(Operation::new().set_status_message(
        "Google Compute Engine: Not all instances running in IGM after 35m4.033429035s. Expected \
         3, running 1, transitioning 2. Current errors: [GCE_STOCKOUT]: Instance 'gke-x' creation \
         failed: The zone 'projects/p/zones/northamerica-northeast1-b' does not have enough \
         resources available to fulfill the request.",
    ))
    .await;
    assert_eq!(error.kind, Kind::Stockout);
    assert_eq!(
        error.message,
        "no machines left in zone northamerica-northeast1-b: 1 of 3 came (operation-1)"
    );
    assert!(error.hint.unwrap().contains("Google keeps trying"));
}

#[tokio::test(start_paused = true)]
async fn a_quota_met_by_an_operation_is_a_quota() {
    let error = ended(Operation::new().set_error(Status::new().set_code(8).set_message(
        "[GCE_QUOTA_EXCEEDED]: Quota 'CPUS' exceeded. Limit: 24.0 in region northamerica-northeast1.",
    )))
    .await;
    assert_eq!(error.kind, Kind::Quota);
}

#[tokio::test(start_paused = true)]
async fn a_wait_shows_what_gke_counts_and_settles_the_end() {
    let (gke, world, seen) = Gke::new();
    let metric = |name: &str, n| {
        Metric::new()
            .set_name(name)
            .set_value(Some(Value::IntValue(n)))
    };
    gke.state().run(
        "operation-1",
        operation(Type::SetNodePoolSize, true)
            .set_detail("1 of 3")
            .set_progress(
                OperationProgress::new()
                    .set_metrics([metric("NODES_TOTAL", 3), metric("NODES_DONE", 1)]),
            ),
    );
    gke.fate("getOperation", refused(Code::Unavailable, "unavailable"));
    gke.fate(
        "getOperation",
        refused(Code::Unauthenticated, "token expired"),
    );
    let done = waited(&world).await.unwrap();
    assert!(done.is_done() && done.failure.is_none());
    assert_eq!(seen.renewals(), 1);
    let events = seen.events();
    let counted = events.iter().any(|event| match event {
        What::Progress {
            done: 1,
            of: 3,
            why,
            ..
        } => why.as_deref() == Some("1 of 3"),
        _ => false,
    });
    assert!(counted, "{events:?}");
    assert!(events.contains(&What::WaitBegan {
        id: 1,
        what: "the resize".to_owned(),
        of: 1,
        usual: Some(Usual::estimate(90, 300)),
        limit_seconds: 3000,
        watched_seconds: 0,
    }));
    assert_eq!(
        events.last(),
        Some(&What::WaitEnded {
            id: 1,
            what: "the resize".to_owned(),
            ok: true,
            took_seconds: 51,
        })
    );
}

#[tokio::test(start_paused = true)]
async fn an_operation_gke_does_not_know_yet_is_looked_for_a_while() {
    let (gke, world, _) = Gke::new();
    let appearing = async {
        tokio::time::sleep(Duration::from_secs(25)).await;
        gke.state()
            .run("operation-1", operation(Type::SetNodePoolSize, true));
    };
    let (done, ()) = tokio::join!(waited(&world), appearing);
    assert!(done.is_ok());

    let error = wait(&world, "operation-9", "nothing", None, LIMIT)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    assert_eq!(
        error.message,
        "operation operation-9 does not exist in practice/northamerica-northeast1"
    );
    assert_eq!(
        error.hint.unwrap(),
        "See which there are: `gcloud container operations list --project practice --location \
         northamerica-northeast1`"
    );
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_never_ends_is_left_to_itself() {
    let (gke, world, seen) = Gke::new();
    gke.state().takes = Duration::from_hours(5);
    gke.state()
        .run("operation-1", operation(Type::SetNodePoolSize, true));
    let error = waited(&world).await.unwrap_err();
    assert_eq!(error.kind, Kind::TimedOut);
    assert_eq!(
        error.message,
        "operation-1 is still running after 50 min 00 s"
    );
    assert!(
        matches!(seen.events().last(), Some(What::WaitEnded { ok: false, took_seconds, .. }) if *took_seconds == 3000)
    );
}

#[tokio::test(start_paused = true)]
async fn a_watched_failure_resolves_and_a_success_never_does() {
    let (gke, world, _) = Gke::new();
    gke.state()
        .run("operation-1", operation(Type::SetNodePoolSize, true));
    let watched = tokio::time::timeout(Duration::from_hours(1), failure(&world, "operation-1"));
    assert!(watched.await.is_err());

    gke.state().ending = Operation::new().set_error(Status::new().set_message("broken"));
    let error = failure(&world, "operation-1").await;
    assert_eq!(error.kind, Kind::Operation);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_cannot_be_watched_fails_nothing() {
    let (gke, world, seen) = Gke::new();
    gke.state()
        .run("operation-1", operation(Type::SetNodePoolSize, true));
    gke.fate(
        "getOperation",
        refused(
            Code::PermissionDenied,
            "Required \"container.operations.get\" permission(s)",
        ),
    );
    let watched = tokio::time::timeout(Duration::from_hours(1), failure(&world, "operation-1"));
    assert!(watched.await.is_err());
    let said = seen.events().into_iter().find_map(|event| match event {
        What::Said { text, .. } => Some(text),
        _ => None,
    });
    assert_eq!(
        said.unwrap(),
        "operation-1 cannot be watched: not allowed to read operation-1: \
         container.operations.get is missing"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_seen_after_a_long_silence_too() {
    let (gke, world, seen) = Gke::new();
    gke.state().ending = Operation::new().set_error(Status::new().set_message("broken"));
    gke.state()
        .run("operation-1", operation(Type::SetNodePoolSize, true));
    for _ in 0..40 {
        gke.fate("getOperation", refused(Code::Unavailable, "unavailable"));
    }
    let began = world.clock().now();
    let watched = tokio::time::timeout(Duration::from_hours(1), failure(&world, "operation-1"));
    assert_eq!(watched.await.unwrap().kind, Kind::Operation);
    assert!(world.clock().since(began) > Duration::from_mins(15));
    let events = seen.events();
    assert!(!events.iter().any(|e| matches!(e, What::Said { .. })));
}

#[tokio::test(start_paused = true)]
async fn operations_are_listed_for_this_cluster_alone() {
    let (gke, world, _) = Gke::new();
    gke.state()
        .run("operation-1", operation(Type::UpdateCluster, false));
    let other = "https://x/projects/1/locations/r/clusters/callysto-cluster-2/nodePools/nb-user";
    gke.state().run(
        "operation-2",
        operation(Type::SetNodePoolSize, true).set_target_link(other),
    );
    let listed = list(&world).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        listed[0],
        get(
            &world,
            "projects/practice/locations/northamerica-northeast1/operations/operation-1"
        )
        .await
        .unwrap()
    );
    assert_eq!(listed[0].status, Stage::Running.name().unwrap());
}
