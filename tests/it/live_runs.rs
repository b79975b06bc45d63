//! The program on a configured target, whose GKE and Kubernetes are on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::canned::{Answer, Recorded};
use crate::cluster::{Cluster, POOL, TOKEN, command, operation};
use crate::program::{Place, Ran};

const WARM_UP: &str = "run warm_up --nodes 2 --on live";

/// Runs the program with a token; the servers go on in the other thread.
fn run(place: &Place, line: &str) -> Ran {
    Ran::from(command(place, line).output().unwrap())
}

/// Every part of `wanted` is in what was written, in this order.
#[track_caller]
fn says(text: &str, wanted: &[&str]) {
    let mut rest = text;
    for part in wanted {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("not (or not in this order): {part}\n{text}");
        };
        rest = after;
    }
}

#[track_caller]
fn nothing_changed(cluster: &Cluster, ran: &Ran) {
    assert_eq!(cluster.changes(), [], "{}", ran.whole());
    says(&ran.out, &["  nothing was changed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_warm_up_sends_two_changes_and_waits_for_the_nodes() {
    let cluster = Cluster::cold().await;
    let ran = run(&cluster.place(""), &format!("{WARM_UP} --yes"));
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""), "{}", ran.whole());
    // GKE reads an enumeration by number as well: 1 is BALANCED.
    let limits = json!({ "autoscaling": { "enabled": true, "minNodeCount": 2, "maxNodeCount": 20,
        "locationPolicy": 1, "unheardOf": "kept" } });
    assert_eq!(
        cluster.changes(),
        [
            (format!("POST {POOL}:setAutoscaling"), limits),
            (format!("POST {POOL}:setSize"), json!({ "nodeCount": 2 })),
        ]
    );
    says(
        &ran.out,
        &[
            "runbook warm_up · live · LIVE\n",
            "from built in: warm_up.rhai (",
            "on p/l/c\n",
            "? Keep 2 nodes of nb-user warm? yes (--yes)\n",
            "~ node pool nb-user: autoscaler limits: 0..20 nodes -> 2..20 nodes\n",
            "operation-1; usual",
            "~ node pool nb-user: size: 0 nodes -> 2 nodes\n",
            "registering 2",
            "2/2 ready",
            "gke-c-nb-user-1: holds callysto/2i2c:0.1.4\n",
            "gke-c-nb-user-2: holds callysto/2i2c:0.1.4\n",
            "✓ warm_up on live: done in ",
        ],
    );
    assert!(!ran.out.contains("practice"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_headline_says_which_file_runs_and_its_hash() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    place.write(
        "runbooks/look.rhai",
        "//! Looks.\nsay(gke::pool(\"nb-user\").status);\n",
    );
    let ran = run(&place, "run look --on live");
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    says(&ran.out, &["from runbooks/look.rhai (", ")\n", "RUNNING\n"]);
    let hash = ran.out.split(['(', ')']).nth(1).unwrap();
    assert!(
        hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_hexdigit()),
        "{hash}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_request_carries_the_token_and_nothing_else_does() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    let ran = run(&place, &format!("{WARM_UP} --yes -vvv"));
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    let seen: Vec<Recorded> = [cluster.gke.seen(), cluster.k8s.seen()].concat();
    assert!(seen.len() > 15);
    for asked in seen {
        assert_eq!(
            asked.header("authorization"),
            format!("Bearer {TOKEN}"),
            "{asked:?}"
        );
    }
    says(
        &ran.whole(),
        &[
            "gke GET /v1/projects/p/locations/l/clusters/c/nodePools/nb-user 200",
            "k8s GET /api/v1/nodes?",
            ":setAutoscaling 200",
            "watch=true",
        ],
    );
    let journal = std::fs::read_to_string(&place.journals()[0]).unwrap();
    assert!(journal.contains("operation-2"));
    for text in [ran.out, ran.err, journal] {
        assert!(!text.contains(TOKEN), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_pool_that_is_warm_is_not_touched() {
    let cluster = Cluster::warm().await;
    let ran = run(&cluster.place(""), WARM_UP);
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    says(
        &ran.out,
        &["✓ Already warm: 2 nodes of nb-user, and the minimum is 2"],
    );
    nothing_changed(&cluster, &ran);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_second_run_finds_the_first_ones_work_done() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    assert_eq!(run(&place, &format!("{WARM_UP} --yes")).exit, 0);
    let again = run(&place, WARM_UP);
    says(&again.out, &["Already warm", "  nothing was changed"]);
    assert_eq!(cluster.changes().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_target_that_wants_its_name_typed_does_not_take_yes() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("confirm = \"type-name\"");
    let ran = run(&place, &format!("{WARM_UP} --yes"));
    assert_eq!(ran.exit, 3, "{}", ran.whole());
    says(
        &ran.err,
        &["a typed confirmation is needed", "--answer warm_up=live"],
    );
    nothing_changed(&cluster, &ran);
    let wrong = run(&place, &format!("{WARM_UP} --yes --answer warm_up=Live"));
    assert_eq!(wrong.exit, 2, "{}", wrong.whole());
    nothing_changed(&cluster, &wrong);
    let ran = run(
        &place,
        &format!("{WARM_UP} --answer unrehearsed=yes --answer warm_up=live"),
    );
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    says(
        &ran.out,
        &["? Keep 2 nodes of nb-user warm? live (--answer)"],
    );
    assert_eq!(cluster.changes().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_a_terminal_a_live_target_wants_a_flag() {
    let cluster = Cluster::cold().await;
    let ran = run(&cluster.place(""), WARM_UP);
    assert_eq!(ran.exit, 3, "{}", ran.whole());
    says(
        &ran.err,
        &["a confirmation is needed", "--yes", "--answer warm_up=yes"],
    );
    nothing_changed(&cluster, &ran);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_missing_permission_names_its_role_and_nothing_is_changed() {
    let cluster = Cluster::where_gke(|asked| {
        let message = "Required \"container.clusters.update\" permission(s) for \"projects/p\".";
        asked
            .line()
            .ends_with(":setAutoscaling")
            .then(|| Answer::google(403, "PERMISSION_DENIED", message))
    })
    .await;
    let ran = run(&cluster.place(""), &format!("{WARM_UP} --yes"));
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    says(
        &ran.err,
        &[
            "container.clusters.update is missing",
            "roles/container.clusterAdmin",
        ],
    );
    says(
        &ran.out,
        &["failed after", "  done:", "debt nodes.nb-user: none -> "],
    );
    assert!(!ran.out.contains("  node pool nb-user"), "{}", ran.whole());
    assert_eq!(cluster.changes().len(), 1);
}

/// What GKE says while another operation holds the cluster.
fn held() -> Answer {
    let mut said: Value = json!({ "error": {
        "code": 400, "status": "FAILED_PRECONDITION",
        "message": "Cluster is running incompatible operation operation-99-upgrade.",
        "details": [] } });
    said["error"]["details"] = json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "domain": "container.googleapis.com",
        "reason": "CLUSTER_ALREADY_HAS_OPERATION" }]);
    Answer {
        status: 400,
        ..Answer::json(&said)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn another_operation_is_shown_by_name_and_waited_for() {
    let (sent, looked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let first = |count: &AtomicUsize| count.fetch_add(1, Ordering::SeqCst) == 0;
    let cluster = Cluster::where_gke(move |asked| {
        let line = asked.line();
        if line.ends_with(":setAutoscaling") && first(&sent) {
            return Some(held());
        }
        line.ends_with("operation-99-upgrade").then(|| {
            let status = if first(&looked) { "RUNNING" } else { "DONE" };
            operation("operation-99-upgrade", "UPGRADE_MASTER", status)
        })
    })
    .await;
    let ran = run(&cluster.place(""), &format!("{WARM_UP} --yes"));
    assert_eq!(ran.exit, 0, "{}", ran.whole());
    says(
        &ran.out,
        &[
            "waiting for another operation: UPGRADE_MASTER operation-99-upgrade",
            "✓ another operation: UPGRADE_MASTER operation-99-upgrade",
            "autoscaler limits: 0..20 nodes -> 2..20 nodes",
        ],
    );
    let (lines, bodies): (Vec<_>, Vec<_>) = cluster.changes().into_iter().unzip();
    let limits = format!("POST {POOL}:setAutoscaling");
    assert_eq!(
        lines,
        [limits.clone(), limits, format!("POST {POOL}:setSize")]
    );
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_credentials_there_is_one_clear_message() {
    let cluster = Cluster::cold().await;
    let place = cluster.place("");
    let mut command = place.command(WARM_UP.split_whitespace());
    let ran = Ran::from(command.env("PATH", place.path()).output().unwrap());
    assert_eq!(ran.exit, 1, "{}", ran.whole());
    says(
        &ran.err,
        &[
            "there are no Google credentials",
            "CLOUDSDK_AUTH_ACCESS_TOKEN is not set",
            "application_default_credentials.json",
            "`gcloud` is not on PATH",
            "run `gcloud auth application-default login`",
        ],
    );
    assert_eq!(
        ran.err.matches("no Google credentials").count(),
        1,
        "{}",
        ran.err
    );
    says(&ran.out, &["  nothing was changed"]);
    assert_eq!(cluster.gke.lines(), Vec::<String>::new());
}
