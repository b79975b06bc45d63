//! The same questions to the practice hub and to real ones: they must answer alike, or the practice
//! hub is not worth believing.
//!
//! `RUNBOOK_REAL_HUB` names the folder that `tests/hub/install.sh` filled; without it only the
//! practice hub is asked, and the test says so.

mod asking;
mod real;

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use runbook::error::Kind;
use runbook::event::Events;
use runbook::hub;
use runbook::names::Mode;
use runbook::sim::{Fault, Practice, Setup};
use runbook::world::{Clock, Doors as _, Http, Parts, Stop, Target, World};
use serde_json::{Value, json};

use crate::live_doors::Nobody;
use asking::{Asking, Line};
use real::{Real, installed};

const CHECKER: &str = "deployment-service-check";
const CONFIG: &str = "/services/configurator/config";
const VERSIONS: [&str; 2] = ["4.1", "newest"];
const GENERATIONS: [&str; 2] = ["traitlets", "schema"];

/// Everything that is asked of a hub over HTTP.
async fn exchanges(hub: &Http, clock: &Clock, generation: &str) -> Vec<Line> {
    let mut asking = Asking {
        hub,
        lines: Vec::new(),
    };
    let a = &mut asking;
    a.ask("GET /hub/health", "").await;
    a.ask("GET /hub/api/", "").await;
    let who = |user: &Value| format!("{} {} {}", user["name"], user["kind"], user["admin"]);
    a.told("GET /hub/api/user", "", who).await;
    a.ask("GET /hub/api/user as nobody", "").await;
    a.ask("GET /hub/api/info", "").await;

    configurator(a, generation).await;
    server(a, clock).await;
    asking.lines
}

/// The configurator: who may what, and what it keeps.
async fn configurator(a: &mut Asking<'_>, generation: &str) {
    let image = |image: &str| match generation {
        "schema" => json!({ "z2jh.image": image }).to_string(),
        _ => json!({ "KubeSpawner.image": image }).to_string(),
    };
    let config = |config: &Value| config.to_string();
    let bare = |config: &Value| match generation {
        "schema" => config["config"].to_string(),
        _ => config.to_string(),
    };
    a.told(&format!("GET {CONFIG}"), "", bare).await;
    a.told(&format!("GET {CONFIG} as nobody"), "", bare).await;
    a.ask(&format!("POST {CONFIG} as nobody"), &image("a/b:1"))
        .await;
    a.told(&format!("POST {CONFIG}"), &image("a/b:1"), config)
        .await;
    a.told(&format!("GET {CONFIG}"), "", bare).await;
    a.ask(&format!("POST {CONFIG}"), "no json").await;
    a.told(&format!("GET {CONFIG}"), "", bare).await;
    let twice = serde_json::to_string(&image("a/b:2")).unwrap();
    a.ask(&format!("POST {CONFIG}"), &twice).await;
    a.told(&format!("GET {CONFIG}"), "", bare).await;
    a.ask(&format!("POST {CONFIG}"), "[1]").await;
    a.ask(&format!("GET {CONFIG}"), "").await;
    a.ask(&format!("PUT {CONFIG}"), "{}").await;
    a.ask(&format!("POST {CONFIG}"), "{}").await;
    a.told(&format!("GET {CONFIG}"), "", bare).await;
    a.ask("GET /services/configurator", "").await;
    a.ask("GET /services/configurator/schema", "").await;
    a.ask("GET /services/configurator/ as nobody", "").await;
}

/// A user, its server, and a kernel in that.
async fn server(a: &mut Asking<'_>, clock: &Clock) {
    let user = format!("/hub/api/users/{CHECKER}");
    a.ask(&format!("GET {user}"), "").await;
    a.ask(&format!("POST {user}"), "").await;
    a.ask(&format!("POST {user}"), "").await;
    let servers = |user: &Value| user["servers"].to_string();
    a.told(&format!("GET {user}"), "", servers).await;
    a.ask(&format!("GET {user}/server/progress"), "").await;
    a.ask(&format!("DELETE {user}/server"), "").await;
    a.ask("GET /hub/api/users/somebody-else", "").await;
    a.ask("POST /hub/api/users/somebody-else", "").await;
    a.ask(&format!("GET /user/{CHECKER}/api/status"), "").await;
    a.ask(&format!("POST {user}/server"), "").await;
    a.follow().await;
    let ready = |user: &Value| user["servers"][""]["ready"].to_string();
    a.told(&format!("GET {user}"), "", ready).await;
    a.ask(&format!("POST {user}/server"), "").await;
    a.ask(&format!("GET /user/{CHECKER}/api/status"), "").await;
    a.ask(&format!("GET /user/{CHECKER}/api/status as nobody"), "")
        .await;
    let count = |page: &Value| {
        let of = |key: &str| page["_pagination"][key].to_string();
        format!("{} {} {}", of("total"), of("limit"), of("next"))
    };
    a.told("GET /hub/api/users?state=active for pages", "", count)
        .await;
    a.told(
        "GET /hub/api/users?state=ready&limit=1000 for pages",
        "",
        count,
    )
    .await;
    a.ask("GET /hub/api/users?state=odd", "").await;
    let kernel = a
        .ask(&format!("POST /user/{CHECKER}/api/kernels"), "{}")
        .await;
    let id = kernel["id"].as_str().unwrap().to_owned();
    a.run(&id, "print(6 * 7)").await;
    a.run(&id, "import no_such_module").await;
    // The id differs, what becomes of it does not.
    let path = format!("/user/{CHECKER}/api/kernels/{id}");
    let answer = a.hub.send(Request::delete(&path), "").await.unwrap();
    assert_eq!(answer.status.as_u16(), 204);
    a.ask("GET /hub/api/users?state=inactive for pages", "")
        .await;
    let stopped = a
        .hub
        .send(Request::delete(format!("{user}/server")), "")
        .await;
    // 204 when it was quick, 202 when it was not.
    assert!([202, 204].contains(&stopped.unwrap().status.as_u16()));
    a.until(clock, false).await;
    a.ask(&format!("DELETE {user}"), "").await;
    a.ask(&format!("DELETE {user}"), "").await;
    a.ask(&format!("GET {user}"), "").await;
}

/// What a token that may nothing gets.
async fn narrow(hub: &Http) -> Vec<Line> {
    let mut a = Asking {
        hub,
        lines: Vec::new(),
    };
    let user = format!("/hub/api/users/{CHECKER}");
    a.ask("GET /hub/api/user", "").await;
    a.ask("GET /hub/api/users", "").await;
    a.ask("GET /hub/api/info", "").await;
    a.ask(&format!("GET {CONFIG}"), "").await;
    a.ask(&format!("POST {CONFIG}"), "{}").await;
    a.ask("GET /services/configurator/", "").await;
    a.ask(&format!("POST {user}"), "").await;
    a.lines
}

/// What the program's own client makes of a hub; images that work, that nobody has, that crash.
async fn client(world: &World, images: [&str; 3]) {
    let [works, missing, crashes] = images;
    let health = hub::health(world).await.unwrap();
    assert_eq!(health.lacks, [""; 0], "{health:?}");
    assert_eq!((health.name.as_str(), health.admin), ("operator", true));
    assert_eq!(hub::image(world).await.unwrap().image, "");
    assert!(hub::set_image(world, works, "").await.unwrap());
    assert!(!hub::set_image(world, works, "").await.unwrap());
    assert_eq!(hub::image(world).await.unwrap().image, works);
    let raced = hub::set_image(world, missing, "a/b:1").await.unwrap_err();
    assert_eq!(raced.kind, Kind::Raced, "{raced}");
    let check = async || {
        let limit = Duration::from_mins(10);
        let seen = async || Ok(hub::servers(world).await?.unwrap().len());
        hub::check_server(world, CHECKER, limit, seen).await
    };
    let worked = check().await.unwrap();
    assert_eq!(worked.seen, 1);
    assert!(worked.answer.parse::<u64>().is_ok());
    for (image, before) in [(missing, works), (crashes, missing)] {
        assert!(hub::set_image(world, image, before).await.unwrap());
        let error = check().await.unwrap_err();
        assert_eq!(error.kind, Kind::Image, "{image}: {error}");
    }
    assert!(hub::set_image(world, "", crashes).await.unwrap());
    // Whatever happened, nothing is left.
    assert_eq!(hub::servers(world).await.unwrap().unwrap(), []);
    let users = hub::users(world).await.unwrap();
    assert!(users.iter().all(|user| user.name != CHECKER), "{users:?}");
}

fn world(target: Target, clock: Clock, doors: Arc<dyn runbook::world::Doors>) -> World {
    World::new(Parts {
        target,
        clock,
        doors,
        operator: Arc::new(Nobody),
        who: "ann@laptop".to_owned(),
        events: Events::new(|_| {}),
        notes: Arc::new(Nobody),
        stop: Stop::default(),
    })
}

fn practice(generation: &str, faults: &[&str]) -> Practice {
    let scenario = match generation {
        "schema" => "configurator-main",
        _ => "warm",
    };
    Practice::fresh(&Setup {
        scenario: scenario.to_owned(),
        faults: faults.iter().map(|f| Fault::parse(f).unwrap()).collect(),
        ..Setup::default()
    })
    .unwrap()
}

/// In a practice world's own time.
fn within<T>(practice: &Practice, work: impl AsyncFnOnce(Http, World) -> T) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        practice.start(Events::new(|_| {}));
        let hub = practice.hub().await.unwrap().unwrap();
        let target = practice.target(Mode::Rehearsal);
        let world = world(target, practice.clock(), Arc::new(practice.clone()));
        work(hub, world).await
    })
}

fn agree(practice: &[Line], real: &[Line], who: &str) {
    let pairs = practice.iter().zip(real);
    let mut wrong = Vec::new();
    for (ours, theirs) in pairs {
        assert_eq!(ours.what, theirs.what);
        let known = ours.keys.is_subset(&theirs.keys);
        if ours.status != theirs.status || ours.text != theirs.text || !known {
            wrong.push(format!(
                "{who}:\n  practice {ours:?}\n  real     {theirs:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(practice.len(), real.len());
}

#[test]
fn the_practice_hub_answers_as_real_ones_do() {
    let folder = installed();
    let may_little = within(
        &practice("traitlets", &["token-too-narrow"]),
        async |hub, _| narrow(&hub).await,
    );
    assert!(may_little.iter().any(|line| line.status == 403));
    for generation in GENERATIONS {
        let ours = within(&practice(generation, &[]), async |hub, world| {
            exchanges(&hub, world.clock(), generation).await
        });
        assert!(ours.len() > 40);
        let Some(folder) = &folder else {
            continue;
        };
        for version in VERSIONS {
            let real = Real::start(folder, version, generation);
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let who = format!("{version}, {generation}");
                let hub = real.doors(&real.token).live.hub().await.unwrap().unwrap();
                let theirs = exchanges(&hub, &Clock::Live, generation).await;
                agree(&ours, &theirs, &who);
                let hub = real.doors(&real.narrow).live.hub().await.unwrap().unwrap();
                agree(&may_little, &narrow(&hub).await, &who);
            });
        }
    }
}

#[test]
fn the_client_works_with_all_of_them() {
    let folder = installed();
    for generation in GENERATIONS {
        let practice = practice(generation, &[]);
        within(&practice, async |_, world| {
            let images = [
                "callysto/2i2c:0.1.5",
                "callysto/2i2c:no-such-tag",
                "busybox:1.37",
            ];
            client(&world, images).await;
        });
        for version in VERSIONS.iter().filter(|_| folder.is_some()) {
            let real = Real::start(folder.as_ref().unwrap(), version, generation);
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let doors = Arc::new(real.doors(&real.token).live);
                let target = practice.target(Mode::Live);
                let world = world(target, Clock::Live, doors);
                client(&world, ["a/b:works", "a/b:no-such-tag", "a/b:crash"]).await;
            });
        }
    }
}
