//! A world for unit tests: given clients, paused time, everything that happened kept.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use google_cloud_container_v1::client::ClusterManager;
use jiff::Timestamp;

use tower::ServiceExt as _;

use super::desk::{Replaced, Replacement};
use super::operator::{Answer, Question};
use super::record::Record;
use super::secret::Secret;
use super::{Clock, Desk, Doors, GitHub, Note, Notes, Operator, Parts, Stop, Target, World};
use crate::error::{self, Kind};
use crate::event::{Event, Events, What};
use crate::names::{self, ClusterName, K8sEndpoint, Mode};
use crate::world::Http;

/// What a test world is made of, and what it has seen.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    events: Arc<Mutex<Vec<Event>>>,
    notes: Arc<Mutex<Vec<Note>>>,
    renewals: Arc<Mutex<usize>>,
}

impl Seen {
    /// Everything emitted, in order.
    pub(crate) fn events(&self) -> Vec<What> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().map(|event| event.what.clone()).collect()
    }

    /// Operation names noted, in order.
    pub(crate) fn operations(&self) -> Vec<String> {
        let notes = self.notes();
        let operations = notes.into_iter().filter_map(|note| match note {
            Note::Changed { change } => change.operation,
            _ => None,
        });
        operations.collect()
    }

    /// Everything noted, in order.
    pub(crate) fn notes(&self) -> Vec<Note> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.clone()
    }

    /// How often the credentials were renewed.
    pub(crate) fn renewals(&self) -> usize {
        *self.renewals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A world on these clients; a door that is `None` fails when used. Call it in a runtime with
/// paused time.
pub(crate) fn world(gke: Option<ClusterManager>, k8s: Option<kube::Client>) -> (World, Seen) {
    let (parts, seen) = parts(gke, k8s);
    (World::new(parts), seen)
}

/// What such a world is made of.
pub(crate) fn parts(gke: Option<ClusterManager>, k8s: Option<kube::Client>) -> (Parts, Seen) {
    parts_with(gke, k8s, None, None)
}

/// The same, with a hub and whatever else is on the web.
pub(crate) fn parts_with(
    gke: Option<ClusterManager>,
    k8s: Option<kube::Client>,
    hub: Option<Http>,
    web: Option<Http>,
) -> (Parts, Seen) {
    let seen = Seen::default();
    let events = Arc::clone(&seen.events);
    let parts = Parts {
        target: Target {
            name: "practice".to_owned(),
            cluster: ClusterName {
                project: "practice".to_owned(),
                location: "northamerica-northeast1".to_owned(),
                cluster: "callysto-cluster".to_owned(),
            },
            watch: vec!["prod".to_owned(), "staging".to_owned()],
            home: "default".to_owned(),
            debt_age: names::AGE,
            price: None,
            hub_pods: names::HUB_PODS.map(str::to_owned).to_vec(),
            hub_namespace: Some("prod".to_owned()),
            check_user: names::CHECK_USER.to_owned(),
            allow_list: None,
            author: None,
            registry_mirror: None,
            k8s_endpoint: K8sEndpoint::default(),
            impersonate: None,
            type_name: false,
            timezone: None,
            mode: Mode::Rehearsal,
        },
        clock: Clock::starting_at("2026-01-15T13:00:00Z".parse().unwrap()),
        doors: Arc::new(Given {
            gke,
            k8s,
            hub,
            web,
            seen: seen.clone(),
        }),
        operator: Arc::new(Nobody),
        who: "ann@laptop".to_owned(),
        events: Events::new(move |event| {
            events
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(event);
        }),
        notes: Arc::new(seen.clone()),
        stop: Stop::default(),
    };
    (parts, seen)
}

/// A door to what `router` serves, at this address.
pub(crate) fn http(base: &str, authorization: Option<&str>, router: axum::Router) -> Http {
    let service =
        router.map_request(|request: http::Request<_>| request.map(axum::body::Body::new));
    let record = Record::new("web", Events::new(|_| {}), Clock::Live);
    Http::new(base, authorization.map(Secret::new), service, record)
}

struct Given {
    hub: Option<Http>,
    web: Option<Http>,
    gke: Option<ClusterManager>,
    k8s: Option<kube::Client>,
    seen: Seen,
}

fn closed<T>(door: Option<T>, name: &str) -> error::Result<T> {
    door.ok_or_else(|| error::Error::new(Kind::Bug, format!("this test opens no {name} door")))
}

impl Doors for Given {
    fn gke(&self) -> BoxFuture<'_, error::Result<ClusterManager>> {
        Box::pin(async { closed(self.gke.clone(), "gke") })
    }

    fn k8s(&self) -> BoxFuture<'_, error::Result<kube::Client>> {
        Box::pin(async { closed(self.k8s.clone(), "k8s") })
    }

    fn hub(&self) -> BoxFuture<'_, error::Result<Option<Http>>> {
        Box::pin(async { Ok(self.hub.clone()) })
    }

    fn web(&self, _: &str) -> BoxFuture<'_, error::Result<Http>> {
        Box::pin(async { closed(self.web.clone(), "web") })
    }

    fn github(&self) -> BoxFuture<'_, error::Result<GitHub>> {
        Box::pin(async { closed(None, "github") })
    }

    fn iam(&self) -> BoxFuture<'_, error::Result<Http>> {
        Box::pin(async { closed(None, "iam") })
    }

    fn desk(&self) -> &dyn Desk {
        &Bare
    }

    fn renew(&self) -> BoxFuture<'_, error::Result<()>> {
        *self
            .seen
            .renewals
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += 1;
        Box::pin(async { Ok(()) })
    }
}

impl Notes for Seen {
    fn note(&self, _: Timestamp, note: &Note) -> error::Result<()> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(note.clone());
        Ok(())
    }
}

/// A machine with nothing on it.
struct Bare;

impl Desk for Bare {
    fn kubeconfigs(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn read(&self, _: &Path) -> error::Result<Option<String>> {
        Ok(None)
    }

    fn replace(&self, _: Replacement) -> BoxFuture<'_, error::Result<Replaced>> {
        Box::pin(async { closed(None, "desk") })
    }

    fn kubectl(&self, _: &[PathBuf], _: &str) -> BoxFuture<'_, error::Result<kube::Client>> {
        Box::pin(async { closed(None, "desk") })
    }
}

struct Nobody;

impl Operator for Nobody {
    fn ask(&self, question: Question) -> BoxFuture<'_, error::Result<Answer>> {
        Box::pin(async move {
            Err(error::Error::new(
                Kind::NeedsAnswer,
                format!("nobody to ask: {}", question.text),
            ))
        })
    }
}
