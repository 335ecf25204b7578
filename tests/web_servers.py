# SPDX-License-Identifier: Apache-2.0
"""Real web servers, as `ngforge webserver` configures them, and what the viewer asks them for."""

import contextlib
import functools
import gzip
import http.client
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import yaml

from program import run
from site_under_test import LIMIT_S, served

# What a configuration is called in the command that runs it.
FILES = {"nginx": "nginx.conf", "apache": "apache2.conf", "caddy": "Caddyfile"}
RUN_NGINX = """/usr/sbin/nginx -p "$(mktemp -d)" -e stderr -c "$PWD/nginx.conf" -g 'daemon off;'"""


@contextlib.contextmanager
def readable_folder():
    """A folder that the users of web servers may enter; pytest's are closed."""
    folder = Path(tempfile.mkdtemp(prefix="ngforge-web-"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def configuration(server, folder, *options):
    done = run("webserver", server, folder, *options)
    assert done.status == 0, done.err
    return done.out


def command_in(text):
    """The command that the comment at the top of a configuration names."""
    return re.search(r"^#   (.+)$", text, re.M)[1]


@contextlib.contextmanager
def started(command, port, cwd):
    """A server that runs by a shell command until the block ends."""
    with open(cwd / "log", "w") as log:
        # Caddy keeps its last configuration there.
        environment = {**os.environ, "XDG_CONFIG_HOME": str(cwd), "XDG_DATA_HOME": str(cwd)}
        process = subprocess.Popen(["sh", "-c", f"exec {command}"], cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
        try:
            until = time.monotonic() + LIMIT_S
            while True:
                assert process.poll() is None and time.monotonic() < until, f"{command}: {(cwd / 'log').read_text()}"
                with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.01)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(LIMIT_S)


@dataclass
class Configured:
    """A configuration in a file of that name, the command that runs it, and the path of the folder in its URLs."""
    file: str
    text: str
    command: str
    path: str = ""


def _whole(server, folder, port):
    text = configuration(server, folder, "--port", port)
    return Configured(FILES[server], text, command_in(text))


def _compose(folder, port):
    """What the container of a Compose file would do, without one: its nginx.conf, with its folder and port."""
    compose = yaml.safe_load(configuration("nginx", folder, "--compose", "--port", port, "--bind", "127.0.0.1"))
    service = compose["services"]["nginx"]
    (volume,), (ports,) = service["volumes"], service["ports"]
    outside, _, inside = ports.rpartition(":")
    assert outside == f"127.0.0.1:{port}" and volume["source"] == str(folder) and volume["read_only"]
    text = compose["configs"]["nginx"]["content"].replace("$$", "$")
    assert f"listen {inside};" in text and f'root "{volume["target"]}";' in text
    text = text.replace(f"listen {inside};", f"listen 127.0.0.1:{port};").replace(volume["target"], volume["source"])
    return Configured("nginx.conf", text, RUN_NGINX)


def _htaccess(folder, port):
    """An Apache that was there before, with types and compression of its own, and the datasets somewhere in it."""
    (folder / ".htaccess").write_text(configuration("apache", folder, "--htaccess"))
    text = configuration("apache", folder, "--port", port)
    head, rest = text.split("<VirtualHost")
    head = re.sub("TypesConfig.*", "TypesConfig /etc/mime.types\nAddEncoding x-gzip .gz .tgz", head)
    head += f"""LoadModule alias_module ${{modules}}/mod_alias.so
LoadModule deflate_module ${{modules}}/mod_deflate.so
LoadModule env_module ${{modules}}/mod_env.so
LoadModule negotiation_module ${{modules}}/mod_negotiation.so
LoadModule dir_module ${{modules}}/mod_dir.so
LoadModule autoindex_module ${{modules}}/mod_autoindex.so
DocumentRoot /var/lib
Alias /pub/data "{folder}"
<Directory "{folder}">
    Require all granted
    AllowOverride All
    Options Indexes MultiViews
    DirectoryIndex info
    SetOutputFilter DEFLATE
</Directory>
<FilesMatch "^\\.ht">
    Require all denied
</FilesMatch>
"""
    return Configured("apache2.conf", head, command_in(text), "/pub/data")


CONFIGURED = {"nginx": functools.partial(_whole, "nginx"), "nginx-compose": _compose,
              "apache": functools.partial(_whole, "apache"), "apache-htaccess": _htaccess,
              "caddy": functools.partial(_whole, "caddy")}


@contextlib.contextmanager
def running(server, folder, change=lambda text: text, user=None):
    """The URL of a web server that is configured for a folder and run by the command that its configuration names.

    `change`: what is done to the configuration before. `user`: who runs it (only root can say).
    """
    port = free_port()
    configured = CONFIGURED[server](folder, port)
    with tempfile.TemporaryDirectory() as place:
        Path(place, configured.file).write_text(change(configured.text))
        command = configured.command
        if user:
            shutil.chown(place, user)
            command = f"setpriv --reuid={user} --regid=nogroup --clear-groups sh -c {shlex.quote('exec ' + command)}"
        with started(command, port, Path(place)) as url:
            yield url + configured.path
    (folder / ".htaccess").unlink(missing_ok=True)


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def value(self):
        """The body with its encoding undone."""
        encoding = self.headers["Content-Encoding"]
        assert encoding in (None, "gzip"), encoding
        return gzip.decompress(self.body) if encoding else self.body


class Client:
    """Asks one server over one connection. `places`: URL of each dataset by its name. `unpacks`: for who takes no gzip."""

    def __init__(self, places, unpacks=True):
        self.places, self.unpacks = places, unpacks
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(next(iter(places.values()))).netloc, timeout=LIMIT_S)

    def target(self, dataset, key):
        return urllib.parse.urlsplit(self.places[dataset]).path + urllib.parse.quote(key)

    def ask(self, dataset, key, method="GET", **headers):
        return self.send(self.target(dataset, key), method, **headers)

    def send(self, target, method="GET", **headers):
        """One request. Underscores in names of headers mean '-'. No Accept-Encoding unless it is named."""
        for is_last in False, True:
            try:
                self.connection.putrequest(method, target, skip_accept_encoding=True)
                for name, value in {"Origin": "http://viewer.example", **headers}.items():
                    self.connection.putheader(name.replace("_", "-"), value)
                self.connection.endheaders()
                answer = self.connection.getresponse()
                return Answer(answer.status, answer.headers, answer.read())
            except (http.client.RemoteDisconnected, ConnectionError):
                self.connection.close()  # servers close connections after some errors
                if is_last:
                    raise


@contextlib.contextmanager
def ours(folder):
    """A client of our own server for all datasets of a folder."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    with served(*(folder / name for name in names)) as (_, line):
        yield Client({name: entry["url"] for name, entry in zip(names, line["datasets"], strict=True)})


def client_of(url, folder, unpacks):
    places = {path.name: f"{url}/{urllib.parse.quote(path.name)}/" for path in folder.iterdir() if path.is_dir()}
    return Client(places, unpacks)


DEEP = re.compile(r"^(.*/)?(-?\d+--?\d+)/(-?\d+--?\d+)/(-?\d+--?\d+)$")


def viewer_key(path, legacy_folders=()):
    """What the viewer asks for to get a file of a dataset. `legacy_folders`: where manifests may lack ":0"."""
    key = path.removesuffix(".gz")
    if deep := DEEP.match(key):
        return (deep[1] or "") + "_".join(deep.groups()[1:])
    folder, _, name = key.rpartition("/")
    if folder in legacy_folders and re.fullmatch(r"\d+(\.json)?", name):
        return f"{folder}/{name.removesuffix('.json')}:0"
    return key


def stored(dataset):
    """{what the viewer asks for: its bytes} of a dataset on disk."""
    legacy = [str(path.parent.relative_to(dataset)) for path in dataset.rglob("info")
              if "neuroglancer_legacy_mesh" in path.read_text()]
    values = {}
    for path in sorted(dataset.rglob("*")):
        if path.is_file():
            key = viewer_key(str(path.relative_to(dataset)), legacy)
            assert key not in values
            values[key] = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return values
