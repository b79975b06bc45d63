use std::cell::Cell;
use std::time::Duration;

use google_cloud_container_v1::model::operation::Type;
use google_cloud_gax::error::rpc::Code;

use super::stub::{Fate, Gke, POOL, busy, operation, refused};
use crate::error;
use crate::error::Kind;
use crate::event::{self, Level, What};
use crate::gke::{Present, grow};
use crate::world::World;

fn present(total: u32) -> impl AsyncFn() -> error::Result<Present> {
    async move || {
        Ok(Present {
            total,
            fullest: total,
        })
    }
}

#[tokio::test(start_paused = true)]
async fn growing_sends_the_size_and_does_not_wait() {
    let (gke, world, seen) = Gke::new();
    let began = world.clock().now();
    let sent = grow(&world, POOL, 2, present(1)).await.unwrap().unwrap();
    assert_eq!(
        (sent.kind.as_str(), sent.status.as_str()),
        ("SET_NODE_POOL_SIZE", "RUNNING")
    );
    assert_eq!(sent.target, "clusters/callysto-cluster/nodePools/nb-user");
    assert_eq!(world.clock().since(began), Duration::ZERO);
    assert_eq!(gke.state().sizes, [2]);
    assert_eq!(seen.operations(), ["operation-1"]);
    let change = &world.changes()[0];
    assert_eq!(
        (change.before.as_str(), change.after.as_str()),
        ("1 node", "2 nodes")
    );
    assert_eq!(change.fate, event::Fate::InFlight);
}

#[tokio::test(start_paused = true)]
async fn growing_never_shrinks() {
    let (gke, world, _) = Gke::new();
    for there in [2, 3, 20] {
        assert_eq!(grow(&world, POOL, 2, present(there)).await.unwrap(), None);
    }
    assert_eq!(gke.writes(), Vec::<String>::new());
    assert!(world.changes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn three_zones_round_up_and_say_so() {
    let (gke, world, seen) = Gke::new();
    gke.spread();
    let even = async || {
        Ok(Present {
            total: 3,
            fullest: 1,
        })
    };
    grow(&world, POOL, 4, even).await.unwrap();
    assert_eq!(gke.state().sizes, [2]);
    assert!(seen.events().contains(&What::Said {
        level: Level::Info,
        text: "nb-user spans 3 zones of one size: 2 in each, 6 in all instead of 4.".to_owned(),
    }));
    assert_eq!(world.changes()[0].after, "6 nodes");
}

#[tokio::test(start_paused = true)]
async fn no_single_zone_shrinks_either() {
    let (gke, world, _) = Gke::new();
    gke.spread();
    let uneven = async || {
        Ok(Present {
            total: 4,
            fullest: 4,
        })
    };
    grow(&world, POOL, 6, uneven).await.unwrap();
    assert_eq!(gke.state().sizes, [4]);
}

#[tokio::test(start_paused = true)]
async fn after_waiting_for_somebody_else_the_nodes_are_counted_again() {
    let (gke, world, _) = Gke::new();
    gke.state()
        .run("operation-7", operation(Type::SetNodePoolSize, true));
    gke.fate("setSize", Fate::Refused(busy("operation-7")));
    let asked = Cell::new(0);
    let growing = async || {
        asked.set(asked.get() + 1);
        let total = if asked.get() == 1 { 1 } else { 9 };
        Ok(Present {
            total,
            fullest: total,
        })
    };
    assert_eq!(grow(&world, POOL, 3, growing).await.unwrap(), None);
    assert_eq!(gke.writes(), ["setSize 3"]);
    assert!(world.changes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_fate_is_looked_into_and_sent_once_more() {
    let (gke, world, seen) = Gke::new();
    gke.fate("setSize", Fate::Lost);
    let sent = grow(&world, POOL, 2, present(0)).await.unwrap().unwrap();
    assert_eq!(sent.name, "operation-1");
    assert_eq!(gke.writes().len(), 1);

    gke.fate("setSize", Fate::Vanished);
    tokio::time::sleep(Duration::from_mins(5)).await;
    let sent = grow(&world, POOL, 3, present(2)).await.unwrap().unwrap();
    assert_eq!(sent.name, "operation-2");
    assert_eq!(gke.state().sizes, [2, 3]);
    assert_eq!(gke.writes().len(), 3);
    assert_eq!(seen.operations(), ["operation-1", "operation-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_fate_unknown_twice_is_told() {
    let (gke, world, _) = Gke::new();
    gke.fate("setSize", Fate::Vanished);
    gke.fate("setSize", Fate::Vanished);
    let error = grow(&world, POOL, 2, present(0)).await.unwrap_err();
    assert_eq!(error.kind, Kind::FateUnknown);
    assert!(
        error
            .message
            .starts_with("\"set the size of node pool nb-user\" was sent, and nobody knows"),
        "{}",
        error.message
    );
    assert_eq!(
        error.hint.unwrap(),
        "Look with `gcloud container operations list --project practice --location \
         northamerica-northeast1`; running this again is safe."
    );
    assert_eq!(gke.writes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_resize_that_is_listed_late_is_adopted_and_not_waited_for() {
    for second in [Fate::Refused(busy("operation-1")), Fate::Vanished] {
        let (gke, world, seen) = Gke::new();
        gke.state().listed = Duration::from_secs(8);
        gke.state().takes = Duration::from_mins(35);
        gke.fate("setSize", Fate::Lost);
        gke.fate("setSize", second);
        let sent = grow(&world, POOL, 2, present(0)).await.unwrap().unwrap();
        assert_eq!((sent.name.as_str(), sent.is_done()), ("operation-1", false));
        assert_eq!(seen.operations(), ["operation-1"]);
        assert_eq!(world.changes().len(), 1);
        assert_eq!(gke.writes().len(), 2);
        assert!(
            !(seen.events().iter()).any(|event| matches!(event, What::WaitBegan { .. })),
            "its own operation is not another's"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_doubt_does_not_make_anothers_operation_ours() {
    let (gke, world, seen) = Gke::new();
    gke.state()
        .run("operation-7", operation(Type::SetNodePoolSize, true));
    tokio::time::sleep(Duration::from_secs(30)).await;
    gke.fate("setSize", Fate::Vanished);
    gke.fate("setSize", Fate::Refused(busy("operation-7")));
    let sent = grow(&world, POOL, 2, present(0)).await.unwrap().unwrap();
    assert_eq!((sent.name.as_str(), gke.writes().len()), ("operation-2", 3));
    assert_eq!(seen.operations(), ["operation-2"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_cannot_be_what_holds_the_pool() {
    let (gke, world, seen) = Gke::new();
    gke.state().listed = Duration::from_secs(8);
    gke.state().takes = Duration::from_secs(3);
    gke.state()
        .run("operation-7", operation(Type::SetNodePoolSize, true));
    gke.fate("setSize", Fate::Vanished);
    gke.fate("setSize", Fate::Refused(busy("operation-9")));
    let sent = grow(&world, POOL, 2, present(0)).await.unwrap().unwrap();
    assert_eq!((sent.name.as_str(), gke.writes().len()), ("operation-2", 3));
    assert_eq!(seen.operations(), ["operation-2"]);
}

/// Grows to 2, is asked to stop a second later, and says whether growing came to its end, and
/// after how many seconds all was still.
async fn stopped_after_a_second(world: &World) -> (bool, u64) {
    let (stop, began) = (world.stop(), world.clock().now());
    let press = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.stop();
        std::future::pending::<()>().await;
    };
    let finished = tokio::select! {
        biased;
        () = stop.stopped() => false,
        () = press => false,
        done = grow(world, POOL, 2, present(0)) => done.is_ok(),
    };
    (finished, world.clock().since(began).as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_the_answer_is_on_its_way_still_notes_the_operation() {
    let (gke, world, seen) = Gke::new();
    gke.fate("setSize", Fate::Slow(3));
    let (_, took) = stopped_after_a_second(&world).await;
    assert_eq!(took, 3);
    assert_eq!(seen.operations(), ["operation-1"]);
    assert_eq!(world.changes()[0].operation.as_deref(), Some("operation-1"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_a_lost_answer_is_looked_for_still_notes_the_operation() {
    let (gke, world, seen) = Gke::new();
    gke.fate("setSize", Fate::Lost);
    stopped_after_a_second(&world).await;
    assert_eq!(seen.operations(), ["operation-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_between_two_tries_is_heeded_at_once() {
    let (gke, world, seen) = Gke::new();
    let text = "Too many operations: the cluster hits the concurrent operations quota 5";
    for _ in 0..9 {
        gke.fate("setSize", refused(Code::ResourceExhausted, text));
    }
    assert_eq!(stopped_after_a_second(&world).await, (false, 1));
    assert!(seen.operations().is_empty());
    assert!(world.changes().is_empty());
}
