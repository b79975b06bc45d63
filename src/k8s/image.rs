//! Image names: the same image is written in several ways.

/// Whether two names mean the same image.
pub(super) fn same(a: &str, b: &str) -> bool {
    full(a) == full(b)
}

/// A name with everything that is usually left off: `busybox` is `docker.io/library/busybox:latest`.
fn full(name: &str) -> String {
    let (host, rest) = match name.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest),
        Some(_) | None => ("docker.io", name),
    };
    let library = if host == "docker.io" && !rest.contains('/') {
        "library/"
    } else {
        ""
    };
    let last = rest.rsplit('/').next().unwrap_or(rest);
    let tag = if last.contains([':', '@']) {
        ""
    } else {
        ":latest"
    };
    format!("{host}/{library}{rest}{tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_full_names_are_the_same_image() {
        assert!(same("busybox", "docker.io/library/busybox:latest"));
        assert!(same("jupyter/base:1", "docker.io/jupyter/base:1"));
        assert!(same("quay.io/a/b:2", "quay.io/a/b:2"));
        assert!(!same("quay.io/a/b:2", "quay.io/a/b:3"));
        assert!(!same("localhost/a", "a"));
        assert!(!same("host:5000/a", "docker.io/a"));
    }
}
