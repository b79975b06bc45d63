//! kubectl access: rehearsed, and written for a cluster on loopback with files of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::canned::{Answer, Canned};
use crate::cluster::{Cluster, TOKEN, command};
use crate::program::{Place, Ran, installed, rehearsed};

const CONTEXT: &str = "gke_p_l_c";
const PLUGIN: &str = "gke-gcloud-auth-plugin";
const THEIRS: &str = "\
# mine
apiVersion: v1
clusters:
- cluster:
    server: https://192.0.2.1
  name: theirs
contexts:
- context:
    cluster: theirs
    user: theirs
  name: theirs
current-context: theirs
kind: Config
preferences: {}
users:
- name: theirs
  user: {}
";

fn rehearse(flags: &str) -> Ran {
    Place::empty().run(&format!("rehearse access --speed max {flags}"))
}

/// The files below a folder, by their paths from there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in std::fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap();
                found.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn access_is_added_to_what_is_there_and_proved() {
    rehearsed!("added", "", 0);
}

#[test]
fn a_file_of_its_own_needs_no_question() {
    rehearsed!("file", "--file here --endpoint dns --no-switch", 0);
}

#[test]
fn printed_it_changes_nothing() {
    let ran = rehearsed!("printed", "--print --endpoint internal", 0);
    // Standard output is the kubeconfig and nothing else.
    let printed: serde_json::Value = serde_yaml::from_str(&ran.out).unwrap();
    assert_eq!(printed["kind"], "Config");
}

#[test]
fn a_missing_plugin_is_named_with_the_way_to_get_it() {
    rehearsed!("plugin_missing", "--fault plugin-missing", 1);
}

#[test]
fn a_no_leaves_the_file_as_it_is() {
    rehearsed!("no", "--answer access=no", 4);
}

#[test]
fn a_rehearsal_and_practice_touch_no_file_of_the_person() {
    let place = Place::empty();
    place.write(".kube/config", THEIRS);
    for line in ["rehearse access --speed max", "run access --speed max"] {
        let ran = place.run(line);
        assert_eq!(ran.exit, 0, "{}", ran.whole());
        assert!(
            ran.err
                .contains("Old contents kept in ~/.kube/config.runbook-"),
            "{}",
            ran.out
        );
    }
    // Kept between runs, inside the practice world.
    let again = place.run("run access --speed max");
    assert!(again.err.contains("Nothing to write"), "{}", again.whole());
    let named = place.run("rehearse access --speed max --file named");
    assert_eq!(named.exit, 0, "{}", named.whole());
    let outside: Vec<String> = files(place.path())
        .into_iter()
        .filter(|file| !file.starts_with("state/"))
        .collect();
    assert_eq!(outside, [".kube/config"]);
    assert_eq!(
        std::fs::read_to_string(place.path().join(".kube/config")).unwrap(),
        THEIRS
    );
}

/// A cluster, somebody's machine, and a plugin on it that gives this token.
struct Scene {
    cluster: Cluster,
    place: Place,
}

impl Scene {
    async fn new(settings: &str) -> Self {
        let cluster = Cluster::warm().await;
        let place = cluster.place(settings);
        Self { cluster, place }
    }

    /// Puts a plugin on PATH that does this.
    #[cfg(unix)]
    fn plugin(&self, does: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        self.place
            .write(&format!("bin/{PLUGIN}"), &format!("#!/bin/sh\n{does}\n"));
        let file = self.place.path().join("bin").join(PLUGIN);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[cfg(unix)]
    fn with_plugin(self) -> Self {
        let credential = json!({ "kind": "ExecCredential",
            "apiVersion": "client.authentication.k8s.io/v1beta1", "spec": { "interactive": false },
            "status": { "token": "ya29.of-the-plugin" } });
        self.plugin(&format!("echo '{credential}'"));
        self
    }

    fn command(&self, flags: &str) -> Command {
        let line = format!("run access --on live {flags}");
        let mut command = command(&self.place, &line);
        command.env("PATH", self.place.path().join("bin"));
        command
    }

    fn run(&self, flags: &str) -> Ran {
        Ran::from(self.command(flags).output().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    /// Everything in the person's own folder but what the program needs.
    fn kubeconfigs(&self) -> Vec<String> {
        let mut files = files(self.place.path());
        files.retain(|file| !file.starts_with("state/") && !file.starts_with("bin/"));
        files.retain(|file| file != "runbook.toml");
        files
    }

    /// The tokens the cluster was asked for pods with.
    fn tokens(&self) -> Vec<String> {
        let seen = self.cluster.k8s.seen();
        let pods = seen.iter().filter(|asked| asked.path.contains("/pods"));
        pods.map(|asked| asked.header("authorization").to_owned())
            .collect()
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_first_kubeconfig_is_written_and_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new("").await.with_plugin();
    let ran = scene.run("");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert_eq!(scene.kubeconfigs(), [".kube/config"]);
    let text = scene.text(".kube/config");
    assert!(
        text.contains(&format!("server: https://{}", scene.cluster.k8s.host())),
        "{text}"
    );
    assert!(
        text.contains(&format!("current-context: {CONTEXT}")),
        "{text}"
    );
    let mode = scene
        .file(".kube/config")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // With the credentials the file names and no others.
    assert_eq!(scene.tokens(), ["Bearer ya29.of-the-plugin"]);
    assert!(!ran.raw().contains("ya29"), "{}", ran.raw());
    assert_eq!(scene.cluster.changes(), []);

    let again = scene.run("");
    assert!(again.err.contains("Nothing to write"), "{}", again.whole());
    assert!(
        again.err.contains("nothing was changed"),
        "{}",
        again.whole()
    );
    assert_eq!(scene.kubeconfigs(), [".kube/config"]);
    assert_eq!(scene.text(".kube/config"), text);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn somebody_s_file_is_asked_about_kept_and_added_to() {
    let scene = Scene::new("").await.with_plugin();
    scene.place.write("mine", THEIRS);
    let unasked = scene.run("--file mine");
    assert_eq!(unasked.exit, 3, "{}", unasked.whole());
    assert_eq!(scene.text("mine"), THEIRS);
    let ran = scene.run("--file mine --yes --no-switch");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    let kept = scene.kubeconfigs();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(scene.text(&kept[1]), THEIRS);
    let text = scene.text("mine");
    for line in THEIRS.lines() {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.contains("current-context: theirs\n"), "{text}");
    assert_eq!(scene.tokens().len(), 1);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn several_files_are_read_as_kubectl_reads_them() {
    let scene = Scene::new("").await.with_plugin();
    scene.place.write("b", THEIRS);
    let all = std::env::join_paths(["a", "b", "c"].map(|name| scene.file(name))).unwrap();
    let ran = Ran::from(
        scene
            .command("--yes")
            .env("KUBECONFIG", all)
            .output()
            .unwrap(),
    );
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert!(scene.text("b").contains(CONTEXT));
    assert_eq!(scene.kubeconfigs().len(), 2, "{:?}", scene.kubeconfigs());
    assert_eq!(scene.tokens(), ["Bearer ya29.of-the-plugin"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_the_plugin_it_is_written_and_said() {
    let scene = Scene::new("").await;
    let ran = scene.run("");
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    for part in [
        "gke-gcloud-auth-plugin is not on PATH",
        "gcloud components install",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.whole());
    }
    assert!(
        ran.err.contains("none -> https://127.0.0.1:"),
        "{}",
        ran.out
    );
    assert_eq!(scene.kubeconfigs(), [".kube/config"]);
    assert!(scene.tokens().is_empty());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plugin_that_fails_is_quoted() {
    let scene = Scene::new("").await;
    scene.plugin("echo 'print credential failed: no login' >&2; exit 1");
    let ran = scene.run("");
    assert_eq!(ran.exit, 1);
    for part in ["print credential failed: no login", "gcloud auth login"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.whole());
    }
    scene.plugin("echo '{\"token\": ya29.secret'");
    let ran = scene.run("");
    assert_eq!(ran.exit, 1);
    assert!(ran.err.contains("without a token"), "{}", ran.whole());
    assert!(!ran.raw().contains("ya29"), "{}", ran.raw());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_broken_file_stays_broken() {
    let scene = Scene::new("").await;
    scene.place.write(".kube/config", "clusters: [\n");
    let ran = scene.run("--yes");
    assert_eq!(ran.exit, 2, "{}", ran.whole());
    assert!(
        ran.err.contains("cannot be read as a kubeconfig"),
        "{}",
        ran.whole()
    );
    assert!(ran.err.contains("nothing was written"), "{}", ran.whole());
    assert_eq!(scene.kubeconfigs(), [".kube/config"]);
    assert_eq!(scene.text(".kube/config"), "clusters: [\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dns_endpoint_that_is_closed_is_said_before_anything_is_written() {
    let described = json!({ "name": "c", "endpoint": "203.0.113.7",
        "controlPlaneEndpointsConfig": { "dnsEndpointConfig": { "endpoint": "x.gke.goog" } } });
    let gke = Canned::plain(move |_| Answer::json(&described)).await;
    let place = Place::empty();
    let endpoint = gke.url();
    place.configure(&format!(
        "[target.live]\nproject = \"p\"\nlocation = \"l\"\ncluster = \"c\"\nendpoint = \"{endpoint}\"\n"
    ));
    let line = "run access --on live --endpoint dns";
    let ran = Ran::from(command(&place, line).output().unwrap());
    assert_eq!(ran.exit, 2, "{}", ran.whole());
    assert!(
        ran.err.contains("does not let its DNS endpoint be used"),
        "{}",
        ran.whole()
    );
    assert!(!place.path().join(".kube").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_real_kubectl_reads_what_was_written() {
    let Some(kubectl) = installed("kubectl") else {
        return;
    };
    let scene = Scene::new("").await;
    scene.place.write("mine", THEIRS);
    let ran = scene.run("--file mine --print");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    scene.run("--file mine --yes");
    let ask = |words: &str| {
        let output = Command::new(&kubectl)
            .args(["--kubeconfig", "mine"])
            .args(words.split_whitespace())
            .current_dir(scene.place.path())
            .env("HOME", scene.place.path())
            .output()
            .unwrap();
        Ran::from(output)
    };
    let contexts = ask("config get-contexts -o name");
    assert_eq!(
        contexts.out,
        format!("{CONTEXT}\ntheirs\n"),
        "{}",
        contexts.raw()
    );
    assert_eq!(ask("config current-context").out, format!("{CONTEXT}\n"));
    let view = ask("config view -o json --raw");
    let view: serde_json::Value = serde_json::from_str(&view.out).unwrap();
    let users = view["users"].as_array().unwrap();
    let ours = users.iter().find(|user| user["name"] == CONTEXT).unwrap();
    assert_eq!(ours["user"]["exec"]["command"], PLUGIN);
    // What kubectl writes in its own way needs no change of ours.
    let used = ask("config set-context theirs --namespace=x");
    assert_eq!(used.exit, 0, "{}", used.raw());
    let again = scene.run("--file mine");
    assert!(again.err.contains("Nothing to write"), "{}", again.whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_real_plugin_gets_in() {
    let Some(plugin) = installed(PLUGIN) else {
        return;
    };
    let scene = Scene::new("").await;
    let mut command = scene.command("");
    let ran = Ran::from(
        command
            .env("PATH", plugin.parent().unwrap())
            .output()
            .unwrap(),
    );
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    assert_eq!(scene.tokens(), [format!("Bearer {TOKEN}")]);
}
