//! Which namespaces to look at, and whether there should be a hub.

use k8s_openapi::api::core::v1;
use kube::Api;

use super::super::call::{Scope, call, list};
use super::super::error::{Error, Request};
use super::super::object::PodObject;
use super::super::table::table;
use crate::names;
use crate::world::World;

/// The label of every hub's own pod.
const HUB: &str = "component=hub";

/// In which namespaces to look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Where {
    /// Those the target watches; when it names none, all that have a hub.
    #[default]
    Watched,
    /// These.
    These(Vec<String>),
    /// All there are.
    All,
}

/// A namespace to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::k8s) struct Place {
    pub(in crate::k8s) namespace: String,
    /// Whether there should be a hub.
    pub(in crate::k8s) hub: bool,
}

/// The namespaces to look at, by name.
pub(in crate::k8s) async fn places(world: &World, place: &Where) -> Result<Vec<Place>, Error> {
    let watch = &world.target().watch;
    let names = match place {
        Where::These(names) => names.clone(),
        Where::All => namespaces(world).await?,
        Where::Watched if watch.is_empty() => with_a_hub(world).await?,
        Where::Watched => watch.clone(),
    };
    let known = |namespace: &String| *place == Where::Watched || watch.contains(namespace);
    let places = names.into_iter().map(|namespace| Place {
        hub: known(&namespace),
        namespace,
    });
    Ok(places.collect())
}

/// Every namespace, by name.
pub(in crate::k8s) async fn namespaces(world: &World) -> Result<Vec<String>, Error> {
    let mut names =
        table::<v1::Namespace, _, 1>(world, None, ["Name"], |[name]: [String; 1]| name).await?;
    names.sort();
    Ok(names)
}

async fn with_a_hub(world: &World) -> Result<Vec<String>, Error> {
    let namespace = |pod: PodObject| pod.metadata.namespace.unwrap_or_default();
    let mut names = list::<PodObject, _>(world, &Scope::cluster(HUB), namespace).await?;
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Err(Error::NoHub);
    }
    Ok(names)
}

/// Fails when the API server knows that there is no such namespace.
pub(in crate::k8s) async fn must_exist(world: &World, namespace: &str) -> Result<(), Error> {
    let request = Request {
        verb: "get",
        resource: "namespaces".to_owned(),
        namespace: None,
        name: Some(namespace.to_owned()),
    };
    let found = call(world, &request, async |client| {
        Api::<v1::Namespace>::all(client).get(namespace).await
    });
    match found.await {
        Ok(_) => Ok(()),
        // Who may only list pods there has at least been told that there are none.
        Err(failure) if failure.code() == Some(403) => Ok(()),
        Err(failure) if failure.code() == Some(404) => {
            let known = namespaces(world).await.unwrap_or_default();
            let near = names::nearest(namespace, known.iter().map(String::as_str));
            Err(Error::NoNamespace {
                namespace: namespace.to_owned(),
                near: near.map(str::to_owned),
                known,
            })
        }
        Err(failure) => Err(failure),
    }
}
