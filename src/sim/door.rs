//! The practice world's services as clients reach them: without a socket, and for what is not
//! plain HTTP (a shell, a kernel) over a connection of its own, in memory.

use axum::Router;
use axum::body::Body;
use http::{Request, Response, header};
use hyper::body::{self, Bytes};
use hyper::{client, server};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::{BoxError, Service, ServiceExt as _, service_fn};

/// How much such a connection holds while nobody reads it, in bytes.
const PIPE: usize = 64 << 10;

/// A parameter of a query, as it stands there.
pub(super) fn param<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A server as a service.
pub(super) fn service<B>(
    router: Router,
) -> impl Service<Request<B>, Response = Response<Body>, Error = BoxError, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static
where
    B: body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    service_fn(move |request: Request<B>| {
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
async fn connected<B>(router: Router, request: Request<B>) -> Result<Response<Body>, BoxError>
where
    B: body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let serving = server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(theirs), TowerToHyperService::new(router))
        .with_upgrades();
    tokio::spawn(serving);
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(ours)).await?;
    tokio::spawn(connection.with_upgrades());
    Ok(sender.send_request(request).await?.map(Body::new))
}
