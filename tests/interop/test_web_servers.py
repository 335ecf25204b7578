# SPDX-License-Identifier: Apache-2.0
"""Web servers as `ngforge webserver` configures them answer as our own does: one suite for all."""

import email
import gzip
import json
import os
import re
import shutil
import socket
import urllib.parse

import cloudvolume
import nibabel as nib
import numpy as np
import pytest

import volumes
import web_servers
from program import convert, run
from volumes import save_nifti
from web_servers import Client, readable_folder, running, stored

ODD = "odd %41 100%: a+b&c;d=1 #2 ü"
SERVERS = ["ours", *web_servers.CONFIGURED]


def packed(path):
    """Stores a file as NAME.gz."""
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()


def make_datasets(root):
    labels = np.zeros((40, 30, 20), "u4")
    labels[4:20, 4:20, 4:16], labels[20:36, 8:26, 4:16] = 7, 12
    save_nifti(root / "labels.nii", labels)
    save_nifti(root / "scan.nii", volumes.structured((40, 30, 20), "u1"))
    data = root / "data"
    data.mkdir()
    for name, source, *options in [
            ("sharded", "labels", "--sharding", "0,1,2"), ("flat", "labels", "--layout", "flat"),
            ("deep", "labels", "--layout", "deep"), ("jpeg", "scan", "--layout", "deep", "--encoding", "jpeg"),
            ("plain", "labels", "--layout", "flat", "--compress", "none", "--voxel-offset=-16,-16,8"),
            (ODD, "labels", "--layout", "deep")]:
        convert(root / f"{source}.nii", data / name, "--chunk-size", "16", *options)
    for name, *options in (("sharded",), ("flat", "--layout", "flat"), ("plain", "--layout", "flat"), ("deep", "--format", "legacy"),
                           (ODD, "--format", "legacy", "--no-colon-suffix")):
        done = run("mesh", data / name, *options)
        assert done.status == 0, done.err
    (root / "names.csv").write_text("id,name\n7,seven\n12,twelve\n")
    assert run("properties", root / "names.csv", data / "flat").status == 0
    # As neuroglancer-scripts has them: packed, or called .json.
    packed(data / "deep/mesh/7:0")
    packed(data / ODD / "mesh/7")
    (data / ODD / "mesh/12").rename(data / ODD / "mesh/12.json")
    packed(data / "jpeg/info")
    return data


@pytest.fixture(scope="module")
def data():
    with readable_folder() as root:
        (root / ".htaccess").write_text("of another server's folder, which concerns nobody here")
        yield make_datasets(root)


@pytest.fixture(scope="module")
def ours(data):
    with web_servers.ours(data) as client:
        yield client


@pytest.fixture(scope="module", params=SERVERS)
def server(request, data, ours):
    if request.param == "ours":
        yield ours
        return
    with running(request.param, data) as url:
        yield web_servers.client_of(url, data, request.param.startswith("nginx"))


def shard(data):
    path = max((data / "sharded").rglob("*.shard"), key=lambda p: p.stat().st_size)
    return str(path.relative_to(data / "sharded")), path.read_bytes()


def check_cors(answer):
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert len(answer.headers.get_all("Access-Control-Allow-Origin")) == 1
    exposed = {name.strip().lower() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert exposed >= {"content-range", "content-encoding", "content-length", "etag"}
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# Bytes.

def test_every_file_of_every_layout(data, ours, server):
    seen = 0
    for dataset in sorted(p for p in data.iterdir()):
        for key, expected in stored(dataset).items():
            own = ours.ask(dataset.name, key, accept_encoding="gzip")
            for encodings in "gzip, deflate, br", "gzip":
                answer = server.ask(dataset.name, key, accept_encoding=encodings)
                assert answer.status == 200, (dataset.name, key)
                assert answer.value == expected == own.value, (dataset.name, key)
                assert answer.headers["Content-Encoding"] == own.headers["Content-Encoding"], key
            check_cors(answer)
            seen += 1
    assert seen > 100


def test_clients_that_do_not_take_gzip(data, server):
    for name in "flat", "deep", ODD:
        for key, expected in stored(data / name).items():
            for headers in {}, {"accept_encoding": "identity"}:
                answer = server.ask(name, key, **headers)
                assert answer.status == 200 and answer.value == expected, (name, key)
                # What they do not ask for they may get all the same (RFC 9110, 12.5.3), where a server cannot unpack.
                assert "Content-Encoding" not in answer.headers or not server.unpacks, (name, key)


def test_shards_and_fragments_are_never_encoded(data, server):
    for name in "sharded", "flat":
        keys = [key for key in stored(data / name) if re.search(r"\.shard$|mesh/\d+(\.index)?$", key)]
        assert len(keys) >= 3
        for key in keys:
            for headers in {}, {"accept_encoding": "gzip, br, zstd, deflate, *"}, {"range": "bytes=0-9", "accept_encoding": "gzip"}:
                assert "Content-Encoding" not in server.ask(name, key, **headers).headers, key


def test_types(server):
    assert server.ask("flat", "info").headers["Content-Type"].startswith("application/json")
    answer = server.ask("plain", "info")
    key = json.loads(answer.body)["scales"][0]["key"]
    assert server.ask("plain", f"{key}/0-16_0-14_8-24").headers["Content-Type"] == "application/octet-stream"


# Ranges.

@pytest.mark.parametrize("header, part", [
    ("bytes=0-0", slice(0, 1)), ("bytes=7-306", slice(7, 307)), ("bytes=100-", slice(100, None)),
    ("bytes=-77", slice(-77, None)), ("bytes=5-99999999", slice(5, None)), ("bytes=-99999999", slice(0, None)),
])
def test_ranges(data, server, header, part):
    key, whole = shard(data)
    for headers in {}, {"accept_encoding": "gzip, deflate, br"}, {"accept_encoding": "identity"}:
        answer = server.ask("sharded", key, range=header, **headers)
        first, last, _ = part.indices(len(whole))
        assert answer.status == 206 and answer.body == whole[part]
        assert answer.headers["Content-Range"] == f"bytes {first}-{last - 1}/{len(whole)}"
        assert int(answer.headers["Content-Length"]) == last - first
        check_cors(answer)


def test_ranges_of_fragments(data, server):
    for name in "7", "12":
        whole = (data / "flat/mesh" / name).read_bytes()
        answer = server.ask("flat", f"mesh/{name}", range="bytes=3-40", accept_encoding="gzip")
        assert answer.status == 206 and answer.body == whole[3:41]


def test_ranges_behind_the_end(data, server):
    key, whole = shard(data)
    for header in f"bytes={len(whole)}-", f"bytes={len(whole)}-{len(whole) + 9}":
        answer = server.ask("sharded", key, range=header)
        # "Should" be told (RFC 9110, 15.5.17); Apache does not.
        assert answer.status == 416 and answer.headers["Content-Range"] in (f"bytes */{len(whole)}", None)
        check_cors(answer)


@pytest.mark.parametrize("header", ["bytes=9-5", "bytes=a-b", "bytes=", "bytes=--5", "voxels=0-5", "nonsense"])
def test_ranges_that_mean_nothing(data, server, header):
    key, whole = shard(data)
    answer = server.ask("sharded", key, range=header)
    assert (answer.status == 200 and answer.body == whole) or answer.status == 416, "ignored or refused (RFC 9110, 14.2)"
    check_cors(answer)


def test_several_ranges(data, server):
    key, whole = shard(data)
    answer = server.ask("sharded", key, range="bytes=0-9,20-29")
    if answer.status == 200:
        assert answer.body == whole
        return
    assert answer.status == 206
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    parts = email.message_from_bytes(head + answer.body).get_payload()
    assert [part["Content-Range"] for part in parts] == [f"bytes 0-9/{len(whole)}", f"bytes 20-29/{len(whole)}"]
    assert whole[:10] in answer.body and whole[20:30] in answer.body


def test_a_range_of_what_is_stored_in_gzip(data, server):
    key, expected = next((k, v) for k, v in stored(data / "flat").items() if "_" in k)
    answer = server.ask("flat", key, range="bytes=2-5", accept_encoding="identity")
    assert answer.value == (expected[2:6] if answer.status == 206 else expected)
    answer = server.ask("flat", key, range="bytes=2-5", accept_encoding="gzip")
    assert answer.value == (expected[2:6] if answer.status == 206 else expected)


# Requests of other kinds.

def test_head(data, server):
    for name in "sharded", "flat", "deep", ODD:
        for key in stored(data / name):
            for headers in {}, {"accept_encoding": "gzip"}:
                head, whole = server.ask(name, key, "HEAD", **headers), server.ask(name, key, **headers)
                assert head.status == 200 and head.body == b""
                assert head.headers["Content-Encoding"] == whole.headers["Content-Encoding"]
                # Of what is unpacked or encoded the viewer does without a length.
                is_plain = "Content-Encoding" not in whole.headers and (data / name / key).exists()
                assert head.headers["Content-Length"] in (str(len(whole.body)), *([] if is_plain else [None]))
                check_cors(head)


def test_what_did_not_change_is_not_sent_again(data, server):
    key, _ = shard(data)
    tag = server.ask("sharded", key).headers["ETag"]
    answer = server.ask("sharded", key, if_none_match=tag)
    assert answer.status == 304 and answer.body == b""
    check_cors(answer)


@pytest.mark.parametrize("key", ["info", "1mm/0-16_0-16_0-16", "none", "", "mesh"])
def test_preflight(server, key):
    answer = server.ask("flat", key, "OPTIONS", access_control_request_method="GET", access_control_request_headers="range")
    assert answer.status in (200, 204) and answer.body == b""
    check_cors(answer)
    assert "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert "range" in answer.headers["Access-Control-Allow-Headers"].lower()


def test_other_methods(server):
    for method in "POST", "PUT", "DELETE", "PATCH":
        answer = server.ask("flat", "info", method, content_length="0")
        assert answer.status == 405, method


# Names.

def test_what_is_not_there(data, server):
    scale = json.loads((data / "flat/info").read_text())["scales"][0]["key"]
    absent = ["none", "none/", "inf", "info/", "info/x", f"{scale}/0-16_0-16_0-17", f"{scale}/1-2_3-4_5-6", "none/0-1_0-1_0-1",
              f"{scale}/0-16/0-16", "mesh/8:0", "mesh/7:1", "mesh/x:0", "mesh/none:0", "zarr.json", ".zattrs", "a%00b"]
    for name in "flat", "deep", "sharded", ODD:
        for key in absent:
            for method in "GET", "HEAD":
                answer = server.ask(name, key, method, accept_encoding="gzip")
                assert answer.status in ((404, 400) if "%00" in key else (404,)), (name, key)
                check_cors(answer)
                assert "Content-Encoding" not in answer.headers


def test_folders_are_no_values(data, server):
    scale = json.loads((data / "flat/info").read_text())["scales"][0]["key"]
    for name in "flat", "deep":
        for key in scale, "mesh":
            for method in "GET", "HEAD":
                answer = server.ask(name, key, method)
                assert answer.status == 404 and "Location" not in answer.headers
    whole = server.target("flat", "").rstrip("/")
    for method in "GET", "HEAD":
        answer = server.send(whole, method)
        assert answer.status == 404
        check_cors(answer)


def test_names_in_other_spellings(server):
    for key, same in ("info", "%69nfo"), ("mesh/7:0", "mesh/7%3A0"), ("mesh/7:0", "mesh/7%3a0"):
        target = server.target("deep", "")
        expected = server.send(target + key, accept_encoding="gzip")
        answer = server.send(target + same, accept_encoding="gzip")
        assert expected.status == answer.status == 200 and answer.value == expected.value, same
    answer = server.send(f"http://localhost:{server.connection.port}{server.target('deep', 'mesh/7:0')}", accept_encoding="gzip")
    assert answer.status == 200 and answer.value == expected.value, "as to a proxy"
    for query in "?", "?x=1", "?a/b/0-1_0-1_0-1", "?q=7:0":
        answer = server.send(server.target("deep", "mesh/7:0") + query)
        assert answer.status == 200 and answer.value == expected.value


TRAVERSALS = ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", ".%2e/", "..\\", "..%5c", "....//", "..;/", "%252e%252e/", "..%c0%af",
              "./../", "flat/../../", "flat/../../../", "//../", "..//"]


def raw(server, target):
    """Status and body for a target that goes out byte by byte."""
    with socket.create_connection((server.connection.host, server.connection.port), timeout=20) as connection:
        connection.sendall(b"GET " + target.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


@pytest.mark.parametrize("way", TRAVERSALS)
def test_nothing_outside_of_the_folder(data, server, way):
    secret = b"id,name"
    assert (data.parent / "names.csv").read_bytes().startswith(secret)
    base = urllib.parse.urlsplit(server.places["flat"]).path.rstrip("/").rsplit("/", 1)[0]
    for place in f"{base}/{way}names.csv", f"{base}/flat/{way}{way}names.csv", f"{base}/flat/{way}names.csv", \
            f"{base}/deep/{way}{way}names.csv:0", f"{way}{way}{way}{way}{way}{way}etc/passwd", f"{base}/{way * 9}etc/passwd":
        status, body = raw(server, place if place.startswith("/") else f"/{place}")
        assert status in (400, 403, 404), place
        assert secret not in body and b"root:" not in body


def test_folders_are_not_listed(data, server):
    for name in "flat", "deep":
        body = server.ask(name, "").body
        if server.places["flat"].endswith("/data/flat/"):
            continue  # ours lists what is served, for the viewer's completion
        assert b"info" not in body and b"provenance" not in body


# What is printed.

def test_json(data):
    found = run("webserver", "caddy", data, "--json", "--port", "81").json
    assert list(found) == ["server", "root", "datasets", "notices", "configuration"]
    assert found["root"] == str(data) and found["configuration"] == web_servers.configuration("caddy", data, "--port", "81")
    told = {dataset["name"]: dataset["description"] for dataset in found["datasets"]}
    assert told == {"deep": "segmentation, deep, .gz; legacy meshes", "flat": "segmentation, flat, .gz; multires meshes",
                    "jpeg": "image, deep", "plain": "segmentation, flat; multires meshes",
                    "sharded": "segmentation, sharded; multires meshes, sharded",
                    ODD: 'segmentation, deep, .gz; legacy meshes, named without ":0"'}


def test_files_that_the_server_may_not_read_are_told(data):
    (data / "jpeg/info.gz").chmod(0o600)
    try:
        told = run("webserver", "nginx", data)
        assert told.status == 0 and "jpeg: other users may not read it" in told.err
    finally:
        (data / "jpeg/info.gz").chmod(0o644)


# Other ways to run them.

@pytest.mark.parametrize("kind", web_servers.CONFIGURED)
def test_a_dataset_alone(data, kind):
    values = stored(data / "deep")
    with running(kind, data / "deep") as url:
        client = Client({"": url + "/"})
        for key, expected in values.items():
            answer = client.ask("", key, accept_encoding="gzip")
            assert answer.status == 200 and answer.value == expected, key
        assert client.ask("", "").status == 404


@pytest.mark.parametrize("kind", ["nginx", "apache", "caddy"])
def test_any_user_can_run_them(data, kind):
    with running(kind, data, user="nobody" if os.geteuid() == 0 else None) as url:
        assert run("check", f"{url}/deep", "--json").json == []


# By readers.

@pytest.mark.parametrize("name", ["sharded", "flat", "deep", "plain"])
def test_cloud_volume(data, server, name):
    expected = np.asarray(nib.load(data.parent / "labels.nii").dataobj)
    found = cloudvolume.CloudVolume(f"precomputed://{server.places[name]}", progress=False, fill_missing=True)[:]
    assert np.array_equal(found[..., 0], expected)


@pytest.mark.parametrize("name", ["sharded", "flat", "deep", "plain", "jpeg", ODD])
def test_check_finds_nothing(server, name):
    done = run("check", server.places[name], "--json")
    assert done.json == [], done.out
