//! Values that are text with a form of their own.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::names;

/// Said of anything else.
pub(super) const WEBHOOK: &str =
    "a webhook is an https:// address, { env = \"NAME\" } or { file = \"PATH\" }";

/// Said of anything else.
pub(super) const PRICE: &str = "a price is { node_hour = 0.19, currency = \"CAD\" }";

/// What a node costs: `price = { node_hour = 0.19, currency = "CAD" }`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PriceForm")]
pub struct Price(names::Price);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceForm {
    node_hour: f64,
    currency: String,
}

impl TryFrom<PriceForm> for Price {
    type Error = &'static str;

    fn try_from(form: PriceForm) -> Result<Self, Self::Error> {
        // By way of its digits: a price has a handful of them.
        let millionths = format!("{:.6}", form.node_hour).replace('.', "");
        match millionths.parse() {
            Ok(node_hour) if form.node_hour.is_finite() => Ok(Self(names::Price {
                node_hour,
                currency: form.currency,
            })),
            _ => Err(PRICE),
        }
    }
}

impl From<Price> for names::Price {
    fn from(price: Price) -> Self {
        price.0
    }
}

/// Where a webhook's address, which is a secret, comes from.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WebhookForm")]
pub enum Webhook {
    /// Here.
    Url(String),
    /// This variable of the environment.
    Env(String),
    /// This file.
    File(PathBuf),
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("Url(***)"),
            Self::Env(name) => f.debug_tuple("Env").field(name).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a webhook is an https:// address, { env = \"NAME\" } or { file = \"PATH\" }"
)]
enum WebhookForm {
    Url(String),
    Env { env: String },
    File { file: PathBuf },
}

impl TryFrom<WebhookForm> for Webhook {
    type Error = &'static str;

    fn try_from(form: WebhookForm) -> Result<Self, Self::Error> {
        match form {
            WebhookForm::Url(url) if is_address(&url) => Ok(Self::Url(url)),
            WebhookForm::Env { env } if !env.is_empty() => Ok(Self::Env(env)),
            WebhookForm::File { file } if !file.as_os_str().is_empty() => Ok(Self::File(file)),
            WebhookForm::Url(_) | WebhookForm::Env { .. } | WebhookForm::File { .. } => {
                Err(WEBHOOK)
            }
        }
    }
}

/// The address of an API, without a path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BaseUrl(String);

impl BaseUrl {
    /// As written, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.trim_end_matches('/')
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if is_address(&text) {
            return Ok(Self(text));
        }
        Err(format!(
            "`{text}` is no address; it begins with https:// or http://"
        ))
    }
}

fn is_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| !host.is_empty() && !text.contains(char::is_whitespace))
}

/// A Google service account, by its e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Account(String);

impl Account {
    /// The e-mail address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Account {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (name, domain) = text.split_once('@').unwrap_or_default();
        if !name.is_empty() && domain.ends_with(".gserviceaccount.com") {
            return Ok(Self(text));
        }
        Err(format!(
            "`{text}` is no service account; it ends with .iam.gserviceaccount.com"
        ))
    }
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TimeZone(String);

impl TimeZone {
    /// `America/Edmonton`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TimeZone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match jiff::tz::TimeZone::get(&text) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err(format!(
                "`{text}` is no time zone; write it like America/Edmonton"
            )),
        }
    }
}

/// A length of time: `12h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Length(Duration);

impl From<Length> for Duration {
    fn from(length: Length) -> Self {
        length.0
    }
}

impl TryFrom<String> for Length {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        names::duration(&text).map(Self)
    }
}
