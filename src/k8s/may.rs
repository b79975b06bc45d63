//! Whether our credentials may do something in the cluster, asked of the cluster itself.

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
