//! The images there are: what a registry knows of them, and what they do on a node.

use super::objects::NOTEBOOK;

/// An image of the practice world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Image {
    /// As a pod names it, with nothing added: `callysto/2i2c:0.1.4`.
    pub(super) name: &'static str,
    /// All its layers, compressed, as a registry counts them.
    pub(super) bytes: u64,
    /// What it runs on.
    pub(super) architectures: &'static [&'static str],
    /// Whether a server can run in it.
    pub(super) serves: bool,
}

impl Image {
    /// Whether it runs on such a machine; `foreign`: somebody has built its last version elsewhere.
    pub(super) fn runs_on(self, architecture: &str, foreign: bool) -> bool {
        self.built_for(foreign).contains(&architecture)
    }

    /// What it was built for.
    pub(super) fn built_for(self, foreign: bool) -> &'static [&'static str] {
        let old = [NOTEBOOK, "callysto/2i2c:0.1.3"].contains(&self.name);
        if foreign && !old {
            &["arm64"]
        } else {
            self.architectures
        }
    }
}

const fn image(name: &'static str, bytes: u64) -> Image {
    Image {
        name,
        bytes,
        architectures: &["amd64"],
        serves: true,
    }
}

/// All of them.
pub(super) const IMAGES: &[Image] = &[
    image("callysto/2i2c:0.1.3", 4_112_086_016),
    image("callysto/2i2c:0.1.4", 4_187_593_113),
    image("callysto/2i2c:0.1.5", 4_263_903_232),
    image("callysto/2i2c:latest", 4_263_903_232),
    Image {
        architectures: &["arm64"],
        ..image("callysto/2i2c:0.1.5-arm", 4_201_000_960)
    },
    Image {
        architectures: &["amd64", "arm64"],
        ..image("quay.io/jupyter/scipy-notebook:2025-12-15", 1_322_516_480)
    },
    image("ghcr.io/callysto/geo:2.0", 2_642_411_520),
    image(
        "northamerica-northeast1-docker.pkg.dev/practice/images/hub:7",
        3_012_000_768,
    ),
    Image {
        architectures: &["amd64", "arm64"],
        serves: false,
        ..image("busybox:1.37", 2_211_840)
    },
];

/// The image of that name.
pub(super) fn find(name: &str) -> Option<&'static Image> {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    IMAGES.iter().find(|image| image.name == name)
}
