//! Servers that are asked for over the hub's API: what is told of them, and what remains.

use http::Request;
use http_body_util::BodyExt as _;

use super::*;

const USER: &str = "/hub/api/users/deployment-service-check";
const CONFIG: &str = "/services/configurator/config";

async fn ask(practice: &Practice, line: &str, body: &str) -> (u16, Value) {
    let hub = practice.hub().await.unwrap().unwrap();
    let (method, path) = line.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(path);
    let answer = hub.send(request, body.to_owned()).await.unwrap();
    let value = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status.as_u16(), value)
}

/// Asks for a server of the check user.
async fn started(practice: &Practice) {
    ask(practice, &format!("POST {USER}"), "").await;
    let (code, _) = ask(practice, &format!("POST {USER}/server"), "").await;
    assert_eq!(code, 202);
}

/// All that is told of its start, until the end.
async fn told(practice: &Practice) -> Vec<Value> {
    let hub = practice.hub().await.unwrap().unwrap();
    let request = Request::get(format!("{USER}/server/progress"));
    let body = hub.open(request).await.unwrap().into_body();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
    events
        .map(|event| serde_json::from_str(event).unwrap())
        .collect()
}

#[test]
fn a_start_is_told_event_by_event_as_its_pod_has_them() {
    within(&fresh("warm", 1, &[]), async |practice| {
        started(practice).await;
        let events = told(practice).await;
        assert_eq!(events[0]["message"], "Server requested");
        let scheduled = &events[1];
        assert_eq!(scheduled["raw_event"]["reason"], "Scheduled");
        let message = scheduled["message"].as_str().unwrap();
        assert!(message.starts_with("2026-01-15T13:00:00Z [Normal] Successfully assigned"));
        let last = events.last().unwrap();
        assert_eq!(
            (&last["ready"], &last["progress"]),
            (&json!(true), &json!(100))
        );
    });
}

#[test]
fn what_a_configurator_lets_through_keeps_every_server_from_starting() {
    for (scenario, body, why) in [
        (
            "warm",
            "{\"image\": \"a/b:1\"}",
            "not enough values to unpack",
        ),
        ("warm", "[1]", "HTTP 500"),
        ("warm", "null", "HTTP 500"),
        (
            "configurator-main",
            "{\"KubeSpawner.image\": \"a/b:1\"}",
            "'KubeSpawner.image'",
        ),
        (
            "configurator-main",
            "\"{}\"",
            "'str' object has no attribute 'items'",
        ),
        (
            "configurator-main",
            "null",
            "'NoneType' object has no attribute 'items'",
        ),
    ] {
        within(&fresh(scenario, 1, &[]), async |practice| {
            assert_eq!(ask(practice, &format!("POST {CONFIG}"), body).await.0, 200);
            // It is the same after it was saved.
            let state: state::State = practice.0.sim.change(|state, _| {
                serde_json::from_value(serde_json::to_value(&*state).unwrap()).unwrap()
            });
            assert!(
                state.spawned_image("prod").unwrap_err().contains(why),
                "{body}"
            );
            assert!(state.spawned_image("staging").is_ok());
            started(practice).await;
            let last = told(practice).await.pop().unwrap();
            assert_eq!(last["failed"], true);
            assert!(last["message"].as_str().unwrap().contains(why), "{last}");
        });
    }
}

#[test]
fn kernels_end_with_their_server() {
    within(&fresh("warm", 1, &[]), async |practice| {
        started(practice).await;
        told(practice).await;
        let kernels = "/user/deployment-service-check/api/kernels";
        let (code, kernel) = ask(practice, &format!("POST {kernels}"), "{}").await;
        assert_eq!(code, 201);
        let one = format!("GET {kernels}/{}", kernel["id"].as_str().unwrap());
        assert_eq!(ask(practice, &one, "").await.0, 200);
        ask(practice, &format!("DELETE {USER}/server"), "").await;
        assert_eq!(ask(practice, &one, "").await.0, 302);
        started(practice).await;
        told(practice).await;
        assert_eq!(ask(practice, &one, "").await.0, 404);
    });
}

#[test]
fn servers_fall_silent_from_the_moment_that_was_said() {
    within(
        &fresh("warm", 1, &["spawn-timeout@10m"]),
        async |practice| {
            started(practice).await;
            assert_eq!(told(practice).await.last().unwrap()["ready"], true);
            ask(practice, &format!("DELETE {USER}/server"), "").await;
            pause(601).await;
            started(practice).await;
            let last = told(practice).await.pop().unwrap();
            let message = last["message"].as_str().unwrap();
            assert!(
                message.ends_with("didn't respond in 120 seconds"),
                "{message}"
            );
        },
    );
}

#[test]
fn a_hub_that_restarts_is_without_itself_and_then_without_routes() {
    within(&fresh("warm", 1, &["hub-restarting"]), async |practice| {
        let status = async |line: &str| ask(practice, line, "{}").await.0;
        let config = format!("GET {CONFIG}");
        assert_eq!(status(&format!("POST {CONFIG}")).await, 200);
        assert_eq!(
            (status("GET /hub/api/").await, status(&config).await),
            (503, 200)
        );
        pause(60).await;
        assert_eq!(
            (status("GET /hub/api/").await, status(&config).await),
            (404, 404)
        );
        pause(15).await;
        assert_eq!(
            (status("GET /hub/api/").await, status(&config).await),
            (200, 200)
        );
    });
}
