//! The runbooks that come with the binary, used when no folder has one of that name.

use crate::runbook::library::BuiltIn;

/// Every file of `runbooks/`.
pub const BUILT_IN: BuiltIn = &[
    ("logs.rhai", include_str!("../../runbooks/logs.rhai")),
    ("shell.rhai", include_str!("../../runbooks/shell.rhai")),
    ("access.rhai", include_str!("../../runbooks/access.rhai")),
    (
        "teardown.rhai",
        include_str!("../../runbooks/teardown.rhai"),
    ),
    ("nodes.rhai", include_str!("../../runbooks/nodes.rhai")),
    ("pods.rhai", include_str!("../../runbooks/pods.rhai")),
    ("warm_up.rhai", include_str!("../../runbooks/warm_up.rhai")),
    (
        "allow_domain.rhai",
        include_str!("../../runbooks/allow_domain.rhai"),
    ),
    (
        "update_image.rhai",
        include_str!("../../runbooks/update_image.rhai"),
    ),
    (
        "check_hub.rhai",
        include_str!("../../runbooks/check_hub.rhai"),
    ),
    ("lib/hub.rhai", include_str!("../../runbooks/lib/hub.rhai")),
    (
        "lib/people.rhai",
        include_str!("../../runbooks/lib/people.rhai"),
    ),
    (
        "lib/sizing.rhai",
        include_str!("../../runbooks/lib/sizing.rhai"),
    ),
    (
        "lib/tables.rhai",
        include_str!("../../runbooks/lib/tables.rhai"),
    ),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn no_file_is_forgotten() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
        let mut missing = Vec::new();
        for (inside, prefix) in [(folder.clone(), ""), (folder.join("lib"), "lib/")] {
            for entry in std::fs::read_dir(inside).unwrap() {
                let name = format!("{prefix}{}", entry.unwrap().file_name().to_str().unwrap());
                let script = Path::new(&name).extension().is_some_and(|e| e == "rhai");
                if script && !BUILT_IN.iter().any(|(file, _)| *file == name) {
                    missing.push(name);
                }
            }
        }
        assert_eq!(missing, Vec::<String>::new());
    }
}
