//! What is kept in the cluster, where the whole team sees it: one `ConfigMap` in the target's home
//! namespace, one key for each thing. It is written as it was read or not at all, so that of two
//! who write at once nothing of either is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use serde_json::json;

use super::call::{call, once, write};
use super::error::{Error, Request};
use crate::error::{self, Kind};
use crate::event::Change;
use crate::world::World;

/// How long a look in passing may take.
const GLANCE: Duration = Duration::from_secs(5);

/// One such `ConfigMap`, by its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shelf(pub(super) &'static str);

/// What is to become of a text.
pub(super) enum Wish {
    /// It is as it should be.
    Keep,
    Put(String),
    Remove,
}

/// Texts by key.
pub(super) type Texts = BTreeMap<String, String>;

/// All of it as it was read.
struct Found {
    /// None when there is no `ConfigMap` yet.
    version: Option<String>,
    texts: Texts,
}

impl Shelf {
    /// Everything there.
    pub(super) async fn texts(self, world: &World) -> Result<Texts, Error> {
        Ok(self.read(world).await?.texts)
    }

    /// The same, asked once and not waited for; nothing where it takes too long.
    pub(super) async fn glance(self, world: &World) -> error::Result<Texts> {
        let api = Api::<ConfigMap>::namespaced(world.doors().k8s().await?, &world.target().home);
        let request = self.request(world, "get");
        let found = tokio::select! {
            biased;
            found = once(world, &request, api.get(self.0)) => found,
            () = world.clock().sleep(GLANCE) => return Ok(Texts::new()),
        };
        Ok(Found::of(found)?.texts)
    }

    /// Brings one text to what `wanted` makes of the one that is found; the change tells of it.
    /// Says whether anything had to be changed.
    pub(super) async fn bring(
        self,
        world: &World,
        key: &str,
        wanted: impl Fn(Option<&str>) -> error::Result<(Wish, Change)>,
    ) -> error::Result<bool> {
        let mut tried: Option<Change> = None;
        loop {
            let Found { version, texts } = self.read(world).await?;
            let (wish, change) = wanted(texts.get(key).map(String::as_str))?;
            let text = match wish {
                Wish::Put(text) => Some(text),
                Wish::Remove => None,
                Wish::Keep => {
                    return match tried {
                        // It arrived after all, and its answer was lost.
                        Some(change) => world.changed(change).map(|()| true),
                        None => world.found_made(change),
                    };
                }
            };
            let written = match version {
                Some(version) => self.update(world, &change, &version, key, text).await,
                None => self.create(world, &change, key, text).await,
            };
            match written {
                // Somebody else has written meanwhile.
                Err(stale) if stale.kind == Kind::Busy => tried = Some(change),
                written => return written.map(|()| true),
            }
        }
    }

    fn request(self, world: &World, verb: &'static str) -> Request {
        Request {
            verb,
            resource: "configmaps".to_owned(),
            namespace: Some(world.target().home.clone()),
            name: (verb != "create").then(|| self.0.to_owned()),
        }
    }

    async fn read(self, world: &World) -> Result<Found, Error> {
        let home = &world.target().home;
        let found = call(world, &self.request(world, "get"), async |client| {
            let api = Api::<ConfigMap>::namespaced(client, home);
            api.get(self.0).await
        })
        .await;
        Found::of(found)
    }

    async fn create(
        self,
        world: &World,
        change: &Change,
        key: &str,
        text: Option<String>,
    ) -> error::Result<()> {
        let home = &world.target().home;
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(self.0.to_owned()),
                ..ObjectMeta::default()
            },
            data: text.map(|text| BTreeMap::from([(key.to_owned(), text)])),
            ..ConfigMap::default()
        };
        let params = PostParams::default();
        let request = self.request(world, "create");
        write(world, &request, change, async |client| {
            let api = Api::<ConfigMap>::namespaced(client, home);
            api.create(&params, &map).await
        })
        .await
        .map(drop)
    }

    async fn update(
        self,
        world: &World,
        change: &Change,
        version: &str,
        key: &str,
        text: Option<String>,
    ) -> error::Result<()> {
        let home = &world.target().home;
        let params = PatchParams::default();
        let patch = Patch::Merge(json!({
            "metadata": { "resourceVersion": version },
            "data": { key: text },
        }));
        let request = self.request(world, "patch");
        write(world, &request, change, async |client| {
            let api = Api::<ConfigMap>::namespaced(client, home);
            api.patch(self.0, &params, &patch).await
        })
        .await
        .map(drop)
    }
}

impl Found {
    fn of(found: Result<ConfigMap, Error>) -> Result<Self, Error> {
        match found {
            Ok(map) => Ok(Self {
                version: map.metadata.resource_version,
                texts: map.data.unwrap_or_default(),
            }),
            Err(missing) if missing.code() == Some(404) => Ok(Self {
                version: None,
                texts: Texts::new(),
            }),
            Err(failure) => Err(failure),
        }
    }
}
