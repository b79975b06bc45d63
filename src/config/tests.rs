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
    assert_eq!(target.lock.namespace, "default");
    assert_eq!(target.hub_pods, names::HUB_PODS);
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
         hub = {{ url = \"https://hub.example\", namespace = \"prod\", token = {{ file = \"t\" }} }}\n\
         lock = {{ namespace = \"ops\" }}\nhub_pods = [\"hub-\"]\n"
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
    assert_eq!(target.lock.namespace, "ops");
    assert_eq!(target.hub_pods, ["hub-"]);
}

fn with(line: &str) -> String {
    format!("{GOOD}{line}\n")
}

#[test]
fn a_misspelt_key_is_pointed_at_with_the_nearest() {
    for (text, wanted) in [
        (
            GOOD.replace("default_target", "defualt_target"),
            "1:1 there is no key `defualt_target` here; did you mean `default_target`?",
        ),
        (
            GOOD.replace("location", "locatoin"),
            "4:1 there is no key `locatoin` here; did you mean `location`?",
        ),
        (
            with("hub = { url = \"https://h\", namespce = \"x\" }"),
            "7:28 there is no key `namespce` here; did you mean `namespace`?",
        ),
        (
            with("hub = { url = \"https://h\", zebra = \"x\" }"),
            "7:28 there is no key `zebra` here; there are: url, namespace, check_user, token",
        ),
        (
            with("lock = { namspace = \"x\" }"),
            "7:10 there is no key `namspace` here; did you mean `namespace`?",
        ),
        (
            with("lcok = { namespace = \"x\" }"),
            "7:1 there is no key `lcok` here; did you mean `lock`?",
        ),
        (
            with("k8s_endpoint = \"ipp\""),
            "7:16 `ipp` is not possible here; did you mean `ip`?",
        ),
        (
            GOOD.replace("type-name", "typename"),
            "6:11 `typename` is not possible here; did you mean `type-name`?",
        ),
    ] {
        assert_eq!(mistake(&text), wanted);
    }
}

#[test]
fn a_wrong_value_is_pointed_at_itself() {
    for (text, wanted) in [
        (
            GOOD.replace("\"p\"", "5"),
            "3:11 integer `5` cannot stand here; write a text in quotes",
        ),
        (
            with("watch = \"prod\""),
            "7:9 text \"prod\" cannot stand here; write a list: [\"a\", \"b\"]",
        ),
        (
            with("hub = \"https://h\""),
            "7:7 text \"https://h\" cannot stand here; write a table: { key = \"value\" }",
        ),
        (
            with("lock = \"default\""),
            "7:8 text \"default\" cannot stand here; write a table: { key = \"value\" }",
        ),
        (
            with("hub = { url = \"h\" }"),
            "7:15 `h` is no address; it begins with https:// or http://; correct this line",
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
            "[target.a]\nproject='p'\nlocation='l'".to_owned(),
            "1:1 `cluster` is missing here; add a line: cluster = ...",
        ),
        (
            with("hub = { namespace = \"x\" }"),
            "7:7 `url` is missing here; add a line: url = ...",
        ),
    ] {
        assert_eq!(mistake(&text), wanted);
    }
}

#[test]
fn names_of_targets_are_judged_where_they_stand() {
    // The key is found by the parser, not by its spelling: here it is in a comment first.
    let text = format!(
        "# default_target = \"x\"\n{}",
        GOOD.replace("target = \"a\"", "target = \"b\"")
    );
    assert_eq!(
        mistake(&text),
        "2:18 there is no target `b`; did you mean `a`? configured: a"
    );
    for (text, at) in [
        (
            "[target.practice]\nproject='p'\nlocation='l'\ncluster='c'",
            "1:9",
        ),
        (
            "[target]\npractice = { project='p', location='l', cluster='c' }",
            "2:1",
        ),
    ] {
        assert_eq!(
            mistake(text),
            format!(
                "{at} a target cannot be named `practice`; `practice` is the built-in practice world; give the target another name"
            )
        );
    }
    assert_eq!(
        mistake("default_target = \"a\""),
        "1:18 there is no target `a`; none is configured: write a runbook.toml, or use practice"
    );
}

#[test]
fn a_token_or_webhook_comes_from_somewhere() {
    let hub = |token: &str| with(&format!("hub = {{ url = \"https://h\", token = {token} }}"));
    let token = |text: &str| {
        let config = Config::parse(FILE, &hub(text)).unwrap();
        config.target("a").unwrap().hub.clone().unwrap().token
    };
    assert_eq!(token("{ env = \"T\" }"), Some(Token::Env("T".to_owned())));
    let command = ["pass".to_owned(), "hub".to_owned()];
    assert_eq!(
        token("{ command = [\"pass\", \"hub\"] }"),
        Some(Token::Command(command.to_vec()))
    );
    for wrong in [
        "{ evn = \"T\" }",
        "{ env = \"T\", file = \"f\" }",
        "{ command = [] }",
        "{ env = \"\" }",
        "5",
    ] {
        assert_eq!(
            mistake(&hub(wrong)),
            format!("7:36 {}; correct this line", hub::TOKEN)
        );
    }
    for wrong in [
        "{ evn = \"T\" }",
        "{ env = \"T\", file = \"f\" }",
        "\"hooks\"",
        "{ file = \"\" }",
        "5",
    ] {
        assert_eq!(
            mistake(&with(&format!("webhook = {wrong}"))),
            format!("7:11 {}; correct this line", text::WEBHOOK)
        );
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    for line in [
        "hub = { url = \"https://h\", token = \"s3cret\" }",
        "webhook = \"hooks.example/s3cret\"",
        "webhook = { url = \"s3cret\" }",
    ] {
        let error = Config::parse(FILE, &with(line)).unwrap_err();
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        assert!(error.at[0].text.contains("project = \"p\""));
        assert_eq!(error.at[0].line, 7);
    }
    let config = Config::parse(FILE, &with("webhook = \"https://hooks.example/s3cret\"")).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn a_file_is_read_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.toml");
    std::fs::write(&path, GOOD).unwrap();
    assert_eq!(
        Config::load(&path).unwrap(),
        Config::parse(FILE, GOOD).unwrap()
    );
    std::fs::write(&path, "nonsense").unwrap();
    let error = Config::load(&path).unwrap_err();
    assert_eq!(error.at[0].file, path.display().to_string());
    let error = Config::load(&folder.path().join("absent.toml")).unwrap_err();
    assert_eq!(error.kind, Kind::Config);
    assert!(
        error.message.starts_with("cannot read "),
        "{}",
        error.message
    );
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
