//! Ctrl-C and its relatives, sent to the program while it runs.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::program::{Place, Ran};

/// Slow enough that it is far from over when the signal comes.
const PACED: &str = "rehearse warm_up --nodes 2 --speed 60 --output plain";

/// The program, running.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    read: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // A failed test leaves nothing behind.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Running {
    /// Starts it.
    fn start(place: &Place, line: &str) -> Self {
        let mut child = place
            .command(line.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let read = String::new();
        Self { child, out, read }
    }

    /// Starts it and reads until it has said this.
    fn until(place: &Place, line: &str, said: &str) -> Self {
        let mut running = Self::start(place, line);
        while !running.read.contains(said) {
            let read = running.out.read_line(&mut running.read).unwrap();
            assert_ne!(read, 0, "never said: {said}\n{}", running.read);
        }
        running
    }

    fn send(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// What it wrote in all, and how it ended.
    fn end(mut self) -> Ran {
        let mut out = std::mem::take(&mut self.read);
        self.out.read_to_string(&mut out).unwrap();
        let mut err = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut err).unwrap();
        let exit = self.child.wait().unwrap().code().unwrap_or(-1);
        Ran { out, err, exit }
    }

    /// Sends the signal; it has to end soon, with the exit status of an interrupted run.
    #[track_caller]
    #[expect(
        clippy::disallowed_methods,
        reason = "the program has its own time, this has ours"
    )]
    fn interrupted(self, signal: Signal) -> Ran {
        let sent = Instant::now();
        self.send(signal);
        let ran = self.end();
        assert_eq!(ran.exit, 130, "{}", ran.whole());
        assert!(
            sent.elapsed() < Duration::from_secs(5),
            "{:?}",
            sent.elapsed()
        );
        ran
    }
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or("")
}

#[test]
fn a_signal_in_a_wait_ends_it_with_an_account_of_what_was_changed() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = Place::empty();
        let running = Running::until(&place, PACED, "waiting for 2 nodes");
        let ran = running.interrupted(signal);
        let last = last_line(&ran.out);
        for part in [
            "Changed so far, in practice only: ",
            "autoscaler limits: 0..20 nodes -> 2..20 nodes; ",
            "size: 0 nodes -> 2 nodes (in flight, operation-",
        ] {
            assert!(last.contains(part), "{part}\n{}", ran.whole());
        }
        assert!(
            ran.out.contains("warm_up on practice: interrupted after"),
            "{}",
            ran.out
        );
    }
}

#[test]
fn a_signal_before_the_first_change_says_that_nothing_was_changed() {
    let place = Place::empty();
    place.write(
        "runbooks/look.rhai",
        "//! Looks.\nsay(\"looking\");\nk8s::wait_warm(\"nb-user\", 2);\n",
    );
    let line = "rehearse look --speed 60 --output plain";
    let ran = Running::until(&place, line, "waiting for 2 nodes").interrupted(Signal::INT);
    assert!(
        last_line(&ran.out).ends_with("Nothing was changed."),
        "{}",
        ran.whole()
    );
}

#[test]
fn an_endless_loop_is_stopped_and_cannot_catch_it() {
    for endless in [
        "loop {}",
        "try { loop {} } catch { say(\"caught\"); }",
        "loop { try { loop {} } catch { say(\"caught\"); } }",
        "loop { try { k8s::wait_warm(\"nb-user\", 2); } catch { say(\"caught\"); } }",
    ] {
        let place = Place::empty();
        place.write(
            "runbooks/endless.rhai",
            &format!("//! Endless.\nsay(\"begun\");\n{endless}\n"),
        );
        let line = "rehearse endless --speed 60 --output plain";
        let ran = Running::until(&place, line, "begun").interrupted(Signal::INT);
        assert!(!ran.out.contains("caught"), "{endless}: {}", ran.whole());
        assert!(
            last_line(&ran.out).ends_with("Nothing was changed."),
            "{}",
            ran.whole()
        );
    }
}

#[test]
fn the_second_ctrl_c_leaves_at_once() {
    let place = Place::empty();
    let running = Running::until(&place, PACED, "waiting for 2 nodes");
    running.send(Signal::INT);
    let ran = running.interrupted(Signal::INT);
    assert!(!ran.out.contains("done in"), "{}", ran.whole());
}

#[test]
fn the_journal_of_an_interrupted_run_has_its_end() {
    let place = Place::empty();
    Running::until(&place, PACED, "waiting for 2 nodes").interrupted(Signal::INT);
    let text = std::fs::read_to_string(&place.journals()[0]).unwrap();
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<String> = records
        .iter()
        .map(|record| record["record"].to_string())
        .collect();
    println!("{text}\n{kinds:?}");
    let grown = records
        .iter()
        .find(|record| record["call"] == "Pool.grow")
        .unwrap();
    let noted = records
        .iter()
        .find(|record| record["record"] == "note" && record["seq"] == grown["seq"]);
    assert!(
        noted.unwrap()["operation"]
            .as_str()
            .unwrap()
            .starts_with("operation-")
    );
    let [.., begin, end, finish] = records.as_slice() else {
        panic!("{text}");
    };
    assert_eq!(
        (&begin["record"], &begin["call"]),
        (&"begin".into(), &"k8s::wait_warm".into())
    );
    assert_eq!(
        (&end["record"], &end["seq"]),
        (&"end".into(), &begin["seq"])
    );
    assert_eq!(end["error"]["kind"], "interrupted");
    assert_eq!(
        (&finish["record"], &finish["exit"]),
        (&"finish".into(), &130.into())
    );
    assert_eq!(finish["changed"][1]["fate"], "in_flight");
}
