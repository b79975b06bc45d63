//! `teardown` against every way in which nodes stay, as the operator sees it.

use insta::assert_snapshot;

use crate::canned::Answer;
use crate::cluster::{Cluster, command};
use crate::program::{Place, Ran, rehearsed};

fn rehearse(flags: &str) -> Ran {
    Place::empty().run(&format!("rehearse teardown --speed max {flags}"))
}

#[test]
fn nodes_nobody_uses_go_by_themselves() {
    let ran = rehearsed!("warm", "--scenario warm", 0);
    assert!(
        ran.out.contains("2 nodes of nb-user gone after"),
        "{}",
        ran.out
    );
}

#[test]
fn a_pool_that_is_down_is_left_alone() {
    let ran = rehearsed!("quiet", "--scenario quiet", 0);
    assert!(ran.out.contains("Already down") && ran.out.contains("nothing was changed"));
}

#[test]
fn a_pool_whose_autoscaling_is_off_is_given_it_back() {
    rehearsed!("autoscaling_off", "--scenario autoscaling-off", 0);
}

#[test]
fn with_people_working_nothing_is_taken_away_at_once() {
    let ran = rehearsed!("now_refused", "--now --scenario users", 5);
    assert!(ran.out.contains("nothing was changed"), "{}", ran.whole());
    assert!(!ran.out.contains("runbook resume"), "{}", ran.whole());
    // A yes is not enough for that, and nobody is there to type.
    let ran = rehearsed!(
        "evict_unanswered",
        "--now --evict --yes --scenario users",
        3
    );
    assert!(
        ran.err.contains("--answer evict=practice"),
        "{}",
        ran.whole()
    );
    rehearsed!(
        "evict_no",
        "--now --evict --answer evict=no --scenario users",
        2
    );
    let ran = rehearsed!(
        "evict",
        "--now --evict --answer evict=practice --scenario users",
        0
    );
    assert!(
        ran.out.contains("1 node of nb-user gone after"),
        "{}",
        ran.out
    );
    rehearsed!("evict_alone", "--evict --scenario users", 1);
}

#[test]
fn at_once_means_cordoned_looked_at_again_and_resized() {
    let ran = rehearsed!("now", "--now --scenario warm", 0);
    assert!(!ran.out.contains("in flight"), "{}", ran.out);
    rehearsed!("now_part", "--now --to 1 --scenario warm", 0);
}

#[test]
fn another_operation_is_waited_for() {
    rehearsed!("busy", "--now --scenario warm --fault busy", 0);
}

#[test]
fn a_cordon_that_is_refused_leaves_everything_as_it_was() {
    let ran = rehearsed!("denied", "--now --scenario warm --fault denied@30s", 1);
    assert!(ran.err.contains("roles/container.developer"), "{}", ran.err);
    assert!(!ran.out.contains("-> cordoned"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_cordoned_is_opened_when_the_resize_is_refused() {
    let cluster = Cluster::warm_where_gke(|asked| {
        let message = "Required \"container.clusters.update\" permission(s) for \"projects/p\".";
        (asked.line().ends_with(":setSize"))
            .then(|| Answer::google(403, "PERMISSION_DENIED", message))
    })
    .await;
    let place = cluster.place("");
    let line = "run teardown --now --on live --yes";
    let ran = Ran::from(command(&place, line).output().unwrap());
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    assert!(
        ran.err.contains("roles/container.clusterAdmin"),
        "{}",
        ran.err
    );
    let sent: Vec<String> = (cluster.changes().into_iter())
        .map(|(line, body)| format!("{line} {body}"))
        .filter(|sent| sent.contains("/nodes/"))
        .collect();
    let patch = |node: u8, cordoned: &str| {
        format!(
            "PATCH /api/v1/nodes/gke-c-nb-user-{node} {{\"spec\":{{\"unschedulable\":{cordoned}}}}}"
        )
    };
    let wanted = [
        patch(1, "true"),
        patch(2, "true"),
        patch(1, "null"),
        patch(2, "null"),
    ];
    assert_eq!(sent, wanted, "{}", ran.whole());
}

#[test]
fn a_node_that_something_holds_stays_and_says_what() {
    let ran = rehearsed!(
        "bare_pod",
        "--patience 30m --scenario warm --fault bare-pod",
        1
    );
    assert!(ran.err.contains("data-copy"), "{}", ran.err);
    let ran = rehearsed!("bare_pod_now", "--now --scenario warm --fault bare-pod", 0);
    assert!(
        ran.out.contains("2 nodes of nb-user gone after"),
        "{}",
        ran.out
    );
    let ran = rehearsed!("pdb_blocks", "--scenario warm --fault pdb-blocks", 0);
    assert!(
        ran.out.contains("disruption budget nbgrader"),
        "{}",
        ran.out
    );
    let ran = rehearsed!(
        "pdb_blocks_now",
        "--now --scenario warm --fault pdb-blocks",
        0
    );
    assert!(ran.out.contains("gone after 1 h 0"), "{}", ran.out);
    let ran = rehearsed!(
        "drain_timeout",
        "--now --scenario warm --fault drain-timeout",
        0
    );
    assert!(ran.out.contains("gone after 1 h 0"), "{}", ran.out);
}

#[test]
fn an_autoscaler_that_backs_off_is_waited_for_and_told() {
    let ran = rehearsed!(
        "autoscaler_backoff",
        "--scenario warm --fault autoscaler-backoff",
        0
    );
    assert!(
        ran.out.contains("the autoscaler backs off: QUOTA_EXCEEDED"),
        "{}",
        ran.out
    );
}

#[test]
fn somebody_who_comes_at_the_wrong_moment_is_not_thrown_out() {
    let ran = rehearsed!(
        "somebody_arrives",
        "--now --scenario warm --fault somebody-arrives",
        5
    );
    assert!(!ran.out.contains("size: 2 nodes"), "{}", ran.out);
    let told = |what: &str| {
        let lines = ran.out.lines().filter(|line| line.contains(" ~ node gke"));
        lines.filter(|line| line.ends_with(what)).count()
    };
    assert_eq!(told("open to pods -> cordoned"), 2, "{}", ran.out);
    assert_eq!(told("cordoned -> open to pods"), 2, "{}", ran.out);
}

#[test]
fn a_class_ends_and_its_nodes_go_when_the_last_has_left() {
    let ran = rehearse("--patience 20h --scenario class-in-session");
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(ran.out.contains("the last active"), "{}", ran.out);
    assert!(!ran.out.contains("-> cordoned"), "{}", ran.out);
    let ran = rehearse("--after 30m --patience 20h --scenario class-in-session");
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(ran.out.contains("0 left"), "{}", ran.out);
    assert!(!ran.out.contains("? End the servers"), "{}", ran.out);
}

#[test]
fn who_is_idle_is_told_by_the_hub() {
    let ran = rehearsed!("after", "--after 30m --patience 1h --scenario users", 1);
    assert!(ran.out.contains("the last active"), "{}", ran.out);
    assert!(ran.err.contains("0 of 1"), "{}", ran.err);
}

#[test]
fn without_the_hub_everybody_counts_as_working() {
    for (name, flags, why) in [
        ("hub_down", "--fault hub-down", "cannot answer now (503)"),
        (
            "token_expired",
            "--fault token-expired",
            "does not know the token",
        ),
        ("token_too_narrow", "--fault token-too-narrow", "list:users"),
    ] {
        let ran = rehearse(&format!(
            "--after 30m --patience 10m --scenario users {flags}"
        ));
        assert_snapshot!(name, ran.whole());
        assert_eq!(ran.exit, 1, "{}", ran.whole());
        let warned = ran
            .out
            .lines()
            .filter(|line| line.contains("nobody knows who is idle") && line.contains(why));
        // Once when the run looks, once when it waits.
        assert_eq!(warned.count(), 2, "{}", ran.whole());
        assert!(!ran.out.contains("open to pods -> cordoned"), "{}", ran.out);
    }
}

#[test]
fn a_warm_up_is_a_debt_until_it_is_torn_down() {
    let place = Place::empty();
    let owes = |place: &Place| {
        let world = std::fs::read_to_string(place.state().join("practice.json")).unwrap();
        let world: serde_json::Value = serde_json::from_str(&world).unwrap();
        let maps = &world["state"]["store"]["objects"]["ConfigMap"];
        let map = maps.as_object().unwrap().values();
        let debts = map.filter(|map| map["metadata"]["name"] == "runbook-debts");
        debts
            .map(|map| map["data"]["nodes.nb-user"].clone())
            .find_map(|debt| Some(debt.as_str()?.to_owned()))
    };
    let ran = place.run("run warm_up --nodes 2 --event Spring --speed max");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    let debt = owes(&place).unwrap();
    assert!(debt.contains("\"purpose\":\"Spring\"") && debt.contains("\"incomplete\":false"));
    let ran = place.run("run teardown --speed max");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert!(
        ran.out
            .contains("Owed: 2 nodes of nb-user warm, for 'Spring'"),
        "{}",
        ran.out
    );
    assert_eq!(owes(&place), None);
}
