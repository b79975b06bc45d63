//! The house keeps its own rules: arrows between rooms, and one place for each thing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::program::Place;

/// Which rooms each room may use; `names`, `event` and `error` are everybody's.
const ARROWS: &[(&str, &[&str])] = &[
    ("names", &[]),
    ("event", &[]),
    ("error", &[]),
    ("world", &[]),
    ("gke", &["world"]),
    ("k8s", &["world"]),
    ("hub", &["world"]),
    ("registry", &["world"]),
    ("github", &["world"]),
    ("yaml", &[]),
    (
        "doctor",
        &["github", "gke", "hub", "k8s", "registry", "world"],
    ),
    (
        "look",
        &["doctor", "github", "gke", "hub", "k8s", "registry", "world"],
    ),
    ("sim", &["world"]),
    ("config", &[]),
    ("journal", &["world"]),
    ("engine", &["journal", "world"]),
    (
        "api",
        &[
            "engine", "github", "gke", "hub", "k8s", "registry", "world", "yaml",
        ],
    ),
    ("runbook", &["engine"]),
    (
        "run",
        &[
            "api", "doctor", "engine", "journal", "k8s", "look", "runbook", "sim", "world",
        ],
    ),
    ("ui", &["world"]),
    (
        "cli",
        &[
            "api", "config", "doctor", "journal", "look", "run", "runbook", "sim", "ui", "world",
        ],
    ),
];

const SHARED: [&str; 3] = ["names", "event", "error"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with its room.
fn rooms() -> Vec<(String, PathBuf)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&src, &mut found);
    found
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&src).unwrap();
            let first = inside.iter().next().unwrap().to_str().unwrap();
            (first.trim_end_matches(".rs").to_owned(), path)
        })
        .filter(|(room, _)| room != "lib" && room != "main")
        // Tests may set up whatever they need.
        .filter(|(_, path)| {
            !path
                .iter()
                .any(|part| part == "tests" || part == "tests.rs")
        })
        .collect()
}

fn first_word(path: &str) -> &str {
    let path = path.trim_start();
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
    &path[..end.unwrap_or(path.len())]
}

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (room, path) in rooms() {
        let Some(may) = allowed.get(room.as_str()) else {
            wrong.push(format!("{room} is not a listed room"));
            continue;
        };
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let Some(rest) = line.trim().strip_prefix("use crate::") else {
                continue;
            };
            let uses: Vec<&str> = match rest.strip_prefix('{') {
                Some(several) => several.split(',').map(first_word).collect(),
                None => vec![first_word(rest)],
            };
            for used in uses {
                if used != room && !SHARED.contains(&used) && !may.contains(&used) {
                    wrong.push(format!("{}: {room} may not use {used}", path.display()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Commands of the README, without their comments: what stands in its indented blocks.
fn commands() -> Vec<String> {
    let readme = include_str!("../../README.md");
    let blocks = readme.lines().filter_map(|line| line.strip_prefix("    "));
    blocks
        .filter_map(|line| {
            let command = line.split(" #").next()?.trim();
            let ours = command.strip_prefix("cargo run --release -- ");
            ours.or_else(|| command.strip_prefix("runbook "))
                .map(str::to_owned)
        })
        .collect()
}

#[test]
fn every_command_of_the_readme_is_understood() {
    let commands = commands();
    assert!(commands.contains(&"run warm_up --nodes 2".to_owned()));
    for mut command in commands {
        if command == "world serve" {
            // It would go on until it is stopped.
            command.push_str(" --help");
        }
        let ran = Place::empty().run(&command);
        // Understood, even where nothing was run yet that it could be about.
        let nothing = [
            "there is no unfinished run",
            "there is no run",
            // These have a test on a target of their own.
            "a configured target",
            "is no look at a target",
            "is no plan that can be used",
        ];
        let nothing = nothing.iter().any(|nothing| ran.err.contains(nothing));
        assert!(ran.exit != 2 || nothing, "{command}: {}", ran.whole());
    }
}

#[test]
fn the_runbook_of_the_readme_is_sound() {
    let readme = include_str!("../../README.md");
    let start = readme.find("    //!").unwrap();
    let lines: Vec<&str> = readme[start..]
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("    "))
        .map(str::trim_start)
        .collect();
    let place = Place::empty();
    place.write("runbooks/count.rhai", &lines.join("\n"));
    let ran = place.run("rehearse count --loud --scenario warm");
    assert!(ran.out.contains("2 nodes"), "{}", ran.whole());
}

#[test]
fn every_listed_room_is_on_the_map() {
    let map = include_str!("../../src/lib.rs");
    for (room, _) in ARROWS {
        assert!(map.contains(&format!("pub mod {room};")), "{room}");
    }
}
