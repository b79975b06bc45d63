//! Commands in containers, by kube's own WebSocket client, with the time paused.

use futures::SinkExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{AttachParams, AttachedProcess, TerminalSize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::sim::door;

fn pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "prod", "name": "jupyter-ada", "labels": {}},
        "spec": {"nodeName": "n1", "containers": [{"name": "notebook"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "notebook",
            "state": {"running": {"startedAt": "2026-01-15T12:00:00Z"}}}]}})
}

fn cluster() -> Bare {
    let cluster = Bare::empty();
    cluster.put(pod());
    cluster
}

fn pods(cluster: &Bare) -> Api<Pod> {
    let service = door::service(router(cluster.clone()));
    Api::namespaced(kube::Client::new(service, "default"), "prod")
}

async fn exec(cluster: &Bare, argv: &[&str], params: &AttachParams) -> AttachedProcess {
    let argv = argv.iter().map(|word| (*word).to_owned());
    let argv: Vec<String> = argv.collect();
    let process = pods(cluster).exec("jupyter-ada", argv, params).await;
    process.unwrap()
}

/// Everything it writes, its complaints after a bar, and what its status says.
async fn whole(process: AttachedProcess) -> (String, Value) {
    // Pings go on for ever.
    let hour = std::time::Duration::from_hours(1);
    tokio::time::timeout(hour, wholly(process)).await.unwrap()
}

async fn wholly(mut process: AttachedProcess) -> (String, Value) {
    let status = process.take_status().unwrap();
    let mut text = String::new();
    process
        .stdout()
        .unwrap()
        .read_to_string(&mut text)
        .await
        .unwrap();
    if let Some(mut stderr) = process.stderr() {
        text.push('|');
        stderr.read_to_string(&mut text).await.unwrap();
    }
    let status = serde_json::to_value(status.await.unwrap()).unwrap();
    process.join().await.unwrap();
    (text, status)
}

#[tokio::test(start_paused = true)]
async fn kube_s_own_client_runs_a_command_over_the_practice_door() {
    let cluster = cluster();
    let began = Instant::now();
    let command = ["sh", "-c", "sleep 90; echo out; echo err >&2; exit 3"];
    let plain = AttachParams::default();
    let (text, status) = whole(exec(&cluster, &command, &plain).await).await;
    assert_eq!(text, "out\n|err\n");
    assert_eq!(status["reason"], "NonZeroExitCode");
    assert_eq!(
        status["details"]["causes"][0],
        json!({"reason": "ExitCode", "message": "3"})
    );
    assert_eq!(began.elapsed().as_secs(), 90);
    let (text, status) = whole(exec(&cluster, &["nosuch", "-x"], &plain).await).await;
    assert_eq!((text.as_str(), &status["code"]), ("|", &json!(500)));
    assert!(
        status["message"]
            .as_str()
            .unwrap()
            .contains("\"nosuch\": executable file not found")
    );
}

#[tokio::test(start_paused = true)]
async fn a_shell_at_a_terminal_echoes_prompts_and_knows_its_size() {
    let cluster = cluster();
    let params = AttachParams::interactive_tty();
    let mut process = exec(&cluster, &["sh"], &params).await;
    let mut size = process.terminal_size().unwrap();
    size.send(TerminalSize {
        width: 100,
        height: 30,
    })
    .await
    .unwrap();
    // The two have no order between them.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let mut stdin = process.stdin().unwrap();
    stdin
        .write_all(b"stty sixe\x7f\x7fze\rsleep 60\r")
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    stdin.write_all(b"\x03echo $?\rexit 4\r").await.unwrap();
    let (text, status) = whole(process).await;
    let prompt = "jovyan@jupyter-ada:~$ ";
    assert_eq!(
        text,
        format!(
            "{prompt}stty sixe\x08 \x08\x08 \x08ze\r\n30 100\r\n{prompt}sleep 60\r\n^C\r\n{prompt}\
             echo $?\r\n130\r\n{prompt}exit 4\r\n"
        )
    );
    assert_eq!(status["details"]["causes"][0]["message"], "4");
}

#[tokio::test(start_paused = true)]
async fn what_is_typed_ends_with_its_channel() {
    let cluster = cluster();
    let params = AttachParams {
        stdin: true,
        ..AttachParams::default()
    };
    let mut process = exec(&cluster, &["cat"], &params).await;
    let mut stdin = process.stdin().unwrap();
    stdin.write_all(b"typed\n").await.unwrap();
    stdin.shutdown().await.unwrap();
    let (text, status) = whole(process).await;
    assert_eq!(
        (text.as_str(), &status["status"]),
        ("typed\n|", &json!("Success"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_goes_away_takes_its_commands_along() {
    let cluster = cluster();
    let process = exec(&cluster, &["sleep", "600"], &AttachParams::default()).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    cluster.remove("Pod", Some("prod"), "jupyter-ada");
    let (_, status) = whole(process).await;
    assert_eq!(status["details"]["causes"][0]["message"], "137");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_run_is_refused_before_anything_is_spoken() {
    let cluster = cluster();
    let in_container = |container: &str| AttachParams::default().container(container);
    let refused = async |name: &str, params: AttachParams| {
        let refused = pods(&cluster).exec(name, ["sh"], &params).await;
        let Err(kube::Error::Api(status)) = refused else {
            panic!("not refused");
        };
        (status.code, status.message)
    };
    let answer = refused("jupyter-bob", AttachParams::default()).await;
    assert_eq!(answer, (404, "pods \"jupyter-bob\" not found".to_owned()));
    let (code, message) = refused("jupyter-ada", in_container("web")).await;
    assert_eq!(
        (code, message.as_str()),
        (400, "container web is not valid for pod jupyter-ada")
    );
    let spdy = Request::post("/api/v1/namespaces/prod/pods/jupyter-ada/exec?command=sh")
        .header(header::UPGRADE, "SPDY/3.1")
        .body(Body::empty());
    let answer = router(cluster.clone())
        .oneshot(spdy.unwrap())
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
}
