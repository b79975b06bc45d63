//! Everything the program learns from its surroundings, read once.

use std::env;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::world::live;
use crate::world::secret::Secret;

/// What the process was started with.
pub(super) struct Environment {
    /// The working directory.
    pub(super) folder: PathBuf,
    /// Where journals and the practice world are kept.
    pub(super) state: Option<PathBuf>,
    /// The user's configuration directory for this program.
    pub(super) config: Option<PathBuf>,
    /// Standard error is a terminal.
    pub(super) screen: bool,
    /// Standard input is a terminal.
    pub(super) keyboard: bool,
    /// `NO_COLOR` is set, or the terminal can do nothing.
    pub(super) no_color: bool,
    /// Who this is, and on which machine: `ann@laptop`.
    pub(super) who: String,
    /// Where credentials may be found.
    pub(super) google: live::Environment,
    /// `CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER`.
    pub(super) endpoint: Option<String>,
}

impl Environment {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub(super) fn read() -> Self {
        let text = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let path = |name: &str| text(name).map(PathBuf::from);
        let home = path("HOME").or_else(|| path("USERPROFILE"));
        let under_home = |inside: &str| home.as_ref().map(|home| home.join(inside));
        let xdg = |name: &str, inside: &str| {
            let base = path(name).filter(|base| base.is_absolute());
            let base = base.or_else(|| under_home(inside));
            base.map(|base| base.join("runbook"))
        };
        Self {
            folder: env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            state: path("RUNBOOK_STATE_DIR").or_else(|| xdg("XDG_STATE_HOME", ".local/state")),
            config: xdg("XDG_CONFIG_HOME", ".config"),
            screen: io::stderr().is_terminal(),
            keyboard: io::stdin().is_terminal(),
            no_color: text("NO_COLOR").is_some() || text("TERM").as_deref() == Some("dumb"),
            who: format!(
                "{}@{}",
                text("USER")
                    .or_else(|| text("LOGNAME"))
                    .or_else(|| text("USERNAME"))
                    .unwrap_or_else(|| "somebody".to_owned()),
                machine(text("COMPUTERNAME"))
            ),
            google: live::Environment {
                access_token: text("CLOUDSDK_AUTH_ACCESS_TOKEN").map(Secret::new),
                credentials_file: path("GOOGLE_APPLICATION_CREDENTIALS"),
                gcloud_folder: path("CLOUDSDK_CONFIG").or_else(|| under_home(".config/gcloud")),
                path: env::var_os("PATH"),
                kubeconfig: env::var_os("KUBECONFIG"),
                home: home.clone(),
                // Asking takes seconds where there is none, so somebody has to say that there is.
                metadata_server: text("RUNBOOK_METADATA_SERVER").is_some(),
                iam_credentials_endpoint: text("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS"),
                resource_manager_endpoint: text(
                    "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER",
                ),
            },
            endpoint: text("CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER"),
        }
    }

    /// Where journals and the practice world are kept.
    pub(super) fn state_folder(&self) -> Result<PathBuf> {
        self.state.clone().ok_or_else(|| {
            Error::new(
                Kind::Config,
                "there is no folder for journals: HOME is not set",
            )
            .hint("set RUNBOOK_STATE_DIR to a folder of yours")
        })
    }

    /// The value of a variable `runbook.toml` names.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub(super) fn variable(name: &str) -> Option<String> {
        env::var(name).ok().filter(|value| !value.is_empty())
    }

    /// A folder in the working directory, as people write it.
    pub(super) fn shown_folder(&self, name: &str) -> PathBuf {
        let here = Path::new(name);
        if self.folder.join(here).is_dir() {
            here.to_owned()
        } else {
            self.folder.join(here)
        }
    }
}

/// This machine's name, without its domain.
fn machine(told: Option<String>) -> String {
    #[cfg(unix)]
    let told = told.or_else(|| {
        let name = rustix::system::uname();
        Some(name.nodename().to_string_lossy().into_owned())
    });
    let name = told.unwrap_or_default();
    let short = name.split('.').next().unwrap_or_default();
    if short.is_empty() { "localhost" } else { short }.to_owned()
}
