//! Files in repositories on GitHub, and pull requests that change them.

use std::time::Duration;

use super::options::Options;
use super::{function, json, optional};
use crate::engine::table::{HandleType, Type};
use crate::engine::{Answer, Args, Function, handle};
use crate::error::{Error, Kind, Result};
use crate::github::{self, File, Proposal};
use crate::names::{Class, Repository};
use crate::world::World;
use crate::yaml;

/// Keys of the maps these functions give back.
pub(super) const KEYS: &[&str] = &[
    "repository",
    "path",
    "keys", // an allow-list
    "number",
    "url",
    "title",
    "author",
    "found", // a pull request
    "state",
    "conflict",
    "passed",
    "failed",
    "pending",
    "approved",
    "rejected", // how it stands
];

pub(super) const FILE: HandleType = HandleType {
    name: "File",
    properties: &[
        ("repository", Type::Text, "Whose it is: `owner/name`."),
        (
            "path",
            Type::Text,
            "Where it is, from the repository's root.",
        ),
        ("branch", Type::Text, "The repository's default branch."),
        (
            "commit",
            Type::Text,
            "The commit at its tip, which it was read at.",
        ),
        ("blob", Type::Text, "Git's name for its contents."),
        ("text", Type::Text, "Its contents."),
    ],
};

/// How long a pull request is watched: people take days.
const LIMIT: Duration = Duration::from_hours(7 * 24);

const THE_FILE: Type = Type::Handle("File");

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "github::allow_list",
        Class::Local,
        &[],
        Type::Map,
        allow_list,
        "Where the target's list stands of the domains whose people may log in, by `allow_list` in runbook.toml: repository, path, keys (tried in this order).",
    ),
    function(
        "github::file",
        Class::Read,
        &[("repository", Type::Text), ("path", Type::Text)],
        THE_FILE,
        |world, args| {
            Box::pin(async move {
                let file = github::file(&world, &repository(&args, 0)?, &args.text(1)?).await?;
                Ok(handle("File", json(&file)?))
            })
        },
        "A file at the tip of a repository's default branch; everything that follows is about that commit.",
    ),
    function(
        "File.adding",
        Class::Read,
        &[("entry", Type::Text)],
        Type::Any,
        |world, args| {
            Box::pin(async move {
                let (file, entry) = (file(&args)?, args.text(1)?);
                json(&github::adding(&world, &file, &entry).await?)
            })
        },
        "An open pull request, whoever's, that adds a line with this entry to the file: number, url, title, author; () when there is none.",
    ),
    function(
        "File.propose",
        Class::WriteConverge,
        PROPOSAL,
        Type::Map,
        |world, args| {
            Box::pin(async move {
                let (file, proposal) = (file(&args)?, proposal(&args)?);
                json(&github::propose(&world, &file, &proposal).await?)
            })
        },
        "Opens a pull request that gives the file another text, by way of our fork where we may not push: number, url, title, author, found (it was open already). Options: `branch`, `title`, `body`, `message`. Where the file has changed since it was read it fails with kind \"raced\" and opens nothing.",
    )
    .lockless(),
    function(
        "File.patch",
        Class::Local,
        PROPOSAL,
        Type::Text,
        |world, args| {
            Box::pin(async move {
                let (file, proposal) = (file(&args)?, proposal(&args)?);
                let diff = yaml::diff(&file.path, &file.text, &proposal.text);
                Ok(github::patch(&world, &file, &proposal, &diff).into())
            })
        },
        "The same change as a patch for `git am`. Options as for `propose`.",
    ),
    function(
        "github::standing",
        Class::Read,
        PULL,
        Type::Map,
        |world, args| {
            Box::pin(async move {
                let (repository, number) = pull(&args)?;
                json(&github::standing(&world, &repository, number).await?)
            })
        },
        "How a pull request stands: state (\"open\", \"merged\", \"closed\"), conflict, passed, failed (names), pending (checks), approved, rejected (by whom), url.",
    )
    .fleeting(),
    optional(
        1,
        function(
            "github::follow",
            Class::Wait,
            &[
                ("repository", Type::Text),
                ("number", Type::Int),
                ("options", Type::Map),
            ],
            Type::Map,
            |world, args| {
                Box::pin(async move {
                    let (repository, number) = pull(&args)?;
                    let options = Options::of(&args, 2, &["limit"])?;
                    let limit = options.duration("limit")?.unwrap_or(LIMIT);
                    json(&github::follow(&world, &repository, number, limit).await?)
                })
            },
            "Watches a pull request until it is merged, and says how it stands then. Options: `limit` (a week of watched time when it is left off).",
        ),
    ),
];

const PROPOSAL: &[(&str, Type)] = &[("text", Type::Text), ("options", Type::Map)];
const PULL: &[(&str, Type)] = &[("repository", Type::Text), ("number", Type::Int)];

fn allow_list(world: World, _: Args) -> Answer {
    Box::pin(async move {
        let target = world.target();
        let list = target.allow_list.as_ref().ok_or_else(|| {
            let fact = format!("nobody has said where the allow-list of `{}` is", target.name);
            let hint = format!(
                "add allow_list = {{ repository = \"OWNER/NAME\", path = \"FILE\", keys = [\"KEY\"] }} \
                 under [target.{}] in runbook.toml",
                target.name
            );
            Error::new(Kind::Config, fact).hint(hint)
        })?;
        json(list)
    })
}

fn repository(args: &Args, at: usize) -> Result<Repository> {
    let parsed = args.text(at)?.parse();
    parsed.map_err(|why: String| Error::new(Kind::Usage, why))
}

fn file(args: &Args) -> Result<File> {
    let found: std::result::Result<File, _> = serde_json::from_value(args.value(0).clone());
    found.map_err(|why| Error::new(Kind::Bug, format!("this is no file: {why}")))
}

fn proposal(args: &Args) -> Result<Proposal> {
    let options = Options::of(args, 2, &["branch", "title", "body", "message"])?;
    let needed = |key: &str| {
        let text = options.text(key)?.filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| Error::new(Kind::Script, format!("a proposal needs `{key}`")))
    };
    Ok(Proposal {
        text: args.text(1)?,
        branch: needed("branch")?,
        title: needed("title")?,
        body: needed("body")?,
        message: needed("message")?,
    })
}

fn pull(args: &Args) -> Result<(Repository, u64)> {
    let number = args.value(1).as_u64();
    let number = number.ok_or_else(|| Error::new(Kind::Script, "a pull request has a number"))?;
    Ok((repository(args, 0)?, number))
}
