//! A practice world for other rooms' tests.

use std::sync::Arc;

use super::{Fault, Practice, Setup};
use crate::event::Events;
use crate::world::{World, testing};

/// Works in a fresh practice world, in its own time.
pub(crate) fn practised<T>(
    scenario: &str,
    faults: &[&str],
    work: impl AsyncFnOnce(World) -> T,
) -> T {
    let practice = Practice::fresh(&Setup {
        scenario: scenario.to_owned(),
        faults: faults.iter().map(|f| Fault::parse(f).unwrap()).collect(),
        ..Setup::default()
    })
    .unwrap();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        practice.start(Events::new(|_| {}));
        let (mut parts, _) = testing::parts(None, None);
        parts.doors = Arc::new(practice.clone());
        parts.clock = practice.clock();
        work(World::new(parts)).await
    })
}
