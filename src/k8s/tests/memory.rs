use serde_json::{Value, json};

use super::super::testing::Server;
use super::super::{recall, remember};
use crate::error::Kind;

const KEY: &str = "image.prod";

/// What an earlier run has kept, beside what cannot be read.
fn kept() -> Value {
    json!({
        "metadata": { "name": "runbook-memory", "namespace": "default" },
        "data": { KEY: json!({ "before": "a:1", "after": "a:2" }).to_string(), "torn": "{" },
    })
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_is_found_and_nothing_else() {
    let server = Server::default();
    let (world, _) = server.world();
    assert_eq!(recall(&world, KEY).await.unwrap(), None);
    server.put("configmaps", kept());
    let found = recall(&world, KEY).await.unwrap().unwrap();
    assert_eq!(found["before"], "a:1");
    assert_eq!(recall(&world, "torn").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn keeping_changes_one_key_and_only_when_it_must() {
    let server = Server::default();
    server.put("configmaps", kept());
    let (world, _) = server.world();
    let same = json!({ "before": "a:1", "after": "a:2" });
    assert!(!remember(&world, KEY, &same).await.unwrap());
    assert!(server.requests("PATCH").is_empty());
    assert!(remember(&world, KEY, &Value::Null).await.unwrap());
    let sent = server.requests("PATCH").pop().unwrap();
    let body: Value = serde_json::from_str(sent.split_once("? ").unwrap().1).unwrap();
    assert_eq!(body["data"], json!({ KEY: null }));
    assert_eq!(world.changes()[0].after, "none");
    let error = remember(&world, "no spaces", &same).await.unwrap_err();
    assert_eq!(error.kind, Kind::Script);
}
