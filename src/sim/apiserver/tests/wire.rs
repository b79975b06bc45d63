//! Answers as they are on the wire.

use axum::body::to_bytes;

use super::super::store::HISTORY;
use super::*;

async fn ask(cluster: &Bare, method: &str, path: &str) -> (u16, http::HeaderMap, Value) {
    ask_for(cluster, method, path, "application/json").await
}

async fn ask_for(
    cluster: &Bare,
    method: &str,
    path: &str,
    accept: &str,
) -> (u16, http::HeaderMap, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::ACCEPT, accept);
    let request = request.body(Body::empty()).unwrap();
    let response = router(cluster.clone()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(json!(text));
    (parts.status.as_u16(), parts.headers, body)
}

#[tokio::test(start_paused = true)]
async fn what_is_not_served_is_refused_as_the_real_one_does() {
    let cluster = Bare::small();
    for (method, path, code, message) in [
        (
            "GET",
            "/api/v1/wombats",
            404,
            "the server could not find the requested resource",
        ),
        (
            "GET",
            "/api/v1/namespaces/prod/nodes",
            404,
            "the server could not find the requested \
            resource",
        ),
        (
            "DELETE",
            "/api/v1/nodes",
            405,
            "the server does not allow this method on the requested \
            resource",
        ),
        (
            "POST",
            "/api/v1/pods",
            405,
            "the server does not allow this method on the requested \
            resource",
        ),
        (
            "PATCH",
            "/api/v1/nodes/n1",
            415,
            "the body of the request was in an unknown format - \
            accepted media types include: application/json-patch+json, \
            application/merge-patch+json, application/strategic-merge-patch+json",
        ),
        (
            "GET",
            "/api/v1/nodes?limit=many",
            400,
            "limit: Invalid value: \"many\": not a number",
        ),
        (
            "GET",
            "/api/v1/nodes?continue=x",
            400,
            "continue key is not valid",
        ),
    ] {
        let (got, _, body) = ask(&cluster, method, path).await;
        assert_eq!(
            (got, &body["message"]),
            (code, &json!(message)),
            "{method} {path}"
        );
        assert_eq!(body["kind"], "Status");
    }
    let (code, _, body) = ask(&cluster, "GET", "/nowhere").await;
    assert_eq!((code, body), (404, json!("404 page not found\n")));
}

#[tokio::test(start_paused = true)]
async fn a_fault_answers_first_and_says_when_to_come_back() {
    let cluster = Bare::small();
    *cluster.0.refusal.lock().unwrap() = Some(Refusal {
        code: 429,
        reason: "TooManyRequests",
        message: "too many requests, please try again later".to_owned(),
        retry_after: Some(7),
    });
    let (code, headers, body) = ask(&cluster, "GET", "/api/v1/nodes").await;
    assert_eq!(code, 429);
    assert_eq!(headers[header::RETRY_AFTER], "7");
    assert_eq!(body["reason"], "TooManyRequests");
    assert_eq!(body["details"]["retryAfterSeconds"], 7);
    assert_eq!(ask(&cluster, "GET", "/api/v1/nodes").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_too_long_ago_is_told_so_in_the_stream() {
    let cluster = Bare::small();
    for turn in 0..=HISTORY {
        cluster.cordon("n1", turn % 2 == 0);
    }
    let (code, _, body) = ask(
        &cluster,
        "GET",
        "/api/v1/nodes?watch=true&resourceVersion=3",
    )
    .await;
    assert_eq!(code, 200);
    assert_eq!(
        body,
        json!({"type": "ERROR", "object": {"kind": "Status", "apiVersion": "v1",
        "metadata": {}, "status": "Failure", "reason": "Expired", "code": 410,
        "message": "too old resource version: 3 (10)"}})
    );
}

#[tokio::test(start_paused = true)]
async fn items_of_a_list_leave_their_kind_to_the_list() {
    let (_, _, list) = ask(&Bare::small(), "GET", "/api/v1/nodes?&limit=500").await;
    assert_eq!(
        (&list["kind"], &list["apiVersion"]),
        (&json!("NodeList"), &json!("v1"))
    );
    assert_eq!(list["metadata"], json!({"resourceVersion": "8"}));
    let fields: Vec<&String> = list["items"][0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["metadata", "spec", "status"]);
    let meta = &list["items"][0]["metadata"];
    assert_eq!(meta["creationTimestamp"], "2026-01-15T13:00:00Z");
    assert_eq!(meta["uid"].as_str().unwrap().len(), 36);
}

#[tokio::test(start_paused = true)]
async fn a_store_read_back_goes_on_counting_and_forgets_only_its_history() {
    let cluster = Bare::small();
    let saved = cluster.with(|store| serde_json::to_string(store).unwrap());
    let mut back: Store = serde_json::from_str(&saved).unwrap();
    assert_eq!(back.version(), 8);
    assert_eq!(back.list("Node").count(), 2);
    assert_eq!(
        back.get("Pod", Some("prod"), "hub-1").unwrap()["spec"]["nodeName"],
        "n1"
    );
    assert!(back.since(7).is_none());
    assert_eq!(back.since(8).unwrap().count(), 0);
    back.edit("Node", None, "n1", |node| node["spec"]["x"] = json!(1));
    back.edit("Node", None, "n1", |node| node["spec"]["x"] = json!(1));
    assert_eq!(back.version(), 9);
    assert_eq!(back.since(8).unwrap().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_watched_table_describes_its_columns_once() {
    let path = "/api/v1/nodes?watch=1&timeoutSeconds=1";
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let (_, _, lines) = ask_for(&Bare::small(), "GET", path, accept).await;
    let lines = lines.as_str().unwrap().lines();
    let events: Vec<Value> = lines.map(|l| serde_json::from_str(l).unwrap()).collect();
    let names = events
        .iter()
        .map(|event| &event["object"]["rows"][0]["cells"][0]);
    assert_eq!(names.collect::<Vec<_>>(), ["n1", "n2"]);
    assert_eq!(
        events[0]["object"]["columnDefinitions"][1]["name"],
        "Status"
    );
    assert_eq!(events[1]["object"]["columnDefinitions"], Value::Null);
}
