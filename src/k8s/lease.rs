//! The lease by which one operator tells all others that the cluster is being changed.
//!
//! Reading and writing it only; what its state means for a run is decided elsewhere. A lease is
//! written as it was read or not at all: of two who take it at once, one is told to look again.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::PostParams;
use kube::{Api, Resource as _};

use super::call::{Scope, once};
use super::error::Request;
use super::object::{LeaseObject, LeaseSpec, Slim as _};
use crate::error;
use crate::world::World;

/// One per cluster.
pub(super) const NAME: &str = "runbook";

/// Whoever has not renewed it for so long may have died.
const LASTS_SECONDS: i32 = 60;

/// What is kept beside the holder's name.
const RUN: &str = "runbook/run";
const RUNBOOK: &str = "runbook/runbook";
const STEP: &str = "runbook/step";

/// Who wants the lease, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// `ann@laptop`.
    pub holder: String,
    /// The run's id.
    pub run: String,
    /// The runbook's name.
    pub runbook: String,
    /// The heading the run has come to.
    pub step: String,
}

/// The lease, as it was read or is to be written.
#[derive(Debug, Clone)]
pub struct Lease(LeaseObject);

impl Lease {
    /// The lease in the claimant's hands, from the one that was found, if any.
    #[must_use]
    pub fn taken(found: Option<Self>, claim: &Claim, now: Timestamp) -> Self {
        let before = found.unwrap_or_else(|| {
            let spec = LeaseSpec::default();
            Self(LeaseObject::new(NAME, &LeaseObject::resource(), spec))
        });
        let transitions = before.0.spec.lease_transitions;
        let mut taken = before;
        taken.0.spec = LeaseSpec {
            holder_identity: Some(claim.holder.clone()),
            lease_duration_seconds: Some(LASTS_SECONDS),
            acquire_time: Some(MicroTime(now)),
            renew_time: None,
            lease_transitions: Some(transitions.map_or(0, |count| count.saturating_add(1))),
        };
        taken.renewed(claim, now)
    }

    /// The same, alive now.
    #[must_use]
    pub fn renewed(mut self, claim: &Claim, now: Timestamp) -> Self {
        self.0.spec.renew_time = Some(MicroTime(now));
        let annotations = self.0.metadata.annotations.get_or_insert_default();
        for (key, value) in [
            (RUN, &claim.run),
            (RUNBOOK, &claim.runbook),
            (STEP, &claim.step),
        ] {
            annotations.insert(key.to_owned(), value.clone());
        }
        self
    }

    /// The same, in nobody's hands; who had it last, and for what, can still be read.
    #[must_use]
    pub fn released(mut self, now: Timestamp) -> Self {
        self.0.spec.holder_identity = None;
        self.0.spec.renew_time = Some(MicroTime(now));
        self
    }

    /// Who holds it.
    pub fn holder(&self) -> Option<&str> {
        let holder = self.0.spec.holder_identity.as_deref();
        holder.filter(|holder| !holder.is_empty())
    }

    /// The run that holds it, or was the last to.
    pub fn run(&self) -> &str {
        self.annotation(RUN)
    }

    /// That run's runbook.
    pub fn runbook(&self) -> &str {
        self.annotation(RUNBOOK)
    }

    /// The last heading it is known to have come to.
    pub fn step(&self) -> &str {
        self.annotation(STEP)
    }

    fn annotation(&self, key: &str) -> &str {
        let annotations = self.0.metadata.annotations.as_ref();
        annotations
            .and_then(|all| all.get(key))
            .map_or("", String::as_str)
    }

    /// Since when it has been held.
    pub fn acquired(&self) -> Option<Timestamp> {
        self.0.spec.acquire_time.as_ref().map(|time| time.0)
    }

    /// When its holder was last heard from.
    pub fn heard(&self) -> Option<Timestamp> {
        let renewed = self.0.spec.renew_time.as_ref().map(|time| time.0);
        renewed.or_else(|| self.acquired())
    }

    /// Whether its holder has been silent for too long.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        let seconds = self.0.spec.lease_duration_seconds.unwrap_or(LASTS_SECONDS);
        let lasts = Duration::from_secs(seconds.try_into().unwrap_or_default());
        self.heard()
            .is_none_or(|heard| heard.saturating_add(lasts).is_ok_and(|end| end < now))
    }
}

fn request(verb: &'static str, namespace: &str) -> Request {
    let name = (verb != "create").then(|| NAME.to_owned());
    Request {
        name,
        ..scope(namespace).request::<LeaseObject>(verb)
    }
}

fn scope(namespace: &str) -> Scope {
    Scope {
        namespace: Some(namespace.to_owned()),
        labels: String::new(),
    }
}

async fn api(world: &World, namespace: &str) -> error::Result<Api<LeaseObject>> {
    Ok(scope(namespace).api(world.doors().k8s().await?))
}

/// The cluster's lease, if there is one. Asked once: whoever must know tries again.
///
/// # Errors
/// When it cannot be read.
pub async fn lease(world: &World, namespace: &str) -> error::Result<Option<Lease>> {
    let api = api(world, namespace).await?;
    match once(world, &request("get", namespace), api.get(NAME)).await {
        Ok(found) => Ok(Some(Lease(found))),
        Err(missing) if missing.code() == Some(404) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Writes the lease, unless somebody has written it since it was read; says whether it did.
/// Harmless to repeat: an answer that was lost on its way looks like `false` the next time, and
/// whoever is told that reads again.
///
/// # Errors
/// When it cannot be written.
pub async fn put_lease(world: &World, namespace: &str, lease: &Lease) -> error::Result<bool> {
    let api = api(world, namespace).await?;
    let params = PostParams::default();
    let written = if lease.0.meta().resource_version.is_none() {
        let create = api.create(&params, &lease.0);
        once(world, &request("create", namespace), create).await
    } else {
        let update = api.replace(NAME, &params, &lease.0);
        once(world, &request("update", namespace), update).await
    };
    match written {
        Ok(_) => Ok(true),
        Err(late) if late.code() == Some(409) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
