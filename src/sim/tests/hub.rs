//! The hub: as it is asked over HTTP, and as the program's own client understands it.

use http::StatusCode;
use tower::ServiceExt as _;

use super::*;
use crate::hub::{self, Server};
use crate::sim::hub as sim_hub;
use crate::world::{World, testing};

const PAGES: &str = "application/jupyterhub-pagination+json";

async fn get(practice: &Practice, path: &str, accept: &str) -> (u16, Value) {
    let hub = practice.hub().await.unwrap().unwrap();
    let answer = hub.get(path, accept).await.unwrap();
    let body = serde_json::from_slice(&answer.body).unwrap_or_default();
    (answer.status.as_u16(), body)
}

/// The servers, as the client tells them.
async fn servers(practice: &Practice) -> error::Result<Vec<Server>> {
    let (mut parts, _) = testing::parts(None, None);
    parts.doors = Arc::new(practice.clone());
    parts.clock = practice.clock();
    let world = World::new(parts);
    assert!(hub::configured(&world).await.unwrap());
    Ok(hub::servers(&world).await?.unwrap())
}

fn arrive(practice: &Practice, namespace: &str, user: &str) {
    practice.0.sim.change(|state, now| {
        state.arrive((namespace, user), state::later(now, 3_600_000), now);
    });
}

#[test]
fn its_list_is_of_the_people_who_have_a_pod_and_of_no_other_hub() {
    within(&fresh("users", 1, &[]), async |practice| {
        arrive(practice, "staging", "eve");
        let found = servers(practice).await.unwrap();
        let people: Vec<String> = practice.0.sim.with(|store| {
            let ours = |pod: &&Value| {
                text(pod, "/metadata/labels/component") == "singleuser-server"
                    && text(pod, "/metadata/namespace") == "prod"
            };
            let user = |pod: &Value| {
                text(pod, "/metadata/annotations/hub.jupyter.org~1username").to_owned()
            };
            store.list("Pod").filter(ours).map(user).collect()
        });
        let mut users: Vec<String> = found.iter().map(|server| server.user.clone()).collect();
        assert_eq!(users.len(), 12);
        users.sort();
        let mut people = people;
        people.sort();
        assert_eq!(users, people);
        let now = practice.clock().now();
        let idle = |server: &Server| now.duration_since(server.last_activity.unwrap());
        assert!(
            found
                .iter()
                .all(|server| server.ready && server.started < Some(now))
        );
        let working = found.iter().filter(|server| idle(server).as_secs() <= 300);
        assert_eq!(working.count(), 10);
        pause(20 * 60).await;
        let later = servers(practice).await.unwrap();
        let moved = later.iter().zip(&found).filter(|(later, before)| {
            assert_eq!(later.user, before.user);
            later.last_activity > before.last_activity
        });
        assert_eq!(moved.count(), 10);
    });
}

#[test]
fn it_gives_pages_to_whoever_asks_for_them_and_cuts_its_list_off_for_others() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        for number in 0..450 {
            arrive(practice, "prod", &format!("user-{number:03}"));
        }
        let (_, first) = get(practice, "/hub/api/users?state=active", PAGES).await;
        assert_eq!(first["items"].as_array().unwrap().len(), 50);
        let path = "/hub/api/users?state=active&limit=1000&offset=400";
        let (_, last) = get(practice, path, PAGES).await;
        let pages = &last["_pagination"];
        assert_eq!(
            (&pages["limit"], &pages["total"]),
            (&json!(200), &json!(450))
        );
        assert_eq!(
            (last["items"].as_array().unwrap().len(), &pages["next"]),
            (50, &Value::Null)
        );
        let (_, plain) = get(practice, "/hub/api/users", "application/json").await;
        assert_eq!(plain.as_array().unwrap().len(), 200);
        let found = servers(practice).await.unwrap();
        assert_eq!(found.len(), 450);
        assert!(
            found.iter().all(|server| !server.ready),
            "there are no nodes"
        );
        let (_, ready) = get(practice, "/hub/api/users?state=ready", PAGES).await;
        assert_eq!(ready["items"], json!([]));
    });
}

#[test]
fn it_says_what_it_is_who_asks_and_what_it_does_not_do() {
    within(&fresh("users", 1, &[]), async |practice| {
        let (code, version) = get(practice, "/hub/api/", "*/*").await;
        assert_eq!((code, version["version"].as_str()), (200, Some("5.4.6")));
        let (code, user) = get(practice, "/hub/api/user", "*/*").await;
        assert_eq!((code, &user["admin"]), (200, &json!(true)));
        assert!(user["scopes"].to_string().contains("list:users"));
        assert_eq!(
            get(practice, "/hub/api/users?state=odd", PAGES).await.0,
            400
        );
        assert_eq!(get(practice, "/hub/api/info", "*/*").await.0, 200);
        assert_eq!(get(practice, "/user/ada/api", "*/*").await.0, 302);
        let router = sim_hub::router(practice.0.sim.clone());
        for (token, code) in [
            ("token practice-hub-token", 200),
            ("Bearer practice-hub-token", 200),
            ("token x", 403),
            ("practice-hub-token", 403),
        ] {
            let request = http::Request::get("/hub/api/users").header("authorization", token);
            let request = request.body(axum::body::Body::empty()).unwrap();
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(
                answer.status(),
                StatusCode::from_u16(code).unwrap(),
                "{token}"
            );
        }
    });
}

#[test]
fn each_fault_is_told_from_the_others_and_hits_only_the_hub() {
    for (fault, kind, said, codes) in [
        (
            "hub-down",
            Kind::Unreachable,
            "cannot answer now (503)",
            [503, 503],
        ),
        (
            "token-expired",
            Kind::Credentials,
            "does not know the token",
            [200, 403],
        ),
        (
            "token-too-narrow",
            Kind::Denied,
            "any of [list:users]",
            [200, 200],
        ),
    ] {
        within(&fresh("users", 1, &[fault]), async |practice| {
            let error = servers(practice).await.unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.message.contains(said), "{error}");
            for (path, code) in ["/hub/api/", "/hub/api/user"].iter().zip(codes) {
                assert_eq!(get(practice, path, "*/*").await.0, code, "{fault} {path}");
            }
            // GKE and Kubernetes know nothing of it.
            assert_eq!(pool(practice).await.name, "nb-user");
            let k8s = practice.k8s().await.unwrap();
            k8s.apiserver_version().await.unwrap();
        });
    }
}
