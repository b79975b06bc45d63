//! The program and a GitHub that others have emulated, with branches of one repository: what it
//! has wrong about forks is in no test here.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{CANARY, FILE, add, place};
use crate::cluster::Cluster;
use crate::program::Beside;

/// One emulated GitHub, for as long as this is held.
struct Emulated(Beside);

impl Emulated {
    fn start(folder: &Path) -> (Self, String) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/github/start.mjs");
        let mut command = Command::new(folder.join("node_modules/node/bin/node"));
        let mut beside = Beside::start(command.arg(source).arg(folder).arg(CANARY));
        let url = beside.says().as_str().unwrap().to_owned();
        (Self(beside), url)
    }

    /// What it has at a path.
    fn has(&mut self, path: &str) -> Value {
        self.0.answers(&format!("/repos/ann/r{path}"))
    }
}

/// Where it is installed.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests are told by their environment, and say what they skip"
)]
fn installed() -> Option<PathBuf> {
    let folder = std::env::var_os("RUNBOOK_EMULATED_GITHUB").map(PathBuf::from);
    if folder.is_none() {
        println!(
            "skipped: no emulated GitHub; `bash tests/github/install.sh FOLDER` installs one, and \
             RUNBOOK_EMULATED_GITHUB=FOLDER says where (needs npm)"
        );
    }
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_pull_request_of_one_line_is_opened_and_found_again() {
    let Some(folder) = installed() else {
        return;
    };
    let (mut github, url) = Emulated::start(&folder);
    let cluster = Cluster::warm().await;
    let place = place(&cluster, &url, "ann/r");
    let ran = add(&place, "");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert!(ran.err.contains("Proposed: "), "{}", ran.whole());
    assert!(!ran.raw().contains(CANARY), "{}", ran.whole());

    let pulls = github.has("/pulls?state=open");
    let [pull] = pulls.as_array().unwrap().as_slice() else {
        panic!("{pulls}");
    };
    assert_eq!(pull["head"]["ref"], "allow-domain/new.domain.ca");
    let head = pull["head"]["sha"].as_str().unwrap();
    let compared = github.has(&format!("/compare/main...{head}"));
    let files = compared["files"].as_array().unwrap();
    assert_eq!(files.len(), 1, "{compared}");
    let (file, patch) = (&files[0], files[0]["patch"].as_str().unwrap());
    assert_eq!(
        (&file["additions"], &file["deletions"]),
        (&1.into(), &0.into()),
        "{compared}"
    );
    assert!(patch.contains("\n+    - new.domain.ca\n"), "{patch}");
    let commit = github.has(&format!("/git/commits/{head}"));
    assert_eq!(commit["author"]["name"], "Ann Lee", "{commit}");

    let again = add(&place, "");
    assert_eq!(again.exit, 0, "{}", again.whole());
    assert!(again.err.contains("It was proposed"), "{}", again.whole());
    assert_eq!(github.has("/pulls?state=all").as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_patch_is_of_its_file_and_leaves_nothing_there() {
    let Some(folder) = installed() else {
        return;
    };
    let (mut github, url) = Emulated::start(&folder);
    let cluster = Cluster::warm().await;
    let ran = add(&place(&cluster, &url, "ann/r"), "--print-patch");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    for line in FILE.lines().skip(1) {
        assert!(ran.out.contains(&format!("\n {line}\n")), "{}", ran.whole());
    }
    assert!(
        ran.out.contains("\n+    - new.domain.ca\n"),
        "{}",
        ran.whole()
    );
    assert_eq!(github.has("/pulls?state=all"), Value::Array(Vec::new()));
    assert_eq!(github.has("/branches").as_array().unwrap().len(), 1);
}
