//! What a function has to be allowed to do outside, wherever that is judged.

use std::fmt;

/// One permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Of Google's IAM, on the cluster's project: `container.clusters.update`.
    Iam(&'static str),
    /// Of Kubernetes: a verb, a resource (`pods/exec`, `leases.coordination.k8s.io`), and where.
    Kubernetes(&'static str, &'static str, Where),
    /// A scope of the hub's token.
    Hub(&'static str),
    /// That its owner is an admin of the hub, which the configurator asks for.
    HubAdmin,
    /// That registries of images can be asked.
    Registry,
    /// Reading a repository on GitHub.
    GitHubRead,
    /// Proposing a change there.
    GitHubPropose,
    /// The operator's own files.
    Desk,
}

/// Where in a cluster something is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Where {
    /// What is in no namespace, or in all of them.
    Cluster,
    /// In each namespace the target watches.
    Watched,
    /// In the namespace in which a team keeps its lease and its debts.
    Home,
    /// In the hub's.
    Hub,
    /// In `kube-system`.
    System,
}

impl Need {
    /// Whether it is for changing something.
    pub fn changes(&self) -> bool {
        match self {
            Self::Iam(permission) => permission.ends_with(".update"),
            Self::Kubernetes(verb, ..) => !["get", "list", "watch"].contains(verb),
            Self::Hub(_)
            | Self::HubAdmin
            | Self::Registry
            | Self::GitHubRead
            | Self::GitHubPropose
            | Self::Desk => false,
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iam(permission) => f.write_str(permission),
            Self::Kubernetes(verb, resource, _) => write!(f, "{verb} {resource}"),
            Self::Hub(scope) => f.write_str(scope),
            Self::HubAdmin => f.write_str("an admin of the hub"),
            Self::Registry => f.write_str("registries of images"),
            Self::GitHubRead => f.write_str("reading the repository"),
            Self::GitHubPropose => f.write_str("proposing a change"),
            Self::Desk => f.write_str("files of this machine"),
        }
    }
}
