"""Starts a hub for tests, says where it is, and ends it when its own input ends.

    python start.py --generation traitlets|schema --proxy PROGRAM

prints one line of JSON: {"url", "version", "token", "narrow", "pupil"}.
"""

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

CHECKER = "deployment-service-check"
SCOPES = [
    "access:services!service=configurator",
    "list:users",
    "read:servers",
    "read:users:activity",
    "read:hub",
    f"admin:users!user={CHECKER}",
    f"servers!user={CHECKER}",
    f"access:servers!user={CHECKER}",
]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


class Hub:
    def __init__(self, generation, proxy, folder):
        import jupyterhub

        self.version = jupyterhub.__version__
        self.token = secrets.token_hex(16)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        source = os.path.dirname(os.path.abspath(__file__))
        env = {
            **os.environ,
            "TEST_PORT": self.port,
            "TEST_API_PORT": free_port(),
            "TEST_SERVICE_PORT": free_port(),
            "TEST_PROXY_API_PORT": free_port(),
            "TEST_FOLDER": folder,
            "TEST_SOURCE": source,
            "TEST_PROXY": proxy,
            "TEST_TOKEN": self.token,
            "TEST_VERSION": self.version,
            "TEST_SCOPES": json.dumps(SCOPES),
            "CONFIGURATOR_GENERATION": generation,
        }
        self.log = open(os.path.join(folder, "hub.log"), "a+")
        config = os.path.join(source, "jupyterhub_config.py")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", config],
            cwd=folder, env=env, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True,
        )

    def ask(self, method, path, body=None, token=None):
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"token {token or self.token}")
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(request, data, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def is_up(self):
        """Whether it and its service can be asked; it ends itself when the service is slow to come."""
        until = time.monotonic() + 90
        while time.monotonic() < until and self.process.poll() is None:
            try:
                self.ask("GET", "/hub/api/")
                self.ask("GET", "/services/configurator/config")
                return True
            except (urllib.error.URLError, OSError, ValueError):
                time.sleep(0.2)
        return False

    def token_of(self, user, scopes=None):
        body = {"note": "tests", **({"scopes": scopes} if scopes is not None else {})}
        return self.ask("POST", f"/hub/api/users/{user}/tokens", body)["token"]

    def end(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(10)
                return
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--generation", choices=["traitlets", "schema"], required=True)
    parser.add_argument("--proxy", required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hub-") as folder:
        for _ in range(3):
            hub = Hub(given.generation, given.proxy, folder)
            if hub.is_up():
                break
            hub.end()
        else:
            hub.log.seek(0)
            sys.exit("the hub does not start:\n" + hub.log.read()[-4000:])
        try:
            print(json.dumps({
                "url": hub.url,
                "version": hub.version,
                "token": hub.token_of("operator", SCOPES),
                "narrow": hub.token_of("operator", ["read:users:name!user=operator"]),
                "pupil": hub.token_of("pupil"),
            }), flush=True)
            sys.stdin.read()
        finally:
            hub.end()


main()
