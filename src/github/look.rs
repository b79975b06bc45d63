//! A look at everything a copy of a repository is made of, as far as one file of it is concerned.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::call::{Asker, User, at};
use super::error::Error;
use super::file::Found;
use super::fork::is_of;
use crate::error;
use crate::names::{AllowList, Repository};
use crate::world::World;
use crate::world::github::TokenKind;
use crate::world::snapshot::{Fork, GitHub, Pull};

#[derive(Deserialize)]
struct Listed {
    number: u64,
    #[serde(default)]
    title: String,
    user: Option<User>,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    sha: String,
}

#[derive(Deserialize)]
struct Branch {
    name: String,
    commit: Commit,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
}

/// Looks at the repository with the list, at our fork of it, and at what is proposed there.
///
/// # Errors
/// When it cannot be read.
pub async fn look(world: &World, list: &AllowList) -> error::Result<GitHub> {
    Ok(Asker::open(world).await?.look(list).await?)
}

/// What our token reaches.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Whose it is.
    pub me: String,
    /// What kind of token it is.
    pub token: TokenKind,
    /// Whether we may push to the repository itself.
    pub push: bool,
}

/// Asks whose our token is and what it may do in a repository.
///
/// # Errors
/// When the repository cannot be read with it.
pub async fn reach(world: &World, repository: &Repository) -> error::Result<Reach> {
    let asker = Asker::open(world).await?;
    let me = asker.me().await?;
    let found = asker.repository(repository).await?;
    Ok(Reach {
        me,
        token: asker.github.token,
        push: found.permissions.push,
    })
}

impl Asker<'_> {
    async fn look(&self, list: &AllowList) -> Result<GitHub, Error> {
        let upstream = &list.repository;
        let me = self.me().await?;
        let found = self.repository(upstream).await?;
        let commit = self.tip(upstream, &found.default_branch).await?;
        let commit = commit.unwrap_or_default();
        let at_tip = (found.default_branch.as_str(), commit.as_str());
        let text = match self.content(upstream, &list.path, at_tip).await {
            Ok((_, text)) => Some(text),
            Err(Error::NoFile { .. }) => None,
            Err(error) => return Err(error),
        };
        let mut seen = GitHub {
            narrow: self.github.token == TokenKind::FineGrained,
            push: found.permissions.push,
            text,
            ..GitHub::default()
        };
        let mut home = upstream.clone();
        if !seen.push {
            home.owner.clone_from(&me);
            let what = format!("read {home}");
            let fork: Option<Found> = self.find(&what, &at(&home, "")).await?;
            seen.fork = match fork {
                None => Fork::None,
                Some(fork) if is_of(&fork, upstream) => Fork::Ours,
                Some(_) => Fork::Taken,
            };
        }
        if seen.push || seen.fork == Fork::Ours {
            seen.branches = self.branches(&home).await?;
        }
        seen.pulls = self.proposed(upstream, &found.default_branch).await?;
        Ok(GitHub {
            me,
            branch: found.default_branch,
            commit,
            ..seen
        })
    }

    async fn branches(&self, home: &Repository) -> Result<BTreeMap<String, String>, Error> {
        let what = format!("list the branches of {home}");
        let found: Option<Vec<Branch>> = self
            .find(&what, &at(home, "/branches?per_page=100"))
            .await?;
        Ok(found
            .unwrap_or_default()
            .into_iter()
            .map(|one| (one.name, one.commit.sha))
            .collect())
    }

    async fn proposed(&self, upstream: &Repository, branch: &str) -> Result<Vec<Pull>, Error> {
        let what = format!("list the pull requests of {upstream}");
        let query = format!("/pulls?state=open&base={branch}&per_page=100");
        let listed: Vec<Listed> = self.get(&what, &at(upstream, &query)).await?;
        let mut pulls = Vec::new();
        for one in listed {
            let number = one.number;
            let what = format!("read pull request {number} of {upstream}");
            let files = at(upstream, &format!("/pulls/{number}/files?per_page=100"));
            let files: Option<Value> = self.find(&what, &files).await?;
            pulls.push(Pull {
                number,
                title: one.title,
                author: one
                    .user
                    .map_or_else(|| "ghost".to_owned(), |user| user.login),
                label: one.head.label.unwrap_or_default(),
                head: one.head.sha,
                files: files.unwrap_or_default(),
            });
        }
        Ok(pulls)
    }
}
