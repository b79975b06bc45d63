//! The one way a plain request goes out.

use std::time::Duration;

use kube::api::ListParams;
use kube::core::ObjectList;
use kube::{Api, Client};

use super::error::{Error, Request};
use super::object::Slim;
use crate::error;
use crate::event::Change;
use crate::world::World;
use crate::world::retry::{self, retry};

/// A request that is not answered by then is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// Objects per answer; a full page of pods is some six megabytes.
const PAGE: u32 = 500;

/// Sends `request` with a fresh client each time, retried as the house does. Everything sent
/// through here is harmless to repeat: this room reads, or brings something to a wanted state.
pub(super) async fn call<T>(
    world: &World,
    what: &Request,
    mut request: impl AsyncFnMut(Client) -> kube::Result<T>,
) -> Result<T, Error> {
    retry(world, &what.to_string(), true, retry::LIMIT, async || {
        let client = world.doors().k8s().await?;
        once(world, what, request(client)).await
    })
    .await
}

/// The same for a request that begins something and must not be sent twice.
pub(super) async fn begin<T>(
    world: &World,
    what: &Request,
    mut request: impl AsyncFnMut(Client) -> kube::Result<T>,
) -> Result<T, Error> {
    retry(world, &what.to_string(), false, retry::LIMIT, async || {
        let client = world.doors().k8s().await?;
        once(world, what, request(client)).await
    })
    .await
}

/// The same for a request that changes something. What was carried out is in the run's account
/// even when the run is stopped meanwhile.
pub(super) async fn write<T>(
    world: &World,
    what: &Request,
    change: &Change,
    mut request: impl AsyncFnMut(Client) -> kube::Result<T>,
) -> error::Result<T> {
    world.may_change(change)?;
    let send = async |client| {
        let sent = async {
            let answer = request(client).await?;
            Ok(world.changed(change.clone()).map(|()| answer))
        };
        world.stop().shielded(sent).await
    };
    call(world, what, send).await?
}

/// Sends a request and does not try again.
pub(super) async fn once<T>(
    world: &World,
    what: &Request,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        answer = request => answer.map_err(|failure| Error::of(what, failure)),
        () = world.clock().sleep(PATIENCE) => Err(Error::Lost {
            what: what.clone(),
            why: format!("nothing came back in {} s", PATIENCE.as_secs()),
        }),
    }
}

/// What is listed or watched: a kind, where, and which.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// The namespace; none for the whole cluster.
    pub(super) namespace: Option<String>,
    /// Label selector; empty for all.
    pub(super) labels: String,
}

impl Scope {
    /// The whole cluster.
    pub(super) fn cluster(labels: impl Into<String>) -> Self {
        Self {
            namespace: None,
            labels: labels.into(),
        }
    }

    /// One for each namespace the target watches, or one for all of them.
    pub(super) fn watched(world: &World, labels: &str) -> Vec<Self> {
        let watch = &world.target().watch;
        if watch.is_empty() {
            return vec![Self::cluster(labels)];
        }
        let one = |namespace: &String| Self {
            namespace: Some(namespace.clone()),
            labels: labels.to_owned(),
        };
        watch.iter().map(one).collect()
    }

    /// The request that `verb` makes of it.
    pub(super) fn request<K: Slim>(&self, verb: &'static str) -> Request {
        Request {
            verb,
            resource: resource_name::<K>(),
            namespace: self.namespace.clone(),
            name: None,
        }
    }

    /// Kube's handle for it.
    pub(super) fn api<K: Slim>(&self, client: Client) -> Api<K> {
        let resource = K::resource();
        match &self.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        }
    }
}

/// `nodes`, `daemonsets.apps`: as access rules and `kubectl` name it.
fn resource_name<K: Slim>() -> String {
    let resource = K::resource();
    if resource.group.is_empty() {
        resource.plural
    } else {
        format!("{}.{}", resource.plural, resource.group)
    }
}

/// Everything in `scope`, page by page, each object handed to `keep` and forgotten.
pub(super) async fn list<K: Slim, T>(
    world: &World,
    scope: &Scope,
    keep: impl Fn(K) -> T,
) -> Result<Vec<T>, Error> {
    let what = scope.request::<K>("list");
    let params = ListParams::default().labels(&scope.labels);
    let fetch = async |client, params: &ListParams| {
        let page: ObjectList<K> = scope.api::<K>(client).list(params).await?;
        let kept = page.items.into_iter().map(&keep).collect();
        Ok((kept, page.metadata.continue_))
    };
    pages(world, &what, params, fetch).await
}

/// What all the pages of a list hold. `fetch` gets one, and what leads to the next.
pub(super) async fn pages<T>(
    world: &World,
    what: &Request,
    params: ListParams,
    fetch: impl AsyncFn(Client, &ListParams) -> kube::Result<(Vec<T>, Option<String>)>,
) -> Result<Vec<T>, Error> {
    let mut params = params.limit(PAGE);
    let mut kept = Vec::new();
    loop {
        let answer = call(world, what, async |client| fetch(client, &params).await).await;
        let (page, next) = match answer {
            // The pages are a snapshot that the server keeps only for minutes: all at once then.
            Err(expired) if expired.code() == Some(410) && params.limit.is_some() => {
                kept.clear();
                params.limit = None;
                params.continue_token = None;
                continue;
            }
            answer => answer?,
        };
        kept.extend(page);
        params.continue_token = next.filter(|token| !token.is_empty());
        if params.continue_token.is_none() {
            return Ok(kept);
        }
    }
}
