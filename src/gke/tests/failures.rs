use std::time::Duration;

use google_cloud_gax::error::rpc::{Code, Status, StatusDetails};
use google_cloud_rpc::model::RetryInfo;

use super::stub::{Fate, Gke, POOL, refused};
use crate::error::{self, Kind};
use crate::event::What;
use crate::gke::{Present, cluster, grow, pool};
use crate::world::World;

async fn growing(world: &World) -> error::Result<Option<crate::gke::Operation>> {
    let present = async || {
        Ok(Present {
            total: 0,
            fullest: 0,
        })
    };
    grow(world, POOL, 3, present).await
}

/// How a resize fails when GKE answers this.
async fn told(code: Code, text: &str) -> (error::Error, usize) {
    let (gke, world, _) = Gke::new();
    gke.fate("setSize", refused(code, text));
    let error = growing(&world).await.unwrap_err();
    assert!(world.changes().is_empty());
    (error, gke.writes().len())
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_comes_with_the_role_that_has_it() {
    let (error, sent) = told(
        Code::PermissionDenied,
        "Required \\\"container.clusters.update\\\" permission(s) for \
         \\\"projects/practice/locations/northamerica-northeast1/clusters/callysto-cluster\\\".",
    )
    .await;
    assert_eq!((error.kind, sent), (Kind::Denied, 1));
    assert_eq!(
        error.message,
        "not allowed to set the size of node pool nb-user: container.clusters.update is missing"
    );
    assert_eq!(
        error.hint.unwrap(),
        "Ask a project owner for roles/container.clusterAdmin: `gcloud projects \
         add-iam-policy-binding practice --member=user:YOUR_EMAIL \
         --role=roles/container.clusterAdmin`"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_no_role_mends_says_what_does() {
    for (text, step) in [
        (
            "Request had insufficient authentication scopes.",
            "Run `gcloud auth application-default login`, or get a token with the scope \
             https://www.googleapis.com/auth/cloud-platform",
        ),
        (
            "Kubernetes Engine API has not been used in project practice before or it is \
             disabled.",
            "Switch the API on: `gcloud services enable container.googleapis.com --project \
             practice`",
        ),
        (
            "The container.googleapis.com API requires a quota project, which is not set by \
             default.",
            "Run `gcloud auth application-default set-quota-project practice`",
        ),
    ] {
        let (error, sent) = told(Code::PermissionDenied, text).await;
        assert_eq!((error.kind, sent), (Kind::Denied, 1));
        assert_eq!(error.hint.unwrap(), step);
    }
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_not_a_missing_permission() {
    let text = "Insufficient regional quota to satisfy request: resource \"CPUS\": request \
                requires '24.0' and is short '8.0'. project has a quota of '128.0' with '16.0' \
                available. View and manage quotas at https://console.cloud.google.com/x.";
    for code in [Code::PermissionDenied, Code::ResourceExhausted] {
        let (error, sent) = told(code, text).await;
        assert_eq!((error.kind, sent), (Kind::Quota, 1));
        assert_eq!(
            error.message,
            "quota used up: Insufficient regional quota to satisfy request: resource \"CPUS\": \
             request requires '24.0' and is short '8.0'. project has a quota of '128.0' with \
             '16.0' available."
        );
        assert_eq!(
            error.hint.unwrap(),
            "Ask for fewer nodes, or for more quota at \
             https://console.cloud.google.com/iam-admin/quotas?project=practice"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn any_other_precondition_is_not_busy() {
    let (error, sent) = told(Code::FailedPrecondition, "Autopilot clusters cannot.").await;
    assert_eq!((error.kind, sent), (Kind::Operation, 1));
    assert_eq!(
        error.message,
        "GKE refused to set the size of node pool nb-user: Autopilot clusters cannot."
    );
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_waited_out_for_as_long_as_it_asks() {
    let (gke, world, seen) = Gke::new();
    let delay = google_cloud_wkt::Duration::clamp(17, 0);
    let status = Status::default()
        .set_code(Code::ResourceExhausted)
        .set_message("Quota exceeded for quota metric API requests")
        .set_details([StatusDetails::RetryInfo(
            RetryInfo::new().set_retry_delay(delay),
        )]);
    gke.fate("setSize", Fate::Refused(status));
    assert!(growing(&world).await.unwrap().is_some());
    assert_eq!(gke.writes().len(), 2);
    assert!(seen.events().contains(&What::Retrying {
        what: "set the size of node pool nb-user".to_owned(),
        why: "too many requests to GKE: Quota exceeded for quota metric API requests".to_owned(),
        after_seconds: 17,
    }));
}

#[tokio::test(start_paused = true)]
async fn a_resize_met_by_an_unavailable_service_is_looked_for_before_it_is_sent_again() {
    let (gke, world, _) = Gke::new();
    gke.fate("setSize", refused(Code::Unavailable, "unavailable"));
    assert!(growing(&world).await.unwrap().is_some());
    assert_eq!(
        gke.state().log,
        [
            "getNodePool",
            "setSize 3",
            "listOperations",
            "getNodePool",
            "setSize 3"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_cluster_is_named_whatever_was_asked_of_it() {
    let (gke, world, _) = Gke::new();
    gke.fate("getCluster", refused(Code::NotFound, "Not found"));
    gke.fate("listNodePools", refused(Code::NotFound, "Not found"));
    let by_itself = cluster(&world).await.unwrap_err();
    let by_pool = pool(&world, "core").await.unwrap_err();
    assert_eq!(by_itself, by_pool);
    assert_eq!(by_itself.kind, Kind::NotFound);
    assert_eq!(
        by_itself.message,
        "cluster callysto-cluster does not exist in practice/northamerica-northeast1"
    );
    assert_eq!(
        by_itself.hint.unwrap(),
        "Check project, location and cluster in runbook.toml against `gcloud container clusters \
         list --project practice`"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_without_end_is_given_up() {
    let (gke, world, _) = Gke::new();
    for _ in 0..50 {
        gke.fate("setSize", refused(Code::ResourceExhausted, "slow down"));
    }
    let began = world.clock().now();
    let error = growing(&world).await.unwrap_err();
    assert_eq!(error.kind, Kind::RateLimited);
    assert!(world.clock().since(began) <= Duration::from_mins(2));
}

#[tokio::test(start_paused = true)]
async fn a_read_survives_a_service_that_is_away_for_a_while() {
    let (gke, world, seen) = Gke::new();
    gke.fate("getNodePool", refused(Code::Unavailable, "unavailable"));
    gke.fate("getNodePool", Fate::Vanished);
    assert!(pool(&world, POOL).await.is_ok());
    let statuses: Vec<_> = seen
        .events()
        .into_iter()
        .filter_map(|event| match event {
            What::Request {
                method,
                path,
                status,
                ..
            } => Some((method, path, status)),
            _ => None,
        })
        .collect();
    let path = "/v1/projects/practice/locations/northamerica-northeast1/clusters/callysto-cluster\
                /nodePools/nb-user";
    let seen = |status| ("GET".to_owned(), path.to_owned(), status);
    assert_eq!(statuses, [seen(Some(503)), seen(None), seen(Some(200))]);

    for _ in 0..50 {
        gke.fate("getNodePool", refused(Code::Unavailable, "unavailable"));
    }
    let error = pool(&world, POOL).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable);
    assert_eq!(error.message, "no answer from GKE: unavailable");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let (gke, world, _) = Gke::new();
    gke.fate("getNodePool", Fate::Slow(100_000));
    let began = world.clock().now();
    assert!(pool(&world, POOL).await.is_ok());
    assert_eq!(world.clock().since(began).as_secs(), 61);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_renewed_once() {
    let (gke, world, seen) = Gke::new();
    gke.fate("setSize", refused(Code::Unauthenticated, "expired"));
    assert!(growing(&world).await.unwrap().is_some());
    assert_eq!(seen.renewals(), 1);

    for _ in 0..2 {
        gke.fate("setSize", refused(Code::Unauthenticated, "expired"));
    }
    let error = growing(&world).await.unwrap_err();
    assert_eq!(error.kind, Kind::Credentials);
    assert_eq!(seen.renewals(), 2);
    assert_eq!(
        error.hint.unwrap(),
        "Run `gcloud auth application-default login`, then run this again."
    );
}
