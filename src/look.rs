//! A look at a target: everything a copy of it is made of, read once.
//!
//! Looks only at what the needs of a runbook reach, and changes nothing. Whatever cannot be looked at
//! is told in the answer, so that a copy can say the same to whoever asks.

use std::collections::BTreeMap;

use crate::doctor;
use crate::error::{self, Kind};
use crate::names::{Image, Need};
use crate::registry::Verdict;
use crate::world::World;
use crate::world::snapshot::{self, FORMAT, Part, Snapshot};
use crate::{github, gke, hub, k8s, registry};

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// What the runbook needs to be allowed to do.
    pub needs: Vec<Need>,
    /// The images it may ask for.
    pub images: Vec<String>,
}

/// Looks at the world's target. Registries' own answers are for the doors to keep.
///
/// # Errors
/// When the operator stops it, or the cluster does not answer. What else fails is told in the answer.
pub async fn look(world: &World, wanted: &Wanted) -> error::Result<Snapshot> {
    let needs = &wanted.needs;
    let any = |is: fn(&Need) -> bool| needs.iter().any(is);
    let mut seen = Snapshot {
        format: FORMAT,
        taken: world.clock().now(),
        target: world.target().clone(),
        gke: Part::Unseen,
        objects: Part::Unseen,
        hub: Part::Unseen,
        images: BTreeMap::new(),
        web: Vec::new(),
        github: Part::Unseen,
        denied: BTreeMap::new(),
        unknown: Vec::new(),
    };
    let mut aliases = k8s::Aliases::new();
    // Nodes without their pools would be a cluster that cannot grow.
    if any(|need| {
        matches!(
            need,
            Need::Iam(_) | Need::Kubernetes(_, "nodes" | "pods", _)
        )
    }) {
        seen.gke = within_reach(gke::look(world).await)?;
    }
    if any(|need| matches!(need, Need::Kubernetes(..))) {
        seen.objects = match within_reach(k8s::look(world, needs).await)? {
            Part::Seen((objects, names)) => {
                aliases = names;
                Part::Seen(objects)
            }
            Part::Failed(error) => Part::Failed(error),
            Part::Unseen | Part::Absent => Part::Unseen,
        };
    }
    if any(|need| matches!(need, Need::Hub(_) | Need::HubAdmin)) {
        seen.hub = at_hub(world, &aliases).await;
    }
    let mut images = wanted.images.clone();
    if any(|need| matches!(need, Need::Registry)) {
        images.extend(in_use(&seen));
        images.sort();
        images.dedup();
        for image in images {
            if let Some(found) = inspected(world, &image).await? {
                seen.images.insert(image, found);
            }
        }
    }
    if any(|need| matches!(need, Need::GitHubRead | Need::GitHubPropose))
        && let Some(list) = &world.target().allow_list
    {
        seen.github = github::look(world, list).await.into();
    }
    judge(world, needs, &mut seen).await;
    world.stop().cut(async { Ok(()) }).await?;
    Ok(seen)
}

/// A part that was looked at; a cluster that does not answer cannot be copied at all.
///
/// # Errors
/// When nothing answers, or we are nobody there.
fn within_reach<T>(looked: error::Result<T>) -> error::Result<Part<T>> {
    match looked {
        Err(error)
            if [Kind::Unreachable, Kind::Credentials, Kind::Config].contains(&error.kind) =>
        {
            Err(error)
        }
        looked => Ok(looked.into()),
    }
}

async fn at_hub(world: &World, aliases: &k8s::Aliases) -> Part<snapshot::Hub> {
    match world.doors().hub().await {
        Ok(None) => return Part::Absent,
        Ok(Some(_)) => {}
        Err(error) => return Part::Failed(error),
    }
    let home = world.target().hub_namespace.clone();
    let alias = |user: &str| {
        let known = |(namespace, name): &(String, String)| {
            name == user && home.as_ref().is_none_or(|home| home == namespace)
        };
        let (_, alias) = aliases.iter().find(|(whose, _)| known(whose))?;
        Some(alias.clone())
    };
    hub::look(world, alias).await.into()
}

/// The image new servers get now, as far as the hub says.
fn in_use(seen: &Snapshot) -> Option<String> {
    let config = seen.hub.seen()?.config.as_deref()?;
    let config: serde_json::Value = serde_json::from_str(config).ok()?;
    // The newer kind has it beside its schema, and its page puts it there as a text.
    let config = match config.get("config").unwrap_or(&config) {
        serde_json::Value::String(text) => serde_json::from_str(text).ok()?,
        config => config.clone(),
    };
    let keys = ["KubeSpawner.image", "z2jh.image"];
    let image = keys.iter().find_map(|key| config.get(*key)?.as_str())?;
    (!image.is_empty()).then(|| image.to_owned())
}

/// What an image's registry says of it; nothing for what is no image.
async fn inspected(world: &World, name: &str) -> error::Result<Option<snapshot::Image>> {
    let Ok(image) = name.parse::<Image>() else {
        return Ok(None);
    };
    let found = registry::inspect(world, &image).await?;
    Ok(Some(snapshot::Image {
        exists: match found.verdict {
            Verdict::Exists => Some(true),
            Verdict::Missing => Some(false),
            Verdict::CannotTell => None,
        },
        bytes: found.bytes,
        architectures: found.architectures.unwrap_or_default(),
    }))
}

/// What our credentials may not do, and what nobody could tell.
async fn judge(world: &World, needs: &[Need], seen: &mut Snapshot) {
    let mut untold: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in doctor::permissions(world, needs).await {
        match (finding.verdict, finding.need) {
            // What a token may do at the hub and at GitHub the copy judges as they do.
            (doctor::Verdict::Missing, Some(need @ (Need::Iam(_) | Need::Kubernetes(..)))) => {
                seen.denied.insert(need.to_string(), finding.error());
            }
            (doctor::Verdict::Missing | doctor::Verdict::Proven, _) => {}
            (doctor::Verdict::Inferred | doctor::Verdict::Unknown, _) => {
                let why = finding.why.unwrap_or_default();
                untold.entry(why).or_default().push(finding.what);
            }
        }
    }
    let untold = untold.into_iter();
    let told = untold.map(|(why, what)| format!("whether we may: {} ({why})", what.join(", ")));
    seen.unknown.extend(told);
}
