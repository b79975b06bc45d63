//! A layer under a client, live or practice, that says what was requested.
//!
//! It sees method, path, status and time; never headers and never a body.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use tower::{Layer, Service};

use super::clock::Clock;
use crate::event::{Event, Events, What};

/// Emits one [`What::Request`] for each request that comes back or fails.
#[derive(Debug, Clone)]
pub struct Record {
    door: &'static str,
    events: Events,
    clock: Clock,
}

impl Record {
    /// Records the requests of `door` with this clock's times.
    pub fn new(door: &'static str, events: Events, clock: Clock) -> Self {
        Self {
            door,
            events,
            clock,
        }
    }

    /// Runs one request and says how it went.
    pub(crate) async fn request<T, E>(
        &self,
        method: &str,
        path: &str,
        request: impl Future<Output = Result<T, E>>,
        status: impl FnOnce(&Result<T, E>) -> Option<u16>,
    ) -> Result<T, E> {
        let began = self.clock.now();
        let answer = request.await;
        let took = self.clock.since(began);
        self.events.emit(Event {
            at: self.clock.now(),
            what: What::Request {
                door: self.door.to_owned(),
                method: method.to_owned(),
                path: path.to_owned(),
                status: status(&answer),
                took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            },
        });
        answer
    }
}

impl<S> Layer<S> for Record {
    type Service = Recorded<S>;

    fn layer(&self, inner: S) -> Recorded<S> {
        Recorded {
            record: self.clone(),
            inner,
        }
    }
}

/// A service whose requests are recorded.
#[derive(Debug, Clone)]
pub struct Recorded<S> {
    record: Record,
    inner: S,
}

impl<S, A, B> Service<Request<A>> for Recorded<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Send,
    B: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let record = self.record.clone();
        let method = request.method().to_string();
        let path = request.uri().path_and_query().map(ToString::to_string);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let path = path.unwrap_or_default();
            let status =
                |answer: &Result<Response<B>, _>| Some(answer.as_ref().ok()?.status().as_u16());
            record.request(&method, &path, answer, status).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use kube::client::Body;
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_is_recorded_with_its_status_and_the_clock_s_time() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let events = Events::new(move |event| sink.lock().unwrap().push(event.what));
        let clock = Clock::starting_at("2026-01-15T13:00:00Z".parse().unwrap());
        let slow = service_fn(|_: Request<Body>| async {
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
            Ok::<_, Infallible>(Response::builder().status(404).body(()).unwrap())
        });
        let service = Record::new("k8s", events, clock).layer(slow);
        let request = Request::get("/api/v1/nodes?limit=5").body(Body::empty());
        service.oneshot(request.unwrap()).await.unwrap();
        assert_eq!(
            *seen.lock().unwrap(),
            [What::Request {
                door: "k8s".to_owned(),
                method: "GET".to_owned(),
                path: "/api/v1/nodes?limit=5".to_owned(),
                status: Some(404),
                took_ms: 250,
            }]
        );
    }
}
