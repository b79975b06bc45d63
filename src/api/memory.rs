//! What one run leaves for a later one to know, on anybody's machine.

use super::function;
use crate::engine::Function;
use crate::engine::table::Type;
use crate::k8s;
use crate::names::Class;

/// Keys of the maps the shipped runbooks keep.
pub(super) const KEYS: &[&str] = &["before", "after"];

const KEY: (&str, Type) = ("key", Type::Text);

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "memory::get",
        Class::Read,
        &[KEY],
        Type::Any,
        |world, args| {
            Box::pin(async move {
                let value = k8s::recall(&world, &args.text(0)?).await?;
                Ok(value.unwrap_or_default())
            })
        },
        "What an earlier run has put into the target's memory under this key; () when nothing was.",
    ),
    function(
        "memory::put",
        Class::WriteConverge,
        &[KEY, ("value", Type::Any)],
        Type::Bool,
        |world, args| {
            Box::pin(async move {
                let kept = k8s::remember(&world, &args.text(0)?, args.value(1)).await?;
                Ok(kept.into())
            })
        },
        "Keeps a value in the target's memory, where later runs of the whole team find it; () forgets it. Says whether anything had to be changed.",
    ),
];
