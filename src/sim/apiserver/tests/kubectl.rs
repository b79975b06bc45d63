//! The real `kubectl` over loopback, in real time.

use std::path::Path;

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::process::Command;

use super::*;
use crate::event::Events;
use crate::sim::{Practice, Setup, Speed};

/// Serves a cluster on a port of its own, and writes the configuration that leads there.
async fn serve_on_loopback(router: Router, home: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "practice",
        "clusters": [{"name": "practice", "cluster": {"server": server}}],
        "contexts": [{"name": "practice", "context": {"cluster": "practice", "user": ""}}]});
    std::fs::write(home.join("config"), config.to_string()).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(router.clone());
            let server = hyper::server::conn::http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
}

/// The words of what `kubectl` prints, line by line; both streams.
async fn run(home: &Path, arguments: &str) -> Vec<String> {
    let output = Command::new("kubectl")
        .args(arguments.split(' '))
        .env("HOME", home)
        .env("KUBECONFIG", home.join("config"))
        .output()
        .await
        .unwrap();
    let all = [output.stdout, output.stderr].concat();
    let lines = String::from_utf8_lossy(&all).into_owned();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    lines.lines().map(words).collect()
}

/// The same without the ages, which are seconds since the test began.
async fn run_ageless(home: &Path, arguments: &str) -> Vec<String> {
    let is_age = |word: &str| word.ends_with('s') && word.starts_with(|c: char| c.is_ascii_digit());
    let ageless = |line: String| {
        let words = line.split(' ').filter(|word| !is_age(word));
        words.collect::<Vec<_>>().join(" ")
    };
    let lines = run(home, arguments).await;
    lines.into_iter().map(ageless).collect()
}

async fn missing() -> bool {
    let missing = Command::new("kubectl").arg("help").output().await.is_err();
    if missing {
        println!("skipped: kubectl is not on PATH");
    }
    missing
}

#[tokio::test]
async fn kubectl_reads() {
    if missing().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let cluster = Bare::small();
    serve_on_loopback(router(cluster.clone()), home.path()).await;
    let say = async |arguments: &str| run_ageless(home.path(), arguments).await;
    assert_eq!(
        say("get nodes").await,
        [
            "NAME STATUS ROLES AGE VERSION",
            "n1 Ready <none> v1.32.4-gke.1415000",
            "n2 Ready <none> v1.32.4-gke.1415000",
        ]
    );
    assert_eq!(
        say("get pods -A").await,
        [
            "NAMESPACE NAME READY STATUS RESTARTS AGE",
            "prod hub-1 1/1 Running 0",
            "prod jupyter-ada 1/1 Running 0",
            "staging hub-2 1/1 Running 0",
        ]
    );
    assert_eq!(
        say("get pods -n prod -l component=singleuser-server -o name").await,
        ["pod/jupyter-ada"]
    );
    assert_eq!(
        say("get events").await,
        [
            "LAST SEEN TYPE REASON OBJECT MESSAGE",
            "Normal NodeReady node/n1 Node n1 status is now: NodeReady",
        ]
    );
    assert_eq!(
        say("get node x").await,
        ["Error from server (NotFound): nodes \"x\" not found"]
    );
    assert_eq!(
        say("wait --for=condition=Ready node/n1 --timeout=5s").await,
        ["node/n1 condition met"]
    );
    cluster.with(|store| {
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"namespace": "default", "name": "runbook"},
            "spec": {"holderIdentity": "ann@laptop", "renewTime": "2026-01-15T13:00:00.000000Z"}});
        store.put(lease, cluster.now());
    });
    assert_eq!(
        say("get leases").await,
        ["NAME HOLDER AGE", "runbook ann@laptop"]
    );
    let holder = "get lease runbook -o jsonpath={.spec.holderIdentity}";
    assert_eq!(say(holder).await, ["ann@laptop"]);
    assert_eq!(say("auth can-i delete pods").await, ["yes"]);
    assert_eq!(say("get --raw /readyz").await, ["ok"]);
}

#[tokio::test]
async fn kubectl_measures() {
    if missing().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    serve_on_loopback(router(Bare::small()), home.path()).await;
    let say = async |arguments: &str| run(home.path(), arguments).await;
    assert_eq!(
        say("top nodes").await,
        [
            "NAME CPU(cores) CPU(%) MEMORY(bytes) MEMORY(%)",
            "n1 600m 500Mi",
            "n2 350m 300Mi",
        ]
    );
    assert_eq!(
        say("top pods --containers -n prod").await,
        [
            "POD NAME CPU(cores) MEMORY(bytes)",
            "hub-1 c 250m 200Mi",
            "jupyter-ada c 250m 200Mi",
        ]
    );
    assert_eq!(
        say("top pod hub-2 -n staging --no-headers").await,
        ["hub-2 250m 200Mi"]
    );
}

#[tokio::test]
async fn kubectl_shows_services_and_deployments() {
    if missing().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let cluster = Bare::small();
    let hub = json!({"app": "jupyterhub", "component": "hub"});
    let meta = |name: &str| json!({"namespace": "prod", "name": name});
    cluster.put(
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("hub"),
        "spec": {"type": "ClusterIP", "clusterIP": "10.32.0.9", "selector": hub,
            "ports": [{"port": 8081, "protocol": "TCP"}]}}),
    );
    cluster.put(
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("proxy-public"),
        "spec": {"type": "LoadBalancer", "clusterIP": "10.32.0.8",
            "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"},
                {"port": 443, "nodePort": 30443, "protocol": "TCP"}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.14"}]}}}),
    );
    cluster.put(
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("hub"),
        "spec": {"replicas": 1, "selector": {"matchLabels": hub}, "template": {"spec":
            {"containers": [{"name": "hub", "image": "k8s-hub:4.1.0"}]}}},
        "status": {"readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1}}),
    );
    serve_on_loopback(router(cluster.clone()), home.path()).await;
    let say = async |arguments: &str| run_ageless(home.path(), arguments).await;
    assert_eq!(
        say("get services -n prod -o wide").await,
        [
            "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR",
            "hub ClusterIP 10.32.0.9 <none> 8081/TCP app=jupyterhub,component=hub",
            "proxy-public LoadBalancer 10.32.0.8 203.0.113.14 80:30080/TCP,443:30443/TCP <none>",
        ]
    );
    assert_eq!(
        say("get deploy -n prod -o wide").await,
        [
            "NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR",
            "hub 1/1 1 1 hub k8s-hub:4.1.0 app=jupyterhub,component=hub",
        ]
    );
}

#[tokio::test]
async fn kubectl_cordons_drains_and_deletes() {
    if missing().await {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    serve_on_loopback(router(Bare::small()), home.path()).await;
    let say = async |arguments: &str| run(home.path(), arguments).await;
    assert_eq!(say("cordon n1").await, ["node/n1 cordoned"]);
    assert_eq!(say("cordon n1").await, ["node/n1 already cordoned"]);
    let cordoned = "get no --field-selector spec.unschedulable=true -o name";
    assert_eq!(say(cordoned).await, ["node/n1"]);
    assert_eq!(say("uncordon n1").await, ["node/n1 uncordoned"]);
    let deleted = say("delete pod hub-2 -n staging").await;
    assert!(
        deleted[0].starts_with("pod \"hub-2\" deleted"),
        "{deleted:?}"
    );
    assert_eq!(
        say("drain n1 --force").await,
        [
            "node/n1 cordoned",
            "evicting pod prod/hub-1",
            "pod/hub-1 evicted",
            "node/n1 drained",
            "Warning: deleting Pods that declare no controller: prod/hub-1",
        ]
    );
}

/// A practice world, twenty seconds of it to one of ours.
#[tokio::test(start_paused = true)]
async fn kubectl_drains_what_budgets_let_go() {
    if missing().await {
        return;
    }
    let setup = Setup {
        scenario: "warm".to_owned(),
        faults: vec!["pdb-blocks".parse().unwrap()],
        speed: Speed::Times(20),
        ..Setup::default()
    };
    let practice = Practice::fresh(&setup).unwrap();
    practice.start(Events::new(|_| {}));
    let home = tempfile::tempdir().unwrap();
    serve_on_loopback(practice.kubernetes(), home.path()).await;
    let say = async |arguments: &str| run(home.path(), arguments).await;
    let budgets: Vec<String> = (say("get pdb -n prod").await.into_iter())
        .map(|row| row.rsplit_once(' ').unwrap().0.to_owned())
        .collect();
    assert_eq!(
        budgets,
        [
            "NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS",
            "hub 1 N/A 0",
            "nbgrader 1 N/A 0",
            "proxy 1 N/A 0",
        ]
    );
    let node = say("get pod nbgrader-0 -n prod -o jsonpath={.spec.nodeName}").await;
    let node = node[0].as_str();
    let drain = format!("drain {node} --ignore-daemonsets");
    let refused = say(&format!("{drain} --timeout=3s")).await.join("\n");
    assert!(
        refused.contains("evicting pod prod/nbgrader-0"),
        "{refused}"
    );
    let why = "(will retry after 5s): Cannot evict pod as it would violate the pod's disruption \
               budget.";
    assert!(refused.contains(why), "{refused}");
    assert!(
        !refused.contains(&format!("node/{node} drained")),
        "{refused}"
    );
    let deleted = say("delete pdb nbgrader -n prod").await.join("\n");
    assert!(deleted.contains("deleted"), "{deleted}");
    let drained = say(&drain).await.join("\n");
    for line in [
        "pod/nbgrader-0 evicted".to_owned(),
        format!("node/{node} drained"),
    ] {
        assert!(drained.contains(&line), "{drained}");
    }
    let nobody = say("get pod nbgrader-0 -n prod").await;
    assert_eq!(
        nobody,
        ["Error from server (NotFound): pods \"nbgrader-0\" not found"]
    );
    // The deployment makes another hub at once; the old one is there while it ends.
    let hub = say("get pod -n prod -l component=hub -o name")
        .await
        .remove(0);
    say(&format!("delete {hub} -n prod --wait=false")).await;
    let ending = say(&format!("get {hub} -n prod")).await.join("\n");
    assert!(ending.contains(" 1/1 Terminating 0 "), "{ending}");
}
