# SPDX-License-Identifier: Apache-2.0
"""`check` names what real web servers lack: each configuration here is one that works, with one thing taken out or broken."""

import gzip
import re
import shutil
import sys

import numpy as np
import pytest

import volumes
import web_servers
from program import convert, run
from volumes import save_nifti


@pytest.fixture(scope="module")
def data():
    with web_servers.readable_folder() as root:
        labels = np.zeros((40, 30, 20), "u4")
        labels[4:20, 4:20, 4:16], labels[20:36, 8:26, 4:16] = 7, 12
        save_nifti(root / "labels.nii", labels)
        # What packing makes no smaller: servers leave the smallest values as they are.
        save_nifti(root / "noise.nii", volumes.noise((40, 30, 20), "u1"))
        convert(root / "noise.nii", root / "data/noise", "--layout", "flat", "--chunk-size", "16")
        for name, *options in (("sharded", "--sharding", "0,1,2"), ("flat", "--layout", "flat"), ("deep", "--layout", "deep"),
                               ("plain", "--layout", "deep", "--compress", "none")):
            convert(root / "labels.nii", root / "data" / name, "--chunk-size", "16", *options)
        for name, *options in (("sharded",), ("flat", "--layout", "flat"), ("plain", "--format", "legacy", "--no-colon-suffix")):
            done = run("mesh", root / "data" / name, *options)
            assert done.status == 0, done.err
        shutil.copytree(root / "data/sharded", root / "data/packed")
        for path in (root / "data/packed").rglob("*.shard"):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        shutil.copytree(root / "data/flat", root / "data/meshes")
        for path in (root / "data/meshes").rglob("*_*.gz"):
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
        yield root / "data"


def codes(url):
    done = run("check", url, "--json")
    assert done.status == (3 if done.json else 0), done.err
    assert all("ngforge webserver" in finding["hint"] for finding in done.json), done.json
    return [finding["code"] for finding in done.json]


def without(start, end=r"\n"):
    """A change of a configuration: all that begins and ends so is taken out."""
    return re.compile(rf"^[ \t]*{start}.*?{end}", re.M | re.S), ""


def instead(what, by):
    return re.compile(re.escape(what)), by


def inside(what, more):
    return instead(what, f"{what}\n{more}\n")


# Server, what is changed, and what `check` says of each dataset.
NGINX_BLOCKS, CADDY_BLOCK = r"^        }\n.*?^        }\n", r"^\t}\n"  # a location and the one that it leads to
NGINX_GZ = [without("gzip_static"), instead("rewrite ^ $stored break;", "rewrite ^ $stored.gz break;")]  # as it is, by name
FAULTS = {
    "nginx as it is": ("nginx", [], {"sharded": [], "flat": [], "deep": [], "plain": [], "packed": []}),
    "nginx no CORS": ("nginx", [without("add_header Access-Control-Allow-Origin")], {"flat": ["no-cors"], "sharded": ["no-cors"]}),
    "nginx CORS twice": ("nginx", [inside("log_not_found off;", "add_header Access-Control-Allow-Origin * always;")],
                         {"flat": ["no-cors"]}),
    "nginx no CORS on 404": ("nginx", [instead("$ngforge_origin always", "$ngforge_origin")], {"flat": ["no-cors-404"], "plain": ["no-cors-404"]}),
    "nginx no .gz": ("nginx", [without("gzip_static")], {"flat": ["unserved-gzip"], "plain": []}),
    "nginx .gz without its encoding": ("nginx", NGINX_GZ, {"plain": []}),
    "nginx .gz encoded again": (
        "nginx", [*NGINX_GZ, instead("gzip off;", "gzip on; gzip_types *;")], {"noise": ["double-gzip"], "plain": []}),
    "nginx no ranges": ("nginx", [inside("log_not_found off;", "max_ranges 0;")],
                        {"sharded": ["no-range"], "meshes": ["no-range"], "plain": []}),
    "nginx .gz of shards": ("nginx", [instead("try_files $uri @packed;", "gzip_static always;"), instead("gunzip on;", "")],
                            {"packed": ["packed-shard"]}),
    "nginx no deep names": ("nginx", [without(r'location ~ "\^\(\?<folder>', NGINX_BLOCKS)],
                            {"deep": ["unserved-deep"], "plain": ["unserved-deep"], "flat": []}),
    "nginx no names without colon": ("nginx", [without(r'location ~ "\^\(\?<manifest>', NGINX_BLOCKS)], {"plain": ["unserved-colon"], "flat": []}),
    "nginx a page for what is not there": ("nginx", [inside("log_not_found off;", "error_page 404 =200 /flat/info;")], {"flat": ["no-404"]}),
    "nginx leads elsewhere": ("nginx", [inside("log_not_found off;", "error_page 404 http://localhost/;")], {"flat": ["no-404"]}),
    "nginx lists folders": ("nginx", [instead("location / {", "location ~ /$ { autoindex on; }\nlocation / {")], {"sharded": [], "plain": []}),

    "apache as it is": ("apache", [], {"sharded": [], "flat": [], "deep": [], "plain": [], "packed": []}),
    "apache no CORS": ("apache", [without("Header always set Access-Control-Allow-Origin")], {"flat": ["no-cors"]}),
    "apache no CORS on 404": ("apache", [instead("Header always set", "Header set")], {"flat": ["no-cors-404"]}),
    "apache no .gz": ("apache", [without("# A stored", r"(?=^ *# The viewer asks)")],
                      {"flat": ["unserved-gzip"], "plain": []}),
    "apache .gz without its encoding": ("apache", [without("AddEncoding")], {"plain": []}),
    "apache .gz encoded again": (
        "apache", [without("AddEncoding"), inside("Options +FollowSymLinks -Indexes -MultiViews", "SetOutputFilter DEFLATE"),
                   inside("LoadModule mime_module ${modules}/mod_mime.so",
                          "LoadModule filter_module ${modules}/mod_filter.so\nLoadModule deflate_module ${modules}/mod_deflate.so")],
        {"noise": ["double-gzip"], "plain": [], "sharded": []}),
    "apache no ranges": ("apache", [inside("TraceEnable Off", "MaxRanges none")], {"sharded": ["no-range"], "meshes": ["no-range"], "plain": []}),
    "apache no deep names": ("apache", [without("# The viewer asks", r"(?=^ *# Manifests)")],
                             {"deep": ["unserved-deep"], "plain": ["unserved-deep"]}),
    "apache no names without colon": ("apache", [without("# Manifests", r"(?=^ *# Nothing else)")], {"plain": ["unserved-colon"]}),
    "apache no rules": ("apache", [instead("RewriteEngine On", "RewriteEngine Off")],
                        {"sharded": [], "flat": ["unserved-gzip"], "plain": ["unserved-deep", "unserved-colon"]}),

    "caddy as it is": ("caddy", [], {"sharded": [], "flat": [], "deep": [], "plain": [], "packed": []}),
    "caddy no CORS": ("caddy", [without(r"Access-Control-Allow-Origin \*")], {"flat": ["no-cors"]}),
    "caddy no CORS on 404": ("caddy", [without(r"Access-Control-Allow-Origin \*"),
                                       inside("header Content-Type {content_type}", "header Access-Control-Allow-Origin *")], {"flat": ["no-cors-404"]}),
    "caddy no .gz": ("caddy", [without("handle @packed", CADDY_BLOCK)], {"flat": ["unserved-gzip"], "plain": []}),
    "caddy .gz without its encoding": ("caddy", [without("header Content-Encoding gzip")], {"plain": []}),
    "caddy no ranges": ("caddy", [inside("(plain) {", "request_header -Range")], {"sharded": ["no-range"], "meshes": ["no-range"], "plain": []}),
    "caddy no deep names": ("caddy", [without("handle @chunk", CADDY_BLOCK)], {"deep": ["unserved-deep"], "plain": ["unserved-deep"]}),
    "caddy no names without colon": ("caddy", [without("handle @manifest", CADDY_BLOCK)], {"plain": ["unserved-colon"]}),
}


def changed(text, changes):
    for pattern, by in changes:
        text, count = pattern.subn(lambda _: by, text)
        assert count, f"{pattern.pattern} is not in the configuration"
    return text


@pytest.mark.parametrize("fault", FAULTS)
def test_a_web_server(data, fault):
    server, changes, expected = FAULTS[fault]
    with web_servers.running(server, data, lambda text: changed(text, changes)) as url:
        assert {name: codes(f"{url}/{name}") for name in expected} == expected
        if fault.endswith("without its encoding"):
            found = run("check", f"{url}/noise", "--json").json
            assert {finding["code"] for finding in found} == {"unnamed-gzip"}


def test_python(data, tmp_path):
    port = web_servers.free_port()
    with web_servers.started(f"{sys.executable} -m http.server -d '{data}' -b 127.0.0.1 {port}", port, tmp_path) as url:
        found = {name: codes(f"{url}/{name}") for name in ("sharded", "flat", "deep", "plain", "meshes")}
    assert found == {"sharded": ["no-cors", "no-range"], "flat": ["no-cors", "unserved-gzip"],
                     "deep": ["no-cors", "unserved-deep", "unserved-gzip"],
                     "plain": ["no-cors", "unserved-deep", "unserved-colon"], "meshes": ["no-cors", "no-range"]}
