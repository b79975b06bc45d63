//! What to say when a pool did not become warm in time.

use super::super::error::Error;
use super::Want;
use super::state::View;
use crate::event::{Item, Phase};

/// The failure of a wait that passed its limit: each node that is missing, and where it is stuck.
pub(super) fn timed_out(want: &Want, view: &View) -> Error {
    let missing: Vec<&Item> = view
        .items
        .iter()
        .filter(|item| item.phase != Phase::Ready)
        .collect();
    let mut stuck: Vec<String> = missing
        .iter()
        .map(|item| format!("{}: {}", item.name, item.note))
        .collect();
    if stuck.is_empty() {
        stuck.push("Kubernetes did not say anything".to_owned());
    }
    if let Some(why) = &view.why {
        stuck.push(format!("last heard: {why}"));
    }
    Error::TimedOut {
        what: want.what(),
        done: view.done,
        of: want.nodes,
        limit: want.limit,
        missing: stuck.join("; "),
        hint: missing.first().map_or_else(
            || "check that the control plane is up: `kubectl get --raw /readyz`".to_owned(),
            |item| hint(item, &want.pool),
        ),
    }
}

/// What to look at, for where the first one is stuck.
fn hint(item: &Item, pool: &str) -> String {
    let look = match item.phase {
        Phase::Booting => format!(
            "look for a quota or a zone without machines: `kubectl get events -A \
             --field-selector reason=FailedScaleUp`, or {pool}'s instance group in the console"
        ),
        Phase::Pulling => "look at the image pullers: `kubectl get pods -A -o wide \
                           -l component=continuous-image-puller`"
            .to_owned(),
        Phase::Trouble if item.note == "cordoned" => {
            format!("open it to pods again: `kubectl uncordon {}`", item.name)
        }
        Phase::Registering | Phase::Trouble | Phase::Staying | Phase::Leaving | Phase::Ready => {
            format!("look at the node: `kubectl describe node {}`", item.name)
        }
    };
    format!("{look}; run it again to go on waiting")
}
