//! Whether a target would let a runbook do what it does: asked, and nothing changed.

use super::looking::through;
use super::standing::within;
use super::{Company, Place};
use crate::doctor::{self, Finding};
use crate::error::Result;
use crate::names::Need;
use crate::world::World;

/// Asks every service that these needs reach, and whoever decides about each of them.
///
/// # Errors
/// When the operator stops it, or a run is going on in the practice world.
pub fn examine(
    place: &Place,
    needs: &[Need],
    who: &str,
    state: &std::path::Path,
    company: &Company,
) -> Result<Vec<Finding>> {
    if let Place::Live(live) = place {
        let (found, _) = through(
            live,
            who,
            company,
            async |world| Ok(ask(world, needs).await),
        )?;
        return Ok(found);
    }
    within(place, state, who, company, async |world| {
        Ok(ask(world, needs).await)
    })
}

async fn ask(world: &World, needs: &[Need]) -> Vec<Finding> {
    let mut found = doctor::reach(world, needs).await;
    // Of a service that does not answer nobody has to hear twice.
    let lost: Vec<&str> = found
        .iter()
        .filter(|one| one.is_missing())
        .map(|one| one.part)
        .collect();
    let asks = |need: &Need| {
        let parts: &[&str] = match need {
            Need::Iam(_) => &["credentials", "gke"],
            Need::Kubernetes(..) => &["credentials", "gke", "kubernetes"],
            Need::Hub(_) | Need::HubAdmin => &["hub"],
            _ => &["github"],
        };
        !parts.iter().any(|part| lost.contains(part))
    };
    let left: Vec<Need> = needs.iter().copied().filter(asks).collect();
    found.extend(doctor::permissions(world, &left).await);
    found
}
