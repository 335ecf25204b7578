# SPDX-License-Identifier: Apache-2.0
"""The HTTP server over real sockets: what a browser, a reader of precomputed volumes and a stranger may ask."""

import contextlib
import gzip
import http.client
import json
import math
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

import volumes
import web
from program import PROGRAM, convert, run
from site_under_test import LIMIT_S, Site, chunk_keys, served, waiting_pipe
from volumes import save_nifti

SHAPE = (150, 70, 90)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("server")
    save_nifti(root / "live.nii", volumes.structured(SHAPE))
    convert(root / "live.nii", root / "flat", "--layout", "flat")
    convert(root / "live.nii", root / "deep", "--layout", "deep")
    convert(root / "live.nii", root / "sharded")
    (root / "secret").write_text("not to be seen")
    (root / "flat/leak").symlink_to(root / "secret")
    (root / "flat/inside").symlink_to("info")
    return root


@pytest.fixture(scope="module")
def site(folder):
    with served(*(folder / name for name in ("flat", "deep", "sharded", "live.nii"))) as (_, line):
        yield Site(line)


def shard(folder):
    return max((folder / "sharded").rglob("*.shard"), key=lambda path: path.stat().st_size)


def test_the_line_of_json(site):
    assert list(site.line) == ["url", "viewer", "datasets"]
    for entry, name in zip(site.line["datasets"], ("flat", "deep", "sharded", "live"), strict=True):
        assert list(entry) == ["name", "type", "url", "source", "transform", "layer", "size_xyz", "resolution_nm"]
        assert entry["name"] == name and entry["type"] == "image" and entry["size_xyz"] == list(SHAPE)
        assert entry["url"] == f"{site.line['url']}data/{name}/"
        assert entry["source"] == f"{entry['url']}|neuroglancer-precomputed:"
        assert entry["layer"]["source"] == {"url": entry["source"], "transform": entry["transform"]}
        assert entry["resolution_nm"] == [1e6 * side for side in volumes.SPACE_SCALE_MM]


# Bytes.

@pytest.mark.parametrize("header, part", [("bytes=0-0", slice(0, 1)), ("bytes=7-300006", slice(7, 300007)), ("bytes=1000-", slice(1000, None)),
                                          ("bytes=-77", slice(-77, None)), ("bytes=5-99999999999", slice(5, None)),
                                          ("bytes=-99999999999", slice(0, None))])
def test_ranges_of_a_shard(site, folder, header, part):
    path = shard(folder)
    whole = path.read_bytes()
    first, last, _ = part.indices(len(whole))
    answer = site.ask(f"/data/{path.relative_to(folder)}", range=header)
    assert answer.status == 206 and answer.content == whole[part]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last - 1}/{len(whole)}"
    assert int(answer.headers["Content-Length"]) == last - first


def test_a_range_behind_the_end(site, folder):
    path = shard(folder)
    answer = site.ask(f"/data/{path.relative_to(folder)}", range=f"bytes={path.stat().st_size}-")
    assert answer.status == 416 and answer.headers["Content-Range"] == f"bytes */{path.stat().st_size}"


def test_several_ranges_give_the_whole_value(site, folder):
    path = shard(folder)
    answer = site.ask(f"/data/{path.relative_to(folder)}", range="bytes=0-1,4-5")
    assert answer.status == 200 and answer.content == path.read_bytes()


def test_head_tells_the_length(site, folder):
    path = shard(folder)
    answer = site.ask(f"/data/{path.relative_to(folder)}", "HEAD")
    assert answer.status == 200 and int(answer.headers["Content-Length"]) == path.stat().st_size and answer.content == b""
    assert "Content-Encoding" not in site.ask(f"/data/{path.relative_to(folder)}", accept_encoding="gzip").headers


def test_tags(site, folder):
    target = f"/data/{shard(folder).relative_to(folder)}"
    tag = site.ask(target, "HEAD").headers["ETag"]
    again = site.ask(target, if_none_match=tag)
    assert again.status == 304 and again.content == b"" and again.headers["ETag"] == tag
    assert site.ask(target, range="bytes=0-3", if_range=tag).status == 206
    assert site.ask(target, range="bytes=0-3", if_range='"old"').status == 200


def test_stored_gzip(site, folder):
    key = chunk_keys(folder / "flat")[0]
    stored = (folder / "flat" / f"{key}.gz").read_bytes()
    plain = gzip.decompress(stored)
    packed = site.ask(f"/data/flat/{key}", accept_encoding="gzip, deflate, br")
    assert packed.headers["Content-Encoding"] == "gzip" and packed.content == stored and packed.headers["Vary"] == "Accept-Encoding"
    for headers in {}, {"accept_encoding": "identity"}, {"accept_encoding": "gzip;q=0"}:
        unpacked = site.ask(f"/data/flat/{key}", **headers)
        assert "Content-Encoding" not in unpacked.headers and unpacked.content == plain
        assert unpacked.headers["ETag"] != packed.headers["ETag"], "two representations"
    part = site.ask(f"/data/flat/{key}", accept_encoding="gzip", range="bytes=100-199")
    assert part.status == 206 and "Content-Encoding" not in part.headers and part.content == plain[100:200]


def test_every_layout_and_the_live_view_answer_alike(site, folder):
    keys = chunk_keys(folder / "flat")
    scales = json.loads(site.ask("/data/flat/info").content)["scales"]
    assert len(keys) == sum(math.prod(-(-n // c) for n, c in zip(s["size"], s["chunk_sizes"][0], strict=True)) for s in scales)
    for key in keys:
        expected = gzip.decompress((folder / "flat" / f"{key}.gz").read_bytes())
        for name in "flat", "deep", "live":
            assert site.ask(f"/data/{name}/{key}").content == expected, (name, key)
    assert json.loads(site.ask("/data/live/info").content) == json.loads(site.ask("/data/flat/info").content)


# Names.

def test_folders(site):
    scale = json.loads(site.ask("/data/flat/info").content)["scales"][0]["key"]
    for target in "/data/flat", f"/data/flat/{scale}", f"/data/live/{scale}", "/data/none/", "/data/flat/none/":
        for method in "GET", "HEAD":
            assert site.ask(target, method).status == 404, target
    listing = site.ask("/data/flat/")
    assert listing.status == 200 and listing.headers["Content-Type"].startswith("text/html")
    assert {"info", f"{scale}/", "inside"} <= set(re.findall(r'<a href="([^"]+)">', listing.content.decode()))


@pytest.mark.parametrize("target", [b"/data/flat/../secret", b"/data/flat/%2e%2e/secret", b"/data/flat/..%2fsecret", b"/data/flat/leak",
                                    b"/data/flat//etc/passwd", b"/data/flat/%2fetc%2fpasswd", b"/data/flat/..\\secret",
                                    b"/data/flat/..%5csecret", b"/data/flat/info%00", b"/../../etc/passwd", b"/data/flat/./info",
                                    b"/data/flat/%", b"/data/flat/%zz", b"*", b"data/flat/info", b"http://localhost"])
def test_nothing_outside(site, target):
    assert site.status(target) in (400, 403, 404)


def test_links_inside_and_escapes(site):
    assert site.status(b"/data/flat/inside") == 200
    assert site.status(b"/data/flat/%69nfo?any=thing") == 200
    assert site.status(b"http://localhost/data/flat/info") == 200, "absolute form, RFC 9112 3.2.2"


def test_names_that_need_escapes(folder, tmp_path):
    names = ["a b", "100%", "x#y", "q?z", "a&b<c>\"'", "Größe", "a|b", "t:u"]
    for name in [*names, "a b/a b"]:
        (tmp_path / f"{name}.nii").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.nii").symlink_to(folder / "live.nii")
    with served(*(tmp_path / f"{name}.nii" for name in [*names, "a b/a b"])) as (_, line):
        site = Site(line)
        assert [entry["name"] for entry in line["datasets"]] == [*names, "a b-2"]
        for entry in line["datasets"]:
            path = "/" + entry["url"].removeprefix(line["url"])
            assert path == f"/data/{quote(entry['name'])}/"
            assert site.ask(path + "info").status == 200
        page = site.ask("/").content.decode()
        assert "a&amp;b&lt;c&gt;" in page and "b<c" not in page


# Answers of any kind.

def test_cors_is_on_every_answer(site):
    answers = {method + target: site.ask(target, method, **headers) for method, target, headers in (
        ("GET", "/data/flat/info", {}), ("HEAD", "/data/flat/none", {}), ("GET", "/none", {}), ("GET", "/data/flat/%zz", {}),
        ("GET", "/data/flat/info", {"range": "bytes=99999999-"}), ("PUT", "/data/flat/info", {}), ("GET", "/viewer/", {}),
        ("OPTIONS", "/data/flat/info", {"origin": "https://example.org", "access_control_request_headers": "range"}))}
    assert sorted(a.status for a in answers.values()) == [204, 302, 400, 404, 404, 405, 416]
    for request, answer in answers.items():
        assert answer.headers["Access-Control-Allow-Origin"] == "*", request
        exposed = answer.headers["Access-Control-Expose-Headers"].lower()
        assert all(name in exposed for name in ("content-range", "content-encoding", "content-length", "etag")), request
    preflight = answers["OPTIONS/data/flat/info"].headers
    assert "range" in preflight["Access-Control-Allow-Headers"] and "HEAD" in preflight["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("data, status", [(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400), (b"HELLO\r\n\r\n", 400),
                                          (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000, 431),
                                          (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
                                          (b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400)],
                         ids=["tls", "word", "long", "colon", "two lengths"])
def test_what_is_not_a_request(site, data, status):
    received = site.send(data)
    assert received.startswith(b"HTTP/1.1 %d " % status) and b"Access-Control-Allow-Origin: *" in received


def test_hosts(site):
    for host in f"127.0.0.1:{site.port}", "localhost", f"LOCALHOST:{site.port}", "[::1]:80":
        assert site.status(b"/data/flat/info", host) == 200, host
    for host in "evil.example", f"evil.example:{site.port}", "localhost.evil.example", "127.0.0.1.evil.example":
        assert site.status(b"/data/flat/info", host) == 403, host


# Connections.

def test_keep_alive_and_pipelining(site):
    connection = http.client.HTTPConnection(site.host, site.port, timeout=LIMIT_S)
    ports = set()
    for target in ("/data/flat/info", "/data/flat/none", "/none", "/data/flat/info") * 5:
        connection.request("GET", target)
        connection.getresponse().read()
        ports.add(connection.sock.getsockname()[1])
    assert len(ports) == 1, "one connection for all"
    head = b"GET /data/flat/%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
    received = site.send(head % (b"info", b"") + head % (b"none", b"") + head % (b"transform.json", b"Connection: close\r\n"))
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"404", b"200"]


def test_many_connections(site):
    failures = []

    def work():
        connection = http.client.HTTPConnection(site.host, site.port, timeout=LIMIT_S)
        for _ in range(20):
            connection.request("GET", "/data/flat/info")
            if connection.getresponse().read()[:1] != b"{":
                failures.append(1)

    threads = [threading.Thread(target=work) for _ in range(150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_slow_readers_cost_no_memory(tmp_path):
    (tmp_path / "d").mkdir()
    save_nifti(tmp_path / "v.nii", volumes.noise((8, 8, 8), "u1"))
    convert(tmp_path / "v.nii", tmp_path / "d", "--overwrite")
    with (tmp_path / "d/large").open("wb") as file:
        file.truncate(200 << 20)
    with served(tmp_path / "d") as (process, line), contextlib.ExitStack() as open_sockets:
        site = Site(line)
        resident = lambda: int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) * 1024  # noqa: E731
        before = resident()
        for _ in range(50):
            connection = open_sockets.enter_context(socket.create_connection((site.host, site.port), timeout=LIMIT_S))
            connection.sendall(b"GET /data/d/large HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert site.ask("/data/d/info").status == 200, "others are served meanwhile"
        assert resident() - before < 50 << 20, "a piece each, not the value"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_at_once(folder, number):
    process = subprocess.Popen([PROGRAM, "serve", folder / "flat", "--port", "0"], stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline(), process.stdout.readline()]
    assert lines[0].startswith("flat: image") and "#!" in lines[1]
    host, port = re.search(r"http://([\d.]+):(\d+)/data", lines[0]).groups()
    with socket.create_connection((host, int(port)), timeout=LIMIT_S) as silent:
        silent.sendall(b"GET /events/ngforge HTTP/1.1\r\nHost: localhost\r\n\r\n")
        silent.recv(1)
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(LIMIT_S) == 0
        assert time.monotonic() - began < 3


def test_the_next_free_port(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = subprocess.Popen([PROGRAM, "serve", folder / "flat", "--json", "--port", str(port)], stdout=subprocess.PIPE, text=True)
        found = Site(json.loads(process.stdout.readline())).port
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0
    assert port < found <= port + 100


# The viewer.

def test_the_viewer_is_inside(site):
    moved = site.ask("/viewer/")
    assert moved.status == 302 and re.fullmatch(r"/v/[^/]+/", moved.headers["Location"])
    home = moved.headers["Location"]
    index = site.ask(home)
    assert index.status == 200 and index.headers["Content-Type"].startswith("text/html")
    names = re.findall(r'(?:src|href)="\.?/?([^":]+)"', index.content.decode())
    assert any(name.endswith(".js") for name in names)
    for name in names:
        answer = site.ask(home + name, accept_encoding="gzip")
        assert answer.status == 200 and answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.content) == site.ask(home + name).content
        expected = {".js": "text/javascript", ".css": "text/css", ".ico": "image/"}.get(Path(name).suffix, "")
        assert answer.headers["Content-Type"].startswith(expected), name
    licence = site.ask(site.ask("/licenses/neuroglancer").headers.get("Location", "/licenses/neuroglancer"))
    assert b"Apache License" in licence.content


def test_what_the_client_insists_on(site):
    stream = site.send(b"GET /events/ngforge HTTP/1.1\r\nHost: localhost\r\n\r\n", until=b"\n\n")
    assert b"200 OK" in stream and b"text/event-stream" in stream and b"data:" not in stream
    assert site.ask("/state/ngforge", "POST").status in (204, 405)


def test_the_start_page_and_the_state(site):
    page = site.ask("/").content.decode()
    for entry in site.line["datasets"]:
        assert entry["name"] in page and f"/data/{entry['name']}/" in page
    assert page.count("#!") >= len(site.line["datasets"]) + 1, "a link for each and one for all"
    assert "http://" not in re.sub(r"http://(127\.0\.0\.1|localhost):\d+", "", page).replace("%22http://", ""), "nothing from elsewhere"
    state = json.loads(site.ask("/state.json").content)
    assert [layer["name"] for layer in state["layers"]] == [entry["name"] for entry in site.line["datasets"]]
    assert state["layers"] == [entry["layer"] for entry in site.line["datasets"]]


# The live view.

def test_a_plain_file_needs_no_scratch(folder):
    with served(folder / "live.nii", TMPDIR="/nonexistent") as (_, line):
        key = chunk_keys(folder / "flat")[-1]
        assert Site(line).ask(f"/data/live/{key}").status == 200


# A pipe that gives the beginning of a volume, and the rest only when told to: whoever needs voxels waits for them.
def test_a_stream_is_read_when_the_viewer_asks(folder, tmp_path):
    data = gzip.compress((folder / "live.nii").read_bytes())
    with waiting_pipe(tmp_path / "scan.nii.gz", data) as goes_on:
        with served(tmp_path / "scan.nii.gz") as (_, line):
            site, layer = Site(line), line["datasets"][0]["layer"]
            assert not goes_on.is_set(), "the line came before the data"
            assert "shaderControls" not in layer
            assert line["viewer"].endswith(f"/#!{line['url']}state.json")
            assert site.ask("/data/scan/info").status == 200
            assert "#!http" in site.ask("/").content.decode()
            goes_on.set()
            with served(folder / "live.nii") as (_, plain):
                (expected,) = (entry["layer"]["shaderControls"] for entry in plain["datasets"])
            for page in "/state.json", "/state/scan.json":
                (found,) = json.loads(site.ask(page).content)["layers"]
                assert found == layer | {"shaderControls": expected}, page
            page = site.ask("/").content.decode()
            assert "#!http" not in page and "#!%7B" in page, "links hold the state once it is known"


def test_a_broken_stream_still_has_a_state(folder, tmp_path):
    data = gzip.compress((folder / "live.nii").read_bytes())
    (tmp_path / "scan.nii.gz").write_bytes(data[: len(data) // 2])
    process = subprocess.Popen([PROGRAM, "serve", tmp_path / "scan.nii.gz", "--json", "--port", "0"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    site = Site(json.loads(process.stdout.readline()))
    for _ in range(2):
        (layer,) = json.loads(site.ask("/state.json").content)["layers"]
        assert layer == site.line["datasets"][0]["layer"]
    key = chunk_keys(folder / "flat")[-1]
    assert site.ask(f"/data/scan/{key}").status == 500
    process.terminate()
    notices = [text for text in process.communicate()[1].splitlines() if "no contrast is known" in text]
    assert len(notices) == 1 and "scan.nii.gz" in notices[0], "said once"


# What waits for one dataset must not keep others from being shown: not pages, not other datasets, not even what
# describes the same one.
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_silent_stream_lets_others_pass(folder, tmp_path, number):
    data = (folder / "live.nii").read_bytes()
    os.mkfifo(tmp_path / "scan.nii")
    ended = threading.Event()

    def feed():
        with open(tmp_path / "scan.nii", "wb", buffering=0) as pipe:
            pipe.write(data[:4096])
            ended.wait(3 * LIMIT_S)

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        with served(tmp_path / "scan.nii", folder / "live.nii") as (process, line):
            site = Site(line)
            key = chunk_keys(folder / "flat")[-1]
            for target in [f"/data/scan/{key}"] * 20 + ["/state.json", "/state/scan.json", "/thumbnail/scan/slices.png"] * 10:
                with socket.create_connection((site.host, site.port), timeout=LIMIT_S) as connection:
                    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            began = time.monotonic()
            for target in "/", "/data/scan/info", "/data/live/info", f"/data/live/{key}", "/state/live.json", "/thumbnail/live/slices.png":
                assert site.ask(target).status == 200, target
            assert time.monotonic() - began < 5
            began = time.monotonic()
            process.send_signal(number)
            assert process.wait(LIMIT_S) == 0
            assert time.monotonic() - began < 3
    finally:
        ended.set()
        feeder.join()


def peak_of(process):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1]) * 1024


def test_streams_share_the_memory(tmp_path):
    save_nifti(tmp_path / "a.nii", np.arange(300**3, dtype="u2").reshape(300, 300, 300))
    with gzip.open(tmp_path / "a.nii.gz", "wb", compresslevel=1) as packed:
        packed.write((tmp_path / "a.nii").read_bytes())
    for name in "bcd":
        (tmp_path / f"{name}.nii.gz").symlink_to("a.nii.gz")
    with served(*(tmp_path / f"{name}.nii.gz" for name in "abcd"), "--memory", "128MiB") as (process, line):
        site = Site(line)
        scale = json.loads(site.ask("/data/a/info").content)["scales"][0]
        end = scale["chunk_sizes"][0]
        for name in "abcd":
            assert site.ask(f"/data/{name}/{scale['key']}/0-{end[0]}_0-{end[1]}_0-{end[2]}").status == 200
        assert peak_of(process) < (128 + 64) << 20


def test_a_gzip_of_zeros_is_not_unpacked_for_its_length(folder, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/info").write_bytes((folder / "flat/info").read_bytes())
    with gzip.open(tmp_path / "d/zz.gz", "wb", compresslevel=1) as packed:
        for _ in range(256):
            packed.write(bytes(1 << 20))
    with served(tmp_path / "d") as (process, line):
        site = Site(line)
        before = peak_of(process)
        assert site.ask("/data/d/zz", "HEAD").status == 200
        assert site.ask("/data/d/zz").status == 413
        assert peak_of(process) - before < 128 << 20
        packed = site.ask("/data/d/zz", accept_encoding="gzip")
        assert packed.status == 200 and len(packed.content) == (tmp_path / "d/zz.gz").stat().st_size


def test_bodies_are_not_kept(site, folder):
    with served(folder / "flat") as (process, line), contextlib.ExitStack() as open_sockets:
        site, before = Site(line), peak_of(process)
        head = b"POST /state/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
        for _ in range(100):
            connection = open_sockets.enter_context(socket.create_connection((site.host, site.port), timeout=LIMIT_S))
            connection.sendall(head + bytes(999_999))
        assert site.ask("/data/flat/info").status == 200
        assert peak_of(process) - before < 20 << 20


def test_where_files_lie_is_not_told(folder, tmp_path):
    data = gzip.compress((folder / "live.nii").read_bytes())
    (tmp_path / "scan.nii.gz").write_bytes(data[: len(data) // 2])
    with served(tmp_path / "scan.nii.gz") as (_, line):
        answer = Site(line).ask(f"/data/scan/{chunk_keys(folder / 'flat')[-1]}")
        assert answer.status == 500 and str(tmp_path).encode() not in answer.content


# The contrast is only a nicety.
@pytest.mark.parametrize("damage", ["encoding", "chunk"])
def test_what_only_the_viewer_can_read_is_shown(folder, tmp_path, damage):
    convert(folder / "live.nii", tmp_path / "d", "--layout", "flat")
    info = json.loads((tmp_path / "d/info").read_text())
    if damage == "encoding":
        for scale in info["scales"]:
            scale["encoding"] = "jxl"
        (tmp_path / "d/info").write_text(json.dumps(info))
    else:
        for path in (tmp_path / "d" / info["scales"][-1]["key"]).iterdir():
            path.write_bytes(b"no gzip")
    process = subprocess.Popen([PROGRAM, "serve", tmp_path / "d", "--json", "--port", "0"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = json.loads(process.stdout.readline())
        (layer,) = json.loads(Site(line).ask("/state.json").content)["layers"]
        assert layer == line["datasets"][0]["layer"] and "shaderControls" not in layer
        linked = run("link", line["datasets"][0]["url"], "--json")
        assert linked.status == 0 and "no contrast is known" in linked.err
        assert linked.json["viewer"] == line["viewer"] and linked.json["state"]["layers"] == [layer]
        assert run("link", line["datasets"][0]["url"], "--quiet").err == ""
    finally:
        process.terminate()
        assert "no contrast is known" in process.communicate()[1]


# Links to what is served.

def test_a_link_to_another_server(folder, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/d").symlink_to(folder / "sharded")
    with web.serving(tmp_path) as url:
        linked = run("link", f"{url}/data/d/")
    assert linked.out.startswith("https://neuroglancer-demo.appspot.com/#!%7B"), linked


def test_link(site):
    entry = site.line["datasets"][2]
    url = entry["url"]
    for place in url, url[:-1], entry["source"], f"precomputed://{url[:-1]}":
        state = json.loads(run("link", place, "--state").out)
        assert state["layers"] == [entry["layer"]], place
    link = run("link", *(e["url"] for e in site.line["datasets"])).out.strip()
    assert link == site.line["viewer"]
    assert run("link", url, "--viewer", "https://example.org/ng/").out.startswith("https://example.org/ng/#!%7B")


def test_segments_of_a_link(tmp_path):
    save_nifti(tmp_path / "s.nii", volumes.labels((20, 20, 20), "u4"))
    with served(tmp_path / "s.nii") as (_, line):
        url = line["datasets"][0]["url"]
        assert "segments" not in json.loads(run("link", url, "--state").out)["layers"][0]
        layer = json.loads(run("link", url, "--state", "--segments", "17,18446744073709551615").out)["layers"][0]
        assert layer["segments"] == ["17", "18446744073709551615"]
        layer = json.loads(run("link", url, "--state", "--segments", "007,0").out)["layers"][0]
        assert layer["segments"] == ["7", "0"]
        for wrong in "18446744073709551616", "-1", "1,,2", "1,", "0x10", "1 ":
            assert run("link", url, f"--segments={wrong}").status == 2, wrong


def test_segments_of_an_image(site):
    assert run("link", site.line["datasets"][0]["url"], "--segments", "7").status == 2


def test_segments_of_what_is_served(tmp_path):
    save_nifti(tmp_path / "s.nii", volumes.labels((20, 20, 20), "u4"))
    save_nifti(tmp_path / "i.nii", volumes.structured((20, 20, 20), "u1"))
    with served(tmp_path / "s.nii", tmp_path / "i.nii", "--segments", "17,007") as (_, line):
        assert [entry["layer"].get("segments") for entry in line["datasets"]] == [["17", "7"], None]
        site = Site(line)
        for path in "/state.json", "/state/s.json":
            assert json.loads(site.ask(path).content)["layers"][0]["segments"] == ["17", "7"]
        linked = run("link", *(entry["url"] for entry in line["datasets"]), "--segments", "17,7")
        assert linked.out.strip() == line["viewer"]
    refused = run("serve", tmp_path / "i.nii", "--segments", "7")
    assert refused.status == 2
    assert "--type segmentation" in refused.err
    assert run("serve", tmp_path / "s.nii", "--segments", "x").status == 2


def test_the_browser_is_started(folder, tmp_path):
    (tmp_path / "xdg-open").write_text(f'#!/bin/sh\necho noise\necho "$1" >{tmp_path}/seen.new\nmv {tmp_path}/seen.new {tmp_path}/seen\n')
    (tmp_path / "xdg-open").chmod(0o755)
    with served(folder / "flat", "--open", PATH=f"{tmp_path}:/usr/bin:/bin") as (process, line):
        until = time.monotonic() + LIMIT_S
        while not (tmp_path / "seen").exists() and time.monotonic() < until:
            time.sleep(0.02)
        seen = (tmp_path / "seen").read_text().strip()
        assert seen.startswith(line["url"]) and Site(line).ask("/" + seen.removeprefix(line["url"])).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "", "nothing but the line of JSON"


def test_a_server_for_other_machines(folder):
    with served(folder / "flat", "--bind", "0.0.0.0") as (_, line):
        site = Site(line)
        assert site.status(b"/data/flat/info", "brain.example:80") == 200
        state = json.loads(site.ask("/state.json", host="brain.example:80").content)
        assert state["layers"][0]["source"]["url"] == "http://brain.example:80/data/flat/|neuroglancer-precomputed:"


def test_bad_choices():
    assert run("serve").status == 2
    assert run("serve", "x.nii", "--port", "99999").status == 2
