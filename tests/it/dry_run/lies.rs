//! The ten ways in which other tools' dry runs lie, each with a test that ours does not.

use super::{dry, run, server, told, untouched};
use crate::cluster::{Cluster, TOKEN};
use crate::program::{Place, texts_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lie_1_a_skipped_step_succeeds_and_another_branch_is_taken() {
    let script = "//! Asks what it has done.\nlet users = gke::pool(\"nb-user\");\n\
        if users.raise_limits(4, 20) { say(\"raised\"); } else { say(\"left alone\"); }\n\
        if users.raise_limits(4, 20) { say(\"raised twice\"); } else { say(\"there already\"); }\n";
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    place.write("runbooks/branches.rhai", script);
    let would = dry(&place, "branches");
    untouched(&cluster);
    let does = run(&place, "run branches --on live");
    for ran in [would, does] {
        ran.ends(0);
        assert!(
            ran.out.contains("raised") && ran.out.contains("there already"),
            "{}",
            ran.whole()
        );
        assert!(
            !ran.out.contains("left alone") && !ran.out.contains("raised twice"),
            "{}",
            ran.whole()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lie_2_a_skipped_step_gives_nothing_to_the_next_one() {
    let script = "//! Reads what it has written.\ngke::pool(\"nb-user\").raise_limits(3, 20);\n\
        let users = gke::pool(\"nb-user\");\nlet operation = users.grow(3);\n\
        say(`${users.minimum} ${operation.name.len() > 0} ${k8s::size(\"nb-user\")}`);\n";
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    place.write("runbooks/later.rhai", script);
    let ran = dry(&place, "later");
    ran.ends(0);
    ran.says(" 3 true 3\n");
    untouched(&cluster);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lie_3_parts_are_left_out() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    let would = dry(&place, "warm_up --nodes 2 --yes");
    untouched(&cluster);
    let does = run(&place, "run warm_up --nodes 2 --yes --on live");
    assert_eq!(
        (would.exit, does.exit),
        (0, 0),
        "{}\n{}",
        would.whole(),
        does.whole()
    );
    let deeds = told(&does.out);
    assert!(deeds.len() > 6, "{deeds:?}");
    assert_eq!(told(&would.out), deeds);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lie_4_things_are_done_all_the_same() {
    let cluster = Cluster::warm().await;
    let place = cluster.place("");
    for line in [
        "warm_up --nodes 4 --yes",
        "teardown --yes",
        "teardown --now --yes",
        "nodes",
    ] {
        dry(&place, line);
        untouched(&cluster);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lie_5_a_resumed_dry_run_becomes_real() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    assert_eq!(dry(&place, "warm_up --nodes 2 --yes").exit, 0);
    // As if it had been killed in the middle of its wait.
    let journal = &place.journals()[0];
    let text = std::fs::read_to_string(journal).unwrap();
    let wait = text
        .lines()
        .position(|line| line.contains("wait_warm"))
        .unwrap();
    let half: Vec<&str> = text.lines().take(wait + 1).collect();
    std::fs::write(journal, half.join("\n") + "\n").unwrap();
    let ran = run(&place, "resume");
    ran.ends(0);
    ran.says("DRY RUN");
    ran.says("nothing real was changed");
    untouched(&cluster);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lie_6_what_it_calls_is_not_dry() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    place.write(
        "runbooks/lib/raise.rhai",
        "fn raise() { gke::pool(\"nb-user\").raise_limits(5, 20) }\n",
    );
    place.write(
        "runbooks/outer.rhai",
        "//! Calls a library.\nimport \"lib/raise\" as raise;\nraise::raise();\n",
    );
    let ran = dry(&place, "outer");
    ran.ends(0);
    ran.says("0..20 nodes -> 5..20 nodes");
    untouched(&cluster);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lie_7_it_tells_of_changes_that_are_none() {
    let cluster = Cluster::warm().await;
    let place = cluster.place("");
    let ran = dry(&place, "warm_up --nodes 2 --yes");
    ran.ends(0);
    ran.says("the plan: nothing would be changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lie_8_it_prints_secrets() {
    let cluster = Cluster::with(vec![server("zoe-40example")]).await;
    let place = cluster.place("");
    let ran = dry(
        &place,
        "teardown --yes --save plan.json -vvv --patience 30m",
    );
    let snapshot = run(&place, "world snapshot --on live");
    snapshot.ends(0);
    assert!(snapshot.out.contains("user-1"), "{}", snapshot.out);
    let texts = [vec![ran.raw(), snapshot.raw()], texts_in(place.path())].concat();
    assert!(texts.len() > 4);
    for text in texts {
        for secret in [TOKEN, "canary", "zoe"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lie_9_what_it_cannot_stand_in_for_is_passed_over() {
    let cluster = Cluster::with(vec![server("zoe")]).await;
    let place = cluster.place("");
    let ran = dry(&place, "logs jupyter-user-2d1");
    ran.ends(1);
    ran.complains("the copy of the target does not know");
    ran.complains("logs.rhai:");
    let caught = "//! Would hide it.\ntry { registry::inspect(\"quay.io/not/asked:1\"); } catch { say(\"hidden\"); }\n";
    place.write("runbooks/hides.rhai", caught);
    let ran = dry(&place, "hides");
    ran.ends(1);
    assert!(!ran.out.contains("hidden"), "{}", ran.whole());
    ran.complains("nobody has asked there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn lie_10_it_passes_and_the_permission_is_missing() {
    let cluster = Cluster::forbidding(&["patch nodes"]).await;
    let place: Place = cluster.place("");
    let script = "//! Cordons.\nlet node = k8s::nodes(\"nb-user\")[0];\nk8s::cordon(node.name);\n";
    place.write("runbooks/cordons.rhai", script);
    let ran = dry(&place, "cordons");
    ran.ends(1);
    ran.complains("our credentials lack patch nodes");
    ran.complains("kubectl auth can-");
    ran.complains("cordons.rhai:3");
    // Nor does it pass in a rehearsal on what was seen.
    let snapshot = run(&place, "world snapshot --on live");
    place.write("tonight.json", &snapshot.out);
    let ran = run(&place, "rehearse cordons --world tonight.json");
    ran.ends(1);
    ran.complains("our credentials lack patch nodes");
    // And a real run does not get as far as its first change.
    let ran = run(&place, "run cordons --on live");
    ran.ends(1);
    ran.complains("--answer permissions=without");
    untouched(&cluster);
}
