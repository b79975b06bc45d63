//! Editing somebody's YAML without touching the rest of it. Nothing here goes outside: a file is read
//! and written elsewhere.

use serde_json::{Value, json};

use super::function;
use crate::engine::table::{HandleType, Type};
use crate::engine::{Answer, Args, Function, handle};
use crate::error::{Error, Kind, Result};
use crate::names::Class;
use crate::world::World;
use crate::yaml::{self, Document, Path};

pub(super) const YAML: HandleType = HandleType {
    name: "Yaml",
    properties: &[
        ("opened", Type::Text, "The text as it was opened."),
        ("text", Type::Text, "The text as it is now."),
    ],
};

const PATH: (&str, Type) = ("path", Type::Text);
const VALUE: (&str, Type) = ("value", Type::Text);
const INDEX: (&str, Type) = ("index", Type::Int);
const FILE: Type = Type::Handle("Yaml");

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "yaml::open",
        Class::Local,
        &[("text", Type::Text)],
        FILE,
        |_, args| {
            let text = args.text(0);
            Box::pin(async move {
                let text = text?;
                Ok(file(&text, &Document::parse(&text)?))
            })
        },
        "A text of YAML, to be looked at and edited. One that is a template, or several documents, is refused.",
    ),
    function(
        "Yaml.get",
        Class::Local,
        &[PATH],
        Type::Any,
        get,
        "What stands at a path like `hub.config.\"a.b\".list[0]`, aliases followed.",
    ),
    function(
        "Yaml.paths",
        Class::Local,
        &[PATH],
        Type::List,
        |_, args| Box::pin(async move { Ok(document(&args)?.shared(&path(&args)?)?.into()) }),
        "Every path that leads to the same place, through anchors and their aliases: an edit at one is an edit at all. A hundred at most.",
    ),
    function(
        "Yaml.insert",
        Class::Local,
        &[PATH, INDEX, VALUE],
        FILE,
        |_, args| {
            let edit = |file: &Document, path: &Path| {
                Ok(file.insert(path, number(&args, 2)?, &args.text(3)?)?)
            };
            let edited = edited(&args, edit);
            Box::pin(async move { edited })
        },
        "The file with a text more in the list at a path, before its item of that number (from 0; at the end when there are no more). One line is added and nothing else, or it is refused.",
    ),
    function(
        "Yaml.remove",
        Class::Local,
        &[PATH, INDEX],
        FILE,
        |_, args| {
            let edit = |file: &Document, path: &Path| Ok(file.remove(path, number(&args, 2)?)?);
            let edited = edited(&args, edit);
            Box::pin(async move { edited })
        },
        "The file without the item of that number in the list at a path.",
    ),
    function(
        "Yaml.set",
        Class::Local,
        &[PATH, VALUE],
        FILE,
        |_, args| {
            let edit = |file: &Document, path: &Path| Ok(file.set(path, &args.text(2)?)?);
            let edited = edited(&args, edit);
            Box::pin(async move { edited })
        },
        "The file with another text at a path, in the same quotes.",
    ),
    function(
        "Yaml.diff",
        Class::Local,
        &[("name", Type::Text)],
        Type::Text,
        |_, args| {
            Box::pin(async move {
                let (opened, text) = (args.field(0, "opened")?, args.field(0, "text")?);
                Ok(yaml::diff(&args.text(1)?, &opened, &text).into())
            })
        },
        "What has been changed since it was opened, as a unified diff of a file of that name; empty when nothing has.",
    ),
];

fn get(_: World, args: Args) -> Answer {
    Box::pin(async move { Ok(document(&args)?.get(&path(&args)?)?) })
}

/// The file as it is now.
fn document(args: &Args) -> Result<Document> {
    Ok(Document::parse(&args.field(0, "text")?)?)
}

fn path(args: &Args) -> Result<Path> {
    Ok(args.text(1)?.parse()?)
}

fn number(args: &Args, at: usize) -> Result<usize> {
    let number = args
        .value(at)
        .as_u64()
        .and_then(|n| usize::try_from(n).ok());
    number.ok_or_else(|| Error::new(Kind::Script, "items are counted from 0"))
}

fn edited(args: &Args, edit: impl FnOnce(&Document, &Path) -> Result<Document>) -> Result<Value> {
    let edited = edit(&document(args)?, &path(args)?)?;
    Ok(file(&args.field(0, "opened")?, &edited))
}

fn file(opened: &str, now: &Document) -> Value {
    handle("Yaml", json!({ "opened": opened, "text": now.text() }))
}
