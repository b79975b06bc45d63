//! Domains for an allow-list: reading what is typed, and where it belongs. Nothing goes outside.

use serde_json::json;

use super::function;
use crate::engine::Args;
use crate::engine::Function;
use crate::engine::table::Type;
use crate::error::{Error, Kind, Result};
use crate::names::{Class, Domain, domain};

/// Keys of the map these functions give back.
pub(super) const KEYS: &[&str] = &["entry", "said", "unicode", "wide"];

const LISTED: &[(&str, Type)] = &[("domain", Type::Text), ("list", Type::List)];

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "domain::parse",
        Class::Local,
        &[("text", Type::Text)],
        Type::Map,
        |_, args| {
            Box::pin(async move {
                let Domain {
                    entry,
                    said,
                    unicode,
                    wide,
                } = Domain::parse(&args.text(0)?)?;
                Ok(json!({ "entry": entry, "said": said, "unicode": unicode, "wide": wide }))
            })
        },
        "A domain as an allow-list has it: entry, said (what was changed about what was typed), unicode (it was not ASCII), wide (it is a public suffix, or all below one). What is none is refused with the fix.",
    ),
    function(
        "domain::covered",
        Class::Local,
        LISTED,
        Type::Any,
        |_, args| {
            Box::pin(async move {
                let list = list(&args)?;
                Ok(domain::covered(&args.text(0)?, &list).into())
            })
        },
        "The first entry of a list that admits a domain already, by the hub's own rule; () when none does.",
    ),
    function(
        "domain::place",
        Class::Local,
        LISTED,
        Type::Int,
        |_, args| Box::pin(async move { Ok(domain::place(&args.text(0)?, &list(&args)?).into()) }),
        "Where a domain belongs in a list: among the ordinary entries in their order, before the patterns at its end. The list is never sorted.",
    ),
];

/// The entries, which must be texts.
fn list(args: &Args) -> Result<Vec<String>> {
    let items = args.value(1).as_array().into_iter().flatten();
    let texts: Option<Vec<String>> = items.map(|item| Some(item.as_str()?.to_owned())).collect();
    texts.ok_or_else(|| {
        Error::new(Kind::Operation, "the list has entries that are no texts")
            .hint("look at the file: it is not a list of domains")
    })
}
