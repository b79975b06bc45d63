//! What a runbook needs from Kubernetes: nodes of a pool, who works on them, image pullers, and
//! the waits until a pool is warm or gone; the lease that says who is changing the cluster, and the
//! debts that say what is still to be given back, and what one run tells a later one.
//!
//! Every plain request goes through one `call`, every watch through one `watch`, and both judge
//! failures alike. Never keeps a whole object, never drains nor deletes what is not its own, and never
//! knows GKE: that
//! a node *should* come or go is told by the caller.

mod autoscaler;
mod budget;
mod call;
mod debt;
mod error;
mod follow;
mod hold;
mod kept;
pub mod kubeconfig;
mod lease;
mod leave;
mod logs;
mod look;
mod may;
mod memory;
mod metrics;
mod named;
mod node;
mod object;
mod overview;
mod puller;
mod services;
mod shell;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod user;
mod watch;
mod why;

pub mod pods;
pub mod warm;

pub use autoscaler::{Group, Present, groups, present};
pub use debt::{Debt, close_debt, complete_debt, debts, debts_now, open_debt};
pub use hold::{Held, Hold, Holding, hold_image, holding};
pub use lease::{Claim, Lease, lease, put_lease};
pub use leave::{Activity, Crowd, Gone, Leave, crowd, wait_gone, wait_idle};
pub use logs::{LogOptions, Told, logs};
pub use look::{Aliases, look};
pub use may::{Server, may, server, whoami};
pub use memory::{recall, remember};
pub use metrics::Usage;
pub use named::{NamedPod, pod_named};
pub use node::{Node, PoolNodes, cordon, nodes, pool_nodes, uncordon};
pub use overview::{NodeOverview, NodeRow, node_overview};
pub use puller::{Puller, puller};
pub use services::{NamespaceRow, ServiceRow, namespaces, services};
pub use shell::{Command, shell};
pub use user::{UserPod, users};
