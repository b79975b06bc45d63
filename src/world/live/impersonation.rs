//! Another identity's token, got with one's own.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::credentials::SCOPES;
use super::source::{Keep, Token};
use crate::error::{Error, Kind, Result};
use crate::world::post;
use crate::world::secret::Secret;

const LIMIT: Duration = Duration::from_secs(30);

/// A service account to act as.
#[derive(Debug)]
pub(super) struct Impersonation {
    /// Its e-mail address.
    pub(super) account: String,
    /// The IAM Credentials API.
    pub(super) endpoint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: String,
    expire_time: Timestamp,
}

impl Impersonation {
    /// Gets a token of the account, with the token of whoever may act as it.
    pub(super) async fn token(&self, own: &Secret) -> Result<Token> {
        let url = format!(
            "{}/v1/projects/-/serviceAccounts/{}:generateAccessToken",
            self.endpoint, self.account
        );
        let body = json!({ "scope": SCOPES, "lifetime": "3600s" });
        let (status, answer) = post::json(&url, Some(own), &body, LIMIT)
            .await
            .map_err(|why| {
                Error::new(
                    Kind::Unreachable,
                    format!("cannot act as {}: {why}", self.account),
                )
                .hint("check the network connection, then run it again")
            })?;
        if !status.is_success() {
            return Err(self.refused(status, &answer));
        }
        // The parser's own words could quote the token.
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| {
            Error::new(
                Kind::Credentials,
                format!("cannot act as {}: no token in the answer", self.account),
            )
        })?;
        Ok(Token {
            secret: Secret::new(answer.access_token),
            keep: Keep::Until(answer.expire_time),
        })
    }

    fn refused(&self, status: StatusCode, answer: &[u8]) -> Error {
        let account = &self.account;
        let said = serde_json::from_slice::<Value>(answer)
            .ok()
            .and_then(|answer| Some(answer.pointer("/error/message")?.as_str()?.to_owned()))
            .unwrap_or_else(|| status.to_string());
        let message = format!("cannot act as {account}: {said}");
        match status {
            StatusCode::UNAUTHORIZED => Error::new(Kind::Credentials, message)
                .hint("log in again with `gcloud auth application-default login`"),
            StatusCode::FORBIDDEN => Error::new(Kind::Denied, message).hint(format!(
                "ask for it: `gcloud iam service-accounts add-iam-policy-binding {account} \
                 --member=user:YOU --role=roles/iam.serviceAccountTokenCreator`"
            )),
            StatusCode::NOT_FOUND => Error::new(Kind::NotFound, message)
                .hint("see `gcloud iam service-accounts list` for the right address"),
            StatusCode::TOO_MANY_REQUESTS => Error::new(Kind::RateLimited, message),
            _ => Error::new(Kind::Unreachable, message).hint("try again in a minute"),
        }
    }
}
