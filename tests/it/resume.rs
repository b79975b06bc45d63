//! Runs that stopped, and go on: what the operator sees, and what the practice world accepted.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::program::{Place, Ran};
use crate::running::Running;

const PACED: &str = "rehearse warm_up --nodes 2 --speed 60 --output plain";
const RESUME: &str = "resume --speed max --output plain";

/// What the world beside a journal accepted: methods and what they changed, in order.
pub(crate) fn ledger(world: &Path) -> Vec<String> {
    let text = std::fs::read(world).unwrap();
    let world: Value = serde_json::from_slice(&text).unwrap();
    let mutations = world["state"]["ledger"].as_array().unwrap().iter();
    mutations
        .filter(|mutation| !passes(mutation))
        .map(|mutation| {
            let what = mutation["what"].as_str().unwrap();
            let data = mutation["body"]["data"].as_object();
            let debt = data.and_then(|data| data.values().next()?.as_str());
            match debt {
                // The debts' own moment and place differ by how long a run was gone.
                Some(debt) => {
                    let mut debt: Value = serde_json::from_str(debt).unwrap();
                    debt.as_object_mut().unwrap().remove("since");
                    format!("kept {debt}")
                }
                None if what.ends_with("/runbook-debts") => "debt closed".to_owned(),
                None => format!("{} {what} {}", mutation["method"], mutation["body"]),
            }
        })
        .collect()
}

/// What is taken away again, and may be made anew: the check's user and server, pods that pull.
fn passes(mutation: &Value) -> bool {
    let what = mutation["what"].as_str().unwrap();
    let pulls = what.ends_with("/pods") || what.contains("/pods/runbook-pull-");
    what.starts_with("/hub/api/users/") || pulls
}

fn world_of(place: &Place) -> PathBuf {
    let mut beside = place.beside_journals();
    assert_eq!(beside.len(), 1);
    beside.remove(0)
}

/// The id of the one run there has been.
fn only_run(place: &Place) -> String {
    let journals = place.journals();
    assert_eq!(journals.len(), 1);
    journals[0]
        .file_stem()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_killed_rehearsal_goes_on_where_it_was_and_sends_nothing_twice() {
    let place = Place::empty();
    Running::until(&place, PACED, "waiting for 2 nodes").killed();
    let before = ledger(&world_of(&place));
    assert_eq!(before.len(), 3, "{before:?}");
    let ran = place.run(RESUME);
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    let after = ledger(&world_of(&place));
    assert_eq!(after[..3], before);
    assert!(
        after[3..]
            .iter()
            .all(|last| last.contains("\"incomplete\":false")),
        "{after:?}"
    );
    assert!(
        ran.out.contains("2 nodes of nb-user warm after"),
        "{}",
        ran.whole()
    );
    let ran = place.run(RESUME);
    assert_eq!(ran.exit, 2);
    assert!(
        ran.err.contains("there is no unfinished run"),
        "{}",
        ran.whole()
    );
}

#[test]
fn an_interrupted_one_says_how_to_go_on_and_does() {
    let place = Place::empty();
    let ran = Running::until(&place, PACED, "waiting for 2 nodes").interrupted(Signal::INT);
    let run = only_run(&place);
    let text = ran.out;
    assert!(text.contains("not done:"), "{text}");
    assert!(text.contains("runbook resume "), "{text}");
    let ran = place.run(&format!("{RESUME} {}", &run[..13]));
    assert_eq!(ran.exit, 0, "{}", ran.whole());
}

#[test]
fn a_run_that_is_going_on_cannot_be_resumed_beside_itself() {
    let place = Place::empty();
    let running = Running::until(&place, PACED, "waiting for 2 nodes");
    let run = only_run(&place);
    let ran = place.run(&format!("{RESUME} {run}"));
    assert_eq!(ran.exit, 5, "{}", ran.whole());
    assert!(
        ran.err.contains("going on in another process"),
        "{}",
        ran.whole()
    );
    running.interrupted(Signal::INT);
}

#[test]
fn time_can_pass_while_nobody_watches() {
    let place = Place::empty();
    Running::until(&place, PACED, "waiting for 2 nodes").killed();
    let ran = place.run(&format!("{RESUME} --away 8h"));
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    // Nobody watched the eight hours, so they do not count.
    let warm = ran
        .out
        .lines()
        .find(|line| line.contains("warm after"))
        .unwrap();
    assert!(warm.ends_with(" s") && !warm.contains(" h "), "{warm}");
}

#[test]
fn a_resize_that_failed_is_not_taken_as_done() {
    let place = Place::empty();
    let line = "rehearse warm_up --nodes 2 --speed max --output plain --fault op-error-only";
    assert_eq!(place.run(line).exit, 1);
    let ran = place.run(&format!("{RESUME} --away 2h"));
    let (_, now) = ran.out.split_once("caught up").unwrap();
    // The pool is looked at again: the autoscaler has given up what never came, so that it is asked
    // for once more, and the old failure does not end the new wait.
    assert!(now.contains("size: 0 nodes -> 2 nodes\n"), "{now}");
    assert!(now.contains("✓ 2 nodes of nb-user warm after"), "{now}");
    assert_eq!(ran.exit, 0, "{now}");
}

#[test]
fn a_wait_that_reached_its_limit_is_watched_for_as_long_again() {
    let place = Place::empty();
    let line = "rehearse warm_up --nodes 2 --patience 15m --speed max --output plain";
    let ran = place.run(line);
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    let ran = place.run(RESUME);
    assert_eq!(ran.exit, 0, "{}", ran.whole());
}

#[test]
fn a_no_leaves_a_run_that_has_changed_something_unfinished_and_says_how_far_it_is() {
    let place = Place::empty();
    Running::until(&place, PACED, "waiting for 2 nodes").killed();
    let ran = place.run(&format!("{RESUME} --abort --answer abort=no"));
    assert_eq!(ran.exit, 4, "{}", ran.whole());
    assert!(
        ran.out.contains("not done: Wait for the nodes; Report"),
        "{}",
        ran.whole()
    );
    assert!(
        ran.out.contains("go on with: runbook resume"),
        "{}",
        ran.out
    );
    assert!(
        place
            .run("history prune --keep 0")
            .out
            .contains("1 unfinished")
    );
    assert_eq!(place.run(RESUME).exit, 0);
}

#[test]
fn a_torn_last_record_is_cut_off() {
    let place = Place::empty();
    Running::until(&place, PACED, "waiting for 2 nodes").killed();
    let journal = &place.journals()[0];
    let whole = std::fs::read(journal).unwrap();
    let torn = [whole.as_slice(), b"{\"sum\":\"00"].concat();
    std::fs::write(journal, torn).unwrap();
    let ran = place.run(RESUME);
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert!(std::fs::read(journal).unwrap().starts_with(&whole));
}

#[test]
fn a_damaged_journal_is_refused_by_line_and_left_alone() {
    let place = Place::empty();
    Running::until(&place, PACED, "waiting for 2 nodes").killed();
    let journal = &place.journals()[0];
    let mut bytes = std::fs::read(journal).unwrap();
    let half = bytes.len() / 2;
    bytes[half] ^= 1;
    std::fs::write(journal, &bytes).unwrap();
    let run = journal.file_stem().unwrap().to_str().unwrap();
    let ran = place.run(&format!("{RESUME} {run}"));
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    assert!(ran.err.contains("is damaged: line "), "{}", ran.whole());
    assert_eq!(std::fs::read(journal).unwrap(), bytes);
}

const SCRIPT: &str = "//! Raises.\nlet pool = gke::pool(\"nb-user\");\nstep(\"Raise\");\n\
    pool.raise_limits(1, 20);\nstep(\"Wait\");\nk8s::wait_warm(\"nb-user\", 1);\nsay(\"the end\");\n";

/// A run of `SCRIPT` that was killed in its wait.
fn killed_in_wait() -> Place {
    let place = Place::empty();
    place.write("runbooks/raise.rhai", SCRIPT);
    let line = "rehearse raise --speed 60 --output plain";
    Running::until(&place, line, "waiting for 1 node").killed();
    place
}

#[test]
fn an_edit_before_the_point_reached_is_explained_and_again_starts_over() {
    let place = killed_in_wait();
    place.write(
        "runbooks/raise.rhai",
        &SCRIPT.replace("limits(1, 20)", "limits(2, 20)"),
    );
    let ran = place.run(RESUME);
    assert_eq!(ran.exit, 5, "{}", ran.whole());
    for part in [
        "effect 2 was",
        "`Pool.raise_limits(nb-user, 1, 20)` at runbooks/raise.rhai:4:6",
        "it is now",
        "`Pool.raise_limits(nb-user, 2, 20)`",
        "--again",
    ] {
        assert!(
            words(&ran.err).contains(&words(part)),
            "{part}: {}",
            ran.whole()
        );
    }
    assert!(
        ran.out.contains("0..20 nodes -> 1..20 nodes"),
        "{}",
        ran.whole()
    );
    let old = only_run(&place);
    let ran = place.run("resume --again --speed max --output plain --yes");
    assert!(
        ran.out.contains("0..20 nodes -> 2..20 nodes"),
        "{}",
        ran.whole()
    );
    // The old one was replaced; a new one is there.
    assert_eq!(place.journals().len(), 2);
    let ran = place.run(&format!("resume {old}"));
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("was replaced by"), "{}", ran.whole());
}

/// The text of an error without its frame, however it was broken into lines.
fn words(text: &str) -> String {
    let bare = text.chars().filter(|c| !c.is_whitespace() && *c != '|');
    bare.collect()
}

#[test]
fn an_edit_after_it_is_fine() {
    let place = killed_in_wait();
    let edited = SCRIPT
        .replace("the end", "another end")
        .replace("//! Raises.", "//! Raises.\n");
    place.write(
        "runbooks/raise.rhai",
        &edited.replace("k8s::wait", "\n\nk8s::wait"),
    );
    let ran = place.run(&format!("{RESUME} --away 1h"));
    // Nothing grows the pool, so the wait goes on to its limit.
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    assert!(ran.err.contains("45 min"), "{}", ran.whole());
}

#[test]
fn an_old_run_asks_first() {
    let place = Place::empty();
    place.write("runbook.toml", "resume_age = \"0s\"\n");
    Running::until(&place, PACED, "waiting for 2 nodes").killed();
    let ran = place.run(&format!("{RESUME} --answer old=no"));
    assert_eq!(ran.exit, 4, "{}", ran.whole());
    assert!(
        ran.out.contains("stopped ") && ran.out.contains(" ago. Go on with it?"),
        "{}",
        ran.whole()
    );
    assert_eq!(place.run(RESUME).exit, 0);
}

#[test]
fn the_practice_world_that_goes_on_survives_a_kill_and_holds_one_run_at_a_time() {
    let place = Place::empty();
    let line = "run warm_up --nodes 2 --speed 60 --output plain";
    let running = Running::until(&place, line, "waiting for 2 nodes");
    let ran = place.run("run warm_up --nodes 2");
    assert_eq!(ran.exit, 5, "{}", ran.whole());
    assert!(
        ran.err.contains("another run is going on"),
        "{}",
        ran.whole()
    );
    running.killed();
    let ran = place.run(RESUME);
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert_eq!(ledger(&place.state().join("practice.json")).len(), 4);
    let ran = place.run("run warm_up --nodes 2 --output plain");
    assert!(ran.out.contains("Already warm"), "{}", ran.whole());
}

#[test]
fn a_disk_that_is_full_stops_the_run_before_the_next_change() {
    // The first record that has no room is written late in the run: the world beside it grows.
    let run = |blocks: u32| -> (Place, Ran) {
        let place = Place::empty();
        let program = place.command(["rehearse", "warm_up", "--nodes", "2", "--output", "plain"]);
        let mut limited = std::process::Command::new("sh");
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        limited
            .arg("-c")
            .arg(script)
            .arg(program.get_program())
            .args(program.get_args());
        limited.current_dir(place.path()).env_clear();
        for (name, value) in program.get_envs() {
            limited.env(name, value.unwrap());
        }
        let ran = Ran::from(limited.output().unwrap());
        (place, ran)
    };
    let mut seen = std::collections::BTreeSet::new();
    for blocks in [1, 40, 80, 160, 184] {
        let (place, ran) = run(blocks);
        if ran.exit == 0 {
            continue;
        }
        assert_eq!(ran.exit, 1, "{blocks}: {}", ran.whole());
        let said = words(&ran.err);
        assert!(
            said.contains(&words("cannot write the journal"))
                || said.contains(&words("cannot keep the practice")),
            "{}",
            ran.whole()
        );
        let mutations = place
            .beside_journals()
            .first()
            .map_or(0, |world| ledger(world).len());
        let told = ran.out.matches(" ~ ").count();
        assert!(mutations <= told, "{blocks}: {}", ran.whole());
        seen.insert(mutations);
    }
    assert!(!seen.is_empty());
}
