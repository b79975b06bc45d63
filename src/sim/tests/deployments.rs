//! What stands beside people's servers: deployments, services, and hubs that are not well.

use super::*;

async fn rows(practice: &Practice, path: &str) -> Vec<String> {
    let request = http::Request::get(path);
    let request = request.header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    let client = practice.k8s().await.unwrap();
    let table: Value = client
        .request(request.body(Vec::new()).unwrap())
        .await
        .unwrap();
    let rows = table["rows"].as_array().unwrap().iter();
    let rows = rows.map(|row| {
        let cells = row["cells"].as_array().unwrap().iter();
        let cells = cells.map(|cell| cell.as_str().map_or(cell.to_string(), str::to_owned));
        cells.take(4).collect::<Vec<_>>().join(" ")
    });
    rows.collect()
}

async fn hub_pods(practice: &Practice) -> Vec<String> {
    let path = "/api/v1/namespaces/prod/pods?labelSelector=component%3Dhub";
    let mut rows = rows(practice, path).await;
    for row in &mut rows {
        let (name, rest) = row.split_once(' ').unwrap();
        assert!(name.starts_with("hub-"), "{name}");
        *row = rest.to_owned();
    }
    rows
}

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/prod/deployments";

#[test]
fn a_hub_has_its_deployments_and_services_and_one_that_was_restarted() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        assert_eq!(
            rows(practice, DEPLOYMENTS).await,
            [
                "home-metrics 1/1 1 1",
                "hub 1/1 1 1",
                "proxy 1/1 1 1",
                "shared-volume-metrics 1/1 1 1"
            ]
        );
        assert_eq!(
            rows(practice, "/api/v1/namespaces/staging/services").await,
            [
                "home-metrics ClusterIP 10.32.7.13 <none>",
                "hub ClusterIP 10.32.7.10 <none>",
                "proxy-api ClusterIP 10.32.7.11 <none>",
                "proxy-public LoadBalancer 10.32.7.12 203.0.113.17",
            ]
        );
        let system = rows(practice, "/api/v1/namespaces/kube-system/services").await;
        assert_eq!(system.len(), 2);
        let path = "/api/v1/namespaces/prod/pods?labelSelector=component%3Dhome-metrics";
        let metrics = rows(practice, path).await.remove(0);
        assert!(metrics.ends_with("1/1 Running 3 (2d ago)"), "{metrics}");
    });
}

#[test]
fn a_deployment_makes_a_lost_pod_again() {
    within(&fresh("quiet", 1, &[]), async |practice| {
        let client = practice.k8s().await.unwrap();
        let pods: kube::Api<k8s_openapi::api::core::v1::Pod> =
            kube::Api::namespaced(client, "prod");
        let hub = kube::api::ListParams::default().labels("component=hub");
        let hub = pods
            .list(&hub)
            .await
            .unwrap()
            .items
            .remove(0)
            .metadata
            .name
            .unwrap();
        pods.delete(&hub, &kube::api::DeleteParams::default())
            .await
            .unwrap();
        assert_eq!(hub_pods(practice).await, ["1/1 Terminating 0"]);
        assert_eq!(rows(practice, DEPLOYMENTS).await[1], "hub 0/1 1 0");
        pause(35).await;
        assert_eq!(hub_pods(practice).await, ["1/1 Running 0"]);
        assert_eq!(rows(practice, DEPLOYMENTS).await[1], "hub 1/1 1 1");
    });
}

#[test]
fn a_hub_s_pod_is_missing_for_good() {
    within(
        &fresh("quiet", 1, &["hub-pod-missing@1m"]),
        async |practice| {
            assert_eq!(hub_pods(practice).await.len(), 1);
            pause(60).await;
            for _ in 0..10 {
                assert_eq!(hub_pods(practice).await, [""; 0]);
                assert_eq!(rows(practice, DEPLOYMENTS).await[1], "hub 0/1 1 0");
                pause(600).await;
            }
            assert!(reasons(practice).contains("FailedCreate"));
            let other = "/api/v1/namespaces/staging/pods?labelSelector=component%3Dhub";
            assert_eq!(rows(practice, other).await.len(), 1);
        },
    );
}

#[test]
fn a_hub_that_cannot_start_is_restarted_ever_more_seldom() {
    within(&fresh("quiet", 1, &["crash-loop"]), async |practice| {
        assert_eq!(rows(practice, DEPLOYMENTS).await[1], "hub 0/1 1 0");
        let mut seen = Vec::new();
        for minutes in [1, 4, 15] {
            pause(minutes * 60).await;
            let row = hub_pods(practice).await.remove(0);
            let restarts = row.strip_prefix("0/1 CrashLoopBackOff ").unwrap();
            let restarts = restarts.split(' ').next().unwrap();
            seen.push(restarts.parse::<u32>().unwrap());
        }
        assert_eq!(seen, [2, 4, 7]);
        assert!(reasons(practice).contains("BackOff"));
    });
}
