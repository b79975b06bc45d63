//! The kill test: a rehearsal is killed at every point at which anything is put on disk, goes on,
//! and must leave the practice world as if nobody had killed it: nothing missing, nothing doubled.
//!
//! A point is a record of the journal, or a change the world accepted before the run could record
//! it. A plain test samples them; `RUNBOOK_KILLS=all` takes them all and prints how many.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::{Place, Ran, all};
use crate::resume::ledger;

/// Every shipped runbook with flags that make it do all it can.
const RUNS: &[(&str, &str)] = &[
    ("warm_up", "--nodes 2"),
    ("warm_up", "--nodes 4 --scenario three-zones"),
    ("warm_up", "--nodes 2 --scenario cordoned"),
    ("warm_up", "--nodes 2 --scenario autoscaling-off"),
    ("warm_up", "--nodes 2 --fault busy"),
    ("warm_up", "--nodes 2 --fault expired-token"),
    ("logs", "prod/hub --tail 5"),
    ("shell", "prod/hub --command whoami"),
    ("teardown", "--scenario warm"),
    ("teardown", "--now --scenario warm"),
    ("teardown", "--now --to 3 --scenario three-zones"),
    (
        "teardown",
        "--now --evict --answer evict=practice --scenario users",
    ),
    (
        "update_image",
        "--image callysto/2i2c:0.1.5 --scenario warm",
    ),
    ("update_image", "--image callysto/2i2c:0.1.5"),
    ("check_hub", "--scenario warm"),
    ("allow_domain", "--domain new.domain.ca --follow"),
    ("allow_domain", "--domain new.domain.ca --fault edit-raced"),
    ("access", ""),
    ("nodes", "--scenario warm"),
    (
        "pods",
        "--scenario users --services --namespaces --nodes --all",
    ),
];

/// How a plain test chooses its points.
const SEED: u64 = 20_260_115;
const SAMPLES: usize = 4;

/// What is left of a run that nobody disturbed.
#[derive(Debug, PartialEq)]
struct End {
    ledger: Vec<String>,
    pools: Value,
    cordoned: usize,
    /// What the hub's configurator keeps.
    configured: Value,
    /// Users, servers and pods that were made for a while.
    left: Vec<String>,
}

impl End {
    fn of(place: &Place) -> Self {
        let world = &place.beside_journals()[0];
        Self {
            ledger: ledger(world),
            pools: pools(world),
            cordoned: cordoned(world),
            configured: state(world)["hub"]["configurator"]["stored"].clone(),
            left: left(world),
        }
    }
}

fn state(world: &Path) -> Value {
    let text = std::fs::read(world).unwrap();
    let mut world: Value = serde_json::from_slice(&text).unwrap();
    world["state"].take()
}

/// Each pool's limits, and how many machines it has in which stage.
fn pools(world: &Path) -> Value {
    let state = state(world);
    let pools = state["pools"].as_object().unwrap().iter();
    pools
        .map(|(name, pool)| {
            let mut stages: Vec<&Value> = (pool["instances"].as_object().unwrap().values())
                .map(|instance| &instance["stage"])
                .collect();
            stages.sort_by_key(ToString::to_string);
            (name.clone(), json!([pool["autoscaling"], stages]))
        })
        .collect()
}

fn left(world: &Path) -> Vec<String> {
    let state = state(world);
    let users = state["hub"]["accounts"].as_array().unwrap().iter();
    let pods = state["store"]["objects"]["Pod"].as_object().unwrap().keys();
    let ours = |name: &String| name.contains("runbook-pull-") || name.contains("service-2dcheck");
    let users = users.map(ToString::to_string);
    users
        .chain(pods.filter(|name| ours(name)).cloned())
        .collect()
}

fn cordoned(world: &Path) -> usize {
    let state = state(world);
    let nodes = state["store"]["objects"]["Node"]
        .as_object()
        .unwrap()
        .values();
    nodes
        .filter(|node| node["spec"]["unschedulable"] == true)
        .count()
}

fn rehearse(place: &Place, name: &str, flags: &str) -> Ran {
    place.run(&format!(
        "rehearse {name} {flags} --speed max --output plain"
    ))
}

fn resume(place: &Place) -> Ran {
    resume_with(place, "")
}

/// What left no trace was never sent: should it leave one and not be found, it is doubled here.
fn resume_with(place: &Place, flags: &str) -> Ran {
    let answers = "--answer fate=again --answer evict=practice";
    place.run(&format!(
        "resume {flags} {answers} --speed max --output plain"
    ))
}

/// How many points there are: the first that is never reached, less one.
fn points(name: &str, flags: &str) -> usize {
    let alive = |point: usize| {
        let flags = format!("{flags} --fault killed@#{point}");
        rehearse(&Place::empty(), name, &flags).exit >= 0
    };
    let (mut killed, mut alive_at) = (1, 2);
    while !alive(alive_at) {
        (killed, alive_at) = (alive_at, alive_at * 2);
    }
    while killed + 1 < alive_at {
        let middle = usize::midpoint(killed, alive_at);
        if alive(middle) {
            alive_at = middle;
        } else {
            killed = middle;
        }
    }
    killed
}

/// All points, or some of them, always the same.
fn chosen(points: usize) -> Vec<usize> {
    if all("RUNBOOK_KILLS") {
        return (1..=points).collect();
    }
    let mut number = SEED;
    let mut chosen: Vec<usize> = (0..SAMPLES)
        .map(|_| {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            1 + usize::try_from(number >> 33).unwrap() % points
        })
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// Kills it at these points, each time going on, and tears the last record if told to.
#[track_caller]
fn survives(name: &str, flags: &str, expected: &End, kills: &[usize], torn: bool) {
    let place = Place::empty();
    let faults = kills.iter().fold(String::new(), |faults, point| {
        format!("{faults} --fault killed@#{point}")
    });
    let mut ran = rehearse(&place, name, &format!("{flags}{faults}"));
    let context = |ran: &Ran| format!("{name} {flags}{faults}\n{}", ran.whole());
    assert_eq!(ran.exit, -1, "never killed: {}", context(&ran));
    for _ in 0..=kills.len() {
        if torn {
            tear(&place.journals()[0]);
        }
        ran = resume(&place);
        if ran.exit >= 0 {
            break;
        }
    }
    // Killed when everything was done, there is nothing left to go on with.
    let over = ran.exit == 2 && ran.err.contains("there is no unfinished run");
    // Nothing was changed in a session, and it cannot be had twice.
    let over = over || ran.err.contains("was open when the run stopped");
    assert!(ran.exit == 0 || over, "{}", context(&ran));
    assert_eq!(&End::of(&place), expected, "{}", context(&ran));
}

/// As if the machine had died while the record after the last one was being written.
fn tear(journal: &Path) {
    let mut bytes = std::fs::read(journal).unwrap();
    bytes.extend_from_slice(b"{\"sum\":\"0badf00d\",\"at\":\"2026-01");
    std::fs::write(journal, bytes).unwrap();
}

fn undisturbed(name: &str, flags: &str) -> End {
    let place = Place::empty();
    let ran = rehearse(&place, name, flags);
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    End::of(&place)
}

#[test]
fn killed_anywhere_it_goes_on_and_the_world_is_as_if_nobody_had_killed_it() {
    let mut kills = 0;
    for (name, flags) in RUNS {
        let expected = undisturbed(name, flags);
        let points = points(name, flags);
        assert!(points > 3, "{name} {flags}: {points}");
        for point in chosen(points) {
            survives(name, flags, &expected, &[point], point % 3 == 0);
            kills += 1;
        }
    }
    println!(
        "killed and gone on with: {kills} times in {} rehearsals",
        RUNS.len()
    );
}

#[test]
fn killed_again_while_it_goes_on_it_still_does() {
    let (name, flags) = RUNS[0];
    let expected = undisturbed(name, flags);
    let points = points(name, flags);
    for first in chosen(points - 3) {
        survives(
            name,
            flags,
            &expected,
            &[first, first + 1, first + 3],
            false,
        );
    }
}

#[test]
fn given_up_for_good_it_can_be_killed_as_well() {
    let given_up = |kills: &[usize]| {
        let place = Place::empty();
        let faults = kills.iter().fold(String::new(), |faults, point| {
            format!("{faults} --fault killed@#{point}")
        });
        rehearse(
            &place,
            "warm_up",
            &format!("--nodes 2 --fault killed@7m{faults}"),
        );
        let mut ran = resume_with(&place, "--abort");
        let mut killed = 0;
        while ran.exit < 0 {
            killed += 1;
            ran = resume_with(&place, "--abort");
        }
        let over = ran.exit == 2 && ran.err.contains("there is no unfinished run");
        assert!(ran.exit == 0 || over, "{}", ran.whole());
        (End::of(&place), killed)
    };
    let (expected, _) = given_up(&[]);
    assert_eq!(expected.ledger.len(), 4, "{expected:?}");
    // The points after those of the run itself.
    let first = (1..100).find(|point| given_up(&[*point]).1 > 0).unwrap();
    for point in first..first + 12 {
        let (end, killed) = given_up(&[point, point + 2]);
        assert_eq!(end, expected, "killed at {point}, {killed} times");
    }
}

#[test]
fn every_shipped_runbook_is_killed() {
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|e| e == "rhai") {
            let name = path.file_stem().unwrap().to_str().unwrap();
            assert!(RUNS.iter().any(|(run, _)| *run == name), "{name}");
        }
    }
}
