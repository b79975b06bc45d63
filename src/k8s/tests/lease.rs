use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::testing::Server;
use super::super::{Claim, Lease, lease, put_lease};
use crate::error::Kind;

fn at(second: &str) -> Timestamp {
    format!("2026-01-15T13:00:{second}Z").parse().unwrap()
}

fn claim() -> Claim {
    Claim {
        holder: "ann@laptop".to_owned(),
        run: "r1".to_owned(),
        runbook: "warm_up".to_owned(),
        step: "Look".to_owned(),
    }
}

fn held() -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": "runbook", "namespace": "default", "labels": { "team": "ops" },
            "annotations": { "runbook/run": "r0", "runbook/step": "Grow", "other": "kept" },
        },
        "spec": {
            "holderIdentity": "bob@desk", "leaseDurationSeconds": 30, "leaseTransitions": 2,
            "acquireTime": "2026-01-15T12:00:00.000000Z",
            "renewTime": "2026-01-15T13:00:00.250000Z",
        },
    })
}

/// What was sent: method, path and body.
fn sent(server: &Server, verb: &str) -> (String, Value) {
    let request = server.requests(verb).pop().unwrap();
    let (line, body) = request.split_once("? ").unwrap();
    (line.to_owned(), serde_json::from_str(body).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_read_with_what_stands_beside_its_holder() {
    let server = Server::default();
    let (world, _) = server.world();
    assert!(lease(&world, "default").await.unwrap().is_none());
    server.put("leases", held());
    let found = lease(&world, "default").await.unwrap().unwrap();
    assert_eq!(found.holder(), Some("bob@desk"));
    assert_eq!(
        (found.run(), found.runbook(), found.step()),
        ("r0", "", "Grow")
    );
    assert_eq!(
        found.acquired(),
        Some("2026-01-15T12:00:00Z".parse().unwrap())
    );
    assert!(!found.is_expired(at("30.25")));
    assert!(found.is_expired(at("30.26")));
}

#[tokio::test(start_paused = true)]
async fn the_first_to_take_it_creates_it_with_six_decimals() {
    let server = Server::default();
    server.refuse("POST", 409, "already exists");
    let (world, _) = server.world();
    let taken = Lease::taken(None, &claim(), at("00.5"));
    assert!(!put_lease(&world, "default", &taken).await.unwrap());
    let (line, body) = sent(&server, "POST");
    assert_eq!(
        line,
        "POST /apis/coordination.k8s.io/v1/namespaces/default/leases"
    );
    assert_eq!(
        body,
        json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {
                "name": "runbook",
                "annotations": {
                    "runbook/run": "r1", "runbook/runbook": "warm_up", "runbook/step": "Look",
                },
            },
            "spec": {
                "holderIdentity": "ann@laptop", "leaseDurationSeconds": 60, "leaseTransitions": 0,
                "acquireTime": "2026-01-15T13:00:00.500000Z",
                "renewTime": "2026-01-15T13:00:00.500000Z",
            },
        })
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_was_found_is_written_as_it_was_read_or_not_at_all() {
    let server = Server::default();
    server.put("leases", held());
    let (world, _) = server.world();
    let found = lease(&world, "default").await.unwrap();
    let taken = Lease::taken(found, &claim(), at("59"));
    assert!(put_lease(&world, "default", &taken).await.unwrap());
    let (line, body) = sent(&server, "PUT");
    assert!(
        line.ends_with("/namespaces/default/leases/runbook"),
        "{line}"
    );
    let meta = &body["metadata"];
    assert_eq!(meta["resourceVersion"], "1");
    assert_eq!(
        (&meta["labels"]["team"], &meta["annotations"]["other"]),
        (&json!("ops"), &json!("kept"))
    );
    assert_eq!(meta["annotations"]["runbook/run"], "r1");
    assert_eq!(body["spec"]["leaseTransitions"], 3);
    server.refuse("PUT", 409, "the object has been modified");
    assert!(!put_lease(&world, "default", &taken).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_released_one_has_no_holder_and_still_says_who_it_was() {
    let server = Server::default();
    server.put("leases", held());
    let (world, _) = server.world();
    let found = lease(&world, "default").await.unwrap().unwrap();
    let released = found.renewed(&claim(), at("01")).released(at("02"));
    assert!(put_lease(&world, "default", &released).await.unwrap());
    let (_, body) = sent(&server, "PUT");
    assert_eq!(body["spec"].get("holderIdentity"), None);
    assert_eq!(body["spec"]["renewTime"], "2026-01-15T13:00:02.000000Z");
    assert_eq!((released.holder(), released.run()), (None, "r1"));
}

#[tokio::test(start_paused = true)]
async fn other_refusals_are_failures() {
    let server = Server::default();
    let (world, _) = server.world();
    server.refuse("GET", 503, "starting");
    server.refuse("GET", 403, "forbidden");
    let refused = [lease(&world, "a").await, lease(&world, "a").await];
    let kinds = refused.map(|answer| answer.unwrap_err().kind);
    assert_eq!(kinds, [Kind::Unreachable, Kind::Denied]);
}
