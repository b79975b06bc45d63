mod check;
mod config;
mod stub;
mod who;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Server, configured, none, servers};
use crate::error::{self, Kind};
use crate::world::World;
use crate::world::testing::{self, Seen};

/// A hub that answers like this; what it was asked is kept.
fn hub(answer: impl Fn(&str) -> Response + Clone + Send + Sync + 'static) -> (World, Seen, Asked) {
    let asked = Asked::default();
    let log = Arc::clone(&asked.0);
    let router = Router::new().fallback(move |request: Request| {
        let path = request.uri().path_and_query().unwrap().to_string();
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        log.lock()
            .unwrap()
            .push((path.clone(), header("authorization"), header("accept")));
        let answer = answer(&path);
        async { answer }
    });
    let hub = testing::http("https://hub.example/", Some("token canary"), router);
    let (parts, seen) = testing::parts_with(None, None, Some(hub), None);
    (World::new(parts), seen, asked)
}

#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(String, String, String)>>>);

impl Asked {
    fn paths(&self) -> Vec<String> {
        let asked = self.0.lock().unwrap();
        asked.iter().map(|(path, ..)| path.clone()).collect()
    }
}

fn user(name: &str, active: &str) -> Value {
    json!({ "name": name, "servers": { "": { "ready": true, "pending": null,
        "started": "2026-01-15T12:00:00.000000Z", "last_activity": active } } })
}

fn page(users: &[Value], next: Option<usize>) -> Response {
    let next =
        next.map(|offset| json!({ "offset": offset, "limit": 200, "url": "http://10.0.0.1/" }));
    let page = json!({ "items": users, "_pagination": { "offset": 0, "limit": 200, "total": 3,
        "next": next } });
    axum::Json(page).into_response()
}

fn no(code: u16, message: &str) -> Response {
    let code = StatusCode::from_u16(code).unwrap();
    let body = axum::Json(json!({ "status": code.as_u16(), "message": message }));
    (code, body).into_response()
}

async fn failing(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> error::Error {
    let (world, seen, asked) = hub(move |_| answer());
    let error = servers(&world).await.unwrap_err();
    let said = format!("{error:?} {:?}", seen.events());
    assert!(!said.contains("canary"), "{said}");
    assert!(!asked.paths().is_empty());
    error
}

#[tokio::test(start_paused = true)]
async fn every_page_is_asked_for_with_the_token() {
    let (world, _, asked) = hub(|path| {
        if path.ends_with("offset=0") {
            page(&[user("cyd", "2026-01-15T12:59:00Z")], Some(1))
        } else if path.ends_with("offset=1") {
            page(&[user("ada", "2026-01-15T12:30:00.5Z")], Some(2))
        } else {
            page(&[user("bob", "2026-01-15T12:00:00Z")], None)
        }
    });
    let found = servers(&world).await.unwrap().unwrap();
    let names: Vec<&str> = found.iter().map(|server| server.user.as_str()).collect();
    assert_eq!(names, ["ada", "bob", "cyd"]);
    let Server {
        ready,
        started,
        last_activity,
        ..
    } = &found[0];
    assert!(*ready && started.is_some());
    assert_eq!(
        *last_activity,
        Some("2026-01-15T12:30:00.5Z".parse().unwrap())
    );
    let asked = asked.0.lock().unwrap();
    assert_eq!(asked.len(), 3);
    let (path, token, accept) = &asked[0];
    assert_eq!(path, "/hub/api/users?state=active&limit=200&offset=0");
    assert_eq!(token, "token canary");
    assert_eq!(accept, "application/jupyterhub-pagination+json");
}

#[tokio::test(start_paused = true)]
async fn without_a_hub_nobody_is_asked() {
    let (parts, _) = testing::parts(None, None);
    let world = World::new(parts);
    assert_eq!(servers(&world).await.unwrap(), None);
    assert!(!configured(&world).await.unwrap());
    let error = none(&world);
    assert_eq!(error.kind, Kind::Config);
    assert!(error.hint.unwrap().contains("[target.practice]"));
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_a_log_in_and_is_never_followed() {
    let (world, _, asked) = hub(|_| Redirect::to("/hub/login").into_response());
    let error = servers(&world).await.unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(error.hint.unwrap().contains("hub.url"));
    assert_eq!(asked.paths().len(), 1);
    // A page is one too, whatever its status: something before the hub wants a log-in.
    for code in [200, 401, 403] {
        let code = StatusCode::from_u16(code).unwrap();
        let page = axum::response::Html("\n<html>log in</html>");
        let error = failing(move || (code, page).into_response()).await;
        assert_eq!(error.kind, Kind::Config, "{code}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_about_to_start_is_asked_again_and_what_it_refuses_is_not() {
    // The proxy knows of no hub until that has told it.
    let tries = Arc::new(Mutex::new(0));
    let (world, ..) = hub(move |_| {
        let mut tries = tries.lock().unwrap();
        *tries += 1;
        match *tries {
            1 => (StatusCode::NOT_FOUND, "no route").into_response(),
            2 => no(429, "slow down"),
            _ => page(&[], None),
        }
    });
    assert_eq!(servers(&world).await.unwrap(), Some(Vec::new()));
    assert_eq!(failing(|| no(404, "Not Found")).await.kind, Kind::Config);
    let (world, _, asked) = hub(|_| no(400, "Unrecognized state filter"));
    let error = servers(&world).await.unwrap_err();
    assert!(
        error.message.contains("Unrecognized state filter"),
        "{error}"
    );
    assert_eq!(asked.paths().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_server_of_everybody_is_told_once_with_its_pod_where_the_token_may_read_it() {
    let (world, ..) = hub(|path| {
        let mut ada = user("ada", "2026-01-15T12:59:00Z");
        ada["servers"]["gpu"] = json!({ "ready": false, "pending": "spawn", "started": null,
            "last_activity": null, "state": { "pod_name": "jupyter-ada--gpu" } });
        ada["servers"][""]["state"] = json!({});
        // Somebody has come meanwhile, and so she is on the next page again.
        let next = path.ends_with("offset=0").then_some(1);
        page(&[ada], next)
    });
    let found = servers(&world).await.unwrap().unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|server| (server.name.as_str(), server.ready, server.pod.as_deref()))
        .collect();
    let gpu = ("gpu", false, Some("jupyter-ada--gpu"));
    assert_eq!(told, [("", true, None), gpu]);
    assert_eq!((found[1].started, found[1].last_activity), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_does_not_move_on_is_not_asked_for_ever() {
    let (world, _, asked) = hub(|_| page(&[user("ada", "2026-01-15T12:59:00Z")], Some(0)));
    assert_eq!(servers(&world).await.unwrap().unwrap().len(), 1);
    assert_eq!(asked.paths().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_unknown_is_told_from_one_that_may_too_little() {
    let unknown = failing(|| no(403, "Forbidden")).await;
    assert_eq!(unknown.kind, Kind::Credentials);
    assert!(
        unknown
            .hint
            .unwrap()
            .contains("https://hub.example/hub/token")
    );
    let said = "Action is not authorized with current scopes; requires any of [list:users]";
    let narrow = failing(move || no(403, said)).await;
    assert_eq!(narrow.kind, Kind::Denied);
    assert!(narrow.message.contains("[list:users]"), "{narrow}");
    assert!(narrow.hint.unwrap().contains("read:users:activity"));
    let blind = failing(|| page(&[json!({ "name": "ada" })], None)).await;
    assert_eq!(blind.kind, Kind::Denied);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_down_is_asked_again_for_a_while() {
    let (world, _, asked) = hub(|_| no(503, "starting"));
    let began = world.clock().now();
    let error = servers(&world).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unreachable);
    assert!(asked.paths().len() > 3);
    assert!(world.clock().since(began) <= Duration::from_secs(20));
    assert_eq!(
        failing(|| "{\"items\": 3}".into_response()).await.kind,
        Kind::Bug
    );
}
