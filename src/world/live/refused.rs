//! What Google's client says when a cluster cannot be looked up, for a person.

use std::error::Error as _;

use google_cloud_gax::error::rpc::Code;

use crate::error::{Error, Kind};
use crate::names::ClusterName;
use crate::world::post;

/// The failure of a request for `cluster`.
pub(super) fn lookup(cluster: &ClusterName, error: &google_cloud_gax::error::Error) -> Error {
    if let Some(ours) = error.source().and_then(Error::within) {
        return ours;
    }
    let http = error.http_status_code();
    let message = |said: &str| format!("cannot look up cluster {cluster}: {said}");
    let Some(status) = error.status() else {
        let said = message(&post::chain(error));
        return match http {
            Some(code) => Error::new(by_http(code), said),
            None if error.is_binding() => Error::new(Kind::Config, said)
                .hint("check project, location and cluster in runbook.toml"),
            None if error.is_authentication() => Error::new(Kind::Credentials, said)
                .hint("log in again with `gcloud auth application-default login`"),
            None => Error::new(Kind::Unreachable, said)
                .hint("check the network connection, then run it again"),
        };
    };
    let project = &cluster.project;
    let said = message(&status.message);
    match status.code {
        Code::PermissionDenied => Error::new(Kind::Denied, said).hint(format!(
            "ask for it: `gcloud projects add-iam-policy-binding {project} \
             --member=user:YOU --role=roles/container.developer`"
        )),
        Code::NotFound => Error::new(Kind::NotFound, said).hint(format!(
            "see `gcloud container clusters list --project={project}` for the right name and location"
        )),
        Code::Unauthenticated => Error::new(Kind::Credentials, said)
            .hint("log in again with `gcloud auth application-default login`"),
        Code::ResourceExhausted => {
            Error::new(Kind::RateLimited, said).hint("try again in a minute")
        }
        _ => Error::new(http.map_or(Kind::Unreachable, by_http), said)
            .hint("try again in a minute"),
    }
}

fn by_http(code: u16) -> Kind {
    match code {
        401 => Kind::Credentials,
        403 => Kind::Denied,
        404 => Kind::NotFound,
        429 => Kind::RateLimited,
        400..=499 => Kind::Config,
        _ => Kind::Unreachable,
    }
}
