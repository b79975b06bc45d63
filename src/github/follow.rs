//! What becomes of a pull request.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::call::{Asker, User, at};
use super::error::Error;
use crate::error;
use crate::event::Item;
use crate::names::Repository;
use crate::world::World;
use crate::world::wait::Wait;

/// How often it is looked at: every minute at first, and every quarter of an hour when it takes days.
const POLL: (Duration, Duration) = (Duration::from_mins(1), Duration::from_mins(15));

/// How a pull request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// `open`, `merged` or `closed`.
    pub state: &'static str,
    /// Whether the same lines have been changed meanwhile.
    pub conflict: bool,
    /// Checks that passed.
    pub passed: usize,
    /// The names of those that failed.
    pub failed: Vec<String>,
    /// Checks that are not over.
    pub pending: usize,
    /// Who approved it.
    pub approved: Vec<String>,
    /// Who wants something changed.
    pub rejected: Vec<String>,
    /// Its page.
    pub url: String,
}

#[derive(Deserialize)]
struct Found {
    html_url: String,
    state: String,
    #[serde(default)]
    merged: bool,
    /// Unknown for some seconds after every change.
    mergeable: Option<bool>,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    sha: String,
}

#[derive(Deserialize)]
struct Checks {
    #[serde(default)]
    check_runs: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    name: String,
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct Review {
    user: Option<User>,
    state: String,
}

impl Standing {
    /// In a line.
    fn told(&self) -> String {
        let checks = match (self.failed.as_slice(), self.pending) {
            ([], 0) if self.passed == 0 => "no checks".to_owned(),
            ([], 0) => format!("{} checks passed", self.passed),
            ([], pending) => format!("{pending} checks not over"),
            (failed, _) => format!("failed: {}", failed.join(", ")),
        };
        let review = match (self.rejected.as_slice(), self.approved.as_slice()) {
            ([], []) => "not reviewed yet".to_owned(),
            ([], by) => format!("approved by {}", by.join(", ")),
            (by, _) => format!("changes wanted by {}", by.join(", ")),
        };
        format!("{checks}; {review}")
    }
}

impl Asker<'_> {
    async fn standing(&self, repository: &Repository, number: u64) -> Result<Standing, Error> {
        let what = format!("read pull request {number} of {repository}");
        let pull: Found = self
            .get(&what, &at(repository, &format!("/pulls/{number}")))
            .await?;
        let checks = at(
            repository,
            &format!("/commits/{}/check-runs?per_page=100", pull.head.sha),
        );
        let checks: Option<Checks> = self.find(&what, &checks).await?;
        let checks = checks.map(|checks| checks.check_runs).unwrap_or_default();
        let reviews = at(repository, &format!("/pulls/{number}/reviews?per_page=100"));
        let reviews: Vec<Review> = self.find(&what, &reviews).await?.unwrap_or_default();
        let mut latest = std::collections::BTreeMap::new();
        for review in reviews {
            // A comment leaves the verdict as it was.
            if let (Some(user), "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED") =
                (review.user, review.state.as_str())
            {
                latest.insert(user.login, review.state);
            }
        }
        let by = |state: &str| {
            let who = latest.iter().filter(|(_, said)| *said == state);
            who.map(|(login, _)| login.clone()).collect()
        };
        let good = |check: &Check| {
            matches!(
                check.conclusion.as_deref(),
                Some("success" | "neutral" | "skipped")
            )
        };
        let over = |check: &Check| check.conclusion.is_some();
        Ok(Standing {
            state: match (pull.merged, pull.state.as_str()) {
                (true, _) => "merged",
                (false, "open") => "open",
                (false, _) => "closed",
            },
            conflict: pull.mergeable == Some(false),
            passed: checks.iter().filter(|check| good(check)).count(),
            failed: checks
                .iter()
                .filter(|check| over(check) && !good(check))
                .map(|check| check.name.clone())
                .collect(),
            pending: checks.iter().filter(|check| !over(check)).count(),
            approved: by("APPROVED"),
            rejected: by("CHANGES_REQUESTED"),
            url: pull.html_url,
        })
    }
}

/// How a pull request stands now.
///
/// # Errors
/// When there is none, or GitHub cannot be asked.
pub async fn standing(
    world: &World,
    repository: &Repository,
    number: u64,
) -> error::Result<Standing> {
    Ok(Asker::open(world)
        .await?
        .standing(repository, number)
        .await?)
}

/// Watches a pull request until it is merged.
///
/// # Errors
/// Kind `declined` when it was closed, `raced` when it cannot be merged any more, `timed-out` when
/// it was not merged within `limit` of watched time.
pub async fn follow(
    world: &World,
    repository: &Repository,
    number: u64,
    limit: Duration,
) -> error::Result<Standing> {
    let what = format!("pull request {number} of {repository} to be merged");
    let mut wait = Wait::begin(world, what, 1, None, limit)?;
    let outcome = watch(world, repository, number, &mut wait).await;
    wait.end(outcome.is_ok());
    outcome
}

async fn watch(
    world: &World,
    repository: &Repository,
    number: u64,
    wait: &mut Wait,
) -> error::Result<Standing> {
    loop {
        let now = standing(world, repository, number).await?;
        let url = now.url.clone();
        match now.state {
            "merged" => {
                wait.progress(1, 1, Vec::<Item>::new(), None)?;
                return Ok(now);
            }
            "closed" => return Err(Error::Closed { url }.into()),
            _ if now.conflict => return Err(Error::Conflict { url }.into()),
            _ => wait.progress(0, 1, Vec::new(), Some(now.told()))?,
        }
        if wait.left().is_zero() {
            return Err(Error::NotMerged { url }.into());
        }
        let pause = (wait.watched() / 5).clamp(POLL.0, POLL.1);
        world.clock().sleep(pause.min(wait.left())).await;
    }
}
