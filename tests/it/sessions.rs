//! Logs and shells, as the operator sees them.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Place, Ran, rehearsed};

fn rehearse(words: &[&str]) -> Ran {
    let place = Place::empty();
    let line = ["rehearse"].iter().chain(words).chain(&["--speed", "max"]);
    Ran::from(place.command(line).output().unwrap())
}

#[test]
fn a_log_is_all_that_stands_on_standard_output() {
    let ran = rehearsed!("logs", &["logs", "prod/hub", "--tail", "4"], 0);
    assert_eq!(ran.out.lines().count(), 4, "{}", ran.whole());
    assert!(ran.err.contains("done in"), "{}", ran.whole());
}

#[test]
fn a_log_that_cannot_be_shown_says_why_and_what_next() {
    rehearsed!("logs_none", &["logs", "hbu"], 1);
    rehearsed!("logs_several", &["logs", "hub"], 1);
    rehearsed!("logs_elsewhere", &["logs", "grafana"], 1);
    rehearsed!(
        "logs_no_namespace",
        &["logs", "hub", "--namespace", "prd"],
        1
    );
    rehearsed!(
        "logs_container",
        &["logs", "prod/hub", "--container", "web"],
        1
    );
    rehearsed!("logs_previous", &["logs", "prod/hub", "--previous"], 1);
    let here = rehearse(&["logs", "grafana", "--namespace", "support", "--tail", "1"]);
    assert_eq!(here.exit, 0, "{}", here.whole());
}

#[test]
fn a_followed_log_ends_when_nobody_reads_it() {
    let place = Place::empty();
    let line = [
        "rehearse", "logs", "prod/hub", "--follow", "--tail", "0", "--speed", "max",
    ];
    let mut command = place.command(line);
    let mut program = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.starts_with("[I 20"), "{first}");
    let output = program.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn lines_are_events_for_programs() {
    let command = [
        "shell",
        "prod/hub",
        "--command",
        "echo one; echo two >&2",
        "--output",
        "json",
    ];
    let ran = rehearse(&command);
    let lines: Vec<Value> = (ran.out.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &Value| event["event"] == "line")
        .collect();
    assert_eq!(lines[0]["text"], "one");
    assert_eq!(
        (&lines[1]["text"], &lines[1]["error"]),
        (&"two".into(), &true.into())
    );
    assert!(
        lines[0]["source"]
            .as_str()
            .unwrap()
            .starts_with("prod/hub-")
    );
}

#[test]
fn a_command_s_exit_status_is_ours() {
    let ran = rehearsed!(
        "command",
        &[
            "shell",
            "prod/hub",
            "--command",
            "echo hi; echo no >&2; exit 3"
        ],
        3
    );
    assert_eq!(ran.out, "hi\n");
    let ran = rehearse(&["shell", "prod/hub", "--command", "whoami"]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "jovyan\n"));
    let ran = rehearse(&["shell", "prod/hub", "--command", "nosuch"]);
    assert_eq!(ran.exit, 127, "{}", ran.whole());
    let ran = rehearse(&["shell", "prod/hub", "--command", "exit 130"]);
    assert!(
        ran.err.contains("the command ended with exit code 130"),
        "{}",
        ran.whole()
    );
}

#[test]
fn a_shell_that_cannot_be_had_says_why_and_what_next() {
    rehearsed!("shell_no_terminal", &["shell", "prod/hub"], 3);
    rehearsed!(
        "shell_denied",
        &["shell", "prod/hub", "--command", "ls", "--fault", "denied"],
        1
    );
    rehearsed!(
        "shell_none_there",
        &[
            "shell",
            "prod/continuous",
            "--scenario",
            "users",
            "--command",
            "ls",
            "--container",
            "pause"
        ],
        1
    );
}

/// A person's server.
fn somebody() -> (String, String) {
    let ran = rehearse(&["shell", "prod/jupyter", "--scenario", "users"]);
    let (_, rest) = ran.err.split_once("prod/jupyter-").unwrap();
    let user: String = rest
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    (format!("prod/jupyter-{user}"), user)
}

#[test]
fn nobody_s_server_is_entered_unasked_and_the_journal_says_who_did() {
    let (pod, user) = somebody();
    let no = rehearse(&[
        "shell",
        &pod,
        "--scenario",
        "users",
        "--command",
        "ls",
        "--answer",
        "shell=no",
    ]);
    assert_eq!(no.exit, 4, "{}", no.whole());
    let place = Place::empty();
    let secret = "echo what-was-shown";
    let line = [
        "rehearse",
        "shell",
        &pod,
        "--scenario",
        "users",
        "--command",
        secret,
        "--yes",
    ];
    let ran = Ran::from(place.command(line).output().unwrap());
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "what-was-shown\n"),
        "{}",
        ran.whole()
    );
    assert!(
        ran.err
            .contains(&format!("in the server of {user} ({pod})?")),
        "{}",
        ran.whole()
    );
    let journal = std::fs::read_to_string(&place.journals()[0]).unwrap();
    let records: Vec<Value> = journal
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        records[0]["operator"].as_str().unwrap().starts_with("ann@"),
        "{}",
        records[0]
    );
    let session = records
        .iter()
        .find(|record| record["call"] == "k8s::shell")
        .unwrap();
    assert_eq!(session["args"][0]["user"], user.as_str());
    assert_eq!(session["args"][0]["namespace"], "prod");
    assert_eq!(session["args"][1]["command"], secret);
    let mut ends = records.iter().filter(|record| record["record"] == "end");
    assert_eq!(ends.next_back().unwrap()["ok"], 0, "{journal}");
    assert_eq!(
        journal.matches("what-was-shown").count(),
        journal.matches(secret).count()
    );
}
