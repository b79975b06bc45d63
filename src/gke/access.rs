//! Where and by what name kubectl finds the cluster.

use super::cluster::describe;
use crate::error;
use crate::names::K8sEndpoint;
use crate::world::World;
use crate::world::address::Address;

/// What a kubeconfig needs to know of the cluster, as gcloud writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// `gke_PROJECT_LOCATION_CLUSTER`.
    pub name: String,
    /// `https://ADDRESS`.
    pub server: String,
    /// The cluster's certificate authority, base64 of PEM; none where a public one vouches for it.
    pub authority: Option<String>,
    /// The service account to act as.
    pub impersonate: Option<String>,
}

/// How kubectl gets at the target's cluster: by this endpoint, else by the target's own.
///
/// # Errors
/// When the cluster cannot be read or has no such endpoint.
pub async fn access(world: &World, endpoint: Option<K8sEndpoint>) -> error::Result<Access> {
    let target = world.target();
    let found = describe(world).await?;
    let endpoint = endpoint.unwrap_or(target.k8s_endpoint);
    let address = Address::of(&found, &target.cluster, endpoint)?;
    let (project, cluster) = (&target.cluster.project, &target.cluster.cluster);
    let location = &target.cluster.location;
    Ok(Access {
        name: format!("gke_{project}_{location}_{cluster}"),
        server: format!("https://{}", address.host),
        authority: address.authority.filter(|authority| !authority.is_empty()),
        impersonate: target.impersonate.clone(),
    })
}
