//! What a runbook needs from Kubernetes: nodes of a pool, who works on them, image pullers, and
//! the wait until a pool is warm; and the lease that says who is changing the cluster.
//!
//! Every plain request goes through one `call`, every watch through one `watch`, and both judge
//! failures alike. Never keeps a whole object, never drains or deletes, and never knows GKE: that
//! a node *should* come is told by the caller.

mod autoscaler;
mod call;
mod error;
mod image;
mod lease;
mod node;
mod object;
mod puller;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod user;
mod watch;
mod why;

pub mod warm;

pub use autoscaler::{Present, present};
pub use lease::{Claim, Lease, lease, put_lease};
pub use node::{Node, nodes, uncordon};
pub use puller::{Puller, puller};
pub use user::{UserPod, users};
