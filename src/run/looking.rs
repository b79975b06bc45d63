//! A look at a target, before a dry run or to keep: in real time, through doors that only look.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::runtime::Builder;

use super::scene::{LivePlace, options};
use super::standing::Unkept;
use super::{Company, Request};
use crate::api;
use crate::error::{Error, Kind, Result};
use crate::look::{self, Wanted};
use crate::names::{Need, Where};
use crate::runbook::check::calls;
use crate::runbook::script::Script;
use crate::world::live::Live;
use crate::world::snapshot::Exchange;
use crate::world::{Clock, Kept, Parts, Snapshot, World};

/// What every run looks at: old debts are told at its beginning.
const REMINDED: Need = Need::Kubernetes("get", "configmaps", Where::Home);

/// What a script needs to be allowed to do outside, with what every run does.
pub fn needs(script: &Script) -> Vec<Need> {
    let table = api::table();
    let mut needs = BTreeSet::from([REMINDED]);
    for call in calls(script, &table) {
        needs.extend(api::needs(call.name));
    }
    if super::locks(script) {
        needs.extend(api::LOCK);
    }
    needs.into_iter().collect()
}

/// Looks at what a run of this request would see.
///
/// # Errors
/// When the operator stops it.
pub(super) fn for_request(
    live: &LivePlace,
    request: &Request,
    company: &Company,
) -> Result<Snapshot> {
    looked(live, &wanted(request), &request.operator, company)
}

fn wanted(request: &Request) -> Wanted {
    let texts = request
        .values
        .values()
        .filter_map(serde_json::Value::as_str);
    // Whatever may be an image is asked for.
    let images = texts.filter(|text| text.contains([':', '/']));
    Wanted {
        needs: needs(&request.script),
        images: images.map(str::to_owned).collect(),
    }
}

/// Looks at a target.
///
/// # Errors
/// When the operator stops it.
pub fn looked(live: &LivePlace, wanted: &Wanted, who: &str, company: &Company) -> Result<Snapshot> {
    let (mut seen, web) = through(live, who, company, async |world| {
        look::look(world, wanted).await
    })?;
    seen.web = web;
    Ok(seen)
}

/// Works in real time, through doors that only look; tells what the web answered as well.
///
/// # Errors
/// The work's own, or when the operator stops it.
pub(super) fn through<T>(
    live: &LivePlace,
    who: &str,
    company: &Company,
    work: impl AsyncFnOnce(&World) -> Result<T>,
) -> Result<(T, Vec<Exchange>)> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = runtime.map_err(|e| Error::new(Kind::Io, format!("cannot start: {e}")))?;
    let entered = runtime.enter();
    let doors = Arc::new(Kept::new(Arc::new(Live::looking(options(live, company)))));
    let world = World::new(Parts {
        target: live.target.clone(),
        clock: Clock::Live,
        doors: Arc::<Kept>::clone(&doors),
        operator: Arc::clone(&company.operator),
        who: who.to_owned(),
        events: company.events.clone(),
        notes: Arc::new(Unkept),
        stop: company.stop.clone(),
    });
    let done = runtime.block_on(world.stop().cut(work(&world)));
    drop(entered);
    runtime.shutdown_background();
    Ok((done?, doors.exchanges()))
}
