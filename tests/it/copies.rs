//! A copy is worth believing: every shipped runbook does on a copy of a state what it does there.
//!
//! The state is that of a practice world, looked at through its doors as a target is; then the
//! runbook runs in the copy, and in the very world that was looked at. Which machines a pool gets is
//! left to chance, and so are moments; all else has to be the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use runbook::event::{Event, Events, What};
use runbook::look::{Wanted, look};
use runbook::names::Mode;
use runbook::run::{Company, Locking, Opening, Place as Where, Planning, Request, needs, run};
use runbook::runbook::built_in::BUILT_IN;
use runbook::runbook::library::Library;
use runbook::runbook::script::Script;
use runbook::sim::{Fault, Practice, Setup, Speed};
use runbook::world::{Kept, Operator, Parts, Snapshot, Stop, World};
use serde_json::{Value, json};

use crate::live_doors::Nobody;

/// What a run did, and what has come of it.
#[derive(Debug, PartialEq)]
struct Deeds {
    exit: u8,
    /// The kind and the words of its end.
    error: Option<String>,
    /// The headings it reached.
    steps: Vec<String>,
    changes: Vec<String>,
    /// What the world accepted, by its own ledger.
    ledger: Vec<String>,
    /// The pools, the hub's configuration, the pull requests and how many people there are.
    end: Value,
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
fn looked(practice: &Practice, wanted: &Wanted) -> Snapshot {
    let before = practice.ledger().len();
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
        assert_eq!(practice.ledger().len(), before, "a look changes nothing");
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

fn deeds(name: &str, params: &[(&str, Value)], place: Where, state: &Path) -> Deeds {
    let script = script(name);
    let given: BTreeMap<String, Value> = params
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    let before = match &place {
        Where::Kept(_) if state.join("practice.json").exists() => ledger(&world(state)).len(),
        _ => 0,
    };
    let request = Request {
        values: script.with_defaults(&given),
        script,
        place,
        state: state.to_owned(),
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
    let world = world(state);
    Deeds {
        exit: finished.exit,
        error,
        steps,
        changes: finished.changed.iter().map(change).collect(),
        ledger: ledger(&world).split_off(before),
        end: end(name, &world),
    }
}

/// The practice world as it was last kept: the one that goes on, else the one beside the journal.
fn world(state: &Path) -> Value {
    let runs = state.join("runs");
    let beside = std::fs::read_dir(runs)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    let beside = beside
        .filter(|path| path.to_string_lossy().ends_with(".world.json"))
        .max();
    let file = Some(state.join("practice.json")).filter(|file| file.exists());
    let text = std::fs::read(file.or(beside).unwrap()).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// What a world has accepted; notes with moments in them by their place alone.
fn ledger(world: &Value) -> Vec<String> {
    let all = world["state"]["ledger"].as_array().unwrap().iter();
    let lines = all.map(|one| {
        let (method, what) = (
            one["method"].as_str().unwrap(),
            one["what"].as_str().unwrap(),
        );
        // Git's names for commits hold the moment, and those of pods chance.
        let moments = [
            "configmaps",
            "/git/",
            "/kernels",
            "/pulls",
            "/namespaces/prod/pods",
        ];
        let body = match &one["body"] {
            _ if moments.iter().any(|part| what.contains(part)) => String::new(),
            body => body.to_string(),
        };
        let what = if what.contains("/pods/") {
            what.rsplit_once('/').unwrap().0
        } else {
            what
        };
        plain(&format!("{method} {what} {body}"))
    });
    lines.collect()
}

/// The end state, as far as the runbook reaches it: of nothing else there is a copy.
fn end(name: &str, world: &Value) -> Value {
    let state = &world["state"];
    if name == "allow_domain" {
        let pulls = state["github"]["pulls"].as_array().unwrap().iter();
        let open = pulls.filter(|pull| pull["merged"] == false);
        let pulls = open.map(|pull| json!([pull["title"], pull["label"]]));
        return pulls.collect();
    }
    let pools = state["pools"].as_object().unwrap().iter();
    let pools = pools.map(|(name, pool)| {
        let machines = pool["instances"].as_object().unwrap().len();
        (name.clone(), json!([pool["autoscaling"], machines]))
    });
    let nodes = &state["store"]["objects"]["Node"];
    let nodes = nodes.as_object().unwrap().values();
    let cordoned = nodes.filter(|node| node["spec"]["unschedulable"] == true);
    let stored = state["hub"]["configurator"]["stored"]
        .as_str()
        .unwrap_or("{}");
    let hub = name != "warm_up" && name != "teardown";
    json!({
        "pools": pools.collect::<serde_json::Map<_, _>>(),
        "cordoned": cordoned.count(),
        "hub": hub.then(|| serde_json::from_str::<Value>(stored).unwrap()),
        "people": state["people"].as_object().unwrap().len(),
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
fn compare(
    (name, params): &Run,
    seen: Snapshot,
    there: Where,
    state: &Path,
) -> Result<usize, String> {
    let copy = Where::Copy(Box::new((seen, Setup::default())));
    let folder = tempfile::tempdir().unwrap();
    let on_copy = deeds(name, params, copy, folder.path());
    let there = deeds(name, params, there, state);
    if on_copy == there {
        return Ok(there.ledger.len());
    }
    Err(format!(
        "{name} {params:?}:\n  copy  {on_copy:#?}\n  there {there:#?}"
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
    assert!(
        wrong.is_empty(),
        "{} of {}: {}",
        wrong.len(),
        outcomes.len(),
        wrong[0]
    );
    assert!(mutations > outcomes.len() / 2);
}

#[test]
fn every_runbook_does_on_a_copy_what_it_does_there() {
    let runs: [Run; 8] = [
        ("warm_up", vec![("nodes", 2.into())]),
        ("warm_up", vec![("nodes", 3.into())]),
        ("teardown", vec![]),
        ("update_image", vec![("image", text("callysto/2i2c:0.1.5"))]),
        ("update_image", vec![("image", text("callysto/2i2c:0.1.9"))]),
        ("check_hub", vec![]),
        ("allow_domain", vec![("domain", text("new.domain.ca"))]),
        ("allow_domain", vec![("domain", text("practice.org"))]),
    ];
    let mut outcomes = Vec::new();
    for (scenario, faults) in STATES {
        let setup = setup(scenario, faults);
        for run in &runs {
            let seen = looked(&Practice::fresh(&setup).unwrap(), &wanted(run));
            let state = tempfile::tempdir().unwrap();
            let there = Where::Fresh(setup.clone());
            let outcome = compare(run, seen, there, state.path());
            outcomes.push(outcome.map_err(|wrong| format!("{scenario} {faults:?}: {wrong}")));
        }
    }
    tell(&outcomes);
}

#[test]
fn what_earlier_runs_left_is_copied_too() {
    let image = |tag: &str| vec![("image", text(&format!("callysto/2i2c:{tag}")))];
    let earlier: [Run; 3] = [
        ("warm_up", vec![("nodes", 2.into())]),
        ("update_image", image("0.1.5")),
        (
            "allow_domain",
            vec![("domain", text("new.domain.ca")), ("follow", true.into())],
        ),
    ];
    let kept = tempfile::tempdir().unwrap();
    for (name, params) in &earlier {
        let done = deeds(name, params, Where::Kept(Speed::Max), kept.path());
        assert_eq!(done.exit, 0, "{done:?}");
    }
    let runs: [Run; 6] = [
        ("warm_up", vec![("nodes", 3.into())]),
        ("teardown", vec![]),
        ("update_image", image("0.1.5")),
        ("update_image", image("0.1.4")),
        ("check_hub", vec![]),
        ("allow_domain", vec![("domain", text("new.domain.ca"))]),
    ];
    let world = std::fs::read(kept.path().join("practice.json")).unwrap();
    let mut outcomes = Vec::new();
    for run in &runs {
        let practice = Practice::restore(&world, std::time::Duration::ZERO, Speed::Max).unwrap();
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("practice.json"), &world).unwrap();
        let seen = looked(&practice, &wanted(run));
        outcomes.push(compare(run, seen, Where::Kept(Speed::Max), state.path()));
    }
    tell(&outcomes);
}
