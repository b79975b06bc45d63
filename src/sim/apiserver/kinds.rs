//! Which kinds are served, and under which names.

use super::metrics;

/// A kind of object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// As in a path: `pods`.
    pub(super) plural: &'static str,
    /// As in an object: `Pod`.
    pub(super) name: &'static str,
    /// Empty for the core group.
    pub(super) group: &'static str,
    pub(super) namespaced: bool,
    pub(super) short: &'static [&'static str],
    /// What a field selector may ask beside name and namespace.
    pub(super) fields: &'static [&'static str],
}

impl Kind {
    /// `v1` or `GROUP/VERSION`.
    pub(super) fn api_version(&self) -> String {
        match self.group {
            "" => "v1".to_owned(),
            group => format!("{group}/{}", version_of(group)),
        }
    }

    /// `pods` or `leases.coordination.k8s.io`, as messages name it.
    pub(super) fn qualified(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }
}

const fn kind(
    plural: &'static str,
    name: &'static str,
    group: &'static str,
    namespaced: bool,
    short: &'static [&'static str],
    fields: &'static [&'static str],
) -> Kind {
    Kind {
        plural,
        name,
        group,
        namespaced,
        short,
        fields,
    }
}

const EVENT_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

const POD_FIELDS: &[&str] = &[
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.phase",
    "status.podIP",
];

/// Every kind served.
pub(super) const KINDS: &[Kind] = &[
    kind("nodes", "Node", "", false, &["no"], &["spec.unschedulable"]),
    kind(
        "namespaces",
        "Namespace",
        "",
        false,
        &["ns"],
        &["status.phase"],
    ),
    kind("pods", "Pod", "", true, &["po"], POD_FIELDS),
    kind("events", "Event", "", true, &["ev"], EVENT_FIELDS),
    kind("configmaps", "ConfigMap", "", true, &["cm"], &[]),
    kind("secrets", "Secret", "", true, &[], &["type"]),
    kind("services", "Service", "", true, &["svc"], &[]),
    kind("daemonsets", "DaemonSet", "apps", true, &["ds"], &[]),
    kind("deployments", "Deployment", "apps", true, &["deploy"], &[]),
    kind("leases", "Lease", "coordination.k8s.io", true, &[], &[]),
    kind(
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        "policy",
        true,
        &["pdb"],
        &[],
    ),
    // Not stored, but worked out.
    kind("nodes", "NodeMetrics", metrics::GROUP, false, &[], &[]),
    kind("pods", "PodMetrics", metrics::GROUP, true, &[], &[]),
];

/// The one version in which a group is served.
pub(super) fn version_of(group: &str) -> &'static str {
    match group {
        metrics::GROUP => metrics::VERSION,
        _ => "v1",
    }
}

/// The groups beside the core one; of `authorization.k8s.io` nothing is stored.
pub(super) const GROUPS: &[&str] = &[
    "apps",
    "coordination.k8s.io",
    "policy",
    "authorization.k8s.io",
    metrics::GROUP,
];
