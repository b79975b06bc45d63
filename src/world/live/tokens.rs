//! Gives out access tokens, keeping each until shortly before it expires.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use google_cloud_auth::credentials::{CacheableResource, CredentialsProvider, EntityTag};
use google_cloud_auth::errors::CredentialsError;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use tokio::sync::Mutex;

use super::OnSecret;
use super::credentials::Found;
use super::impersonation::Impersonation;
use super::source::{Keep, Source, Token};
use crate::error::Result;
use crate::world::clock::Clock;
use crate::world::post;
use crate::world::secret::Secret;

/// A token this close to its end is not sent any more.
const SLACK: Duration = Duration::from_mins(2);

const QUOTA_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");

/// One source's tokens, or those of the account it acts as.
#[derive(Clone)]
pub(super) struct Tokens(Arc<Inner>);

struct Inner {
    source: Source,
    impersonation: Option<Impersonation>,
    quota_project: Option<HeaderValue>,
    clock: Clock,
    on_secret: OnSecret,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The source's token from when it was found, not used yet.
    first: Option<Token>,
    held: Option<(Token, EntityTag)>,
}

/// What tokens are made of.
pub(super) struct Parts {
    pub(super) found: Found,
    pub(super) impersonation: Option<Impersonation>,
    pub(super) clock: Clock,
    pub(super) on_secret: OnSecret,
}

impl Tokens {
    pub(super) fn new(parts: Parts) -> Self {
        let acts = parts.impersonation.is_some();
        Self(Arc::new(Inner {
            source: parts.found.source,
            impersonation: parts.impersonation,
            quota_project: parts.found.quota_project.filter(|_| !acts),
            clock: parts.clock,
            on_secret: parts.on_secret,
            state: Mutex::new(State {
                first: parts.found.first,
                held: None,
            }),
        }))
    }

    /// Whether asking again can only give the same token.
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self.0.source, Source::Fixed(_)) && self.0.impersonation.is_none()
    }

    /// Which kind of credentials these are, and until when they are good; no secret.
    pub(super) async fn described(&self) -> Result<String> {
        self.token().await?;
        let source = match &self.0.source {
            Source::Fixed(_) => "the token in CLOUDSDK_AUTH_ACCESS_TOKEN".to_owned(),
            Source::Library { whose, .. } => whose.clone(),
            Source::Gcloud(_) => "gcloud's own login".to_owned(),
        };
        let acts = match &self.0.impersonation {
            Some(as_whom) => format!(", acting as {}", as_whom.account),
            None => String::new(),
        };
        let state = self.0.state.lock().await;
        let end = match state.held.as_ref().map(|(token, _)| token.keep) {
            Some(Keep::Until(end)) => {
                let left = end.duration_since(self.0.clock.now()).as_mins();
                format!("this token for {left} minutes more, then renewed")
            }
            Some(Keep::Not) => "renewed by itself".to_owned(),
            Some(Keep::UntilRefused) | None => "until when nobody knows".to_owned(),
        };
        Ok(format!("{source}{acts}; {end}"))
    }

    /// A token that is good for the next two minutes.
    pub(super) async fn token(&self) -> Result<Secret> {
        Ok(self.tagged().await?.0)
    }

    async fn tagged(&self) -> Result<(Secret, EntityTag)> {
        let mut state = self.0.state.lock().await;
        if let Some((token, tag)) = &state.held
            && self.is_fresh(token.keep)
        {
            return Ok((token.secret.clone(), tag.clone()));
        }
        let mut token = match state.first.take() {
            Some(first) => first,
            None => self.0.source.token().await?,
        };
        if let Some(impersonation) = &self.0.impersonation {
            (self.0.on_secret)(token.secret.expose());
            token = impersonation.token(&token.secret).await?;
        }
        let tag = match &state.held {
            Some((old, tag)) if old.secret == token.secret => tag.clone(),
            Some(_) | None => {
                (self.0.on_secret)(token.secret.expose());
                EntityTag::new()
            }
        };
        let secret = token.secret.clone();
        state.held = Some((token, tag.clone()));
        Ok((secret, tag))
    }

    fn is_fresh(&self, keep: Keep) -> bool {
        match keep {
            Keep::Not => false,
            Keep::UntilRefused => true,
            Keep::Until(end) => self.0.clock.now() + SLACK < end,
        }
    }
}

/// What the GKE client asks before each request.
impl CredentialsProvider for Tokens {
    async fn headers(
        &self,
        extensions: Extensions,
    ) -> std::result::Result<CacheableResource<HeaderMap>, CredentialsError> {
        let (secret, entity_tag) = self
            .tagged()
            .await
            .map_err(|error| CredentialsError::from_source(false, error))?;
        if extensions.get::<EntityTag>() == Some(&entity_tag) {
            return Ok(CacheableResource::NotModified);
        }
        let bearer =
            post::bearer_value(&secret).map_err(|why| CredentialsError::from_msg(false, why))?;
        let mut data = HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]);
        if let Some(project) = &self.0.quota_project {
            data.insert(QUOTA_PROJECT, project.clone());
        }
        Ok(CacheableResource::New { entity_tag, data })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}
