//! The live doors, over loopback HTTP and TLS, against canned servers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use google_cloud_container_v1::model::NodePoolAutoscaling;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::ListParams;
use runbook::error::{Error, Kind};
use runbook::event::{Events, What};
use runbook::names::ClusterName;
use runbook::world::live::{Environment, K8sEndpoint, Live, Options};
use runbook::world::secret::Secret;
use runbook::world::{Clock, Doors as _, webhook};
use serde_json::{Value, json};

use crate::canned::{Answer, Canned, nobody};

const TOKEN: &str = "ya29.test-token";
const CLUSTER: &str = "/v1/projects/p/locations/l/clusters/c";
const POOL: &str = "projects/p/locations/l/clusters/c/nodePools/nb-user";

/// Doors, and what they have said and registered.
struct Doors {
    live: Live,
    events: Arc<Mutex<Vec<What>>>,
    secrets: Arc<Mutex<Vec<String>>>,
}

fn doors(endpoint: String, environment: Environment, impersonate: Option<&str>) -> Doors {
    let events = Arc::new(Mutex::new(Vec::new()));
    let secrets = Arc::new(Mutex::new(Vec::new()));
    let (heard, told) = (Arc::clone(&events), Arc::clone(&secrets));
    let live = Live::new(Options {
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

/// A folder with a fake `gcloud` in it, answering with `token`.
#[cfg(unix)]
fn gcloud(token: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fake/gcloud");
    std::os::unix::fs::symlink(fake, folder.path().join("gcloud")).unwrap();
    gives(folder.path(), token);
    folder
}

#[cfg(unix)]
fn gives(folder: &Path, token: &str) {
    let answer = json!({ "configuration": {}, "credential": {
        "access_token": token, "token_expiry": "2999-01-01T00:00:00Z" } });
    std::fs::write(folder.join("answer.json"), answer.to_string()).unwrap();
}

#[cfg(unix)]
fn calls(folder: &Path) -> Vec<String> {
    let calls = std::fs::read_to_string(folder.join("calls")).unwrap();
    calls.lines().map(str::to_owned).collect()
}

#[cfg(unix)]
fn with_gcloud(folder: &Path) -> Environment {
    Environment {
        gcloud_folder: Some(folder.join("nothing-here")),
        path: Some(std::env::join_paths([Path::new("/nonexistent"), folder]).unwrap()),
        ..Environment::default()
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn gcloud_is_asked_once_and_again_when_its_token_is_refused() {
    let folder = gcloud("ya29.old");
    let refuses =
        |asked: &crate::canned::Recorded| asked.header("authorization") != "Bearer ya29.new";
    let k8s = Canned::tls(move |asked| match refuses(asked) {
        true => Answer::kubernetes(401, "Unauthorized", "Unauthorized"),
        false => Answer::json(&json!({ "metadata": {}, "items": [] })),
    })
    .await;
    let described = describing(&k8s);
    let gke = Canned::plain(move |_| Answer::json(&described)).await;
    let doors = doors(gke.url(), with_gcloud(folder.path()), None);
    match nodes(&doors).await.unwrap_err() {
        kube::Error::Api(status) => assert_eq!(status.code, 401),
        other => panic!("{other}"),
    }
    gives(folder.path(), "ya29.new");
    doors.live.renew().await.unwrap();
    assert_eq!(nodes(&doors).await.unwrap(), Vec::<String>::new());
    get_cluster(&doors).await.unwrap();
    assert_eq!(
        gke.seen().last().unwrap().header("authorization"),
        "Bearer ya29.new"
    );
    assert_eq!(
        calls(folder.path()),
        [
            "config config-helper --format=json",
            "config config-helper --format=json --force-auth-refresh"
        ]
    );
    assert_eq!(*doors.secrets.lock().unwrap(), ["ya29.old", "ya29.new"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_in_hand_uses_a_new_token_when_the_old_one_runs_out() {
    let folder = gcloud("ya29.first");
    let old = json!({ "credential": { "access_token": "ya29.old",
        "token_expiry": "2020-01-01T00:00:00Z" } });
    std::fs::write(folder.path().join("answer.json"), old.to_string()).unwrap();
    let gke = Canned::plain(|_| Answer::json(&json!({ "name": "c" }))).await;
    let doors = doors(gke.url(), with_gcloud(folder.path()), None);
    let client = doors.live.gke().await.unwrap();
    gives(folder.path(), "ya29.new");
    let name = CLUSTER.trim_start_matches("/v1/");
    client.get_cluster().set_name(name).send().await.unwrap();
    assert_eq!(gke.seen()[0].header("authorization"), "Bearer ya29.new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_given_as_text_cannot_be_renewed() {
    let doors = doors("http://127.0.0.1:9".to_owned(), with_token(), None);
    doors.live.gke().await.unwrap();
    let error = doors.live.renew().await.unwrap_err();
    assert_eq!(error.kind, Kind::Credentials);
    assert!(
        error.message.contains("CLOUDSDK_AUTH_ACCESS_TOKEN"),
        "{error}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_a_login_one_message_says_where_was_looked() {
    let folder = gcloud("unused");
    std::fs::write(
        folder.path().join("complaint"),
        "ERROR: (gcloud.config.config-helper)\n  You do not currently have an active account selected.\n",
    )
    .unwrap();
    let doors = doors(
        "http://127.0.0.1:9".to_owned(),
        with_gcloud(folder.path()),
        None,
    );
    let error = k8s_error(&doors).await;
    assert_eq!(error.kind, Kind::Credentials);
    let missing = folder
        .path()
        .join("nothing-here/application_default_credentials.json");
    assert_eq!(
        error.message,
        format!(
            "there are no Google credentials: CLOUDSDK_AUTH_ACCESS_TOKEN is not set; \
             there is no {}; `gcloud config config-helper` failed: \
             ERROR: (gcloud.config.config-helper) You do not currently have an active account \
             selected.",
            missing.display()
        )
    );
    assert_eq!(
        error.hint.as_deref(),
        Some("run `gcloud auth application-default login`")
    );
    assert_eq!(doors.live.gke().await.err().unwrap(), error);
}

/// Default credentials of a person, whose tokens come from `uri`.
fn person(folder: &Path, uri: &str) -> PathBuf {
    let file = folder.join("application_default_credentials.json");
    let json = json!({ "type": "authorized_user", "client_id": "id", "client_secret": "s",
        "refresh_token": "r", "token_uri": uri, "quota_project_id": "billed" });
    std::fs::write(&file, json.to_string()).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn default_credentials_are_exchanged_for_a_token_and_bill_their_project() {
    let google = Canned::plain(|asked| {
        if asked.path == "/token" {
            Answer::json(&json!({ "access_token": "ya29.adc", "expires_in": 3600,
                "token_type": "Bearer" }))
        } else {
            Answer::json(&json!({ "name": "c" }))
        }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    person(folder.path(), &format!("{}/token", google.url()));
    let environment = Environment {
        gcloud_folder: Some(folder.path().to_owned()),
        ..Environment::default()
    };
    let doors = doors(google.url(), environment, None);
    get_cluster(&doors).await.unwrap();
    get_cluster(&doors).await.unwrap();
    let seen = google.seen();
    assert_eq!(google.lines().len(), 3, "one token for both");
    let scopes = seen[0].json()["scopes"].to_string();
    assert!(scopes.contains("cloud-platform") && scopes.contains("userinfo.email"));
    assert_eq!(seen[1].header("authorization"), "Bearer ya29.adc");
    assert_eq!(seen[1].header("x-goog-user-project"), "billed");
    assert_eq!(*doors.secrets.lock().unwrap(), ["ya29.adc"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn default_credentials_that_google_refuses_say_so() {
    let google = Canned::plain(|_| Answer {
        status: 400,
        headers: Vec::new(),
        body: r#"{"error":"invalid_grant","error_subtype":"invalid_rapt"}"#.to_owned(),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment {
        credentials_file: Some(person(folder.path(), &google.url())),
        ..Environment::default()
    };
    let error = k8s_error(&doors(google.url(), environment, None)).await;
    assert_eq!(error.kind, Kind::Credentials);
    assert!(error.message.contains("invalid_grant"), "{error}");
    assert!(
        error
            .hint
            .unwrap()
            .contains("gcloud auth application-default login")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_key_file_and_a_missing_file_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    let environment = Environment {
        credentials_file: Some(file.clone()),
        ..Environment::default()
    };
    let doors = doors("http://127.0.0.1:9".to_owned(), environment, None);
    let error = k8s_error(&doors).await;
    assert_eq!(error.message, format!("there is no {}", file.display()));
    std::fs::write(
        &file,
        r#"{"type":"service_account","private_key":"secret"}"#,
    )
    .unwrap();
    let error = k8s_error(&doors).await;
    assert!(
        error
            .hint
            .unwrap()
            .contains("gcloud auth activate-service-account")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn acting_as_another_account_uses_its_token() {
    let google = Canned::plain(|asked| {
        if asked.path.ends_with(":generateAccessToken") {
            Answer::json(&json!({ "accessToken": "ya29.other",
                "expireTime": "2999-01-01T00:00:00Z" }))
        } else {
            Answer::json(&json!({ "name": "c" }))
        }
    })
    .await;
    let environment = Environment {
        iam_credentials_endpoint: Some(format!("{}/", google.url())),
        ..with_token()
    };
    let doors = doors(
        google.url(),
        environment,
        Some("ops@p.iam.gserviceaccount.com"),
    );
    get_cluster(&doors).await.unwrap();
    get_cluster(&doors).await.unwrap();
    let seen = google.seen();
    assert_eq!(
        seen[0].line(),
        "POST /v1/projects/-/serviceAccounts/ops@p.iam.gserviceaccount.com:generateAccessToken"
    );
    assert_eq!(
        seen[0].json(),
        json!({ "lifetime": "3600s", "scope": [
            "https://www.googleapis.com/auth/cloud-platform",
            "https://www.googleapis.com/auth/userinfo.email" ] })
    );
    assert_eq!(seen[0].header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(seen[1].header("authorization"), "Bearer ya29.other");
    assert_eq!(seen.len(), 3, "its token is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn not_being_allowed_to_act_as_it_names_the_role() {
    let google = Canned::plain(|_| Answer::google(403, "PERMISSION_DENIED", "no")).await;
    let environment = Environment {
        iam_credentials_endpoint: Some(google.url()),
        ..with_token()
    };
    let error = k8s_error(&doors(google.url(), environment, Some("ops@p"))).await;
    assert_eq!(error.kind, Kind::Denied);
    assert!(
        error
            .hint
            .unwrap()
            .contains("roles/iam.serviceAccountTokenCreator")
    );
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
        body: "ok".to_owned(),
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
