//! What to run, or whom to ask for what.

use crate::names::Need;
use crate::world::Target;

/// A role of Google's that has a permission.
fn role(permission: &str) -> &'static str {
    match permission {
        "container.clusters.get" => "roles/container.clusterViewer",
        _ => "roles/container.clusterAdmin",
    }
}

pub(super) fn iam(target: &Target, permission: &str) -> String {
    let (project, role) = (&target.cluster.project, role(permission));
    let member = match &target.impersonate {
        Some(account) => format!("serviceAccount:{account}"),
        None => "user:YOU".to_owned(),
    };
    format!(
        "ask an owner of {project} for {role}: `gcloud projects add-iam-policy-binding {project} \
         --member={member} --role={role}`"
    )
}

pub(super) fn kubernetes(verb: &str, resource: &str, namespace: Option<&str>) -> String {
    let place = namespace.map_or_else(|| "-A".to_owned(), |namespace| format!("-n {namespace}"));
    format!(
        "ask whoever administers the cluster for a role with `{verb}` on `{resource}`; \
         `kubectl auth can-i {verb} {resource} {place}` asks the same"
    )
}

pub(super) fn hub(need: Need) -> String {
    match need {
        Need::HubAdmin => {
            "ask an admin of the hub for a token of theirs, or to make you one".to_owned()
        }
        _ => "make a token with that scope at the hub's page /hub/token".to_owned(),
    }
}

pub(super) fn github() -> String {
    "a fine-grained token may do nothing in a stranger's repository: use a classic one with the \
     scope public_repo, or `gh auth login`"
        .to_owned()
}
