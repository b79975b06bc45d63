//! What is said of a lease, and of whoever holds it.

use jiff::Timestamp;

use crate::error::{Error, Kind};
use crate::k8s::Lease;
use crate::names::Took;
use crate::world::World;

/// Who holds it, or did.
pub(in crate::run) fn name(lease: &Lease) -> &str {
    lease.holder().unwrap_or("somebody")
}

/// `warm_up, run 20260115T130000Z-warm_up, step "Grow the pool"`, as far as it is known.
pub(in crate::run) fn deed(lease: &Lease) -> String {
    let mut parts = Vec::new();
    if !lease.runbook().is_empty() {
        parts.push(lease.runbook().to_owned());
    }
    if !lease.run().is_empty() {
        parts.push(format!("run {}", lease.run()));
    }
    if !lease.step().is_empty() {
        parts.push(format!("step \"{}\"", lease.step()));
    }
    if parts.is_empty() {
        return "it does not say what for".to_owned();
    }
    parts.join(", ")
}

/// `since 2026-01-15 13:00 UTC (4 min 12 s)`.
fn since(world: &World, then: Option<Timestamp>) -> String {
    let Some(then) = then else {
        return "since an unknown moment".to_owned();
    };
    let ago = Took(world.clock().since(then));
    format!("since {} UTC ({ago})", then.strftime("%Y-%m-%d %H:%M"))
}

fn cluster(world: &World) -> &str {
    &world.target().cluster.cluster
}

/// What a run waits for.
pub(super) fn awaited(world: &World, lease: &Lease) -> String {
    format!("the lock on {}, held by {}", cluster(world), name(lease))
}

/// What its holder does with it.
pub(super) fn doing(lease: &Lease) -> String {
    format!("{} is at {}", name(lease), deed(lease))
}

/// Another run has it.
pub(super) fn holds(world: &World, lease: &Lease) -> Error {
    let fact = format!(
        "{} holds the lock on {} {}: {}",
        name(lease),
        cluster(world),
        since(world, lease.acquired()),
        deed(lease)
    );
    Error::new(Kind::Refused, fact).hint(format!(
        "wait for it with `--wait`, or ask {} how long it will take",
        name(lease)
    ))
}

/// Another run took it away from this one.
pub(super) fn took(world: &World, lease: &Lease, run: &str) -> Error {
    let fact = match lease.holder() {
        Some(holder) => format!(
            "{holder} has taken over the lock on {}, {}: {}",
            cluster(world),
            since(world, lease.acquired()),
            deed(lease)
        ),
        None => format!(
            "another run had the lock on {} meanwhile: {}",
            cluster(world),
            deed(lease)
        ),
    };
    Error::new(Kind::Refused, fact).hint(format!(
        "agree who goes on; `runbook resume {run}` looks at the cluster again before it changes \
         anything"
    ))
}

/// Its holder has not been heard from for too long.
pub(super) fn silent(world: &World, lease: &Lease) -> String {
    format!(
        "{} holds the lock on {} and has been silent {}: {}. That run may have died half-way, or \
         be cut off and still at work. Take the lock over?",
        name(lease),
        cluster(world),
        since(world, lease.heard()),
        deed(lease)
    )
}

/// Leases may not be used.
pub(super) fn denied(namespace: &str, error: &Error) -> Error {
    let fact = format!(
        "the lock needs get, create and update on leases.coordination.k8s.io in namespace \
         {namespace}: {}",
        error.message
    );
    Error::new(Kind::Denied, fact).hint(format!(
        "ask for roles/container.developer on the project, or for an RBAC role with these three \
         verbs; `kubectl auth can-i update leases.coordination.k8s.io -n {namespace}` says when you \
         have it. `--no-lock` goes on without: then nothing keeps a second operator out"
    ))
}
