//! Where a branch of ours can be pushed: the repository itself, or our fork of it.

use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Asker, User, at, made};
use super::error::Error;
use super::file::{File, Found};
use crate::names::Repository;

/// How long a fork may take to be made.
const LIMIT: Duration = Duration::from_mins(5);
/// How often it is looked for.
const POLL: Duration = Duration::from_secs(5);

impl Asker<'_> {
    /// Who the token belongs to.
    pub(super) async fn me(&self) -> Result<String, Error> {
        let user: User = self.get("ask who the token belongs to", "/user").await?;
        Ok(user.login)
    }

    /// The repository a branch can be made in; a fork is made when there is none yet.
    pub(super) async fn home(&self, file: &File, me: &str) -> Result<Repository, Error> {
        let upstream = &file.repository;
        if self.repository(upstream).await?.permissions.push {
            return Ok(upstream.clone());
        }
        let fork = Repository {
            owner: me.to_owned(),
            name: upstream.name.clone(),
        };
        let what = format!("read {fork}");
        let found: Option<Found> = self.find(&what, &at(&fork, "")).await?;
        match found {
            Some(found) if is_of(&found, upstream) => {}
            Some(_) => {
                return Err(Error::Taken {
                    fork: fork.to_string(),
                    repository: upstream.to_string(),
                });
            }
            None => self.fork(upstream, &fork).await?,
        }
        self.ready(file, &fork).await?;
        Ok(fork)
    }

    async fn fork(&self, upstream: &Repository, fork: &Repository) -> Result<(), Error> {
        let what = format!("fork {upstream}");
        let body = json!({ "default_branch_only": true });
        // To ask again for a fork that is there changes nothing.
        let sent = async {
            self.post::<Value>(&what, &at(upstream, "/forks"), &body, true)
                .await?;
            self.world
                .changed(made(format!("fork {fork}"), &format!("of {upstream}")))?;
            Ok(())
        };
        self.world.stop().shielded(sent).await
    }

    /// Forks are made behind the scenes: it is there once its branch is.
    async fn ready(&self, file: &File, fork: &Repository) -> Result<(), Error> {
        let began = self.world.clock().now();
        while self.tip(fork, &file.branch).await?.is_none() {
            if self.world.clock().since(began) > LIMIT {
                let fork = fork.to_string();
                return Err(Error::SlowFork { fork, limit: LIMIT });
            }
            self.world.clock().sleep(POLL).await;
        }
        Ok(())
    }
}

pub(super) fn is_of(found: &Found, upstream: &Repository) -> bool {
    let parent = found
        .parent
        .as_ref()
        .map(|parent| parent.full_name.as_str());
    found.fork && parent.is_some_and(|parent| parent.eq_ignore_ascii_case(&upstream.to_string()))
}
