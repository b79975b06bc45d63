//! The other half of a warm-up: who is still there, and the waits until nodes are gone.

use std::time::Duration;

use futures::future::{self, Either};
use futures::stream::LocalBoxStream;
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::options::{Options, duration};
use super::{function, optional};
use crate::engine::table::Type;
use crate::engine::{Answer, Args, Function};
use crate::error::{Error, Kind, Result};
use crate::event::{Level, What};
use crate::gke;
use crate::hub;
use crate::k8s::{self, Activity, Crowd, Leave};
use crate::names::{Class, Took};
use crate::world::World;

/// Keys of the maps these functions give back.
pub(super) const KEYS: &[&str] = &[
    "people",
    "working",
    "unknown",
    "least_idle",
    "most_idle",
    "newest",
    "gone",
    "left",
];

/// How often a hub is asked who is active, and how often one that does not tell.
const ASK: Duration = Duration::from_mins(1);
const ASK_SILENT: Duration = Duration::from_mins(10);

/// How long GKE may take over the end of a resize whose machines are gone.
const LAST: Duration = Duration::from_mins(10);

const GONE: &[(&str, Type)] = &[
    ("pool", Type::Text),
    ("keep", Type::Int),
    ("options", Type::Map),
];

pub(super) const FUNCTIONS: &[Function] = &[
    optional(
        1,
        function(
            "k8s::people",
            Class::Read,
            &[("pool", Type::Text), ("idle", Type::Any)],
            Type::Map,
            people,
            "The people with a server on the nodes of a pool, in numbers: `people`; `working`, who were active within `idle` (a duration; all when it is left off) or of whom no hub tells; `unknown`, of whom no hub tells; `least_idle` and `most_idle` in seconds; `newest`, when the last server was started; and `nodes`, the same for each `node`.",
        ),
    )
    .fleeting(),
    function(
        "k8s::size",
        Class::Read,
        &[("pool", Type::Text)],
        Type::Int,
        size,
        "How many nodes a pool has or has been told to have, in total.",
    ),
    optional(
        1,
        function(
            "k8s::wait_gone",
            Class::Wait,
            GONE,
            Type::Map,
            wait_gone,
            "Waits until no more than `keep` nodes of a pool are left, saying of each why it stays: `gone`, `left`, `took`. Options: `resize` (the operation that takes them away; its failure ends the wait), `usual` and `limit` (durations like \"45m\").",
        ),
    )
    .holds(are_gone),
    optional(
        1,
        function(
            "k8s::wait_idle",
            Class::Wait,
            &[
                ("pool", Type::Text),
                ("idle", Type::Any),
                ("options", Type::Map),
            ],
            Type::Unit,
            wait_idle,
            "Waits until nobody with a server on the nodes of a pool has been active for so long; of whom no hub tells, until their server is gone. Options: `limit`.",
        ),
    ),
];

fn people(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let users = k8s::users(&world, Some(&args.text(0)?)).await?;
        let idle = match args.value(1) {
            Value::Null => i64::MAX,
            given => i64::try_from(duration("idle", given)?.as_secs()).unwrap_or(i64::MAX),
        };
        let active = if users.is_empty() {
            Activity::new()
        } else {
            activity(&world, &mut false).await
        };
        let (all, nodes) = k8s::crowd(&users, &active, world.clock().now(), idle);
        let nodes = nodes
            .iter()
            .map(|(node, crowd)| told(crowd, "node", json!(node)));
        let nodes = nodes.collect::<Result<Value>>()?;
        told(&all, "nodes", nodes)
    })
}

/// The numbers, and something beside them.
fn told(crowd: &Crowd, key: &str, beside: Value) -> Result<Value> {
    let mut told = super::json(crowd)?;
    if let Some(map) = told.as_object_mut() {
        map.insert(key.to_owned(), beside);
    }
    Ok(told)
}

fn size(world: World, args: Args) -> Answer {
    Box::pin(async move { Ok(k8s::present(&world, &args.text(0)?).await?.total.into()) })
}

fn wait_gone(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let options = Options::of(&args, 2, &["resize", "usual", "limit"])?;
        let want = Leave {
            pool: args.text(0)?,
            keep: args.count(1)?,
            usual: options.duration("usual")?.unwrap_or_default(),
            limit: options
                .duration("limit")?
                .unwrap_or(Duration::from_hours(2)),
        };
        let resize = options.operation("resize")?;
        let failure = match &resize {
            Some(operation) => Either::Left(gke::operation::failure(&world, operation)),
            None => Either::Right(future::pending()),
        };
        let gone = k8s::wait_gone(&world, want, active(&world), failure).await?;
        if let Some(operation) = &resize {
            // Its machines are gone before it says so.
            let label = format!("the end of {operation}");
            gke::operation::wait(&world, operation, &label, None, LAST).await?;
        }
        Ok(json!({
            "gone": gone.gone,
            "left": gone.left,
            "took": Took(gone.took).to_string(),
        }))
    })
}

fn are_gone(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let (pool, keep) = (args.text(0)?, args.count(1)?);
        let total = k8s::present(&world, &pool).await?.total;
        Ok(if total <= keep {
            Value::Null
        } else {
            format!("{pool} has {total} nodes").into()
        })
    })
}

fn wait_idle(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let options = Options::of(&args, 2, &["limit"])?;
        let limit = options.duration("limit")?;
        let limit = limit.unwrap_or(Duration::from_hours(4));
        let idle = duration("idle", args.value(1))?;
        k8s::wait_idle(&world, &args.text(0)?, idle, limit, active(&world)).await?;
        Ok(().into())
    })
}

/// When people were last active, from time to time.
fn active(world: &World) -> LocalBoxStream<'_, Activity> {
    let beats = stream::unfold((false, false), async |(asked, mut silent)| {
        if asked {
            let pause = if silent { ASK_SILENT } else { ASK };
            world.clock().sleep(pause).await;
        }
        let active = activity(world, &mut silent).await;
        Some((active, (true, silent)))
    });
    beats.boxed_local()
}

/// When people were last active, as far as the target's hub tells. Why it does not is said once:
/// then everybody counts as working.
async fn activity(world: &World, silent: &mut bool) -> Activity {
    match asked(world).await {
        Ok(active) => {
            *silent = false;
            active
        }
        Err(error) => {
            if !std::mem::replace(silent, true) {
                let level = Level::Warning;
                let hint = error
                    .hint
                    .map_or_else(String::new, |hint| format!(" ({hint})"));
                let text = format!("nobody knows who is idle: {}{hint}", error.message);
                world.emit(What::Said { level, text });
            }
            Activity::new()
        }
    }
}

async fn asked(world: &World) -> Result<Activity> {
    let mut active = Activity::new();
    let Some(servers) = hub::servers(world).await? else {
        return Ok(active);
    };
    let Some(namespace) = &world.target().hub_namespace else {
        let fact = "runbook.toml does not say in which namespace the hub runs";
        let hint = "add `namespace` to the target's `hub`";
        return Err(Error::new(Kind::Config, fact).hint(hint));
    };
    for server in servers {
        let Some(last) = server.last_activity else {
            continue;
        };
        let known = active.entry((namespace.clone(), server.user));
        let known = known.or_insert(last);
        *known = last.max(*known);
    }
    Ok(active)
}
