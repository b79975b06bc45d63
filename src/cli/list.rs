//! `runbook list`.

use super::Setup;
use super::show::receipt;
use crate::error::Result;
use crate::runbook::library::Found;
use crate::runbook::script::Script;
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
    let rows: Vec<String> = found
        .iter()
        .map(|found| {
            let hidden = if found.shadowed {
                " (hidden by the one above)"
            } else {
                ""
            };
            let rehearsed = rehearsed(setup, found);
            let (name, summary, origin) = (&found.name, &found.summary, &found.origin);
            format!("{name:names$}  {summary:lines$}  {origin}{rehearsed}{hidden}\n")
        })
        .collect();
    ui::print(&rows.concat());
    Ok(0)
}

/// When the one that would run was practised; nothing where it never was.
fn rehearsed(setup: &Setup<'_>, found: &Found) -> String {
    let script = setup.library.find(&found.name).and_then(Script::read).ok();
    let receipt = script
        .filter(|_| !found.shadowed)
        .and_then(|script| receipt(setup, &script));
    receipt.map_or_else(String::new, |receipt| {
        format!("; rehearsed {}", receipt.when.strftime("%-d %B"))
    })
}
