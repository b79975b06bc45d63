//! What the cluster autoscaler says of a pool, in the one `ConfigMap` it publishes.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use serde::Serialize;

use super::call::call;
use super::error::{Error, Request};
use super::node;
use crate::error;
use crate::world::World;

pub(super) const NAMESPACE: &str = "kube-system";
pub(super) const NAME: &str = "cluster-autoscaler-status";

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
    let status = status(world).await?.unwrap_or_default();
    let targets = targets(&status, &world.target().cluster.cluster, pool);
    let total = |zones: &[u32]| zones.iter().sum::<u32>();
    let fullest = |zones: &[u32]| zones.iter().copied().max().unwrap_or(0);
    Ok(Present {
        total: total(&nodes).max(total(&targets)),
        fullest: fullest(&nodes).max(fullest(&targets)),
    })
}

/// What the autoscaler has published; none where it publishes nothing, or may not be read.
async fn status(world: &World) -> Result<Option<String>, Error> {
    let request = Request {
        verb: "get",
        resource: "configmaps".to_owned(),
        namespace: Some(NAMESPACE.to_owned()),
        name: Some(NAME.to_owned()),
    };
    let map = call(world, &request, async |client| {
        Api::<ConfigMap>::namespaced(client, NAMESPACE)
            .get(NAME)
            .await
    });
    match map.await {
        Ok(map) => Ok(map.data.and_then(|mut data| data.remove("status"))),
        Err(failure) if matches!(failure.code(), Some(403 | 404)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// One instance group (a pool has one in each zone), as the autoscaler sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The address of the instance group.
    pub name: String,
    /// The pool, as far as the name tells.
    pub pool: String,
    /// The zone.
    pub zone: String,
    /// `Healthy`, `Unhealthy`.
    pub health: String,
    /// How many nodes it is told to have.
    pub target: Option<u32>,
    /// It is never made smaller.
    pub minimum: Option<u32>,
    /// It is never made larger.
    pub maximum: Option<u32>,
    /// `NoActivity`, `InProgress`, `Backoff`.
    pub scale_up: String,
    /// `NoCandidates`, `CandidatesPresent`.
    pub scale_down: String,
    /// Why it backs off: `GCE_STOCKOUT: ...`.
    pub why: String,
}

/// What the autoscaler says of every instance group, by pool and zone; nothing where it publishes
/// nothing, or may not be read.
///
/// # Errors
/// When the API server does not answer.
pub async fn groups(world: &World) -> error::Result<Vec<Group>> {
    let status = status(world).await?.unwrap_or_default();
    let cluster = &world.target().cluster.cluster;
    let mut groups = read(&status);
    for group in &mut groups {
        let stem = stem(&group.name).unwrap_or(&group.name);
        let pool = stem.strip_prefix(cluster.as_str());
        let pool = pool.and_then(|rest| rest.strip_prefix('-')).unwrap_or(stem);
        group.pool = pool.to_owned();
        let zone = group.name.split("/zones/").nth(1);
        let zone = zone.and_then(|rest| rest.split('/').next());
        group.zone = zone.unwrap_or_default().to_owned();
    }
    groups.sort_by(|a, b| (&a.pool, &a.zone).cmp(&(&b.pool, &b.zone)));
    Ok(groups)
}

/// Every instance group of a status. Reads both shapes the autoscaler has written: YAML since
/// 1.30, lines of text before.
fn read(status: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut section = String::new();
    for line in status.lines() {
        let line = line.trim().trim_start_matches("- ");
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let (key, value) = (key.to_ascii_lowercase(), value.trim().trim_matches('"'));
        if key == "name" {
            groups.push(Group {
                name: value.to_owned(),
                ..Group::default()
            });
            continue;
        }
        let Some(group) = groups.last_mut() else {
            continue;
        };
        let word = value.split(' ').next().unwrap_or_default();
        match key.as_str() {
            "health" | "scaleup" | "scaledown" => {
                section.clone_from(&key);
                group.say(&section, word);
                for (name, number) in [
                    ("cloudProviderTarget=", &mut group.target),
                    ("minSize=", &mut group.minimum),
                    ("maxSize=", &mut group.maximum),
                ] {
                    if let Some((_, rest)) = value.split_once(name) {
                        *number = count(rest);
                    }
                }
            }
            "status" => group.say(&section, word),
            "cloudprovidertarget" => group.target = count(value),
            "minsize" => group.minimum = count(value),
            "maxsize" => group.maximum = count(value),
            "errorcode" => value.clone_into(&mut group.why),
            "errormessage" => group.why = format!("{}: {value}", group.why),
            _ => {}
        }
    }
    groups
}

impl Group {
    fn say(&mut self, section: &str, word: &str) {
        match section {
            "health" => word.clone_into(&mut self.health),
            "scaleup" => word.clone_into(&mut self.scale_up),
            "scaledown" => word.clone_into(&mut self.scale_down),
            _ => {}
        }
    }
}

fn count(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.get(..end.unwrap_or(text.len()))?.parse().ok()
}

/// The targets of `pool`'s instance groups, one a zone.
fn targets(status: &str, cluster: &str, pool: &str) -> Vec<u32> {
    let groups = read(status).into_iter();
    let ours = groups.filter(|group| is_of(&group.name, cluster, pool));
    ours.filter_map(|group| group.target).collect()
}

/// `CLUSTER-POOL` of an instance group, `.../gke-CLUSTER-POOL-HASH-grp`.
fn stem(group: &str) -> Option<&str> {
    let name = group.rsplit('/').next().unwrap_or(group);
    let name = name.strip_prefix("gke-")?.strip_suffix("-grp")?;
    name.rsplit_once('-').map(|(stem, _hash)| stem)
}

/// Whether an instance group is one of the pool's. GKE cuts
/// long names, so the start of the cluster's name will do.
fn is_of(group: &str, cluster: &str, pool: &str) -> bool {
    stem(group)
        .and_then(|stem| stem.strip_suffix(pool))
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
    fn both_shapes_say_the_same_of_a_group() {
        let text = format!(
            "NodeGroups:\n  Name:        {MIG}/gke-c-p-99aabbcc-grp\n  \
             Health:      Healthy (ready=1 cloudProviderTarget=3 (minSize=1, maxSize=5))\n               \
             LastProbeTime:      2024-01-01 10:00:00.5 +0000 UTC\n  \
             ScaleUp:     Backoff (ready=1 cloudProviderTarget=3)\n  \
             ScaleDown:   NoCandidates (candidates=0)\n"
        );
        let yaml = format!(
            "nodeGroups:\n- name: {MIG}/gke-c-p-99aabbcc-grp\n  health:\n    status: Healthy\n    \
             cloudProviderTarget: 3\n    minSize: 1\n    maxSize: 5\n  scaleUp:\n    \
             status: Backoff\n    backoffInfo:\n      errorCode: GCE_STOCKOUT\n      \
             errorMessage: 'no: machines'\n  scaleDown:\n    status: NoCandidates\n"
        );
        let mut yaml = read(&yaml);
        assert_eq!(yaml[0].why, "GCE_STOCKOUT: 'no: machines'");
        yaml[0].why.clear();
        assert_eq!(read(&text), yaml);
        assert_eq!(yaml[0].scale_up, "Backoff");
        assert_eq!(
            (yaml[0].minimum, yaml[0].target, yaml[0].maximum),
            (Some(1), Some(3), Some(5))
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
