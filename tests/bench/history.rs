//! What listing 10,000 runs costs, against a plain loop that reads the first and the last line of
//! the same files and understands nothing.
//!
//! `cargo bench --bench history` prints both and their ratio, and fails when it is above 2.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
#![expect(clippy::print_stdout, reason = "it is how a benchmark answers")]
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run should say so"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{Timestamp, ToSpan as _};
use runbook::journal::history::{Filter, list};
use runbook::journal::{Begin, FORMAT, Finish, Header, Journal, Outcome, Scrub};
use runbook::names::{Class, Mode};
use serde_json::{Value, json};

const RUNS: usize = 10_000;

/// The best of so many, taken in turns.
const ROUNDS: usize = 7;

/// Listing may cost so many times what the plain loop does.
const AT_MOST: f64 = 2.0;

/// As much as a plain loop would read at once.
const BLOCK: u64 = 4096;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let first: Timestamp = "2026-01-15T13:00:00Z".parse().unwrap();
    for run in 0..RUNS {
        let minutes = i64::try_from(run).unwrap().minutes();
        record(folder.path(), first + minutes);
    }
    let bytes = (fs::read_dir(folder.path()).unwrap())
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum::<u64>();
    let (mut plain, mut listed) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let (took, lines) = timed(|| plain_loop(folder.path()));
        assert_eq!(lines, 2 * RUNS);
        plain = plain.min(took);
        let (took, entries) = timed(|| list(folder.path(), &Filter::default()).unwrap());
        assert_eq!(entries.len(), RUNS);
        assert!(entries.iter().all(|entry| entry.finish.is_some()));
        listed = listed.min(took);
    }
    let ratio = listed.as_secs_f64() / plain.as_secs_f64();
    println!(
        "history of {RUNS} runs ({} KB each): listed in {:.0} ms; their first and last lines are read in {:.0} ms; ratio {ratio:.2}",
        bytes / 1000 / u64::try_from(RUNS).unwrap(),
        listed.as_secs_f64() * 1000.0,
        plain.as_secs_f64() * 1000.0,
    );
    assert!(ratio <= AT_MOST, "more than {AT_MOST} times");
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let made = work();
    (began.elapsed(), made)
}

/// One run of the size a warm-up has.
fn record(folder: &Path, started: Timestamp) {
    let header = Header {
        format: FORMAT,
        run: String::new(),
        program: "0.1.0".to_owned(),
        runbook: "warm_up".to_owned(),
        source: "runbooks/warm_up.rhai".to_owned(),
        hash: "7d023cc55193".to_owned(),
        libraries: BTreeMap::from([("lib/sizing".to_owned(), "d5c32e797979".to_owned())]),
        params: BTreeMap::from([
            ("nodes".to_owned(), 2.into()),
            ("pool".to_owned(), "nb-user".into()),
            ("max".to_owned(), 20.into()),
            ("users".to_owned(), Value::Null),
        ]),
        target: "callysto".to_owned(),
        cluster: "project/northamerica-northeast1/cluster".to_owned(),
        mode: Mode::Live,
        timezone: Some("America/Edmonton".to_owned()),
        operator: "ann@laptop".to_owned(),
        process: 7,
        started,
        seed: None,
        scenario: None,
        faults: Vec::new(),
    };
    let journal = Journal::create(folder, header, Scrub::new(b"key")).unwrap();
    let begin = Begin {
        at: started,
        call: "k8s::wait_warm".to_owned(),
        class: Class::Wait,
        args: vec![json!("nb-user"), json!(2)],
        place: "runbooks/warm_up.rhai:75:17".to_owned(),
        step: Some("Wait for the nodes".to_owned()),
    };
    journal.begin(1, begin).unwrap();
    // What thirty records of a warm-up weigh, in one that is flushed once.
    let nodes: Vec<Value> = (0..80).map(|node| json!({"node": node, "images": ["callysto/2i2c:0.1.4"], "by": "image puller in prod, staging"})).collect();
    let end = started + 23.minutes();
    journal.end(end, Outcome::Ok(nodes.into())).unwrap();
    let finish = Finish {
        open: false,
        at: end,
        exit: 0,
        error: None,
        took_seconds: 1380,
        changes: 2,
    };
    journal.finish(finish).unwrap();
}

/// Reads the first and the last line of every file; gives how many there were.
fn plain_loop(folder: &Path) -> usize {
    let mut lines = 0;
    for file in fs::read_dir(folder).unwrap() {
        let mut file = File::open(file.unwrap().path()).unwrap();
        let mut head = Vec::new();
        (&mut file).take(BLOCK).read_to_end(&mut head).unwrap();
        let first = head.split(|byte| *byte == b'\n').next();
        let length = file.seek(SeekFrom::End(0)).unwrap();
        let from = length.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(from)).unwrap();
        let mut tail = Vec::new();
        file.read_to_end(&mut tail).unwrap();
        let last = tail.rsplit(|byte| *byte == b'\n').nth(1);
        lines += usize::from(first.is_some_and(|line| !line.is_empty()));
        lines += usize::from(last.is_some_and(|line| !line.is_empty()));
    }
    lines
}
