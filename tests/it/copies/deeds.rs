//! What a run did, told the same way wherever it ran: which machines a pool gets is left to chance,
//! and so are moments; all else is kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use runbook::event::{Event, Events, Plan, What};
use runbook::run::{Company, Locking, Opening, Place as Where, Planning, Request, run};
use runbook::world::{Operator, Stop};
use serde_json::{Value, json};

use super::{Run, script};

/// What a run did, and what has come of it.
#[derive(Debug, PartialEq)]
pub(super) struct Deeds {
    pub(super) exit: u8,
    /// The kind and the words of its end.
    error: Option<String>,
    /// The headings it reached.
    steps: Vec<String>,
    changes: Vec<String>,
    /// What the world accepted, by its own ledger.
    pub(super) ledger: Vec<String>,
    /// The pools, the hub's configuration, the pull requests and how many people there are.
    end: Value,
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

/// Runs a runbook there; its state folder is this one, in which stands the practice world, as it was
/// left once `left` has been called.
pub(super) fn deeds(run: &Run, place: Where, state: &Path, left: impl FnOnce()) -> Deeds {
    held(run, place, state, left, None).0
}

/// The same, held to a plan; with the one that it makes itself.
pub(super) fn held(
    (name, params): &Run,
    place: Where,
    state: &Path,
    left: impl FnOnce(),
    plan: Option<Plan>,
) -> (Deeds, Option<Plan>) {
    let script = script(name);
    let given: BTreeMap<String, Value> = params
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    let there = state.join("practice.json").exists();
    let before = there.then(|| ledger(&world(state)).len());
    let request = Request {
        values: script.with_defaults(&given),
        script,
        place,
        state: state.to_owned(),
        operator: "ann@laptop".to_owned(),
        opening: Opening::New,
        locking: Locking::default(),
        planning: Planning {
            hold: plan,
            ..Planning::default()
        },
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
    left();
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
    let deeds = Deeds {
        exit: finished.exit,
        error,
        steps,
        changes: finished.changed.iter().map(change).collect(),
        ledger: ledger(&world).split_off(before.unwrap_or_default()),
        end: end(name, &world),
    };
    (deeds, finished.plan.map(|plan| *plan))
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
    let hub = ["update_image", "check_hub"].contains(&name);
    json!({
        "pools": pools.collect::<serde_json::Map<_, _>>(),
        "cordoned": cordoned.count(),
        "hub": hub.then(|| serde_json::from_str::<Value>(stored).unwrap()),
        "people": state["people"].as_object().unwrap().len(),
    })
}
