//! Talking to the operator without expecting an answer, and giving up.

use super::function;
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::error::{Error, Kind};
use crate::event::{Level, What};
use crate::names::Class;
use crate::world::World;

const TEXT: &[(&str, Type)] = &[("text", Type::Text)];

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "step",
        Class::Local,
        &[("title", Type::Text)],
        Type::Unit,
        step,
        "A heading: what comes next.",
    ),
    function(
        "say",
        Class::Local,
        TEXT,
        Type::Unit,
        |w, a| said(&w, &a, Level::Info),
        "A line for the operator.",
    ),
    function(
        "good",
        Class::Local,
        TEXT,
        Type::Unit,
        |w, a| said(&w, &a, Level::Good),
        "A line of good news.",
    ),
    function(
        "warn",
        Class::Local,
        TEXT,
        Type::Unit,
        |w, a| said(&w, &a, Level::Warning),
        "A line worth a look.",
    ),
    function(
        "next",
        Class::Local,
        TEXT,
        Type::Unit,
        |w, a| said(&w, &a, Level::Next),
        "What to do afterwards; shown again at the end.",
    ),
    super::optional(
        1,
        function(
            "fail",
            Class::Local,
            &[("message", Type::Text), ("hint", Type::Text)],
            Type::Unit,
            fail,
            "Ends the run: the fact, then the next step.",
        ),
    ),
    super::optional(
        1,
        function(
            "refuse",
            Class::Local,
            &[("message", Type::Text), ("hint", Type::Text)],
            Type::Unit,
            refuse,
            "Ends the run because going on would hurt somebody, exit status 5: the fact, then the next step.",
        ),
    ),
    function(
        "join",
        Class::Local,
        &[("list", Type::List), ("between", Type::Text)],
        Type::Text,
        join,
        "The texts of a list as one, with `between` between them.",
    ),
];

fn step(world: World, args: Args) -> Answer {
    Box::pin(async move {
        world.begin_step(args.text(0)?);
        Ok(().into())
    })
}

fn said(world: &World, args: &Args, level: Level) -> Answer {
    let world = world.clone();
    let text = args.text(0);
    Box::pin(async move {
        world.emit(What::Said { level, text: text? });
        Ok(().into())
    })
}

fn fail(_: World, args: Args) -> Answer {
    give_up(Kind::Script, args)
}

fn refuse(_: World, args: Args) -> Answer {
    give_up(Kind::Refused, args)
}

fn give_up(kind: Kind, args: Args) -> Answer {
    Box::pin(async move {
        let error = Error::new(kind, args.text(0)?);
        Err(if args.has(1) {
            error.hint(args.text(1)?)
        } else {
            error
        })
    })
}

fn join(_: World, args: Args) -> Answer {
    Box::pin(async move {
        let texts = args.value(0).as_array().into_iter().flatten();
        let texts: Vec<String> = texts
            .map(|value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            })
            .collect();
        Ok(texts.join(&args.text(1)?).into())
    })
}
