//! What each function has to be allowed to do outside: what a look at a target has to see, and what
//! `doctor` asks for, follow from it.

use crate::names::Need::{
    self, Desk, GitHubPropose, GitHubRead, Hub, HubAdmin, Iam, Kubernetes, Registry,
};
use crate::names::Where::{Cluster, Home, Hub as AtHub, System, Watched};

const GET: Need = Iam("container.clusters.get");
const UPDATE: [Need; 4] = [
    GET,
    Iam("container.clusters.update"),
    Iam("container.operations.get"),
    Iam("container.operations.list"),
];
const NODES: Need = Kubernetes("list", "nodes", Cluster);
const WATCH_NODES: Need = Kubernetes("watch", "nodes", Cluster);
const PODS: Need = Kubernetes("list", "pods", Watched);
const WATCH_PODS: Need = Kubernetes("watch", "pods", Watched);
const ALL_PODS: Need = Kubernetes("list", "pods", Cluster);
const WATCH_ALL_PODS: Need = Kubernetes("watch", "pods", Cluster);
const BUDGETS: Need = Kubernetes("list", "poddisruptionbudgets.policy", Cluster);
const EVENTS: Need = Kubernetes("list", "events", Cluster);
const DAEMONS: Need = Kubernetes("list", "daemonsets.apps", Watched);
const AUTOSCALER: Need = Kubernetes("get", "configmaps", System);
const KEPT: Need = Kubernetes("get", "configmaps", Home);
const KEEP: [Need; 3] = [
    KEPT,
    Kubernetes("create", "configmaps", Home),
    Kubernetes("patch", "configmaps", Home),
];
const USERS: [Need; 3] = [
    Hub("list:users"),
    Hub("read:servers"),
    Hub("read:users:activity"),
];
/// When people were last active, where a hub tells; without it they are taken to be at work.
const ACTIVITY: Need = Hub("");
const OVERVIEW: [Need; 3] = [NODES, PODS, AUTOSCALER];

/// What every run needs that may change a cluster: its lock.
pub const LOCK: &[Need] = &[
    Kubernetes("get", "leases.coordination.k8s.io", Home),
    Kubernetes("create", "leases.coordination.k8s.io", Home),
    Kubernetes("update", "leases.coordination.k8s.io", Home),
];

/// By function; those that are not named need nothing.
const NEEDS: &[(&str, &[Need])] = &[
    ("debt::list", &[KEPT]),
    ("debt::open", &KEEP),
    ("debt::complete", &KEEP),
    ("debt::close", &KEEP),
    ("memory::get", &[KEPT]),
    ("memory::put", &KEEP),
    ("gke::cluster", &[GET]),
    ("gke::pool", &[GET]),
    ("Pool.raise_limits", &UPDATE),
    ("Pool.set_limits", &UPDATE),
    (
        "Pool.grow",
        &[
            UPDATE[0], UPDATE[1], UPDATE[2], UPDATE[3], NODES, AUTOSCALER,
        ],
    ),
    (
        "Pool.shrink",
        &[
            UPDATE[0], UPDATE[1], UPDATE[2], UPDATE[3], NODES, AUTOSCALER,
        ],
    ),
    ("k8s::nodes", &[NODES]),
    ("k8s::users", &[NODES, PODS]),
    ("k8s::size", &[NODES, AUTOSCALER]),
    ("k8s::people", &[NODES, PODS, ACTIVITY]),
    ("k8s::pods", &[PODS, EVENTS]),
    ("k8s::pod", &[PODS]),
    ("k8s::watch_pods", &[PODS, WATCH_PODS, EVENTS]),
    ("k8s::node_overview", &OVERVIEW),
    ("k8s::autoscaler", &[AUTOSCALER]),
    ("k8s::services", &[Kubernetes("list", "services", Watched)]),
    (
        "k8s::namespaces",
        &[Kubernetes("list", "namespaces", Cluster)],
    ),
    ("k8s::logs", &[Kubernetes("get", "pods/log", Watched)]),
    ("k8s::shell", &[Kubernetes("create", "pods/exec", Watched)]),
    ("k8s::cordon", &[Kubernetes("patch", "nodes", Cluster)]),
    ("k8s::uncordon", &[Kubernetes("patch", "nodes", Cluster)]),
    ("k8s::warm", &[NODES, PODS, DAEMONS]),
    (
        "k8s::wait_warm",
        &[
            NODES,
            WATCH_NODES,
            PODS,
            WATCH_PODS,
            EVENTS,
            DAEMONS,
            AUTOSCALER,
        ],
    ),
    (
        "k8s::wait_idle",
        &[NODES, ALL_PODS, WATCH_ALL_PODS, BUDGETS, ACTIVITY],
    ),
    (
        "k8s::wait_gone",
        &[
            NODES,
            WATCH_NODES,
            ALL_PODS,
            WATCH_ALL_PODS,
            BUDGETS,
            AUTOSCALER,
            ACTIVITY,
        ],
    ),
    ("k8s::holding", &[NODES]),
    (
        "k8s::hold_image",
        &[
            NODES,
            Kubernetes("create", "pods", AtHub),
            Kubernetes("watch", "pods", AtHub),
            Kubernetes("delete", "pods", AtHub),
        ],
    ),
    ("kubectl::access", &[GET, Desk]),
    ("kubectl::write", &[GET, Desk]),
    (
        "kubectl::prove",
        &[GET, Desk, Kubernetes("list", "namespaces", Cluster)],
    ),
    ("hub::configured", &[]),
    ("hub::health", &[Hub("")]),
    ("hub::servers", &USERS),
    ("hub::users", &USERS),
    (
        "hub::image",
        &[HubAdmin, Hub("access:services!service=configurator")],
    ),
    (
        "hub::set_image",
        &[HubAdmin, Hub("access:services!service=configurator")],
    ),
    (
        "hub::check_server",
        &[
            Hub("admin:users!user={user}"),
            Hub("servers!user={user}"),
            Hub("access:servers!user={user}"),
        ],
    ),
    ("registry::inspect", &[Registry]),
    ("github::file", &[GitHubRead]),
    ("File.adding", &[GitHubRead]),
    ("File.propose", &[GitHubPropose]),
    ("github::standing", &[GitHubRead]),
    ("github::follow", &[GitHubRead]),
];

/// What a function needs.
pub fn needs(function: &str) -> &'static [Need] {
    let found = NEEDS.iter().find(|(name, _)| *name == function);
    found.map_or(&[], |(_, needs)| needs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Class;

    #[test]
    fn whatever_goes_outside_says_what_it_needs() {
        let all: Vec<_> = crate::api::functions().iter().copied().flatten().collect();
        for function in &all {
            let name = function.signature.name;
            let known = NEEDS.iter().any(|(known, _)| *known == name);
            let outside = !matches!(function.signature.class, Class::Local | Class::Ask);
            assert_eq!(known, outside, "{name}");
        }
        for (name, _) in NEEDS {
            assert!(all.iter().any(|f| f.signature.name == *name), "{name}");
        }
    }
}
