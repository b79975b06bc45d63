"""A hub for tests: a spawner named as Kubernetes' own, and tokens that may as much as they should."""

import asyncio
import json
import os
import sys
from datetime import datetime, timezone

from jupyterhub.spawner import SimpleLocalProcessSpawner
from tornado.httpclient import AsyncHTTPClient
from traitlets import Unicode

PORT = os.environ["TEST_PORT"]
API = os.environ["TEST_API_PORT"]
SERVICE = os.environ["TEST_SERVICE_PORT"]
FOLDER = os.environ["TEST_FOLDER"]
GENERATION = os.environ["CONFIGURATOR_GENERATION"]
# What the tokens for tests may do, which whoever makes them must be able to as well.
SCOPES = json.loads(os.environ["TEST_SCOPES"])


def said(kind, message):
    """An event as the spawner of Kubernetes tells it."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    event = {"type": kind, "message": message, "lastTimestamp": now}
    return {"progress": 50, "raw_event": event, "message": f"{now} [{kind}] {message}"}


class KubeSpawner(SimpleLocalProcessSpawner):
    """Starts a process, whatever the image; the image's tag says what goes wrong."""

    image = Unicode("chart/own:1", config=True)
    trouble = ""

    async def configured(self):
        """What the configurator's mixin does before each start."""
        url = f"http://127.0.0.1:{SERVICE}/services/configurator/config"
        answer = await AsyncHTTPClient().fetch(url)
        config = json.loads(answer.body)
        if GENERATION == "schema":
            properties = config["schema"]["properties"]
            pairs = [(properties[key]["traitlet"], value) for key, value in config["config"].items()]
        else:
            pairs = config.items()
        image = "chart/own:1"
        for name, value in pairs:
            kind, trait = name.split(".")
            if value and kind == "KubeSpawner" and trait == "image":
                image = value
        self.image = image

    async def start(self):
        self.trouble = ""
        await self.configured()
        tag = self.image.rsplit(":", 1)[-1]
        if tag in ("no-such-tag", "crash"):
            self.trouble = tag
            await asyncio.sleep(3600)
        return await super().start()

    async def progress(self):
        yield said("Normal", f"Pulling image \"{self.image}\"")
        while not self.trouble:
            await asyncio.sleep(0.1)
        if self.trouble == "no-such-tag":
            yield said("Warning", f"Failed to pull image \"{self.image}\": not found")
            yield said("Warning", "Error: ErrImagePull")
        if self.trouble == "crash":
            yield said("Warning", "Back-off restarting failed container notebook in pod jupyter-x")


c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{PORT}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{API}"
c.JupyterHub.db_url = f"sqlite:///{FOLDER}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{FOLDER}/cookie"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = KubeSpawner
# As zero-to-jupyterhub has it: a start is answered at once.
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
c.ConfigurableHTTPProxy.command = [os.environ["TEST_PROXY"]]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ['TEST_PROXY_API_PORT']}"
c.Authenticator.admin_users = {"operator"}
c.Authenticator.allowed_users = {"operator", "pupil"}
if not os.environ["TEST_VERSION"].startswith("4"):
    c.Authenticator.allow_all = True
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.http_timeout = 60
c.Spawner.start_timeout = 15
c.SimpleLocalProcessSpawner.home_dir_template = FOLDER + "/home/{username}"

c.JupyterHub.services = [
    {
        "name": "configurator",
        "url": f"http://127.0.0.1:{SERVICE}",
        "command": [sys.executable, os.path.join(os.environ["TEST_SOURCE"], "configurator.py")],
        "environment": {
            "CONFIGURATOR_GENERATION": GENERATION,
            "CONFIGURATOR_STORE": FOLDER + "/configurator_data.json",
        },
        "oauth_no_confirm": True,
    },
    # Makes the other tokens, and is then of no use.
    {"name": "tests", "api_token": os.environ["TEST_TOKEN"]},
]
c.JupyterHub.load_roles = [
    {
        "name": "tests",
        "scopes": ["admin:users", "tokens", "admin:servers", "access:servers", "access:services", *SCOPES],
        "services": ["tests"],
    },
    {"name": "user", "scopes": ["self", "access:services!service=configurator"]},
]
