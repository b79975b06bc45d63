//! Pods that end and nodes that are emptied, as clients and a resize meet it.

use http_body_util::BodyExt as _;

use super::*;
use crate::sim::objects::Pod;

/// A pod on a node, of a controller if one is named.
fn put(practice: &Practice, name: &str, node: &str, owner: Option<&str>) {
    let pod = Pod {
        namespace: "prod",
        name,
        node,
        labels: json!({"app": "web"}),
        owner: owner.map(|owner| ("ReplicaSet", owner)),
        containers: &[("web", "web:1")],
    };
    let sim = &practice.0.sim;
    sim.change(|state, now| state.store.put(pod.running(now), now));
}

fn put_budget(practice: &Practice, name: &str, spec: &Value) {
    let mut budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"namespace": "prod", "name": name}, "spec": spec});
    budget["spec"]["selector"] = json!({"matchLabels": {"app": "web"}});
    let sim = &practice.0.sim;
    sim.change(|state, now| state.store.put(budget, now));
}

fn pod(practice: &Practice, name: &str) -> Option<Value> {
    let find = |store: &mut apiserver::Store| store.get("Pod", Some("prod"), name).cloned();
    practice.0.sim.with(find)
}

/// What is asked, and how that was answered.
async fn ask(practice: &Practice, method: &str, path: &str, body: Value) -> (u16, Value) {
    let request = http::Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let body = serde_json::to_vec(&body).unwrap();
    let answer = practice.k8s().await.unwrap();
    let answer = answer
        .send(request.body(body.into()).unwrap())
        .await
        .unwrap();
    let code = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&body).unwrap())
}

async fn evict(practice: &Practice, name: &str) -> (u16, Value) {
    let body = json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": name, "namespace": "prod"}});
    let path = format!("/api/v1/namespaces/prod/pods/{name}/eviction");
    ask(practice, "POST", &path, body).await
}

async fn budget(practice: &Practice, name: &str) -> [i64; 4] {
    let path = format!("/apis/policy/v1/namespaces/prod/poddisruptionbudgets/{name}");
    let (_, budget) = ask(practice, "GET", &path, Value::Null).await;
    [
        "expectedPods",
        "desiredHealthy",
        "currentHealthy",
        "disruptionsAllowed",
    ]
    .map(|field| budget["status"][field].as_i64().unwrap())
}

fn node(practice: &Practice) -> String {
    text(&user_nodes(practice)[0], "/metadata/name").to_owned()
}

#[test]
fn a_deleted_pod_is_marked_and_gone_when_its_grace_is_over() {
    within(&fresh("warm", 1, &[]), async |practice| {
        put(practice, "web-1", &node(practice), None);
        let path = "/api/v1/namespaces/prod/pods/web-1";
        let before = practice.clock().now();
        let (code, marked) = ask(practice, "DELETE", path, json!({})).await;
        assert_eq!(code, 200);
        assert_eq!(marked["kind"], "Pod");
        assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 30);
        let ends: Timestamp = text(&marked, "/metadata/deletionTimestamp")
            .parse()
            .unwrap();
        assert_eq!(ends.duration_since(before).as_secs(), 30);
        // Once more changes nothing, sooner does.
        pause(10).await;
        let (_, again) = ask(practice, "DELETE", path, json!({})).await;
        assert_eq!(again, marked);
        pause(19).await;
        assert!(pod(practice, "web-1").is_some());
        pause(2).await;
        assert!(pod(practice, "web-1").is_none());
        assert!(reasons(practice).contains("Killing"));
        put(practice, "web-1", &node(practice), None);
        ask(practice, "DELETE", path, json!({})).await;
        ask(practice, "DELETE", path, json!({"gracePeriodSeconds": 5})).await;
        pause(7).await;
        assert!(pod(practice, "web-1").is_none());
        // One of the same name that came meanwhile is not meant.
        put(practice, "web-1", &node(practice), None);
        pause(60).await;
        assert!(pod(practice, "web-1").is_some());
        let forced = json!({"gracePeriodSeconds": 0});
        assert_eq!(ask(practice, "DELETE", path, forced).await.0, 200);
        assert!(pod(practice, "web-1").is_none());
        assert_eq!(ask(practice, "DELETE", path, json!({})).await.0, 404);
        // One that is on no node has nobody to wait for.
        put(practice, "web-2", "", None);
        ask(
            practice,
            "DELETE",
            "/api/v1/namespaces/prod/pods/web-2",
            json!({}),
        )
        .await;
        assert!(pod(practice, "web-2").is_none());
    });
}

#[test]
fn an_eviction_is_answered_as_a_real_server_answers_it() {
    within(&fresh("warm", 1, &[]), async |practice| {
        for name in ["web-1", "web-2", "web-3"] {
            put(practice, name, &node(practice), Some("web"));
        }
        put_budget(practice, "web", &json!({"minAvailable": 2}));
        assert_eq!(budget(practice, "web").await, [3, 2, 3, 1]);
        // As recorded: 69-evict-pdb and 101-evict-pdb-429.
        let (code, done) = evict(practice, "web-1").await;
        assert_eq!(code, 201);
        let success = json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
            "status": "Success", "code": 201});
        assert_eq!(done, success);
        assert_eq!(budget(practice, "web").await[3], 0);
        let (code, refused) = evict(practice, "web-2").await;
        assert_eq!(code, 429);
        assert_eq!(
            refused,
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "Cannot evict pod as it would violate the pod's disruption budget.",
                "reason": "TooManyRequests", "details": {"causes": [{"reason": "DisruptionBudget",
                    "message": "The disruption budget web needs 2 healthy pods and has 2 currently"}]},
                "code": 429})
        );
        // One that ends already is no disruption, nor one that has not started.
        assert_eq!(evict(practice, "web-1").await.0, 201);
        practice.0.sim.change(|state, _| {
            state.store.edit("Pod", Some("prod"), "web-3", |pod| {
                pod["status"]["phase"] = json!("Pending");
            })
        });
        assert_eq!(evict(practice, "web-3").await.0, 201);
        assert_eq!(evict(practice, "nobody").await.0, 404);
        put_budget(practice, "too", &json!({"maxUnavailable": 1}));
        let (code, both) = evict(practice, "web-2").await;
        assert_eq!((code, both.get("reason")), (500, None));
        let message = text(&both, "/message");
        assert!(message.contains("more than one PodDisruptionBudget"));
        let other = json!({"deleteOptions": {"preconditions": {"uid": "another"}}});
        let path = "/api/v1/namespaces/prod/pods/web-2/eviction";
        assert_eq!(ask(practice, "POST", path, other).await.0, 409);
    });
}

#[test]
fn unhealthy_pods_are_evicted_as_their_budget_says() {
    within(&fresh("warm", 1, &[]), async |practice| {
        put(practice, "web-1", &node(practice), Some("web"));
        practice.0.sim.change(|state, _| {
            state.store.edit("Pod", Some("prod"), "web-1", |pod| {
                pod["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
            })
        });
        put_budget(practice, "web", &json!({"minAvailable": 1}));
        assert_eq!(budget(practice, "web").await, [1, 1, 0, 0]);
        assert_eq!(evict(practice, "web-1").await.0, 429);
        let always = json!({"minAvailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"});
        put_budget(practice, "web", &always);
        assert_eq!(evict(practice, "web-1").await.0, 201);
    });
}

#[test]
fn the_hubs_have_budgets_that_allow_nothing() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        assert_eq!(budget(practice, "hub").await, [1, 1, 1, 0]);
        assert_eq!(budget(practice, "proxy").await, [1, 1, 1, 0]);
    });
    within(&fresh("quiet", 1, &["crash-loop"]), async |practice| {
        assert_eq!(budget(practice, "hub").await, [1, 1, 0, 0]);
    });
}

async fn gone_after(practice: &Practice, count: i32) -> f64 {
    let began = practice.clock().now();
    let op = size(practice, count).await.unwrap();
    assert_eq!(finished(practice, &op.name).await.error, None);
    minutes(practice, began)
}

#[test]
fn a_resize_gives_everybody_their_grace_and_takes_the_machine_when_they_have_gone() {
    within(&fresh("users", 1, &[]), async |practice| {
        let op = size(practice, 0).await.unwrap();
        pause(20).await;
        let (nodes, pods) = practice.0.sim.with(|store| {
            let people = |pod: &&Value| text(pod, "/metadata/name").starts_with("jupyter-");
            let ends = |pod: &Value| pod["metadata"].get("deletionTimestamp").is_some();
            let pods: Vec<bool> = store.list("Pod").filter(people).map(ends).collect();
            (store.list("Node").count(), pods)
        });
        assert_eq!((nodes, pods), (2, vec![true; 12]));
        assert_eq!(user_nodes(practice)[0]["spec"]["unschedulable"], true);
        pause(20).await;
        assert_eq!(practice.0.sim.change(|state, _| state.people.len()), 0);
        // What comes and goes with the node is there to its end.
        assert!(!pullers(practice).is_empty() && user_nodes(practice).len() == 1);
        finished(practice, &op.name).await;
        assert!(pullers(practice).is_empty() && user_nodes(practice).is_empty());
    });
}

#[test]
fn a_resize_waits_for_a_budget_and_takes_its_time_with_it() {
    within(&fresh("warm", 1, &["pdb-blocks"]), async |practice| {
        pause(600).await;
        // 50 minutes later another pod takes over, and this one may go.
        let took = gone_after(practice, 0).await;
        assert!((51.0..53.0).contains(&took), "{took}");
        assert!(pod(practice, "nbgrader-0").is_none() && pod(practice, "nbgrader-1").is_some());
    });
}

#[test]
fn after_an_hour_a_resize_goes_on_by_force() {
    within(&fresh("warm", 1, &[]), async |practice| {
        for node in user_nodes(practice) {
            let name = text(&node, "/metadata/name");
            put(practice, &format!("web-{name}"), name, Some("web"));
        }
        put_budget(practice, "web", &json!({"minAvailable": 2}));
        let op = size(practice, 0).await.unwrap();
        pause(3_590).await;
        assert_eq!(user_nodes(practice).len(), 2);
        assert_eq!(budget(practice, "web").await, [2, 2, 2, 0]);
        let refused = size(practice, 1).await.unwrap_err();
        assert_eq!(info(&refused), ["CLUSTER_ALREADY_HAS_OPERATION"]);
        pause(45).await;
        assert_eq!(budget(practice, "web").await, [0, 2, 0, 0]);
        finished(practice, &op.name).await;
        assert_eq!(user_nodes(practice).len(), 0);
    });
}

#[test]
fn a_long_grace_holds_the_resize_up_but_no_longer_than_an_hour() {
    within(&fresh("warm", 1, &["drain-timeout"]), async |practice| {
        let took = gone_after(practice, 0).await;
        assert!((60.5..62.5).contains(&took), "{took}");
    });
    within(&fresh("warm", 1, &[]), async |practice| {
        put(practice, "web-1", &node(practice), Some("web"));
        practice.0.sim.change(|state, _| {
            state.store.edit("Pod", Some("prod"), "web-1", |pod| {
                pod["spec"]["terminationGracePeriodSeconds"] = json!(86_400);
            })
        });
        let took = gone_after(practice, 0).await;
        assert!((60.5..62.5).contains(&took), "{took}");
    });
}

#[test]
fn a_drain_that_is_saved_goes_on_where_it_was() {
    let end = |practice: &Practice| {
        within(practice, async |practice| {
            while !user_nodes(practice).is_empty() {
                pause(1).await;
            }
            (practice.clock().now(), snapshot(practice))
        })
    };
    let (saved, whole) = within(&fresh("users", 3, &[]), async |practice| {
        size(practice, 0).await.unwrap();
        pause(20).await;
        let saved = snapshot(practice);
        while !user_nodes(practice).is_empty() {
            pause(1).await;
        }
        (saved, practice.clock().now())
    });
    let restored = || Practice::restore(&saved, Duration::ZERO, Speed::Max).unwrap();
    let (first, second) = (end(&restored()), end(&restored()));
    assert_eq!(first, second);
    assert!(
        first.0.duration_since(whole).as_secs().abs() <= 1,
        "{first:?}"
    );
}

#[test]
fn somebody_arrives_on_the_node_that_is_cordoned_first() {
    for which in [0, 1] {
        within(&fresh("warm", 1, &["somebody-arrives"]), async |practice| {
            let nodes = user_nodes(practice);
            let node = text(&nodes[which], "/metadata/name");
            let path = format!("/api/v1/nodes/{node}?fieldManager=runbook");
            let request = http::Request::patch(path)
                .header("content-type", "application/merge-patch+json")
                .body(br#"{"spec":{"unschedulable":true}}"#.to_vec());
            let client = practice.k8s().await.unwrap();
            let cordoned: Value = client.request(request.unwrap()).await.unwrap();
            assert_eq!(cordoned["spec"]["unschedulable"], true);
            let there = pod(practice, "jupyter-latecomer").unwrap();
            assert_eq!(text(&there, "/spec/nodeName"), node);
            pause(15).await;
            let there = pod(practice, "jupyter-latecomer").unwrap();
            assert_eq!(text(&there, "/status/phase"), "Running");
        });
    }
}
