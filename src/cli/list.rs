//! `runbook list`.

use super::Setup;
use crate::error::Result;
use crate::ui;

/// Name, first line of the description, origin.
pub(super) fn list(setup: &Setup<'_>) -> Result<u8> {
    let found = setup.library.list()?;
    let longest = |length: fn(&str) -> usize, text: Vec<&str>| {
        text.into_iter().map(length).max().unwrap_or_default()
    };
    let count = |text: &str| text.chars().count();
    let names = longest(count, found.iter().map(|f| f.name.as_str()).collect());
    let lines = longest(count, found.iter().map(|f| f.summary.as_str()).collect());
    let text: String = found
        .iter()
        .map(|found| {
            let hidden = if found.shadowed {
                " (hidden by the one above)"
            } else {
                ""
            };
            let (name, summary, origin) = (&found.name, &found.summary, &found.origin);
            format!("{name:names$}  {summary:lines$}  {origin}{hidden}\n")
        })
        .collect();
    ui::print(&text);
    Ok(0)
}
