# SPDX-License-Identifier: Apache-2.0
"""Requests a second against nginx; slow readers; minutes of full load."""

import contextlib
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import web_servers
from harness import bench, brain
from program import convert
from site_under_test import Site, served
from slow_readers import SlowReaders, latencies, memory_bytes

CONNECTIONS = 32
SECONDS = 5
# As `ngforge webserver` and the viewer name them; one folder for each kind of chunk.
KINDS = {"gz": ["--layout", "flat"], "raw": ["--layout", "flat", "--compress", "none", "--keep-empty"]}


def datasets(program):
    """A folder with a dataset of 64^3 chunks of each kind, which other users may read."""
    root = Path(tempfile.gettempdir()) / "ngforge-bench-serve"
    root.mkdir(exist_ok=True)
    root.chmod(0o755)
    for kind, options in KINDS.items():
        if not (root / kind).exists():
            convert(brain(), root / kind, *options, program=program)
    return root


def keys_of(root, kind):
    found = sorted(str(path.relative_to(root)).removesuffix(".gz") for path in (root / kind).glob("*/*-*_*-*_*-*"))
    random.Random(1).shuffle(found)
    return found


def workers_of(folder):
    """The processes of the nginx whose configuration is in a folder."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes().startswith(b"nginx: master") and folder.encode() in path.read_bytes():
                pid = path.parent.name
                return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    raise LookupError("nginx does not run")


@contextlib.contextmanager
def both(root, program):
    """nginx and ngforge with the same files: {name: (URL before a key, process ids)}."""
    port = web_servers.free_port()
    with tempfile.TemporaryDirectory() as other, contextlib.ExitStack() as stack:
        configured = web_servers.configuration("nginx", root, "--port", port)
        Path(other, "nginx.conf").write_text(configured)
        url = stack.enter_context(web_servers.started(web_servers.RUN_NGINX, port, Path(other)))
        process, line = stack.enter_context(served(*(root / kind for kind in KINDS), program=program))
        yield {"nginx": (url + "/", workers_of(other)), "ngforge": (line["url"] + "data/", [process.pid])}


def cpu_s(processes):
    """What they have used so far, in user and system mode."""
    ticks = 0
    for process in processes:
        ticks += sum(map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def fetch(url):
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})) as answer:
        return answer.headers["Content-Encoding"], answer.read()


def load(url, keys, seconds=SECONDS, connections=CONNECTIONS):
    """wrk asks for the keys in turn: (requests, requests a second, bytes a second)."""
    paths = ",".join(f"'{re.sub('^http://[^/]+', '', url)}{key}'" for key in keys)
    script = (f"local paths = {{{paths}}}\nlocal texts, i = {{}}, 0\n"
              "init = function() for k = 1, #paths do\n"
              "texts[k] = wrk.format('GET', paths[k], {['Accept-Encoding'] = 'gzip'}) end end\n"
              "request = function() i = i % #texts + 1 return texts[i] end\n"
              "done = function(summary, latency, requests) io.write(string.format('%d %d %d %d %d\\n', summary.requests,\n"
              "summary.duration, summary.bytes, summary.errors.status, summary.errors.connect + summary.errors.read +\n"
              "summary.errors.write + summary.errors.timeout)) end\n")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", file.name, url], check=True,
                              capture_output=True, text=True).stdout
    requests, duration_us, size, wrong, failed = map(int, text.splitlines()[-1].split())
    assert not wrong and not failed, f"{url}: {wrong} wrong answers, {failed} errors"
    return requests, 1e6 * requests / duration_us, 1e6 * size / duration_us


@bench(f"64^3 chunks from disk, {CONNECTIONS} connections: serve and nginx")
def serve_static(context):
    root = datasets(context.program)
    rows = []
    with both(root, context.program) as servers:
        for kind in KINDS:
            keys = keys_of(root, kind)
            for key in keys:
                ours, theirs = fetch(servers["ngforge"][0] + key), fetch(servers["nginx"][0] + key)
                assert ours == theirs, f"{key} differs"
            size = statistics.mean(len(fetch(servers["nginx"][0] + key)[1]) for key in keys)
            found = {name: [] for name in servers}
            for _ in range(context.rounds):
                for name, (url, processes) in servers.items():
                    before = cpu_s(processes)
                    requests, rate, bandwidth = load(url, keys)
                    found[name].append((rate, bandwidth, 1e6 * (cpu_s(processes) - before) / requests))
            rates = {}
            for name, runs in found.items():
                rate, bandwidth, cpu_us = map(statistics.median, zip(*runs, strict=True))
                rates[name] = rate
                rows.append({"what": f"{name}, {len(keys)} chunks of {size / 1024:.0f} KiB on average, {kind}",
                             "requests/s": rate, "GB/s": bandwidth / 1e9, "CPU us/request": cpu_us})
            rows[-1]["x nginx"] = rates["ngforge"] / rates["nginx"]
    return rows


def slow_requests(root):
    """What slow readers ask for: files as they lie, parts of them, and chunks that are unpacked for them."""
    plain, packed = (keys_of(root, kind)[:50] for kind in ("raw", "gz"))
    return [request for a, b in zip(plain, packed, strict=True)
            for request in ((f"/data/{a}", {}), (f"/data/{a}", {"Range": "bytes=100-"}), (f"/data/{b}", {}))]


@bench("500 connections with slow readers: what others wait, memory")
def serve_slow(context):
    root, count = datasets(context.program), 500
    rows = []
    for readers in (0, count):
        with served(*(root / kind for kind in KINDS), program=context.program) as (process, line):
            site = Site(line)
            keys = [f"/data/{key}" for key in keys_of(root, "gz")]
            with SlowReaders(site.host, site.port, slow_requests(root), readers, bytes_per_second=16384) as slow:
                time.sleep(2)
                times = sorted(latencies(site.host, site.port, [*keys, "/"], 5000))
            rows.append({"slow readers": readers, "requests of another client": len(times),
                         "median ms": 1e3 * statistics.median(times), "99 % ms": 1e3 * times[int(0.99 * len(times))],
                         "most ms": 1e3 * times[-1], "errors": slow.lost + slow.refused,
                         "peak MiB": memory_bytes(process.pid, "VmHWM") / 2**20})
    return rows


@bench("full load and 100 slow readers for ten minutes (SOAK_MINUTES): memory over time")
def serve_soak(context):
    root = datasets(context.program)
    minutes = float(os.environ.get("SOAK_MINUTES", "10"))
    rows = []
    with served(*(root / kind for kind in KINDS), program=context.program) as (process, line):
        site, keys = Site(line), [key for kind in KINDS for key in keys_of(root, kind)]
        with SlowReaders(site.host, site.port, slow_requests(root), 100, bytes_per_second=65536) as slow:
            steps = max(2, round(2 * minutes))
            for step in range(steps):
                requests, rate, _ = load(line["url"] + "data/", keys, seconds=max(1, round(60 * minutes / steps)))
                rows.append({"minutes": round((step + 1) * minutes / steps, 2), "requests/s": rate,
                             "memory MiB": memory_bytes(process.pid) / 2**20,
                             "descriptors": len(list(Path(f"/proc/{process.pid}/fd").iterdir())),
                             "errors": slow.lost + slow.refused})
                print(rows[-1], file=sys.stderr)
    return rows
