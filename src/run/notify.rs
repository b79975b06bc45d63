//! Tells a webhook that a long wait is over. Its failure is a warning, never the run's.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::event::{Event, Events, Level, What};
use crate::names::Took;
use crate::world::secret::Secret;
use crate::world::{Target, webhook};

/// Shorter waits are over before anybody has gone away.
const LONG_SECONDS: u64 = 60;

/// Listens for the ends of long waits and calls the webhook.
#[derive(Clone)]
pub(super) struct Caller(Arc<Inner>);

struct Inner {
    url: Secret,
    target: String,
    runtime: Handle,
    calls: Mutex<Vec<JoinHandle<()>>>,
}

impl Caller {
    pub(super) fn new(url: Secret, target: &Target, runtime: Handle) -> Self {
        Self(Arc::new(Inner {
            url,
            target: target.name.clone(),
            runtime,
            calls: Mutex::default(),
        }))
    }

    pub(super) fn listening(&self, events: Events) -> Events {
        let caller = self.clone();
        Events::new(move |event: Event| {
            if let What::WaitEnded {
                what,
                ok,
                took_seconds,
                ..
            } = &event.what
                && *took_seconds >= LONG_SECONDS
            {
                let took = Took(std::time::Duration::from_secs(*took_seconds));
                let how = if *ok { "done" } else { "FAILED" };
                let text = format!("{}: {what}: {how} after {took}", caller.0.target);
                caller.call(text, event.at, events.clone());
            }
            events.emit(event);
        })
    }

    fn call(&self, text: String, at: jiff::Timestamp, events: Events) {
        let url = self.0.url.clone();
        let call = self.0.runtime.spawn(async move {
            if let Err(why) = webhook::post(&url, &text).await {
                let text = format!("the webhook was not told: {why}");
                let level = Level::Warning;
                let what = What::Said { level, text };
                events.emit(Event { at, what });
            }
        });
        let mut calls = self.0.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(call);
    }

    /// Waits for the calls that are still on their way; each gives up by itself.
    pub(super) async fn done(self) {
        let calls =
            std::mem::take(&mut *self.0.calls.lock().unwrap_or_else(PoisonError::into_inner));
        for call in calls {
            call.await.ok();
        }
    }
}
