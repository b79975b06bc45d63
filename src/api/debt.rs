//! What is left open on purpose, where the whole team sees it. Whoever writes there writes what he
//! has read or nothing, so no lock is needed.

use jiff::Timestamp;
use serde_json::Value;

use super::options::Options;
use super::{function, optional};
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::k8s::{self, Debt};
use crate::names::Class;
use crate::world::World;

/// Keys of the maps these functions give back.
pub(super) const KEYS: &[&str] = &[
    "key",
    "what",
    "purpose",
    "nodes",
    "closed_by",
    "since",
    "by",
    "incomplete",
];

const KEY: &[(&str, Type)] = &[("key", Type::Text)];

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "debt::list",
        Class::Read,
        &[],
        Type::List,
        list,
        "The target's debts: key, what, purpose, nodes, since, by, incomplete.",
    ),
    optional(
        1,
        function(
            "debt::open",
            Class::WriteConverge,
            &[
                ("key", Type::Text),
                ("what", Type::Text),
                ("options", Type::Map),
            ],
            Type::Bool,
            open,
            "Opens a debt, incomplete until `debt::complete`; one that is open already keeps its beginning. Options: `purpose` (what for), `nodes` (how many it costs), `closed_by` (the runbook that closes it; else `teardown`). Says whether anything had to be changed.",
        ),
    )
    .lockless(),
    function(
        "debt::complete",
        Class::WriteConverge,
        KEY,
        Type::Bool,
        |world, args| {
            Box::pin(async move { Ok(k8s::complete_debt(&world, &args.text(0)?).await?.into()) })
        },
        "What was wanted of an open debt is there. Says whether anything had to be changed.",
    )
    .lockless(),
    function(
        "debt::close",
        Class::WriteConverge,
        KEY,
        Type::Bool,
        |world, args| {
            Box::pin(async move { Ok(k8s::close_debt(&world, &args.text(0)?).await?.into()) })
        },
        "What was owed has been given back. Says whether there was such a debt.",
    )
    .lockless(),
];

fn list(world: World, _: Args) -> Answer {
    Box::pin(async move {
        let debts = k8s::debts(&world).await?;
        let told = debts.iter().map(|debt| {
            let mut told = super::json(debt)?;
            if let Some(map) = told.as_object_mut() {
                map.insert("key".to_owned(), debt.key.clone().into());
            }
            Ok(told)
        });
        told.collect::<crate::error::Result<Value>>()
    })
}

fn open(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let options = Options::of(&args, 2, &["purpose", "nodes", "closed_by"])?;
        let debt = Debt {
            key: args.text(0)?,
            what: args.text(1)?,
            purpose: options.text("purpose")?.unwrap_or_default(),
            nodes: options.count("nodes")?.unwrap_or_default(),
            closed_by: (options.text("closed_by")?).unwrap_or_else(|| "teardown".to_owned()),
            since: whole_second(world.clock().now()),
            by: world.who().to_owned(),
            incomplete: true,
        };
        Ok(k8s::open_debt(&world, debt).await?.into())
    })
}

/// People read it.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
