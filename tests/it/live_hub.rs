//! The program and the hub of a configured target, on loopback: what is said, and what never is.

use std::process::Command;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::canned::{Answer, Canned};
use crate::cluster::{Cluster, command};
use crate::program::{Place, Ran, texts_in};

const CANARY: &str = "canary-0f-the-hub";
const WHO: &str = "//! Who is there.\n\
    if !hub::configured() { say(\"nobody can tell\"); return; }\n\
    for server in hub::servers() {\n\
        let idle = if server.idle_seconds == () { \"not known\" } else if server.idle_seconds > 3600 { \"long\" } else { \"short\" };\n\
        say(`${server.user}/${server.server} ${server.started} idle: ${idle}`);\n\
    }\n";

fn page() -> Value {
    json!({ "_pagination": { "offset": 0, "limit": 200, "total": 2, "next": null }, "items": [
        { "name": "ada", "servers": { "": { "ready": true, "started": "2026-01-15T12:00:00.000000Z",
            "last_activity": "2026-01-15T12:30:00.000000Z" } } },
        { "name": "bob", "servers": { "gpu": { "ready": false, "started": "2026-01-15T12:10:00Z",
            "last_activity": null } } },
    ] })
}

/// A place whose target has the hub at this address, with a token from there.
fn place(cluster: &Cluster, url: &str, token: &str) -> Place {
    let place = cluster.place(&format!("hub = {{ url = \"{url}\", token = {token} }}"));
    place.write("runbooks/who.rhai", WHO);
    place
}

fn who(place: &Place) -> Command {
    command(place, "run who --on live -vvv")
}

/// Nobody sees the token: not on a screen, not in a journal, nowhere else in the state folder.
#[track_caller]
fn hidden(place: &Place, ran: &Ran) {
    let texts = [vec![ran.raw()], texts_in(&place.state())].concat();
    assert!(texts.len() > 1);
    for text in texts {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_is_there_is_told_over_tls_and_their_names_are_on_no_record() {
    let cluster = Cluster::warm().await;
    let hub = Canned::tls(|_| Answer::json(&page())).await;
    let place = place(&cluster, &hub.url(), "{ env = \"HUB_TOKEN\" }");
    let authority = place.path().join("authority.pem");
    std::fs::write(&authority, STANDARD.decode(hub.authority()).unwrap()).unwrap();
    let mut command = who(&place);
    command
        .env("HUB_TOKEN", CANARY)
        .env("SSL_CERT_FILE", authority);
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    for told in [
        "ada/ 2026-01-15T12:00:00Z idle: long\n",
        "bob/gpu 2026-01-15T12:10:00Z idle: not known\n",
    ] {
        assert!(ran.out.contains(told), "{}", ran.whole());
    }
    assert!(
        ran.raw().contains("hub GET /hub/api/users"),
        "{}",
        ran.whole()
    );
    assert_eq!(
        hub.seen()[0].header("authorization"),
        format!("token {CANARY}")
    );
    hidden(&place, &ran);
    let journal = std::fs::read_to_string(&place.journals()[0]).unwrap();
    assert!(journal.contains("hub::servers"), "{journal}");
    assert!(!journal.contains("2026-01-15T12:30"), "{journal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hub_that_repeats_the_token_is_not_quoted() {
    let cluster = Cluster::warm().await;
    let hub = Canned::plain(|asked| {
        let message = format!("no scope for {}", asked.header("authorization"));
        Answer {
            status: 403,
            ..Answer::json(&json!({ "status": 403, "message": message }))
        }
    })
    .await;
    let place = place(&cluster, &hub.url(), "{ file = \"token\" }");
    place.write("token", &format!("{CANARY}\n"));
    let ran = Ran::from(who(&place).output().unwrap());
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    assert!(ran.err.contains("no scope for token"), "{}", ran.whole());
    assert!(ran.err.contains("read:users:activity"), "{}", ran.whole());
    assert_eq!(
        hub.seen()[0].header("authorization"),
        format!("token {CANARY}")
    );
    hidden(&place, &ran);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whoever_has_no_token_can_run_all_that_needs_no_hub() {
    let cluster = Cluster::warm().await;
    for (token, why) in [
        (
            "{ env = \"HUB_TOKEN\" }",
            "the variable HUB_TOKEN is not set",
        ),
        ("{ file = \"none\" }", "none cannot be read"),
        (
            "{ file = \"empty\" }",
            "there is nothing where it should be",
        ),
    ] {
        let place = place(&cluster, "https://hub.example", token);
        place.write("empty", " \n");
        let ran = Ran::from(who(&place).output().unwrap());
        assert_eq!(ran.exit, 0, "{}", ran.whole());
        assert!(ran.out.contains("nobody can tell"), "{}", ran.whole());
        place.write("runbooks/need.rhai", "//! Needs it.\nhub::servers();\n");
        let ran = Ran::from(command(&place, "run need --on live").output().unwrap());
        assert_eq!(ran.exit, 1, "{}", ran.whole());
        for told in [
            "no token for the hub: ",
            why,
            "https://hub.example/hub/token",
        ] {
            assert!(ran.err.contains(told), "{told}: {}", ran.whole());
        }
    }
    let place = cluster.place("");
    place.write("runbooks/need.rhai", "//! Needs it.\nhub::servers();\n");
    let ran = Ran::from(command(&place, "run need --on live").output().unwrap());
    assert_eq!(ran.exit, 2, "{}", ran.whole());
    assert!(ran.err.contains("[target.live]"), "{}", ran.whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_new_image_is_written_and_what_goes_wrong_shows_no_token() {
    let cluster = Cluster::warm().await;
    let kept = Mutex::new(json!({ "KubeSpawner.image": "i:1", "Spawner.default_url": "/lab" }));
    let hub = Canned::plain(move |asked| match asked.line().as_str() {
        "GET /hub/api/" => Answer::json(&json!({ "version": "5.4.6" })),
        "GET /hub/api/user" => {
            let scopes = ["list:users", "read:servers", "read:users:activity"];
            Answer::json(&json!({ "name": "ann", "kind": "user", "admin": true, "scopes": scopes }))
        }
        "GET /services/configurator/config" => Answer::json(&kept.lock().unwrap()),
        "POST /services/configurator/config" => {
            *kept.lock().unwrap() = asked.json();
            Answer::json(&json!(null))
        }
        "GET /services/configurator/schema" => Answer {
            status: 403,
            ..Answer::json(&json!(null))
        },
        // What a hub would never do.
        _ => Answer {
            status: 400,
            ..Answer::json(&json!({ "message": asked.header("authorization") }))
        },
    })
    .await;
    let place = place(&cluster, &hub.url(), "{ env = \"HUB_TOKEN\" }");
    place.write(
        "runbooks/set.rhai",
        "//! Sets it.\n\
         let health = hub::health();\n\
         say(`${health.version} ${health.name} ${health.lacks.len()}`);\n\
         let old = hub::image();\n\
         say(`${old.image} ${old.generation}`);\n\
         say(`${hub::set_image(\"i:2\", \"i:1\")} ${hub::set_image(\"i:2\", \"i:1\")}`);\n\
         try { hub::set_image(\"i:3\", \"i:1\"); } catch (error) { say(error.kind); }\n\
         hub::check_server(#{ image: \"i:2\" });\n",
    );
    let mut command = command(&place, "run set --on live --yes --no-lock -vvv");
    let ran = Ran::from(command.env("HUB_TOKEN", CANARY).output().unwrap());
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    for told in [
        "5.4.6 ann 4\n",
        "i:1 traitlets\n",
        "true false\n",
        "raced\n",
    ] {
        assert!(ran.out.contains(told), "{told}: {}", ran.whole());
    }
    assert!(
        ran.err.contains("refused to make a user"),
        "{}",
        ran.whole()
    );
    let posted: Vec<Value> = (hub.seen().iter())
        .filter(|asked| asked.line() == "POST /services/configurator/config")
        .map(crate::canned::Recorded::json)
        .collect();
    let wanted = json!({ "KubeSpawner.image": "i:2", "Spawner.default_url": "/lab" });
    assert_eq!(posted, [wanted]);
    hidden(&place, &ran);
}
