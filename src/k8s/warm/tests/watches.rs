//! What goes wrong with watches during a wait.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_node_that_goes_is_waited_for_again() {
    let server = Server::default();
    server.put("nodes", a_node("a", true));
    let (world, seen) = server.world();
    let (warm, ()) = tokio::join!(wait(&world, want(2), never()), async {
        world.clock().sleep(MINUTE).await;
        server.delete("nodes", a_node("a", true));
        world.clock().sleep(MINUTE).await;
        server.put("nodes", a_node("b", true));
        server.put("nodes", a_node("c", true));
    });
    assert_eq!(warm.unwrap().took.as_secs(), 2 * MINUTE.as_secs());
    assert_eq!(
        progress(&seen)[1],
        "0: node 1 Booting not there yet, node 2 Booting not there yet"
    );
}

#[tokio::test(start_paused = true)]
async fn watches_that_are_cut_or_forgotten_are_opened_again() {
    let server = Server::default();
    let (world, seen) = server.world();
    let (warm, ()) = tokio::join!(wait(&world, want(2), never()), async {
        world.clock().sleep(MINUTE).await;
        server.hang_up();
        server.put("nodes", a_node("a", true));
        world.clock().sleep(MINUTE).await;
        server.delete("nodes", a_node("a", true));
        server.forget();
        server.put("nodes", a_node("b", true));
        server.refuse("/api/v1/nodes", 503, "starting");
        world.clock().sleep(MINUTE).await;
        server.put("nodes", a_node("c", true));
    });
    assert_eq!(warm.unwrap().took.as_secs(), 3 * MINUTE.as_secs());
    let dones: Vec<_> = progress(&seen).iter().map(|p| p[..1].to_owned()).collect();
    assert_eq!(dones, ["0", "1", "0", "1", "2"]);
    assert!(server.requests("").len() < 25, "{:#?}", server.requests(""));
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_renewed_once_for_all_watches() {
    let server = Server::default();
    server.put("daemonsets", daemon("prod"));
    let (world, seen) = server.world();
    let (warm, ()) = tokio::join!(wait(&world, want(1), never()), async {
        world.clock().sleep(MINUTE).await;
        for what in ["/nodes?&watch", "/events?&watch", "/pods?&watch"] {
            server.refuse(what, 401, "Unauthorized");
        }
        server.hang_up();
        world.clock().sleep(MINUTE).await;
        server.put("nodes", a_node("a", true));
        server.put("pods", puller_pod("prod", "a", 3));
    });
    assert!(warm.is_ok());
    assert_eq!(seen.renewals(), 1);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_stay_bad_end_the_wait() {
    let server = Server::default();
    let (world, _) = server.world();
    for _ in 0..2 {
        server.refuse("/api/v1/nodes", 401, "Unauthorized");
    }
    let error = wait(&world, want(1), never()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Credentials);
}

#[tokio::test(start_paused = true)]
async fn events_that_may_not_be_read_are_done_without() {
    let server = Server::default();
    server.put("nodes", a_node("a", true));
    server.refuse("/api/v1/events", 403, "events is forbidden");
    let (world, _) = server.world();
    assert!(wait(&world, want(1), never()).await.is_ok());
}
