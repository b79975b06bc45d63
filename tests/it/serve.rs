//! `runbook world serve`: what it prints leads the program itself, gcloud and kubectl to it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::program::{Place, Ran, installed};

/// A served practice world, and a place whose `runbook.toml` leads there.
struct Served {
    child: Child,
    /// Kept open: a reader that has gone away is nobody to print to.
    _output: BufReader<ChildStdout>,
    place: Place,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Served {
    fn start(flags: &str) -> Self {
        let place = Place::empty();
        let line = format!("world serve --port 0 {flags}");
        let mut command = place.command(line.split_whitespace());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("\nallow_list") || !printed.ends_with('\n') {
            assert!(output.read_line(&mut printed).unwrap() > 0, "{printed}");
        }
        place.configure(&printed);
        Self {
            child,
            _output: output,
            place,
        }
    }

    /// Where its GKE is.
    fn endpoint(&self) -> String {
        let text = std::fs::read_to_string(self.place.path().join("runbook.toml")).unwrap();
        let line = text.lines().find(|line| line.starts_with("endpoint"));
        line.unwrap().split('"').nth(1).unwrap().to_owned()
    }

    /// Ready to run against it.
    fn aimed(&self, mut command: Command) -> Command {
        command
            .env("CLOUDSDK_AUTH_ACCESS_TOKEN", "ya29.practice")
            .env(
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER",
                format!("{}/", self.endpoint()),
            )
            .env(
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER",
                "http://127.0.0.1:1",
            );
        command
    }

    /// The program, there.
    fn run(&self, line: &str) -> Ran {
        let command = self.place.command(line.split_whitespace());
        Ran::from(self.aimed(command).output().unwrap())
    }

    /// Somebody else's program; what it prints, on both streams, with no more than single spaces.
    fn other(&self, line: &str) -> String {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .current_dir(self.place.path())
            .env("HOME", self.place.path());
        let output = self.aimed(command).output().unwrap();
        let all = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(all).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn what_is_printed_leads_to_a_target_like_any_other() {
    let served = Served::start("--scenario warm");
    let status = served.run("status");
    assert_eq!(status.exit, 0, "{}", status.raw());
    assert!(
        status.out.contains("nb-user: 2 nodes, ready"),
        "{}",
        status.raw()
    );
    let ran = served.run("run check_hub --yes");
    assert_eq!(ran.exit, 0, "{}", ran.raw());
    assert!(ran.out.contains("served · LIVE"), "{}", ran.raw());
    assert!(ran.out.contains("One can log in and work"), "{}", ran.raw());
    // A mirror is asked for the image, and the real registry is not.
    let missing = served.run("run update_image --image callysto/2i2c:0.1.9 --yes");
    assert!(
        missing.raw().contains("no such tag of callysto/2i2c"),
        "{}",
        missing.raw()
    );
    let domain = served.run("run allow_domain --domain new.domain.ca --yes --dry-run");
    assert_eq!(domain.exit, 0, "{}", domain.raw());
}

#[test]
fn what_cannot_be_served_is_said() {
    let place = Place::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    for (line, fact, hint) in [
        (
            format!("world serve --port {port}"),
            format!("cannot listen at port {port} of this machine"),
            "--port 0",
        ),
        (
            "world serve --port 0 --fault killed@5m".to_owned(),
            "fault `killed@5m` is of the machine a run is on".to_owned(),
            "runbook rehearse NAME --fault killed@5m",
        ),
        (
            "world serve --scenario nowhere".to_owned(),
            "invalid value 'nowhere'".to_owned(),
            "--scenario",
        ),
    ] {
        let ran = place.run(&line);
        let told = ran.raw().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ran.exit, 2, "{told}");
        assert!(told.contains(&fact) && told.contains(hint), "{told}");
        assert_eq!(ran.out, "", "{told}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_how_it_ends() {
    use rustix::process::{Pid, Signal, kill_process};
    let mut served = Served::start("");
    kill_process(Pid::from_child(&served.child), Signal::INT).unwrap();
    assert!(served.child.wait().unwrap().success());
}

#[test]
fn the_real_gcloud_changes_it() {
    if installed("gcloud").is_none() {
        return;
    }
    let served = Served::start("");
    let of = "--project practice --location northamerica-northeast1";
    let list = served.other("gcloud container clusters list --project practice");
    assert!(
        list.contains("callysto-cluster northamerica-northeast1"),
        "{list}"
    );
    assert!(list.ends_with("1 RUNNING"), "{list}");
    let said = served.other(&format!(
        "gcloud container clusters update callysto-cluster {of} --quiet --node-pool nb-user \
         --enable-autoscaling --min-nodes 1 --max-nodes 20"
    ));
    assert!(said.contains("Updated [http://127.0.0.1"), "{said}");
    let pool = served.other(&format!(
        "gcloud container node-pools describe nb-user --cluster callysto-cluster {of}"
    ));
    assert!(
        pool.contains("autoscaling: enabled: true maxNodeCount: 20 minNodeCount: 1"),
        "{pool}"
    );
    let operations = served.other("gcloud container operations list --project practice");
    assert!(
        operations.contains("UPDATE_CLUSTER northamerica-northeast1 nb-user DONE"),
        "{operations}"
    );
    let nowhere = served.other(&format!("gcloud container clusters describe nope {of}"));
    assert!(nowhere.contains("code=404"), "{nowhere}");
}

#[test]
fn the_real_kubectl_gets_in_by_what_gcloud_writes() {
    let programs = ["gcloud", "kubectl", "gke-gcloud-auth-plugin"].map(installed);
    let [Some(_), Some(_), Some(plugin)] = programs else {
        return;
    };
    let served = Served::start("--scenario cordoned");
    let said = served.other(
        "gcloud container clusters get-credentials callysto-cluster --project practice \
         --location northamerica-northeast1",
    );
    assert!(said.contains("kubeconfig entry generated"), "{said}");
    let context = "gke_practice_northamerica-northeast1_callysto-cluster";
    let current = served.other("kubectl config current-context");
    assert_eq!(current, context);
    let nodes = served.other("kubectl get nodes");
    assert!(nodes.contains("Ready,SchedulingDisabled"), "{nodes}");
    // It is there already, as gcloud has written it.
    let mut access = served.place.command(["run", "access", "--yes"]);
    access.env("PATH", plugin.parent().unwrap());
    let there = Ran::from(served.aimed(access).output().unwrap());
    assert_eq!(there.exit, 0, "{}", there.raw());
    assert!(there.err.contains("Nothing to write"), "{}", there.raw());
    assert!(there.err.contains("it gets in"), "{}", there.raw());
}
