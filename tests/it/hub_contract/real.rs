//! Real hubs, started for a test and ended with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use runbook::world::live::{Environment, HubPlace, TokenPlace};
use runbook::world::secret::Secret;

use crate::live_doors::{Doors, doors_and_hub};
use crate::program::Beside;

/// A real hub, for as long as this is held.
pub(super) struct Real {
    url: String,
    pub(super) token: String,
    pub(super) narrow: String,
    _beside: Beside,
}

impl Real {
    #[expect(clippy::print_stdout, reason = "a test says what it is about")]
    pub(super) fn start(folder: &Path, version: &str, generation: &str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hub/start.py");
        let proxy = folder.join("proxy/node_modules/.bin/configurable-http-proxy");
        let mut command = Command::new(folder.join(version).join("bin/python"));
        let command = command
            .arg(source)
            .args(["--generation", generation, "--proxy"]);
        let mut beside = Beside::start(command.arg(proxy));
        let said = beside.says();
        let of = |key: &str| said[key].as_str().unwrap().to_owned();
        println!(
            "JupyterHub {} with `{generation}` at {}",
            of("version"),
            of("url")
        );
        Self {
            url: of("url"),
            token: of("token"),
            narrow: of("narrow"),
            _beside: beside,
        }
    }

    /// The live doors to it.
    pub(super) fn doors(&self, token: &str) -> Doors {
        let token = TokenPlace::Given(Secret::new(token));
        let url = self.url.clone();
        let hub = Some(HubPlace { url, token });
        doors_and_hub(String::new(), Environment::default(), None, hub)
    }
}

/// Where real hubs are installed.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests are told by their environment, and say what they skip"
)]
pub(super) fn installed() -> Option<PathBuf> {
    let folder = std::env::var_os("RUNBOOK_REAL_HUB").map(PathBuf::from);
    if folder.is_none() {
        println!(
            "skipped: no real JupyterHub; `bash tests/hub/install.sh FOLDER` installs two, and \
             RUNBOOK_REAL_HUB=FOLDER says where (needs python3, its venv, and npm)"
        );
    }
    folder
}
