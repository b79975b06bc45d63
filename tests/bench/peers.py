#!/usr/bin/env python3
"""Measures the program beside named peers, taking turns in one run; prints ratios, asserts nothing.

    cargo build --release && python3 tests/bench/peers.py [ROUNDS]

CPU is user + system seconds of the child, memory its peak, both as the system counts them.
Needs gcloud and kubectl for their rows, and openssl for the mock's certificate.
"""

import base64
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 10
PROGRAM = os.path.abspath("target/release/runbook")
TIME = "/usr/bin/time"
CLUSTER = "projects/p/locations/l/clusters/c"


def measure(command, env, folder):
    """CPU seconds, wall seconds and peak KiB of one command."""
    # A child's peak counts from its fork, so it would be this interpreter's: `time` is smaller.
    peak_file = os.path.join(folder, "peak")
    if os.access(TIME, os.X_OK):
        command = [TIME, "-f", "%M", "-o", peak_file] + command
    began = time.monotonic()
    child = subprocess.Popen(
        command, env=env, cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command} failed:\n{said.decode()}")
    peak = usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    if command[0] == TIME:
        with open(peak_file) as file:
            peak = int(file.read().split()[-1])
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, peak


def together(commands, env, folder):
    """Several commands as one: times add up, the largest peak counts."""
    each = [measure(command, env, folder) for command in commands]
    cpu, wall, peak = zip(*each)
    return sum(cpu), sum(wall), max(peak)


def compare(title, ours, theirs, env, folder):
    """Medians of both, and theirs in units of ours."""
    runs = ([], [])
    for _ in range(ROUNDS):
        for commands, measured in ((ours, runs[0]), (theirs, runs[1])):
            measured.append(together(commands, env, folder))
    medians = [[statistics.median(column) for column in zip(*run)] for run in runs]
    print(f"\n{title} ({ROUNDS} rounds, medians)")
    for name, (cpu, wall, peak) in zip(("runbook", "peer"), medians):
        print(f"  {name:8} {cpu * 1000:8.1f} ms CPU {wall * 1000:8.1f} ms wall {peak / 1024:7.1f} MiB")
    cpu, wall, peak = (a / b if b else float("nan") for a, b in zip(*medians))
    print(f"  ratio    1/{1 / cpu:.1f} of the CPU, 1/{1 / wall:.1f} of the wall, 1/{1 / peak:.1f} of the memory"
          if cpu and wall and peak else "  ratio    too small to measure")


OPERATION = {
    "name": "operation-1", "operationType": "SET_NODE_POOL_SIZE", "status": "DONE",
    "selfLink": "https://container.googleapis.com/v1/projects/p/locations/l/operations/operation-1",
    "targetLink": f"https://container.googleapis.com/v1/{CLUSTER}/nodePools/nb-user",
    "startTime": "2026-01-15T13:00:00Z", "endTime": "2026-01-15T13:00:00Z",
}
POOL = {
    "name": "nb-user", "status": "RUNNING", "version": "1.33.1", "initialNodeCount": 0,
    "config": {"machineType": "n1-highmem-8"}, "locations": ["l-b"],
    "autoscaling": {"enabled": True, "maxNodeCount": 20},
    "instanceGroupUrls": [], "selfLink": f"https://container.googleapis.com/v1/{CLUSTER}/nodePools/nb-user",
}
MUTATIONS = []


class Mock(BaseHTTPRequestHandler):
    """Answers like GKE and like an empty Kubernetes, at once."""

    protocol_version = "HTTP/1.1"
    # An answer in two packets would wait 40 ms for an acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1
    kubernetes = ""
    authority = ""

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = self.path.split("?")[0]
        status = 200
        if self.command != "GET":
            MUTATIONS.append((self.command, path, body.decode()))
            reply = OPERATION
        elif "/operations/" in path:
            reply = OPERATION
        elif path.endswith("/operations"):
            reply = {"operations": []}
        elif path.endswith("/nodePools/nb-user"):
            reply = POOL
        elif path.endswith("/clusters/c"):
            reply = {
                "name": "c", "location": "l", "status": "RUNNING", "nodePools": [POOL],
                "endpoint": self.kubernetes, "masterAuth": {"clusterCaCertificate": self.authority},
                "selfLink": f"https://container.googleapis.com/v1/{CLUSTER}",
                "currentMasterVersion": "1.33.1", "locations": ["l-b"],
            }
        elif path == "/api/v1/nodes":
            reply = {"kind": "NodeList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}
        else:
            status = 404
            reply = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
                     "code": 404, "message": "not found"}
        text = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        self.wfile.flush()

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


def serve(handler, context=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}"


def start_mock(folder):
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "ca.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mock",
         "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
         "-keyout", key, "-out", certificate],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    Mock.kubernetes = serve(Mock, context)
    with open(certificate, "rb") as file:
        Mock.authority = base64.b64encode(file.read()).decode()
    return f"http://{serve(Mock)}"


def main():
    folder = tempfile.mkdtemp()
    env = {
        "PATH": os.environ["PATH"], "HOME": folder, "RUNBOOK_STATE_DIR": os.path.join(folder, "state"),
        "CLOUDSDK_CONFIG": os.path.join(folder, "gcloud"), "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_AUTH_ACCESS_TOKEN": "bench", "CLOUDSDK_CORE_PROJECT": "p",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "1", "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "1",
    }
    try:
        if shutil.which("kubectl"):
            compare("runbook list : kubectl version --client",
                    [[PROGRAM, "list"]], [["kubectl", "version", "--client"]], env, folder)
        else:
            print("skipped: kubectl is not on PATH")
        if not shutil.which("gcloud"):
            print("skipped: gcloud is not on PATH")
            return
        compare("runbook rehearse warm_up --speed max : gcloud version",
                [[PROGRAM, "rehearse", "warm_up", "--nodes", "2", "--speed", "max"]],
                [["gcloud", "version"]], env, folder)
        if not shutil.which("openssl"):
            print("skipped: openssl is not on PATH")
            return
        url = start_mock(folder)
        os.makedirs(os.path.join(folder, "runbooks"))
        with open(os.path.join(folder, "runbooks", "bench.rhai"), "w") as file:
            file.write('//! Three mutations.\nlet pool = gke::pool("nb-user");\n'
                       "pool.raise_limits(2, 20);\npool.grow(2);\npool.grow(3);\n")
        with open(os.path.join(folder, "runbook.toml"), "w") as file:
            file.write(f'[target.mock]\nproject = "p"\nlocation = "l"\ncluster = "c"\nendpoint = "{url}"\n')
        measure([PROGRAM, "trust"], env, folder)
        env["CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER"] = url + "/"
        gcloud = ["gcloud", "container", "clusters", "--quiet", "--project", "p"]
        where = ["c", "--location", "l", "--node-pool", "nb-user"]
        compare("three mutations of a warm-up : the three gcloud commands they replace",
                [[PROGRAM, "run", "bench", "--on", "mock"]],
                [gcloud + ["update"] + where + ["--no-enable-autoscaling"],
                 gcloud + ["resize"] + where + ["--num-nodes", "2"],
                 gcloud + ["update"] + where + ["--enable-autoscaling", "--min-nodes", "2", "--max-nodes", "20"]],
                env, folder)
        print(f"  {len(MUTATIONS) / ROUNDS:.0f} mutations a round reached the mock")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
