"""A configurator as hubs run it, in both its generations, with everything it lets through.

A service of JupyterHub. It checks nothing, a write replaces everything, and whoever reads needs no
login. Made after the measured behaviour of the real ones, not after their code.
"""

import json
import os

import tornado.ioloop
import tornado.web
from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated

GENERATION = os.environ["CONFIGURATOR_GENERATION"]
STORE = os.environ["CONFIGURATOR_STORE"]
PREFIX = os.environ["JUPYTERHUB_SERVICE_PREFIX"]

IMAGE = {"type": "string", "title": "User docker image"}
URL = {"type": "string", "title": "Default User Interface", "enum": ["/tree", "/lab"]}
SCHEMA = {
    "traitlets": {
        "type": "object",
        "name": "config",
        "properties": {"KubeSpawner.image": IMAGE, "Spawner.default_url": URL},
    },
    "schema": {
        "type": "object",
        "name": "config",
        "properties": {
            "z2jh.image": {**IMAGE, "traitlet": "KubeSpawner.image"},
            "z2jh.default_interface": {**URL, "traitlet": "Spawner.default_url"},
        },
    },
}[GENERATION]


def stored():
    try:
        with open(STORE) as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


class Config(HubOAuthenticated, tornado.web.RequestHandler):
    def get(self):
        if GENERATION == "schema":
            self.write({"schema": SCHEMA, "config": stored()})
            return
        config = stored()
        if isinstance(config, str):
            self.set_header("content-type", "application/json")
        # A list or nothing cannot be written, and that is a 500.
        self.write(config)

    @tornado.web.authenticated
    def post(self):
        if self.current_user["admin"] is not True:
            raise tornado.web.HTTPError(403)
        config = json.loads(self.request.body)
        with open(STORE, "w") as file:
            json.dump(config, file)


class Page(HubOAuthenticated, tornado.web.RequestHandler):
    what = "page"

    @tornado.web.authenticated
    def get(self):
        if self.current_user["admin"] is not True:
            raise tornado.web.HTTPError(403)
        self.write(SCHEMA if self.what == "schema" else "<html>configurator</html>")


class Schema(Page):
    what = "schema"


def main():
    handlers = [
        (PREFIX + "oauth_callback", HubOAuthCallbackHandler),
        (PREFIX + "config", Config),
        (PREFIX, Page),
    ]
    if GENERATION == "traitlets":
        handlers.append((PREFIX + "schema", Schema))
    app = tornado.web.Application(handlers, cookie_secret=os.urandom(32), debug=True, autoreload=False)
    address = os.environ["JUPYTERHUB_SERVICE_URL"].rsplit(":", 1)
    app.listen(int(address[1].rstrip("/")), "127.0.0.1")
    tornado.ioloop.IOLoop.current().start()


main()
