//! `runbook doctor`: what it finds, what it says to do, and that it changes nothing.

use serde_json::{Value, json};

use crate::canned::{Answer, Canned};
use crate::cluster::{Cluster, command};
use crate::program::{Place, Ran};

const MANAGER: &str = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER";

/// The line about something, and the one that follows it.
fn about<'a>(text: &'a str, what: &str) -> (&'a str, &'a str) {
    let mut lines = text.lines();
    let line = lines.by_ref().find(|line| line.contains(what));
    (
        line.unwrap_or_else(|| panic!("{what}: {text}")),
        lines.next().unwrap_or_default(),
    )
}

#[test]
fn practice_lacks_nothing() {
    let place = Place::empty();
    let ran = place.run("doctor");
    ran.ends(0);
    for what in [
        "takes and flushes",
        "questions need --yes",
        "patch nodes",
        "scope servers!user",
    ] {
        assert!(about(&ran.out, what).0.starts_with('✓'), "{}", ran.out);
    }
    assert!(
        ran.out
            .ends_with("Nothing is missing on practice; 1 only inferred (~), 0 not known (?).\n"),
        "{}",
        ran.out
    );
    assert!(place.journals().is_empty());
}

#[test]
fn only_what_the_runbook_needs_is_asked() {
    let ran = Place::empty().run("doctor allow_domain --output json");
    ran.ends(0);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&told["ok"], &told["version"]), (&json!(true), &json!(1)));
    let parts: Vec<&str> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["part"].as_str().unwrap())
        .collect();
    assert!(
        parts.contains(&"github") && !parts.contains(&"hub"),
        "{parts:?}"
    );
    let ran = Place::empty().run("doctor warm_upp");
    ran.ends(2);
    ran.complains("warm_up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_missing_is_said_with_whom_to_ask_for_what() {
    let cluster = Cluster::forbidding(&["update leases", "get configmaps"]).await;
    let manager = Canned::plain(|asked| {
        let wanted = asked.json()["permissions"].take();
        let granted = wanted.as_array().unwrap().iter();
        let granted = granted.filter(|one| *one != "container.clusters.update");
        Answer::json(&json!({ "permissions": granted.collect::<Vec<_>>() }))
    })
    .await;
    let place =
        cluster.place("hub = { url = \"http://127.0.0.1:1\", token = { env = \"UNSET\" } }");
    let mut asked = command(&place, "doctor warm_up --on live");
    let ran = Ran::from(asked.env(MANAGER, manager.url()).output().unwrap());
    ran.ends(1);
    let (line, fix) = about(&ran.out, "container.clusters.update");
    assert!(line.starts_with('✗'), "{line}");
    assert!(fix.contains("gcloud projects add-iam-policy-binding p --member=user:YOU --role=roles/container.clusterAdmin"), "{fix}");
    assert!(about(&ran.out, "container.clusters.get").0.starts_with('✓'));
    let (line, fix) = about(&ran.out, "update leases.coordination.k8s.io in default");
    assert!(line.starts_with('✗'), "{line}");
    assert!(
        fix.contains("`kubectl auth can-i update leases.coordination.k8s.io -n default`"),
        "{fix}"
    );
    let (line, fix) = about(&ran.out, "the hub:");
    assert!(line.contains("the variable UNSET is not set"), "{line}");
    assert!(fix.contains("/hub/token"), "{fix}");
    assert!(
        ran.out.contains("things are missing on live"),
        "{}",
        ran.out
    );
    assert_eq!(cluster.changes(), []);
    assert!(!ran.raw().contains(crate::cluster::TOKEN));
    assert_eq!(manager.lines(), ["POST /v1/projects/p:testIamPermissions"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_nobody_can_be_asked_for_is_only_inferred() {
    let cluster = Cluster::warm().await;
    let place = cluster.place("");
    let ran = Ran::from(
        command(&place, "doctor warm_up --on live")
            .output()
            .unwrap(),
    );
    ran.ends(0);
    assert!(about(&ran.out, "container.clusters.get").0.starts_with('✓'));
    let (line, _) = about(&ran.out, "container.clusters.update");
    assert!(
        line.starts_with('~') && line.contains("nobody can be asked"),
        "{line}"
    );
    assert!(
        about(&ran.out, "Google Cloud")
            .0
            .contains("CLOUDSDK_AUTH_ACCESS_TOKEN")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_service_that_is_away_is_named_once() {
    let cluster = Cluster::warm().await;
    let place = cluster.place("");
    place.configure("[target.live]\nproject = \"p\"\nlocation = \"l\"\ncluster = \"c\"\nendpoint = \"http://127.0.0.1:1\"\n");
    let ran = Ran::from(
        command(&place, "doctor warm_up --on live")
            .output()
            .unwrap(),
    );
    ran.ends(1);
    let (line, _) = about(&ran.out, "the GKE API");
    assert!(
        line.starts_with('✗') && line.contains("cannot be reached"),
        "{line}"
    );
    assert!(
        ran.out.contains("1 thing is missing on live"),
        "{}",
        ran.out
    );
}
