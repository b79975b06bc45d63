//! Tells a chat that a wait has ended. Its failure is a sentence and never a run's failure.

use std::time::Duration;

use serde_json::json;

use super::post;
use super::secret::Secret;

/// Posts `text` to a Slack-compatible webhook.
///
/// # Errors
/// A sentence saying why it did not arrive; the address is not in it.
pub async fn post(url: &Secret, text: &str) -> Result<(), String> {
    let limit = Duration::from_secs(10);
    let sent = post::json(url.expose(), None, &json!({ "text": text }), limit).await;
    match sent {
        Ok((status, _)) if status.is_success() => Ok(()),
        Ok((status, _)) => Err(format!("the webhook answered {status}")),
        Err(why) => Err(format!("the webhook was not reached: {why}")),
    }
}
