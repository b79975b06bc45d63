//! The practice world for other programs, until somebody has had enough of it.

use std::future::pending;

use tokio::runtime::Builder;

use super::Company;
use crate::error::{Error, Kind, Result};
use crate::names::Mode;
use crate::sim::{Practice, Served, Setup};
use crate::world::Target;

/// Serves a fresh practice world at ports from `port` on, and tells where it listens and what is
/// there; ends when it is stopped.
///
/// # Errors
/// When there is no such world, or no port for it.
pub fn serve(
    setup: &Setup,
    port: u16,
    company: &Company,
    tell: impl FnOnce(&Served, &Target),
) -> Result<()> {
    let practice = Practice::fresh(setup)?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    let runtime = runtime.map_err(|e| Error::new(Kind::Io, format!("cannot start: {e}")))?;
    runtime.block_on(async {
        let served = practice.serve(port, company.events.clone()).await?;
        tell(&served, &practice.target(Mode::Live));
        // Being stopped is how this ends.
        company.stop.cut(pending::<Result<()>>()).await.ok();
        Ok(())
    })
}
