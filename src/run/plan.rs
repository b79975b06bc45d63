//! From a dry run's journal to a plan; and a plan held against the run it was made for.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use futures::future::LocalBoxFuture;
use serde_json::Value;
use similar::TextDiff;

use super::Request;
use super::opening::given;
use crate::api;
use crate::error::{Error, Kind, Result};
use crate::event::{Change, Finished, Level, PLAN, People, Plan, Planned, Usual, Verdict, What};
use crate::journal::{self, Journal, Step, Story};
use crate::sim::Practice;
use crate::world::{Guard, Snapshot, World, unplanned};

/// Texts longer than this are told by their digest.
const LONG: usize = 160;

/// What a plan is made from.
pub(super) struct Made<'a> {
    pub(super) request: &'a Request,
    pub(super) world: &'a World,
    pub(super) copy: &'a Practice,
    pub(super) story: &'a Story,
    pub(super) answers: Vec<String>,
}

impl Made<'_> {
    /// Makes the plan a part of the account, and keeps it where it was asked for.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn add_to(self, finished: &mut Finished) -> Result<()> {
        let save = self.request.planning.save.as_ref();
        let plan = self.plan(finished.error.as_ref(), finished.took_seconds);
        if let Some(file) = save {
            self::save(&plan, file)?;
        }
        finished.exit = finished.error.as_ref().map_or(0, exit);
        finished.plan = Some(Box::new(plan));
        Ok(())
    }

    fn plan(self, error: Option<&Error>, took: u64) -> Plan {
        let (target, copied) = (self.world.target(), self.copy.copied());
        let source = self.request.script.source();
        let began = self.story.steps.first().map(|step| step.begin.at);
        let steps = self
            .story
            .steps
            .iter()
            .filter(|step| step.begin.class.writes());
        let steps: Vec<Planned> = steps
            .map(|step| {
                let after = began.map(|began| step.begin.at.duration_since(began).as_secs());
                planned(step, after.unwrap_or(0).try_into().unwrap_or(0))
            })
            .collect();
        let folder = journal::folder(&self.request.state);
        let learned = journal::usual_run(&folder, self.request.script.name(), &target.name);
        Plan {
            version: PLAN,
            runbook: self.request.script.name().to_owned(),
            hash: source.hash.clone(),
            target: target.name.clone(),
            cluster: target.cluster.to_string(),
            taken: copied.taken,
            params: given(self.request),
            verdict: verdict(error, &self.answers),
            people: People {
                there: copied.people,
                affected: copied.affected,
            },
            expected: learned.unwrap_or(Usual::estimate(took, took)),
            cost: target
                .price
                .as_ref()
                .filter(|_| copied.more_nodes > 0)
                .map(|price| {
                    let hour = std::time::Duration::from_hours(1);
                    let (nodes, each) = (copied.more_nodes, price.of(copied.more_nodes, hour));
                    let plural = if nodes == 1 { "node" } else { "nodes" };
                    format!("{each} an hour, for {nodes} more {plural}")
                }),
            unknown: copied.unknown.into_iter().chain(untold(&steps)).collect(),
            steps,
            answers: self.answers,
            facts: copied.facts,
        }
    }
}

/// What no copy can tell of these steps.
fn untold(steps: &[Planned]) -> impl Iterator<Item = String> {
    let grows =
        "whether the zone has the machines and the quota suffices: GKE tells when it is asked";
    let serves = "whether a server starts and a person can work in it: the copy's always can";
    let untold = [("Pool.grow", grows), ("hub::check_server", serves)];
    let of = |call: &str| {
        steps
            .iter()
            .any(|step| step.call == call && !step.changes.is_empty())
    };
    let untold = untold.map(|(call, what)| of(call).then(|| what.to_owned()));
    untold.into_iter().flatten()
}

fn verdict(error: Option<&Error>, answers: &[String]) -> Verdict {
    match error.map(|error| error.kind) {
        None if answers.is_empty() => Verdict::WouldSucceed,
        None | Some(Kind::NeedsAnswer) => Verdict::NeedsAnswers,
        Some(Kind::Refused | Kind::Declined) => Verdict::WouldBeRefused,
        Some(Kind::Interrupted | Kind::Beyond) => Verdict::Unknown,
        Some(_) => Verdict::WouldFail,
    }
}

/// The exit status of a dry run: would succeed, would fail, would be refused.
fn exit(error: &Error) -> u8 {
    match error.kind {
        Kind::Refused | Kind::NeedsAnswer | Kind::Interrupted | Kind::Usage => error.exit_code(),
        Kind::Declined => Kind::Refused.exit_code(),
        _ => 1,
    }
}

fn planned(step: &Step, after_seconds: u64) -> Planned {
    let begin = &step.begin;
    Planned {
        call: begin.call.clone(),
        args: brief(&begin.args),
        step: begin.step.clone(),
        place: begin.place.clone(),
        after_seconds,
        changes: step.changes().cloned().collect(),
        back: api::back(&begin.call).map(str::to_owned),
        diff: diff(&begin.args),
    }
}

/// What becomes of a file that is an argument, and whose new text is the next one.
fn diff(args: &[Value]) -> Option<String> {
    let [file, text, ..] = args else {
        return None;
    };
    let (old, new) = (file.get("text")?.as_str()?, text.as_str()?);
    let path = file.get("path")?.as_str()?;
    let diff = TextDiff::from_lines(old, new);
    let (before, after) = (format!("a/{path}"), format!("b/{path}"));
    let diff = diff.unified_diff().header(&before, &after).to_string();
    Some(diff)
}

/// Arguments as a plan keeps them.
fn brief(args: &[Value]) -> Vec<Value> {
    args.iter().map(shortened).collect()
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONG => journal::digest(value).into(),
        // What else a handle tells changes from moment to moment.
        Value::Object(fields) if fields.contains_key("$handle") => {
            let of = |key: &str| fields.get(key).and_then(Value::as_str);
            let name = of("name").or_else(|| of("path")).unwrap_or_default();
            format!("{} {name}", of("$handle").unwrap_or_default()).into()
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            Value::Object(
                fields
                    .map(|(key, value)| (key.clone(), shortened(value)))
                    .collect(),
            )
        }
        Value::Array(all) => all.iter().map(shortened).collect(),
        other => other.clone(),
    }
}

/// Reads a plan.
///
/// # Errors
/// When it is none, or was made by another version.
pub fn read(file: &Path) -> Result<Plan> {
    let shown = file.display();
    let wrong = |why: String| {
        Error::new(
            Kind::Usage,
            format!("{shown} is no plan that can be used: {why}"),
        )
        .hint("make one: `runbook run NAME --on TARGET --dry-run --save FILE`")
    };
    let text = std::fs::read(file).map_err(|why| wrong(why.to_string()))?;
    let plan: Plan = serde_json::from_slice(&text).map_err(|why| wrong(why.to_string()))?;
    if plan.version != PLAN {
        return Err(wrong(format!("it is of version {}", plan.version)));
    }
    Ok(plan)
}

/// The guard, made to let nothing pass that is not in the plan the run is held to. The plan is kept
/// beside the journal: a run that goes on is still held to it.
///
/// # Errors
/// When the plan cannot be kept, or read again.
pub(super) fn held(
    request: &Request,
    journal: &Journal,
    guard: Rc<dyn Guard>,
) -> Result<Rc<dyn Guard>> {
    let kept = journal.path().with_extension("plan.json");
    let Some(earlier) = request.opening.earlier() else {
        let Some(plan) = &request.planning.hold else {
            return Ok(guard);
        };
        save(plan, &kept)?;
        return Ok(Rc::new(Held::new(plan.clone(), 0, guard)));
    };
    if !kept.exists() {
        return Ok(guard);
    }
    let done = earlier.story.steps.iter();
    let done = done
        .filter(|step| step.begin.class.writes() && step.end.is_some())
        .count();
    Ok(Rc::new(Held::new(read(&kept)?, done, guard)))
}

/// Says what is different from what the plan was made on.
pub(super) fn compare(request: &Request, world: &World, seen: Option<&Snapshot>) {
    let (Some(plan), Some(seen)) = (&request.planning.hold, seen) else {
        return;
    };
    for line in drift(plan, &seen.facts()) {
        world.emit(What::Said {
            level: Level::Warning,
            text: format!("Since the plan: {line}"),
        });
    }
}

/// Whether the plan a run is held to is one of this very run.
///
/// # Errors
/// Kind `refused`, with what differs.
pub(super) fn fits(request: &Request, world: &World) -> Result<()> {
    let Some(plan) = &request.planning.hold else {
        return Ok(());
    };
    let source = request.script.source();
    let (target, name) = (world.target(), request.script.name());
    let differs = |what: &str, planned: &str, now: &str| {
        let fact =
            format!("the plan is of another run: its {what} is {planned}, and this is {now}");
        Err(Error::new(Kind::Refused, fact).hint("make a new plan with --dry-run --save"))
    };
    if plan.runbook != name {
        return differs("runbook", &plan.runbook, name);
    }
    if plan.hash != source.hash {
        return differs("version", &plan.hash, &source.hash);
    }
    if plan.cluster != target.cluster.to_string() {
        return differs("cluster", &plan.cluster, &target.cluster.to_string());
    }
    let params = given(request);
    if plan.params != params {
        let show = |params| serde_json::to_string(params).unwrap_or_default();
        return differs("parameters", &show(&plan.params), &show(&params));
    }
    if plan.verdict != Verdict::WouldSucceed && plan.verdict != Verdict::NeedsAnswers {
        let fact = "the plan is of a run that would not have ended well";
        return Err(Error::new(Kind::Refused, fact).hint("make a new plan with --dry-run --save"));
    }
    Ok(())
}

/// What is different from what the plan was made on, in words.
fn drift(plan: &Plan, now: &BTreeMap<String, String>) -> Vec<String> {
    let keys: BTreeSet<&String> = plan.facts.keys().chain(now.keys()).collect();
    let told = keys.into_iter().filter_map(|key| {
        let gone = || "none".to_owned();
        let (before, after) = (plan.facts.get(key), now.get(key));
        let [before, after] = [before, after].map(|one| one.cloned().unwrap_or_else(gone));
        (before != after).then(|| format!("{key}: {before} when it was planned, {after} now"))
    });
    told.collect()
}

/// Lets a run change what its plan says, in that order, and nothing else.
struct Held {
    plan: Plan,
    next: Cell<usize>,
    inner: Rc<dyn Guard>,
}

impl Held {
    /// From the plan's first step on, or after those that earlier sessions have done.
    fn new(plan: Plan, done: usize, inner: Rc<dyn Guard>) -> Self {
        let next = Cell::new(done);
        Self { plan, next, inner }
    }

    /// Whether there is anything yet that could be taken back.
    fn has_begun(&self) -> bool {
        self.next.get() > 0
    }
}

impl Guard for Held {
    fn before_write<'a>(&'a self, world: &'a World) -> LocalBoxFuture<'a, Result<()>> {
        self.inner.before_write(world)
    }

    fn next_write(&self, call: &str, args: &[Value]) -> Result<Option<Vec<Change>>> {
        let (at, args) = (self.next.get(), brief(args));
        let planned = self.plan.steps.get(at);
        if let Some(planned) = planned.filter(|planned| planned.same_as(call, &args)) {
            self.next.set(at + 1);
            self.inner.next_write(call, &args)?;
            return Ok(Some(planned.changes.clone()));
        }
        // What takes back what the run has done is let pass, change by change.
        if api::takes_back(call) && self.has_begun() {
            self.inner.next_write(call, &args)?;
            return Ok(Some(Vec::new()));
        }
        let show = |call: &str, args: &[Value]| {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            format!("{call}({})", args.join(", "))
        };
        let planned = planned.map_or_else(
            || "nothing more".to_owned(),
            |planned| show(&planned.call, &planned.args),
        );
        let planned = format!("step {} of the plan is {planned}", at + 1);
        Err(unplanned(&planned, &show(call, &args)))
    }
}

/// Writes a plan.
///
/// # Errors
/// When the file cannot be written.
fn save(plan: &Plan, file: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(plan);
    let text = text.map_err(|why| Error::new(Kind::Bug, why.to_string()))?;
    std::fs::write(file, text + "\n").map_err(|why| {
        let fact = format!("the plan cannot be written to {}: {why}", file.display());
        Error::new(Kind::Io, fact).hint("name another file with --save")
    })
}
