//! What containers and nodes use, as metrics-server tells it.

use super::*;

async fn ask(practice: &Practice, path: &str) -> Result<Value, kube::Error> {
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    practice.k8s().await.unwrap().request(request).await
}

fn amount(quantity: &Value, unit: &str) -> u64 {
    let text = quantity.as_str().unwrap();
    text.strip_suffix(unit).unwrap().parse().unwrap()
}

/// Thousandths of a processor and MiB of each pod whose name begins so, by name.
async fn pods(practice: &Practice, prefix: &str) -> Vec<(String, u64, u64)> {
    let path = "/apis/metrics.k8s.io/v1beta1/namespaces/prod/pods";
    let list = ask(practice, path).await.unwrap();
    assert_eq!(list["kind"], "PodMetricsList");
    let items = list["items"].as_array().unwrap().iter();
    let pods = items.map(|item| {
        assert_eq!(item["window"], "15s");
        let usage = &item["containers"][0]["usage"];
        (
            text(item, "/metadata/name").to_owned(),
            amount(&usage["cpu"], "n") / 1_000_000,
            amount(&usage["memory"], "Ki") / 1024,
        )
    });
    pods.filter(|(name, _, _)| name.starts_with(prefix))
        .collect()
}

#[test]
fn those_who_work_are_busy_and_those_who_left_are_not() {
    within(&fresh("users", 1, &[]), async |practice| {
        let people = pods(practice, "jupyter-").await;
        assert_eq!(people.len(), 12);
        assert_eq!(people.iter().filter(|(_, milli, _)| *milli < 6).count(), 2);
        assert!(
            people.iter().any(|(_, milli, _)| *milli > 200),
            "{people:?}"
        );
        // Within what the containers are allowed.
        assert!(
            people
                .iter()
                .all(|(_, milli, mebi)| *milli < 1000 && (150..2048).contains(mebi))
        );
        // Looking changes nothing, and nothing jumps.
        assert_eq!(pods(practice, "jupyter-").await, people);
        pause(15).await;
        let later = pods(practice, "jupyter-").await;
        assert_ne!(later, people);
        for (then, now) in people.iter().zip(&later) {
            assert!(
                then.1.abs_diff(now.1) < 150 && then.2.abs_diff(now.2) < 10,
                "{then:?} {now:?}"
            );
        }
    });
    let at = |seed| {
        within(&fresh("users", seed, &[]), async |practice| {
            pods(practice, "").await
        })
    };
    assert_eq!(at(1), at(1));
    assert_ne!(at(1), at(2));
}

#[test]
fn the_hub_grows_with_its_people() {
    let hub = async |practice: &Practice| pods(practice, "hub-").await.remove(0);
    let alone = within(&fresh("warm", 1, &[]), hub);
    let crowd = within(&fresh("warm", 1, &[]), async |practice| {
        practice.0.sim.change(|state, now| {
            for i in 0..80 {
                state.arrive(
                    ("prod", &format!("u{i}")),
                    state::later(now, 3_600_000),
                    now,
                );
            }
        });
        hub(practice).await
    });
    assert!(
        crowd.1 > alone.1 + 150 && crowd.2 > alone.2 + 100,
        "{alone:?} {crowd:?}"
    );
}

#[test]
fn a_node_uses_what_is_on_it_and_a_little_more() {
    within(&fresh("users", 1, &[]), async |practice| {
        let list = ask(practice, "/apis/metrics.k8s.io/v1beta1/nodes")
            .await
            .unwrap();
        let nodes = list["items"].as_array().unwrap();
        assert_eq!((text(&list, "/kind"), nodes.len()), ("NodeMetricsList", 2));
        let name = text(&user_nodes(practice)[0], "/metadata/name").to_owned();
        let path = format!("/apis/metrics.k8s.io/v1beta1/nodes/{name}");
        let node = ask(practice, &path).await.unwrap();
        assert!(nodes.contains(&node));
        let people = pods(practice, "jupyter-").await.into_iter();
        let (milli, mebi) = people.fold((0, 0), |sum, pod| (sum.0 + pod.1, sum.1 + pod.2));
        let used = amount(&node["usage"]["cpu"], "n") / 1_000_000;
        assert!((milli + 100..milli + 400).contains(&used), "{milli} {used}");
        let used = amount(&node["usage"]["memory"], "Ki") / 1024;
        assert!((mebi + 900..mebi + 1600).contains(&used), "{mebi} {used}");
        let missing = ask(practice, "/apis/metrics.k8s.io/v1beta1/nodes/x")
            .await
            .unwrap_err();
        assert!(
            missing
                .to_string()
                .contains("nodes.metrics.k8s.io \"x\" not found"),
            "{missing}"
        );
        let narrow = "/apis/metrics.k8s.io/v1beta1/pods?labelSelector=component%3Dhub";
        let hubs = ask(practice, narrow).await.unwrap();
        assert_eq!(hubs["items"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn without_a_metrics_server_nobody_knows() {
    let group = "metrics.k8s.io";
    within(&fresh("users", 1, &["no-metrics@1m"]), async |practice| {
        assert!(
            ask(practice, "/apis")
                .await
                .unwrap()
                .to_string()
                .contains(group)
        );
        pause(60).await;
        assert!(
            !ask(practice, "/apis")
                .await
                .unwrap()
                .to_string()
                .contains(group)
        );
        let path = "/apis/metrics.k8s.io/v1beta1/nodes";
        let kube::Error::Api(status) = ask(practice, path).await.unwrap_err() else {
            panic!("no answer");
        };
        assert_eq!(
            (status.code, status.reason.as_str()),
            (503, "ServiceUnavailable")
        );
        let said = "the server is currently unable to handle the request";
        assert_eq!(status.message, said);
    });
}

#[test]
fn groups_are_described_at_once_to_whoever_asks_so() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        let client = practice.k8s().await.unwrap();
        for version in ["v2", "v2beta1"] {
            let accept = format!(
                "application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            );
            let asked = http::Request::get("/apis").header("accept", &accept);
            let answer = client.send(asked.body(kube::client::Body::empty()).unwrap());
            let answer = answer.await.unwrap();
            assert_eq!(answer.headers()["content-type"], accept);
            let body = http_body_util::BodyExt::collect(answer.into_body())
                .await
                .unwrap();
            let list: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
            assert_eq!(list["apiVersion"], format!("apidiscovery.k8s.io/{version}"));
            let groups = list["items"].as_array().unwrap();
            let ours = groups
                .iter()
                .find(|g| g["metadata"]["name"] == "metrics.k8s.io")
                .unwrap();
            assert_eq!(ours["versions"][0]["version"], "v1beta1");
            let resources = ours["versions"][0]["resources"].as_array().unwrap();
            assert_eq!(resources[0]["responseKind"]["kind"], "NodeMetrics");
            assert_eq!(resources[1]["scope"], "Namespaced");
        }
    });
}
