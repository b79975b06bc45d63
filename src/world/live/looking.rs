//! Doors that only let look: what would change anything does not pass them, whoever asks.
//!
//! A dry run has no others. For GKE only the reading half of the client exists; every other service
//! is behind [`Reading`].

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use google_cloud_container_v1::client::ClusterManager;
use google_cloud_container_v1::{model, stub};
use google_cloud_gax::options::RequestOptions;
use google_cloud_gax::response::Response as Answer;
use http::Request;
use tower::{BoxError, Layer, Service};

use crate::world::http::asks;

/// Puts a service behind [`Reads`]; or leaves it alone, where changes are meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading(pub(super) bool);

impl<S> Layer<S> for Reading {
    type Service = Reads<S>;

    fn layer(&self, inner: S) -> Reads<S> {
        let only = self.0;
        Reads { only, inner }
    }
}

/// A service that refuses whatever would change anything.
#[derive(Debug, Clone)]
pub(super) struct Reads<S> {
    only: bool,
    inner: S,
}

impl<S, A> Service<Request<A>> for Reads<S>
where
    S: Service<Request<A>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        if self.only && !asks(request.method(), request.uri().path()) {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let refused = format!("this only looks, and {method} {path} would change something");
            return Box::pin(async { Err(refused.into()) });
        }
        let answer = self.inner.call(request);
        Box::pin(async { answer.await.map_err(Into::into) })
    }
}

/// The reading half of GKE's client. The other half is not there: calling it ends the program.
#[derive(Debug)]
struct ReadsGke(ClusterManager);

impl stub::ClusterManager for ReadsGke {
    async fn get_cluster(
        &self,
        req: model::GetClusterRequest,
        _options: RequestOptions,
    ) -> google_cloud_gax::Result<Answer<model::Cluster>> {
        let cluster = self.0.get_cluster().with_request(req).send().await?;
        Ok(Answer::from(cluster))
    }

    async fn list_operations(
        &self,
        req: model::ListOperationsRequest,
        _options: RequestOptions,
    ) -> google_cloud_gax::Result<Answer<model::ListOperationsResponse>> {
        let operations = self.0.list_operations().with_request(req).send().await?;
        Ok(Answer::from(operations))
    }
}

/// A client that can only read.
pub(super) fn reading(gke: ClusterManager) -> ClusterManager {
    ClusterManager::from_stub::<ReadsGke>(Arc::new(ReadsGke(gke)))
}
