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

use super::looking::Reading;
use super::refused;
use super::tokens::Tokens;
use crate::error::{Error, Kind, Result};
use crate::names::ClusterName;
use crate::world::address::Address;
use crate::world::post;
use crate::world::record::Record;

const CONNECT: Duration = Duration::from_secs(10);

/// Requests that may wait for a token at once.
const QUEUE: usize = 1024;

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

/// A client for the cluster at `address`.
pub(super) fn client(
    address: Address,
    name: &ClusterName,
    tokens: Tokens,
    (record, reads): (&Record, Reading),
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
        .with_layer(&reads)
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
    use super::*;

    #[test]
    fn a_bad_authority_is_nothing() {
        for bad in ["", "Q0E=", "not base64!"] {
            assert_eq!(certificates(bad.to_owned()), None, "{bad}");
        }
    }
}
