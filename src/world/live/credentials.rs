//! Finds the operator's Google credentials, in the order `gcloud` users expect.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use google_cloud_auth::build_errors;
use google_cloud_auth::credentials::{
    AccessTokenCredentials, external_account, impersonated, mds, user_account,
};
use http::HeaderValue;
use serde_json::Value;

use super::gcloud::Gcloud;
use super::source::{Source, Token};
use crate::error::{Error, Kind, Result};
use crate::world::secret::Secret;

/// What tokens are asked for; role bindings in the cluster go by the e-mail address.
pub(super) const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
];

const LOGIN: &str = "run `gcloud auth application-default login`";

/// How long a machine outside Google may take to find that it has no metadata server.
const METADATA_LIMIT: Duration = Duration::from_secs(5);

/// The few things `cli` read from the environment for us.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `CLOUDSDK_AUTH_ACCESS_TOKEN`.
    pub access_token: Option<Secret>,
    /// `GOOGLE_APPLICATION_CREDENTIALS`.
    pub credentials_file: Option<PathBuf>,
    /// Where gcloud keeps its files: `CLOUDSDK_CONFIG`, else `~/.config/gcloud`.
    pub gcloud_folder: Option<PathBuf>,
    /// `PATH`, to look for `gcloud` in.
    pub path: Option<OsString>,
    /// `KUBECONFIG`.
    pub kubeconfig: Option<OsString>,
    /// The person's own folder, with `.kube` in it.
    pub home: Option<PathBuf>,
    /// Whether this may be a machine at Google, whose metadata server gives tokens.
    pub metadata_server: bool,
    /// `CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS`.
    pub iam_credentials_endpoint: Option<String>,
    /// Where the Resource Manager is, when not at Google.
    pub resource_manager_endpoint: Option<String>,
}

/// A source of tokens, with its first one where finding it needed one.
pub(super) struct Found {
    pub(super) source: Source,
    pub(super) first: Option<Token>,
    pub(super) quota_project: Option<HeaderValue>,
}

impl From<Source> for Found {
    fn from(source: Source) -> Self {
        Self {
            source,
            first: None,
            quota_project: None,
        }
    }
}

/// Finds them. `refresh`: a token was just refused, so caches outside must not give it again.
pub(super) async fn find(environment: &Environment, refresh: bool) -> Result<Found> {
    if let Some(token) = &environment.access_token {
        return Ok(Source::Fixed(token.clone()).into());
    }
    let mut missing = vec!["CLOUDSDK_AUTH_ACCESS_TOKEN is not set".to_owned()];
    if let Some(file) = &environment.credentials_file {
        return from_file(file).map_err(|why| {
            Error::new(Kind::Credentials, why.text).hint(why.hint.unwrap_or_else(|| {
                format!("correct or unset GOOGLE_APPLICATION_CREDENTIALS, then {LOGIN}")
            }))
        });
    }
    if let Some(folder) = &environment.gcloud_folder {
        match from_file(&folder.join("application_default_credentials.json")) {
            Ok(found) => return Ok(found),
            Err(why) => missing.push(why.text),
        }
    }
    let path = environment.path.as_deref().unwrap_or_default();
    match Gcloud::on(path, refresh) {
        Some(gcloud) => match gcloud.token().await {
            Ok(first) => {
                return Ok(Found {
                    first: Some(first),
                    ..Source::Gcloud(gcloud).into()
                });
            }
            Err(why) => missing.push(why),
        },
        None => missing.push("`gcloud` is not on PATH".to_owned()),
    }
    if environment.metadata_server {
        match metadata().await {
            Some(source) => return Ok(source.into()),
            None => missing.push("no metadata server answered".to_owned()),
        }
    }
    Err(Error::new(
        Kind::Credentials,
        format!("there are no Google credentials: {}", missing.join("; ")),
    )
    .hint(LOGIN))
}

/// Why a file is of no use.
struct Useless {
    text: String,
    hint: Option<String>,
}

impl From<String> for Useless {
    fn from(text: String) -> Self {
        Self { text, hint: None }
    }
}

fn from_file(file: &Path) -> std::result::Result<Found, Useless> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no {shown}"),
        _ => format!("{shown} cannot be read: {error}"),
    })?;
    // The parser's own words could quote a key.
    let json: Value = serde_json::from_str(&text).map_err(|_| format!("{shown} is not JSON"))?;
    let quota_project = json
        .get("quota_project_id")
        .and_then(Value::as_str)
        .and_then(|project| HeaderValue::from_str(project).ok());
    let source = Source::Library {
        credentials: library(file, json)?,
        whose: format!("the credentials in {shown}"),
    };
    Ok(Found {
        source,
        first: None,
        quota_project,
    })
}

fn library(file: &Path, json: Value) -> std::result::Result<AccessTokenCredentials, Useless> {
    let shown = file.display();
    let kind = json
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    let built: std::result::Result<_, build_errors::Error> = match kind.as_str() {
        "authorized_user" => user_account::Builder::new(json)
            .with_scopes(SCOPES)
            .build_access_token_credentials(),
        "impersonated_service_account" => impersonated::Builder::new(json)
            .with_scopes(SCOPES)
            .build_access_token_credentials(),
        "external_account" => external_account::Builder::new(json)
            .with_scopes(SCOPES)
            .build_access_token_credentials(),
        // The library signs its own tokens with such a key, and a cluster does not know them.
        "service_account" => {
            return Err(Useless {
                text: format!("{shown} holds a service account's key, which a cluster refuses"),
                hint: Some(format!(
                    "let gcloud use the key: `gcloud auth activate-service-account \
                     --key-file={shown}`, and unset GOOGLE_APPLICATION_CREDENTIALS"
                )),
            });
        }
        _ => {
            return Err(Useless::from(format!(
                "{shown} holds credentials of type `{kind}`, which are not supported"
            )));
        }
    };
    built.map_err(|_| Useless::from(format!("{shown} is incomplete for its type `{kind}`")))
}

async fn metadata() -> Option<Source> {
    let credentials = mds::Builder::default()
        .with_scopes(SCOPES)
        .build_access_token_credentials()
        .ok()?;
    let first = tokio::time::timeout(METADATA_LIMIT, credentials.access_token()).await;
    first.ok()?.ok()?;
    Some(Source::Library {
        credentials,
        whose: "this machine's metadata server".to_owned(),
    })
}
