//! A copy is worth believing: every shipped runbook does on a copy of a state what it does there.
//!
//! The state is that of a practice world, looked at through its doors as a target is; then the
//! runbook runs in the copy, and in the very world that was looked at. In [`served`] that world is
//! a live target: it is served on loopback.

mod deeds;
mod served;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use runbook::event::Events;
use runbook::look::{Wanted, look};
use runbook::names::Mode;
use runbook::run::{Place as Where, STACK, needs};
use runbook::runbook::built_in::BUILT_IN;
use runbook::runbook::library::Library;
use runbook::runbook::script::Script;
use runbook::sim::{Fault, Practice, Setup, Speed};
use runbook::world::{Kept, Parts, Snapshot, Stop, World};
use serde_json::Value;

use crate::live_doors::Nobody;
use deeds::{Deeds, deeds};

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

/// Does something in a runtime that a practice world can live in.
fn within<T>(work: impl AsyncFnOnce() -> T) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(work())
}

/// A look at a practice world, as at a target.
fn looked(practice: &Practice, wanted: &Wanted) -> Snapshot {
    let before = practice.ledger().len();
    within(async || {
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
        assert_eq!(practice.ledger().len(), before, "a look changes nothing");
        seen
    })
}

/// Starting states, each with what is wrong in it from the beginning.
const STATES: [(&str, &[&str]); 13] = [
    ("quiet", &[]),
    ("warm", &[]),
    ("autoscaling-off", &[]),
    ("users", &[]),
    ("cordoned", &[]),
    ("three-zones", &[]),
    ("configurator-main", &[]),
    ("warm", &["config-double-encoded"]),
    ("warm", &["pr-exists"]),
    ("warm", &["fork-name-taken"]),
    ("warm", &["token-fine-grained"]),
    ("quiet", &["busy"]),
    ("warm", &["hub-down"]),
];

fn text(text: &str) -> Value {
    text.into()
}

type Run = (&'static str, Vec<(&'static str, Value)>);

/// A runbook in the copy and in what was copied.
fn compare(run: &Run, seen: Snapshot, there: Where, state: &Path) -> Result<usize, String> {
    let copy = Where::Copy(Box::new((seen, Setup::default())));
    let folder = tempfile::tempdir().unwrap();
    let on_copy = deeds(run, copy, folder.path(), || ());
    same(run, &on_copy, &deeds(run, there, state, || ()))
}

/// How many mutations there were, when both did the same.
fn same(run: &Run, on_copy: &Deeds, there: &Deeds) -> Result<usize, String> {
    if on_copy == there {
        return Ok(there.ledger.len());
    }
    Err(format!(
        "{run:?}:\n  copy  {on_copy:#?}\n  there {there:#?}"
    ))
}

fn wanted((name, params): &Run) -> Wanted {
    let images = params.iter().filter_map(|(_, value)| value.as_str());
    Wanted {
        needs: needs(&script(name)),
        images: images
            .filter(|text| text.contains(':'))
            .map(str::to_owned)
            .collect(),
    }
}

#[expect(clippy::print_stdout, reason = "the counts are asked for")]
fn tell(outcomes: &[Result<usize, String>]) {
    let wrong: Vec<&String> = outcomes
        .iter()
        .filter_map(|one| one.as_ref().err())
        .collect();
    let mutations: usize = outcomes.iter().flatten().sum();
    println!(
        "{} runs compared with their copies, {mutations} mutations",
        outcomes.len()
    );
    let told: Vec<&str> = wrong.iter().map(|wrong| wrong.as_str()).collect();
    assert!(
        wrong.is_empty(),
        "{} wrong: {}",
        wrong.len(),
        told.join("\n")
    );
    assert!(mutations > outcomes.len() / 2);
}

/// Every shipped runbook but those that hold a session or look at this machine's files: no copy can
/// stand in for either.
fn runs() -> [Run; 12] {
    let yes = || Value::from(true);
    [
        ("warm_up", vec![("nodes", 2.into())]),
        ("warm_up", vec![("nodes", 3.into())]),
        ("teardown", vec![]),
        ("teardown", vec![("now", yes())]),
        ("teardown", vec![("now", yes()), ("evict", yes())]),
        ("update_image", image("0.1.5")),
        ("update_image", image("0.1.9")),
        ("check_hub", vec![]),
        ("allow_domain", vec![("domain", text("new.domain.ca"))]),
        ("allow_domain", vec![("domain", text("practice.org"))]),
        ("nodes", vec![]),
        ("pods", vec![]),
    ]
}

/// Does all of this, so many at a time; what came of each, in their order.
fn side_by_side<T: Send>(
    beside: usize,
    work: Vec<T>,
    each: impl Fn(T) -> Result<usize, String> + Sync,
) -> Vec<Result<usize, String>> {
    let outcomes = Mutex::new(vec![Ok(0); work.len()]);
    let waiting = Mutex::new(work.into_iter().enumerate());
    std::thread::scope(|scope| {
        for _ in 0..beside {
            let worker = || loop {
                let next = waiting.lock().unwrap().next();
                let Some((number, one)) = next else { return };
                let outcome = each(one);
                outcomes.lock().unwrap()[number] = outcome;
            };
            let builder = std::thread::Builder::new().stack_size(STACK);
            builder.spawn_scoped(scope, worker).unwrap();
        }
    });
    outcomes.into_inner().unwrap()
}

#[test]
fn every_runbook_does_on_a_copy_what_it_does_there() {
    let mut pairs = Vec::new();
    for (scenario, faults) in STATES {
        for run in runs() {
            pairs.push((
                format!("{scenario} {faults:?}"),
                run,
                setup(scenario, faults),
            ));
        }
    }
    tell(&side_by_side(2, pairs, |(name, run, setup)| {
        let seen = looked(&Practice::fresh(&setup).unwrap(), &wanted(&run));
        let state = tempfile::tempdir().unwrap();
        let outcome = compare(&run, seen, Where::Fresh(setup), state.path());
        outcome.map_err(|wrong| format!("{name}: {wrong}"))
    }));
}

fn image(tag: &str) -> Vec<(&'static str, Value)> {
    vec![("image", text(&format!("callysto/2i2c:{tag}")))]
}

/// A practice world that began then, after an evening's work: warm, a newer image, a domain merged.
fn worked_in(begins: Timestamp) -> Vec<u8> {
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("practice.json");
    let setup = Setup {
        begins,
        ..Setup::default()
    };
    let practice = Practice::fresh(&setup).unwrap();
    within(async || {
        practice.start(Events::new(|_| {}));
        practice.keep(file.clone());
        practice.save().unwrap();
    });
    let follow = ("follow", true.into());
    let earlier: [Run; 3] = [
        ("warm_up", vec![("nodes", 2.into())]),
        ("update_image", image("0.1.5")),
        (
            "allow_domain",
            vec![("domain", text("new.domain.ca")), follow],
        ),
    ];
    for run in &earlier {
        let done = deeds(run, Where::Kept(Speed::Max), kept.path(), || ());
        assert_eq!(done.exit, 0, "{done:?}");
    }
    std::fs::read(file).unwrap()
}

/// What is done there afterwards.
fn runs_after_work() -> [Run; 6] {
    [
        ("warm_up", vec![("nodes", 3.into())]),
        ("teardown", vec![]),
        ("update_image", image("0.1.5")),
        ("update_image", image("0.1.4")),
        ("check_hub", vec![]),
        ("allow_domain", vec![("domain", text("new.domain.ca"))]),
    ]
}

#[test]
fn what_earlier_runs_left_is_copied_too() {
    let world = worked_in(Setup::default().begins);
    let outcomes = runs_after_work().map(|run| {
        let practice = Practice::restore(&world, Duration::ZERO, Speed::Max).unwrap();
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("practice.json"), &world).unwrap();
        let seen = looked(&practice, &wanted(&run));
        compare(&run, seen, Where::Kept(Speed::Max), state.path())
    });
    tell(&outcomes);
}
