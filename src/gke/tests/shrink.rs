use google_cloud_container_v1::model::operation::Type;

use super::killed::{begun, noted};
use super::stub::{Gke, POOL, operation};
use crate::error;
use crate::event::{Fate, Level, What};
use crate::gke::{Present, shrink, shrink_left_by};
use crate::names::Class;

fn present(total: u32, fullest: u32) -> impl AsyncFn() -> error::Result<Present> {
    async move || Ok(Present { total, fullest })
}

#[tokio::test(start_paused = true)]
async fn shrinking_sends_the_size_and_does_not_wait() {
    let (gke, world, seen) = Gke::new();
    let sent = shrink(&world, POOL, 0, present(2, 2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(sent.kind, "SET_NODE_POOL_SIZE");
    assert_eq!(gke.state().sizes, [0]);
    assert_eq!(seen.operations(), ["operation-1"]);
    let change = &world.changes()[0];
    assert_eq!(
        (change.before.as_str(), change.after.as_str()),
        ("2 nodes", "0 nodes")
    );
    assert_eq!(
        (change.call.as_str(), change.class, change.fate),
        ("Pool.shrink", Class::WriteOnce, Fate::InFlight)
    );
}

#[tokio::test(start_paused = true)]
async fn shrinking_never_grows() {
    let (gke, world, _) = Gke::new();
    for there in [0, 1, 2] {
        let sent = shrink(&world, POOL, 2, present(there, there))
            .await
            .unwrap();
        assert_eq!(sent, None);
    }
    gke.spread();
    // Two in each of three zones would be more than there are.
    let sent = shrink(&world, POOL, 4, present(5, 3)).await.unwrap();
    assert_eq!(sent, None);
    assert_eq!(gke.writes(), Vec::<String>::new());
    assert!(world.changes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn three_zones_round_up_and_say_so() {
    let (gke, world, seen) = Gke::new();
    gke.spread();
    shrink(&world, POOL, 1, present(6, 2)).await.unwrap();
    assert_eq!(gke.state().sizes, [1]);
    assert!(seen.events().contains(&What::Said {
        level: Level::Info,
        text: "nb-user spans 3 zones of one size: 1 in each, 3 in all instead of 1.".to_owned(),
    }));
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_session_sent_is_found_by_its_trace_and_never_sent_again() {
    let (gke, world, _) = Gke::new();
    gke.state()
        .run("operation-1", operation(Type::SetNodePoolSize, true));
    let earlier = begun(&world, &[]);
    let found = shrink_left_by(&world, POOL, 0, &earlier).await.unwrap();
    assert_eq!(found.unwrap().name, "operation-1");
    let (gke_, world, _) = Gke::new();
    gke_.state()
        .run("operation-7", operation(Type::SetNodePoolSize, true));
    let earlier = begun(&world, &[noted("Pool.shrink", Some("operation-7"))]);
    let found = shrink_left_by(&world, POOL, 0, &earlier).await.unwrap();
    assert_eq!(found.unwrap().name, "operation-7");
    let (_, world, _) = Gke::new();
    let earlier = begun(&world, &[]);
    assert_eq!(
        shrink_left_by(&world, POOL, 0, &earlier).await.unwrap(),
        None
    );
    assert!(gke.writes().is_empty() && gke_.writes().is_empty());
}
