//! How many whole rehearsals of `warm_up` one core does in a minute, in one process, journal and
//! all, with nobody watching.
//!
//! `cargo bench` prints the figure; nothing is asserted.
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
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use runbook::error;
use runbook::event::Events;
use runbook::names::Mode;
use runbook::run::{self, Company, Locking, Opening, Place, Request};
use runbook::runbook::built_in::BUILT_IN;
use runbook::runbook::library::Library;
use runbook::runbook::script::Script;
use runbook::sim;
use runbook::world::operator::{Answer, Question};
use runbook::world::{Operator, Stop};

/// Says yes to everything; nobody looks at the screen.
struct Yes;

impl Operator for Yes {
    fn ask(&self, _: Question) -> BoxFuture<'_, error::Result<Answer>> {
        Box::pin(async {
            Ok(Answer {
                value: "yes".to_owned(),
                by: "bench".to_owned(),
            })
        })
    }
}

const LONG_ENOUGH: Duration = Duration::from_secs(10);

fn main() {
    let bench = std::thread::Builder::new()
        .stack_size(run::STACK)
        .spawn(measure);
    bench.unwrap().join().unwrap();
}

fn measure() {
    let state = tempfile::tempdir().unwrap();
    let library = Library {
        folders: Vec::new(),
        built_in: BUILT_IN,
    };
    let began = Instant::now();
    let mut rehearsals = 0_u32;
    let mut seconds = 0;
    while began.elapsed() < LONG_ENOUGH {
        rehearsals += 1;
        let script = Script::read(library.find("warm_up").unwrap()).unwrap();
        let given = BTreeMap::from([("nodes".to_owned(), 2.into())]);
        let request = Request {
            planning: runbook::run::Planning::default(),
            values: script.with_defaults(&given),
            script,
            place: Place::Fresh(sim::Setup {
                seed: rehearsals.into(),
                ..sim::Setup::default()
            }),
            state: state.path().to_owned(),
            operator: "bench@here".to_owned(),
            opening: Opening::New,
            locking: Locking::default(),
        };
        let company = Company {
            events: Events::new(|_| {}),
            operator: Arc::new(Yes),
            stop: Stop::default(),
            on_secret: Arc::new(|_| {}),
        };
        let finished = run::run(&request, &company).unwrap();
        assert_eq!((finished.exit, finished.mode), (0, Mode::Rehearsal));
        seconds += finished.took_seconds;
    }
    let took = began.elapsed();
    let each = took / rehearsals;
    let a_minute = Duration::from_mins(1).as_secs_f64() / each.as_secs_f64();
    let hours = seconds / 3600;
    println!(
        "rehearsals of warm_up: {a_minute:.0} a minute, {:.2} ms each, journal and all ({rehearsals} done, {hours} virtual hours)",
        each.as_secs_f64() * 1000.0
    );
}
