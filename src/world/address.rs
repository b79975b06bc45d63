//! Where a cluster's Kubernetes API answers, out of GKE's description of the cluster.

use google_cloud_container_v1::model;

use crate::error::{Error, Kind, Result};
use crate::names::{ClusterName, K8sEndpoint};

/// Where a cluster answers, and how to know that it is the one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Name or address, with its port if it has one.
    pub(crate) host: String,
    /// Its own certificate authority, base64; none where a public one vouches for it.
    pub(crate) authority: Option<String>,
}

impl Address {
    /// The address that was asked for.
    ///
    /// # Errors
    /// When the cluster has none of that kind, or does not let it be used.
    pub(crate) fn of(
        found: &model::Cluster,
        name: &ClusterName,
        which: K8sEndpoint,
    ) -> Result<Self> {
        let endpoints = found.control_plane_endpoints_config.as_ref();
        let ip = endpoints.and_then(|e| e.ip_endpoints_config.as_ref());
        let dns = endpoints.and_then(|e| e.dns_endpoint_config.as_ref());
        let dns_name = dns.map_or("", |dns| dns.endpoint.as_str());
        let ip_off = ip.is_some_and(|ip| ip.enabled != Some(true)) && !dns_name.is_empty();
        let lacks = |what: &str, hint: &str| {
            Err(Error::new(Kind::Config, format!("cluster {name} has no {what}")).hint(hint))
        };
        let (host, public) = match which {
            K8sEndpoint::Ip if !ip_off => (found.endpoint.as_str(), false),
            K8sEndpoint::Ip | K8sEndpoint::Dns => {
                if dns.is_some_and(|dns| dns.allow_external_traffic != Some(true)) {
                    return Err(closed_dns(name));
                }
                (dns_name, true)
            }
            K8sEndpoint::Internal => (ip.map_or("", |ip| ip.private_endpoint.as_str()), false),
        };
        match (host, which) {
            ("", K8sEndpoint::Ip) => lacks(
                "endpoint yet; it may still be starting",
                "see `gcloud container clusters list` for its status, then run it again",
            ),
            ("", K8sEndpoint::Dns) => lacks("DNS endpoint", "reach it by its IP endpoint"),
            ("", K8sEndpoint::Internal) => {
                lacks("private endpoint", "reach it by its IP or DNS endpoint")
            }
            (host, _) => Ok(Self {
                host: host.to_owned(),
                authority: (!public).then(|| authority(found)),
            }),
        }
    }
}

fn closed_dns(name: &ClusterName) -> Error {
    let message = format!("cluster {name} does not let its DNS endpoint be used from outside");
    Error::new(Kind::Config, message).hint(format!(
        "allow it: `gcloud container clusters update {} --project={} --location={} \
         --enable-dns-access`",
        name.cluster, name.project, name.location
    ))
}

fn authority(found: &model::Cluster) -> String {
    let auth = found.master_auth.as_ref();
    auth.map(|auth| auth.cluster_ca_certificate.clone())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn name() -> ClusterName {
        ClusterName {
            project: "p".to_owned(),
            location: "l".to_owned(),
            cluster: "c".to_owned(),
        }
    }

    fn found(endpoints: &serde_json::Value) -> model::Cluster {
        serde_json::from_value(json!({
            "endpoint": "203.0.113.7",
            "masterAuth": { "clusterCaCertificate": "Q0E=" },
            "controlPlaneEndpointsConfig": endpoints,
        }))
        .unwrap()
    }

    fn at(endpoints: &serde_json::Value, which: K8sEndpoint) -> Result<(String, Option<String>)> {
        Address::of(&found(endpoints), &name(), which).map(|a| (a.host, a.authority))
    }

    #[test]
    fn the_ip_endpoint_comes_with_the_clusters_own_authority() {
        let both = json!({ "ipEndpointsConfig": { "enabled": true, "privateEndpoint": "10.0.0.2" },
            "dnsEndpointConfig": { "endpoint": "x.gke.goog", "allowExternalTraffic": true } });
        let ca = Some("Q0E=".to_owned());
        let ip = at(&both, K8sEndpoint::Ip).unwrap();
        assert_eq!(ip, ("203.0.113.7".to_owned(), ca.clone()));
        let internal = at(&both, K8sEndpoint::Internal).unwrap();
        assert_eq!(internal, ("10.0.0.2".to_owned(), ca));
        let dns = at(&both, K8sEndpoint::Dns).unwrap();
        assert_eq!(dns, ("x.gke.goog".to_owned(), None));
    }

    #[test]
    fn a_cluster_without_ip_endpoint_is_reached_by_name() {
        let dns = json!({ "ipEndpointsConfig": { "enabled": false },
            "dnsEndpointConfig": { "endpoint": "x.gke.goog", "allowExternalTraffic": true } });
        assert_eq!(at(&dns, K8sEndpoint::Ip).unwrap().0, "x.gke.goog");
    }

    #[test]
    fn an_endpoint_that_is_missing_or_closed_is_said() {
        let closed = json!({ "dnsEndpointConfig": { "endpoint": "x.gke.goog" } });
        let error = at(&closed, K8sEndpoint::Dns).unwrap_err();
        assert!(error.hint.unwrap().contains("--enable-dns-access"));
        let error = at(&json!({}), K8sEndpoint::Internal).unwrap_err();
        assert_eq!(error.message, "cluster p/l/c has no private endpoint");
        let starting = model::Cluster::new();
        let error = Address::of(&starting, &name(), K8sEndpoint::Ip).unwrap_err();
        assert_eq!(error.kind, Kind::Config);
        assert!(error.message.contains("has no endpoint yet"), "{error}");
    }
}
