//! Pods as they change: whatever happens to the watch, no row is lost and none is told twice.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::watch::{Receiver, Sender, channel};

use super::super::super::testing::{Server, used};
use super::super::*;
use crate::event::{PodName, PodNews, PodRow, PodUsage, What};
use crate::world::testing::{self, Seen};
use crate::world::{Operator, Question, View, operator};

const MINUTE: Duration = Duration::from_mins(1);

/// A pod as the API server has it.
fn pod(name: &str, status: &str) -> Value {
    let state = match status {
        "Running" => json!({ "running": { "startedAt": "2026-01-15T12:00:00Z" } }),
        reason => json!({ "waiting": { "reason": reason } }),
    };
    json!({
        "metadata": {
            "namespace": "prod", "name": name, "creationTimestamp": "2026-01-15T12:00:00Z",
            "managedFields": [{ "manager": "kubelet", "fieldsV1": { "f:status": {} } }],
        },
        "spec": { "nodeName": "node-1", "containers": [{ "name": "notebook" }] },
        "status": { "phase": "Running", "containerStatuses": [{
            "name": "notebook", "ready": status == "Running", "restartCount": 0, "state": state }] },
    })
}

fn hub() -> Server {
    let server = Server::default();
    server.put("namespaces", json!({ "metadata": { "name": "prod" } }));
    for name in ["hub-1", "proxy-1", "home-metrics-1", "jupyter-ann"] {
        server.put("pods", pod(name, "Running"));
    }
    server
}

/// Somebody who looks at a full screen.
struct Looking(Receiver<View>);

impl Operator for Looking {
    fn ask(&self, _: Question) -> BoxFuture<'_, error::Result<operator::Answer>> {
        unreachable!("nothing is asked")
    }

    fn viewer(&self) -> Option<Receiver<View>> {
        Some(self.0.clone())
    }
}

fn world(server: &Server, viewer: Option<Receiver<View>>) -> (World, Seen) {
    let (mut parts, seen) = testing::parts(None, Some(server.client()));
    parts.target.watch = vec!["prod".to_owned()];
    if let Some(viewer) = viewer {
        parts.operator = Arc::new(Looking(viewer));
    }
    (World::new(parts), seen)
}

/// Watches for this long while something happens.
async fn watched(
    server: &Server,
    limit: Duration,
    happens: impl AsyncFnOnce(&World),
) -> (error::Result<Watched>, Vec<PodNews>) {
    let (world, seen) = world(server, None);
    let (outcome, ()) = tokio::join!(watch(&world, &Where::Watched, Some(limit)), happens(&world));
    (outcome, news(&seen))
}

fn news(seen: &Seen) -> Vec<PodNews> {
    let events = seen.events().into_iter();
    let news = events.filter_map(|what| match what {
        What::Pods(news) => Some(news),
        _ => None,
    });
    news.collect()
}

/// The table as somebody has it who heard all this; a change that changes nothing is a row told
/// twice.
fn table(news: &[PodNews]) -> BTreeMap<String, String> {
    let mut rows: BTreeMap<PodName, Arc<PodRow>> = BTreeMap::new();
    for news in news {
        if let PodNews::Rows { put, gone, .. } = news {
            for row in put {
                let before = rows.insert(row.id.clone(), Arc::clone(row));
                assert_ne!(before.as_ref(), Some(row), "told twice");
            }
            for id in gone {
                assert!(rows.remove(id).is_some(), "{id:?} was never there");
            }
        }
    }
    let shown = |row: &PodRow| format!("{}/{} {}", row.ready.0, row.ready.1, row.status);
    let rows = rows.into_values();
    rows.map(|row| (row.id.name.to_string(), shown(&row)))
        .collect()
}

fn missing(news: &[PodNews]) -> Vec<Vec<String>> {
    let missing = news.iter().filter_map(|news| match news {
        PodNews::Missing { pods } => Some(pods.iter().map(|id| id.name.to_string()).collect()),
        _ => None,
    });
    missing.collect()
}

fn usage(news: &[PodNews]) -> Vec<&PodUsage> {
    let usage = news.iter().filter_map(|news| match news {
        PodNews::Usage { used, .. } => Some(used),
        _ => None,
    });
    usage.flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn pods_come_change_and_go() {
    let server = hub();
    let (outcome, news) = watched(&server, MINUTE, async |world| {
        let pause = async || world.clock().sleep(Duration::from_secs(5)).await;
        pause().await;
        server.put("pods", pod("jupyter-bob", "ContainerCreating"));
        pause().await;
        server.put("pods", pod("jupyter-bob", "Running"));
        server.put("pods", pod("hub-1", "CrashLoopBackOff"));
        pause().await;
        server.delete("pods", pod("jupyter-ann", "Running"));
        server.delete("pods", pod("proxy-1", "Running"));
    })
    .await;
    let expected = Watched {
        pods: 3,
        changes: 5,
        took_seconds: 60,
    };
    assert_eq!(outcome.unwrap(), expected);
    let rows = table(&news);
    let rows: Vec<_> = rows.iter().map(|(n, s)| (n.as_str(), s.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("home-metrics-1", "1/1 Running"),
            ("hub-1", "0/1 CrashLoopBackOff"),
            ("jupyter-bob", "1/1 Running"),
        ]
    );
    assert_eq!(missing(&news), [["proxy-"]]);
    assert_eq!(news.last(), Some(&PodNews::Ended));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_cut_forgotten_or_refused_loses_and_doubles_nothing() {
    let server = hub();
    let (outcome, news) = watched(&server, MINUTE * 10, async |world| {
        for round in 0..20 {
            world.clock().sleep(Duration::from_secs(20)).await;
            match round % 4 {
                0 => server.hang_up(),
                1 => server.forget(),
                // The API server is restarted: nothing is open, and at first nobody answers.
                2 => {
                    server.refuse("/pods", 503, "the server is starting");
                    server.refuse("/pods", 503, "the server is starting");
                    server.hang_up();
                }
                _ => {
                    server.refuse("watch=true", 410, "too old resource version");
                    server.hang_up();
                }
            }
            // While nobody listens, one comes, one changes and one goes.
            server.put("pods", pod(&format!("jupyter-{round}"), "Running"));
            let status = if round % 2 == 0 { "Error" } else { "Running" };
            server.put("pods", pod("jupyter-ann", status));
            if round > 0 {
                server.delete("pods", pod(&format!("jupyter-{}", round - 1), "Running"));
            }
        }
    })
    .await;
    assert_eq!(outcome.unwrap().pods, 5);
    let names: Vec<String> = table(&news).into_keys().collect();
    assert_eq!(
        names,
        [
            "home-metrics-1",
            "hub-1",
            "jupyter-19",
            "jupyter-ann",
            "proxy-1"
        ]
    );
    assert_eq!(table(&news)["jupyter-ann"], "1/1 Running");
    assert!(server.requests("watch=true").len() > 20);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_renewed_and_a_missing_permission_ends_it() {
    let server = hub();
    server.refuse("/pods", 401, "Unauthorized");
    let (outcome, news) = watched(&server, MINUTE, async |_| {}).await;
    assert_eq!((outcome.unwrap().pods, table(&news).len()), (4, 4));
    let server = hub();
    server.refuse("watch=true", 403, "pods is forbidden");
    let (outcome, news) = watched(&server, MINUTE, async |_| {}).await;
    let error = outcome.unwrap_err();
    assert!(
        error.message.contains("watch pods in namespace prod"),
        "{error}"
    );
    assert!(error.hint.unwrap().contains("roles/container.viewer"));
    assert_eq!(news.last(), Some(&PodNews::Ended));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_not_there_is_not_watched_for_ever() {
    let server = hub();
    let (world, _) = world(&server, None);
    let place = Where::These(vec!["prdo".to_owned()]);
    let error = super::super::watch(&world, &place, None).await.unwrap_err();
    assert_eq!(error.hint.unwrap(), "did you mean `prod`? there are: prod");
}

#[tokio::test(start_paused = true)]
async fn in_practice_a_watch_nobody_can_end_ends() {
    let server = hub();
    let (world, _) = world(&server, None);
    let watched = super::super::watch(&world, &Where::Watched, None).await;
    assert_eq!(watched.unwrap().took_seconds, 3600);
}

fn look(pods: &[&str], by_usage: bool) -> View {
    let id = |name: &&str| PodName {
        namespace: "prod".into(),
        name: (*name).into(),
    };
    View {
        left: false,
        pods: pods.iter().map(id).collect(),
        by_usage,
    }
}

/// A hub with so many people, who all use something.
fn crowded() -> Server {
    let server = hub();
    server.put(
        "metrics/pods",
        used(
            "prod",
            "hub-1",
            &[("hub", "12m", "1Mi"), ("b", "3m", "1Mi")],
        ),
    );
    for number in 0..600 {
        let name = format!("jupyter-{number:03}");
        server.put("pods", pod(&name, "Running"));
        server.put(
            "metrics/pods",
            used("prod", &name, &[("notebook", "5m", "7Mi")]),
        );
    }
    server
}

async fn looking(
    server: &Server,
    happens: impl AsyncFnOnce(&World, &Sender<View>),
) -> (Watched, Vec<PodNews>) {
    let (viewer, view) = channel(View::default());
    let (world, seen) = world(server, Some(view));
    let (outcome, ()) = tokio::join!(super::super::watch(&world, &Where::Watched, None), async {
        happens(&world, &viewer).await;
        viewer.send_modify(|view| view.left = true);
    });
    (outcome.unwrap(), news(&seen))
}

#[tokio::test(start_paused = true)]
async fn only_what_is_on_the_screen_is_measured() {
    let server = crowded();
    let (watched, news) = looking(&server, async |world, viewer| {
        viewer.send_replace(look(&["jupyter-005"], false));
        world.clock().sleep(Duration::from_secs(4)).await;
        // Somebody scrolls: not every fifteen seconds, but soon.
        viewer.send_replace(look(&["jupyter-006"], false));
        world.clock().sleep(Duration::from_secs(4)).await;
    })
    .await;
    assert_eq!(watched.pods, 604);
    assert_eq!(
        server
            .requests("GET /apis/metrics.k8s.io/v1beta1/namespaces/prod/pods ")
            .len(),
        0
    );
    let used = usage(&news);
    let hub = used.iter().find(|used| &*used.id.name == "hub-1").unwrap();
    assert_eq!(
        (hub.cpu.to_string(), hub.memory.to_string()),
        ("15m".into(), "2Mi".into())
    );
    assert!(used.iter().any(|used| &*used.id.name == "jupyter-005"));
    assert!(used.iter().any(|used| &*used.id.name == "jupyter-006"));
    // Three hub pods and one row, each time; two of the hub's have not been measured yet.
    assert!(used.len() < 6, "{used:?}");
    assert!(news.contains(&PodNews::Beat));
}

#[tokio::test(start_paused = true)]
async fn sorted_by_use_everything_is_measured_and_told_once() {
    let server = crowded();
    let (_, news) = looking(&server, async |world, viewer| {
        viewer.send_replace(look(&[], true));
        world.clock().sleep(Duration::from_secs(40)).await;
    })
    .await;
    assert_eq!(server.requests("namespaces/prod/pods/").len(), 0);
    let lists = server
        .requests("metrics.k8s.io/v1beta1/namespaces/prod/pods")
        .len();
    assert!((2..=4).contains(&lists), "{lists}");
    assert!(usage(&news).len() >= 601);
}

#[tokio::test(start_paused = true)]
async fn without_a_metrics_server_it_is_said_once() {
    let server = hub();
    for _ in 0..20 {
        server.refuse("metrics.k8s.io", 503, "unavailable");
    }
    let (outcome, news) = watched(&server, MINUTE, async |_| {}).await;
    assert_eq!(outcome.unwrap().pods, 4);
    let why: Vec<&str> = (news.iter())
        .filter_map(|news| match news {
            PodNews::Usage { unmeasured, .. } => unmeasured.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(why.len(), 1, "{why:?}");
    assert!(why[0].contains("no metrics server"));
}
