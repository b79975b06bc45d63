//! `runbook history` on runs that were really made. What depends on the wall clock and on the
//! machine is masked.

use insta::assert_snapshot;
use serde_json::Value;

use crate::program::{Place, Ran};

const GROW: &str = "//! Grows the pool.\n\
    const nodes = param::int(\"Nodes\");\n\
    const pool = param::text(\"Pool\", \"nb-user\");\n\
    step(\"Look\");\n\
    let found = gke::pool(pool);\n\
    ask::proceed(\"go\", \"Grow it?\");\n\
    step(\"Grow\");\n\
    found.raise_limits(nodes, 20);\n\
    found.grow(nodes);\n";

/// Where a rehearsal went well, then one was declined, then one failed; the last one's id.
fn three_runs() -> (Place, String) {
    let place = Place::empty();
    place.write("runbooks/grow.rhai", GROW);
    assert_eq!(run(&place, "rehearse grow --nodes 3 --yes").exit, 0);
    assert_eq!(
        run(&place, "rehearse grow --nodes 2 --answer go=no").exit,
        4
    );
    let failed = run(&place, "rehearse grow --nodes 2 --pool nb-usr");
    assert_eq!(failed.exit, 1);
    let last = ids(&place).pop().unwrap();
    (place, last)
}

/// Runs it, ids and all: here they are what is asked for.
fn run(place: &Place, line: &str) -> Ran {
    let output = place.command(line.split_whitespace()).output().unwrap();
    Ran {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        exit: output.status.code().unwrap_or(-1),
    }
}

/// The ids of all runs, oldest first.
fn ids(place: &Place) -> Vec<String> {
    let mut ids: Vec<String> = (list(&run(place, "history --output json")).iter())
        .map(|entry| entry["run"].as_str().unwrap().to_owned())
        .collect();
    ids.reverse();
    ids
}

fn list(ran: &Ran) -> Vec<Value> {
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// One space for several, and words for what differs from day to day and machine to machine.
fn masked(place: &Place, ran: &Ran) -> String {
    let entries = list(&run(place, "history --output json"));
    let mut text = ran.raw();
    for (number, entry) in entries.iter().rev().enumerate().rev() {
        let value = |name: &str| entry[name].as_str().unwrap();
        let day = value("started").get(..10).unwrap();
        text = text
            .replace(value("run"), &format!("RUN-{}", number + 1))
            .replace(value("operator"), "ann@laptop");
        text = (text.lines())
            .map(|line| match line.find(day) {
                // `2026-11-12 09:15 UTC`
                Some(at) => format!("{}WHEN{}\n", &line[..at], &line[at + 20..]),
                None => format!("{line}\n"),
            })
            .collect();
    }
    let lines = text.lines().map(|line| {
        let inside = line.trim_start();
        let indent = &line[..line.len() - inside.len()];
        let words: Vec<&str> = inside.split_whitespace().collect();
        format!("{indent}{}\n", words.join(" "))
    });
    lines.collect()
}

#[test]
fn nothing_to_list_says_how_to_make_the_first_run() {
    let ran = Place::empty().run("history");
    assert_eq!(ran.exit, 0);
    assert!(ran.out.starts_with("Nothing was run yet."), "{}", ran.out);
    assert!(ran.out.contains("`runbook rehearse warm_up --nodes 2`"));
    assert_eq!(list(&Place::empty().run("history --output json")).len(), 0);
}

#[test]
fn runs_are_listed_newest_first_as_flags_that_would_repeat_them() {
    let (place, _) = three_runs();
    assert_snapshot!("history", masked(&place, &run(&place, "history")));
}

#[test]
fn one_run_tells_its_steps_its_answers_and_what_it_changed() {
    let (place, failed) = three_runs();
    let first = &ids(&place)[0];
    let done = run(&place, &format!("history {first}"));
    assert_snapshot!("history_run", masked(&place, &done));
    let failed = run(&place, &format!("history {failed}"));
    assert_snapshot!("history_failed", masked(&place, &failed));
}

#[test]
fn programs_get_one_object_a_run_and_everything_of_one() {
    let (place, failed) = three_runs();
    let entries = list(&run(&place, "history --output json"));
    let outcomes: Vec<&Value> = entries.iter().map(|entry| &entry["outcome"]).collect();
    assert_eq!(outcomes, ["failed", "declined", "done"]);
    let done = &entries[2];
    assert_eq!(done["version"], 1);
    assert_eq!(done["runbook"], "grow");
    assert_eq!(done["params"]["nodes"], 3);
    assert_eq!(done["mode"], "rehearsal");
    assert_eq!(done["changes"], 2);
    assert!(done["took_seconds"].as_u64().unwrap() > 0);
    assert_eq!(entries[0]["error"]["kind"], "not-found");

    let one = list(&run(&place, &format!("history {failed} --output json")));
    let [one] = one.as_slice() else {
        panic!("one line for one run")
    };
    assert_eq!(one["resume"], format!("runbook resume {failed}"));
    assert_eq!(one["effects"][0]["call"], "gke::pool");
    assert_eq!(one["effects"][0]["step"], "Look");
    assert_eq!(one["effects"][0]["error"]["kind"], "not-found");
    let done = done["run"].as_str().unwrap();
    let one = &list(&run(&place, &format!("history {done} --output json")))[0];
    assert_eq!(one["resume"], Value::Null);
    assert_eq!(one["answers"][0]["by"], "--yes");
    assert_eq!(one["changed"][1]["fate"], "in_flight");
    assert_eq!(one["sessions"].as_array().unwrap().len(), 1);
}

#[test]
fn filters_keep_what_they_name() {
    let (place, _) = three_runs();
    assert_eq!(run(&place, "run warm_up --nodes 2 --speed max").exit, 0);
    let count = |flags: &str| list(&run(&place, &format!("history --output json {flags}"))).len();
    assert_eq!(count(""), 4);
    assert_eq!(count("--runbook grow"), 3);
    assert_eq!(count("--failed"), 1);
    assert_eq!(count("--target practice"), 4);
    assert_eq!(count("--target callysto"), 0);
    assert_eq!(count("--since 1h"), 4);
    assert_eq!(count("--since 2026-01-01"), 4);
    assert_eq!(count("--limit 2"), 2);
    assert_eq!(run(&place, "history --since soon").exit, 2);
    let none = run(&place, "history --target callysto").out;
    assert_eq!(none, "No such run; `runbook history` lists all there are\n");
    let two = run(&place, "history --limit 2").out;
    assert!(two.ends_with("`--limit 10` shows more\n"), "{two}");
}

#[test]
fn a_run_is_named_by_the_beginning_of_its_id() {
    let (place, failed) = three_runs();
    let ran = run(&place, "history 2");
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("3 runs begin with `2`"), "{}", ran.err);
    assert!(ran.err.contains(&failed), "{}", ran.err);
    let ran = run(&place, "history nonsense");
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("see `runbook history`"), "{}", ran.err);
}

#[test]
fn pruning_says_what_it_removed_and_what_it_never_does() {
    let (place, failed) = three_runs();
    let ids = ids(&place);
    let ran = run(&place, "history prune");
    assert_eq!(
        ran.out,
        "Nothing to remove\nLeft: 2 finished; 1 unfinished, never removed\n"
    );
    let ran = run(&place, "history prune --keep 1");
    assert_eq!(
        ran.out,
        format!(
            "Removed 1 finished run, {}\nLeft: 1 finished; 1 unfinished, never removed\n",
            ids[0]
        )
    );
    run(&place, "history prune --keep 0");
    let left: Vec<String> = (place.journals().iter())
        .map(|file| file.file_name().unwrap().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with(&failed))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(run(&place, &format!("history {failed}")).exit, 0);
}

#[test]
fn a_damaged_journal_is_listed_and_told_as_far_as_it_can_be_believed() {
    let (place, failed) = three_runs();
    let journal = place.state().join(format!("runs/{failed}.jsonl"));
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text + "garbage\n").unwrap();
    let ran = run(&place, "history");
    assert!(ran.out.contains("unreadable"), "{}", ran.out);
    assert!(ran.out.contains("  damaged: line 5: "), "{}", ran.out);
    let ran = run(&place, &format!("history {failed}"));
    assert!(ran.out.contains("! damaged: line 5: "), "{}", ran.out);
    assert!(ran.out.contains("gke::pool(nb-usr)"), "{}", ran.out);
    let one = &list(&run(&place, &format!("history {failed} --output json")))[0];
    assert!(one["damage"].as_str().unwrap().contains("line 5"));
}

#[test]
fn the_last_parameters_are_shown_with_the_runbook() {
    let (place, _) = three_runs();
    let shown = run(&place, "show grow").out;
    let mut lines = shown.lines();
    let last = lines.find(|line| line.starts_with("last time")).unwrap();
    let flags = "last time: --nodes 2 --pool nb-usr, ";
    assert!(last.starts_with(flags), "{last}");
    assert!(!run(&place, "show warm_up").out.contains("last time"));
}
