//! What the cluster autoscaler says of a pool, in the one `ConfigMap` it publishes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;

use super::call::call;
use super::error::Request;
use super::node;
use crate::error;
use crate::world::World;

const NAMESPACE: &str = "kube-system";
const NAME: &str = "cluster-autoscaler-status";

/// How many nodes a pool has or has been told to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// In all zones together.
    pub total: u32,
    /// In the zone that has most.
    pub fullest: u32,
}

/// How many nodes `pool` has or has been told to have: the greater of its node objects and the
/// autoscaler's target. Where the autoscaler publishes nothing, or may not be read: node objects.
///
/// # Errors
/// When nodes cannot be listed.
pub async fn present(world: &World, pool: &str) -> error::Result<Present> {
    let mut zones: BTreeMap<String, u32> = BTreeMap::new();
    for node in node::nodes(world, pool).await? {
        *zones.entry(node.zone).or_default() += 1;
    }
    let nodes: Vec<u32> = zones.into_values().collect();
    let request = Request {
        verb: "get",
        resource: "configmaps".to_owned(),
        namespace: Some(NAMESPACE.to_owned()),
        name: Some(NAME.to_owned()),
    };
    let status = call(world, &request, async |client| {
        Api::<ConfigMap>::namespaced(client, NAMESPACE)
            .get(NAME)
            .await
    })
    .await;
    let targets = match status {
        Ok(map) => map
            .data
            .and_then(|mut data| data.remove("status"))
            .map(|status| targets(&status, &world.target().cluster.cluster, pool))
            .unwrap_or_default(),
        Err(failure) if matches!(failure.code(), Some(403 | 404)) => Vec::new(),
        Err(failure) => return Err(failure.into()),
    };
    let total = |zones: &[u32]| zones.iter().sum::<u32>();
    let fullest = |zones: &[u32]| zones.iter().copied().max().unwrap_or(0);
    Ok(Present {
        total: total(&nodes).max(total(&targets)),
        fullest: fullest(&nodes).max(fullest(&targets)),
    })
}

/// The targets of `pool`'s instance groups (one a zone). Reads both shapes the
/// autoscaler has written: YAML since 1.30, lines of text before.
fn targets(status: &str, cluster: &str, pool: &str) -> Vec<u32> {
    let mut ours = false;
    let mut targets = Vec::new();
    for line in status.lines() {
        let line = line.trim().trim_start_matches("- ");
        let group = line
            .strip_prefix("name:")
            .or_else(|| line.strip_prefix("Name:"));
        if let Some(group) = group {
            ours = is_of(group.trim().trim_matches('"'), cluster, pool);
        } else if ours && let Some((_, rest)) = line.split_once("cloudProviderTarget") {
            let digits: String = rest
                .trim_start_matches(['=', ':', ' '])
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            if let Ok(count) = digits.parse::<u32>() {
                targets.push(count);
            }
        }
    }
    targets
}

/// Whether an instance group, `.../gke-CLUSTER-POOL-HASH-grp`, is one of the pool's. GKE cuts
/// long names, so the start of the cluster's name will do.
fn is_of(group: &str, cluster: &str, pool: &str) -> bool {
    let name = group.rsplit('/').next().unwrap_or(group);
    name.strip_prefix("gke-")
        .and_then(|rest| rest.strip_suffix("-grp"))
        .and_then(|rest| rest.rsplit_once('-'))
        .and_then(|(stem, _hash)| stem.strip_suffix(pool))
        .and_then(|rest| rest.strip_suffix('-'))
        .is_some_and(|start| !start.is_empty() && cluster.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIG: &str = "https://www.googleapis.com/compute/v1/projects/p/zones/z/instanceGroups";

    fn yaml() -> String {
        format!(
            "time: 2026-01-15 13:00:00.5 +0000 UTC\nautoscalerStatus: Running\nclusterWide:\n  \
             health:\n    status: Healthy\n    nodeCounts:\n      registered:\n        total: 3\n\
             nodeGroups:\n- name: {MIG}/gke-callysto-cluster-core-1a2b3c4d-grp\n  health:\n    \
             status: Healthy\n    cloudProviderTarget: 3\n    minSize: 1\n    maxSize: 5\n\
             - name: {MIG}/gke-callysto-cluster-nb-user-99aabbcc-grp\n  health:\n    status: \
             Healthy\n    nodeCounts:\n      registered:\n        total: 1\n    \
             cloudProviderTarget: 2\n    minSize: 0\n    maxSize: 20\n  scaleUp:\n    status: \
             InProgress\n- name: {MIG}/gke-callysto-cluster-nb-user-00ffee00-grp\n  health:\n    \
             cloudProviderTarget: 4\n"
        )
    }

    #[test]
    fn the_target_is_summed_over_the_pools_zones() {
        assert_eq!(
            targets(&yaml(), "callysto-cluster", "nb-user")
                .iter()
                .sum::<u32>(),
            6
        );
        assert_eq!(
            targets(&yaml(), "callysto-cluster", "core")
                .iter()
                .sum::<u32>(),
            3
        );
    }

    #[test]
    fn a_pool_is_not_taken_for_another_that_ends_alike() {
        assert_eq!(
            targets(&yaml(), "callysto-cluster", "user"),
            Vec::<u32>::new()
        );
        assert_eq!(
            targets(&yaml(), "callysto-cluster", "nb"),
            Vec::<u32>::new()
        );
        assert_eq!(targets(&yaml(), "other", "nb-user"), Vec::<u32>::new());
    }

    #[test]
    fn the_older_text_is_read_too() {
        let text = format!(
            "Cluster-autoscaler status at 2024-01-01 10:00:00.5 +0000 UTC:\nCluster-wide:\n  \
             Health:      Healthy (ready=7 unready=0 registered=7 longUnregistered=0)\n\n\
             NodeGroups:\n  Name:        {MIG}/gke-callysto-clu-nb-user-99aabbcc-grp\n  \
             Health:      Healthy (ready=1 unready=0 (resourceUnready=0) notStarted=0 \
             longNotStarted=0 registered=1 longUnregistered=0 cloudProviderTarget=3 \
             (minSize=1, maxSize=3))\n"
        );
        assert_eq!(
            targets(&text, "callysto-cluster", "nb-user")
                .iter()
                .sum::<u32>(),
            3
        );
    }

    #[test]
    fn nonsense_is_no_target() {
        assert_eq!(
            targets("name: x\ncloudProviderTarget: lots", "c", "p"),
            Vec::<u32>::new()
        );
    }
}
