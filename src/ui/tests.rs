//! Whole runs, from events to text.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use super::bars::Bars;
use super::live::Window;
use super::writer::Face;
use super::*;
use crate::error::{Error, Kind, Place};
use crate::event::{Change, Event, Finished, Level, Started, What};
use crate::names::{Class, Mode};
use crate::world::operator::{Form, Operator, Question};

fn options(output: Output) -> Options {
    Options {
        output,
        color: false,
        quiet: false,
        verbose: 0,
        width: Some(100),
        terminal: false,
        practice: true,
    }
}

fn at(seconds: i64, what: What) -> Event {
    let start: Timestamp = "2026-11-22T13:04:05Z".parse().unwrap();
    Event {
        at: start + SignedDuration::from_secs(seconds),
        what,
    }
}

fn started(mode: Mode) -> What {
    What::Started(Started {
        version: 1,
        runbook: "warm_up".into(),
        summary: "Warm up the hub before a hackathon.".into(),
        source: "runbooks/warm_up.rhai".into(),
        hash: "3f2a90c11d4e".into(),
        target: "callysto".into(),
        cluster: "callysto-202316/northamerica-northeast1/callysto-cluster".into(),
        mode,
        params: BTreeMap::from([
            ("nodes".into(), 2.into()),
            ("pool".into(), "nb-user".into()),
        ]),
        seed: mode.is_practice().then_some(7),
        faults: if mode.is_practice() {
            vec!["stockout".into()]
        } else {
            Vec::new()
        },
    })
}

fn changes() -> Vec<Change> {
    let change = |what: &str, operation: Option<&str>, complete| Change {
        what: format!("node pool nb-user: {what}"),
        before: "0".into(),
        after: "2".into(),
        call: "Pool.autoscale".into(),
        class: Class::WriteConverge,
        operation: operation.map(str::to_owned),
        complete,
    };
    vec![
        change("autoscaler minimum", Some("operation-1"), true),
        change("size", Some("operation-2"), false),
    ]
}

fn finished(exit: u8, error: Option<Error>, changed: Vec<Change>) -> What {
    What::Finished(Finished {
        runbook: "warm_up".into(),
        target: "callysto".into(),
        mode: Mode::Rehearsal,
        exit,
        took_seconds: 1351,
        changed,
        next: vec!["runbook run teardown".into()],
        error,
    })
}

fn progress(done: u64, phases: &[(&str, crate::event::Phase)]) -> What {
    What::Progress {
        id: 1,
        done,
        of: 2,
        items: phases
            .iter()
            .enumerate()
            .map(|(number, (note, phase))| crate::event::Item {
                name: format!("gke-callysto-cluster-nb-user-3c1f4a2e-node{number}"),
                phase: *phase,
                note: (*note).to_owned(),
            })
            .collect(),
        why: Some("0/2 nodes hold the image".into()),
    }
}

fn run() -> Vec<Event> {
    use crate::event::Phase::{Booting, Pulling, Ready};
    let said = |level, text: &str| What::Said {
        level,
        text: text.into(),
    };
    vec![
        at(0, started(Mode::Rehearsal)),
        at(
            0,
            What::Step {
                title: "Look".into(),
            },
        ),
        at(1, said(Level::Info, "nobody is on it")),
        at(1, said(Level::Warning, "autoscaling was off\nby hand")),
        at(
            2,
            What::Asked {
                key: "raise".into(),
                question: "Raise the floor?".into(),
            },
        ),
        at(
            2,
            What::Answered {
                key: "raise".into(),
                answer: "yes".into(),
                by: "practice".into(),
            },
        ),
        at(3, What::Changed(changes().remove(0))),
        at(
            4,
            What::Request {
                door: "gke".into(),
                method: "GET".into(),
                path: "/v1/x".into(),
                status: Some(200),
                took_ms: 12,
            },
        ),
        at(
            4,
            What::Retrying {
                what: "getCluster".into(),
                why: "503: try later".into(),
                after_seconds: 4,
            },
        ),
        at(
            10,
            What::WaitBegan {
                id: 1,
                what: "2 nodes of nb-user ready with the image".into(),
                of: 2,
                usual_seconds: Some((1200, 1500)),
                limit_seconds: 2700,
            },
        ),
        at(
            20,
            progress(0, &[("booting", Booting), ("booting", Booting)]),
        ),
        at(
            50,
            progress(0, &[("booting", Booting), ("booting", Booting)]),
        ),
        at(
            80,
            progress(0, &[("booting", Booting), ("booting", Booting)]),
        ),
        at(
            442,
            progress(1, &[("ready", Ready), ("pulling 2/3", Pulling)]),
        ),
        at(
            1340,
            What::WaitEnded {
                id: 1,
                what: "2 nodes of nb-user ready with the image".into(),
                ok: true,
                took_seconds: 1330,
            },
        ),
        at(1350, said(Level::Good, "warm")),
        at(1350, said(Level::Next, "log in once")),
        at(1351, finished(0, None, changes())),
    ]
}

fn script_error() -> Error {
    let text: Arc<str> =
        "import \"lib/pools\" as pools;\nlet p = gke::pool(pool);\nlet ü = 1; p.grow(nodes);\n"
            .into();
    let library: Arc<str> = "fn grow(p, n) {\n    p.resize(n)\n}\n".into();
    let place = |file: &str, line, column, label: &str, text: &Arc<str>| Place {
        file: file.into(),
        line,
        column,
        label: label.into(),
        text: Arc::clone(text),
    };
    Error::new(
        Kind::Quota,
        "quota CPUS is used up in northamerica-northeast1: 24 of 24",
    )
    .hint("ask for more at the quota page, or pass --nodes 1")
    .at(place("runbooks/lib/pools.rhai", 2, 7, "here", &library))
    .at(place(
        "runbooks/warm_up.rhai",
        3,
        12,
        "called from here",
        &text,
    ))
}

fn shown(options: Options, events: Vec<Event>) -> Collected {
    let (ui, collected) = Ui::collecting(options);
    let to = ui.events();
    for event in events {
        to.emit(event);
    }
    ui.finish();
    collected
}

#[test]
fn a_log_has_one_line_per_change_and_a_heartbeat() {
    let collected = shown(options(Output::Plain), run());
    assert_eq!(collected.err(), "");
    insta::assert_snapshot!(collected.out(), @"");
}

#[test]
fn quiet_leaves_what_matters() {
    let collected = shown(
        Options {
            quiet: true,
            ..options(Output::Plain)
        },
        run(),
    );
    insta::assert_snapshot!(collected.out(), @"");
}

#[test]
fn json_is_one_event_per_line_and_reads_back() {
    let events = run();
    let collected = shown(
        Options {
            verbose: 1,
            ..options(Output::Json)
        },
        events.clone(),
    );
    let read: Vec<Event> = collected
        .out()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(read, events);
    let silent = shown(options(Output::Json), events.clone());
    assert_eq!(
        silent.out().lines().count(),
        events.len() - 1,
        "requests only with -v"
    );
}

#[test]
fn json_keeps_the_error_for_people_on_standard_error() {
    let collected = shown(
        options(Output::Json),
        vec![at(0, finished(1, Some(script_error()), Vec::new()))],
    );
    assert_eq!(collected.out().lines().count(), 1);
    assert!(
        collected.err().contains("quota CPUS is used up"),
        "{}",
        collected.err()
    );
}

#[test]
fn a_failure_shows_the_script_and_says_what_did_change() {
    let collected = shown(
        options(Output::Bars),
        vec![at(0, finished(1, Some(script_error()), changes()))],
    );
    insta::assert_snapshot!(collected.err(), @"");
}

#[test]
fn an_interrupted_run_ends_with_what_it_has_changed() {
    let stopped = Error::new(Kind::Interrupted, "stopped").hint("go on with `runbook resume`");
    let collected = shown(
        options(Output::Bars),
        vec![at(0, finished(130, Some(stopped.clone()), changes()))],
    );
    insta::assert_snapshot!(collected.err(), @"");
    let collected = shown(
        options(Output::Plain),
        vec![at(0, finished(130, Some(stopped), Vec::new()))],
    );
    let out = collected.out();
    assert_eq!(
        out.lines().last(),
        Some("13:04:05 Nothing was changed. (practice: nothing real was touched)")
    );
}

#[test]
fn a_refusal_by_the_operator_shows_no_script() {
    let place = script_error().at.remove(0);
    let error = Error::new(Kind::Declined, "you said no to: Raise the floor?").at(place);
    insta::assert_snapshot!(render_error(&error, &options(Output::Bars)), @"");
}

#[test]
fn an_error_in_a_file_nobody_kept_still_names_its_place() {
    let mut error = script_error();
    error.at.iter_mut().for_each(|place| place.text = "".into());
    insta::assert_snapshot!(render_error(&error, &options(Output::Bars)), @"");
}

#[test]
fn colour_is_used_only_when_asked_for() {
    let fancy = Options {
        color: true,
        terminal: true,
        ..options(Output::Bars)
    };
    assert!(render_error(&script_error(), &fancy).contains("\x1b["));
    assert!(!render_error(&script_error(), &options(Output::Bars)).contains('\x1b'));
    assert!(!shown(options(Output::Bars), run()).err().contains('\x1b'));
}

#[test]
fn a_place_beyond_the_end_of_its_file_is_no_disaster() {
    let mut error = script_error();
    error.at.iter_mut().for_each(|place| place.line = 99);
    assert!(render_error(&error, &options(Output::Bars)).contains("quota CPUS"));
    error
        .at
        .iter_mut()
        .for_each(|place| (place.line, place.column) = (1, 999));
    assert!(render_error(&error, &options(Output::Bars)).contains("quota CPUS"));
}

#[test]
fn a_secret_is_found_before_wrapping_can_split_it() {
    let secret = "correct horse battery staple";
    let (ui, collected) = Ui::collecting(Options {
        width: Some(40),
        ..options(Output::Bars)
    });
    ui.redactor().add(secret);
    let error = Error::new(
        Kind::Bug,
        format!("the server answered very much at length: {secret}"),
    );
    ui.events()
        .emit(at(0, finished(1, Some(error), Vec::new())));
    ui.finish();
    let err = collected.err();
    assert!(
        err.contains("***") && !err.contains("horse") && !err.contains("battery"),
        "{err}"
    );
}

#[test]
fn log_lines_go_to_standard_error() {
    let (ui, collected) = Ui::collecting(options(Output::Json));
    ui.log().write_all(b"DEBUG connected\n").unwrap();
    ui.finish();
    assert_eq!(
        (collected.out().as_str(), collected.err().as_str()),
        ("", "DEBUG connected\n")
    );
}

/// Just enough of a terminal: lines, cursor up, erase. Wraps at its width.
struct Screen {
    width: usize,
    rows: Vec<String>,
    row: usize,
    column: usize,
}

impl Screen {
    fn read(width: usize, text: &str) -> Self {
        let mut screen = Self {
            width,
            rows: vec![String::new()],
            row: 0,
            column: 0,
        };
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\n' => screen.down(),
                '\r' => screen.column = 0,
                '\x07' => {}
                '\x1b' => screen.escape(&mut rest),
                c => screen.put(c),
            }
        }
        screen
    }

    fn escape(&mut self, rest: &mut std::str::Chars<'_>) {
        if rest.next() == Some(']') {
            rest.find(|c| *c == '\x07');
            return;
        }
        let mut number = String::new();
        for c in rest {
            match c {
                '0'..='9' | ';' => number.push(c),
                'A' => {
                    return self.row = self
                        .row
                        .checked_sub(number.parse().unwrap())
                        .expect("above the top");
                }
                'J' => return self.rows.truncate(self.row + usize::from(self.column > 0)),
                'K' => {
                    let kept: String = self.rows[self.row].chars().take(self.column).collect();
                    return self.rows[self.row] = kept;
                }
                _ => return,
            }
        }
    }

    fn down(&mut self) {
        (self.row, self.column) = (self.row + 1, 0);
        self.grow();
    }

    fn put(&mut self, c: char) {
        if self.column == self.width {
            self.down();
        }
        self.grow();
        let mut row: Vec<char> = self.rows[self.row].chars().collect();
        row.resize(row.len().max(self.column + 1), ' ');
        row[self.column] = c;
        self.rows[self.row] = row.into_iter().collect();
        self.column += 1;
    }

    fn grow(&mut self) {
        let rows = self.rows.len().max(self.row + 1);
        self.rows.resize(rows, String::new());
    }

    fn text(&self) -> String {
        self.rows.join("\n").trim_end().to_owned()
    }
}

/// What a window of this width shows after `upto` events, drawn after each of them.
fn window(width: u16, upto: usize) -> String {
    let (mut streams, collected) = streams::Streams::collecting();
    let mut bars = Bars::new(
        &options(Output::Bars),
        Window::fake(24, width),
        Redactor::default(),
    );
    for event in run().iter().take(upto) {
        bars.show(event, &mut streams);
        bars.idle(false, &mut streams);
    }
    if upto > run().len() {
        bars.clear(&mut streams);
    }
    streams.flush();
    Screen::read(usize::from(width), &collected.err()).text()
}

#[test]
fn a_running_wait_in_a_wide_window() {
    insta::assert_snapshot!(window(100, 14), @"");
}

#[test]
fn a_running_wait_in_a_narrow_window() {
    insta::assert_snapshot!(window(40, 14), @"");
}

#[test]
fn a_running_wait_in_a_very_narrow_window() {
    insta::assert_snapshot!(window(20, 14), @"");
}

#[test]
fn a_finished_run_leaves_only_lines() {
    insta::assert_snapshot!(window(100, 99), @"");
}

#[test]
fn a_long_wait_rings_and_names_the_window() {
    let (mut streams, collected) = streams::Streams::collecting();
    let mut bars = Bars::new(
        &options(Output::Bars),
        Window::fake(24, 100),
        Redactor::default(),
    );
    let ended = |took_seconds| What::WaitEnded {
        id: 1,
        what: "pool".into(),
        ok: true,
        took_seconds,
    };
    bars.show(&at(0, ended(60)), &mut streams);
    streams.flush();
    assert!(!collected.err().contains('\x07'));
    bars.show(&at(0, ended(61)), &mut streams);
    streams.flush();
    assert!(
        collected.err().contains("\x1b]0;✓ : pool\x07\x07"),
        "{:?}",
        collected.err()
    );
}

/// Lets a writer show these, with somebody at the terminal who does this when asked.
fn asked(asker: Asker, after: Vec<What>) -> (Collected, oneshot::Receiver<error::Result<String>>) {
    let (to, from) = mpsc::channel();
    let (streams, collected) = streams::Streams::collecting();
    let writer = Writer::new(
        &options(Output::Plain),
        streams,
        Window::none(),
        to.clone(),
        asker,
    );
    let (reply, answer) = oneshot::channel();
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Text,
    };
    to.send(Message::Ask(question, reply)).unwrap();
    for what in after {
        to.send(Message::Event(Box::new(at(0, what)))).unwrap();
    }
    let thread = std::thread::spawn(move || writer.run(&from));
    to.send(Message::Finish).unwrap();
    thread.join().unwrap();
    (collected, answer)
}

#[test]
fn the_end_of_a_run_does_not_wait_for_an_open_prompt() {
    let never: Asker = |_, _| loop {
        std::thread::park();
    };
    let after = vec![
        What::Step {
            title: "held back".into(),
        },
        finished(130, None, Vec::new()),
    ];
    let (collected, mut answer) = asked(never, after);
    let out = collected.out();
    assert!(
        out.find("held back").unwrap() < out.find("interrupted after").unwrap(),
        "{out}"
    );
    assert!(answer.try_recv().is_err());
}

#[tokio::test]
async fn a_typed_answer_reaches_whoever_asked() {
    let (ui, _collected) = Ui::collecting(Options {
        terminal: true,
        ..options(Output::Plain)
    });
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Confirm,
    };
    let error = ui
        .operator(Flags::default())
        .ask(question)
        .await
        .unwrap_err();
    assert_eq!(
        error.kind,
        Kind::Io,
        "nobody is there: an error, not a hang"
    );
    let (to, from) = mpsc::channel();
    let (streams, _) = streams::Streams::collecting();
    let typist: Asker = |question, _| Ok(format!("{}!", question.text));
    let writer = Writer::new(
        &options(Output::Plain),
        streams,
        Window::none(),
        to.clone(),
        typist,
    );
    std::thread::spawn(move || writer.run(&from));
    let options = Options {
        terminal: true,
        ..options(Output::Plain)
    };
    let person = Person::new(Flags::default(), &options, to.clone());
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Text,
    };
    let answer = person.ask(question).await.unwrap();
    assert_eq!(
        (answer.value.as_str(), answer.by.as_str()),
        ("Raise?!", "terminal")
    );
    to.send(Message::Finish).unwrap();
}

#[tokio::test]
async fn ctrl_c_at_a_prompt_leaves_the_question_open_for_the_stop_to_win() {
    let (to, from) = mpsc::channel();
    let (streams, _) = streams::Streams::collecting();
    let control_c: Asker = |_, _| Err(io::ErrorKind::Interrupted.into());
    let writer = Writer::new(
        &options(Output::Plain),
        streams,
        Window::none(),
        to.clone(),
        control_c,
    );
    let thread = std::thread::spawn(move || writer.run(&from));
    let (reply, mut answer) = oneshot::channel();
    let question = Question {
        key: "raise".into(),
        text: "Raise?".into(),
        form: Form::Text,
    };
    to.send(Message::Ask(question, reply)).unwrap();
    // A second question is put only once the first prompt is closed.
    let (reply, second) = oneshot::channel();
    let question = Question {
        key: "again".into(),
        text: "Again?".into(),
        form: Form::Text,
    };
    to.send(Message::Ask(question, reply)).unwrap();
    to.send(Message::Log("still here".into())).unwrap();
    tokio::task::yield_now().await;
    assert!(matches!(
        answer.try_recv(),
        Err(oneshot::error::TryRecvError::Empty)
    ));
    to.send(Message::Finish).unwrap();
    thread.join().unwrap();
    drop(second);
}
