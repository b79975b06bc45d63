//! One pod, by as much of its name as a person types.

use serde::{Deserialize, Serialize};

use super::call::{Scope, list};
use super::object::PodObject;
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
pub struct Pod {
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

impl From<PodObject> for Pod {
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

impl Pod {
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
pub async fn pod_named(world: &World, namespace: Option<&str>, text: &str) -> error::Result<Pod> {
    let (within, text) = match text.split_once('/') {
        Some((within, text)) => (Some(within), text),
        None => (None, text),
    };
    let namespace = within.or(namespace);
    let scopes = match namespace {
        Some(namespace) => vec![Scope::within(namespace)],
        None => Scope::watched(world, ""),
    };
    let mut pods: Vec<Pod> = Vec::new();
    for scope in &scopes {
        pods.extend(list::<PodObject, _>(world, scope, Pod::from).await?);
    }
    let named = |fits: &dyn Fn(&str) -> bool| -> Vec<&Pod> {
        pods.iter().filter(|pod| fits(&pod.name)).collect()
    };
    let mut found = named(&|name| name == text);
    if found.is_empty() {
        found = named(&|name| name.starts_with(text));
    }
    if found.is_empty() {
        found = named(&|name| name.contains(text));
    }
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(none(&scopes, &pods, text)),
        several => Err(ambiguous(several, text)),
    }
}

fn none(scopes: &[Scope], pods: &[Pod], text: &str) -> Error {
    let places: Vec<&str> = (scopes.iter())
        .filter_map(|scope| scope.namespace.as_deref())
        .collect();
    let place = match places.as_slice() {
        [] => String::new(),
        [one] => format!(" in namespace {one}"),
        several => format!(" in namespaces {}", several.join(", ")),
    };
    let error = Error::new(Kind::NotFound, format!("no pod `{text}`{place}"));
    // What a controller has added to a name is nothing anybody mistypes.
    let stems = pods.iter().map(|pod| stem(&pod.name));
    match names::nearest(text, stems) {
        Some(near) => {
            let meant = pods.iter().filter(|pod| stem(&pod.name) == near);
            error.hint(format!(
                "did you mean {}?",
                listed(&meant.collect::<Vec<_>>())
            ))
        }
        None => {
            error.hint("see `runbook run pods` for those there are; --namespace looks elsewhere")
        }
    }
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

fn ambiguous(pods: &[&Pod], text: &str) -> Error {
    let fact = format!("`{text}` is {} pods: {}", pods.len(), listed(pods));
    Error::new(Kind::NotFound, fact).hint("write more of the name, or NAMESPACE/NAME")
}

/// The first of them, with their namespaces.
fn listed(pods: &[&Pod]) -> String {
    let mut names: Vec<String> = (pods.iter().take(LISTED))
        .map(|pod| format!("{}/{}", pod.namespace, pod.name))
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
