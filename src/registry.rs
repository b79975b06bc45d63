//! What a registry of images knows of one: that it exists, how large it is, what it runs on.
//!
//! Speaks the distribution API, version 2, with its tokens: Docker Hub, quay.io, ghcr.io, Artifact
//! Registry and any other. Only asks to pull, never pulls a layer, and never takes "I may not tell"
//! for a yes or a no.

mod call;
mod manifest;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::error;
use crate::names::Image;
use crate::world::World;
use call::{Refusal, Registry};
use manifest::Manifest;

/// How many tags are told that look like the one that is missing.
const NEAR: usize = 4;

/// Whether an image exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The registry has it.
    Exists,
    /// The registry would tell us, and has not got it.
    Missing,
    /// The registry does not tell, or cannot be asked.
    CannotTell,
}

/// What is known of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Whether it exists.
    pub verdict: Verdict,
    /// As it was asked for.
    pub image: String,
    /// The same without its tag.
    pub repository: String,
    /// Whether its tag means something else from time to time.
    pub moves: bool,
    /// What it is for ever: `sha256:...`.
    pub digest: Option<String>,
    /// All its layers, compressed; of the first architecture when there are several.
    pub bytes: Option<u64>,
    /// What it runs on: `amd64`, `arm64`.
    pub architectures: Option<Vec<String>>,
    /// Tags that look like the one that is missing, the nearest first.
    pub near: Vec<String>,
    /// Why it is missing, or why nobody can tell.
    pub why: Option<String>,
}

/// Asks an image's registry for it. A registry that does not answer is a verdict, not an error.
///
/// # Errors
/// When no request can be made at all: no certificates, or the run is stopped.
pub async fn inspect(world: &World, image: &Image) -> error::Result<Found> {
    let registry = Registry::open(world, image).await?;
    let mut found = Found {
        verdict: Verdict::Exists,
        image: image.to_string(),
        repository: format!("{}/{}", image.registry, image.repository),
        moves: image.digest.is_none() && image.tag.as_deref() == Some("latest"),
        digest: None,
        bytes: None,
        architectures: None,
        near: Vec::new(),
        why: None,
    };
    match registry.head(image.reference()).await {
        Ok(digest) => {
            found.digest = digest;
            // That it exists is known; what it is made of is worth a try.
            if let Ok(Manifest {
                bytes,
                architectures,
            }) = registry.manifest(image.reference()).await
            {
                found.bytes = bytes;
                found.architectures = architectures;
            }
        }
        Err(Refusal::Missing(why)) => {
            found.verdict = Verdict::Missing;
            found.near = registry.near(image).await.unwrap_or_default();
            found.why = Some(why);
        }
        Err(Refusal::Unclear(why)) => {
            found.verdict = Verdict::CannotTell;
            found.why = Some(why);
        }
        Err(Refusal::World(error)) => return Err(error),
    }
    Ok(found)
}

impl Registry<'_> {
    /// The tags of an image's repository that look like its own.
    async fn near(&self, image: &Image) -> Result<Vec<String>, Refusal> {
        let wanted = image.tag.as_deref().unwrap_or_default();
        let likeness = |tag: &String| strsim::normalized_damerau_levenshtein(tag, wanted);
        let mut tags = self.tags().await?;
        tags.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)).then_with(|| b.cmp(a)));
        tags.truncate(NEAR);
        Ok(tags)
    }
}
