//! Pull requests that are open already.

use serde::{Deserialize, Serialize};

use super::call::{Asker, User, at};
use super::error::Error;
use super::file::File;
use crate::error;
use crate::world::World;

/// How many open ones are looked at; more than the busiest repository of this kind has.
const MANY: usize = 100;

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Whose it is.
    pub author: String,
}

/// The same, as GitHub has it.
#[derive(Deserialize)]
pub(super) struct Listed {
    pub(super) number: u64,
    html_url: String,
    title: String,
    /// None when the account is gone.
    user: Option<User>,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    label: Option<String>,
}

/// A file that a pull request, or a comparison, changes.
#[derive(Deserialize)]
pub(super) struct Touched {
    pub(super) filename: String,
    #[serde(default)]
    pub(super) additions: u64,
    #[serde(default)]
    pub(super) deletions: u64,
    pub(super) patch: Option<String>,
}

impl From<Listed> for Pull {
    fn from(listed: Listed) -> Self {
        Self {
            number: listed.number,
            url: listed.html_url,
            title: listed.title,
            author: listed
                .user
                .map_or_else(|| "ghost".to_owned(), |user| user.login),
        }
    }
}

impl Touched {
    /// Whether it adds a line with this entry, in whatever quotes.
    fn adds(&self, entry: &str) -> bool {
        let added = self.patch.iter().flat_map(|patch| patch.lines());
        let added = added.filter_map(|line| line.strip_prefix('+'));
        let is_entry = |part: &str| part.eq_ignore_ascii_case(entry);
        added
            .flat_map(|line| line.split([' ', '"', '\'', ',', '[', ']', '\t', '\r']))
            .any(is_entry)
    }
}

impl Asker<'_> {
    /// The open ones of this file's branch, the newest first.
    pub(super) async fn open_pulls(&self, file: &File) -> Result<Vec<Listed>, Error> {
        let what = format!("list the pull requests of {}", file.repository);
        let query = format!("/pulls?state=open&base={}&per_page={MANY}", file.branch);
        self.get(&what, &at(&file.repository, &query)).await
    }

    /// The open one from this branch: `owner:branch`.
    pub(super) async fn open_from(&self, file: &File, head: &str) -> Result<Option<Pull>, Error> {
        let pulls = self.open_pulls(file).await?;
        let from = |pull: &Listed| pull.head.label.as_deref() == Some(head);
        Ok(pulls.into_iter().find(from).map(Pull::from))
    }

    async fn adding(&self, file: &File, entry: &str) -> Result<Option<Pull>, Error> {
        for pull in self.open_pulls(file).await? {
            let number = pull.number;
            let what = format!("read pull request {number} of {}", file.repository);
            let files = at(
                &file.repository,
                &format!("/pulls/{number}/files?per_page={MANY}"),
            );
            // One that was merged or closed just now is none.
            let files: Vec<Touched> = self.find(&what, &files).await?.unwrap_or_default();
            let ours = |touched: &Touched| touched.filename == file.path && touched.adds(entry);
            if files.iter().any(ours) {
                return Ok(Some(pull.into()));
            }
        }
        Ok(None)
    }
}

/// An open pull request, whoever's, that adds this entry to the file.
///
/// # Errors
/// When GitHub cannot be asked.
pub async fn adding(world: &World, file: &File, entry: &str) -> error::Result<Option<Pull>> {
    Ok(Asker::open(world).await?.adding(file, entry).await?)
}
