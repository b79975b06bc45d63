//! Old debts, told at the beginning of every run where they are.

use crate::event::{Level, What};
use crate::k8s::{self, Debt};
use crate::names::Mode;
use crate::world::World;

/// Tells each old debt in one line. Whoever may not read them is told nothing: what the run itself
/// needs decides whether it can go on.
pub(super) async fn remind(world: &World) {
    if world.target().mode == Mode::Rehearsal {
        return;
    }
    let debts = match world.stop().cut(k8s::debts_now(world)).await {
        Ok(debts) => debts,
        Err(why) => {
            tracing::debug!(%why, "debts cannot be read");
            return;
        }
    };
    let (target, now) = (world.target(), world.clock().now());
    let old = |debt: &&Debt| debt.age(now) >= target.debt_age;
    for debt in debts.iter().filter(old) {
        let (owed, by) = (debt.owed(target, now), &debt.closed_by);
        world.emit(What::Said {
            level: Level::Warning,
            text: format!("Owed: {owed}; `runbook run {by}` closes it"),
        });
    }
}
