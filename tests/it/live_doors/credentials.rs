//! Where the live doors get their tokens, and when they get new ones.

use std::path::{Path, PathBuf};

use runbook::error::{Error, Kind};
use runbook::world::Doors as _;
use runbook::world::live::Environment;
use serde_json::json;

use super::{CLUSTER, TOKEN, describing, doors, get_cluster, k8s_error, nodes, with_token};
use crate::canned::{Answer, Canned};

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
    let k8s = Canned::tls(|asked| {
        if asked.header("authorization") == "Bearer ya29.new" {
            Answer::json(&json!({ "metadata": {}, "items": [] }))
        } else {
            Answer::kubernetes(401, "Unauthorized", "Unauthorized")
        }
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

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_login_that_ends_later_is_found_inside_both_clients_errors() {
    let folder = gcloud("unused");
    let old = json!({ "credential": { "access_token": "ya29.old",
        "token_expiry": "2020-01-01T00:00:00Z" } });
    std::fs::write(folder.path().join("answer.json"), old.to_string()).unwrap();
    let k8s = Canned::tls(|_| Answer::json(&json!({ "metadata": {}, "items": [] }))).await;
    let described = describing(&k8s);
    let gke = Canned::plain(move |_| Answer::json(&described)).await;
    let doors = doors(gke.url(), with_gcloud(folder.path()), None);
    nodes(&doors).await.unwrap();
    std::fs::write(folder.path().join("complaint"), "Reauthentication failed.").unwrap();
    let google = get_cluster(&doors).await.unwrap_err();
    let cluster = nodes(&doors).await.unwrap_err();
    for error in [Error::within(&google), Error::within(&cluster)] {
        let error = error.unwrap();
        assert_eq!(error.kind, Kind::Credentials);
        assert!(
            error.message.ends_with("Reauthentication failed."),
            "{error}"
        );
    }
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
        body: r#"{"error":"invalid_grant","error_subtype":"invalid_rapt"}"#.into(),
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
