use std::sync::{Arc, Mutex};

use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::stub::{Asked, hub, ok, status};
use crate::error::{self, Kind};
use crate::hub::{image, set_image};
use crate::world::World;
use crate::world::testing::Seen;

const OLD: &str = "callysto/2i2c:0.1.4";
const NEW: &str = "callysto/2i2c:0.1.5";

type Kept = Arc<Mutex<Value>>;

fn schema(key: &str) -> Value {
    json!({ "properties": { key: { "traitlet": "KubeSpawner.image" } } })
}

/// A configurator of the 2i2c generation that holds this; what it is sent goes through `save`.
fn bare(
    config: Value,
    save: impl Fn(Value) -> Value + Clone + Send + Sync + 'static,
) -> (World, Seen, Asked, Kept) {
    let kept = Arc::new(Mutex::new(config));
    let held = Arc::clone(&kept);
    let (world, seen, asked) = hub(move |line, body| match line {
        "GET /services/configurator/config" => ok(&held.lock().unwrap()),
        "GET /services/configurator/schema" => ok(&schema("KubeSpawner.image")),
        "POST /services/configurator/config" => {
            *held.lock().unwrap() = save(serde_json::from_str(body).unwrap());
            StatusCode::OK.into_response()
        }
        _ => panic!("{line}"),
    });
    (world, seen, asked, kept)
}

fn configured(image: &str) -> Value {
    json!({ "KubeSpawner.image": image, "Spawner.default_url": "/lab" })
}

#[tokio::test(start_paused = true)]
async fn one_key_is_changed_and_all_the_rest_is_kept() {
    let (world, seen, asked, kept) = bare(configured(OLD), |sent| sent);
    let found = image(&world).await.unwrap();
    assert_eq!((found.image.as_str(), found.generation), (OLD, "traitlets"));
    assert!(set_image(&world, NEW, OLD).await.unwrap());
    assert_eq!(*kept.lock().unwrap(), configured(NEW));
    assert_eq!(asked.writes().len(), 1);
    let changes = world.changes();
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].before.as_str(), changes[0].after.as_str()),
        (OLD, NEW)
    );
    // It is there already.
    assert!(!set_image(&world, NEW, OLD).await.unwrap());
    assert_eq!(asked.writes().len(), 1);
    // The way back to nothing.
    assert!(set_image(&world, "", NEW).await.unwrap());
    assert_eq!(
        *kept.lock().unwrap(),
        json!({ "Spawner.default_url": "/lab" })
    );
    assert_eq!(image(&world).await.unwrap().image, "");
    assert!(!format!("{:?}", seen.events()).contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn somebody_who_was_quicker_is_not_overwritten() {
    let (world, _, asked, kept) = bare(configured("callysto/2i2c:9"), |sent| sent);
    let error = set_image(&world, NEW, OLD).await.unwrap_err();
    assert_eq!(error.kind, Kind::Raced);
    assert!(error.message.contains(OLD), "{error}");
    assert!(error.message.contains("callysto/2i2c:9"), "{error}");
    assert_eq!(asked.writes(), Vec::<String>::new());
    assert_eq!(*kept.lock().unwrap(), configured("callysto/2i2c:9"));
    assert!(world.changes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn somebody_who_saves_right_after_us_is_noticed() {
    for (after, told) in [
        (configured("callysto/2i2c:9"), "callysto/2i2c:9"),
        (json!({ "KubeSpawner.image": NEW }), "somebody else"),
    ] {
        let (world, ..) = bare(configured(OLD), move |_| after.clone());
        let error = set_image(&world, NEW, OLD).await.unwrap_err();
        assert_eq!(error.kind, Kind::Raced);
        assert!(error.message.contains(told), "{error}");
        assert_eq!(world.changes().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_other_generation_has_its_own_key_and_is_sent_the_config_alone() {
    let kept = Arc::new(Mutex::new(json!({})));
    let held = Arc::clone(&kept);
    let (world, _, asked) = hub(move |line, body| match line {
        "GET /services/configurator/config" => {
            ok(&json!({ "schema": schema("z2jh.image"), "config": *held.lock().unwrap() }))
        }
        "POST /services/configurator/config" => {
            *held.lock().unwrap() = serde_json::from_str(body).unwrap();
            StatusCode::OK.into_response()
        }
        _ => panic!("{line}"),
    });
    assert_eq!(image(&world).await.unwrap().generation, "schema");
    assert!(set_image(&world, NEW, "").await.unwrap());
    assert_eq!(*kept.lock().unwrap(), json!({ "z2jh.image": NEW }));
    // Encoded twice, no server starts; writing it anew is what mends it.
    *kept.lock().unwrap() = json!(format!("{{\"z2jh.image\":\"{OLD}\"}}"));
    let found = image(&world).await.unwrap();
    assert_eq!(found.image, OLD);
    assert!(found.broken.unwrap().contains("a text in a text"));
    assert!(set_image(&world, OLD, OLD).await.unwrap());
    assert_eq!(*kept.lock().unwrap(), json!({ "z2jh.image": OLD }));
    assert_eq!(asked.writes().len(), 2);
}

async fn failing(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> error::Error {
    let (world, ..) = hub(move |_, _| answer());
    let error = image(&world).await.unwrap_err();
    assert_eq!(set_image(&world, NEW, "").await.unwrap_err(), error);
    error
}

#[tokio::test(start_paused = true)]
async fn what_no_server_can_be_started_with_is_named() {
    let none = failing(|| status(404, "Not Found")).await;
    assert_eq!(none.kind, Kind::NotFound);
    assert!(none.message.contains("no configurator"), "{none}");
    for broken in [
        json!([1]),
        json!(null),
        json!({ "KubeSpawner.image": 5 }),
        json!({ "schema": { "properties": {} }, "config": {} }),
        json!({ "schema": schema("z2jh.image"), "config": [] }),
    ] {
        let error = failing(move || ok(&broken)).await;
        assert!(error.message.contains("is broken"), "{error}");
    }
    let traceback = || (StatusCode::INTERNAL_SERVER_ERROR, "Traceback").into_response();
    assert!(failing(traceback).await.message.contains("cannot read it"));
    let away = || Redirect::to("/hub/login").into_response();
    assert_eq!(failing(away).await.kind, Kind::Config);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_schema_does_not_have_is_never_written() {
    let (world, _, asked) = hub(|line, _| match line {
        "GET /services/configurator/config" => ok(&json!({})),
        _ => ok(&schema("Other.image")),
    });
    let error = set_image(&world, NEW, "").await.unwrap_err();
    assert!(error.message.contains("schema has no image"), "{error}");
    assert_eq!(asked.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_save_is_told_which_right_is_missing() {
    for (answer, kind) in [(403, Kind::Denied), (302, Kind::Config)] {
        let (world, ..) = hub(move |line, _| match line.split_once(' ').unwrap() {
            ("POST", _) if answer == 302 => Redirect::to("/hub/login").into_response(),
            ("GET", "/services/configurator/config") => ok(&json!({})),
            _ => status(403, "Forbidden"),
        });
        let error = set_image(&world, NEW, "").await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        let scope = "access:services!service=configurator";
        assert_eq!(error.hint.unwrap().contains(scope), answer == 403);
        assert!(world.changes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_is_looked_for_before_it_is_sent_again() {
    let kept = Arc::new(Mutex::new(configured(OLD)));
    let held = Arc::clone(&kept);
    let (world, _, asked) = hub(move |line, body| match line {
        "GET /services/configurator/config" => ok(&held.lock().unwrap()),
        "GET /services/configurator/schema" => status(404, "Not Found"),
        _ => {
            *held.lock().unwrap() = serde_json::from_str(body).unwrap();
            status(502, "Bad Gateway")
        }
    });
    assert!(set_image(&world, NEW, OLD).await.unwrap());
    assert_eq!(asked.writes().len(), 1);
    assert_eq!(world.changes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_restarts_after_the_write_is_waited_for() {
    let kept = Arc::new(Mutex::new((configured(OLD), 0)));
    let (world, _, asked) = hub(move |line, body| {
        let (config, away) = &mut *kept.lock().unwrap();
        match line {
            "GET /services/configurator/config" if *away > 0 => {
                *away -= 1;
                status(if *away > 3 { 503 } else { 404 }, "no route")
            }
            "GET /services/configurator/config" => ok(config),
            "GET /services/configurator/schema" => status(404, "Not Found"),
            _ => {
                (*config, *away) = (serde_json::from_str(body).unwrap(), 6);
                StatusCode::OK.into_response()
            }
        }
    });
    assert!(set_image(&world, NEW, OLD).await.unwrap());
    assert_eq!(asked.writes().len(), 1);
}
