//! What an earlier session began: it is found again, and nothing is sent twice.

use std::time::Duration;

use google_cloud_container_v1::model::operation::Type;
use google_cloud_gax::error::rpc::Code;

use super::stub::{Gke, POOL, autoscaling, operation, refused};
use crate::error::Kind;
use crate::event::{Change, Fate};
use crate::gke::{Present, grow, limits_left_by, raise_limits, set_limits};
use crate::names::Class;
use crate::world::{Begun, Effect, World};

fn change(operation: &str) -> Change {
    Change {
        what: "node pool nb-user: size".to_owned(),
        before: "0 nodes".to_owned(),
        after: "2 nodes".to_owned(),
        call: "Pool.grow".to_owned(),
        class: Class::WriteConverge,
        operation: Some(operation.to_owned()),
        fate: Fate::InFlight,
    }
}

/// The effect under way was begun now; this had been noted of it.
fn begun(world: &World, changes: Vec<Change>) -> Begun {
    let begun = Begun {
        at: world.clock().now(),
        changes: changes.clone(),
        watched: Duration::ZERO,
    };
    world.remember(changes);
    world.enter(Effect {
        planned: None,
        begun: Some(begun.clone()),
        usual: None,
    });
    begun
}

async fn grown(world: &World) -> Option<String> {
    let nobody = async || {
        Ok(Present {
            total: 0,
            fullest: 0,
        })
    };
    let sent = grow(world, POOL, 2, nobody).await.unwrap();
    sent.map(|operation| operation.name)
}

#[tokio::test(start_paused = true)]
async fn a_noted_operation_is_taken_up_again_and_accounted_once() {
    let (gke, world, _) = Gke::new();
    gke.state()
        .run("operation-7", operation(Type::SetNodePoolSize, true));
    begun(&world, vec![change("operation-7")]);
    assert_eq!(grown(&world).await.as_deref(), Some("operation-7"));
    assert_eq!(gke.writes(), Vec::<String>::new());
    assert_eq!(world.changes(), [change("operation-7")]);
}

#[tokio::test(start_paused = true)]
async fn one_that_gke_has_forgotten_is_looked_for_in_the_pool() {
    let (gke, world, _) = Gke::new();
    gke.fate("getOperation", refused(Code::NotFound, "not found"));
    begun(&world, vec![change("operation-7")]);
    assert_eq!(grown(&world).await.as_deref(), Some("operation-1"));
    assert_eq!(gke.state().sizes, [2]);
}

#[tokio::test(start_paused = true)]
async fn what_left_just_before_the_end_is_found_by_its_trace() {
    let (gke, world, seen) = Gke::new();
    begun(&world, Vec::new());
    gke.state()
        .run("operation-7", operation(Type::SetNodePoolSize, true));
    assert_eq!(grown(&world).await.as_deref(), Some("operation-7"));
    assert_eq!(gke.writes(), Vec::<String>::new());
    assert_eq!(seen.operations(), ["operation-7"]);
    let [change] = world.changes().try_into().unwrap();
    assert_eq!(change.before, "not recorded");
}

#[tokio::test(start_paused = true)]
async fn without_a_trace_it_is_sent() {
    let (gke, world, _) = Gke::new();
    begun(&world, Vec::new());
    assert_eq!(grown(&world).await.as_deref(), Some("operation-1"));
    assert_eq!(gke.state().sizes, [2]);
}

#[tokio::test(start_paused = true)]
async fn an_older_one_and_one_of_another_effect_are_not_its_trace() {
    let (gke, world, _) = Gke::new();
    gke.state()
        .run("operation-old", operation(Type::SetNodePoolSize, true));
    tokio::time::sleep(Duration::from_mins(1)).await;
    begun(&world, Vec::new());
    gke.state()
        .run("operation-7", operation(Type::SetNodePoolSize, true));
    world.remember(vec![change("operation-7")]);
    assert_eq!(grown(&world).await.as_deref(), Some("operation-3"));
    assert_eq!(gke.state().sizes, [2]);
}

#[tokio::test(start_paused = true)]
async fn limits_found_again_are_waited_for_and_looked_at() {
    let (gke, world, _) = Gke::new();
    begun(&world, vec![change("operation-7")]);
    gke.state()
        .run("operation-7", operation(Type::UpdateCluster, false));
    gke.state().pool.autoscaling = Some(autoscaling(2, 20));
    let done = raise_limits(&world, POOL, 2, 20).await.unwrap().unwrap();
    assert_eq!((done.name.as_str(), done.is_done()), ("operation-7", true));
    assert_eq!(gke.writes(), Vec::<String>::new());
    assert_eq!(world.changes()[0].fate, Fate::Done);
}

#[tokio::test(start_paused = true)]
async fn limits_are_set_lower_and_higher_and_not_when_they_are_that() {
    let (gke, world, _) = Gke::new();
    gke.state().pool.autoscaling = Some(autoscaling(2, 20));
    set_limits(&world, POOL, 0, 30).await.unwrap().unwrap();
    assert_eq!(gke.state().pool.autoscaling, Some(autoscaling(0, 30)));
    assert_eq!(set_limits(&world, POOL, 0, 30).await.unwrap(), None);
    assert_eq!(gke.writes().len(), 1);
    assert_eq!(world.changes()[0].class, Class::WriteOnce);
    for (minimum, maximum) in [(0, 0), (3, 2)] {
        let error = set_limits(&world, POOL, minimum, maximum)
            .await
            .unwrap_err();
        assert_eq!(error.kind, Kind::Script);
    }
    assert_eq!(gke.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn limits_leave_a_trace_or_are_that_already_or_nobody_knows() {
    let (gke, world, _) = Gke::new();
    gke.state().pool.autoscaling = Some(autoscaling(2, 20));
    let left = begun(&world, Vec::new());
    assert_eq!(
        limits_left_by(&world, POOL, (0, 20), &left).await.unwrap(),
        None
    );
    assert_eq!(
        limits_left_by(&world, POOL, (2, 20), &left).await.unwrap(),
        Some(false)
    );
    let left = begun(&world, Vec::new());
    gke.state().pool.autoscaling = Some(autoscaling(0, 20));
    gke.state()
        .run("operation-7", operation(Type::UpdateCluster, false));
    assert_eq!(
        limits_left_by(&world, POOL, (0, 20), &left).await.unwrap(),
        Some(true)
    );
    assert_eq!(gke.writes(), Vec::<String>::new());
}
