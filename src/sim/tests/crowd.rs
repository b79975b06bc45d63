//! A cluster of any size, as clients meet it.

use std::collections::{BTreeMap, BTreeSet};

use futures::{AsyncBufReadExt as _, StreamExt as _};
use http_body_util::BodyExt as _;

use super::*;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str =
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";

async fn ask(practice: &Practice, path: &str, accept: &str) -> (Value, usize) {
    let request = http::Request::get(path).header("accept", accept);
    let request = request.body(kube::client::Body::empty()).unwrap();
    let answer = practice.k8s().await.unwrap().send(request).await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (serde_json::from_slice(&body).unwrap(), body.len())
}

/// Every page of a list: the names in it, and how many bytes they took.
async fn walk(practice: &Practice, path: &str, accept: &str) -> (Vec<String>, usize) {
    let (mut names, mut bytes, mut token) = (Vec::new(), 0, String::new());
    loop {
        let (page, size) = ask(practice, &format!("{path}&continue={token}"), accept).await;
        let items = page["items"]
            .as_array()
            .or(page["rows"].as_array())
            .unwrap();
        for item in items {
            let name = match &item["cells"][0] {
                Value::Null => &item["metadata"]["name"],
                cell => cell,
            };
            names.push(name.as_str().unwrap().to_owned());
        }
        bytes += size;
        token = text(&page["metadata"], "/continue").to_owned();
        if token.is_empty() {
            return (names, bytes);
        }
        let left = page["metadata"]["remainingItemCount"].as_u64().unwrap();
        assert!(left > 0, "{left}");
    }
}

#[test]
fn a_crowd_is_listed_in_pages_in_every_form() {
    within(&Practice::crowd(20, 700), async |practice| {
        let (all, _) = ask(practice, "/api/v1/namespaces/school-00/pods", "").await;
        assert_eq!(all["items"].as_array().unwrap().len(), 700);
        let path = "/api/v1/namespaces/school-00/pods?limit=150";
        let (whole, full) = walk(practice, path, "application/json").await;
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 700);
        assert!((11_900..12_700).contains(&(full / 700)), "{full}");
        for (query, accept, sizes) in [
            ("", METADATA, 5_800..6_700),
            ("", TABLE, 5_900..6_900),
            ("&includeObject=Metadata", TABLE, 5_900..6_900),
            ("&includeObject=None", TABLE, 90..180),
            ("&includeObject=Object", TABLE, 12_000..12_900),
        ] {
            let (names, bytes) = walk(practice, &format!("{path}{query}"), accept).await;
            assert_eq!(names, whole, "{query}");
            assert!(
                sizes.contains(&(bytes / 700)),
                "{query} {accept}: {}",
                bytes / 700
            );
        }
        // And on every node as many as on the others.
        let nodes = user_nodes(practice);
        assert_eq!(
            (nodes.len(), nodes.iter().filter(|n| warm(n)).count()),
            (20, 20)
        );
        let node = text(&nodes[7], "/metadata/name");
        let path = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}");
        let (there, _) = ask(practice, &path, "").await;
        assert_eq!(there["items"].as_array().unwrap().len(), 35);
    });
}

#[test]
fn what_happens_in_a_crowd_is_seen_by_whoever_watches_it() {
    let run = || {
        within(&Practice::crowd(3, 60), async |practice| {
            practice.churn(50);
            let client = practice.k8s().await.unwrap();
            let path = "/api/v1/pods?watch=1&resourceVersion=0&timeoutSeconds=10&\
                        labelSelector=component%3Dsingleuser-server";
            let request = http::Request::get(path).body(Vec::new()).unwrap();
            let lines = client.request_stream(request).await.unwrap().lines();
            let lines: Vec<_> = lines.map(Result::unwrap).collect().await;
            let (_, listed) = ask(practice, "/api/v1/pods", "").await;
            (lines, listed)
        })
    };
    let (lines, listed) = run();
    let mut there = BTreeSet::new();
    let mut told = BTreeMap::new();
    for line in &lines {
        let event: Value = serde_json::from_str(line).unwrap();
        let (kind, object) = (text(&event, "/type").to_owned(), &event["object"]);
        let name = text(object, "/metadata/name").to_owned();
        match kind.as_str() {
            "ADDED" => assert!(there.insert(name)),
            "DELETED" => assert!(there.remove(&name)),
            _ => assert!(there.contains(&name)),
        }
        assert_eq!(
            object["metadata"]["managedFields"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        *told.entry(kind).or_insert(0) += 1;
    }
    let count = |kind: &str| told[kind];
    assert!((495..=505).contains(&(lines.len() - 60)), "{}", lines.len());
    assert!((180..=185).contains(&count("ADDED")) && (120..=127).contains(&count("DELETED")));
    assert!(there.len().abs_diff(60) <= 1 && listed > 12_000 * 59);
    assert_eq!(run().0, lines);
}

#[test]
fn a_large_crowd_is_walked_from_end_to_end() {
    within(&Practice::crowd(1_000, 20_000), async |practice| {
        let target = practice.target(Mode::Live);
        assert_eq!(target.watch.len(), 2 + 7);
        let (nodes, _) = walk(
            practice,
            "/api/v1/nodes?limit=500&includeObject=None",
            TABLE,
        )
        .await;
        assert_eq!(nodes.len(), 1_001);
        let path = "/api/v1/pods?limit=500&includeObject=None";
        let (names, _) = walk(practice, path, TABLE).await;
        assert!(names.len() > 20_000, "{}", names.len());
        let node = "/api/v1/pods?fieldSelector=spec.nodeName%3Dnobody";
        let (nobody, _) = ask(practice, node, "").await;
        assert_eq!(nobody["items"], json!([]));
    });
}
