//! The one way a request to a registry goes out: with a token for pulling, when it wants one.

use std::cell::RefCell;
use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use serde::Deserialize;

use crate::error;
use crate::names::Image;
use crate::world::World;
use crate::world::http::{Answer, Http};
use crate::world::retry::{Failure, Verdict, retry};
use crate::world::secret::Secret;

/// How long a registry is tried again.
const LIMIT: Duration = Duration::from_secs(15);
/// Every kind of manifest: a registry hides what a client does not say it understands.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";
/// Tags that are looked at for one that was meant.
const TAGS: usize = 1_000;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It is not there.
    #[error("{0}")]
    Missing(String),
    /// Nobody can tell.
    #[error("{0}")]
    Unclear(String),
    /// From the doors.
    #[error(transparent)]
    World(#[from] error::Error),
}

/// A failure that may pass.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
enum Passing {
    Lost(String),
    World(#[from] error::Error),
}

impl Failure for Passing {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Lost(_) => Verdict::Unknown,
            Self::World(error) => Verdict::of(error),
        }
    }
}

/// The registry of an image.
pub(super) struct Registry<'a> {
    world: &'a World,
    http: Http,
    /// As people write it.
    name: String,
    /// Whether another one is asked in its place.
    mirrored: bool,
    repository: String,
    token: RefCell<Option<Secret>>,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

/// What a 401 asks for.
struct Challenge<'a> {
    realm: &'a str,
    service: Option<&'a str>,
    scope: Option<&'a str>,
}

impl<'a> Challenge<'a> {
    /// `Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="..."`.
    fn parse(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix("Bearer ")?;
        let field = |name: &str| {
            let start = fields.find(&format!("{name}=\""))? + name.len() + 2;
            let rest = fields.get(start..)?;
            rest.get(..rest.find('"')?)
        };
        Some(Self {
            realm: field("realm")?,
            service: field("service"),
            scope: field("scope"),
        })
    }
}

/// Where a registry's API is.
fn base(registry: &str) -> String {
    let host = registry.split(':').next().unwrap_or(registry);
    match registry {
        "docker.io" => "https://registry-1.docker.io".to_owned(),
        _ if ["localhost", "127.0.0.1"].contains(&host) => format!("http://{registry}"),
        _ => format!("https://{registry}"),
    }
}

impl<'a> Registry<'a> {
    pub(super) async fn open(world: &'a World, image: &Image) -> error::Result<Self> {
        let mirror = world.target().registry_mirror.as_deref();
        let base = mirror.map_or_else(|| base(&image.registry), str::to_owned);
        Ok(Self {
            world,
            http: world.doors().web(&base).await?,
            name: image.registry.clone(),
            mirrored: mirror.is_some(),
            repository: image.repository.clone(),
            token: RefCell::new(None),
        })
    }

    /// A path of the repository's. A mirror is told whose it is, as containerd tells it.
    fn path(&self, what: &str) -> String {
        let path = format!("/v2/{}/{what}", self.repository);
        match (self.mirrored, what.contains('?')) {
            (false, _) => path,
            (true, false) => format!("{path}?ns={}", self.name),
            (true, true) => format!("{path}&ns={}", self.name),
        }
    }

    /// The digest behind a tag; does not count as a pull.
    pub(super) async fn head(&self, reference: &str) -> Result<Option<String>, Refusal> {
        let path = self.path(&format!("manifests/{reference}"));
        let answer = self.ask(Method::HEAD, &path, MANIFESTS).await?;
        let digest = answer.headers.get("docker-content-digest");
        Ok(digest.and_then(|digest| Some(digest.to_str().ok()?.to_owned())))
    }

    /// A manifest, as it is.
    pub(super) async fn get(&self, reference: &str) -> Result<Answer, Refusal> {
        let path = self.path(&format!("manifests/{reference}"));
        self.ask(Method::GET, &path, MANIFESTS).await
    }

    /// A blob; where it is kept elsewhere, from there, and without our token.
    pub(super) async fn blob(&self, digest: &str) -> Result<Answer, Refusal> {
        let path = self.path(&format!("blobs/{digest}"));
        let answer = self.ask(Method::GET, &path, "*/*").await?;
        if !answer.status.is_redirection() {
            return Ok(answer);
        }
        let elsewhere = || Refusal::Unclear("its description is kept elsewhere".to_owned());
        let location = answer.headers.get(header::LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        let location: http::Uri =
            (location.and_then(|text| text.parse().ok())).ok_or_else(elsewhere)?;
        let (scheme, authority) = (location.scheme_str(), location.authority());
        let (Some(scheme), Some(authority)) = (scheme, authority) else {
            return Err(elsewhere());
        };
        let other = self
            .world
            .doors()
            .web(&format!("{scheme}://{authority}"))
            .await?;
        let path = location.path_and_query().map_or("/", |path| path.as_str());
        let answer = other.get(path, "*/*").await.map_err(Refusal::Unclear)?;
        self.judge(answer)
    }

    /// The repository's tags, as many as are worth looking at.
    pub(super) async fn tags(&self) -> Result<Vec<String>, Refusal> {
        let path = self.path(&format!("tags/list?n={TAGS}"));
        let answer = self.ask(Method::GET, &path, "application/json").await?;
        let tags: Tags = serde_json::from_slice(&answer.body)
            .map_err(|why| Refusal::Unclear(why.to_string()))?;
        Ok(tags.tags.unwrap_or_default())
    }

    /// An answer that is a yes, or leads elsewhere.
    async fn ask(&self, method: Method, path: &str, accept: &str) -> Result<Answer, Refusal> {
        let mut answer = self.send(&method, path, accept).await?;
        if answer.status == StatusCode::UNAUTHORIZED && self.token.borrow().is_none() {
            let challenge = answer.headers.get(header::WWW_AUTHENTICATE);
            let challenge = challenge.and_then(|header| Challenge::parse(header.to_str().ok()?));
            if let Some(challenge) = challenge {
                let token = self.fetch(&challenge).await?;
                self.token.replace(Some(token));
                answer = self.send(&method, path, accept).await?;
            }
        }
        self.judge(answer)
    }

    async fn send(&self, method: &Method, path: &str, accept: &str) -> Result<Answer, Refusal> {
        self.tried(async || {
            let mut request = Request::builder().method(method).uri(path);
            request = request.header(header::ACCEPT, accept);
            if let Some(token) = &*self.token.borrow() {
                let mut bearer = http::HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                    .map_err(|_| "its token cannot be sent".to_owned())?;
                bearer.set_sensitive(true);
                request = request.header(header::AUTHORIZATION, bearer);
            }
            self.http.send(request, Vec::new()).await
        })
        .await
    }

    /// A token that may pull and nothing else.
    async fn fetch(&self, challenge: &Challenge<'_>) -> Result<Secret, Refusal> {
        let pull = format!("repository:{}:pull", self.repository);
        let realm: http::Uri = (challenge.realm.parse())
            .map_err(|_| self.unclear("does not say where its tokens come from"))?;
        let (Some(scheme), Some(authority)) = (realm.scheme_str(), realm.authority()) else {
            return Err(self.unclear("does not say where its tokens come from"));
        };
        let door = self
            .world
            .doors()
            .web(&format!("{scheme}://{authority}"))
            .await?;
        let scope = challenge.scope.unwrap_or(&pull);
        let service = challenge
            .service
            .map_or_else(String::new, |s| format!("service={s}&"));
        let path = format!("{}?{service}scope={scope}", realm.path());
        let answer = self
            .tried(async || door.get(&path, "application/json").await)
            .await?;
        let answer = self.judge(answer)?;
        let found: Token = serde_json::from_slice(&answer.body)
            .map_err(|why| self.unclear(&format!("gives no token: {why}")))?;
        let token = found.token.or(found.access_token);
        let token = token.ok_or_else(|| self.unclear("gives no token"))?;
        Ok(Secret::new(token))
    }

    /// Sends something until an answer comes that means something.
    async fn tried(
        &self,
        send: impl AsyncFn() -> Result<Answer, String>,
    ) -> Result<Answer, Refusal> {
        let what = format!("ask {} for an image", self.name);
        let name = &self.name;
        let answer = retry(self.world, &what, true, LIMIT, async || {
            let answer = send().await;
            let answer =
                answer.map_err(|why| Passing::Lost(format!("{name} does not answer: {why}")))?;
            if answer.status.is_server_error() {
                let code = answer.status.as_u16();
                return Err(Passing::Lost(format!("{name} cannot answer now ({code})")));
            }
            Ok(answer)
        });
        answer.await.map_err(|failure| match failure {
            Passing::Lost(why) => Refusal::Unclear(why),
            Passing::World(error) => Refusal::World(error),
        })
    }

    fn unclear(&self, why: &str) -> Refusal {
        Refusal::Unclear(format!("{} {why}", self.name))
    }

    fn judge(&self, answer: Answer) -> Result<Answer, Refusal> {
        let repository = &self.repository;
        match answer.status {
            status if status.is_success() || status.is_redirection() => Ok(answer),
            StatusCode::NOT_FOUND => {
                let name = &self.name;
                Err(Refusal::Missing(format!(
                    "{name} has no such tag of {repository}"
                )))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.unclear(&format!(
                "does not show {repository} to everybody: it is private, or there is none"
            ))),
            StatusCode::TOO_MANY_REQUESTS => {
                let limit = answer.headers.get("ratelimit-limit");
                let limit = limit.and_then(|limit| limit.to_str().ok());
                let limit = limit.map_or_else(String::new, |limit| {
                    // `100;w=21600`: so many in so many seconds.
                    let (count, window) = limit.split_once(";w=").unwrap_or((limit, ""));
                    let hours = window.parse::<u64>().map_or(0, |seconds| seconds / 3_600);
                    format!(": {count} in {hours} hours are allowed from one address")
                });
                Err(self.unclear(&format!("has been asked too often from here{limit}")))
            }
            status => Err(self.unclear(&format!("says {}", status.as_u16()))),
        }
    }
}
