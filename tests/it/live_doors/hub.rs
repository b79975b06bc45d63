//! The door to a hub, and what the room behind it makes of the answers.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use runbook::error::{Error, Kind, Result};
use runbook::event::{Events, What};
use runbook::hub::{self, Server};
use runbook::names::{ClusterName, K8sEndpoint, Mode};
use runbook::world::live::{Environment, HubPlace, TokenPlace};
use runbook::world::operator::Answer as Answered;
use runbook::world::secret::Secret;
use runbook::world::{
    Clock, Doors as _, Note, Notes, Operator, Parts, Question, Stop, Target, World,
};
use serde_json::{Value, json};

use super::{Doors, doors_and_hub};
use crate::canned::{Answer, Canned, nobody};

const TOKEN: &str = "canary-of-the-hub";

/// Doors to a hub alone.
pub(super) fn doors(url: &str, token: TokenPlace) -> Doors {
    let url = url.to_owned();
    let hub = Some(HubPlace { url, token });
    doors_and_hub(String::new(), Environment::default(), None, hub)
}

pub(super) fn given() -> TokenPlace {
    TokenPlace::Given(Secret::new(TOKEN))
}

pub(crate) struct Nobody;

impl Notes for Nobody {
    fn note(&self, _: Timestamp, _: &Note) -> Result<()> {
        Ok(())
    }
}

impl Operator for Nobody {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answered>> {
        Box::pin(async move { Err(Error::new(Kind::NeedsAnswer, question.text)) })
    }
}

pub(super) fn world(doors: &Doors) -> World {
    let none = String::new;
    World::new(Parts {
        target: Target {
            check_user: "deployment-service-check".to_owned(),
            allow_list: None,
            author: None,
            registry_mirror: None,
            k8s_endpoint: K8sEndpoint::default(),
            impersonate: None,
            name: "live".to_owned(),
            cluster: ClusterName {
                project: none(),
                location: none(),
                cluster: none(),
            },
            watch: Vec::new(),
            home: "default".to_owned(),
            debt_age: std::time::Duration::MAX,
            price: None,
            hub_pods: Vec::new(),
            hub_namespace: None,
            type_name: false,
            timezone: None,
            mode: Mode::Live,
        },
        clock: Clock::Live,
        doors: Arc::new(doors.live.clone()),
        operator: Arc::new(Nobody),
        who: "ann@laptop".to_owned(),
        events: Events::new(|_| {}),
        notes: Arc::new(Nobody),
        stop: Stop::default(),
    })
}

async fn servers(doors: &Doors) -> Result<Vec<Server>> {
    Ok(hub::servers(&world(doors)).await?.unwrap())
}

fn user(name: &str) -> Value {
    json!({ "name": name, "servers": { "": { "ready": true,
        "started": "2026-01-15T12:00:00.000000Z", "last_activity": "2026-01-15T12:30:00.5Z" } } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_page_of_a_hub_is_read_from_the_hub_itself() {
    let other = Canned::plain(|_| Answer::json(&json!({}))).await;
    let elsewhere = other.url();
    let hub = Canned::plain(move |asked| {
        let (_, at) = asked.path.rsplit_once("offset=").unwrap();
        let at: usize = at.parse().unwrap();
        let next = (at < 4).then(|| json!({ "offset": at + 2, "limit": 2, "url": elsewhere }));
        Answer::json(&json!({
            "items": [user(&format!("u{at}")), user(&format!("u{}", at + 1))],
            "_pagination": { "offset": at, "limit": 2, "total": 6, "next": next },
        }))
    })
    .await;
    let doors = doors(&format!("{}/", hub.url()), given());
    let found = servers(&doors).await.unwrap();
    let users: Vec<&str> = found.iter().map(|server| server.user.as_str()).collect();
    assert_eq!(users, ["u0", "u1", "u2", "u3", "u4", "u5"]);
    let seen = hub.seen();
    let paths: Vec<&str> = seen.iter().map(|asked| asked.path.as_str()).collect();
    let path = "/hub/api/users?state=active&limit=200&offset=";
    assert_eq!(paths, [0, 2, 4].map(|at| format!("{path}{at}")));
    for asked in &seen {
        assert_eq!(asked.header("authorization"), format!("token {TOKEN}"));
        let accept = "application/jupyterhub-pagination+json";
        assert_eq!(asked.header("accept"), accept);
    }
    // Where the hub says the next page is may be an address nobody else can reach.
    assert_eq!(other.lines(), Vec::<String>::new());
    assert_eq!(*doors.secrets.lock().unwrap(), [TOKEN]);
    let heard = doors.events.lock().unwrap();
    assert!(
        matches!(&heard[..], [What::Request { door, status: Some(200), .. }, _, _] if door == "hub"),
        "{heard:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_redirect_is_not_followed_however_it_is_put() {
    let other = Canned::plain(|_| Answer::json(&json!({ "items": [] }))).await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("{}/hub/login", other.url());
        let hub = Canned::plain(move |_| Answer {
            status,
            headers: vec![("location", to.clone())],
            body: "".into(),
        })
        .await;
        let error = servers(&doors(&hub.url(), given())).await.unwrap_err();
        assert_eq!(error.kind, Kind::Config, "{status}: {error}");
        assert_eq!(hub.lines(), ["GET /hub/api/users"]);
    }
    assert_eq!(other.lines(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_hub_refuses_says_what_to_do() {
    let no = |message: Value| json!({ "status": 403, "message": message }).to_string();
    let scopes = "Action is not authorized with current scopes; requires any of [list:users]";
    let page = "<!DOCTYPE HTML><html>Sign in</html>".to_owned();
    // 6.1 says nothing about a token it does not know.
    let cases = [
        (403, no(json!("Forbidden")), Kind::Credentials, "/hub/token"),
        (403, no(Value::Null), Kind::Credentials, "/hub/token"),
        (401, no(json!("x")), Kind::Credentials, "/hub/token"),
        (403, no(json!(scopes)), Kind::Denied, "read:users:activity"),
        (403, page.clone(), Kind::Config, "hub.url"),
        (200, page, Kind::Config, "hub.url"),
        (200, "[]".to_owned(), Kind::Bug, "-vv"),
        (400, no(json!("odd")), Kind::Bug, "-vv"),
    ];
    for (status, body, kind, hint) in cases {
        let sent = body.clone();
        let hub = Canned::plain(move |_| Answer {
            status,
            headers: Vec::new(),
            body: sent.clone().into(),
        })
        .await;
        let error = servers(&doors(&hub.url(), given())).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}: {error}");
        let said = error.hint.clone().unwrap();
        assert!(said.contains(hint), "{said}");
        assert_eq!(hub.lines().len(), 1, "{status} {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_nobody_vouches_for_gets_no_token() {
    let hub = Canned::tls(|_| Answer::json(&json!({}))).await;
    let door = doors(&hub.url(), given())
        .live
        .hub()
        .await
        .unwrap()
        .unwrap();
    let why = door.get("/hub/api/", "*/*").await.unwrap_err();
    assert!(why.contains("certificate"), "{why}");
    assert_eq!(hub.lines(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_token_of_the_hub_is_in_no_text() {
    let (_socket, address) = nobody();
    let doors = doors(&format!("http://{address}"), given());
    let door = doors.live.hub().await.unwrap().unwrap();
    let lost = door.get("/hub/api/", "*/*").await.unwrap_err();
    let refusing = Canned::plain(|_| Answer {
        status: 403,
        headers: Vec::new(),
        body: "{}".into(),
    })
    .await;
    let refused = servers(&self::doors(&refusing.url(), given())).await;
    let odd = TokenPlace::Given(Secret::new(format!("{TOKEN}\nx")));
    let odd = self::doors(&refusing.url(), odd).live.hub().await;
    let unsent = odd.unwrap().unwrap().get("/", "*/*").await.unwrap_err();
    let events = doors.events.lock().unwrap().clone();
    let place = HubPlace {
        url: String::new(),
        token: given(),
    };
    let texts = format!(
        "{:?} {door:?} {place:?} {lost} {refused:?} {unsent} {events:?}",
        doors.live
    );
    assert!(!texts.contains("canary"), "{texts}");
    assert!(unsent.contains("characters that no token has"), "{unsent}");
    let sent = refusing.seen();
    assert_eq!(sent[0].header("authorization"), format!("token {TOKEN}"));
    assert_eq!(sent.len(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_command_prints_the_token_once_and_its_failure_is_no_hub() {
    let folder = tempfile::tempdir().unwrap();
    let calls = folder.path().join("calls");
    let shell = |text: String| {
        let words = ["/bin/sh", "-c", text.as_str()];
        TokenPlace::Command(words.map(str::to_owned).to_vec())
    };
    let hub = Canned::plain(|_| Answer::json(&json!({ "items": [], "_pagination": {} }))).await;
    let prints = format!("echo x >> '{}'; echo ' {TOKEN} '", calls.display());
    let doors = doors(&hub.url(), shell(prints));
    assert!(hub::configured(&world(&doors)).await.unwrap());
    servers(&doors).await.unwrap();
    assert_eq!(
        hub.seen()[0].header("authorization"),
        format!("token {TOKEN}")
    );
    assert_eq!(std::fs::read_to_string(&calls).unwrap(), "x\n");
    assert_eq!(*doors.secrets.lock().unwrap(), [TOKEN]);

    let nowhere = TokenPlace::Command(vec!["/nonexistent/program".to_owned()]);
    for (token, said) in [
        (
            shell(format!("echo {TOKEN}; exit 3")),
            "failed (exit status: 3)",
        ),
        (shell("true".to_owned()), "printed nothing"),
        (nowhere, "could not be started"),
    ] {
        let doors = self::doors(&hub.url(), token);
        let error = servers(&doors).await.unwrap_err();
        assert_eq!(error.kind, Kind::Credentials, "{error}");
        assert!(error.message.contains(said), "{error}");
        assert!(!format!("{error:?}").contains(TOKEN));
        assert!(!hub::configured(&world(&doors)).await.unwrap());
    }
    assert_eq!(hub.lines().len(), 1);
}
