use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, StreamExt as _};
use http::StatusCode;
use serde_json::json;

use super::stub::{Asked, hub, ok, status};
use crate::error::{self, Kind};
use crate::hub::check_server;
use crate::world::World;
use crate::world::testing::Seen;

const USER: &str = "check me";
const PATH: &str = "/hub/api/users/check%20me";

/// What a hub does with a server that is asked for.
#[derive(Clone)]
struct Spawn {
    /// What it tells, in these pieces.
    told: Vec<String>,
    /// And then says nothing for ever.
    hangs: bool,
    /// How often it refuses to stop it first, as version 4 does.
    refuses: usize,
}

fn told(pieces: &[&str]) -> Spawn {
    Spawn {
        told: pieces.iter().map(|&piece| piece.to_owned()).collect(),
        hangs: false,
        refuses: 0,
    }
}

/// Such a hub, which has the user already when it is said.
fn spawning(spawn: Spawn, is_there: bool) -> (World, Asked) {
    let (world, _, asked) = heard(spawn, is_there);
    (world, asked)
}

/// The same, and what it has said.
fn heard(spawn: Spawn, is_there: bool) -> (World, Seen, Asked) {
    let state = Arc::new(Mutex::new((is_there, is_there, spawn.refuses)));
    hub(move |line, _| {
        let (there, server, refuses) = &mut *state.lock().unwrap();
        let (method, path) = line.split_once(' ').unwrap();
        match (method, path.strip_prefix(PATH)) {
            ("GET", Some("")) if !*there => status(404, "No access to resources or not found"),
            ("GET", Some("")) => {
                let servers = if *server {
                    json!({ "": { "ready": false } })
                } else {
                    json!({})
                };
                ok(
                    &json!({ "name": USER, "pending": server.then_some("spawn"), "servers": servers }),
                )
            }
            ("POST", Some("")) if *there => status(409, "User check me already exists"),
            ("POST", Some("")) => {
                *there = true;
                StatusCode::CREATED.into_response()
            }
            ("POST", Some("/server")) => {
                *server = true;
                StatusCode::ACCEPTED.into_response()
            }
            ("GET", Some("/server/progress")) => events(&spawn),
            ("DELETE", Some("/server")) if *server && *refuses > 0 => {
                *refuses -= 1;
                status(400, "check me is pending spawn, please wait")
            }
            ("DELETE", Some("/server")) => {
                *server = false;
                StatusCode::NO_CONTENT.into_response()
            }
            ("DELETE", Some("")) => {
                *there = false;
                StatusCode::NO_CONTENT.into_response()
            }
            _ => status(404, "Not Found"),
        }
    })
}

fn events(spawn: &Spawn) -> Response {
    let pieces = stream::iter(spawn.told.clone()).then(async |piece| {
        tokio::time::sleep(Duration::from_secs(8)).await;
        Ok::<_, std::convert::Infallible>(piece)
    });
    let body = if spawn.hangs {
        Body::from_stream(pieces.chain(stream::pending()))
    } else {
        Body::from_stream(pieces)
    };
    ([("content-type", "text/event-stream")], body).into_response()
}

const LIMIT: Duration = Duration::from_mins(10);

async fn check(world: &World) -> error::Error {
    let look = async || Ok(());
    check_server(world, USER, LIMIT, look).await.unwrap_err()
}

#[track_caller]
fn cleaned(asked: &Asked) {
    let writes = asked.writes();
    let last = &writes[writes.len() - 2..];
    assert_eq!(
        last,
        [format!("DELETE {PATH}/server"), format!("DELETE {PATH}")]
    );
}

#[tokio::test(start_paused = true)]
async fn an_image_that_will_not_come_is_not_waited_for() {
    for sign in [
        "Failed to pull image \\\"x\\\"",
        "Error: ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
    ] {
        // Cut in the middle of a line and of a word.
        let event = format!("data: {{\"progress\": 50, \"message\": \"[Warning] {sign}\"}}\n\n");
        let (head, tail) = event.split_at(41);
        let spawn = Spawn {
            hangs: true,
            ..told(&[
                "data: {\"progress\": 0, \"message\": \"Server requested\"}\n\n\n",
                head,
                tail,
            ])
        };
        let (world, asked) = spawning(spawn, false);
        let began = world.clock().now();
        let error = check(&world).await;
        assert_eq!(error.kind, Kind::Image, "{error}");
        assert!(error.message.contains("cannot start"), "{error}");
        assert!(world.clock().since(began) < Duration::from_mins(1));
        cleaned(&asked);
        assert!(world.changes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_spawn_that_fails_is_told_in_the_hubs_words() {
    for (event, said) in [(
        "data: {\"progress\": 100, \"failed\": true, \"message\": \"Spawn failed: no room\"}\n\n",
        "no room",
    )] {
        let (world, asked) = spawning(told(&[event]), false);
        let error = check(&world).await;
        assert_eq!(error.kind, Kind::Operation);
        assert!(error.message.contains("did not start"), "{error}");
        assert!(error.message.contains(said), "{error}");
        cleaned(&asked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_never_ready_is_given_up_and_a_user_that_was_there_stays() {
    // A stream that ends early is asked for again.
    for spawn in [
        told(&["data: {\"message\": \"Pulling image\"}\n\n"]),
        Spawn {
            hangs: true,
            ..told(&["data: {\"message\": \"Pulling image\"}\n\n"])
        },
    ] {
        let (world, asked) = spawning(spawn, true);
        let began = world.clock().now();
        let error = check(&world).await;
        assert_eq!(error.kind, Kind::TimedOut);
        assert!(error.message.contains("10 min 00 s"), "{error}");
        assert!(error.message.contains("Pulling image"), "{error}");
        assert!(world.clock().since(began) < LIMIT + Duration::from_secs(5));
        let server = format!("{PATH}/server");
        let wanted = [
            format!("POST {PATH}"),
            format!("DELETE {server}"),
            format!("POST {server}"),
            format!("DELETE {server}"),
        ];
        assert_eq!(asked.writes(), wanted);
        assert!(world.changes().is_empty());
        let progress = asked
            .all()
            .iter()
            .filter(|line| line.ends_with("progress"))
            .count();
        assert!(progress > 3, "{progress}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_stops_is_cleaned_up_even_where_a_pending_server_cannot_be_stopped() {
    let spawn = Spawn {
        hangs: true,
        refuses: 3,
        ..told(&[])
    };
    let (world, asked) = spawning(spawn, false);
    let look = async || Ok(());
    let checking = world.stop().cut(check_server(&world, USER, LIMIT, look));
    let (outcome, ()) = tokio::join!(checking, async {
        world.clock().sleep(Duration::from_secs(20)).await;
        world.stop().stop();
    });
    assert_eq!(outcome.unwrap_err().kind, Kind::Interrupted);
    assert_eq!(
        asked
            .writes()
            .iter()
            .filter(|line| line.starts_with("DELETE"))
            .count(),
        5
    );
    cleaned(&asked);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_cleaned_up_is_said() {
    let spawn = Spawn {
        refuses: usize::MAX,
        ..told(&["data: {\"failed\": true, \"message\": \"no\"}\n\n"])
    };
    let (world, seen, _) = heard(spawn, false);
    let began = world.clock().now();
    let error = check(&world).await;
    assert!(error.message.contains("did not start"), "{error}");
    assert!(world.clock().since(began) < Duration::from_mins(3));
    let said = format!("{error:?} {:?} {:?}", seen.events(), seen.notes());
    assert!(said.contains("may be left behind: "), "{said}");
    assert!(!said.contains("canary"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_server_without_a_kernel_is_cleaned_up_too() {
    let spawn = told(&["data: {\"progress\": 100, \"ready\": true}\n\n"]);
    let (world, asked) = spawning(spawn, false);
    let error = check(&world).await;
    assert_eq!(error.kind, Kind::TimedOut, "{error}");
    cleaned(&asked);
}
