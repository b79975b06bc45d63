//! One pod, by as much of its name as a person types.

use k8s_openapi::api::core::v1;
use serde::{Deserialize, Serialize};

use super::call::{Scope, call};
use super::error::Request;
use super::object::PodObject;
use super::pods::places::{Place, Where, must_exist, places};
use super::table::table;
use super::user::user_of;
use crate::error::{self, Error, Kind};
use crate::names;
use crate::world::World;

/// Which container is meant when none is named.
const DEFAULT: &str = "kubectl.kubernetes.io/default-container";

/// So many are listed when several could be meant.
const LISTED: usize = 8;

/// A pod that was named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPod {
    /// Its namespace.
    pub namespace: String,
    /// Its whole name.
    pub name: String,
    /// Whose server it is, if it is one.
    pub user: Option<String>,
    /// Its containers, those that only prepare it last.
    pub containers: Vec<String>,
    /// How many of them do its work.
    pub own: usize,
    /// The one that is meant when none is named.
    pub default: Option<String>,
}

impl From<PodObject> for NamedPod {
    fn from(object: PodObject) -> Self {
        let user = user_of(&object.metadata);
        let meta = object.metadata;
        let annotations = meta.annotations.unwrap_or_default();
        let own = object.spec.containers.len();
        let containers = object.spec.containers.into_iter();
        let containers = containers.chain(object.spec.init_containers);
        Self {
            namespace: meta.namespace.unwrap_or_default(),
            name: meta.name.unwrap_or_default(),
            user,
            containers: containers.map(|container| container.name).collect(),
            own,
            default: annotations.get(DEFAULT).cloned(),
        }
    }
}

impl NamedPod {
    /// The container that is meant, and what to say where that was a choice.
    ///
    /// # Errors
    /// When it has no such container.
    pub(super) fn container(
        &self,
        wanted: Option<&str>,
    ) -> error::Result<(String, Option<String>)> {
        let all = self.containers.join(", ");
        if let Some(wanted) = wanted {
            if self.containers.iter().any(|container| container == wanted) {
                return Ok((wanted.to_owned(), None));
            }
            let fact = format!("pod {} has no container `{wanted}`", self.name);
            return Err(Error::new(Kind::NotFound, fact).hint(format!("it has: {all}")));
        }
        let default = self.default.as_ref();
        let default = default.filter(|name| self.containers.contains(name));
        let Some(chosen) = default.or_else(|| self.containers.first()) else {
            let fact = format!("pod {} has no container", self.name);
            return Err(Error::new(Kind::NotFound, fact));
        };
        let said = (self.own > 1)
            .then(|| format!("container {chosen} of {}; there are: {all}", self.name));
        Ok((chosen.clone(), said))
    }
}

/// The pod that `text` names: its whole name, else the only one that begins with it, else the
/// only one that has it somewhere. `namespace/text` looks there alone; without a namespace, where
/// the target watches.
///
/// # Errors
/// When there is none, or more than one.
pub async fn pod_named(
    world: &World,
    namespace: Option<&str>,
    text: &str,
) -> error::Result<NamedPod> {
    let (within, text) = match text.split_once('/') {
        Some((within, text)) => (Some(within), text),
        None => (None, text),
    };
    let place = match within.or(namespace) {
        Some(namespace) => Where::These(vec![namespace.to_owned()]),
        None => Where::Watched,
    };
    let mut pods: Vec<(String, String)> = Vec::new();
    let mut looked = Vec::new();
    for Place { namespace, .. } in places(world, &place).await? {
        let here = table::<v1::Pod, _, 1>(world, Some(&namespace), ["Name"], |[name]| {
            (namespace.clone(), name)
        });
        let here = here.await?;
        if here.is_empty() {
            must_exist(world, &namespace).await?;
        }
        pods.extend(here);
        looked.push(namespace);
    }
    let named = |fits: &dyn Fn(&str) -> bool| -> Vec<&(String, String)> {
        pods.iter().filter(|(_, name)| fits(name)).collect()
    };
    let mut found = named(&|name| name == text);
    if found.is_empty() {
        found = named(&|name| name.starts_with(text));
    }
    if found.is_empty() {
        found = named(&|name| name.contains(text));
    }
    match found.as_slice() {
        [(namespace, name)] => Ok(get(world, namespace, name).await?.into()),
        [] => Err(none(&looked, &pods, text)),
        several => {
            let fact = format!("`{text}` is {} pods: {}", several.len(), listed(several));
            let hint = "write more of the name, or NAMESPACE/NAME";
            Err(Error::new(Kind::NotFound, fact).hint(hint))
        }
    }
}

/// One pod as it is now.
pub(super) async fn get(
    world: &World,
    namespace: &str,
    name: &str,
) -> Result<PodObject, super::error::Error> {
    let what = Request {
        verb: "get",
        resource: "pods".to_owned(),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
    };
    let scope = Scope {
        namespace: Some(namespace.to_owned()),
        labels: String::new(),
    };
    call(world, &what, async |client| {
        scope.api::<PodObject>(client).get(name).await
    })
    .await
}

fn none(looked: &[String], pods: &[(String, String)], text: &str) -> Error {
    let places = looked.join(", ");
    let several = if looked.len() == 1 { "" } else { "s" };
    let fact = format!("no pod `{text}` in namespace{several} {places}");
    // What a controller has added to a name is nothing anybody mistypes.
    let stems = pods.iter().map(|(_, name)| stem(name));
    let near = names::nearest(text, stems);
    let meant = pods.iter().filter(|(_, name)| Some(stem(name)) == near);
    let meant: Vec<_> = meant.collect();
    Error::new(Kind::NotFound, fact).hint(if meant.is_empty() {
        "see `runbook run pods` for those there are; --namespace looks elsewhere".to_owned()
    } else {
        format!("did you mean {}?", listed(&meant))
    })
}

/// A name without what `ReplicaSet`s and `DaemonSet`s add to it.
fn stem(name: &str) -> &str {
    let added = |part: &str| {
        matches!(part.len(), 5 | 8..=10)
            && part.chars().any(|c| c.is_ascii_digit())
            && part.chars().all(char::is_alphanumeric)
            || part.len() == 5 && !part.contains(['a', 'e', 'i', 'o', 'u'])
    };
    let mut stem = name;
    while let Some((head, tail)) = stem.rsplit_once('-')
        && added(tail)
    {
        stem = head;
    }
    stem
}

/// The first of them, with their namespaces.
fn listed(pods: &[&(String, String)]) -> String {
    let mut names: Vec<String> = (pods.iter().take(LISTED))
        .map(|(namespace, name)| format!("{namespace}/{name}"))
        .collect();
    if pods.len() > LISTED {
        names.push(format!("and {} more", pods.len() - LISTED));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_controllers_add_is_no_part_of_the_stem() {
        for (name, wanted) in [
            ("hub-5d9c7b6f44-x2k4b", "hub"),
            ("continuous-image-puller-bcdfg", "continuous-image-puller"),
            ("jupyter-ada", "jupyter-ada"),
            (
                "support-prometheus-server-0123456789-zzzz9",
                "support-prometheus-server",
            ),
        ] {
            assert_eq!(stem(name), wanted);
        }
    }
}
