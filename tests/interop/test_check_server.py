# SPDX-License-Identifier: Apache-2.0
"""What web servers do wrong is found by `check` over http, each fault alone; good servers give no finding."""

import functools
import gzip
import http.server
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from site_under_test import served

import volumes
import web
from program import convert, run
from volumes import save_nifti


class Server(http.server.BaseHTTPRequestHandler):
    """A plain web server. `faults`: what it does wrong."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each body waits 40 ms for its head to be acknowledged

    def __init__(self, *arguments, folder, faults):
        self.folder, self.faults = folder, faults
        super().__init__(*arguments)

    def do_HEAD(self):
        if "head 405" in self.faults:
            return self.send(405, b"")
        if "head 500" in self.faults:
            return self.send(500, b"")
        self.do_GET()

    def do_GET(self):
        path = Path(self.folder + unquote(self.path))
        packed = path.with_name(path.name + ".gz")
        if path.is_file():
            body, encoding = path.read_bytes(), None
        elif packed.is_file() and "no gz" not in self.faults:
            body, encoding = packed.read_bytes(), "gzip"
            if "bare gzip" in self.faults:
                encoding = None
            if "gzip twice" in self.faults:
                body = gzip.compress(body)
        else:
            body, encoding = b"<html>no such page</html>", None
            return self.send(200 if "no 404" in self.faults else 403 if "403" in self.faults else 404, body)
        if path.suffix == ".shard" and "packed shards" in self.faults:
            return self.send(200, gzip.compress(body), "gzip")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted or "no range" in self.faults:
            return self.send(200, body, encoding)
        begin, end = int(wanted[1]), int(wanted[2]) + 1
        self.send(206, body[begin:end], encoding, f"bytes {begin}-{end - 1}/{len(body)}")

    def send(self, status, body, encoding=None, content_range=None):
        self.send_response(status)
        if "no cors" not in self.faults and not (status == 404 and "no cors 404" in self.faults):
            self.send_header("Access-Control-Allow-Origin",
                             "http://elsewhere" if "other origin" in self.faults else "*")
        if encoding:
            self.send_header("Content-Encoding", encoding)
        if content_range:
            self.send_header("Content-Range", content_range)
        if self.command != "HEAD" or "no length" not in self.faults:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def serving(folder, *faults):
    return web.answering(functools.partial(Server, folder=str(folder), faults=faults))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("web")
    path = save_nifti(root / "v.nii", volumes.structured((21, 18, 13), "u1"))
    for name, options in (("sharded", ("--sharding", "1,1,1")), ("packed", ("--layout", "flat")),
                          ("plain", ("--layout", "flat", "--compress", "none"))):
        convert(path, root / name, "--chunk-size", "8", *options)
    return root


def codes(url):
    done = run("check", url, "--json")
    assert done.status == (3 if done.json else 0), done.err
    assert all(finding["message"] and finding["hint"] for finding in done.json)
    return sorted({finding["code"] for finding in done.json})


@pytest.mark.parametrize("faults", [(), ("head 405",), ("403",)], ids=str)
@pytest.mark.parametrize("name", ["sharded", "packed", "plain"])
def test_good_servers(root, name, faults):
    with serving(root, *faults) as url:
        assert codes(f"{url}/{name}") == []


@pytest.mark.parametrize("name", ["sharded", "packed", "plain"])
@pytest.mark.parametrize("fault, code", [
    ("no cors", "no-cors"), ("other origin", "no-cors"), ("head 500", "no-head"), ("no length", "no-head"),
    ("no 404", "no-404"),
])
def test_faults_of_any_dataset(root, name, fault, code):
    with serving(root, fault) as url:
        assert codes(f"{url}/{name}") == [code]


@pytest.mark.parametrize("name, fault, expected", [
    ("sharded", "no range", ["no-range"]), ("plain", "no range", []), ("packed", "no range", []),
    ("sharded", "packed shards", ["packed-shard"]), ("packed", "bare gzip", ["unnamed-gzip"]),
])
def test_faults_of_some_datasets(root, name, fault, expected):
    with serving(root, fault) as url:
        assert codes(f"{url}/{name}") == expected


def test_missing_chunk_of_a_server_that_lists_nothing(root, tmp_path):
    folder = shutil.copytree(root / "plain", tmp_path / "d")
    path = sorted(folder.glob("*/8-16_*"))[0]
    path.unlink()
    with serving(tmp_path) as url:
        done = run("check", f"{url}/d", "--json")
        (found,) = done.json
        assert found["code"] == "missing-chunk" and path.name in found["where"]
        assert "lists no folders" in done.err


def test_our_server(root):
    with served(root / "sharded", root / "packed", root / "v.nii") as (_, line):
        for dataset in line["datasets"]:
            url = f"{line['url']}data/{dataset['name']}"
            assert codes(url) == [], dataset["name"]
            assert run("info", url).status == 0


def test_no_server():
    done = run("check", "http://127.0.0.1:1/d")
    assert done.status == 3 and done.err.count("\n") == 1
