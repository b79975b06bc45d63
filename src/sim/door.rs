//! The practice world's API server as a kube client reaches it: without a socket, and for what is
//! not plain HTTP (a shell) over a connection of its own, in memory.

use axum::Router;
use axum::body::Body;
use http::{Request, Response, header};
use hyper::{client, server};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::{BoxError, Service, ServiceExt as _, service_fn};

/// How much such a connection holds while nobody reads it, in bytes.
const PIPE: usize = 64 << 10;

/// The server as a service for `kube`.
pub(super) fn service(
    router: Router,
) -> impl Service<
    Request<kube::client::Body>,
    Response = Response<Body>,
    Error = BoxError,
    Future: Send + 'static,
> + Send
+ 'static {
    service_fn(move |request: Request<kube::client::Body>| {
        let router = router.clone();
        async move {
            if request.headers().contains_key(header::UPGRADE) {
                return connected(router, request).await;
            }
            Ok(router.oneshot(request.map(Body::new)).await?)
        }
    })
}

/// Sends the request over a connection, which the answer may turn into another protocol's.
async fn connected(
    router: Router,
    request: Request<kube::client::Body>,
) -> Result<Response<Body>, BoxError> {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let serving = server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(theirs), TowerToHyperService::new(router))
        .with_upgrades();
    tokio::spawn(serving);
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(ours)).await?;
    tokio::spawn(connection.with_upgrades());
    Ok(sender.send_request(request).await?.map(Body::new))
}
