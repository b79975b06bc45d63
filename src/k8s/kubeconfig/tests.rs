//! Kubeconfigs as people have them, and what becomes of them.

use std::path::PathBuf;

use serde_yaml::Value;

use super::plan::{Edit, File, plan};
use super::{Entry, Error};
use crate::error;

const NAME: &str = "gke_callysto-202316_northamerica-northeast1_callysto-cluster";

/// What gcloud 528 wrote for the endpoint by address, its authority cut short.
const BY_GCLOUD: &str = "\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t
    server: https://127.0.0.1:16443
  name: gke_callysto-202316_northamerica-northeast1_callysto-cluster
contexts:
- context:
    cluster: gke_callysto-202316_northamerica-northeast1_callysto-cluster
    user: gke_callysto-202316_northamerica-northeast1_callysto-cluster
  name: gke_callysto-202316_northamerica-northeast1_callysto-cluster
current-context: gke_callysto-202316_northamerica-northeast1_callysto-cluster
kind: Config
preferences: {}
users:
- name: gke_callysto-202316_northamerica-northeast1_callysto-cluster
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: gke-gcloud-auth-plugin
      installHint: Install gke-gcloud-auth-plugin for use with kubectl by following
        https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl#install_plugin
      provideClusterInfo: true
";

/// Somebody's own, written by hand.
const BY_HAND: &str = "\
# my clusters
apiVersion: v1
kind: Config
clusters:
  # at home
  - name: minikube
    cluster: {server: 'https://192.0.2.49:8443', proxy-url: 'http://proxy'}

  - name: other # not in use
    cluster:
      server: https://other

contexts:
  - name: minikube
    context:
      cluster: minikube
      user: minikube
      namespace: mine
current-context: minikube   # the usual
users:
  - name: minikube
    user:
      token: abc
extensions:
  - name: of-a-tool
    extension: {kept: true}
";

fn entry() -> Entry {
    Entry {
        name: NAME.to_owned(),
        server: "https://127.0.0.1:16443".to_owned(),
        authority: Some("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t".to_owned()),
        impersonate: None,
    }
}

fn dns() -> Entry {
    Entry {
        server: "https://gke-0a1b2c3d4e5f-123456789012.northamerica-northeast1.gke.goog".to_owned(),
        authority: None,
        ..entry()
    }
}

fn files(texts: &[Option<&str>]) -> Vec<File> {
    let file = |(number, text): (usize, Option<&str>)| File {
        path: PathBuf::from(format!("/{number}")),
        text: text.map(str::to_owned),
    };
    texts.iter().copied().enumerate().map(file).collect()
}

fn planned(texts: &[Option<&str>], entry: &Entry) -> Vec<Edit> {
    plan(&files(texts), entry, true).unwrap()
}

/// What one file becomes; what was written must need no further change.
fn becomes(text: &str, entry: &Entry) -> Edit {
    let mut edits = planned(&[Some(text)], entry);
    assert_eq!(edits.len(), 1, "{text}");
    let edit = edits.remove(0);
    assert_eq!(planned(&[Some(&edit.new)], entry), [], "{}", edit.new);
    edit
}

fn value(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

fn told(edit: &Edit) -> Vec<String> {
    let steps = edit.steps.iter();
    steps
        .map(|step| format!("{}: {} -> {}", step.what, step.before, step.after))
        .collect()
}

#[test]
fn a_new_file_says_what_gcloud_would_have_written() {
    for nothing in [None, Some(""), Some("\n"), Some("---\n")] {
        let edits = planned(&[nothing], &entry());
        assert_eq!(value(&edits[0].new), value(BY_GCLOUD), "{nothing:?}");
        let keys = |text: &str| {
            value(text)
                .as_mapping()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&edits[0].new), keys(BY_GCLOUD));
    }
    let text = &planned(&[None], &dns())[0].new;
    assert!(!text.contains("certificate-authority-data"), "{text}");
    assert!(
        text.contains("    server: https://gke-0a1b2c3d4e5f"),
        "{text}"
    );
}

#[test]
fn what_gcloud_wrote_needs_no_change() {
    assert_eq!(planned(&[Some(BY_GCLOUD)], &entry()), []);
    // kubectl writes the user out in full when it touches the file.
    let by_kubectl = BY_GCLOUD
        .replace("      command:", "      args: null\n      command:")
        .replace("      installHint", "      env: null\n      installHint")
        .replace(
            "      provide",
            "      interactiveMode: IfAvailable\n      provide",
        );
    assert_eq!(planned(&[Some(&by_kubectl)], &entry()), []);
}

#[test]
fn whoever_moves_to_the_dns_endpoint_changes_two_lines() {
    let edit = becomes(BY_GCLOUD, &dns());
    let expected = BY_GCLOUD
        .replace(
            "    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t\n",
            "",
        )
        .replace("https://127.0.0.1:16443", &dns().server);
    assert_eq!(edit.new, expected);
    let told = told(&edit);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("127.0.0.1:16443 -> https://gke-0a1b"),
        "{told:?}"
    );
    let back = becomes(&edit.new, &entry());
    assert_eq!(value(&back.new), value(BY_GCLOUD));
}

#[test]
fn what_somebody_wrote_by_hand_is_added_to_and_nothing_else() {
    let edit = becomes(BY_HAND, &entry());
    let added = |after: &str, lines: &str| (after.to_owned(), format!("{after}{lines}"));
    let cluster = added(
        "      server: https://other\n",
        "  - cluster:
      certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t
      server: https://127.0.0.1:16443
    name: NAME
",
    );
    let context = added(
        "      namespace: mine\n",
        "  - context:
      cluster: NAME
      user: NAME
    name: NAME
",
    );
    let user = added(
        "      token: abc\n",
        "  - name: NAME
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1beta1
        command: gke-gcloud-auth-plugin
        installHint: Install gke-gcloud-auth-plugin for use with kubectl by following https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl#install_plugin
        provideClusterInfo: true
",
    );
    let current = (
        "current-context: minikube   # the usual".to_owned(),
        "current-context: NAME".to_owned(),
    );
    let expected = [cluster, context, user, current]
        .iter()
        .fold(BY_HAND.to_owned(), |text, (old, new)| {
            text.replacen(old, new, 1)
        });
    assert_eq!(edit.new, expected.replace("NAME", NAME));
    assert!(!edit.comments_lost);
    assert_eq!(
        told(&edit),
        [
            format!("context {NAME}: none -> https://127.0.0.1:16443"),
            format!("current context: minikube -> {NAME}"),
        ]
    );
}

#[test]
fn an_entry_that_is_there_is_mended_and_keeps_what_is_not_ours() {
    let theirs = format!(
        "\
clusters:
- cluster:
    certificate-authority: /tmp/ca
    insecure-skip-tls-verify: true
    proxy-url: http://proxy
    server: https://203.0.113.9
  name: {NAME}
contexts:
- context:
    cluster: {NAME}
    namespace: prod
    user: me
  name: {NAME}
current-context: {NAME}
users:
- name: me
  user: {{token: abc}}
- name: {NAME}
  user:
    auth-provider:
      name: gcp
"
    );
    let edit = becomes(&theirs, &entry());
    let new = value(&edit.new);
    let cluster = &new["clusters"][0]["cluster"];
    assert_eq!(cluster["server"], "https://127.0.0.1:16443");
    assert_eq!(cluster["proxy-url"], "http://proxy");
    assert!(cluster.get("certificate-authority").is_none());
    assert!(cluster.get("insecure-skip-tls-verify").is_none());
    assert_eq!(new["contexts"][0]["context"]["namespace"], "prod");
    assert_eq!(new["contexts"][0]["context"]["user"], NAME);
    assert_eq!(new["users"][0], value(&theirs)["users"][0]);
    assert!(new["users"][1]["user"].get("auth-provider").is_none());
    assert_eq!(
        new["users"][1]["user"]["exec"]["command"],
        "gke-gcloud-auth-plugin"
    );
    assert_eq!(
        told(&edit),
        [
            format!("cluster {NAME}: https://203.0.113.9 -> https://127.0.0.1:16443"),
            format!("context {NAME}: another cluster or user -> this cluster and user"),
            format!("user {NAME}: other credentials -> gke-gcloud-auth-plugin"),
        ]
    );
}

#[test]
fn a_plugin_named_by_its_path_stays_and_acts_as_whom_it_should() {
    let theirs = BY_GCLOUD.replace(
        "      command: gke-gcloud-auth-plugin\n",
        "      args:\n      - --verbose\n      - --impersonate_service_account=old@p\n      command: /opt/sdk/bin/gke-gcloud-auth-plugin\n",
    );
    let args = |text: &str| value(text)["users"][0]["user"]["exec"].clone();
    let bare = args(&becomes(&theirs, &entry()).new);
    assert_eq!(bare["args"], Value::Sequence(vec!["--verbose".into()]));
    assert_eq!(bare["command"], "/opt/sdk/bin/gke-gcloud-auth-plugin");
    let robot = Entry {
        impersonate: Some("ops@p".to_owned()),
        ..entry()
    };
    let robot = args(&becomes(&theirs, &robot).new);
    assert_eq!(robot["args"][1], "--impersonate_service_account=ops@p");
}

#[test]
fn a_document_written_in_one_line_is_written_anew_with_everything_in_it() {
    let theirs = r#"{"apiVersion": "v1", "clusters": [{"name": "a", "cluster": {"server": "https://a"}}], "x": [1, 2], "current-context": "a"}"#;
    let edit = becomes(theirs, &entry());
    let new = value(&edit.new);
    assert_eq!(new["clusters"][0], value(theirs)["clusters"][0]);
    assert_eq!(new["clusters"][1]["name"], NAME);
    assert_eq!(new["x"], value(theirs)["x"]);
    assert_eq!(new["current-context"], NAME);
    let commented = format!("# mine\n{theirs}");
    assert!(becomes(&commented, &entry()).comments_lost);
}

#[test]
fn lists_that_are_empty_or_missing_are_begun() {
    for empty in [
        "",
        "clusters:\n",
        "clusters: []\n",
        "clusters: null # none\n",
        "# a\nclusters:\ncontexts:\nusers: ~",
    ] {
        let new = value(&becomes(&format!("apiVersion: v1\n{empty}"), &entry()).new);
        for list in ["clusters", "contexts", "users"] {
            assert_eq!(new[list][0]["name"], NAME, "{empty}");
        }
    }
}

#[test]
fn what_is_broken_is_said_and_left_alone() {
    for (text, why) in [
        ("clusters:\n- a: [\n", "line"),
        ("just a text", "no kubeconfig"),
        ("clusters: {a: b}", "`clusters` is no list"),
    ] {
        let failure = plan(&files(&[Some(text)]), &entry(), true).unwrap_err();
        assert!(matches!(failure, Error::Broken { .. }));
        let failure = error::Error::from(failure);
        assert!(failure.message.contains(why), "{failure}");
        assert!(failure.message.contains("/0"), "{failure}");
        assert!(failure.hint.unwrap().contains("nothing was written"));
    }
}

#[test]
fn of_several_files_the_one_that_has_the_entry_is_changed() {
    // kubectl takes the first it finds, so nothing may be written where it would not be seen.
    let mine = BY_GCLOUD.replace("16443", "1");
    let edits = planned(&[Some(BY_HAND), Some(&mine), None], &entry());
    assert_eq!(edits.len(), 2);
    assert_eq!(edits[0].file.path, PathBuf::from("/0"));
    assert_eq!(
        told(&edits[0]),
        [format!("current context: minikube -> {NAME}")]
    );
    assert_eq!(edits[1].file.path, PathBuf::from("/1"));
    assert_eq!(edits[1].new, BY_GCLOUD);
    // Nowhere yet: the first that is there; none is there: the last.
    let path = |texts: &[Option<&str>]| planned(texts, &entry())[0].file.path.clone();
    assert_eq!(path(&[None, Some(BY_HAND), Some("")]), PathBuf::from("/1"));
    assert_eq!(path(&[None, None]), PathBuf::from("/1"));
}

#[test]
fn the_current_context_is_left_alone_when_that_is_wanted() {
    let edits = plan(&files(&[Some(BY_HAND)]), &entry(), false).unwrap();
    assert!(
        edits[0]
            .new
            .contains("current-context: minikube   # the usual")
    );
    let without = BY_GCLOUD.replace(
        &format!("current-context: {NAME}"),
        "current-context: minikube",
    );
    assert_eq!(
        plan(&files(&[Some(&without)]), &entry(), false).unwrap(),
        []
    );
}
