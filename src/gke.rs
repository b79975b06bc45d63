//! The GKE API as verbs: read a cluster and its pools, change a pool's limits and size, follow
//! operations to their end.
//!
//! A person says totals, GKE counts per zone; the arithmetic is done here. Every write looks
//! before it is sent again, waits visibly for whatever holds the cluster, and tells the journal
//! its operation's name under a shield. Removes nodes only where that is what was asked for,
//! never switches autoscaling off, never asks the operator, and never looks at Kubernetes.

mod access;
mod busy;
mod call;
mod cluster;
mod error;
mod limits;
mod look;
mod may;
pub mod operation;
mod pool;
mod reading;
mod size;
mod write;

#[cfg(test)]
mod tests;

pub use access::{Access, access};
pub use cluster::{Cluster, cluster};
pub use error::Error;
pub use limits::{limits_left_by, raise_limits, set_limits};
pub use look::look;
pub use may::permissions;
pub use operation::Operation;
pub use pool::{Limits, Pool, pool};
pub use size::{Present, grow, shrink, shrink_left_by};
