//! Every key, and every mistake with its place.

use super::*;

const GOOD: &str = "default_target = \"a\"\n[target.a]\nproject = \"p\"\nlocation = \"l\"\ncluster = \"c\"\nconfirm = \"type-name\"\n";

#[test]
fn a_target_is_read_whole() {
    let config = Config::parse(FILE, GOOD).unwrap();
    let target = config.target("a").unwrap();
    assert_eq!(
        target.cluster_name().path(),
        "projects/p/locations/l/clusters/c"
    );
    assert_eq!(target.confirm, Confirm::TypeName);
}

/// `line:column message; hint`.
fn mistake(text: &str) -> String {
    let error = Config::parse(FILE, text).unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    let at = &error.at[0];
    let hint = error.hint.unwrap_or_default();
    format!("{}:{} {}; {hint}", at.line, at.column, error.message)
}

#[test]
fn every_key_is_read() {
    let text = format!(
        "{GOOD}webhook = {{ env = \"HOOK\" }}\nimpersonate = \"a@p.iam.gserviceaccount.com\"\n\
         endpoint = \"http://127.0.0.1:1\"\nk8s_endpoint = \"dns\"\ntimezone = \"America/Edmonton\"\n\
         hub = {{ url = \"https://hub.example\", namespace = \"prod\", token = {{ file = \"t\" }} }}\n"
    );
    let config = Config::parse(FILE, &text).unwrap();
    let target = config.target("a").unwrap();
    assert_eq!(target.webhook, Some(Webhook::Env("HOOK".to_owned())));
    assert_eq!(target.k8s_endpoint, K8sEndpoint::Dns);
    assert_eq!(
        target.endpoint.as_ref().unwrap().as_str(),
        "http://127.0.0.1:1"
    );
    let hub = target.hub.as_ref().unwrap();
    assert_eq!(hub.token, Some(Token::File("t".into())));
}

#[test]
fn mistakes_are_pointed_at_with_the_next_step() {
    let with = |line: &str| format!("{GOOD}{line}\n");
    for (text, wanted) in [
        (
            GOOD.replace("location", "locatoin"),
            "4:1 there is no key `locatoin` here; did you mean `location`?",
        ),
        (
            with("hub = { url = \"https://h\", namespce = \"x\" }"),
            "7:28 there is no key `namespce` here; did you mean `namespace`?",
        ),
        (
            with("timezone = \"Mars\""),
            "7:12 `Mars` is no time zone; write it like America/Edmonton; correct this line",
        ),
        (
            with("impersonate = \"robot\""),
            "7:15 `robot` is no service account; it ends with .iam.gserviceaccount.com; correct this line",
        ),
        (
            with("endpoint = \"example.com\""),
            "7:12 `example.com` is no address; it begins with https:// or http://; correct this line",
        ),
        (
            with("webhook = \"hooks\""),
            "7:11 write an address, { env = \"NAME\" } or { file = \"PATH\" }; correct this line",
        ),
        (
            with("k8s_endpoint = \"ipp\""),
            "7:16 unknown variant `ipp`, expected one of `ip`, `dns`, `internal`; correct this line",
        ),
        (
            GOOD.replace("target = \"a\"", "target = \"b\""),
            "1:1 there is no target `b`; did you mean `a`? configured: a",
        ),
        (
            "[target.practice]\nproject='p'\nlocation='l'\ncluster='c'".to_owned(),
            "1:1 a target cannot be named `practice`; `practice` is the built-in practice world; give the target another name",
        ),
        (
            "[target.a]\nproject='p'\nlocation='l'".to_owned(),
            "1:1 missing field `cluster`; correct this line",
        ),
    ] {
        assert_eq!(mistake(&text), wanted);
    }
}

#[test]
fn the_nearest_file_upward_wins() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("x/y");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(folder.path().join(FILE), GOOD).unwrap();
    let (path, _) = Config::discover(&deep, None).unwrap().unwrap();
    assert_eq!(path, folder.path().join(FILE));
}
