//! Plans: what they say, and that a run can be held to one.

use serde_json::Value;

use super::{dry, run, server, untouched};
use crate::canned::{Answer, Recorded};
use crate::cluster::Cluster;
use crate::program::Place;

fn plan(place: &Place) -> Value {
    let text = std::fs::read_to_string(place.path().join("plan.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plan_says_what_would_be_changed_and_what_nobody_knows() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("price = { node_hour = 0.5, currency = \"CAD\" }");
    let ran = dry(
        &place,
        "warm_up --nodes 2 --yes --save plan.json --output json",
    );
    ran.ends(0);
    untouched(&cluster);
    let last: Value = serde_json::from_str(ran.out.lines().last().unwrap()).unwrap();
    let plan = plan(&place);
    assert_eq!(last["plan"], plan);
    assert_eq!(plan["verdict"], "would_succeed");
    assert_eq!(plan["cost"], "1.00 CAD an hour, for 2 more nodes");
    assert_eq!(plan["facts"]["autoscaling of nb-user"], "0 to 20 a zone");
    let calls: Vec<&str> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["call"].as_str().unwrap())
        .collect();
    assert_eq!(
        calls,
        [
            "debt::open",
            "Pool.raise_limits",
            "Pool.grow",
            "debt::complete"
        ]
    );
    let grow = &plan["steps"][2];
    assert_eq!(grow["changes"][0]["after"], "2 nodes");
    assert_eq!(grow["step"], "Grow the pool");
    assert!(grow["back"].as_str().unwrap().contains("teardown"));
    assert!(
        plan["expected"]["median"].as_u64().unwrap() > 1200,
        "{plan}"
    );
    assert!(
        plan["unknown"]
            .to_string()
            .contains("what room a machine of nb-user has"),
        "{plan}"
    );
    assert!(
        plan["unknown"]
            .to_string()
            .contains("the zone has the machines"),
        "{plan}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn all_answers_that_are_needed_are_told_at_once() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    let script = "//! Asks twice.\nask::proceed(\"first\", \"One?\");\n\
        gke::pool(\"nb-user\").raise_limits(2, 20);\nask::danger(\"second\", \"Two?\");\n";
    place.write("runbooks/asks.rhai", script);
    let ran = dry(&place, "asks");
    ran.ends(3);
    for flag in [
        "2 answers are needed",
        "--answer first=yes",
        "--answer second=",
    ] {
        assert!(ran.err.contains(flag), "{flag}: {}", ran.whole());
    }
    // The plan is there all the same.
    ran.says("0..20 nodes -> 2..20 nodes");
    untouched(&cluster);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_is_held_to_its_plan() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    let ran = dry(&place, "warm_up --nodes 2 --yes --save plan.json");
    ran.ends(0);
    let other = run(
        &place,
        "run warm_up --nodes 3 --yes --on live --plan plan.json",
    );
    other.ends(5);
    other.complains("the plan is of another run: its parameters");
    untouched(&cluster);
    let ran = run(
        &place,
        "run warm_up --nodes 2 --yes --on live --plan plan.json",
    );
    ran.ends(0);
    assert!(!ran.out.contains("Since the plan"), "{}", ran.whole());
    // What the plan was made on is not so any more.
    let again = run(
        &place,
        "run warm_up --nodes 2 --yes --on live --plan plan.json",
    );
    again.says("Since the plan: autoscaling of nb-user: 0 to 20 a zone when it was planned, 2 to 20 a zone now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_planned_call_that_would_change_something_else_by_now_is_not_made() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    assert_eq!(
        dry(&place, "warm_up --nodes 2 --yes --save plan.json").exit,
        0
    );
    // When it was made, somebody had other limits there.
    let path = place.path().join("plan.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let edited = text.replace("\"before\": \"0..20 nodes\"", "\"before\": \"1..15 nodes\"");
    assert_ne!(edited, text);
    std::fs::write(&path, edited).unwrap();
    let line = "run warm_up --nodes 2 --yes --on live --plan plan.json";
    let ran = run(&place, line);
    ran.ends(5);
    let told: Vec<&str> = ran.err.split([' ', '\n', '|']).collect();
    let told: Vec<&str> = told.into_iter().filter(|word| !word.is_empty()).collect();
    let both = "the plan has node pool nb-user: autoscaler limits: 1..15 nodes -> 2..20 nodes, \
        and this is node pool nb-user: autoscaler limits: 0..20 nodes -> 2..20 nodes";
    assert!(told.join(" ").contains(both), "{}", ran.whole());
    assert_eq!(cluster.changes(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_done_can_be_taken_back_though_no_plan_says_so() {
    let denied = |asked: &Recorded| {
        let resize = asked.line().ends_with(":setSize");
        resize.then(|| Answer::google(403, "PERMISSION_DENIED", "no"))
    };
    let cluster = Cluster::warm_where_gke(denied).await;
    let place = cluster.place("");
    let answers = "--yes --answer now=live";
    let ran = dry(
        &place,
        &format!("teardown --now {answers} --save plan.json"),
    );
    ran.ends(0);
    let line = format!("run teardown --now {answers} --on live --plan plan.json");
    let ran = run(&place, &line);
    ran.ends(1);
    for node in ["gke-c-nb-user-1", "gke-c-nb-user-2"] {
        let opened = format!("~ node {node}: cordoned -> open to pods");
        ran.says(&opened);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_first_change_that_was_not_planned_is_not_made() {
    let cluster = Cluster::warm().await;
    let place = cluster.place("");
    // As many as there are, and one more.
    let script = "//! Grows.\nlet users = gke::pool(\"nb-user\");\n\
        users.raise_limits(k8s::size(\"nb-user\") + 1, 20);\n";
    place.write("runbooks/grows.rhai", script);
    assert_eq!(dry(&place, "grows --save plan.json").exit, 0);
    let path = place.path().join("plan.json");
    let edited = std::fs::read_to_string(&path)
        .unwrap()
        .replace("          3,\n", "          4,\n")
        .replace("        3,\n", "        4,\n");
    std::fs::write(&path, edited).unwrap();
    let ran = run(&place, "run grows --on live --plan plan.json");
    ran.ends(5);
    ran.complains("this is not what was planned: step 1");
    assert_eq!(cluster.changes(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn people_who_would_lose_their_servers_are_counted() {
    let cluster = Cluster::with(vec![server("zoe"), server("yan")]).await;
    let place = cluster.place("");
    let ran = dry(
        &place,
        "teardown --now --evict --yes --answer evict=live --save plan.json",
    );
    let plan = plan(&place);
    ran.ends(0);
    let both = serde_json::json!({ "there": 2, "affected": 2 });
    assert_eq!(plan["people"], both, "{}", ran.whole());
    untouched(&cluster);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_would_be_refused_says_so_and_exits_5() {
    let cluster = Cluster::with(vec![server("zoe")]).await;
    let place = cluster.place("");
    let ran = dry(&place, "teardown --now --yes --save plan.json");
    ran.ends(5);
    ran.says("dry run: IT WOULD BE REFUSED");
    assert_eq!(plan(&place)["verdict"], "would_be_refused");
    // Nobody is held to a plan that did not end well.
    let ran = run(
        &place,
        "run teardown --now --yes --on live --plan plan.json",
    );
    ran.ends(5);
    ran.complains("would not have ended well");
    untouched(&cluster);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn how_long_it_takes_is_learned_from_the_target_s_own_runs() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    assert_eq!(run(&place, "run warm_up --nodes 2 --yes --on live").exit, 0);
    let ran = dry(&place, "warm_up --nodes 3 --yes --save plan.json");
    ran.ends(0);
    assert_eq!(plan(&place)["expected"]["runs"], 1);
    ran.says("(last run here, ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_run_that_goes_on_is_still_held_to_its_plan() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    assert_eq!(
        dry(&place, "warm_up --nodes 2 --yes --save plan.json").exit,
        0
    );
    assert_eq!(
        run(
            &place,
            "run warm_up --nodes 2 --yes --on live --plan plan.json"
        )
        .exit,
        0
    );
    // As if it had been killed before its second change, and the plan were another.
    let mut journals = place.journals().into_iter();
    let held = journals.find(|journal| journal.with_extension("plan.json").exists());
    let journal = held.unwrap();
    let text = std::fs::read_to_string(&journal).unwrap();
    let raised = text
        .lines()
        .position(|line| line.contains("Pool.raise_limits"))
        .unwrap();
    let half: Vec<&str> = text.lines().take(raised).collect();
    std::fs::write(&journal, half.join("\n") + "\n").unwrap();
    let kept = journal.with_extension("plan.json");
    let other = std::fs::read_to_string(&kept)
        .unwrap()
        .replace("Pool.raise_limits", "Pool.set_limits");
    std::fs::write(&kept, other).unwrap();
    let ran = run(&place, "resume --yes");
    ran.ends(5);
    ran.complains("is Pool.set_limits(\"Pool nb-user\", 2, 20)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tonight_s_cluster_can_be_rehearsed_in_with_a_fault() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    let snapshot = run(&place, "world snapshot --on live");
    snapshot.ends(0);
    place.write("tonight.json", &snapshot.out);
    let ran = run(
        &place,
        "rehearse warm_up --nodes 2 --world tonight.json --yes",
    );
    ran.ends(0);
    ran.says("gke-c-nb-user-0a1b2c3d-");
    let ran = run(
        &place,
        "rehearse warm_up --nodes 2 --world tonight.json --fault stockout --yes",
    );
    ran.ends(1);
    ran.complains("no machines left in zone l-a");
    untouched(&cluster);
    place.write("tonight.json", "{}");
    let ran = run(&place, "rehearse warm_up --nodes 2 --world tonight.json");
    ran.ends(2);
    ran.complains("is no look at a target");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_practised_is_said_in_the_headline() {
    let cluster = Cluster::warm().await;
    let place = cluster.place("");
    let line = "run warm_up --nodes 2 --yes --on live";
    let ran = run(&place, line);
    ran.says("never rehearsed in this version");
    for fault in ["slow-image", "busy", "stockout"] {
        run(
            &place,
            &format!("rehearse warm_up --nodes 2 --yes --fault {fault}"),
        );
    }
    let ran = run(&place, line);
    ran.says("ago on this version: 3 faults, 2 survived");
    let shown = run(&place, "show warm_up").out;
    assert!(
        shown.contains("survived: busy, slow-image; not: stockout"),
        "{shown}"
    );
    assert!(run(&place, "list").out.contains("; rehearsed "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_evening_before_of_the_readme_goes_as_it_says() {
    let readme = include_str!("../../../README.md");
    let (_, section) = readme.split_once("## The evening before").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let commands = section
        .lines()
        .filter_map(|line| line.strip_prefix("    runbook "));
    let commands = commands.map(|line| line.split('#').next().unwrap().trim());
    let commands: Vec<&str> = commands.collect();
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    let file = place.path().join("runbook.toml");
    let settings = std::fs::read_to_string(&file).unwrap();
    place.configure(&format!("default_target = \"live\"\n{settings}"));
    assert_eq!(commands.len(), 5);
    for command in commands {
        let ran = run(
            &place,
            &format!(
                "{command}{}",
                if command.starts_with('r') {
                    " --yes"
                } else {
                    ""
                }
            ),
        );
        let as_it_should = i32::from(command.contains("stockout"));
        assert_eq!(ran.exit, as_it_should, "{command}: {}", ran.whole());
        if command == "world snapshot" {
            place.write("tonight.json", &ran.out);
        }
    }
    // What was planned has been done, and nothing else.
    assert_eq!(cluster.changes().len(), 2);
}

#[test]
fn practice_needs_no_dry_run() {
    let ran = Place::empty().run("run warm_up --nodes 2 --dry-run");
    ran.ends(2);
    ran.complains("runbook rehearse");
}
