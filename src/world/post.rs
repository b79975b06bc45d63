//! One JSON request over HTTP or HTTPS, for the few services that have no client of their own.

use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use serde_json::Value;

use super::secret::Secret;

/// The longest answer that is read.
const ANSWER_MAX: usize = 1024 * 1024;

/// Sends `body` to `url` and reads the answer, within `limit`.
///
/// # Errors
/// A sentence that never contains the address: it may itself be a secret.
pub(crate) async fn json(
    url: &str,
    bearer: Option<&Secret>,
    body: &Value,
    limit: Duration,
) -> Result<(StatusCode, Bytes), String> {
    match tokio::time::timeout(limit, send(url, bearer, body)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
    }
}

async fn send(
    url: &str,
    bearer: Option<&Secret>,
    body: &Value,
) -> Result<(StatusCode, Bytes), String> {
    let mut request = Request::post(url).header(header::CONTENT_TYPE, "application/json");
    if let Some(bearer) = bearer {
        request = request.header(header::AUTHORIZATION, bearer_value(bearer)?);
    }
    let request = request
        .body(Full::new(Bytes::from(body.to_string())))
        .map_err(|_| "its address is not a URL".to_owned())?;
    let answer = super::http::client()?
        .request(request)
        .await
        .map_err(|error| chain(&error))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_MAX)
        .collect()
        .await
        .map_err(|error| chain(&*error))?;
    Ok((status, body.to_bytes()))
}

/// `Authorization: Bearer …`, marked so that nobody logs it.
///
/// # Errors
/// When the token has characters a header cannot carry.
pub(crate) fn bearer_value(token: &Secret) -> Result<http::HeaderValue, String> {
    let mut value = http::HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| "the access token has characters that no token has".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error and what caused it, in one sentence. Addresses are left out: they are long, and may
/// be secrets.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = without_address(&error.to_string());
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = without_address(&cause.to_string());
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// `error sending request for url (http://...): refused` as `error sending request: refused`.
fn without_address(text: &str) -> String {
    let cut = text.split_once(" for url (").and_then(|(before, rest)| {
        let (_, after) = rest.split_once(')')?;
        Some(format!("{before}{after}"))
    });
    cut.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_left_out_of_what_went_wrong() {
        let said = "cannot connect: error sending request for url (http://h/p?a=b): refused";
        assert_eq!(
            without_address(said),
            "cannot connect: error sending request: refused"
        );
        for plain in ["refused", "odd for url (and no end"] {
            assert_eq!(without_address(plain), plain);
        }
    }
}
