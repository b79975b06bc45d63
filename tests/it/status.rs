//! `runbook status`, and the line that reminds of what is owed.

use insta::assert_snapshot;
use serde_json::Value;

use crate::cluster::{Cluster, command};
use crate::program::{Place, Ran};

#[test]
fn with_nothing_owed_it_says_so() {
    let ran = Place::empty().run("status");
    assert_snapshot!("empty", ran.whole());
    assert_eq!(ran.exit, 0);
}

#[test]
fn warm_nodes_are_owed_until_they_are_given_back() {
    let place = Place::empty();
    let warm = place.run("run warm_up --nodes 2 --event Spring --speed max");
    assert_eq!(warm.exit, 0, "{}", warm.whole());
    assert_snapshot!("warm", place.run("status").whole());
    let json = place.run("status --output json");
    let told: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(told["target"], "practice");
    assert_eq!(told["debts"][0]["nodes"], 2);
    assert_eq!(told["debts"][0]["purpose"], "Spring");
    assert_eq!(told["nodes"]["nb-user"]["ready"], 2);
    assert_eq!(told["lock"], Value::Null);
    // It is young, and nobody is reminded yet.
    let ran = place.run("run nodes --speed max");
    assert!(!ran.whole().contains("Owed"), "{}", ran.whole());
    let down = place.run("run teardown --speed max");
    assert_eq!(down.exit, 0, "{}", down.whole());
    let ran = place.run("status");
    assert!(ran.out.contains("owed      nothing"), "{}", ran.whole());
    assert!(!ran.out.contains("nb-user"), "{}", ran.whole());
}

#[test]
fn an_unfinished_run_is_named_with_the_command_that_goes_on() {
    let place = Place::empty();
    let ran = place.run("run warm_up --nodes 2 --patience 1m --speed max");
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    let ran = place.run("status");
    assert!(ran.out.contains("(incomplete)"), "{}", ran.whole());
    assert!(ran.out.contains("runbook resume"), "{}", ran.whole());
    // What was only rehearsed is nobody's business here.
    let place = Place::empty();
    place.run("rehearse warm_up --nodes 2 --patience 1m --speed max");
    let ran = place.run("status");
    assert!(!ran.out.contains("unfinished"), "{}", ran.whole());
}

fn status(place: &Place, flags: &str) -> Ran {
    Ran::from(command(place, &format!("status {flags}")).output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn on_a_target_the_debt_of_another_laptop_is_told_with_what_it_has_cost() {
    let cluster = Cluster::owing("2026-01-15T08:10:00Z").await;
    let place = cluster.place("price = { node_hour = 0.5, currency = \"CAD\" }");
    let ran = status(&place, "");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    for part in [
        "nb-user: 2 nodes, ready",
        "2 nodes of nb-user warm since 2026-01-15 08:10 UTC (",
        "for 'Spring hackathon', by bob@desk; ",
        " CAD so far",
        "`runbook run teardown --on live`",
        "lock      free",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.whole());
    }
    assert!(cluster.changes().is_empty());
    // It is old, and every run there says so.
    let line = "run warm_up --nodes 2 --on live --yes";
    let ran = Ran::from(command(&place, line).output().unwrap());
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    let owed = ran.out.lines().filter(|line| line.contains("! Owed: "));
    assert_eq!(owed.count(), 1, "{}", ran.whole());
    let young = cluster.place("debt_age = \"900000h\"");
    let ran = Ran::from(command(&young, line).output().unwrap());
    assert!(!ran.out.contains("Owed"), "{}", ran.whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_target_that_cannot_be_reached_does_not_hide_the_others() {
    let cluster = Cluster::warm().await;
    let place = cluster.place(
        "[target.away]\nproject = \"p\"\nlocation = \"l\"\ncluster = \"c\"\n\
         endpoint = \"http://127.0.0.1:1\"",
    );
    let ran = status(&place, "");
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    assert!(
        ran.out.contains("away        cannot be looked at"),
        "{}",
        ran.whole()
    );
    assert!(
        ran.out.contains("nb-user: 2 nodes, ready"),
        "{}",
        ran.whole()
    );
    let ran = status(&place, "--on elsewhere");
    assert_eq!(ran.exit, 2, "{}", ran.whole());
}
