//! Before a live run's first change: whether it may make all those it may want to make.

use std::time::Duration;

use super::{Request, needs};
use crate::doctor::{self, Finding};
use crate::error::{Error, Kind, Result};
use crate::names::{Mode, Need};
use crate::world::operator::Form;
use crate::world::{Question, World};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// What has to be typed to go on without a permission.
const WITHOUT: &str = "without";

/// Asks whoever decides, of what changes something alone: what only looks says itself what it may
/// not see. What cannot be asked stops nobody.
///
/// # Errors
/// Kind `denied` when a permission is missing, and nobody says that it will not be needed.
pub(super) async fn check(request: &Request, world: &World) -> Result<()> {
    if world.target().mode != Mode::Live || !super::locks(&request.script) {
        return Ok(());
    }
    let lock = |need: &Need| matches!(need, Need::Kubernetes(_, "leases.coordination.k8s.io", _));
    let mut wanted = needs(&request.script);
    // Notes that cannot be kept stop no runbook.
    let notes = |need: &Need| matches!(need, Need::Kubernetes(_, "configmaps", _));
    let unlocked = |need: &Need| request.locking.off && lock(need);
    wanted.retain(|need| need.changes() && !notes(need) && !unlocked(need));
    let found = tokio::select! {
        biased;
        found = doctor::permissions(world, &wanted) => found,
        // Whoever does not answer is asked again by those who need it.
        () = world.clock().sleep(PATIENCE) => return Ok(()),
    };
    let missing: Vec<&Finding> = found
        .iter()
        .filter(|finding| finding.is_missing())
        .collect();
    let [first, others @ ..] = missing.as_slice() else {
        return Ok(());
    };
    let mut error = first.error();
    for other in others {
        error.message = format!("{}, and {}", error.message, other.what);
    }
    let question = Question {
        key: "permissions".to_owned(),
        text: format!("{}. Type `{WITHOUT}` to start all the same", error.message),
        form: Form::Type(WITHOUT.to_owned()),
    };
    match world.ask(question).await {
        Ok(_) => Ok(()),
        Err(nobody) if nobody.kind == Kind::NeedsAnswer => {
            let hint = error.hint.take().unwrap_or_default();
            let way = format!("if it will not be needed, `--answer permissions={WITHOUT}`");
            Err(Error::new(error.kind, error.message).hint(format!("{hint}; {way}")))
        }
        Err(other) => Err(other),
    }
}
