//! Imports that lead nowhere, in a circle, or hide a module of the table.

use std::collections::BTreeSet;

use crate::engine::table::Table;
use crate::runbook::finding::Finding;
use crate::runbook::parsed::{Import, Parsed};
use crate::runbook::script::Script;

/// What is wrong with the imports of one file.
pub(super) fn mistakes(script: &Script, parsed: &Parsed, table: &Table) -> Vec<Finding> {
    let found = |import| mistake(script, parsed, import, table);
    parsed.imports.iter().filter_map(found).collect()
}

fn mistake(script: &Script, parsed: &Parsed, import: &Import, table: &Table) -> Option<Finding> {
    let mut finding = Finding {
        place: parsed
            .source
            .place(import.line, import.column, "imported here"),
        message: String::new(),
        suggestion: None,
        rule: "import",
    };
    let Some(path) = &import.path else {
        "an import is written as plain text: it is read before the run"
            .clone_into(&mut finding.message);
        finding.suggestion = Some("write it like `import \"lib/pools\" as pools;`".to_owned());
        return Some(finding);
    };
    if let Some(Err(error)) = script.libraries.get(path) {
        if let Some(place) = error.at.first() {
            finding.place = place.clone();
        }
        finding.message.clone_from(&error.message);
        finding.suggestion.clone_from(&error.hint);
        return Some(finding);
    }
    if leads_to(script, path, &parsed.source.name, &mut BTreeSet::new()) {
        finding.message = format!("`{path}` imports this file again, without end");
        finding.suggestion = Some("move what both need into a third library".to_owned());
        return Some(finding);
    }
    if table.modules().contains(import.alias.as_str()) {
        finding.message = format!(
            "`{0}` would be used instead of the module `{0}::`",
            import.alias
        );
        finding.suggestion = Some("give the import another name".to_owned());
        return Some(finding);
    }
    None
}

/// Whether a library imports this file, itself or through others.
fn leads_to(script: &Script, path: &str, wanted: &str, seen: &mut BTreeSet<String>) -> bool {
    if path == wanted {
        return true;
    }
    let Some(Ok(library)) = script.libraries.get(path) else {
        return false;
    };
    let mut paths = library
        .imports
        .iter()
        .filter_map(|import| import.path.as_ref());
    seen.insert(path.to_owned()) && paths.any(|next| leads_to(script, next, wanted, seen))
}
