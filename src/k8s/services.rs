//! Services and namespaces, as `kubectl get` shows them.

use k8s_openapi::api::core::v1;
use serde::Serialize;

use super::pods::{Where, places};
use super::table::table;
use crate::error;
use crate::world::World;

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceRow {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `ClusterIP`, `LoadBalancer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its address in the cluster.
    pub cluster_ip: String,
    /// Its address outside; `<none>` or `<pending>` when it has none.
    pub external_ip: String,
    /// `80/TCP,443:30443/TCP`.
    pub ports: String,
    /// `19d`.
    pub age: String,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamespaceRow {
    /// Its name.
    pub name: String,
    /// `Active`, `Terminating`.
    pub status: String,
    /// `19d`.
    pub age: String,
}

/// The services of these namespaces, by namespace and name.
///
/// # Errors
/// When they cannot be listed.
pub async fn services(world: &World, place: &Where) -> error::Result<Vec<ServiceRow>> {
    let columns = [
        "Name",
        "Type",
        "Cluster-IP",
        "External-IP",
        "Port(s)",
        "Age",
    ];
    let mut services = Vec::new();
    for place in places(world, place).await? {
        let namespace = &place.namespace;
        let row = |[name, kind, cluster_ip, external_ip, ports, age]: [String; 6]| ServiceRow {
            namespace: namespace.clone(),
            name,
            kind,
            cluster_ip,
            external_ip,
            ports,
            age,
        };
        services.extend(table::<v1::Service, _, 6>(world, Some(namespace), columns, row).await?);
    }
    services.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(services)
}

/// Every namespace, by name.
///
/// # Errors
/// When they cannot be listed.
pub async fn namespaces(world: &World) -> error::Result<Vec<NamespaceRow>> {
    let row = |[name, status, age]: [String; 3]| NamespaceRow { name, status, age };
    let mut rows =
        table::<v1::Namespace, _, 3>(world, None, ["Name", "Status", "Age"], row).await?;
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(rows)
}
