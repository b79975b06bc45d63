//! A registry over loopback: its token, what it keeps elsewhere, and who is shown what.

use runbook::registry::{Verdict, inspect};
use serde_json::json;

use super::hub::{doors, given, world};
use crate::canned::{Answer, Canned, Recorded};

const PULL: &str = "canary-that-pulls";

fn status(status: u16, headers: Vec<(&'static str, String)>) -> Answer {
    Answer {
        status,
        headers,
        ..Answer::json(&json!(null))
    }
}

/// A registry that wants a token of its own, and keeps blobs at `storage`.
fn registry(storage: String) -> impl Fn(&Recorded) -> Answer {
    move |asked| {
        let own = asked.header("host").to_owned();
        let line = asked.line();
        if line == "GET /token" {
            assert_eq!(asked.header("authorization"), "");
            assert!(
                asked.path.contains("scope=repository:a/b:pull"),
                "{}",
                asked.path
            );
            return Answer::json(&json!({ "token": PULL, "expires_in": 300 }));
        }
        if asked.header("authorization") != format!("Bearer {PULL}") {
            let challenge = format!("Bearer realm=\"http://{own}/token\",service=\"here\"");
            return status(401, vec![("www-authenticate", challenge)]);
        }
        // Whoever does not know of an index is not told of one.
        let knows = asked
            .header("accept")
            .contains("application/vnd.oci.image.index.v1+json");
        match line.as_str() {
            "HEAD /v2/a/b/manifests/1" if knows => {
                status(200, vec![("docker-content-digest", "sha256:d".to_owned())])
            }
            "GET /v2/a/b/manifests/1" if knows => Answer::json(&json!({
                "config": { "digest": "sha256:c", "size": 1 },
                "layers": [{ "digest": "sha256:l", "size": 40 }, { "digest": "sha256:m", "size": 2 }],
            })),
            "GET /v2/a/b/blobs/sha256:c" => {
                status(307, vec![("location", format!("{storage}/blob?signed=1"))])
            }
            "GET /v2/a/b/tags/list" => {
                Answer::json(&json!({ "name": "a/b", "tags": ["1", "1.0", "2"] }))
            }
            _ => status(404, Vec::new()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_image_is_looked_up_with_a_token_that_goes_nowhere_else() {
    let storage = Canned::plain(|_| Answer::json(&json!({ "architecture": "arm64" }))).await;
    let registry = Canned::plain(registry(storage.url())).await;
    let doors = doors(&registry.url(), given());
    let world = world(&doors);
    let host = registry.url().replace("http://", "");
    let found = inspect(&world, &format!("{host}/a/b:1").parse().unwrap()).await;
    let found = found.unwrap();
    assert_eq!(found.verdict, Verdict::Exists);
    assert_eq!(
        (found.digest.as_deref(), found.bytes),
        (Some("sha256:d"), Some(42))
    );
    assert_eq!(found.architectures.unwrap(), ["arm64"]);
    assert_eq!(storage.seen().len(), 1);
    assert_eq!(storage.seen()[0].header("authorization"), "");
    let missing = inspect(&world, &format!("{host}/a/b:1.1").parse().unwrap()).await;
    let missing = missing.unwrap();
    assert_eq!(missing.verdict, Verdict::Missing);
    assert_eq!(missing.near[..2], ["1.0", "1"]);
    // The hub's token has no business here, nor Google's.
    let seen = registry.seen();
    assert!(
        seen.iter()
            .all(|asked| !asked.header("authorization").starts_with("token"))
    );
    let told = format!("{:?} {missing:?}", doors.events.lock().unwrap());
    assert!(!told.contains("canary"), "{told}");
}
