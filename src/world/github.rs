//! The door to GitHub: its client over a service that is live or practice.

use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Bytes};
use octocrab::service::middleware::auth_header::AuthHeaderLayer;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tower::{BoxError, Layer as _, Service, ServiceExt as _};

use super::post;
use super::record::Record;
use super::secret::Secret;
use crate::error::{Error, Kind};

/// Where GitHub's own API is.
pub const PUBLIC: &str = "https://api.github.com";

/// The longest answer that is read.
const ANSWER_MAX: usize = 8 << 20;

/// A client, and what is known of its token.
#[derive(Clone, Debug)]
pub struct GitHub {
    /// Sends each request once.
    pub client: Octocrab,
    /// Where its API is.
    pub url: String,
    /// What kind of token opens it.
    pub token: TokenKind,
}

/// Kinds of tokens, by how they begin; each may do different things in a stranger's repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `ghp_`: what its scopes say, wherever its owner may.
    Classic,
    /// `github_pat_`: one account's repositories, and never a stranger's.
    FineGrained,
    /// `gho_`: a program's, `gh` for one, on behalf of somebody.
    OAuth,
    /// `ghs_`: an app's or an action's, for the repositories it is installed in.
    Installation,
    /// Anything else.
    Unknown,
}

impl std::fmt::Display for TokenKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Classic => "classic",
            Self::FineGrained => "fine-grained",
            Self::OAuth => "a program's",
            Self::Installation => "an app's",
            Self::Unknown => "of an unknown kind",
        })
    }
}

impl TokenKind {
    fn of(token: &Secret) -> Self {
        let begins = |prefix| token.expose().starts_with(prefix);
        match () {
            () if begins("ghp_") => Self::Classic,
            () if begins("github_pat_") => Self::FineGrained,
            () if begins("gho_") => Self::OAuth,
            () if begins("ghs_") => Self::Installation,
            () => Self::Unknown,
        }
    }
}

/// There is no token; `why` says where it was looked for.
pub(crate) fn no_token(why: &str) -> Error {
    Error::new(Kind::Credentials, format!("no token for GitHub: {why}"))
        .hint("run `gh auth login`, or set GH_TOKEN to a classic token with the scope public_repo")
}

impl GitHub {
    /// A client of the API at `url`, whose requests are told to `record`. Call it inside a runtime.
    ///
    /// # Errors
    /// When the address is none, or the token cannot be sent.
    pub(crate) fn new<S, B>(
        url: &str,
        token: &Secret,
        service: S,
        record: &Record,
    ) -> Result<Self, Error>
    where
        S: Service<Request<OctoBody>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let uri: Uri = url
            .parse()
            .map_err(|_| Error::new(Kind::Config, format!("`{url}` is no address of GitHub's")))?;
        let bearer = post::bearer_value(token).map_err(|why| Error::new(Kind::Config, why))?;
        let service = service
            .map_request(|mut request: Request<OctoBody>| {
                // Without a name GitHub answers nobody.
                let agent = HeaderValue::from_static("runbook");
                let accept = HeaderValue::from_static("application/vnd.github+json");
                request.headers_mut().insert(header::USER_AGENT, agent);
                request.headers_mut().insert(header::ACCEPT, accept);
                request
            })
            .map_err(Into::<BoxError>::into)
            // The client wants a body that threads may share; answers are small.
            .and_then(|answer: Response<B>| async {
                let (parts, body) = answer.into_parts();
                let body = Limited::new(body, ANSWER_MAX).collect().await?.to_bytes();
                Ok::<_, BoxError>(Response::from_parts(parts, Full::new(body)))
            });
        let client = OctocrabBuilder::new_empty()
            .with_service(record.layer(service))
            .with_layer(&BaseUriLayer::new(uri.clone()))
            .with_layer(&AuthHeaderLayer::new(Some(bearer), uri.clone(), uri))
            .with_auth(AuthState::None)
            .build()
            .unwrap_or_else(|never| match never {});
        Ok(Self {
            client,
            url: url.to_owned(),
            token: TokenKind::of(token),
        })
    }
}
