//! Where access tokens come from.

use std::time::Duration;

use google_cloud_auth::credentials::AccessTokenCredentials;
use google_cloud_auth::errors::CredentialsError;
use jiff::Timestamp;

use super::gcloud::Gcloud;
use crate::error::{Error, Kind, Result};
use crate::world::post;
use crate::world::secret::Secret;

/// How long a source may take to give one.
const LIMIT: Duration = Duration::from_secs(30);

/// A token and how long to use it.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) secret: Secret,
    pub(super) keep: Keep,
}

/// How long to use a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Its source keeps it itself; ask again each time.
    Not,
    /// It expires then.
    Until(Timestamp),
    /// Nobody knows when it expires.
    UntilRefused,
}

/// Where tokens come from.
#[derive(Debug)]
pub(super) enum Source {
    /// Given to us as text; there is no other.
    Fixed(Secret),
    /// Google's library; `whose` says from which credentials, for messages.
    Library {
        credentials: AccessTokenCredentials,
        whose: String,
    },
    /// `gcloud`'s own login.
    Gcloud(Gcloud),
}

impl Source {
    pub(super) async fn token(&self) -> Result<Token> {
        match self {
            Self::Fixed(secret) => Ok(Token {
                secret: secret.clone(),
                keep: Keep::UntilRefused,
            }),
            Self::Library { credentials, whose } => {
                let answer = tokio::time::timeout(LIMIT, credentials.access_token()).await;
                let token = match answer {
                    Ok(Ok(token)) => token.token,
                    Ok(Err(error)) => return Err(failed(whose, &error)),
                    Err(_) => return Err(silent(whose)),
                };
                Ok(Token {
                    secret: Secret::new(token),
                    keep: Keep::Not,
                })
            }
            Self::Gcloud(gcloud) => gcloud.token().await.map_err(|why| {
                Error::new(Kind::Credentials, why).hint("log in with `gcloud auth login`")
            }),
        }
    }
}

fn silent(whose: &str) -> Error {
    let limit = LIMIT.as_secs();
    Error::new(
        Kind::Unreachable,
        format!("no access token from {whose} within {limit} s"),
    )
    .hint("check the network connection, then run it again")
}

fn failed(whose: &str, error: &CredentialsError) -> Error {
    let said = post::chain(error);
    if error.is_transient() {
        Error::new(
            Kind::Unreachable,
            format!("no access token from {whose}: {said}"),
        )
        .hint("check the network connection, then run it again")
    } else {
        Error::new(Kind::Credentials, format!("Google refused {whose}: {said}"))
            .hint("log in again with `gcloud auth application-default login`")
    }
}
