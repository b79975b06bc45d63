//! Names of things on GitHub.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A repository: `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository {
    /// A person or an organisation.
    pub owner: String,
    /// Its name there.
    pub name: String,
}

impl FromStr for Repository {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !part.is_empty() && part.chars().all(known) && !part.starts_with('.')
        };
        match text.split_once('/') {
            Some((owner, name)) if plain(owner) && plain(name) => Ok(Self {
                owner: owner.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(format!(
                "`{text}` is no repository; write it as in 2i2c-org/infrastructure"
            )),
        }
    }
}

impl TryFrom<String> for Repository {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        repository.to_string()
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// Somebody as git knows them: `Ann Lee <ann@example.org>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Person {
    /// Their name.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
}

impl TryFrom<String> for Person {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is nobody; write it as in Ann Lee <ann@example.org>");
        let (name, rest) = text.split_once('<').ok_or_else(wrong)?;
        let email = rest.trim().strip_suffix('>').ok_or_else(wrong)?;
        let name = name.trim();
        let strange = |text: &str| text.contains(['<', '>', '\n', '\r']);
        if name.is_empty() || !email.contains('@') || strange(name) || strange(email) {
            return Err(wrong());
        }
        Ok(Self {
            name: name.to_owned(),
            email: email.to_owned(),
        })
    }
}

impl From<Person> for String {
    fn from(person: Person) -> Self {
        person.to_string()
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

/// Where the list stands of the domains whose people may log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowList {
    /// Whose file it is in.
    pub repository: Repository,
    /// The file, from the repository's root.
    pub path: String,
    /// Where in the file, as `hub.config."a.b".list`; the first that is there counts.
    pub keys: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_and_people_are_read_and_written_back() {
        let repository: Repository = "2i2c-org/infrastructure".parse().unwrap();
        assert_eq!(repository.to_string(), "2i2c-org/infrastructure");
        for wrong in ["infrastructure", "a/b/c", "/b", "a/", "a/..", "a b/c"] {
            assert!(wrong.parse::<Repository>().is_err(), "{wrong}");
        }
        let person = Person::try_from("Ann Lee <ann@example.org>".to_owned()).unwrap();
        assert_eq!(person.to_string(), "Ann Lee <ann@example.org>");
        for wrong in ["Ann Lee", "<ann@example.org>", "Ann <ann>", "A <a@b> <c@d>"] {
            assert!(Person::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
