use serde_json::{Value, json};

use super::super::testing::Server;
use super::super::{Debt, close_debt, complete_debt, debts, open_debt};
use crate::error::Kind;
use crate::world::{Begun, Effect, World};

const KEY: &str = "nodes.nb-user";

fn debt(world: &World) -> Debt {
    Debt {
        key: KEY.to_owned(),
        what: "2 nodes of nb-user warm".to_owned(),
        purpose: String::new(),
        nodes: 2,
        closed_by: "teardown".to_owned(),
        since: world.clock().now(),
        by: "ann@laptop".to_owned(),
        incomplete: true,
    }
}

/// What somebody left open an hour ago, beside what is nobody's debt.
fn owed() -> Value {
    let owed = json!({ "what": "1 node of nb-user warm", "purpose": "Spring hackathon", "nodes": 1,
        "since": "2026-01-15T12:00:00Z", "by": "bob@desk" });
    json!({
        "metadata": { "name": "runbook-debts", "namespace": "default" },
        "data": { KEY: owed.to_string(), "note": "not ours" },
    })
}

/// The body of the last such request.
fn sent(server: &Server, verb: &str) -> Value {
    let request = server.requests(verb).pop().unwrap();
    serde_json::from_str(request.split_once("? ").unwrap().1).unwrap()
}

fn kept(body: &Value) -> Value {
    serde_json::from_str(body["data"][KEY].as_str().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_first_debt_makes_the_map_and_is_incomplete() {
    let server = Server::default();
    let (world, _) = server.world();
    assert_eq!(debts(&world).await.unwrap(), []);
    assert!(open_debt(&world, debt(&world)).await.unwrap());
    let body = sent(&server, "POST");
    assert_eq!(body["metadata"]["name"], "runbook-debts");
    let kept = kept(&body);
    assert_eq!(
        (&kept["nodes"], &kept["incomplete"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(kept["since"], "2026-01-15T13:00:00Z");
    let change = &world.changes()[0];
    assert_eq!(
        (change.before.as_str(), change.after.as_str()),
        ("none", "2 nodes of nb-user warm (incomplete)")
    );
}

#[tokio::test(start_paused = true)]
async fn a_debt_that_is_open_keeps_its_beginning_and_its_purpose() {
    let server = Server::default();
    server.put("configmaps", owed());
    let (world, _) = server.world();
    let known = debts(&world).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].key.as_str(), known[0].incomplete), (KEY, false));
    assert!(open_debt(&world, debt(&world)).await.unwrap());
    let body = sent(&server, "PATCH");
    assert_eq!(body["metadata"]["resourceVersion"], "1");
    let kept = kept(&body);
    assert_eq!(
        (
            &kept["since"],
            &kept["by"],
            &kept["purpose"],
            &kept["nodes"]
        ),
        (
            &json!("2026-01-15T12:00:00Z"),
            &json!("bob@desk"),
            &json!("Spring hackathon"),
            &json!(2)
        )
    );
}

#[tokio::test(start_paused = true)]
async fn closing_takes_one_key_away_and_nothing_else() {
    let server = Server::default();
    server.put("configmaps", owed());
    let (world, _) = server.world();
    assert!(close_debt(&world, KEY).await.unwrap());
    assert_eq!(sent(&server, "PATCH")["data"], json!({ KEY: null }));
    assert!(!close_debt(&world, "nodes.core").await.unwrap());
    assert!(!complete_debt(&world, KEY).await.unwrap());
    assert_eq!(server.requests("PATCH").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn somebody_who_writes_at_the_same_moment_loses_nothing() {
    let server = Server::default();
    server.put("configmaps", owed());
    server.refuse("PATCH", 409, "the object has been modified");
    let (world, _) = server.world();
    assert!(open_debt(&world, debt(&world)).await.unwrap());
    assert_eq!(server.requests("GET").len(), 2);
    assert_eq!(server.requests("PATCH").len(), 2);
    assert_eq!(world.changes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_session_had_closed_is_accounted_once() {
    let server = Server::default();
    let (world, _) = server.world();
    world.enter(Effect {
        planned: None,
        begun: Some(Begun {
            at: world.clock().now(),
            changes: Vec::new(),
            watched: std::time::Duration::ZERO,
        }),
        usual: None,
    });
    assert!(close_debt(&world, KEY).await.unwrap());
    assert_eq!(world.changes().len(), 1);
    assert!(server.requests("POST").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_named() {
    let server = Server::default();
    server.refuse("POST", 403, "configmaps is forbidden");
    let (world, _) = server.world();
    let error = open_debt(&world, debt(&world)).await.unwrap_err();
    assert_eq!(error.kind, Kind::Denied);
    assert!(
        error
            .message
            .contains("create configmaps in namespace default"),
        "{error}"
    );
}
