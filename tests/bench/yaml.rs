//! What one edit of a file of 200 lines costs, beside parsing it: by the parser the edit is built on,
//! and by the reader that everything else uses. Taken in turn.
//!
//!     cargo bench --bench yaml

#![expect(clippy::unwrap_used, reason = "a benchmark that fails says where")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use runbook::yaml::{Document, Path};

const ROUNDS: usize = 300;

/// The most an edit may cost, in parses.
const MOST: f64 = 2.0;

/// A hub's configuration with a list of schools in it.
fn file() -> String {
    let mut lines = vec![
        "jupyterhub:".to_owned(),
        "  hub:".to_owned(),
        "    config:".to_owned(),
    ];
    lines.push("      allowed_domains:".to_owned());
    lines.extend((0..120).map(|n| format!("      - school-{n:03}.ab.ca   # school {n}")));
    lines.extend((0..76).map(|n| format!("      setting_{n:02}: \"value {n}\"")));
    lines.join("\n") + "\n"
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let text = file();
    assert_eq!(text.lines().count(), 200);
    let path: Path = "jupyterhub.hub.config.allowed_domains".parse().unwrap();
    let opened = Document::parse(&text).unwrap();
    let (mut parses, mut reads, mut edits) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        parses.push(timed(|| drop(black_box(Document::parse(&text)))));
        reads.push(timed(|| {
            drop(black_box(serde_yaml::from_str::<serde_yaml::Value>(&text)));
        }));
        edits.push(timed(|| {
            drop(black_box(opened.insert(&path, 60, "new.domain.ca")));
        }));
    }
    let (parse, read, edit) = (median(parses), median(reads), median(edits));
    let ratio = |of: Duration| edit.as_secs_f64() / of.as_secs_f64();
    println!(
        "one edit of 200 lines, checked: {edit:?}; {:.2} times parsing it ({parse:?}; at most {MOST}), \
         {:.2} times reading it with serde_yaml ({read:?})",
        ratio(parse),
        ratio(read)
    );
    assert!(ratio(parse) <= MOST, "more than {MOST} times");
}
