//! The live doors, over loopback HTTP and TLS, against canned servers.

mod credentials;
mod hub;
mod registry;

use std::sync::{Arc, Mutex};

use google_cloud_container_v1::model::NodePoolAutoscaling;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::ListParams;
use runbook::error::{Error, Kind};
use runbook::event::{Events, What};
use runbook::names::ClusterName;
use runbook::names::K8sEndpoint;
use runbook::world::live::{Environment, GitHubPlace, HubPlace, Live, Options, TokenPlace};
use runbook::world::secret::Secret;
use runbook::world::{Clock, Doors as _, webhook};
use serde_json::{Value, json};

use crate::canned::{Answer, Canned, nobody};
pub(crate) use hub::Nobody;

const TOKEN: &str = "ya29.test-token";
const CLUSTER: &str = "/v1/projects/p/locations/l/clusters/c";
const POOL: &str = "projects/p/locations/l/clusters/c/nodePools/nb-user";

/// Doors, and what they have said and registered.
pub(crate) struct Doors {
    pub(crate) live: Live,
    events: Arc<Mutex<Vec<What>>>,
    secrets: Arc<Mutex<Vec<String>>>,
}

fn doors(endpoint: String, environment: Environment, impersonate: Option<&str>) -> Doors {
    doors_and_hub(endpoint, environment, impersonate, None)
}

pub(crate) fn doors_and_hub(
    endpoint: String,
    environment: Environment,
    impersonate: Option<&str>,
    hub: Option<HubPlace>,
) -> Doors {
    let events = Arc::new(Mutex::new(Vec::new()));
    let secrets = Arc::new(Mutex::new(Vec::new()));
    let (heard, told) = (Arc::clone(&events), Arc::clone(&secrets));
    let live = Live::new(Options {
        hub,
        github: GitHubPlace {
            url: None,
            token: TokenPlace::Missing("this test has none".to_owned()),
        },
        cluster: ClusterName {
            project: "p".to_owned(),
            location: "l".to_owned(),
            cluster: "c".to_owned(),
        },
        endpoint: Some(endpoint),
        k8s_endpoint: K8sEndpoint::Ip,
        impersonate: impersonate.map(str::to_owned),
        environment,
        events: Events::new(move |event| heard.lock().unwrap().push(event.what)),
        clock: Clock::Live,
        on_secret: Arc::new(move |secret: &str| told.lock().unwrap().push(secret.to_owned())),
    });
    Doors {
        live,
        events,
        secrets,
    }
}

fn with_token() -> Environment {
    Environment {
        access_token: Some(Secret::new(TOKEN)),
        ..Environment::default()
    }
}

/// Answers `get cluster` with the address of `cluster`.
fn describing(cluster: &Canned) -> Value {
    json!({
        "name": "c",
        "endpoint": cluster.host(),
        "masterAuth": { "clusterCaCertificate": cluster.authority() },
        "controlPlaneEndpointsConfig": { "ipEndpointsConfig": { "enabled": true } },
    })
}

async fn get_cluster(doors: &Doors) -> google_cloud_gax::Result<()> {
    let gke = doors.live.gke().await.unwrap();
    let name = CLUSTER.trim_start_matches("/v1/");
    gke.get_cluster().set_name(name).send().await.map(drop)
}

async fn nodes(doors: &Doors) -> kube::Result<Vec<String>> {
    let k8s = doors.live.k8s().await.unwrap();
    let nodes = Api::<Node>::all(k8s).list(&ListParams::default()).await?;
    Ok(nodes
        .into_iter()
        .map(|n| n.metadata.name.unwrap())
        .collect())
}

async fn k8s_error(doors: &Doors) -> Error {
    doors.live.k8s().await.err().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cluster_is_asked_for_by_name_with_the_token() {
    let gke = Canned::plain(|_| Answer::json(&json!({ "name": "c" }))).await;
    let doors = doors(format!("{}/", gke.url()), with_token(), None);
    get_cluster(&doors).await.unwrap();
    let seen = gke.seen();
    assert_eq!(gke.lines(), [format!("GET {CLUSTER}")]);
    assert_eq!(seen[0].header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(*doors.secrets.lock().unwrap(), [TOKEN]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn changes_are_sent_with_exactly_these_bodies() {
    let gke =
        Canned::plain(|_| Answer::json(&json!({ "name": "operation-1", "status": "RUNNING" })));
    let gke = gke.await;
    let doors = doors(gke.url(), with_token(), None);
    let client = doors.live.gke().await.unwrap();
    let limits = NodePoolAutoscaling::new()
        .set_enabled(true)
        .set_min_node_count(2)
        .set_max_node_count(20);
    let raised = client
        .set_node_pool_autoscaling()
        .set_name(POOL)
        .set_autoscaling(limits)
        .send();
    assert_eq!(raised.await.unwrap().name, "operation-1");
    let resized = client
        .set_node_pool_size()
        .set_name(POOL)
        .set_node_count(2)
        .send();
    resized.await.unwrap();
    assert_eq!(
        gke.lines(),
        [
            format!("POST /v1/{POOL}:setAutoscaling"),
            format!("POST /v1/{POOL}:setSize")
        ]
    );
    let bodies: Vec<Value> = gke
        .seen()
        .iter()
        .map(super::canned::Recorded::json)
        .collect();
    assert_eq!(
        bodies,
        [
            json!({ "autoscaling": { "enabled": true, "minNodeCount": 2, "maxNodeCount": 20 } }),
            json!({ "nodeCount": 2 })
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_cluster_is_reached_over_tls_with_its_own_authority() {
    let k8s = Canned::tls(|_| {
        Answer::json(
            &json!({ "kind": "NodeList", "apiVersion": "v1", "metadata": {},
            "items": [{ "metadata": { "name": "gke-a" } }, { "metadata": { "name": "gke-b" } }] }),
        )
    })
    .await;
    let described = describing(&k8s);
    let gke = Canned::plain(move |_| Answer::json(&described)).await;
    let doors = doors(gke.url(), with_token(), None);
    assert_eq!(nodes(&doors).await.unwrap(), ["gke-a", "gke-b"]);
    assert_eq!(nodes(&doors).await.unwrap().len(), 2);
    let seen = k8s.seen();
    assert_eq!(k8s.lines(), ["GET /api/v1/nodes", "GET /api/v1/nodes"]);
    assert_eq!(seen[0].header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(gke.lines().len(), 1, "the client is kept");
    let heard: Vec<_> = doors
        .events
        .lock()
        .unwrap()
        .iter()
        .map(|what| match what {
            What::Request {
                door,
                method,
                path,
                status,
                ..
            } => {
                format!("{door} {method} {path} {status:?}")
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        heard,
        [
            format!("gke GET {CLUSTER} Some(200)"),
            "k8s GET /api/v1/nodes? Some(200)".to_owned(),
            "k8s GET /api/v1/nodes? Some(200)".to_owned()
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_is_not_the_cluster_is_not_spoken_to() {
    let [cluster, other] = [Canned::tls(|_| Answer::json(&json!({}))).await, {
        Canned::tls(|_| Answer::json(&json!({}))).await
    }];
    let mut described = describing(&cluster);
    described["masterAuth"]["clusterCaCertificate"] = json!(other.authority());
    let gke = Canned::plain(move |_| Answer::json(&described)).await;
    let doors = doors(gke.url(), with_token(), None);
    assert!(nodes(&doors).await.is_err());
    assert_eq!(cluster.lines(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_library_repeats_a_request_by_itself() {
    let k8s = Canned::tls(|_| Answer::kubernetes(503, "ServiceUnavailable", "busy")).await;
    let described = describing(&k8s);
    let gke = Canned::plain(move |asked| {
        if asked.path.contains("nodePools") {
            Answer::google(503, "UNAVAILABLE", "busy")
        } else {
            Answer::json(&described)
        }
    })
    .await;
    let doors = doors(gke.url(), with_token(), None);
    let client = doors.live.gke().await.unwrap();
    let failure = client
        .get_node_pool()
        .set_name(POOL)
        .send()
        .await
        .unwrap_err();
    assert_eq!(failure.http_status_code(), Some(503));
    assert_eq!(gke.lines(), [format!("GET /v1/{POOL}")]);
    match nodes(&doors).await.unwrap_err() {
        kube::Error::Api(status) => assert_eq!(status.code, 503),
        other => panic!("{other}"),
    }
    assert_eq!(k8s.lines(), ["GET /api/v1/nodes"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lookup_that_fails_says_what_to_do() {
    let cases = [
        (
            403,
            "PERMISSION_DENIED",
            Kind::Denied,
            "roles/container.developer",
        ),
        (
            404,
            "NOT_FOUND",
            Kind::NotFound,
            "gcloud container clusters list --project=p",
        ),
        (
            401,
            "UNAUTHENTICATED",
            Kind::Credentials,
            "gcloud auth application-default login",
        ),
        (429, "RESOURCE_EXHAUSTED", Kind::RateLimited, "in a minute"),
        (503, "UNAVAILABLE", Kind::Unreachable, "in a minute"),
    ];
    for (code, status, kind, hint) in cases {
        let gke = Canned::plain(move |_| Answer::google(code, status, "Google's words")).await;
        let error = k8s_error(&doors(gke.url(), with_token(), None)).await;
        assert_eq!(error.kind, kind, "{error}");
        assert_eq!(
            error.message,
            "cannot look up cluster p/l/c: Google's words"
        );
        assert!(error.hint.clone().unwrap().contains(hint), "{error:?}");
        assert_eq!(gke.lines().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cluster_that_cannot_be_used_yet_is_explained() {
    let cases = [
        (json!({ "name": "c" }), "has no endpoint yet"),
        (
            json!({ "endpoint": "127.0.0.1:1", "masterAuth": { "clusterCaCertificate": "bm8=" } }),
            "its certificate authority cannot be read",
        ),
    ];
    for (described, said) in cases {
        let gke = Canned::plain(move |_| Answer::json(&described)).await;
        let error = k8s_error(&doors(gke.url(), with_token(), None)).await;
        assert_eq!(error.kind, Kind::Config);
        assert!(error.message.contains(said), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_listening_is_unreachable() {
    let (_socket, address) = nobody();
    let doors = doors(format!("http://{address}"), with_token(), None);
    let error = k8s_error(&doors).await;
    assert_eq!(error.kind, Kind::Unreachable, "{error}");
    assert!(get_cluster(&doors).await.unwrap_err().is_connect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_token_is_in_no_text() {
    let k8s = Canned::tls(|_| Answer::kubernetes(401, "Unauthorized", "Unauthorized")).await;
    let described = describing(&k8s);
    let gke = Canned::plain(move |asked| {
        if asked.path.contains("nodePools") {
            Answer::google(401, "UNAUTHENTICATED", "bad token")
        } else {
            Answer::json(&described)
        }
    })
    .await;
    let doors = doors(gke.url(), with_token(), None);
    let client = doors.live.gke().await.unwrap();
    let refused = client
        .get_node_pool()
        .set_name(POOL)
        .send()
        .await
        .unwrap_err();
    let unauthorized = nodes(&doors).await.unwrap_err();
    let renewed = doors.live.renew().await.unwrap_err();
    let events = doors.events.lock().unwrap().clone();
    let texts = format!(
        "{:?} {:?} {client:?} {refused:?} {refused} {unauthorized:?} {unauthorized} {renewed:?} {events:?}",
        doors.live,
        with_token(),
    );
    assert!(!texts.contains(TOKEN), "{texts}");
    assert_eq!(
        gke.seen()[0].header("authorization"),
        format!("Bearer {TOKEN}")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_webhook_gets_its_text_and_its_failure_is_a_sentence() {
    let chat = Canned::plain(|asked| Answer {
        status: if asked.path == "/gone" { 404 } else { 200 },
        headers: Vec::new(),
        body: "ok".into(),
    })
    .await;
    let url = Secret::new(format!("{}/T0/secret", chat.url()));
    webhook::post(&url, "2 nodes are \"ready\"").await.unwrap();
    let seen = chat.seen();
    assert_eq!(chat.lines(), ["POST /T0/secret"]);
    assert_eq!(seen[0].body, r#"{"text":"2 nodes are \"ready\""}"#);
    assert_eq!(seen[0].header("content-type"), "application/json");
    let gone = webhook::post(&Secret::new(format!("{}/gone", chat.url())), "x").await;
    assert_eq!(gone.unwrap_err(), "the webhook answered 404 Not Found");
    let (_socket, address) = nobody();
    let url = Secret::new(format!("http://{address}/secret"));
    let why = webhook::post(&url, "x").await.unwrap_err();
    assert!(why.starts_with("the webhook was not reached: "), "{why}");
    assert!(!why.contains("secret"), "{why}");
    let why = webhook::post(&Secret::new("not a url"), "x")
        .await
        .unwrap_err();
    assert_eq!(why, "the webhook was not reached: its address is not a URL");
}
