//! Killed before or after an operation was noted: what is sent, told and accounted then.

use std::time::Duration;

use google_cloud_container_v1::model::Operation;
use google_cloud_container_v1::model::operation::Type;
use google_cloud_rpc::model::Status;

use super::stub::{Gke, POOL, autoscaling, operation};
use crate::error::{self, Kind};
use crate::event::{Change, Fate};
use crate::gke::{Present, grow, raise_limits, set_limits};
use crate::names::Class;
use crate::world::{Begun, Effect, World};

/// An earlier session began the effect under way now, and these changes were noted.
pub(super) fn begun(world: &World, changes: &[Change]) -> Begun {
    let begun = Begun {
        at: world.clock().now(),
        changes: changes.to_vec(),
        watched: Duration::ZERO,
    };
    let mut known = world.changes();
    known.extend_from_slice(changes);
    world.remember(known);
    world.enter(Effect {
        planned: None,
        begun: Some(begun.clone()),
        usual: None,
    });
    begun
}

/// A change of the pool as the journal has it.
pub(super) fn noted(call: &str, operation: Option<&str>) -> Change {
    Change {
        what: format!("node pool {POOL}: as noted"),
        before: "before".to_owned(),
        after: "after".to_owned(),
        call: call.to_owned(),
        class: Class::WriteConverge,
        operation: operation.map(str::to_owned),
        fate: if operation.is_some() {
            Fate::InFlight
        } else {
            Fate::Done
        },
    }
}

/// The operation of a resize to 2 that the killed session sent.
fn resized(gke: &Gke) {
    let mut state = gke.state();
    state.sizes.push(2);
    state.run("operation-1", operation(Type::SetNodePoolSize, true));
}

/// The operation of limits 2..20 that the killed session sent.
fn limited(gke: &Gke) {
    let mut state = gke.state();
    state.pool.autoscaling = Some(autoscaling(2, 20));
    state.run("operation-1", operation(Type::UpdateCluster, false));
}

fn broken() -> Operation {
    Operation::new().set_error(Status::new().set_code(13).set_message("broken"))
}

async fn growing(world: &World, there: u32) -> error::Result<Option<crate::gke::Operation>> {
    let present = async || {
        Ok(Present {
            total: there,
            fullest: there,
        })
    };
    grow(world, POOL, 2, present).await
}

#[tokio::test(start_paused = true)]
async fn killed_before_the_note_limits_that_are_set_already_are_in_the_account() {
    let (gke, world, seen) = Gke::new();
    limited(&gke);
    begun(&world, &[]);
    tokio::time::sleep(Duration::from_mins(5)).await;
    let done = raise_limits(&world, POOL, 2, 20).await.unwrap().unwrap();
    assert_eq!(done.name, "operation-1");
    assert_eq!(gke.writes(), Vec::<String>::new());
    assert_eq!(seen.operations(), ["operation-1"]);
    let changes = world.changes();
    assert_eq!((changes.len(), changes[0].fate), (1, Fate::Done));
    assert_eq!(changes[0].before, "not recorded");
}

#[tokio::test(start_paused = true)]
async fn killed_before_it_was_sent_it_is_sent_once() {
    let (gke, world, seen) = Gke::new();
    begun(&world, &[]);
    raise_limits(&world, POOL, 2, 20).await.unwrap().unwrap();
    assert_eq!(gke.writes(), ["setAutoscaling 2..20 total 0..0"]);
    assert_eq!(seen.operations(), ["operation-1"]);
    assert_eq!(world.changes()[0].before, "0..20 nodes");

    begun(&world, &[]);
    growing(&world, 0).await.unwrap().unwrap();
    assert_eq!(gke.state().sizes, [2]);
    assert_eq!(seen.operations(), ["operation-1", "operation-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_the_trace_is_looked_for_still_notes_the_operation() {
    let (gke, world, seen) = Gke::new();
    resized(&gke);
    begun(&world, &[]);
    world.stop().stop();
    tokio::join!(async { growing(&world, 0).await.unwrap() }, async {
        tokio::task::yield_now().await;
        world.stop().stopped().await;
        assert_eq!(seen.operations(), ["operation-1"]);
    });
}

#[tokio::test(start_paused = true)]
async fn what_began_before_the_call_is_not_its_trace() {
    let (gke, world, seen) = Gke::new();
    gke.state()
        .run("operation-7", operation(Type::SetNodePoolSize, true));
    tokio::time::sleep(Duration::from_secs(6)).await;
    begun(&world, &[]);
    let sent = growing(&world, 0).await.unwrap().unwrap();
    assert_eq!(sent.name, "operation-2");
    assert_eq!(gke.writes(), ["setSize 2"]);
    assert_eq!(seen.operations(), ["operation-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_a_little_ahead_of_googles_loses_no_trace() {
    let (gke, world, _) = Gke::new();
    resized(&gke);
    tokio::time::sleep(Duration::from_secs(4)).await;
    begun(&world, &[]);
    let sent = growing(&world, 0).await.unwrap().unwrap();
    assert_eq!(sent.name, "operation-1");
    assert_eq!(gke.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_operation_of_an_earlier_effect_is_not_taken_twice() {
    let (gke, world, seen) = Gke::new();
    limited(&gke);
    world.remember(vec![noted("Pool.raise_limits", Some("operation-1"))]);
    begun(&world, &[]);
    raise_limits(&world, POOL, 4, 20).await.unwrap().unwrap();
    assert_eq!(gke.writes(), ["setAutoscaling 4..20 total 0..0"]);
    assert_eq!(seen.operations(), ["operation-2"]);
    assert_eq!(world.changes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn limits_found_by_somebody_elses_trace_are_looked_at_again() {
    let (gke, world, _) = Gke::new();
    begun(&world, &[]);
    gke.state()
        .run("operation-7", operation(Type::UpdateCluster, false));
    raise_limits(&world, POOL, 2, 20).await.unwrap().unwrap();
    assert_eq!(gke.writes(), ["setAutoscaling 2..20 total 0..0"]);
    assert_eq!(gke.state().pool.autoscaling, Some(autoscaling(2, 20)));
}

#[tokio::test(start_paused = true)]
async fn killed_after_the_note_a_running_operation_is_taken_up_again() {
    let (gke, world, seen) = Gke::new();
    resized(&gke);
    begun(&world, &[noted("Pool.grow", Some("operation-1"))]);
    let sent = growing(&world, 0).await.unwrap().unwrap();
    assert_eq!((sent.name.as_str(), sent.is_done()), ("operation-1", false));
    assert_eq!(gke.state().log, ["getOperation"]);
    assert!(seen.operations().is_empty(), "it is on record already");
    assert_eq!(world.changes().len(), 1);

    let (gke, world, _) = Gke::new();
    limited(&gke);
    begun(&world, &[noted("Pool.raise_limits", Some("operation-1"))]);
    let began = world.clock().now();
    let done = raise_limits(&world, POOL, 2, 20).await.unwrap().unwrap();
    assert!(done.is_done() && world.clock().since(began) >= Duration::from_secs(45));
    assert_eq!(gke.writes(), Vec::<String>::new());
    assert_eq!(world.changes()[0].fate, Fate::Done);
}

#[tokio::test(start_paused = true)]
async fn killed_after_the_note_an_operation_that_is_over_is_settled() {
    let (gke, world, seen) = Gke::new();
    limited(&gke);
    begun(&world, &[noted("Pool.raise_limits", Some("operation-1"))]);
    tokio::time::sleep(Duration::from_mins(5)).await;
    let done = raise_limits(&world, POOL, 2, 20).await.unwrap().unwrap();
    assert_eq!(done.name, "operation-1");
    assert_eq!(gke.writes(), Vec::<String>::new());
    assert!(seen.operations().is_empty());
    let changes = world.changes();
    assert_eq!((changes.len(), changes[0].fate), (1, Fate::Done));
}

#[tokio::test(start_paused = true)]
async fn a_failure_nobody_saw_is_told_once_and_then_sent_anew() {
    let (gke, world, _) = Gke::new();
    gke.state().ending = broken();
    gke.state()
        .run("operation-1", operation(Type::UpdateCluster, false));
    let change = noted("Pool.raise_limits", Some("operation-1"));
    let earlier = begun(&world, &[change]);
    let error = raise_limits(&world, POOL, 2, 20).await.unwrap_err();
    assert_eq!(error.kind, Kind::Operation);
    assert_eq!(gke.writes(), Vec::<String>::new());
    assert_eq!(world.changes()[0].fate, Fate::Failed);

    // The operator resumes at the failed step.
    world.enter(Effect {
        planned: None,
        begun: Some(earlier),
        usual: None,
    });
    raise_limits(&world, POOL, 2, 20).await.unwrap_err();
    assert_eq!(gke.writes(), ["setAutoscaling 2..20 total 0..0"]);
    assert_eq!(world.changes()[1].operation.as_deref(), Some("operation-2"));
}

#[tokio::test(start_paused = true)]
async fn what_gke_has_forgotten_is_looked_at_afresh() {
    let (gke, world, _) = Gke::new();
    gke.state().pool.autoscaling = Some(autoscaling(2, 20));
    begun(&world, &[noted("Pool.raise_limits", Some("operation-1"))]);
    assert_eq!(raise_limits(&world, POOL, 2, 20).await.unwrap(), None);
    assert_eq!(gke.writes(), Vec::<String>::new());
    let changes = world.changes();
    assert_eq!((changes.len(), changes[0].fate), (1, Fate::Done));

    let (gke, world, _) = Gke::new();
    begun(&world, &[noted("Pool.grow", Some("operation-8"))]);
    growing(&world, 1).await.unwrap().unwrap();
    assert_eq!(gke.writes(), ["setSize 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_noted_without_an_operation_is_not_accounted_twice() {
    let (gke, world, seen) = Gke::new();
    limited(&gke);
    begun(&world, &[noted("Pool.raise_limits", None)]);
    assert_eq!(raise_limits(&world, POOL, 2, 20).await.unwrap(), None);
    assert_eq!(gke.writes(), Vec::<String>::new());
    assert!(seen.operations().is_empty());
    assert_eq!(world.changes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_concerns_the_first_write_alone() {
    let (gke, world, _) = Gke::new();
    limited(&gke);
    begun(&world, &[noted("Pool.raise_limits", Some("operation-1"))]);
    raise_limits(&world, POOL, 2, 20).await.unwrap();
    set_limits(&world, POOL, 0, 20).await.unwrap().unwrap();
    assert_eq!(gke.writes(), ["setAutoscaling 0..20 total 0..0"]);
}
