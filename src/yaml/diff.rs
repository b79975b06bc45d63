//! What has changed, as reviewers see it.

use similar::TextDiff;

/// Lines around a change.
const CONTEXT: usize = 3;

/// A unified diff of a file; empty when nothing has changed.
pub fn diff(path: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(CONTEXT)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string()
}
