//! Node pools and the operations that change them.

use serde_json::{Value, json};

use super::function;
use crate::engine::table::{HandleType, Type};
use crate::engine::{Answer, Args, Function, handle};
use crate::error::Result;
use crate::gke::{self, Operation, Pool};
use crate::k8s;
use crate::names::Class;
use crate::world::{Begun, World};

pub(super) const CLUSTER: HandleType = HandleType {
    name: "Cluster",
    properties: &[
        ("name", Type::Text, "Its name."),
        ("location", Type::Text, "Region or zone."),
        ("status", Type::Text, "`RUNNING` when all is well."),
        ("version", Type::Text, "Of the control plane."),
        ("pools", Type::List, "Names of its node pools."),
    ],
};

pub(super) const POOL: HandleType = HandleType {
    name: "Pool",
    properties: &[
        ("name", Type::Text, "Its name."),
        ("locations", Type::List, "Its zones."),
        ("zones", Type::Int, "How many zones."),
        (
            "per_zone",
            Type::Bool,
            "Whether its limits are kept per zone, and so rounded up.",
        ),
        (
            "autoscaling",
            Type::Bool,
            "Whether the autoscaler works on it.",
        ),
        ("minimum", Type::Int, "Autoscaler minimum, in total."),
        ("maximum", Type::Int, "Autoscaler maximum, in total."),
        ("machine_type", Type::Text, "Of each node."),
        ("status", Type::Text, "`RUNNING` when all is well."),
    ],
};

pub(super) const OPERATION: HandleType = HandleType {
    name: "Operation",
    properties: &[("name", Type::Text, "GKE's name for it.")],
};

pub(super) const FUNCTIONS: &[Function] = &[
    function(
        "gke::cluster",
        Class::Read,
        &[],
        Type::Handle("Cluster"),
        cluster,
        "The target's cluster.",
    ),
    function(
        "gke::pool",
        Class::Read,
        &[("name", Type::Text)],
        Type::Handle("Pool"),
        pool,
        "A node pool, as it is now.",
    ),
    function(
        "Pool.raise_limits",
        Class::WriteConverge,
        &[("minimum", Type::Int), ("maximum", Type::Int)],
        Type::Bool,
        raise_limits,
        "Raises the autoscaler's minimum and maximum (in total) to at least these and waits until GKE has done it. A higher one stays, autoscaling found off is turned on. Says whether anything had to be changed.",
    ),
    function(
        "Pool.set_limits",
        Class::WriteOnce,
        &[("minimum", Type::Int), ("maximum", Type::Int)],
        Type::Bool,
        set_limits,
        "Sets the autoscaler's minimum and maximum (in total) to exactly these, lower ones included, and waits until GKE has done it; the autoscaler then removes idle nodes by itself. Says whether anything had to be changed.",
    )
    .trace(set_limits_trace),
    function(
        "Pool.grow",
        Class::WriteConverge,
        &[("nodes", Type::Int)],
        Type::Any,
        grow,
        "Asks for this many nodes in total, if that is more than there are or were asked for. Gives back the operation without waiting for it, or `()` when nothing had to be done.",
    ),
    function(
        "Pool.shrink",
        Class::WriteOnce,
        &[("nodes", Type::Int)],
        Type::Any,
        shrink,
        "Asks for this many nodes in total, if that is fewer than there are. GKE chooses the nodes by chance and evicts whoever is on them: look first. Gives back the operation without waiting for it, or `()` when nothing had to be done.",
    )
    .trace(shrink_trace),
];

fn cluster(world: World, _: Args) -> Answer {
    Box::pin(async move {
        Ok(handle(
            "Cluster",
            super::json(&gke::cluster(&world).await?)?,
        ))
    })
}

fn pool(world: World, args: Args) -> Answer {
    Box::pin(async move { Ok(pool_handle(&gke::pool(&world, &args.text(0)?).await?)) })
}

fn pool_handle(pool: &Pool) -> Value {
    handle(
        "Pool",
        json!({
            "name": pool.name,
            "locations": pool.locations,
            "zones": pool.zones,
            "per_zone": matches!(pool.limits, gke::Limits::PerZone { .. }) && pool.zones > 1,
            "autoscaling": pool.autoscaling,
            "minimum": pool.minimum(),
            "maximum": pool.maximum(),
            "machine_type": pool.machine_type,
            "status": pool.status,
        }),
    )
}

fn raise_limits(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let pool = args.field(0, "name")?;
        let raised = gke::raise_limits(&world, &pool, args.count(1)?, args.count(2)?).await?;
        Ok(raised.is_some().into())
    })
}

fn set_limits(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let pool = args.field(0, "name")?;
        let set = gke::set_limits(&world, &pool, args.count(1)?, args.count(2)?).await?;
        Ok(set.is_some().into())
    })
}

fn set_limits_trace(world: World, args: Args, begun: Begun) -> Answer {
    Box::pin(async move {
        let pool = args.field(0, "name")?;
        let wanted = (args.count(1)?, args.count(2)?);
        let left = gke::limits_left_by(&world, &pool, wanted, &begun).await?;
        Ok(left.map_or(Value::Null, Value::from))
    })
}

fn grow(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let pool = args.field(0, "name")?;
        let present = async || present(&world, &pool).await;
        let operation = gke::grow(&world, &pool, args.count(1)?, present).await?;
        Ok(operation_handle(operation.as_ref()))
    })
}

fn shrink(world: World, args: Args) -> Answer {
    Box::pin(async move {
        let pool = args.field(0, "name")?;
        let present = async || present(&world, &pool).await;
        let operation = gke::shrink(&world, &pool, args.count(1)?, present).await?;
        Ok(operation_handle(operation.as_ref()))
    })
}

fn shrink_trace(world: World, args: Args, begun: Begun) -> Answer {
    Box::pin(async move {
        let pool = args.field(0, "name")?;
        let left = gke::shrink_left_by(&world, &pool, args.count(1)?, &begun).await?;
        Ok(operation_handle(left.as_ref()))
    })
}

/// What Kubernetes knows of a pool's size.
async fn present(world: &World, pool: &str) -> Result<gke::Present> {
    let k8s::Present { total, fullest } = k8s::present(world, pool).await?;
    Ok(gke::Present { total, fullest })
}

fn operation_handle(operation: Option<&Operation>) -> Value {
    operation.map_or(Value::Null, |operation| {
        handle("Operation", json!({ "name": operation.name }))
    })
}
