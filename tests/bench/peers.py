#!/usr/bin/env python3
"""Measures the program beside the peers it is held against, taking turns in one run.

    cargo build --release && python3 tests/bench/peers.py [PROGRAM] [--rounds N] [--only WHAT]

Prints medians of CPU (user + system), wall and peak memory, and each as a ratio to the peer's.
Asserts nothing. Rows whose peer (kubectl, gcloud) or tool (openssl) is absent are skipped.
"""

import argparse
import base64
import contextlib
import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import ssl
import statistics
import subprocess
import sys
import tempfile
import termios
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# A child's peak counts what it was forked from, so a small interpreter starts it, not this one:
# its 8 MiB are the least that can be measured. CPU and wall are the child's alone.
LAUNCHER = """
import os, sys, time
began = time.monotonic()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - began
report = (os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss)
os.write(int(sys.argv[1]), " ".join(map(str, report)).encode())
"""


def measure(command, env, folder):
    """CPU seconds, wall seconds and peak bytes of one command."""
    reading, writing = os.pipe()
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, str(writing), *command],
        env=env, cwd=folder, pass_fds=[writing], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        report = pipe.read().split()
    if not report or report[0] != "0":
        sys.exit(f"{' '.join(command)} failed:\n{ran.stdout.decode()}")
    cpu, wall, peak = map(float, report[1:])
    return cpu, wall, peak * (1 if sys.platform == "darwin" else 1024)


def together(commands, env, folder):
    """Several commands as one: times add up, the largest peak counts."""
    cpu, wall, peak = zip(*(measure(command, env, folder) for command in commands))
    return sum(cpu), sum(wall), max(peak)


def line(title, cpu, wall, peak):
    print(f"  {title:44}{cpu:>10}{wall:>10}{peak:>10}")


def compare(title, want, ours, theirs, env, folder, rounds):
    """Prints medians of both sides, and ours in units of theirs."""
    names, sides = zip(ours, theirs)
    # Once each uncounted: caches fill, folders are made.
    for commands in sides:
        together(commands, env, folder)
    runs = ([], [])
    for _ in range(rounds):
        for commands, measured in zip(sides, runs):
            measured.append(together(commands, env, folder))
    medians = [[statistics.median(column) for column in zip(*measured)] for measured in runs]
    print(f"\n{title}")
    line("", "CPU ms", "wall ms", "peak MiB")
    for name, (cpu, wall, peak) in zip(names, medians):
        line(name, f"{cpu * 1e3:.1f}", f"{wall * 1e3:.1f}", f"{peak / 2**20:.1f}")
    line(f"ratio; {want}", *(f"1/{b / a:.1f}" if a else "-" for a, b in zip(*medians)))


CLUSTER = "projects/p/locations/l/clusters/c"
HOST = "https://container.googleapis.com/v1"
OPERATION = {
    "name": "operation-1", "operationType": "SET_NODE_POOL_SIZE", "status": "DONE",
    "selfLink": f"{HOST}/projects/p/locations/l/operations/operation-1",
    "targetLink": f"{HOST}/{CLUSTER}/nodePools/nb-user",
    "startTime": "2026-01-15T13:00:00Z", "endTime": "2026-01-15T13:00:00Z",
}
POOL = {
    "name": "nb-user", "status": "RUNNING", "version": "1.33.1", "initialNodeCount": 0,
    "config": {"machineType": "n1-highmem-8"}, "locations": ["l-b"],
    "autoscaling": {"enabled": True, "maxNodeCount": 20}, "instanceGroupUrls": [],
    "selfLink": f"{HOST}/{CLUSTER}/nodePools/nb-user",
}
NODE = {
    "metadata": {
        "name": "gke-c-nb-user-99aabbcc-0001",
        "labels": {"cloud.google.com/gke-nodepool": "nb-user", "topology.kubernetes.io/zone": "l-b"},
    },
    "spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}
AUTOSCALER = {
    "apiVersion": "v1", "kind": "ConfigMap",
    "metadata": {"name": "cluster-autoscaler-status", "namespace": "kube-system"},
    "data": {"status": "nodeGroups:\n- name: zones/l-b/instanceGroups/gke-c-nb-user-99aabbcc-grp\n"
                       "  health:\n    cloudProviderTarget: 1\n"},
}


class Mock(BaseHTTPRequestHandler):
    """Answers like GKE and like the Kubernetes of its cluster, at once; nothing ever changes."""

    protocol_version = "HTTP/1.1"
    # An answer in two packets would wait 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1
    kubernetes = authority = ""
    changes = []

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        status, reply = 200, OPERATION
        if self.command != "GET":
            self.changes.append(f"{self.command} {path}")
        elif path.endswith("/operations"):
            reply = {"operations": []}
        elif path.endswith("/nodePools/nb-user"):
            reply = POOL
        elif path.endswith("/clusters/c"):
            reply = {
                "name": "c", "location": "l", "status": "RUNNING", "nodePools": [POOL],
                "endpoint": self.kubernetes, "currentMasterVersion": "1.33.1", "locations": ["l-b"],
                "masterAuth": {"clusterCaCertificate": self.authority},
                "selfLink": f"{HOST}/{CLUSTER}",
            }
        elif path == "/api/v1/nodes":
            reply = {"kind": "NodeList", "apiVersion": "v1", "items": [NODE],
                     "metadata": {"resourceVersion": "1"}}
        elif path.endswith("/configmaps/cluster-autoscaler-status"):
            reply = AUTOSCALER
        elif "/operations/" not in path:
            status, reply = 404, {"kind": "Status", "status": "Failure", "code": 404,
                                  "reason": "NotFound", "message": f"{path} is not mocked"}
        text = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


def serve(context=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mock)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}"


def start_mock(folder):
    """Serves GKE over HTTP and Kubernetes over TLS; the address of GKE."""
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "ca.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mock",
         "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
         "-keyout", key, "-out", certificate],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    Mock.kubernetes = serve(context)
    with open(certificate, "rb") as file:
        Mock.authority = base64.b64encode(file.read()).decode()
    return f"http://{serve()}"


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def mutations(program, env, folder, rounds):
    url = start_mock(folder)
    write(folder, "runbooks/bench.rhai",
          '//! Three mutations.\nlet pool = gke::pool("nb-user");\n'
          "pool.raise_limits(2, 20);\npool.grow(2);\npool.grow(3);\n")
    write(folder, "runbook.toml",
          f'[target.mock]\nproject = "p"\nlocation = "l"\ncluster = "c"\nendpoint = "{url}"\n')
    measure([program, "trust"], env, folder)
    env = env | {
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER": url + "/",
        "CLOUDSDK_AUTH_ACCESS_TOKEN": "bench", "CLOUDSDK_CORE_PROJECT": "p",
    }
    where = ["c", "--location", "l", "--node-pool", "nb-user", "--quiet"]
    clusters = ["gcloud", "container", "clusters"]
    ours = [[program, "run", "bench", "--on", "mock"]]
    theirs = [
        [*clusters, "update", *where, "--no-enable-autoscaling"],
        [*clusters, "resize", *where, "--num-nodes", "2"],
        [*clusters, "update", *where, "--enable-autoscaling", "--min-nodes", "2", "--max-nodes", "20"],
    ]
    compare("Mutations of a warm-up, against an instant mock", "want 1/20 of the time, 1/3 of the memory",
            ("runbook run bench --on mock", ours), ("the three gcloud commands", theirs),
            env, folder, rounds)
    for name, commands in (("runbook", ours), ("gcloud", theirs)):
        Mock.changes.clear()
        together(commands, env, folder)
        print(f"  {len(Mock.changes)} mutations by {name}: "
              + ", ".join(change.rsplit("/", 1)[-1] for change in Mock.changes))


def crowd_server():
    """Builds the server of large clusters; its program."""
    built = subprocess.run(
        ["cargo", "build", "--release", "--bench", "crowd", "--message-format", "json"],
        cwd=os.path.dirname(os.path.abspath(__file__)), check=True, stdout=subprocess.PIPE,
    )
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return next(m["executable"] for m in messages
                if m.get("executable") and m["target"]["name"] == "crowd")


@contextlib.contextmanager
def crowd(server, nodes, pods, changes, env, folder):
    """A cluster of that size in a process of its own, which both programs are led to."""
    command = [server, "serve", str(nodes), str(pods), str(changes)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    where = json.loads(process.stdout.readline())
    write(folder, "runbook.toml",
          '[target.crowd]\nproject = "p"\nlocation = "l"\ncluster = "c"\n'
          f'watch = {json.dumps(where["namespaces"])}\nendpoint = "{where["gke"]}"\n')
    write(folder, "kubeconfig", json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "crowd",
        "clusters": [{"name": "crowd", "cluster": {
            "server": where["kubernetes"], "certificate-authority-data": where["authority"]}}],
        "users": [{"name": "crowd", "user": {"token": "bench"}}],
        "contexts": [{"name": "crowd", "context": {
            "cluster": "crowd", "user": "crowd"}}],
    }))
    env = env | {"KUBECONFIG": os.path.join(folder, "kubeconfig"),
                 "CLOUDSDK_AUTH_ACCESS_TOKEN": "bench"}
    measure([env["RUNBOOK"], "trust"], env, folder)
    try:
        yield env
    finally:
        process.stdin.close()
        process.wait()


def pods(program, server, env, folder, rounds):
    with crowd(server, 400, 10_000, 0, env, folder) as env:
        for flags in ([], ["--all"]):
            words = " ".join(["runbook run pods", *flags])
            compare("10,000 pods", "want 1/10 of the time, 1/8 of the memory",
                    (words, [[program, "run", "pods", "--on", "crowd", *flags]]),
                    ("kubectl get pods -A", [["kubectl", "get", "pods", "-A"]]), env, folder, rounds)


def live(program, server, env, folder, seconds=30):
    """The screen of a large cluster that changes, on a terminal of its own."""
    with crowd(server, 5_000, 100_000, 50, env, folder) as env:
        screen, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        process = subprocess.Popen(
            [program, "run", "pods", "--live", "--on", "crowd"], cwd=folder,
            env=env | {"TERM": "xterm-256color"}, start_new_session=True,
            stdin=terminal, stdout=terminal, stderr=terminal,
        )
        os.close(terminal)
        shown = []
        threading.Thread(target=drain, args=(screen, shown), daemon=True).start()
        began = time.monotonic()
        while not settled(process.pid):
            if process.poll() is not None or time.monotonic() - began > 300:
                sys.exit(f"pods --live did not settle:\n{b''.join(shown)[-2000:].decode(errors='replace')}")
        synced = time.monotonic() - began
        before, written = spent(process.pid), sum(map(len, shown))
        time.sleep(seconds)
        used, written = spent(process.pid) - before, sum(map(len, shown)) - written
        with open(f"/proc/{process.pid}/status") as status:
            memory = {line.split(":")[0]: int(line.split()[1]) / 1024
                      for line in status if line.startswith(("VmHWM", "VmRSS"))}
        process.send_signal(signal.SIGINT)
        process.wait()
        print(f"\npods --live, 100,000 pods, 50 changes a second, {seconds} s; "
              "want under 2 % of a core and 600 MiB")
        print(f"  {used / seconds * 100:.2f} % of a core, {memory['VmRSS']:.0f} MiB, "
              f"at its peak {memory['VmHWM']:.0f} MiB; everything was there after {synced:.1f} s; "
              f"{written / seconds / 1024:.1f} KiB/s to the screen")


def drain(screen, shown):
    with contextlib.suppress(OSError):
        while text := os.read(screen, 65536):
            shown.append(text)


def spent(pid):
    """CPU seconds of a process so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settled(pid):
    """Whether it has had hardly anything to do for two seconds."""
    with contextlib.suppress(OSError):
        before = spent(pid)
        time.sleep(2)
        return before > 0.5 and spent(pid) - before < 0.2
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", default="target/release/runbook")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", choices=["start", "rehearsal", "mutations", "pods", "live"])
    said = parser.parse_args()
    program, rounds = os.path.abspath(said.program), said.rounds
    if not os.access(program, os.X_OK):
        sys.exit(f"{program} is not there: cargo build --release, or name another")
    missing = {tool for tool in ("kubectl", "gcloud", "openssl") if not shutil.which(tool)}
    for tool in sorted(missing):
        print(f"skipped: what needs {tool}, which is not on PATH")
    print(f"{rounds} rounds each, taking turns; medians")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        env = {
            "PATH": os.environ["PATH"], "HOME": folder, "RUNBOOK": program,
            "RUNBOOK_STATE_DIR": os.path.join(folder, "state"),
            "CLOUDSDK_CONFIG": os.path.join(folder, "gcloud"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
        }
        wanted = [said.only] if said.only else ["start", "rehearsal", "mutations", "pods", "live"]
        if "start" in wanted and "kubectl" not in missing:
            compare("Starting up", "want 1/10 (about 10 ms, 20 MiB)",
                    ("runbook list", [[program, "list"]]),
                    ("kubectl version --client", [["kubectl", "version", "--client"]]),
                    env, folder, rounds)
        if "rehearsal" in wanted and "gcloud" not in missing:
            compare("A rehearsal, journal and all", "want 1/10 (about 70 ms)",
                    ("runbook rehearse warm_up --nodes 2",
                     [[program, "rehearse", "warm_up", "--nodes", "2", "--speed", "max"]]),
                    ("gcloud version", [["gcloud", "version"]]), env, folder, rounds)
            runs = os.path.join(env["RUNBOOK_STATE_DIR"], "runs")
            journals = os.listdir(runs) if os.path.isdir(runs) else []
            print(f"  {len(journals)} journals were written")
        if "mutations" in wanted and not missing & {"gcloud", "openssl"}:
            mutations(program, env, folder, rounds)
        if {"pods", "live"} & set(wanted):
            server = crowd_server()
        if "pods" in wanted and "kubectl" not in missing:
            pods(program, server, env, folder, rounds)
        if "live" in wanted and sys.platform == "linux":
            live(program, server, env, folder)


if __name__ == "__main__":
    main()
