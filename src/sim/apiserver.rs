//! The Kubernetes API server of the practice world: what `kube` and `kubectl` ask, answered from
//! a [`Store`] of plain JSON.
//!
//! It knows nothing of how a cluster behaves: it keeps objects, tells watchers of changes, and
//! says so when a client changed one. It never opens a socket, never blocks, and measures time
//! by tokio's clock alone.

mod container;
mod discovery;
mod eviction;
mod exec;
mod failure;
mod form;
mod kinds;
mod log;
mod metrics;
mod news;
mod object;
mod patch;
mod read;
mod request;
mod seat;
mod selector;
mod store;
mod table;
mod watch;
mod write;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use failure::Failure;
use request::{Request, Target};

pub(super) use eviction::{end, evicted};
pub(super) use metrics::Usage;
pub(super) use news::News;
pub(super) use object::Object;
pub(super) use seat::Seat;
pub(super) use store::{Fate, Store};

/// The cluster behind the server.
pub(super) trait Cluster: Clone + Send + Sync + 'static {
    /// Works on the store under its lock, then tells the watchers the version it has come to.
    fn with<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T;
    /// The store's version, as it grows.
    fn news(&self) -> &News;
    /// The time.
    fn now(&self) -> Timestamp;
    /// A fault that answers this request instead of the server.
    fn refuse(&self, method: &str, path: &str) -> Option<Refusal>;
    /// Whether there is a metrics server.
    fn measured(&self) -> bool;
    /// What each running container of these pods uses.
    fn usage(&self, pods: &[Object], at: Timestamp) -> Vec<Vec<Usage>>;
    /// What a node uses beside its pods.
    fn system_usage(&self, node: &str, at: Timestamp) -> Usage;
    /// Hears of a change that was accepted.
    fn mutated(&self, method: &str, path: &str, body: &Value);
}

/// How a fault answers.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub(super) code: u16,
    /// One word, as in `Status.reason`.
    pub(super) reason: &'static str,
    /// The sentence a person reads.
    pub(super) message: String,
    /// Seconds after which to try again.
    pub(super) retry_after: Option<u64>,
}

/// The server, as a service.
pub(super) fn router<C: Cluster>(cluster: C) -> Router {
    Router::new().fallback(serve::<C>).with_state(cluster)
}

async fn serve<C: Cluster>(State(cluster): State<C>, request: axum::extract::Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    if let Some(refusal) = cluster.refuse(method.as_str(), &path) {
        return Failure::from(refusal).into_response();
    }
    let answer = match Request::read(request).await {
        Ok(request) => answer(&cluster, &request),
        Err(failure) => Err(failure),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

fn answer<C: Cluster>(cluster: &C, request: &Request) -> Result<Response, Failure> {
    if let Some(text) = request.probe() {
        return Ok(text.into_response());
    }
    if let Some(document) = discovery::document(request, cluster.measured()) {
        return match request.method {
            Method::GET => Ok(request.as_asked(document)),
            _ => Err(Failure::wrong_method()),
        };
    }
    if request.is_access_review() {
        return write::review(cluster, request);
    }
    let Some(target) = Target::parse(&request.path)? else {
        // The real one's answer to a path outside the API is plain text too.
        return Ok((http::StatusCode::NOT_FOUND, "404 page not found\n").into_response());
    };
    if target.kind.group == metrics::GROUP {
        return metrics::read(cluster, request, &target);
    }
    match (&request.method, target.name, target.sub) {
        (&Method::GET, None, None) if request.flag("watch") => {
            watch::watch(cluster, request, &target)
        }
        (&Method::GET, None, None) => read::list(cluster, request, &target),
        (&Method::GET, Some(name), None | Some("status")) => {
            read::get(cluster, request, &target, name)
        }
        (&Method::POST, None, None) => write::create(cluster, request, &target),
        (&Method::GET, Some(name), Some("log")) if target.kind.name == "Pod" => {
            log::log(cluster, request, &target, name)
        }
        (&Method::GET | &Method::POST, Some(name), Some("exec")) if target.kind.name == "Pod" => {
            exec::exec(cluster, request, &target, name)
        }
        (&Method::POST, Some(name), Some("eviction")) if target.kind.name == "Pod" => {
            write::evict(cluster, request, &target, name)
        }
        (&Method::PUT | &Method::PATCH, Some(name), None | Some("status")) => {
            write::change(cluster, request, &target, name)
        }
        (&Method::DELETE, Some(name), None) => write::delete(cluster, request, &target, name),
        (_, _, None | Some("status" | "eviction")) => Err(Failure::wrong_method()),
        _ => Err(Failure::unknown_resource()),
    }
}
