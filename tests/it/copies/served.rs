//! The same over sockets: a dry run on a live target, and then the run itself. The target is a
//! practice world that begins now, served on loopback and paced; the program meets it as it would
//! meet Google, a cluster, a hub, a registry and GitHub.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use jiff::{SignedDuration, Timestamp};
use runbook::event::Events;
use runbook::names::Mode;
use runbook::run::{LivePlace, Place as Where};
use runbook::sim::{Practice, Served, Setup, Speed};
use runbook::world::live::{Environment, GitHubPlace, HubPlace, TokenPlace};
use runbook::world::secret::Secret;
use runbook::world::{Clock, Target};
use serde_json::Value;
use tokio::sync::oneshot;

use super::deeds::held;
use crate::program::all;

use super::{
    Run, STATES, runs, runs_after_work, same, setup, side_by_side, tell, text, within, worked_in,
};

/// How many pairs are compared side by side: they mostly wait.
const BESIDE: usize = 24;
/// So fast that a warm-up takes half a minute, and so slow that what is looked at every few real
/// seconds is seen in time.
const SPEED: Speed = Speed::Times(40);

/// A practice world on loopback, kept in a state folder.
struct Host {
    place: LivePlace,
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Host {
    fn start(practice: Practice, state: &Path) -> Self {
        let file = state.join("practice.json");
        let (told, served) = std::sync::mpsc::channel();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            within(async || {
                let served = practice.serve(0, Events::new(|_| {})).await.unwrap();
                practice.keep(file);
                practice.save().unwrap();
                let target = practice.target(Mode::Live);
                told.send(place(&served, target)).unwrap();
                ended.await.ok();
                practice.save().unwrap();
            });
        });
        Self {
            place: served.recv().unwrap(),
            end,
            thread,
        }
    }

    /// Leaves the world in its file as it is now.
    fn stop(self) {
        self.end.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

/// A live target, at its addresses.
fn place(served: &Served, target: Target) -> LivePlace {
    let at = |address| format!("http://{address}");
    let token = |token| TokenPlace::Given(Secret::new(token));
    LivePlace {
        target: Target {
            name: "live".to_owned(),
            registry_mirror: Some(at(served.registries)),
            ..target
        },
        endpoint: Some(at(served.gke)),
        hub: Some(HubPlace {
            url: at(served.hub),
            token: token(served.hub_token),
        }),
        github: GitHubPlace {
            url: Some(at(served.github)),
            token: token(served.github_token),
        },
        environment: Environment {
            access_token: Some(Secret::new("ya29.practice")),
            resource_manager_endpoint: Some(at(served.iam)),
            ..Environment::default()
        },
        webhook: None,
    }
}

/// The dry run, and then the run, on one world; held to the plan, where that is of one that ends
/// well.
fn pair(run: &Run, practice: &Practice) -> Result<usize, String> {
    let (dry, live) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let before = practice.ledger();
    let host = Host::start(practice.clone(), live.path());
    let place = || Box::new(host.place.clone());
    let (on_copy, plan) = held(run, Where::DryRun(place()), dry.path(), || (), None);
    assert_eq!(practice.ledger(), before, "a dry run changes nothing");
    let target = Where::Live(place());
    let plan = plan.filter(|_| on_copy.exit == 0);
    let (there, _) = held(run, target, live.path(), || host.stop(), plan);
    same(run, &on_copy, &there)
}

/// A world that begins when it is called for.
type World = Box<dyn FnOnce() -> Practice + Send>;

/// Whether it takes so little that every run of the tests can afford it.
fn is_quick(scenario: &str, faults: &[&str], (name, params): &Run) -> bool {
    let waits = *name == "warm_up" || *name == "teardown" && params.is_empty();
    scenario == "warm" && faults.is_empty() && !waits
}

#[test]
fn what_a_dry_run_tells_of_a_target_is_what_the_run_does_there() {
    let all = all("RUNBOOK_SERVED");
    let mut pairs: Vec<(String, Run, World)> = Vec::new();
    for (scenario, faults) in STATES {
        for mut run in runs() {
            if !all && !is_quick(scenario, faults, &run) {
                continue;
            }
            if scenario == "users" && run == ("teardown", vec![]) {
                // Nobody goes: by the wall this would take its two hours.
                run.1.push(("patience", text("20s")));
            }
            let fresh = move || {
                let setup = Setup {
                    begins: Clock::Live.now(),
                    speed: SPEED,
                    ..setup(scenario, faults)
                };
                Practice::fresh(&setup).unwrap()
            };
            pairs.push((format!("{scenario} {faults:?}"), run, Box::new(fresh)));
        }
    }
    if all {
        let began = Clock::Live.now() - SignedDuration::from_hours(6);
        let world = Arc::new(worked_in(began));
        for run in runs_after_work() {
            let world = Arc::clone(&world);
            let restored = move || {
                let kept: Value = serde_json::from_slice(&world).unwrap();
                let at: Timestamp = kept["at"].as_str().unwrap().parse().unwrap();
                let away = Clock::Live.now().duration_since(at);
                Practice::restore(&world, away.try_into().unwrap(), SPEED).unwrap()
            };
            pairs.push(("after work".to_owned(), run, Box::new(restored)));
        }
    }
    tell(&side_by_side(BESIDE, pairs, |(state, run, world)| {
        pair(&run, &world()).map_err(|wrong| format!("{state}: {wrong}"))
    }));
}
