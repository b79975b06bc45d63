//! From a cluster's description to a client for its Kubernetes API.

use std::time::Duration;

use google_cloud_container_v1::client::ClusterManager;
use google_cloud_container_v1::model;
use http::{Request, Uri, header};
use kube::client::{Body, ClientBuilder};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tower::BoxError;
use tower::buffer::BufferLayer;
use tower::filter::AsyncFilterLayer;

use super::tokens::Tokens;
use super::{K8sEndpoint, refused};
use crate::error::{Error, Kind, Result};
use crate::names::ClusterName;
use crate::world::post;
use crate::world::record::Record;

const CONNECT: Duration = Duration::from_secs(10);

/// Requests that may wait for a token at once.
const QUEUE: usize = 1024;

/// Where a cluster answers, and how to know that it is the one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Name or address, with its port if it has one.
    host: String,
    /// Its own certificate authority, base64; none where a public one vouches for it.
    authority: Option<String>,
}

/// Looks the cluster up.
pub(super) async fn find(
    gke: &ClusterManager,
    name: &ClusterName,
    record: &Record,
) -> Result<model::Cluster> {
    let path = name.path();
    let request = gke.get_cluster().set_name(&path).send();
    record
        .request(
            "GET",
            &format!("/v1/{path}"),
            request,
            |answer| match answer {
                Ok(_) => Some(200),
                Err(error) => error.http_status_code(),
            },
        )
        .await
        .map_err(|error| refused::lookup(name, &error))
}

/// The address that was asked for.
pub(super) fn address(
    found: &model::Cluster,
    name: &ClusterName,
    which: K8sEndpoint,
) -> Result<Address> {
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
        (host, _) => Ok(Address {
            host: host.to_owned(),
            authority: (!public).then(|| authority(found)),
        }),
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

/// A client for the cluster at `address`.
pub(super) fn client(
    address: Address,
    name: &ClusterName,
    tokens: Tokens,
    record: &Record,
) -> Result<kube::Client> {
    let broken = |what: String| {
        Error::new(Kind::Config, format!("cluster {name}: {what}"))
            .hint("see `gcloud container clusters describe` for its endpoint and certificate")
    };
    let url: Uri = format!("https://{}", address.host)
        .parse()
        .map_err(|_| broken(format!("its endpoint `{}` is not an address", address.host)))?;
    let mut config = kube::Config::new(url);
    config.root_cert = match address.authority {
        Some(text) => Some(
            certificates(text)
                .ok_or_else(|| broken("its certificate authority cannot be read".to_owned()))?,
        ),
        None => None,
    };
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    // A watch is silent for minutes; rooms limit what should be quick.
    config.read_timeout = None;
    let bearer = AsyncFilterLayer::new(move |request| with_token(request, tokens.clone()));
    Ok(ClientBuilder::try_from(config)
        .map_err(|error| broken(post::chain(&error)))?
        .with_layer(&BufferLayer::new(QUEUE))
        .with_layer(&bearer)
        .with_layer(record)
        .build())
}

async fn with_token(
    mut request: Request<Body>,
    tokens: Tokens,
) -> std::result::Result<Request<Body>, BoxError> {
    let token = tokens.token().await?;
    let value = post::bearer_value(&token)?;
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(request)
}

/// The certificates in base64 of PEM, as GKE gives them.
fn certificates(base64: String) -> Option<Vec<Vec<u8>>> {
    let pem: k8s_openapi::ByteString =
        serde_json::from_value(serde_json::Value::String(base64)).ok()?;
    let ders: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(&pem.0)
        .map(|der| Some(der.ok()?.to_vec()))
        .collect::<Option<_>>()?;
    (!ders.is_empty()).then_some(ders)
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
        address(&found(endpoints), &name(), which).map(|a| (a.host, a.authority))
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
        let error = address(&starting, &name(), K8sEndpoint::Ip).unwrap_err();
        assert_eq!(error.kind, Kind::Config);
        assert!(error.message.contains("has no endpoint yet"), "{error}");
    }

    #[test]
    fn a_bad_authority_is_nothing() {
        for bad in ["", "Q0E=", "not base64!"] {
            assert_eq!(certificates(bad.to_owned()), None, "{bad}");
        }
    }
}
