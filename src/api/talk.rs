//! Talking to the operator without expecting an answer, and giving up.

use serde_json::Value;

use super::function;
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::error::{Error, Kind, Result};
use crate::event::{Align, Cell, Column, Level, Table, What};
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
    function(
        "output",
        Class::Local,
        TEXT,
        Type::Unit,
        output,
        "Puts a text on standard output as it is, for a file or another program; in a runbook that has this, everything else goes to standard error.",
    ),
    super::optional(
        1,
        function(
            "table",
            Class::Local,
            &[
                ("title", Type::Text),
                ("columns", Type::List),
                ("rows", Type::List),
                ("footer", Type::Text),
            ],
            Type::Unit,
            table,
            "Shows a table on standard output. A column named `>CPU` is aligned to the right; a row is a list of cells; a cell is a text, a number, () or #{ text, tone }, where the tone is good, warning or alarm.",
        ),
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
        "fail_with",
        Class::Local,
        &[("code", Type::Int), ("message", Type::Text)],
        Type::Unit,
        fail_with,
        "Ends the run with this exit status, which is that of a command that ran elsewhere.",
    ),
    function(
        "flat",
        Class::Local,
        &[("lists", Type::List)],
        Type::List,
        flat,
        "The lists of a list as one.",
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

fn output(world: World, args: Args) -> Answer {
    Box::pin(async move {
        for line in args.text(0)?.lines() {
            world.emit(What::Line {
                source: String::new(),
                text: line.to_owned(),
                error: false,
            });
        }
        Ok(().into())
    })
}

fn table(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let list = |at| args.value(at).as_array().into_iter().flatten();
        let columns: Vec<Column> = list(1).map(column).collect::<Result<_>>()?;
        let row = |row: &Value| {
            let cells = row.as_array().filter(|cells| cells.len() == columns.len());
            let cells = cells.ok_or_else(|| {
                let fact = format!(
                    "a row of the table is not a list of {} cells",
                    columns.len()
                );
                Error::new(Kind::Script, fact).hint(format!("it is {row}"))
            })?;
            cells.iter().map(cell).collect::<Result<Vec<_>>>()
        };
        let rows = list(2).map(row).collect::<Result<_>>()?;
        world.emit(What::Table(Table {
            title: args.text(0)?,
            rows,
            footer: args
                .has(3)
                .then(|| args.text(3))
                .transpose()?
                .filter(|line| !line.is_empty()),
            columns,
        }));
        Ok(().into())
    })
}

fn column(name: &Value) -> Result<Column> {
    let name = name.as_str().ok_or_else(|| {
        Error::new(Kind::Script, "a column's name must be a text").hint(format!("it is {name}"))
    })?;
    let (align, name) = match name.strip_prefix('>') {
        Some(name) => (Align::Right, name),
        None => (Align::Left, name),
    };
    let name = name.to_owned();
    Ok(Column { name, align })
}

fn cell(value: &Value) -> Result<Cell> {
    let (text, tone) = match value {
        Value::Object(cell) => (cell.get("text"), cell.get("tone").filter(|t| !t.is_null())),
        value => (Some(value), None),
    };
    let text = match text.unwrap_or(&Value::Null) {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let tone = tone.map(|tone| serde_json::from_value(tone.clone()));
    let tone = tone.transpose().map_err(|_| {
        Error::new(
            Kind::Script,
            format!("the tone of the cell `{text}` is not known"),
        )
        .hint("there are good, warning and alarm")
    })?;
    Ok(Cell { text, tone })
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

fn fail_with(_: World, args: Args) -> Answer {
    Box::pin(async move {
        let code = args.count(0)?;
        let code = u8::try_from(code).ok().filter(|code| *code > 0);
        let message = args.text(1)?;
        Err(match code {
            Some(code) => Error::remote(code, message),
            None => Error::new(Kind::Script, "an exit status of a failure is 1 to 255"),
        })
    })
}

fn flat(_: World, args: Args) -> Answer {
    Box::pin(async move {
        let lists = args.value(0).as_array().into_iter().flatten();
        let mut whole = Vec::new();
        for list in lists {
            match list {
                Value::Array(list) => whole.extend(list.iter().cloned()),
                other => whole.push(other.clone()),
            }
        }
        Ok(whole.into())
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
