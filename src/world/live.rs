//! The real doors: Google's client for GKE, `kube` for the cluster, one set of credentials for both.
//!
//! Clients are built when first used and kept until the credentials are renewed. The libraries'
//! own retries are off ([`retry`](super::retry) is above the doors), nothing here reads the
//! environment, and a token is shown to nobody but the service it is for.

mod cluster;
mod credentials;
mod desk;
mod gcloud;
mod github;
mod hub;
mod impersonation;
mod looking;
mod refused;
mod source;
mod token;
mod tokens;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use google_cloud_auth::credentials::Credentials;
use google_cloud_container_v1::client::ClusterManager;
use google_cloud_gax::retry_policy::NeverRetry;
use tokio::sync::Mutex;
use tower::Layer as _;

use super::Doors;
use super::address::Address;
use super::clock::Clock;
use super::desk::Desk;
use super::github::GitHub;
use super::http::Http;
use super::record::Record;
use super::secret::Secret;
use crate::error::{Error, Kind, Result};
use crate::event::Events;
use crate::names::{ClusterName, K8sEndpoint};
use desk::RealDesk;
use impersonation::Impersonation;
use looking::{Reading, reading};
use tokens::Tokens;

pub use credentials::Environment;
pub use github::GitHubPlace;
pub use hub::HubPlace;
pub use token::TokenPlace;

/// How long one request to Google may take.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Called with each new token, before it is sent anywhere.
pub type OnSecret = Arc<dyn Fn(&str) + Send + Sync>;

/// What the doors need to know.
pub struct Options {
    /// The cluster.
    pub cluster: ClusterName,
    /// Where the GKE API is, when not at Google.
    pub endpoint: Option<String>,
    /// How to reach the cluster.
    pub k8s_endpoint: K8sEndpoint,
    /// A service account to act as.
    pub impersonate: Option<String>,
    /// Where the hub is, and what opens it.
    pub hub: Option<HubPlace>,
    /// Where GitHub is, and what opens it.
    pub github: GitHubPlace,
    /// What `cli` read from the environment.
    pub environment: Environment,
    /// Who hears of requests.
    pub events: Events,
    /// When.
    pub clock: Clock,
    /// Who must know of tokens, to keep them off the screen.
    pub on_secret: OnSecret,
}

/// The live world's doors.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    /// Nothing is changed through them.
    looks: bool,
    options: Options,
    desk: RealDesk,
    open: Mutex<Open>,
}

/// What has been built so far.
#[derive(Default)]
struct Open {
    /// A token was refused: caches outside this process must not give it again.
    refused: bool,
    tokens: Option<Tokens>,
    gke: Option<ClusterManager>,
    k8s: Option<kube::Client>,
    hub: Option<Http>,
    github: Option<GitHub>,
}

/// Makes `ring` this process's cryptography; does nothing when one is installed.
pub fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been quicker, which is as good.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
    }
}

impl Live {
    /// Doors to this cluster. Nothing is sent before the first use.
    pub fn new(options: Options) -> Self {
        Self::with(options, false)
    }

    /// Doors through which one can only look: what would change anything does not pass.
    pub fn looking(options: Options) -> Self {
        Self::with(options, true)
    }

    fn with(options: Options, looks: bool) -> Self {
        install_tls();
        let environment = &options.environment;
        let desk = RealDesk {
            kubeconfig: environment.kubeconfig.clone(),
            home: environment.home.clone(),
            path: environment.path.clone().unwrap_or_default(),
            record: Record::new("k8s", options.events.clone(), options.clock.clone()),
        };
        Self(Arc::new(Inner {
            looks,
            options,
            desk,
            open: Mutex::default(),
        }))
    }

    /// The tokens, with proof that there is one: a missing login is said once and plainly here,
    /// not from inside somebody else's client.
    async fn tokens(&self, open: &mut Open) -> Result<Tokens> {
        let options = &self.0.options;
        if let Some(tokens) = &open.tokens {
            return Ok(tokens.clone());
        }
        let impersonation = options.impersonate.clone().map(|account| Impersonation {
            account,
            endpoint: trimmed(
                options.environment.iam_credentials_endpoint.as_deref(),
                "https://iamcredentials.googleapis.com",
            ),
        });
        let tokens = Tokens::new(tokens::Parts {
            found: credentials::find(&options.environment, open.refused).await?,
            impersonation,
            clock: options.clock.clone(),
            on_secret: Arc::clone(&options.on_secret),
        });
        tokens.token().await?;
        open.tokens = Some(tokens.clone());
        Ok(tokens)
    }

    async fn open_gke(&self, open: &mut Open) -> Result<ClusterManager> {
        if let Some(gke) = &open.gke {
            return Ok(gke.clone());
        }
        let endpoint = self.0.options.endpoint.as_deref();
        let gke = ClusterManager::builder()
            .with_endpoint(trimmed(endpoint, "https://container.googleapis.com"))
            .with_credentials(Credentials::from(self.tokens(open).await?))
            .with_retry_policy(NeverRetry)
            .with_attempt_timeout(ATTEMPT)
            .build()
            .await
            .map_err(|error| {
                let said = super::post::chain(&error);
                Error::new(Kind::Config, format!("no client for the GKE API: {said}"))
                    .hint("check the endpoint in runbook.toml or CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER")
            })?;
        let gke = if self.0.looks { reading(gke) } else { gke };
        open.gke = Some(gke.clone());
        Ok(gke)
    }

    async fn open_k8s(&self, open: &mut Open) -> Result<kube::Client> {
        if let Some(k8s) = &open.k8s {
            return Ok(k8s.clone());
        }
        let gke = self.open_gke(open).await?;
        let tokens = self.tokens(open).await?;
        let options = &self.0.options;
        let found = cluster::find(&gke, &options.cluster, &self.record("gke")).await?;
        let address = Address::of(&found, &options.cluster, options.k8s_endpoint)?;
        let reads = Reading(self.0.looks);
        let k8s = cluster::client(
            address,
            &options.cluster,
            tokens,
            (&self.record("k8s"), reads),
        )?;
        open.k8s = Some(k8s.clone());
        Ok(k8s)
    }

    fn record(&self, door: &'static str) -> Record {
        let options = &self.0.options;
        Record::new(door, options.events.clone(), options.clock.clone())
    }
}

impl Doors for Live {
    fn gke(&self) -> BoxFuture<'_, Result<ClusterManager>> {
        Box::pin(async { self.open_gke(&mut *self.0.open.lock().await).await })
    }

    fn k8s(&self) -> BoxFuture<'_, Result<kube::Client>> {
        Box::pin(async { self.open_k8s(&mut *self.0.open.lock().await).await })
    }

    fn hub(&self) -> BoxFuture<'_, Result<Option<Http>>> {
        Box::pin(async {
            let options = &self.0.options;
            let Some(place) = &options.hub else {
                return Ok(None);
            };
            let mut open = self.0.open.lock().await;
            if open.hub.is_none() {
                let cluster = async || self.open_k8s(&mut open).await;
                let how = (self.record("hub"), Reading(self.0.looks));
                let hub = hub::open(place, cluster, how, &options.on_secret).await;
                open.hub = Some(hub?);
            }
            Ok(open.hub.clone())
        })
    }

    fn web(&self, base: &str) -> BoxFuture<'_, Result<Http>> {
        let base = base.to_owned();
        Box::pin(async move {
            let client = super::http::client().map_err(|why| Error::new(Kind::Config, why))?;
            let authorization = if is_googles(&base) {
                let mut open = self.0.open.lock().await;
                // Public things are there for everybody.
                match self.tokens(&mut open).await {
                    Ok(tokens) => tokens.token().await.ok(),
                    Err(_) => None,
                }
            } else {
                None
            };
            let bearer =
                authorization.map(|token| Secret::new(format!("Bearer {}", token.expose())));
            let service = Reading(self.0.looks).layer(client);
            Ok(Http::new(&base, bearer, service, self.record("web")))
        })
    }

    fn iam(&self) -> BoxFuture<'_, Result<Http>> {
        Box::pin(async {
            let environment = &self.0.options.environment;
            let endpoint = environment.resource_manager_endpoint.as_deref();
            let base = trimmed(endpoint, "https://cloudresourcemanager.googleapis.com");
            let client = super::http::client().map_err(|why| Error::new(Kind::Config, why))?;
            let mut open = self.0.open.lock().await;
            let token = self.tokens(&mut open).await?.token().await?;
            let bearer = Secret::new(format!("Bearer {}", token.expose()));
            let service = Reading(true).layer(client);
            Ok(Http::new(&base, Some(bearer), service, self.record("iam")))
        })
    }

    fn github(&self) -> BoxFuture<'_, Result<GitHub>> {
        Box::pin(async {
            let options = &self.0.options;
            let mut open = self.0.open.lock().await;
            if let Some(github) = &open.github {
                return Ok(github.clone());
            }
            let place = &options.github;
            let how = (self.record("github"), Reading(self.0.looks));
            let cluster = async || self.open_k8s(&mut open).await;
            let github = github::open(place, cluster, how, &options.on_secret).await?;
            open.github = Some(github.clone());
            Ok(github)
        })
    }

    fn desk(&self) -> &dyn Desk {
        &self.0.desk
    }

    fn identity(&self) -> BoxFuture<'_, Result<String>> {
        Box::pin(async {
            let mut open = self.0.open.lock().await;
            self.tokens(&mut open).await?.described().await
        })
    }

    fn renew(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let mut open = self.0.open.lock().await;
            if open.tokens.as_ref().is_some_and(Tokens::is_fixed) {
                return Err(Error::new(
                    Kind::Credentials,
                    "the token in CLOUDSDK_AUTH_ACCESS_TOKEN was refused; it may have expired",
                )
                .hint(
                    "set it anew (`gcloud auth print-access-token` prints one), or unset it and \
                     run `gcloud auth application-default login`",
                ));
            }
            *open = Open {
                refused: true,
                ..Open::default()
            };
            self.tokens(&mut open).await?;
            Ok(())
        })
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("cluster", &self.0.options.cluster)
            .finish_non_exhaustive()
    }
}

/// Whether this is Google's own registry of images, which knows Google's tokens.
fn is_googles(base: &str) -> bool {
    let host = base.strip_prefix("https://").unwrap_or_default();
    host.ends_with("-docker.pkg.dev") || host == "gcr.io" || host.ends_with(".gcr.io")
}

/// An endpoint as configured, without the slash that gcloud wants at its end.
fn trimmed(configured: Option<&str>, usual: &str) -> String {
    configured.unwrap_or(usual).trim_end_matches('/').to_owned()
}
