//! Runs as they might be.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, Kind, Place};
use crate::event::{Change, Event, Fate, Finished, Level, Started, What};
use crate::names::{Class, Mode};
use crate::ui::{Options, Output};

pub(in crate::ui) fn options(output: Output) -> Options {
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

pub(super) fn at(seconds: i64, mut what: What) -> Event {
    // Every wait of these runs begins at ten.
    if let What::Progress {
        watched_seconds, ..
    } = &mut what
        && *watched_seconds == 0
    {
        *watched_seconds = u64::try_from(seconds - 10).unwrap_or(0);
    }
    let start: Timestamp = "2026-11-22T13:04:05Z".parse().unwrap();
    Event {
        at: start + SignedDuration::from_secs(seconds),
        what,
    }
}

pub(super) fn started(mode: Mode) -> What {
    What::Started(Started {
        version: 1,
        run: "20261122T130405Z-warm_up".into(),
        timezone: None,
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
        bare: false,
        practised: None,
        seed: mode.is_practice().then_some(7),
        faults: if mode.is_practice() {
            vec!["stockout".into()]
        } else {
            Vec::new()
        },
    })
}

pub(super) fn changes() -> Vec<Change> {
    let change = |what: &str, operation: Option<&str>, fate| Change {
        what: format!("node pool nb-user: {what}"),
        before: "0".into(),
        after: "2".into(),
        call: "Pool.autoscale".into(),
        class: Class::WriteConverge,
        operation: operation.map(str::to_owned),
        fate,
    };
    vec![
        change("autoscaler minimum", Some("operation-1"), Fate::Done),
        change("size", Some("operation-2"), Fate::InFlight),
    ]
}

pub(in crate::ui) fn finished(exit: u8, error: Option<Error>, changed: Vec<Change>) -> What {
    What::Finished(Finished {
        run: "20261122T130405Z-warm_up".into(),
        aborted: false,
        not_done: Vec::new(),
        resume: None,
        runbook: "warm_up".into(),
        target: "callysto".into(),
        mode: Mode::Rehearsal,
        exit,
        took_seconds: 1351,
        changed,
        plan: None,
        next: vec!["runbook run teardown".into()],
        error,
    })
}

pub(super) fn progress(done: u64, phases: &[(&str, crate::event::Phase)]) -> What {
    What::Progress {
        id: 1,
        done,
        of: 2,
        watched_seconds: 0,
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

pub(super) fn run() -> Vec<Event> {
    [preparing(), waiting()].concat()
}

fn preparing() -> Vec<Event> {
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
    ]
}

fn waiting() -> Vec<Event> {
    use crate::event::Phase::{Booting, Pulling, Ready};
    vec![
        at(
            10,
            What::WaitBegan {
                id: 1,
                what: "2 nodes of nb-user ready with the image".into(),
                of: 2,
                usual: Some(crate::event::Usual::estimate(1200, 1500)),
                limit_seconds: 2700,
                watched_seconds: 0,
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

pub(super) fn script_error() -> Error {
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

fn said(level: Level, text: &str) -> What {
    What::Said {
        level,
        text: text.to_owned(),
    }
}
