//! The one way things are watched: kube's watcher, opened again as the house does.
//!
//! kube's own backoff has jitter nobody seeded, and without one a refused watch is opened
//! thousands of times a second; so any failure closes the watcher, and a new one lists afresh.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;
use kube::runtime::watcher::{self, Event, watcher};
use tokio::sync::Mutex;

use super::call::Scope;
use super::error::{Error, Request};
use super::object::Slim;
use crate::event::{What, seconds};
use crate::world::World;
use crate::world::retry::{Failure as _, Verdict};

const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// After this long without a failure, the next one counts as the first.
const CALM: Duration = Duration::from_mins(2);

/// What a watch says. Only whole lists and what came after them: never a list half read.
#[derive(Debug)]
pub(super) enum Update<T> {
    /// All there is, in place of what was known.
    All(Vec<T>),
    /// New or changed.
    Put(T),
    /// No longer there.
    Gone(T),
    /// The watch cannot go on.
    Failed(Error),
}

/// Counts renewals of the credentials, so that watches that fail together renew them once.
pub(super) type Renewals = Arc<Mutex<u64>>;

/// Watches `scope`, keeping `T` of each object. Ends after [`Update::Failed`].
pub(super) fn watch<K: Slim, T: From<K> + Send + 'static>(
    world: &World,
    scope: Scope,
    renewals: &Renewals,
) -> BoxStream<'static, Update<T>> {
    let watch = Watch::<K, T> {
        world: world.clone(),
        what: scope.request::<K>("watch"),
        scope,
        renewals: Arc::clone(renewals),
        seen: 0,
        open: None,
        listed: Vec::new(),
        pause: PAUSE_MIN,
        renewed: false,
        failed: None,
    };
    stream::unfold(Some(watch), |watch| async move {
        let mut watch: Watch<K, T> = watch?;
        Some(match watch.next().await {
            Err(failure) => (Update::Failed(failure), None),
            Ok(update) => (update, Some(watch)),
        })
    })
    .boxed()
}

struct Watch<K, T> {
    world: World,
    scope: Scope,
    what: Request,
    renewals: Renewals,
    /// How many renewals there had been when `open` was opened.
    seen: u64,
    open: Option<BoxStream<'static, watcher::Result<Event<K>>>>,
    /// What the list under way has brought so far.
    listed: Vec<T>,
    pause: Duration,
    renewed: bool,
    failed: Option<Timestamp>,
}

impl<K: Slim, T: From<K>> Watch<K, T> {
    async fn next(&mut self) -> Result<Update<T>, Error> {
        loop {
            let Some(open) = &mut self.open else {
                self.seen = *self.renewals.lock().await;
                let client = match self.world.doors().k8s().await {
                    Ok(client) => client,
                    Err(error) => {
                        self.recover(error.into()).await?;
                        continue;
                    }
                };
                tracing::debug!(watch = %self.what, "opened");
                let config = watcher::Config::default().labels(&self.scope.labels);
                self.open = Some(watcher(self.scope.api::<K>(client), config).boxed());
                continue;
            };
            match open.next().await {
                Some(Ok(Event::Init)) => self.listed.clear(),
                Some(Ok(Event::InitApply(object))) => self.listed.push(T::from(object)),
                Some(Ok(Event::InitDone)) => {
                    return Ok(Update::All(std::mem::take(&mut self.listed)));
                }
                Some(Ok(Event::Apply(object))) => return Ok(Update::Put(T::from(object))),
                Some(Ok(Event::Delete(object))) => return Ok(Update::Gone(T::from(object))),
                Some(Err(failure)) => {
                    self.open = None;
                    self.recover(Error::of_watch(&self.what, failure)).await?;
                }
                None => self.open = None,
            }
        }
    }

    /// Does what the failure calls for before the watch is opened again.
    async fn recover(&mut self, failure: Error) -> Result<(), Error> {
        let clock = self.world.clock();
        if self.failed.is_none_or(|before| clock.since(before) > CALM) {
            self.pause = PAUSE_MIN;
            self.renewed = false;
        }
        self.failed = Some(clock.now());
        let asked = match failure.verdict() {
            Verdict::Renew if !self.renewed => {
                self.renewed = true;
                let mut renewals = self.renewals.lock().await;
                if *renewals == self.seen {
                    self.world.doors().renew().await?;
                    *renewals += 1;
                }
                return Ok(());
            }
            Verdict::Again(asked) => asked,
            Verdict::Unknown => None,
            // A list or a place in it that the server has forgotten: a fresh list will do.
            Verdict::Final if failure.code() == Some(410) => None,
            Verdict::Final | Verdict::Renew => return Err(failure),
        };
        let pause = asked.unwrap_or(self.pause);
        // A watch that is cut now and then is nothing to tell anybody.
        if self.pause > PAUSE_MIN {
            self.world.emit(What::Retrying {
                what: self.what.to_string(),
                why: failure.to_string(),
                after_seconds: seconds(pause),
            });
        }
        clock.sleep(pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }
}
