use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::json;

use super::{Found, Verdict, inspect};
use crate::sim::testing::practised;
use crate::world::World;
use crate::world::testing::{self, Seen};

/// What the practice registries say of an image.
fn told(image: &str, faults: &[&str]) -> Found {
    practised("quiet", faults, async |world| {
        inspect(&world, &image.parse().unwrap()).await.unwrap()
    })
}

#[test]
fn each_registry_tells_of_its_images_in_its_own_manner() {
    for (image, architectures, bytes) in [
        ("callysto/2i2c:0.1.5", vec!["amd64"], 4_263_903_232),
        ("busybox:1.37", vec!["amd64", "arm64"], 2_211_840),
        (
            "quay.io/jupyter/scipy-notebook:2025-12-15",
            vec!["amd64", "arm64"],
            1_322_516_480,
        ),
        ("ghcr.io/callysto/geo:2.0", vec!["amd64"], 2_642_411_520),
        (
            "northamerica-northeast1-docker.pkg.dev/practice/images/hub:7",
            vec!["amd64"],
            3_012_000_768,
        ),
    ] {
        let found = told(image, &[]);
        assert_eq!(found.verdict, Verdict::Exists, "{found:?}");
        assert_eq!((&*found.image, found.bytes), (image, Some(bytes)));
        assert_eq!(found.architectures.unwrap(), architectures);
        assert!(found.digest.unwrap().starts_with("sha256:"));
    }
}

#[test]
fn what_is_missing_is_told_from_what_nobody_may_see() {
    let typo = told("callysto/2i2c:0.1.55", &[]);
    assert_eq!(typo.verdict, Verdict::Missing);
    assert_eq!(typo.near[0], "0.1.5");
    for hidden in [
        "callysto/2i2d:0.1.5",
        "quay.io/nobody/nothing:1",
        "ghcr.io/nobody/nothing:1",
        "northamerica-northeast1-docker.pkg.dev/practice/images/none:1",
    ] {
        let found = told(hidden, &[]);
        assert_eq!(found.verdict, Verdict::CannotTell, "{found:?}");
        assert!(found.why.unwrap().contains("private, or there is none"));
    }
}

#[test]
fn a_registry_in_trouble_is_no_verdict() {
    for (fault, why) in [
        ("registry-unreachable", "does not answer"),
        ("registry-rate-limit", "100 in 6 hours"),
    ] {
        let found = told("callysto/2i2c:0.1.5", &[fault]);
        assert_eq!(found.verdict, Verdict::CannotTell, "{fault}");
        assert!(found.why.as_ref().unwrap().contains(why), "{found:?}");
    }
    let foreign = told("callysto/2i2c:0.1.5", &["wrong-arch"]);
    assert_eq!(foreign.architectures.unwrap(), ["arm64"]);
}

/// A registry of ours: what it answers to `METHOD host path`, with the authorization it was sent.
fn registry(
    answer: impl Fn(&str, &str) -> Response + Clone + Send + Sync + 'static,
) -> (World, Seen) {
    let router = Router::new().fallback(move |request: axum::extract::Request| {
        let bearer = request.headers().get("authorization");
        let bearer = bearer.map_or("", |value| value.to_str().unwrap());
        let line = format!("{} {}", request.method(), request.uri());
        let answer = answer(&line, bearer);
        async { answer }
    });
    let web = testing::http("https://quay.io", None, router);
    let (parts, seen) = testing::parts_with(None, None, None, Some(web));
    (World::new(parts), seen)
}

#[tokio::test(start_paused = true)]
async fn a_token_is_fetched_once_for_pulling_alone_and_shown_to_nobody() {
    let challenge = "Bearer realm=\"https://quay.io/auth\",service=\"quay.io\"";
    let (world, seen) = registry(move |line, bearer| match (line, bearer) {
        ("GET https://quay.io/auth?service=quay.io&scope=repository:a/b:pull", "") => {
            axum::Json(json!({ "access_token": "canary" })).into_response()
        }
        (_, "Bearer canary") if line.starts_with("HEAD") => StatusCode::OK.into_response(),
        (_, "Bearer canary") => StatusCode::FORBIDDEN.into_response(),
        _ => (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]).into_response(),
    });
    let found = inspect(&world, &"quay.io/a/b:1".parse().unwrap()).await;
    let found = found.unwrap();
    // That it exists is known, whatever else is not.
    assert_eq!((found.verdict, found.bytes), (Verdict::Exists, None));
    let said = format!("{found:?} {:?}", seen.events());
    assert!(!said.contains("canary"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_elsewhere_is_fetched_without_the_token() {
    let manifest = json!({ "config": { "digest": "sha256:c", "size": 1 },
        "layers": [{ "digest": "sha256:l", "size": 7 }, { "digest": "sha256:m", "size": 5 }] });
    let (world, _) = registry(move |line, bearer| {
        let path = line.split("quay.io").last().unwrap();
        match path {
            "/token?scope=repository:a/b:pull" => {
                axum::Json(json!({ "token": "canary" })).into_response()
            }
            // The storage: a token has no business there.
            "/storage?signed=1" if bearer.is_empty() => {
                axum::Json(json!({ "architecture": "arm64" })).into_response()
            }
            _ if bearer != "Bearer canary" => {
                let challenge = [("www-authenticate", "Bearer realm=\"https://quay.io/token\"")];
                (StatusCode::UNAUTHORIZED, challenge).into_response()
            }
            "/v2/a/b/blobs/sha256:c" => {
                let location = [("location", "https://quay.io/storage?signed=1")];
                (StatusCode::TEMPORARY_REDIRECT, location).into_response()
            }
            _ => axum::Json(&manifest).into_response(),
        }
    });
    let found = inspect(&world, &"quay.io/a/b:1".parse().unwrap()).await;
    let found = found.unwrap();
    assert_eq!(found.bytes, Some(12));
    assert_eq!(found.architectures.unwrap(), ["arm64"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_and_goes_is_asked_again() {
    let tries = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (world, _) =
        registry(
            move |_, _| match tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => StatusCode::BAD_GATEWAY.into_response(),
                _ => StatusCode::NOT_FOUND.into_response(),
            },
        );
    let found = inspect(&world, &"quay.io/a/b:1".parse().unwrap()).await;
    assert_eq!(found.unwrap().verdict, Verdict::Missing);
}
