//! A copy is worth believing: every shipped runbook does on a copy of a state what it does there.
//!
//! The state is that of a practice world, looked at through its doors as a target is; then the
//! runbook runs in the copy, and in the very world that was looked at. Which machines a pool gets is
//! left to chance, and so are moments; all else has to be the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use runbook::event::{Event, Events, What};
use runbook::look::{Wanted, look};
use runbook::names::Mode;
use runbook::run::{Company, Locking, Opening, Place as Where, Planning, Request, needs, run};
use runbook::runbook::built_in::BUILT_IN;
use runbook::runbook::library::Library;
use runbook::runbook::script::Script;
use runbook::sim::{Fault, Practice, Setup};
use runbook::world::{Kept, Operator, Parts, Snapshot, Stop, World};
use serde_json::Value;

use crate::live_doors::Nobody;

/// What a run did.
#[derive(Debug, PartialEq)]
struct Deeds {
    exit: u8,
    /// The kind and the words of its end.
    error: Option<String>,
    /// The headings it reached.
    steps: Vec<String>,
    changes: Vec<String>,
}

fn setup(scenario: &str, faults: &[&str]) -> Setup {
    Setup {
        scenario: scenario.to_owned(),
        faults: faults.iter().map(|f| Fault::parse(f).unwrap()).collect(),
        ..Setup::default()
    }
}

fn script(name: &str) -> Script {
    let library = Library {
        folders: Vec::new(),
        built_in: BUILT_IN,
    };
    Script::read(library.find(name).unwrap()).unwrap()
}

/// A look at a practice world, as at a target.
fn looked(setup: &Setup, wanted: &Wanted) -> Snapshot {
    let practice = Practice::fresh(setup).unwrap();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        practice.start(Events::new(|_| {}));
        let doors = Arc::new(Kept::new(Arc::new(practice.clone())));
        let world = World::new(Parts {
            target: practice.target(Mode::Rehearsal),
            clock: practice.clock(),
            doors: Arc::<Kept>::clone(&doors),
            operator: Arc::new(Nobody),
            who: "ann@laptop".to_owned(),
            events: Events::new(|_| {}),
            notes: Arc::new(Nobody),
            stop: Stop::default(),
        });
        let mut seen = look(&world, wanted).await.unwrap();
        seen.web = doors.exchanges();
        assert!(practice.ledger().is_empty(), "a look changes nothing");
        seen
    })
}

/// Says yes to everything, and types what is wanted.
struct Yes;

impl Operator for Yes {
    fn ask(
        &self,
        question: runbook::world::Question,
    ) -> futures::future::BoxFuture<'_, runbook::error::Result<runbook::world::operator::Answer>>
    {
        use runbook::world::operator::{Answer, Form};
        let value = match question.form {
            Form::Confirm => "yes".to_owned(),
            Form::Type(text) => text,
            Form::Text => "callysto/2i2c:0.1.5".to_owned(),
            Form::Choose(all) => all[0].clone(),
        };
        let by = "--yes".to_owned();
        Box::pin(async { Ok(Answer { value, by }) })
    }
}

/// Names that chance has made, as one.
fn plain(text: &str) -> String {
    let words = text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let word = |word: &str| {
        let (name, rest) = word.split_at(
            word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
                .len(),
        );
        let shown = match name {
            node if node.starts_with("gke-") && node.matches('-').count() >= 5 => {
                format!("{}-NODE", node.rsplit_once('-').unwrap().0)
            }
            operation if operation.starts_with("operation-") => "OPERATION".to_owned(),
            number if number.chars().all(|c| c.is_ascii_digit()) && !number.is_empty() => {
                number.to_owned()
            }
            other => other.to_owned(),
        };
        shown + rest
    };
    words.map(word).collect()
}

fn deeds(name: &str, params: &[(&str, Value)], place: Where) -> Deeds {
    let script = script(name);
    let given: BTreeMap<String, Value> = params
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    let state = tempfile::tempdir().unwrap();
    let request = Request {
        values: script.with_defaults(&given),
        script,
        place,
        state: state.path().to_owned(),
        operator: "ann@laptop".to_owned(),
        opening: Opening::New,
        locking: Locking::default(),
        planning: Planning::default(),
    };
    let steps = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&steps);
    let company = Company {
        events: Events::new(move |event: Event| {
            if let What::Step { title } = event.what {
                heard.lock().unwrap().push(title);
            }
        }),
        operator: Arc::new(Yes),
        stop: Stop::default(),
        on_secret: Arc::new(|_| {}),
    };
    let finished = run(&request, &company).unwrap();
    let change = |change: &runbook::event::Change| {
        plain(&format!(
            "{}: {} -> {} ({:?})",
            change.what, change.before, change.after, change.fate
        ))
    };
    let error = finished
        .error
        .map(|error| plain(&format!("{}: {}", error.kind.word(), error.message)));
    let steps = std::mem::take(&mut *steps.lock().unwrap());
    Deeds {
        exit: finished.exit,
        error,
        steps,
        changes: finished.changed.iter().map(change).collect(),
    }
}

/// Starting states, each with what is wrong in it from the beginning.
const STATES: [(&str, &[&str]); 9] = [
    ("quiet", &[]),
    ("warm", &[]),
    ("autoscaling-off", &[]),
    ("users", &[]),
    ("cordoned", &[]),
    ("three-zones", &[]),
    ("configurator-main", &[]),
    ("warm", &["config-double-encoded"]),
    ("warm", &["pr-exists"]),
];

fn text(text: &str) -> Value {
    text.into()
}

#[test]
fn every_runbook_does_on_a_copy_what_it_does_there() {
    let runs: [(&str, Vec<(&str, Value)>); 8] = [
        ("warm_up", vec![("nodes", 2.into())]),
        ("warm_up", vec![("nodes", 3.into())]),
        ("teardown", vec![]),
        ("update_image", vec![("image", text("callysto/2i2c:0.1.5"))]),
        ("update_image", vec![("image", text("callysto/2i2c:0.1.9"))]),
        ("check_hub", vec![]),
        ("allow_domain", vec![("domain", text("new.domain.ca"))]),
        ("allow_domain", vec![("domain", text("practice.org"))]),
    ];
    let (mut compared, mut changes) = (0, 0);
    let mut wrong = Vec::new();
    for (scenario, faults) in STATES {
        let setup = setup(scenario, faults);
        for (name, params) in &runs {
            let images = params.iter().filter_map(|(_, value)| value.as_str());
            let wanted = Wanted {
                needs: needs(&script(name)),
                images: images
                    .filter(|text| text.contains(':'))
                    .map(str::to_owned)
                    .collect(),
            };
            let seen = looked(&setup, &wanted);
            let copy = Where::Copy(Box::new((seen, Setup::default())));
            let (on_copy, there) = (
                deeds(name, params, copy),
                deeds(name, params, Where::Fresh(setup.clone())),
            );
            compared += 1;
            changes += there.changes.len();
            if on_copy != there {
                wrong.push(format!("{name} {params:?} in {scenario} {faults:?}:\n  copy  {on_copy:#?}\n  there {there:#?}"));
            }
        }
    }
    println!("{compared} runs compared, {changes} changes");
    assert!(
        wrong.is_empty(),
        "{} of {compared}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
