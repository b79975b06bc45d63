//! Ctrl-C and its relatives, sent to the program while it runs.

use std::sync::{Arc, Mutex, mpsc};

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::canned::{Answer, Recorded, nobody};
use crate::cluster::{Cluster, command, operation};
use crate::program::Place;
use crate::running::{Running, SOON};

/// Slow enough that it is far from over when the signal comes.
const PACED: &str = "rehearse warm_up --nodes 2 --speed 60 --output plain";

const WARM_UP: &str = "run warm_up --nodes 2 --on live --yes";

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

fn records(place: &Place) -> Vec<Value> {
    let text = std::fs::read_to_string(&place.journals()[0]).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The operation that was noted for this call.
fn noted(records: &[Value], call: &str) -> Option<String> {
    let begun = records.iter().find(|record| record["call"] == call)?;
    let mut notes = records.iter().filter(|record| record["note"] == "changed");
    let note = notes.find(|note| note["seq"] == begun["seq"])?;
    note["change"]["operation"].as_str().map(str::to_owned)
}

#[test]
fn the_journal_of_an_interrupted_run_has_its_end() {
    let place = Place::empty();
    Running::until(&place, PACED, "waiting for 2 nodes").interrupted(Signal::INT);
    let records = records(&place);
    assert!(
        noted(&records, "Pool.grow")
            .unwrap()
            .starts_with("operation-")
    );
    let [.., begin, wait, end, finish] = records.as_slice() else {
        panic!("{records:?}");
    };
    let of = |record: &Value| record["record"].as_str().unwrap().to_owned();
    assert_eq!([begin, end, finish].map(of), ["begin", "end", "finish"]);
    assert_eq!(wait["note"], "watched");
    assert_eq!(begin["call"], "k8s::wait_warm");
    assert_eq!(end["seq"], begin["seq"]);
    assert_eq!(end["error"]["kind"], "interrupted");
    assert_eq!(finish["exit"], 130);
    assert_eq!(finish["changes"], 3);
    let mut settled = records.iter().filter(|record| record["note"] == "settled");
    assert_eq!(
        settled.next().unwrap()["operation"],
        noted(&records, "Pool.raise_limits").unwrap()
    );
    assert_eq!(settled.next(), None);
}

/// The first operation, which does not end.
fn running(asked: &Recorded) -> Option<Answer> {
    asked
        .line()
        .ends_with("/operations/operation-1")
        .then(|| operation("operation-1", "UPDATE_CLUSTER", "RUNNING"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_signal_while_a_live_operation_runs_names_it() {
    let cluster = Cluster::where_gke(running).await;
    let place = cluster.place("");
    let ran = Running::start(command(&place, WARM_UP))
        .reading("operation-1")
        .interrupted(Signal::INT);
    assert!(
        last_line(&ran.out).ends_with(
            "node pool nb-user: autoscaler limits: 0..20 nodes -> 2..20 nodes \
             (in flight, operation-1)."
        ),
        "{}",
        ran.whole()
    );
}

/// A live run whose first change was sent and not answered yet.
async fn sending(released: &Arc<Notify>) -> (Cluster, Place, Running) {
    let (tell, told) = mpsc::channel();
    let (tell, released) = (Mutex::new(tell), Arc::clone(released));
    let cluster = Cluster::where_gke(move |asked| {
        if !asked.line().ends_with(":setAutoscaling") {
            return running(asked);
        }
        tell.lock().unwrap().send(()).unwrap();
        let answer = json!({ "name": "operation-1", "status": "RUNNING" });
        Some(Answer::held_until(Arc::clone(&released), &answer))
    })
    .await;
    let place = cluster.place("");
    let running = Running::start(command(&place, WARM_UP));
    told.recv_timeout(SOON).unwrap();
    (cluster, place, running)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_change_on_its_way_is_noted_before_the_run_stops() {
    let released = Arc::new(Notify::new());
    let (cluster, place, mut running) = sending(&released).await;
    running.send(Signal::INT);
    running.goes_on();
    released.notify_one();
    let ran = running.end();
    assert_eq!(ran.exit, 130, "{}", ran.whole());
    assert!(
        last_line(&ran.out).contains("(in flight, operation-1)"),
        "{}",
        ran.whole()
    );
    let records = records(&place);
    assert_eq!(
        noted(&records, "Pool.raise_limits").as_deref(),
        Some("operation-1")
    );
    assert_eq!(cluster.changes().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_second_ctrl_c_leaves_at_once_whatever_is_on_its_way() {
    let (_cluster, place, mut running) = sending(&Arc::default()).await;
    running.send(Signal::INT);
    running.goes_on();
    running.interrupted(Signal::INT);
    let last = records(&place).pop().unwrap();
    assert_eq!(
        (&last["record"], &last["call"]),
        (&"begin".into(), &"Pool.raise_limits".into())
    );
}

#[test]
fn an_unreachable_gke_is_said_while_it_is_tried_again() {
    let (_socket, address) = nobody();
    let place = Place::empty();
    place.configure(
        &format!("[target.live]\nproject = \"p\"\nlocation = \"l\"\ncluster = \"c\"\nendpoint = \"http://{address}\"\n"),
    );
    let ran = Running::start(command(&place, WARM_UP))
        .reading("again in 1 s: read the lock (cannot look up cluster p/l/c")
        .interrupted(Signal::INT);
    assert!(
        ran.out.contains("Connection refused") && !ran.out.contains(&address),
        "{}",
        ran.out
    );
    assert!(
        last_line(&ran.out).ends_with("Nothing was changed."),
        "{}",
        ran.whole()
    );
}
