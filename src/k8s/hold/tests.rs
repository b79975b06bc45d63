use super::*;
use crate::error::Kind;
use crate::world::{Begun, Effect};

const NEW: &str = "callysto/2i2c:0.1.5";

fn want(image: &str) -> Hold {
    Hold {
        image: image.to_owned(),
        pool: "nb-user".to_owned(),
        namespace: "prod".to_owned(),
        limit: Duration::from_mins(45),
    }
}

/// In a practice world with two warm nodes.
fn practised<T>(faults: &[&str], work: impl AsyncFnOnce(World) -> T) -> T {
    crate::sim::testing::practised("warm", faults, work)
}

/// The pods that pull, by name.
async fn left(world: &World) -> Vec<String> {
    let pods = list::<PodObject, Pull>(world, &scope(&want(NEW)), From::from).await;
    pods.unwrap().into_iter().map(|pod| pod.name).collect()
}

#[test]
fn every_node_pulls_what_it_lacks_and_no_pod_is_left() {
    practised(&[], async |world| {
        let began = world.clock().now();
        let (held, unchecked) = hold_image(&world, &want(NEW)).await.unwrap();
        assert_eq!((held.len(), unchecked), (2, None));
        assert!(held.iter().all(|node| node.how == "pulled"), "{held:?}");
        assert!(world.clock().since(began) > Duration::from_mins(2));
        assert_eq!(world.changes().len(), 2);
        assert_eq!(left(&world).await, [""; 0]);
        let (again, _) = hold_image(&world, &want(NEW)).await.unwrap();
        assert!(again.iter().all(|node| node.how == "had it"), "{again:?}");
        assert_eq!(world.changes().len(), 2);
        let holding = holding(&world, NEW, "nb-user").await.unwrap();
        assert!(holding.iter().all(|node| node.holds == Some(true)));
    });
}

#[test]
fn what_cannot_be_pulled_or_run_is_told_apart() {
    practised(&[], async |world| {
        for image in ["callysto/2i2c:0.15", "nobody/nothing:1"] {
            let error = hold_image(&world, &want(image)).await.unwrap_err();
            assert_eq!(error.kind, Kind::Image, "{error}");
            assert!(error.message.contains("not found"), "{error}");
        }
        // Nothing in it that a pod could run; it is there all the same.
        let (held, _) = hold_image(&world, &want("callysto/2i2c:0.1.5-arm"))
            .await
            .unwrap();
        assert_eq!(held.len(), 2);
        assert_eq!(left(&world).await, [""; 0]);
        assert_eq!(world.changes().len(), 2);
    });
    practised(&["denied"], async |world| {
        let error = hold_image(&world, &want(NEW)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Denied);
        assert!(error.hint.unwrap().contains("roles/container.developer"));
    });
}

#[test]
fn whoever_is_stopped_leaves_no_pod_and_whoever_was_killed_takes_it_away_later() {
    practised(&[], async |world| {
        let wanted = want(NEW);
        let holds = world.stop().cut(hold_image(&world, &wanted));
        let (outcome, ()) = tokio::join!(holds, async {
            world.clock().sleep(Duration::from_secs(30)).await;
            assert_eq!(left(&world).await.len(), 2);
            world.stop().stop();
        });
        assert_eq!(outcome.unwrap_err().kind, Kind::Interrupted);
        assert_eq!(left(&world).await, [""; 0]);
    });
    practised(&[], async |world| {
        for node in holding(&world, NEW, "nb-user").await.unwrap() {
            start(&world, &want(NEW), &node.node).await.unwrap();
        }
        // Killed here; the pods go on.
        world.clock().sleep(Duration::from_mins(10)).await;
        assert_eq!(left(&world).await.len(), 2);
        world.enter(Effect {
            planned: None,
            begun: Some(Begun {
                at: world.clock().now(),
                changes: Vec::new(),
                watched: Duration::ZERO,
            }),
            usual: None,
        });
        let (held, _) = hold_image(&world, &want(NEW)).await.unwrap();
        assert!(held.iter().all(|node| node.how == "had it"), "{held:?}");
        assert_eq!(left(&world).await, [""; 0]);
    });
}
