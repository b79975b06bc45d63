//! How a target stands: what is owed, who holds it, what is warm. Looks and changes nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;

use super::lock::holder;
use super::scene::Scene;
use super::{Company, Place, runtime};
use crate::error::Result;
use crate::k8s::{self, Debt, PoolNodes};
use crate::world::{Note, Notes, Parts, Target, World};

/// How a target stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The target.
    pub target: Target,
    /// When this was seen, in the target's own time.
    pub at: Timestamp,
    /// What is owed, by key.
    pub debts: Vec<Debt>,
    /// The run that may change it.
    pub lock: Option<Held>,
    /// Nodes by pool.
    pub nodes: BTreeMap<String, PoolNodes>,
}

/// Who holds a target's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// `ann@laptop`.
    pub holder: String,
    /// The run's id.
    pub run: String,
    /// `warm_up, run 20260115T130000Z-warm_up, step "Grow the pool"`.
    pub deed: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Whether it has been silent for too long.
    pub silent: bool,
}

/// Looks at a target.
///
/// # Errors
/// When it cannot be reached or may not be read, or a run is going on in the practice world.
pub fn standing(place: &Place, state: &Path, who: &str, company: &Company) -> Result<Standing> {
    within(place, state, who, company, async |world| look(world).await)
}

/// Works in the world at a place, without a run: nothing is recorded.
///
/// # Errors
/// The work's own; when the operator stops it, or a run is going on in the practice world.
pub(super) fn within<T>(
    place: &Place,
    state: &Path,
    who: &str,
    company: &Company,
    work: impl AsyncFnOnce(&World) -> Result<T>,
) -> Result<T> {
    let runtime = Rc::new(runtime(place)?);
    let entered = runtime.enter();
    let done = Scene::open(place, state, None, company, None).and_then(|scene| {
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
        runtime.block_on(world.stop().cut(work(&world)))
    });
    drop(entered);
    if let Ok(runtime) = Rc::try_unwrap(runtime) {
        runtime.shutdown_background();
    }
    done
}

async fn look(world: &World) -> Result<Standing> {
    let at = world.clock().now();
    let lease = k8s::lease(world, &world.target().home).await?;
    let held = lease.filter(|lease| lease.holder().is_some());
    Ok(Standing {
        target: world.target().clone(),
        at,
        debts: k8s::debts(world).await?,
        lock: held.map(|lease| Held {
            holder: holder::name(&lease).to_owned(),
            run: lease.run().to_owned(),
            deed: holder::deed(&lease),
            since: lease.acquired(),
            silent: lease.is_expired(at),
        }),
        nodes: k8s::pool_nodes(world).await?,
    })
}

/// There is no run, and so no journal.
pub(super) struct Unkept;

impl Notes for Unkept {
    fn note(&self, _: Timestamp, _: &Note) -> Result<()> {
        Ok(())
    }
}
