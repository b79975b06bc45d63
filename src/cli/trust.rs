//! `runbook trust`, and the question before the first live run: a `runbook.toml` names addresses
//! that are sent credentials, and may have come with somebody else's repository.

use std::path::Path;

use super::Setup;
use crate::config::Trust;
use crate::error::{Error, Kind, Result};
use crate::ui::{self, Options};

/// Trusts the file that is in use.
pub(super) fn trust(setup: &Setup<'_>) -> Result<u8> {
    let Some(file) = &setup.file else {
        return Err(
            Error::new(Kind::Config, "there is no runbook.toml here or above")
                .hint("write one, or name it with --config"),
        );
    };
    Trust::new(&setup.environment.state_folder()?).add(file)?;
    ui::print(&format!("{} is trusted as it is now.\n", file.display()));
    Ok(0)
}

/// Refuses to go on with a file nobody has trusted; on a terminal it asks first.
pub(super) fn demand(setup: &Setup<'_>, screen: &Options) -> Result<()> {
    let Some(file) = &setup.file else {
        return Ok(());
    };
    // What the user keeps for this program needs no further word.
    let own = setup.environment.config.as_deref();
    if own.is_some_and(|own| file.starts_with(own)) {
        return Ok(());
    }
    let trust = Trust::new(&setup.environment.state_folder()?);
    if trust.holds(file)? {
        return Ok(());
    }
    let untrusted = Error::new(
        Kind::Refused,
        format!(
            "{} is new or was changed, and it says where credentials are sent",
            file.display()
        ),
    )
    .hint("look at it, then `runbook trust`");
    if !screen.terminal {
        return Err(untrusted);
    }
    if ask(file, screen)? {
        trust.add(file)
    } else {
        Err(untrusted)
    }
}

fn ask(file: &Path, screen: &Options) -> Result<bool> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    ui::note(&format!("{}:\n{text}", file.display()), screen);
    let question = "It is new or was changed, and it says where credentials are sent. Trust it?";
    ui::prompt_param(screen, "trust", question, None, |answer| {
        match answer.trim() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("answer yes or no".to_owned()),
        }
    })
}
