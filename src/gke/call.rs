//! The one place where a request to GKE leaves.

use std::time::Duration;

use google_cloud_container_v1::client::ClusterManager;
use google_cloud_gax::error::Error as Refusal;

use super::{Error, reading};
use crate::error;
use crate::event::What;
use crate::world::World;
use crate::world::retry::{self, retry};

/// How long one attempt may take before it counts as lost.
const ATTEMPT: Duration = Duration::from_mins(1);

/// A request as people and logs know it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// HTTP method.
    pub(crate) method: &'static str,
    /// Path below the host, without the leading `/v1/`.
    pub(crate) path: String,
    /// What it is for, as a phrase after "to": `read node pool nb-user`.
    pub(crate) what: String,
    /// Whether it changes something: then it is shielded, and never blindly repeated.
    pub(crate) write: bool,
    /// How long to go on trying.
    pub(crate) limit: Duration,
}

impl Request {
    /// A request that only looks.
    pub(crate) fn read(path: String, what: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path,
            what: what.into(),
            write: false,
            limit: retry::LIMIT,
        }
    }

    /// A request that changes something.
    pub(crate) fn write(path: String, what: impl Into<String>) -> Self {
        Self {
            method: "POST",
            write: true,
            ..Self::read(path, what)
        }
    }
}

/// Sends a request that only looks.
pub(crate) async fn read<T>(
    world: &World,
    request: &Request,
    send: impl AsyncFn(ClusterManager) -> Result<T, Refusal>,
) -> Result<T, Error> {
    call(world, request, send, |_| Ok(())).await
}

/// Sends a request under the one retry policy; each attempt is an event.
///
/// A write and `accepted`, which keeps its answer, run to their end even when the run is stopped;
/// the pauses between attempts do not.
pub(crate) async fn call<T>(
    world: &World,
    request: &Request,
    send: impl AsyncFn(ClusterManager) -> Result<T, Refusal>,
    accepted: impl Fn(&T) -> error::Result<()>,
) -> Result<T, Error> {
    retry(
        world,
        &request.what,
        !request.write,
        request.limit,
        async || {
            let whole = async {
                let answer = attempt(world, request, &send).await?;
                accepted(&answer)?;
                Ok(answer)
            };
            if request.write {
                world.stop().shielded(whole).await
            } else {
                whole.await
            }
        },
    )
    .await
}

async fn attempt<T>(
    world: &World,
    request: &Request,
    send: &impl AsyncFn(ClusterManager) -> Result<T, Refusal>,
) -> Result<T, Error> {
    let client = world.doors().gke().await?;
    let began = world.clock().now();
    let answer = tokio::time::timeout(ATTEMPT, send(client))
        .await
        .unwrap_or_else(|_| {
            Err(Refusal::timeout(format!(
                "nothing for {} s",
                ATTEMPT.as_secs()
            )))
        });
    world.emit(What::Request {
        door: "gke".to_owned(),
        method: request.method.to_owned(),
        path: format!("/v1/{}", request.path),
        status: answer
            .as_ref()
            .map_or_else(reading::http_status, |_| Some(200)),
        took_ms: u64::try_from(world.clock().since(began).as_millis()).unwrap_or(u64::MAX),
    });
    answer.map_err(|refusal| reading::read(&refusal, request, &world.target().cluster))
}
