//! The program and a team's own GitHub on loopback: every request, as GitHub documents it.

mod emulated;

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::canned::{Answer, Canned, Recorded};
use crate::cluster::{Cluster, command};
use crate::program::{Place, Ran};

const CANARY: &str = "github_pat_canary-0f-github";
const FILE: &str = "hub:\n  allowed_domains:\n    - a.ca\n    - z.ca # the last\n";
const REPOSITORY: &str = "/api/v3/repos/o/r";
fn no(status: u16, message: &str) -> Answer {
    Answer {
        status,
        ..Answer::json(
            &json!({ "message": message, "documentation_url": "https://docs.github.com" }),
        )
    }
}

fn made(body: &Value) -> Answer {
    Answer {
        status: 201,
        ..Answer::json(body)
    }
}

/// What GitHub has been told so far.
#[derive(Default)]
struct Told {
    branch: bool,
    pull: bool,
}

/// A repository into which we may push.
fn ours(told: &mut Told, asked: &Recorded) -> Answer {
    let line = asked.line();
    let line = line.replace(REPOSITORY, "");
    let pull = json!({ "number": 7, "title": "t", "html_url": "https://ghe.example/o/r/pull/7",
        "user": { "login": "ann" }, "head": { "label": "o:allow-domain/new.domain.ca" } });
    match line.trim() {
        "GET /api/v3/user" => Answer::json(&json!({ "login": "ann" })),
        "GET" => {
            Answer::json(&json!({ "default_branch": "main", "permissions": { "push": true } }))
        }
        "GET /git/ref/heads/main" => Answer::json(&json!({ "object": { "sha": "5ead" } })),
        "GET /contents/values/hub.yaml" => {
            let content = STANDARD.encode(FILE);
            let (first, second) = content.split_at(20);
            Answer::json(
                &json!({ "sha": "b10b", "encoding": "base64", "size": FILE.len(),
                "content": format!("{first}\n{second}\n") }),
            )
        }
        "GET /git/ref/heads/allow-domain/new.domain.ca" if told.branch => {
            Answer::json(&json!({ "object": { "sha": "c0de" } }))
        }
        "GET /git/commits/5ead" => Answer::json(&json!({ "tree": { "sha": "7ee0" } })),
        "GET /git/commits/c0de" => Answer::json(&json!({ "tree": { "sha": "7ee1" } })),
        "GET /pulls" if told.pull => Answer::json(&json!([pull])),
        "GET /pulls" | "GET /pulls/7/files" => Answer::json(&json!([])),
        "POST /git/blobs" => made(&json!({ "sha": "b10c" })),
        "POST /git/trees" => made(&json!({ "sha": "7ee1" })),
        "POST /git/commits" => made(&json!({ "sha": "c0de" })),
        "POST /git/refs" => {
            told.branch = true;
            made(&json!({ "ref": "refs/heads/x", "object": { "sha": "c0de" } }))
        }
        "POST /pulls" => {
            told.pull = true;
            made(&pull)
        }
        line if line.starts_with("GET /compare/5ead...allow-domain/new.domain.ca") => {
            Answer::json(&json!({ "files": [
                { "filename": "values/hub.yaml", "additions": 1, "deletions": 0 } ] }))
        }
        _ => no(404, "Not Found"),
    }
}

/// A place whose target has its list in this repository of the GitHub at this address.
fn place(cluster: &Cluster, url: &str, repository: &str) -> Place {
    cluster.place(&format!(
        "allow_list = {{ repository = \"{repository}\", path = \"values/hub.yaml\", keys = [\"hub.allowed_domains\"] }}\n\
         github = {{ url = \"{url}\", token = {{ env = \"TOKEN\" }}, author = \"Ann Lee <ann@example.org>\" }}"
    ))
}

/// A team's own GitHub that gives these answers, and a place that uses it.
async fn enterprise(
    cluster: &Cluster,
    answers: impl Fn(&Recorded) -> Answer + Send + Sync + 'static,
) -> (Canned, Place) {
    let github = Canned::plain(answers).await;
    let place = place(cluster, &format!("{}/api/v3", github.url()), "o/r");
    (github, place)
}

/// One where we may push, but for the answers given instead.
async fn ours_but(
    cluster: &Cluster,
    instead: impl Fn(&Recorded) -> Option<Answer> + Send + Sync + 'static,
) -> (Canned, Place) {
    let told = Mutex::new(Told::default());
    let answers = move |asked: &Recorded| {
        instead(asked).unwrap_or_else(|| ours(&mut told.lock().unwrap(), asked))
    };
    enterprise(cluster, answers).await
}

/// Adds the domain.
fn add(place: &Place, flags: &str) -> Ran {
    let line = format!("run allow_domain --on live --domain new.domain.ca --yes -vvv {flags}");
    Ran::from(command(place, &line).env("TOKEN", CANARY).output().unwrap())
}

/// Every request of a proposal.
fn sent_as_documented(github: &Canned) {
    let seen = github.seen();
    let sent = |path: &str| {
        let mut found = seen
            .iter()
            .filter(|asked| asked.line() == format!("POST {REPOSITORY}{path}"));
        let body = found.next().unwrap().json();
        assert!(found.next().is_none(), "{path} twice");
        body
    };
    let text = FILE.replace("    - z.ca", "    - new.domain.ca\n    - z.ca");
    assert_eq!(
        sent("/git/blobs"),
        json!({ "content": text, "encoding": "utf-8" })
    );
    let entry =
        json!({ "path": "values/hub.yaml", "mode": "100644", "type": "blob", "sha": "b10c" });
    assert_eq!(
        sent("/git/trees"),
        json!({ "base_tree": "7ee0", "tree": [entry] })
    );
    let commit = sent("/git/commits");
    assert_eq!(commit["parents"], json!(["5ead"]));
    assert_eq!(
        commit["author"],
        json!({ "name": "Ann Lee", "email": "ann@example.org" })
    );
    let message = commit["message"].as_str().unwrap();
    assert!(
        message.ends_with("\nSigned-off-by: Ann Lee <ann@example.org>\n"),
        "{message}"
    );
    let branch = json!({ "ref": "refs/heads/allow-domain/new.domain.ca", "sha": "c0de" });
    assert_eq!(sent("/git/refs"), branch);
    let pull = sent("/pulls");
    assert_eq!(
        (&pull["head"], &pull["base"]),
        (&json!("o:allow-domain/new.domain.ca"), &json!("main"))
    );
    let body = pull["body"].as_str().unwrap();
    for word in [
        "values/hub.yaml",
        "@new.domain.ca",
        "Asked for by Ann Lee",
        "runbook",
        "Why: ",
    ] {
        assert!(body.contains(word), "{word}: {body}");
    }
    for asked in &seen {
        assert_eq!(asked.header("authorization"), format!("Bearer {CANARY}"));
        assert_eq!(asked.header("user-agent"), "runbook");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_pull_request_is_opened_once_and_found_again() {
    let cluster = Cluster::warm().await;
    let (github, place) = ours_but(&cluster, |_| None).await;
    let ran = add(&place, "--why 'x'");
    ran.ends(0);
    ran.complains("Proposed: https://ghe.example/o/r/pull/7");
    assert!(!ran.raw().contains("canary"), "{}", ran.whole());

    sent_as_documented(&github);

    let again = add(&place, "");
    again.ends(0);
    again.complains("It was proposed already");
    opened_once(&github);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_would_change_more_than_a_line_is_never_proposed() {
    let cluster = Cluster::warm().await;
    let (github, place) = ours_but(&cluster, |asked| {
        let files = json!([{ "filename": "values/hub.yaml", "additions": 9, "deletions": 8 }]);
        let compared = asked.line().contains("/compare/");
        compared.then(|| Answer::json(&json!({ "files": files })))
    })
    .await;
    let ran = add(&place, "");
    ran.ends(5);
    ran.complains("+9 -8, and +1 -0 was meant");
    assert!(!github.lines().contains(&format!("POST {REPOSITORY}/pulls")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dry_run_shows_the_line_and_proposes_nothing() {
    let cluster = Cluster::warm().await;
    let (github, place) = ours_but(&cluster, |_| None).await;
    let ran = add(&place, "--dry-run --save plan.json");
    ran.ends(0);
    let plan = std::fs::read_to_string(place.path().join("plan.json")).unwrap();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let step = &plan["steps"][0];
    assert_eq!(
        (&step["call"], &step["back"]),
        (&json!("File.propose"), &json!("close the pull request"))
    );
    let diff = step["diff"].as_str().unwrap();
    assert!(diff.contains("\n+    - new.domain.ca\n"), "{diff}");
    ran.complains("+    - new.domain.ca");
    assert_eq!(plan["facts"]["tip of values/hub.yaml"], "5ead");
    assert!(github.seen().iter().all(|asked| asked.method == "GET"));
    // The run it was made for does just that.
    let ran = add(&place, "--plan plan.json");
    ran.ends(0);
    opened_once(&github);
}

/// One pull request was opened.
fn opened_once(github: &Canned) {
    let posts = github
        .lines()
        .into_iter()
        .filter(|line| line == &format!("POST {REPOSITORY}/pulls"));
    assert_eq!(posts.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refusal_is_told_by_the_kind_of_the_token() {
    let cluster = Cluster::warm().await;
    let (_github, place) = ours_but(&cluster, |asked| {
        let message = "Resource not accessible by personal access token";
        (asked.method == "POST").then(|| no(403, message))
    })
    .await;
    let ran = add(&place, "");
    ran.ends(1);
    for word in [
        "Resource not accessible",
        "a fine-grained token",
        "public_repo",
    ] {
        assert!(ran.err.contains(word), "{word}: {}", ran.whole());
    }
    assert!(!ran.raw().contains("canary"), "{}", ran.whole());
    let (_github, place) = enterprise(&cluster, |_| no(401, "Bad credentials")).await;
    let ran = add(&place, "");
    ran.ends(1);
    ran.complains("does not know the token");
}
