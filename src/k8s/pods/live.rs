//! Pods as they change: watched, never polled. What they use can only be polled, and is, for those
//! somebody looks at.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{self, Either};
use futures::stream::{self, SelectAll, StreamExt as _};
use serde::Serialize;
use tokio::sync::{Notify, watch};

use super::super::call::Scope;
use super::super::metrics::{self, Container};
use super::super::object::LeanPod;
use super::super::watch::{Renewals, Update, watch as watching};
use super::places::{self, Where, places};
use super::state::{Changes, Raw, State};
use crate::error;
use crate::event::{PodGroup, PodName, PodNews, PodUsage, What};
use crate::world::{View, World};

/// Changes this close together are told together.
const MOMENT: Duration = Duration::from_millis(50);

/// The same for a screen, which shows nothing sooner.
const FRAME: Duration = Duration::from_millis(250);

/// How often is asked what pods use; a metrics server measures every fifteen seconds.
const POLL: Duration = Duration::from_secs(15);

/// Whoever scrolls is answered sooner, but not at every row.
const SCROLL: Duration = Duration::from_secs(1);

/// Ages are right to the second.
const BEAT: Duration = Duration::from_secs(1);

/// The usage of this many pods is had by listing all of a namespace, that of more one by one.
const FEW: usize = 500;

/// Requests for the usage of one pod at the same time.
const AT_ONCE: usize = 8;

/// How a watch ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watched {
    /// How many pods there were at the end.
    pub pods: usize,
    /// How many changes were seen, not counting how things were at first.
    pub changes: usize,
    /// For how long, in seconds.
    pub took_seconds: u64,
}

/// Watches pods until the operator has seen enough, or for so long.
///
/// # Errors
/// When a namespace does not exist or its pods may not be watched.
pub async fn watch(
    world: &World,
    place: &Where,
    limit: Option<Duration>,
) -> error::Result<Watched> {
    let began = world.clock().now();
    let places = places(world, place).await?;
    let scopes: Vec<Option<String>> = match place {
        Where::All => vec![None],
        Where::These(_) | Where::Watched => {
            let names = places.iter().map(|place| Some(place.namespace.clone()));
            names.collect()
        }
    };
    let viewer = world.viewer();
    let limit = limit.or_else(|| world.endless());
    tell(
        world,
        PodNews::Began {
            target: world.target().name.clone(),
            namespaces: scopes.iter().flatten().cloned().collect(),
        },
    );
    let _ending = Ending(world);
    let state = RefCell::new(State::new(&world.target().hub_pods, &places));
    let session = Session {
        world,
        state: &state,
        viewer: viewer.as_ref(),
        listed: Notify::new(),
    };
    let mut changes = 0;
    let end = async {
        let limit = match limit {
            Some(limit) => Either::Left(world.clock().sleep(limit)),
            None => Either::Right(future::pending()),
        };
        tokio::select! {
            biased;
            () = session.left() => {}
            () = limit => {}
        }
    };
    tokio::select! {
        biased;
        () = end => {}
        failed = session.follow(&scopes, &mut changes) => return Err(failed),
        () = session.measure() => {}
        () = session.beat() => {}
    }
    let pods = state.borrow().each().count();
    Ok(Watched {
        pods,
        changes,
        took_seconds: world.clock().since(began).as_secs(),
    })
}

fn tell(world: &World, news: PodNews) {
    world.emit(What::Pods(news));
}

/// Says that the watch is over, however it ends: the screen is given back then.
struct Ending<'a>(&'a World);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        tell(self.0, PodNews::Ended);
    }
}

struct Session<'a> {
    world: &'a World,
    state: &'a RefCell<State>,
    viewer: Option<&'a watch::Receiver<View>>,
    /// Every first list has come.
    listed: Notify,
}

impl Session<'_> {
    /// Ends when the viewer has seen enough.
    async fn left(&self) {
        let Some(viewer) = self.viewer else {
            return future::pending().await;
        };
        if viewer.clone().wait_for(|view| view.left).await.is_err() {
            future::pending::<()>().await;
        }
    }

    /// Time passes for whoever shows ages.
    async fn beat(&self) {
        if self.viewer.is_none() {
            return future::pending().await;
        }
        loop {
            self.world.clock().sleep(BEAT).await;
            tell(self.world, PodNews::Beat);
        }
    }

    /// Follows the watches until one of them fails for good.
    async fn follow(&self, scopes: &[Option<String>], count: &mut usize) -> error::Error {
        let renewals = Renewals::default();
        let mut news: SelectAll<_> = stream::select_all(scopes.iter().map(|namespace| {
            let scope = Scope {
                namespace: namespace.clone(),
                labels: String::new(),
            };
            let namespace = namespace.clone();
            watching::<LeanPod, Raw>(self.world, scope, &renewals)
                .map(move |update| (namespace.clone(), update))
                .boxed()
        }));
        let mut unlisted: BTreeSet<Option<String>> = scopes.iter().cloned().collect();
        let mut changes = Changes::default();
        let mut moment = pin!(self.world.clock().sleep(MOMENT));
        loop {
            tokio::select! {
                biased;
                heard = news.next() => {
                    // Every watch tells how it failed before it ends.
                    let Some((namespace, update)) = heard else {
                        return future::pending().await;
                    };
                    let before = changes.len();
                    let list = match &update {
                        Update::All(pods) => Some(pods.len()),
                        Update::Put(_) | Update::Gone(_) | Update::Failed(_) => None,
                    };
                    let first = list.is_some() && unlisted.remove(&namespace);
                    if let (true, Some(0), Some(namespace)) = (first, list, &namespace)
                        && let Err(failure) = places::must_exist(self.world, namespace).await
                    {
                        return failure.into();
                    }
                    let heard = self.state.borrow_mut().hear(
                        namespace.as_deref(), update, &mut changes);
                    if let Err(failure) = heard {
                        return failure.into();
                    }
                    if first {
                        self.flush(&mut changes, true);
                        if unlisted.is_empty() {
                            self.listed.notify_one();
                        }
                    } else {
                        *count += changes.len().saturating_sub(before);
                    }
                    if before == 0 && !changes.is_empty() {
                        let wait = if self.viewer.is_some() { FRAME } else { MOMENT };
                        moment.set(self.world.clock().sleep(wait));
                    }
                }
                () = &mut moment, if !changes.is_empty() => {
                    self.flush(&mut changes, false);
                }
            }
        }
    }

    /// Tells what has changed.
    fn flush(&self, changes: &mut Changes, first: bool) {
        let (put, gone) = changes.take();
        if first || !put.is_empty() || !gone.is_empty() {
            tell(self.world, PodNews::Rows { put, gone, first });
        }
        if let Some(pods) = self.state.borrow_mut().missing() {
            tell(self.world, PodNews::Missing { pods });
        }
    }

    /// Asks again and again what the pods use that somebody looks at.
    async fn measure(&self) {
        let mut why: Option<String> = None;
        self.listed.notified().await;
        loop {
            let (used, unmeasured) = self.poll().await;
            if !used.is_empty() || unmeasured != why {
                why.clone_from(&unmeasured);
                tell(self.world, PodNews::Usage { used, unmeasured });
            }
            self.until_due().await;
        }
    }

    /// Ends when it is time to ask again, or somebody looks elsewhere.
    async fn until_due(&self) {
        let clock = self.world.clock();
        let seen = self.viewer.map(|viewer| viewer.borrow().clone());
        let seen = seen.unwrap_or_default();
        let elsewhere = async {
            clock.sleep(SCROLL).await;
            let Some(viewer) = self.viewer else {
                return future::pending().await;
            };
            let mut viewer = viewer.clone();
            if viewer.wait_for(|view| *view != seen).await.is_err() {
                future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = clock.sleep(POLL) => {}
            () = elsewhere => {}
        }
    }

    /// What the pods use that somebody looks at, and why not, where nobody knows. Without a screen
    /// these are the hubs' own.
    async fn poll(&self) -> (Vec<PodUsage>, Option<String>) {
        let view = self.viewer.map(|viewer| viewer.borrow().clone());
        let everything = view.as_ref().is_some_and(|view| view.by_usage);
        let looked_at = view.into_iter().flat_map(|view| view.pods);
        let (lists, ids) = {
            let state = self.state.borrow();
            let hub = state.each().filter(|row| row.group == PodGroup::Hub);
            let ids = hub.map(|row| row.id.clone()).chain(looked_at);
            let lists = state.namespaces().filter(|namespace| {
                everything || self.viewer.is_some() && state.count(namespace) <= FEW
            });
            let lists: Vec<Arc<str>> = lists.cloned().collect();
            let ids: BTreeSet<PodName> = ids.filter(|id| !lists.contains(&id.namespace)).collect();
            (lists, ids)
        };
        let mut measured = Vec::new();
        let mut why = None;
        for namespace in lists {
            match metrics::pods(self.world, &namespace).await {
                Ok(pods) => measured.extend(pods.into_iter().map(|(name, containers)| {
                    let id = PodName {
                        namespace: namespace.clone(),
                        name: name.into(),
                    };
                    summed(id, &containers)
                })),
                Err(failure) => why = why.or(Some(metrics::explained(failure))),
            }
        }
        let mut answers = stream::iter(ids)
            .map(async |id: PodName| {
                let used = metrics::pod(self.world, &id.namespace, &id.name).await;
                (id, used)
            })
            .buffered(AT_ONCE);
        let mut young = None;
        while let Some((id, used)) = answers.next().await {
            match used {
                Ok(containers) => measured.push(summed(id, &containers)),
                // A young pod has not been measured yet.
                Err(failure) if failure.code() == Some(404) => young = Some(failure),
                Err(failure) => why = why.or(Some(metrics::explained(failure))),
            }
        }
        // Unless nothing has: then nobody measures.
        if measured.is_empty() {
            why = why.or(young.map(metrics::explained));
        }
        (measured, why)
    }
}

fn summed(id: PodName, containers: &[Container]) -> PodUsage {
    PodUsage {
        id,
        cpu: containers.iter().map(|(_, usage)| usage.cpu).sum(),
        memory: containers.iter().map(|(_, usage)| usage.memory).sum(),
    }
}
