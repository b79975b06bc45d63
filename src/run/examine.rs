//! Whether a target would let a runbook do what it does: asked, and nothing changed.

use std::rc::Rc;
use std::sync::Arc;

use super::looking::through;
use super::scene::Scene;
use super::standing::Unkept;
use super::{Company, Place, runtime};
use crate::doctor::{self, Finding};
use crate::error::Result;
use crate::names::Need;
use crate::world::{Parts, World};

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
    let runtime = Rc::new(runtime(place)?);
    let entered = runtime.enter();
    let found = Scene::open(place, state, None, company, None).and_then(|scene| {
        let world = World::new(Parts {
            target: scene.target.clone(),
            clock: scene.clock.clone(),
            doors: Arc::clone(&scene.doors),
            operator: Arc::clone(&company.operator),
            who: who.to_owned(),
            events: company.events.clone(),
            notes: Arc::new(Unkept),
            stop: company.stop.clone(),
        });
        let asked = async { Ok(ask(&world, needs).await) };
        runtime.block_on(world.stop().cut(asked))
    });
    drop(entered);
    if let Ok(runtime) = Rc::try_unwrap(runtime) {
        runtime.shutdown_background();
    }
    found
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
