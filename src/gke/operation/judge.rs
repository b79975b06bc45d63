//! Whether an operation that is over failed. GKE says so in any of four places, not always in
//! the one `gcloud` looks at.

use google_cloud_container_v1::model::Operation;

use super::super::{Error, reading};
use crate::names::ClusterName;

/// What went wrong with an operation that is done, if anything did.
#[expect(
    deprecated,
    reason = "GKE still fills the deprecated fields, sometimes alone"
)]
pub(super) fn failure(operation: &Operation) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    let mut say = |text: &str| {
        let text = text.trim();
        if !text.is_empty() && !said.iter().any(|before| before.contains(text)) {
            said.push(text.to_owned());
        }
    };
    say(&operation.status_message);
    if let Some(error) = &operation.error
        && (error.code != 0 || !error.message.is_empty())
    {
        if error.message.is_empty() {
            say(&format!("error code {}", error.code));
        }
        say(&error.message);
    }
    for condition in operation
        .nodepool_conditions
        .iter()
        .chain(&operation.cluster_conditions)
    {
        match (condition.code.name(), condition.message.trim()) {
            // A standing warning about the cluster, whatever the operation did.
            (Some("CA_EXPIRING"), _) => {}
            (None | Some("UNKNOWN"), text) => say(text),
            (Some(code), "") => say(code),
            (Some(code), text) => say(&format!("[{code}] {text}")),
        }
    }
    if operation.detail.contains("were brought up, but") {
        say(&operation.detail);
    }
    (!said.is_empty()).then(|| said.join("; "))
}

/// The failure of an operation, told by its cause.
pub(super) fn error(operation: &super::Operation, cause: &str, cluster: &ClusterName) -> Error {
    reading::trouble(cause, cluster, Some(&operation.name)).unwrap_or_else(|| Error::Operation {
        name: operation.name.clone(),
        kind: operation.kind.clone(),
        cause: cause.to_owned(),
        cluster: cluster.clone(),
    })
}
