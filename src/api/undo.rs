//! How what a function changes is taken back, as a plan says it.

/// By function; `None` for what cannot be taken back.
const BACK: &[(&str, Option<&str>)] = &[
    (
        "Pool.raise_limits",
        Some("`runbook run teardown` lowers the minimum again"),
    ),
    (
        "Pool.set_limits",
        Some("`runbook run warm_up` raises the minimum again"),
    ),
    (
        "Pool.grow",
        Some("`runbook run teardown` lets the nodes go; what they cost until then is spent"),
    ),
    ("Pool.shrink", None),
    ("k8s::cordon", Some("`kubectl uncordon`")),
    ("k8s::uncordon", Some("`kubectl cordon`")),
    (
        "k8s::hold_image",
        Some("nothing to take back: nodes forget images they do not need"),
    ),
    ("kubectl::write", Some("`kubectl config delete-context`")),
    (
        "hub::set_image",
        Some("`runbook run update_image` with the image before"),
    ),
    (
        "hub::check_server",
        Some("nothing to take back: the server it starts is stopped again"),
    ),
    ("File.propose", Some("close the pull request")),
    (
        "debt::open",
        Some("the team's own notes: `runbook status` shows them"),
    ),
    (
        "debt::complete",
        Some("the team's own notes: `runbook status` shows them"),
    ),
    (
        "debt::close",
        Some("the team's own notes: `runbook status` shows them"),
    ),
    ("memory::put", Some("the team's own notes")),
];

/// How what a function changes is taken back; none when it cannot be.
pub fn back(function: &str) -> Option<&'static str> {
    let found = BACK.iter().find(|(name, _)| *name == function);
    found.and_then(|(_, back)| *back)
}

/// Functions that scripts take things back with; a plan is asked about each of their changes.
const TAKES_BACK: [&str; 5] = [
    "Pool.set_limits",
    "k8s::uncordon",
    "hub::set_image",
    "memory::put",
    "debt::close",
];

/// Whether scripts take things back with a function.
pub fn takes_back(function: &str) -> bool {
    TAKES_BACK.contains(&function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_writes_says_how_it_is_taken_back() {
        for function in crate::api::functions().iter().copied().flatten() {
            let known = BACK
                .iter()
                .any(|(name, _)| *name == function.signature.name);
            assert_eq!(
                known,
                function.signature.class.writes(),
                "{}",
                function.signature.name
            );
        }
    }
}
