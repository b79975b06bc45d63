//! The doors: all that differs between what is live, practice and a copy.

use futures::future::BoxFuture;
use google_cloud_container_v1::client::ClusterManager;

use super::{Desk, GitHub, Http};
use crate::error;
use crate::names::Need;

/// The services' clients and the operator's machine; all that differs between live and practice.
pub trait Doors: Send + Sync {
    /// Google's client for the GKE API.
    fn gke(&self) -> BoxFuture<'_, error::Result<ClusterManager>>;
    /// A client for the cluster's Kubernetes API.
    fn k8s(&self) -> BoxFuture<'_, error::Result<kube::Client>>;
    /// The target's hub; none where no hub, or no token for it, is configured.
    fn hub(&self) -> BoxFuture<'_, error::Result<Option<Http>>>;
    /// A service on the web that has no door of its own, at this address: a registry of images.
    fn web(&self, base: &str) -> BoxFuture<'_, error::Result<Http>>;
    /// Google's Resource Manager, which knows who may what in a project.
    fn iam(&self) -> BoxFuture<'_, error::Result<Http>>;
    /// GitHub, or a team's own.
    fn github(&self) -> BoxFuture<'_, error::Result<GitHub>>;
    /// The operator's own machine.
    fn desk(&self) -> &dyn Desk;
    /// Which kind of credentials open GKE and the cluster, and until when; no secret.
    fn identity(&self) -> BoxFuture<'_, error::Result<String>> {
        Box::pin(async { Ok("practice needs none".to_owned()) })
    }
    /// What was wanted of a copy that it cannot know; whatever came of it is not to be believed.
    fn beyond(&self) -> Option<String> {
        None
    }
    /// What whoever needs this permission is told, where it is known to be missing.
    fn denied(&self, _need: Need) -> Option<error::Error> {
        None
    }
    /// Throws the credentials away and gets new ones (after a 401).
    fn renew(&self) -> BoxFuture<'_, error::Result<()>>;
}
