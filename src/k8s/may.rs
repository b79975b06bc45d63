//! Whether our credentials may do something in the cluster, asked of the cluster itself.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::call;
use super::error::Request;
use crate::error;
use crate::world::World;

const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Whether we may use this verb on this resource (`pods/exec`, `leases.coordination.k8s.io`), in a
/// namespace or, without one, in the whole cluster. Asking changes nothing.
///
/// # Errors
/// When the cluster cannot be asked.
pub async fn may(
    world: &World,
    verb: &'static str,
    resource: &str,
    namespace: Option<&str>,
) -> error::Result<bool> {
    let (name, sub) = resource.split_once('/').unwrap_or((resource, ""));
    let (name, group) = name.split_once('.').unwrap_or((name, ""));
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": { "verb": verb, "group": group, "resource": name,
            "subresource": sub, "namespace": namespace.unwrap_or_default() } },
    });
    let what = Request {
        verb: "create",
        resource: "selfsubjectaccessreviews.authorization.k8s.io".to_owned(),
        namespace: None,
        name: None,
    };
    let answer = call(world, &what, async |client| {
        let post = http::Request::post(PATH)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(review.to_string().into_bytes());
        client
            .request::<Value>(post.map_err(kube::Error::HttpError)?)
            .await
    });
    let allowed = answer.await?.pointer("/status/allowed") == Some(&Value::Bool(true));
    Ok(allowed)
}

const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// Who the cluster takes us for; none where it does not tell (before 1.28).
///
/// # Errors
/// When the cluster cannot be asked.
pub async fn whoami(world: &World) -> error::Result<Option<String>> {
    let what = Request {
        verb: "create",
        resource: "selfsubjectreviews.authentication.k8s.io".to_owned(),
        namespace: None,
        name: None,
    };
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let answer = call(world, &what, async |client| {
        let post = http::Request::post(WHO)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(review.to_string().into_bytes());
        client
            .request::<Value>(post.map_err(kube::Error::HttpError)?)
            .await
    });
    match answer.await {
        Ok(said) => {
            let name = said
                .pointer("/status/userInfo/username")
                .and_then(Value::as_str);
            Ok(name.map(str::to_owned))
        }
        Err(failure) if matches!(failure.code(), Some(403 | 404)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// An API server, as it tells itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its version: `v1.30.5-gke.1014001`.
    pub version: String,
    /// What time it is there, where it says so.
    pub time: Option<Timestamp>,
}

/// Asks the API server its version and the time.
///
/// # Errors
/// When it does not answer.
pub async fn server(world: &World) -> error::Result<Server> {
    let what = Request {
        verb: "get",
        resource: "version".to_owned(),
        namespace: None,
        name: None,
    };
    let server = call(world, &what, async |client| {
        let get = http::Request::get("/version").body(kube::client::Body::empty());
        let answer = client.send(get.map_err(kube::Error::HttpError)?).await?;
        let date = answer.headers().get(http::header::DATE).cloned();
        let body = answer.into_body().collect_bytes().await?;
        let said: Value = serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?;
        let version = said
            .get("gitVersion")
            .and_then(Value::as_str)
            .unwrap_or("unknown");
        let date = date.and_then(|date| date.to_str().ok().map(str::to_owned));
        Ok((version.to_owned(), date))
    });
    let (version, date) = server.await?;
    let time = date.and_then(|date| jiff::fmt::rfc2822::parse(&date).ok());
    Ok(Server {
        version,
        time: time.map(|time| time.timestamp()),
    })
}
