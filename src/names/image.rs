//! The name of a container image: the same image is written in several ways.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Kind};

/// The registry of a name without one.
const DOCKER_HUB: &str = "docker.io";
/// The longest tag.
const TAG_MAX: usize = 128;

/// An image's name, read strictly: `quay.io/jupyter/base-notebook:2025-12-15`. What a runtime would
/// add (`docker.io`, `library/`) is added; a tag or a digest must be said.
///
/// The grammar is that of distribution's `reference` package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Where it is kept: `docker.io`, `quay.io`, `localhost:5000`.
    pub registry: String,
    /// Which it is there: `library/busybox`.
    pub repository: String,
    /// `0.1.5`.
    pub tag: Option<String>,
    /// `sha256:...`.
    pub digest: Option<String>,
}

impl Image {
    /// Whether two names, as pods and nodes write them, mean the same image.
    pub fn same(a: &str, b: &str) -> bool {
        full(a) == full(b)
    }

    /// What tells its versions apart: the digest, else the tag.
    pub fn reference(&self) -> &str {
        let said = self.digest.as_deref().or(self.tag.as_deref());
        said.unwrap_or_default()
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repository = &self.repository;
        let short = repository.strip_prefix("library/").unwrap_or(repository);
        match self.registry.as_str() {
            DOCKER_HUB => write!(f, "{short}")?,
            registry => write!(f, "{registry}/{repository}")?,
        }
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// A name with everything that is usually left off: `busybox` is `docker.io/library/busybox:latest`.
fn full(name: &str) -> String {
    let (host, rest) = split(name);
    let library = if host == DOCKER_HUB && !rest.contains('/') {
        "library/"
    } else {
        ""
    };
    let last = rest.rsplit('/').next().unwrap_or(rest);
    let tag = if last.contains([':', '@']) {
        ""
    } else {
        ":latest"
    };
    format!("{host}/{library}{rest}{tag}")
}

/// The registry, and the rest.
fn split(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some(("index.docker.io" | "registry-1.docker.io", rest)) => (DOCKER_HUB, rest),
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        Some(_) | None => (DOCKER_HUB, name),
    }
}

fn wrong(name: &str, why: &str, next: &str) -> Error {
    Error::new(Kind::Usage, format!("`{name}` is no image: {why}")).hint(next.to_owned())
}

impl FromStr for Image {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let shape = "write REPOSITORY:TAG, as in quay.io/jupyter/base-notebook:2025-12-15";
        let no = |why: &str, next: &str| Err(wrong(name, why, next));
        if name.is_empty() {
            return no("it is empty", shape);
        }
        if let Some((scheme, rest)) = name.split_once("://") {
            let next = format!("leave `{scheme}://` off: {rest}");
            return no(&format!("it is an address ({scheme}://)"), &next);
        }
        if name.contains(char::is_whitespace) {
            return no("it has a space in it", shape);
        }
        let (name_and_tag, digest) = match name.split_once('@') {
            Some((before, digest)) => (before, Some(digest)),
            None => (name, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return no(
                "what follows the @ is no digest",
                "a digest is sha256: and 64 digits or a to f",
            );
        }
        let (registry, rest) = split(name_and_tag);
        let last = rest.rfind('/').map_or(0, |at| at + 1);
        let (path, tag) = match rest.get(last..).and_then(|part| part.find(':')) {
            Some(at) => (&rest[..last + at], Some(&rest[last + at + 1..])),
            None => (rest, None),
        };
        if let Some(upper) = path.chars().find(char::is_ascii_uppercase) {
            let why = format!("only tags may have upper case letters, and it has {upper}");
            return no(
                &why,
                &format!("in lower case it is {}", name.to_lowercase()),
            );
        }
        if let Some(part) = path.split('/').find(|part| !is_component(part)) {
            return no(
                &format!("`{part}` is no part of a repository's name"),
                shape,
            );
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return no(
                "its tag is none",
                "a tag has letters, digits, `_`, `.` and `-`, 128 at most, and begins with neither of the last two",
            );
        }
        if tag.is_none() && digest.is_none() {
            return no("it has no tag", &format!("say which: {name}:TAG"));
        }
        let library = if registry == DOCKER_HUB && !path.contains('/') {
            "library/"
        } else {
            ""
        };
        Ok(Self {
            registry: registry.to_owned(),
            repository: format!("{library}{path}"),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

/// `[a-z0-9]+` with `.`, `_`, `__` or dashes between.
fn is_component(part: &str) -> bool {
    let solid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = part.starts_with(solid) && part.ends_with(solid);
    let mut between = part.split(solid).filter(|between| !between.is_empty());
    let joins = |text: &str| [".", "_", "__"].contains(&text) || text.chars().all(|c| c == '-');
    ends && between.all(joins)
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= TAG_MAX
        && tag.starts_with(word)
        && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn is_digest(digest: &str) -> bool {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let text = digest.strip_prefix("sha256:");
    text.is_some_and(|text| text.len() == 64 && text.chars().all(hex))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_and_full_names_are_the_same_image() {
        assert!(Image::same("busybox", "docker.io/library/busybox:latest"));
        assert!(Image::same("jupyter/base:1", "docker.io/jupyter/base:1"));
        assert!(Image::same("quay.io/a/b:2", "quay.io/a/b:2"));
        assert!(!Image::same("quay.io/a/b:2", "quay.io/a/b:3"));
        assert!(!Image::same("localhost/a", "a"));
        assert!(!Image::same("host:5000/a", "docker.io/a"));
    }

    #[test]
    fn names_are_taken_apart() {
        for (name, registry, repository, reference) in [
            ("callysto/2i2c:0.1.5", "docker.io", "callysto/2i2c", "0.1.5"),
            ("busybox:1.37", "docker.io", "library/busybox", "1.37"),
            ("localhost:5000/a/b:T-1", "localhost:5000", "a/b", "T-1"),
            ("quay.io/a_b/c--d.e:_x", "quay.io", "a_b/c--d.e", "_x"),
        ] {
            let image: Image = name.parse().unwrap();
            assert_eq!(
                (&*image.registry, &*image.repository, image.reference()),
                (registry, repository, reference)
            );
            assert_eq!(image.to_string(), name);
        }
        let digest = format!("sha256:{}", "0a".repeat(32));
        let image: Image = format!("docker.io/a/b:1@{digest}").parse().unwrap();
        assert_eq!(image.reference(), digest);
    }

    #[test]
    fn what_is_none_says_why() {
        for (name, why) in [
            ("", "empty"),
            ("https://quay.io/a/b:1", "address"),
            ("a b:1", "space"),
            ("Callysto/2i2c:1", "upper case"),
            ("callysto/2i2c", "no tag"),
            ("a//b:1", "no part"),
            ("-a:1", "no part"),
            ("a..b:1", "no part"),
            ("a:.1", "its tag"),
            ("a:", "its tag"),
            ("a@sha256:12", "no digest"),
        ] {
            let error = name.parse::<Image>().unwrap_err();
            assert!(error.message.contains(why), "{name}: {error}");
            assert!(error.hint.is_some() && error.kind == Kind::Usage);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_as_the_same_image(name in "[a-zA-Z0-9._/:@ -]{0,40}") {
            if let Ok(image) = name.parse::<Image>() {
                let again: Image = image.to_string().parse().unwrap();
                prop_assert!(Image::same(&name, &image.to_string()) || name.contains("docker.io"));
                prop_assert_eq!(again, image);
            }
        }
    }
}
