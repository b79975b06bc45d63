//! What it costs to journal one effect, beside the least it can cost: two flushed appends of the
//! same bytes to a plain file on the same disk. Taken in turn, so that both meet the same disk.
//!
//!     cargo bench --bench effects

#![expect(clippy::unwrap_used, reason = "a benchmark that fails says where")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, Instant};

use runbook::journal::{Begin, FORMAT, Header, Journal, Outcome, Scrub};
use runbook::names::{Class, Mode};
use serde_json::json;

const EFFECTS: u64 = 500;

/// The most a journaled effect may cost, in plain appends.
const MOST: f64 = 1.5;

fn header() -> Header {
    Header {
        format: FORMAT,
        run: String::new(),
        program: "bench".to_owned(),
        runbook: "bench".to_owned(),
        source: "bench".to_owned(),
        hash: String::new(),
        libraries: BTreeMap::new(),
        params: BTreeMap::new(),
        target: "bench".to_owned(),
        cluster: "p/l/c".to_owned(),
        mode: Mode::Live,
        timezone: None,
        operator: "bench@here".to_owned(),
        process: 1,
        started: "2026-01-15T13:00:00Z".parse().unwrap(),
        seed: None,
        scenario: None,
        faults: Vec::new(),
    }
}

fn begin() -> Begin {
    Begin {
        at: "2026-01-15T13:00:00Z".parse().unwrap(),
        call: "Pool.grow".to_owned(),
        class: Class::WriteConverge,
        args: vec![
            json!({ "$handle": "Pool", "name": "nb-user", "minimum": 0 }),
            2.into(),
        ],
        place: "runbooks/warm_up.rhai:71:20".to_owned(),
        step: Some("Grow the pool".to_owned()),
    }
}

/// Writes these bytes and waits until they are on disk.
fn append(file: &mut File, bytes: &[u8]) {
    file.write_all(bytes).unwrap();
    file.sync_data().unwrap();
}

fn main() {
    // Beside the build, not in memory: a flush to nothing costs nothing.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let journal = Journal::create(folder.path(), header(), Scrub::new(b"key")).unwrap();
    let outcome = Outcome::Ok(json!({ "$handle": "Operation", "name": "operation-1" }));
    journal.begin(1, begin()).unwrap();
    journal.end(begin().at, outcome.clone()).unwrap();
    let text = std::fs::read_to_string(journal.path()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').skip(1).collect();
    let plain = folder.path().join("plain");
    let mut plain = OpenOptions::new()
        .append(true)
        .create(true)
        .open(plain)
        .unwrap();

    let (mut journaled, mut appended) = (Duration::ZERO, Duration::ZERO);
    for seq in 2..EFFECTS + 2 {
        let began = Instant::now();
        journal.begin(seq, begin()).unwrap();
        journal.end(begin().at, outcome.clone()).unwrap();
        journaled += began.elapsed();
        let began = Instant::now();
        for line in &lines {
            append(&mut plain, line.as_bytes());
        }
        appended += began.elapsed();
    }
    let ratio = journaled.as_secs_f64() / appended.as_secs_f64();
    println!(
        "a journaled effect costs {ratio:.2} times two flushed appends ({EFFECTS} effects, {journaled:.0?} against {appended:.0?})"
    );
    assert!(ratio <= MOST, "more than {MOST} times");
}
