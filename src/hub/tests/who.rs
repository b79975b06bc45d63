use serde_json::json;

use super::stub::{hub, ok, status};
use crate::error::Kind;
use crate::hub::{health, users};

const NARROW: [&str; 7] = [
    "access:services!service=configurator",
    "list:users",
    "read:servers",
    "read:users:activity",
    "admin:users!user=deployment-service-check",
    "servers!user=deployment-service-check",
    "access:servers!user=deployment-service-check",
];

async fn lacks(scopes: &[&str]) -> Vec<String> {
    let owner = json!({ "name": "ann", "kind": "user", "admin": true, "scopes": scopes });
    let (world, ..) = hub(move |line, _| match line {
        "GET /hub/api/" => ok(&json!({ "version": "5.4.6" })),
        "GET /hub/api/user" => ok(&owner),
        _ => panic!("{line}"),
    });
    let health = health(&world).await.unwrap();
    assert_eq!((health.version.as_str(), health.admin), ("5.4.6", true));
    assert_eq!(
        (health.name.as_str(), health.kind.as_str()),
        ("ann", "user")
    );
    health.lacks
}

#[tokio::test(start_paused = true)]
async fn what_a_token_lacks_is_told_by_scope() {
    assert_eq!(lacks(&NARROW).await, Vec::<String>::new());
    // As hubs tell what an admin may: with everything that is in it.
    let wide = [
        "admin:users",
        "admin:servers",
        "servers",
        "list:users",
        "read:servers",
        "read:users:activity",
        "access:services",
        "access:servers",
    ];
    assert_eq!(lacks(&wide).await, Vec::<String>::new());
    assert_eq!(lacks(&NARROW[1..4]).await.len(), 4);
    // One user's servers are not everybody's.
    let own = [
        "servers!user=deployment-service-check",
        "list:users!user=ada",
    ];
    let missing = lacks(&own).await;
    assert!(missing.contains(&"read:servers".to_owned()), "{missing:?}");
    assert!(missing.contains(&"list:users".to_owned()), "{missing:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_down_is_told_from_a_token_that_is_unknown() {
    let (world, ..) = hub(|_, _| status(503, "Service Unavailable"));
    assert_eq!(health(&world).await.unwrap_err().kind, Kind::Unreachable);
    let (world, ..) = hub(|line, _| match line {
        "GET /hub/api/" => ok(&json!({ "version": "4.0.2" })),
        _ => status(403, "Forbidden"),
    });
    assert_eq!(health(&world).await.unwrap_err().kind, Kind::Credentials);
}

#[tokio::test(start_paused = true)]
async fn everybody_is_listed_page_by_page() {
    let (world, _, asked) = hub(|line, _| {
        let (name, next) = if line.ends_with("offset=0") {
            (
                "bob",
                json!({ "offset": 1, "limit": 1, "url": "http://10.0.0.1/" }),
            )
        } else {
            ("ada", json!(null))
        };
        ok(&json!({
            "items": [{ "name": name, "admin": false, "servers": {} }],
            "_pagination": { "offset": 0, "limit": 200, "total": 2, "next": next },
        }))
    });
    let found = users(&world).await.unwrap();
    let names: Vec<&str> = found.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["ada", "bob"]);
    assert_eq!((found[0].admin, found[0].last_activity), (false, None));
    assert_eq!(asked.all()[1], "GET /hub/api/users?limit=200&offset=1");
}
