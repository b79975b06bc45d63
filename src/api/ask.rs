//! Asking the operator. Every question has a key, so that `--answer KEY=VALUE` can answer it.

use serde_json::Value;

use super::function;
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::error::{Error, Kind, Result};
use crate::names::Class;
use crate::world::operator::Form;
use crate::world::{Question, World};

const QUESTION: &[(&str, Type)] = &[("key", Type::Text), ("question", Type::Text)];

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "ask::confirm",
        Class::Ask,
        QUESTION,
        Type::Bool,
        confirm,
        "Asks for a yes or a no.",
    ),
    function(
        "ask::proceed",
        Class::Ask,
        QUESTION,
        Type::Unit,
        proceed,
        "Asks whether to go on; a no ends the run, exit status 4. Where the target says so, its name must be typed.",
    ),
    function(
        "ask::danger",
        Class::Ask,
        QUESTION,
        Type::Unit,
        danger,
        "Asks whether to do what may hurt somebody: the target's name must always be typed, and `--yes` does not answer it. Anything else ends the run, exit status 4.",
    ),
    function(
        "ask::text",
        Class::Ask,
        QUESTION,
        Type::Text,
        text,
        "Asks for a line of text.",
    ),
    function(
        "ask::choose",
        Class::Ask,
        &[
            ("key", Type::Text),
            ("question", Type::Text),
            ("choices", Type::List),
        ],
        Type::Text,
        choose,
        "Asks for one of a list.",
    ),
];

fn confirm(world: World, args: Args) -> Answer {
    Box::pin(async move { Ok((ask(&world, &args, Form::Confirm).await? == "yes").into()) })
}

fn proceed(world: World, args: Args) -> Answer {
    let typed = world.target().type_name;
    Box::pin(async move { go_on(&world, &args, typed).await })
}

fn danger(world: World, args: Args) -> Answer {
    Box::pin(async move { go_on(&world, &args, true).await })
}

async fn go_on(world: &World, args: &Args, typed: bool) -> Result<Value> {
    let name = &world.target().name;
    let (form, yes) = if typed {
        (Form::Type(name.clone()), name.as_str())
    } else {
        (Form::Confirm, "yes")
    };
    if ask(world, args, form).await? == yes {
        return Ok(().into());
    }
    let question = args.text(1)?;
    Err(Error::new(
        Kind::Declined,
        format!("you said no to: {question}"),
    ))
}

fn text(world: World, args: Args) -> Answer {
    Box::pin(async move { Ok(ask(&world, &args, Form::Text).await?.into()) })
}

fn choose(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let choices = args.value(2).as_array().into_iter().flatten();
        let choices: Vec<String> = choices
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        if choices.is_empty() {
            return Err(Error::new(Kind::Script, "there is nothing to choose from"));
        }
        Ok(ask(&world, &args, Form::Choose(choices)).await?.into())
    })
}

async fn ask(world: &World, args: &Args, form: Form) -> Result<String> {
    let question = Question {
        key: args.text(0)?,
        text: args.text(1)?,
        form,
    };
    world.ask(question).await
}
