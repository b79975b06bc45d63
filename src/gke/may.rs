//! Which of IAM's permissions our credentials have, asked of the project itself.

use http::{Request, header};
use serde::Deserialize;
use serde_json::json;

use crate::error;
use crate::world::World;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Granted {
    permissions: Vec<String>,
}

/// Those of the wanted permissions that we have on the cluster's project; or a sentence that says
/// why nobody can tell: `projects.testIamPermissions` of the Resource Manager is an API of its own,
/// which a project need not have switched on. Asking changes nothing.
///
/// # Errors
/// When there are no credentials.
pub async fn permissions(
    world: &World,
    wanted: &[&str],
) -> error::Result<Result<Vec<String>, String>> {
    let project = &world.target().cluster.project;
    let manager = world.doors().iam().await?;
    let path = format!("/v1/projects/{project}:testIamPermissions");
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    let body = json!({ "permissions": wanted }).to_string();
    let answer = match manager.send(request, body).await {
        Ok(answer) => answer,
        Err(why) => return Ok(Err(why)),
    };
    if !answer.status.is_success() {
        return Ok(Err(format!(
            "the Resource Manager API answered {}",
            answer.status.as_u16()
        )));
    }
    let granted: Granted = serde_json::from_slice(&answer.body).unwrap_or_default();
    Ok(Ok(granted.permissions))
}
