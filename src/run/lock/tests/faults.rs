//! The faults about the lock, and a cluster where leases may not be used.

use std::convert::Infallible;

use axum::body::Body;
use serde_json::json;

use super::*;

#[test]
fn held_by_another_refuses_at_once_and_lets_a_waiting_run_through_after_ten_minutes() {
    within(&["held-by-another"], async |cluster| {
        let ann = cluster.desk("");
        let refused = ann.take(ANN, false).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Refused);
        assert!(refused.message.starts_with("bob@desk holds"), "{refused}");
        assert!(refused.message.contains("warm_up") && refused.message.contains("Grow the pool"));
        let began = ann.world.clock().now();
        let lock = ann.take(ANN, true).await.unwrap();
        let waited = ann.world.clock().since(began).as_secs();
        assert!((600..=605).contains(&waited), "{waited}");
        lock.before_write(&ann.world).await.unwrap();
    });
}

#[test]
fn lease_lost_is_said_at_the_next_renewal_and_refuses_the_next_write() {
    within(&["lease-lost"], async |cluster| {
        let ann = cluster.desk("");
        let lock = ann.take(ANN, false).await.unwrap();
        ann.pause(119).await;
        lock.before_write(&ann.world).await.unwrap();
        ann.pause(20).await;
        assert!(
            ann.said().starts_with("bob@desk has taken over")
                && ann.said().ends_with("next change"),
            "{}",
            ann.said()
        );
        let refused = lock.before_write(&ann.world).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Refused);
        lock.release(&ann.world).await;
        ann.pause(1800).await;
        let lease = ann.lease().await;
        assert_eq!(lease.holder(), Some("bob@desk"));
        assert!(!lease.is_expired(ann.world.clock().now()));
    });
}

#[test]
fn lease_abandoned_asks_with_the_last_step_and_is_never_renewed() {
    within(&["lease-abandoned"], async |cluster| {
        let ann = cluster.desk("take-over");
        let lock = ann.take(ANN, true).await.unwrap();
        let questions = ann.seen(|what| match what {
            What::Asked { key, question } => Some((key.clone(), question.clone())),
            _ => None,
        });
        let [(key, question)] = &questions[..] else {
            panic!("{questions:?}")
        };
        assert_eq!(key, "lock");
        assert!(question.contains("bob@desk") && question.contains("(1 h 01 min)"));
        assert!(question.contains("step \"Grow the pool\""), "{question}");
        ann.pause(120).await;
        lock.before_write(&ann.world).await.unwrap();
    });
}

#[test]
fn leases_that_may_not_be_used_are_named_with_all_three_verbs() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let forbidden = tower::service_fn(async |_: http::Request<kube::client::Body>| {
            let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                "reason": "Forbidden", "code": 403, "message": "leases is forbidden"});
            let answer = http::Response::builder().status(403);
            let answer = answer.body(Body::from(status.to_string())).unwrap();
            Ok::<_, Infallible>(answer)
        });
        let client = kube::Client::new(forbidden, "default");
        let (world, _) = crate::world::testing::world(None, Some(client));
        let options = LockOptions {
            wait: false,
            holder: ANN.to_owned(),
            run: "r".to_owned(),
            runbook: "warm_up".to_owned(),
        };
        let denied = Lock::take(&world, options).await.unwrap_err();
        assert_eq!(denied.kind, Kind::Denied);
        let needs = "get, create and update on leases.coordination.k8s.io in namespace default";
        assert!(denied.message.contains(needs), "{denied}");
        let hint = denied.hint.unwrap();
        assert!(hint.contains("roles/container.developer") && hint.contains("--no-lock"));
    });
}
