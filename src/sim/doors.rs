//! The practice world's doors: the same rooms go through them as through the live ones.

use std::sync::Arc;

use futures::future::BoxFuture;
use google_cloud_container_v1::client::ClusterManager;
use tower::Layer as _;

use super::copy::Shut;
use super::fault::Trouble;
use super::handle::Sim;
use super::{Practice, apiserver, door, github, hub, iam, registry};
use crate::error::{self, Kind};
use crate::names::Need;
use crate::world::github::no_token;
use crate::world::secret::Secret;
use crate::world::{Desk, Doors, GitHub, Http};

impl Practice {
    /// Whether a copy has something behind this door.
    ///
    /// # Errors
    /// What whoever opens it meets there, or that nobody has looked behind it.
    fn open(&self, door: &str) -> error::Result<bool> {
        let origin = self.0.origin.as_ref();
        match origin.and_then(|origin| origin.shut.get(door)) {
            None => Ok(true),
            Some(Shut::Absent) => Ok(false),
            Some(Shut::Failed(error)) => Err(error.clone()),
            Some(Shut::Unseen) => {
                let what = format!("what is behind the door `{door}`: nobody has looked there");
                self.0.sim.change(|state, _| state.beyond(&what));
                Err(error::Error::new(
                    Kind::Refused,
                    format!("a copy does not know {what}"),
                ))
            }
        }
    }
}

impl Doors for Practice {
    fn beyond(&self) -> Option<String> {
        self.0.origin.as_ref()?;
        self.0
            .sim
            .change(|state, _| state.origin.as_ref()?.beyond.clone())
    }

    fn denied(&self, need: Need) -> Option<error::Error> {
        let origin = self.0.origin.as_ref()?;
        origin.denied.get(&need.to_string()).cloned()
    }

    fn gke(&self) -> BoxFuture<'_, error::Result<ClusterManager>> {
        let opened = self.open("gke");
        let client = self
            .0
            .gke
            .get_or_init(|| ClusterManager::from_stub::<Sim>(Arc::new(self.0.sim.clone())));
        Box::pin(async move { opened.map(|_| client.clone()) })
    }

    fn k8s(&self) -> BoxFuture<'_, error::Result<kube::Client>> {
        Box::pin(async {
            self.open("k8s")?;
            let client = self.0.k8s.get_or_init(|| {
                let service = door::service(apiserver::router(self.0.sim.clone()));
                kube::Client::new(self.record("k8s").layer(service), "default")
            });
            Ok(client.clone())
        })
    }

    fn hub(&self) -> BoxFuture<'_, error::Result<Option<Http>>> {
        let token = Secret::new(format!("token {}", hub::TOKEN));
        let hub = self.http("hub", hub::ADDRESS, Some(token), hub::router);
        let opened = self.open("hub");
        Box::pin(async move { Ok(opened?.then_some(hub)) })
    }

    fn web(&self, base: &str) -> BoxFuture<'_, error::Result<Http>> {
        let web = self.http("web", base, None, registry::router);
        Box::pin(async { Ok(web) })
    }

    fn iam(&self) -> BoxFuture<'_, error::Result<Http>> {
        let iam = self.http("iam", iam::ADDRESS, None, iam::router);
        Box::pin(async { Ok(iam) })
    }

    fn github(&self) -> BoxFuture<'_, error::Result<GitHub>> {
        Box::pin(async {
            self.open("github")?;
            let strikes = |trouble| self.0.sim.change(|state, at| state.strikes(trouble, at));
            if strikes(Trouble::TokenMissing) {
                return Err(no_token(
                    "neither GH_TOKEN nor GITHUB_TOKEN is set, and `gh` has none",
                ));
            }
            let token = self.0.sim.change(|state, at| state.github_token(at));
            let service = door::service(github::router(self.0.sim.clone()));
            let record = self.record("github");
            GitHub::new(github::ADDRESS, &Secret::new(token), service, &record)
        })
    }

    fn desk(&self) -> &dyn Desk {
        self
    }

    fn renew(&self) -> BoxFuture<'_, error::Result<()>> {
        self.0.sim.renew();
        Box::pin(async { Ok(()) })
    }
}
