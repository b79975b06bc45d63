//! What an image is made of: an index of manifests, or one manifest with its layers.

use serde::Deserialize;

use super::call::{Refusal, Registry};

/// What is read of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// All layers of one architecture, compressed.
    pub(super) bytes: Option<u64>,
    /// What it runs on.
    pub(super) architectures: Option<Vec<String>>,
}

/// An index, a manifest: whichever it is has only its own fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    manifests: Vec<Part>,
    layers: Vec<Part>,
    config: Option<Part>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    digest: String,
    size: u64,
    platform: Platform,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Platform {
    architecture: String,
}

impl Document {
    fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).sum()
    }
}

impl Registry<'_> {
    async fn document(&self, reference: &str) -> Result<Document, Refusal> {
        let answer = self.get(reference).await?;
        serde_json::from_slice(&answer.body).map_err(|why| Refusal::Unclear(why.to_string()))
    }

    /// What is behind a tag or a digest.
    pub(super) async fn manifest(&self, reference: &str) -> Result<Manifest, Refusal> {
        let document = self.document(reference).await?;
        // Attestations stand in an index as well, for no architecture.
        let real = |part: &&Part| !["", "unknown"].contains(&&*part.platform.architecture);
        let parts: Vec<&Part> = document.manifests.iter().filter(real).collect();
        if let Some(first) = parts.first() {
            let name = |part: &&Part| part.platform.architecture.clone();
            let mut architectures: Vec<String> = parts.iter().map(name).collect();
            architectures.sort();
            architectures.dedup();
            let bytes = self.document(&first.digest).await.map(|d| d.bytes());
            return Ok(Manifest {
                bytes: bytes.ok(),
                architectures: Some(architectures),
            });
        }
        let config = match &document.config {
            Some(config) => self.blob(&config.digest).await.ok(),
            None => None,
        };
        let platform = config.and_then(|c| serde_json::from_slice::<Platform>(&c.body).ok());
        let architecture = platform.map(|platform| platform.architecture);
        Ok(Manifest {
            bytes: Some(document.bytes()),
            architectures: architecture.filter(|a| !a.is_empty()).map(|a| vec![a]),
        })
    }
}
