#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the program against limits and peers; ./dev bench NAME.

Runs of what is compared follow each other in turn; the table shows medians and their ratios. With --keep a result goes
to bench/results as JSON with the machine, and into docs/performance.md. Slow peers are kept in build/bench/peers.json.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/bench/work"
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]

import numpy as np  # noqa: E402

import data  # noqa: E402
import large  # noqa: E402
from precomputed import Dataset  # noqa: E402

BENCHES = {}


def bench(title):
    """Registers a bench: a function of the context that returns the rows of a table."""
    def register(function):
        BENCHES[function.__name__] = title, function
        return function
    return register


class Context:
    def __init__(self, program, rounds):
        self.program = Path(program).absolute()
        self.tools = self.program.parent
        self.rounds = rounds

    def tool(self, name, *arguments):
        """Runs a bench program; its JSON."""
        return output_json([self.tools / name, *map(str, arguments)])

    def script(self, name, *arguments):
        """Runs a script of bench/peers; its JSON."""
        return output_json([sys.executable, ROOT / "bench/peers" / name, *map(str, arguments)])


def output_json(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def timed(command, destination):
    """Runs a command that writes `destination` anew: (wall seconds, CPU seconds, peak bytes)."""
    shutil.rmtree(destination, ignore_errors=True)
    # A process inherits its parent's peak until it executes something else: a small process starts the measured one.
    starter = ("import json, os, sys, time; begin = time.perf_counter(); "
               "pid = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:]); _, status, used = os.wait4(pid, 0); "
               "wall = time.perf_counter() - begin; "
               "print(json.dumps([wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024])); "
               "sys.exit(os.waitstatus_to_exitcode(status))")
    started = [sys.executable, "-I", "-S", "-c", starter, *map(str, command)]
    done = subprocess.run(started, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def tree_bytes(folder):
    return sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())


def remembered(key, measure):
    """A peer's figures from build/bench/peers.json, measured when they are not there (key: version and command)."""
    path = ROOT / "build/bench/peers.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    if key not in known:
        known[key] = measure()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(known, indent=1))
    return known[key]


def brain(side=512):
    path = WORK / f"brain{side}.nii.gz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        maker = [sys.executable, ROOT / "tools/make_brain.py", data.fetch("icbm152_t1.nii.gz"), path, str(side)]
        subprocess.run(maker, check=True)
    return path


def same_voxels(ours, theirs):
    """Compares the scales that both have, by number."""
    a, b = Dataset(ours), Dataset(theirs)
    for index in range(min(len(a.scales), len(b.scales))):
        if not np.array_equal(a.read(index), b.read(index)):
            return f"scale {index} differs"
    return "equal"


@bench("convert a 512^3 uint8 brain")
def brain512(context):
    source, ours = brain(), {name: WORK / name for name in ("flat", "sharded")}
    commands = {name: [context.program, "convert", source, out, "--layout", name, "--quiet"]
                for name, out in ours.items()}
    plain = WORK / "plain"
    timed([context.program, "convert", source, plain, "--layout", "flat", "--compress", "none", "--quiet"], plain)
    walls = {name: [] for name in ("flat", "sharded", "limit")}
    limits = []
    for _ in range(context.rounds):
        for name, out in ours.items():
            walls[name].append(timed(commands[name], out)[0])
        limits.append(context.tool("bench_limit", source, plain, 6))
        walls["limit"].append((limits[-1]["inflate_s"] + limits[-1]["deflate_s"]) / os.cpu_count())

    peer, peer_out = "neuroglancer-scripts", WORK / "peer"
    arguments = ["--flat", "--compresslevel", "6"]
    peer_program = Path(sys.executable).parent / "volume-to-precomputed-pyramid"
    key = f"{peer} {version(peer)}: volume-to-precomputed-pyramid {' '.join(arguments)} brain512"

    def measure_peer():
        wall, cpu, peak = timed([peer_program, *arguments, source, peer_out], peer_out)
        return {"wall_s": wall, "cpu_s": cpu, "peak_bytes": peak, "bytes": tree_bytes(peer_out),
                "voxels": same_voxels(ours["flat"], peer_out)}

    theirs = remembered(key, measure_peer)
    limit = statistics.median(walls["limit"])
    rows = [{"what": "limit: inflate once + deflate the chunks, from memory, / cores", "seconds": limit, "x limit": 1.0,
             "MB": limits[-1]["deflated_bytes"] / 1e6}]
    for name, out in ours.items():
        median = statistics.median(walls[name])
        rows.append({"what": f"ngforge convert --layout {name}", "seconds": median,
                     "spread": max(walls[name]) - min(walls[name]), "x limit": median / limit,
                     "x faster than peer": theirs["wall_s"] / median, "MB": tree_bytes(out) / 1e6})
    rows.append({"what": key.split(":")[0] + f" (voxels {theirs['voxels']})", "seconds": theirs["wall_s"],
                 "x limit": theirs["wall_s"] / limit, "MB": theirs["bytes"] / 1e6})
    return rows


@bench("memory: 4096 x 2048 x 1024 uint16 with --memory 512MiB (long)")
def big16(context):
    rows = []
    orders = {"z": np.diag([1, 1, 1, 1.0]),
              "x, reversed": np.array([[0, 0, -1, 1023], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])}
    for order, affine in orders.items():
        source = WORK / "big16.nii.gz"
        source.parent.mkdir(parents=True, exist_ok=True)
        large.write(source, (4096, 2048, 1024), affine)
        for layout in ("sharded", "flat", "deep"):
            out = WORK / "big16"
            command = [context.program, "convert", source, out, "--layout", layout, "--memory", "512MiB", "--quiet"]
            wall, cpu, peak = timed(command, out)
            rows.append({"what": f"slowest axis is output {order}; {layout}", "seconds": wall, "CPU seconds": cpu,
                         "peak MiB": peak / 2**20, "allowed MiB": 512 + 64, "MVx/s": 4096 * 2048 * 1024 / wall / 1e6})
            print(rows[-1], file=sys.stderr)
            shutil.rmtree(out)
        source.unlink()
    return rows


@bench("compressed_segmentation of 512^3 labels, one thread")
def segmentation(context):
    rows = []
    values, origin = data.labels(512)
    for dtype in ("uint32", "uint64"):
        raw = WORK / f"labels.{dtype}"
        raw.parent.mkdir(parents=True, exist_ok=True)
        values.astype(dtype).ravel(order="F").tofile(raw)
        arguments = raw, 512, dtype
        runs = [(context.tool("bench_segmentation", *arguments), context.script("segmentation.py", *arguments))
                for _ in range(max(1, context.rounds // 2))]
        raw.unlink()
        for index, name in enumerate(("ngforge", f"compressed-segmentation {version('compressed-segmentation')}")):
            row = {"what": f"{name}, {dtype}, {origin} labels"}
            for work in ("encode", "decode"):
                seconds = statistics.median(run[index][f"{work}_s"] for run in runs)
                row[f"{work} MVx/s"] = values.size / seconds / 1e6
                if index == 0:
                    row[f"{work} x peer"] = statistics.median(run[1][f"{work}_s"] for run in runs) / seconds
            row["MB"] = runs[0][index]["bytes"] / 1e6
            rows.append(row)
    return rows


@bench("downsampling kernels, one thread")
def kernels(context):
    from peers import kernels as peer

    return peer.rows(context)


def table(rows):
    columns = list(dict.fromkeys(column for row in rows for column in row))

    def cell(value):
        if isinstance(value, float):
            return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
        return str(value)

    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(row.get(column, "")) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def machine():
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {"cpu": model[1] if model else platform.processor(), "cores": os.cpu_count(), "system": platform.platform()}


def keep(name, rows, rounds):
    today, where = datetime.date.today().isoformat(), machine()
    short = re.sub(r"[^a-z0-9]+", "-", f"{where['cpu']} {where['cores']} cores".lower()).strip("-")
    path = ROOT / "bench/results" / f"{today}-{short}.json"
    path.parent.mkdir(exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {"machine": where, "benches": {}}
    results["benches"][name] = {"rounds": rounds, "rows": rows}
    path.write_text(json.dumps(results, indent=1) + "\n")
    page = ROOT / "docs/performance.md"
    text = page.read_text()
    begin, end = f"<!-- bench {name} -->", "<!-- end -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
    caption = f"{today}, {where['cpu']}, {where['cores']} cores, medians of {rounds} rounds."
    if pattern.search(text):
        page.write_text(pattern.sub(lambda _: f"{begin}\n{table(rows)}\n\n{caption}\n{end}", text))


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("name", nargs="*", help="benches to run, in turn")
    parser.add_argument("--program", default=ROOT / "build/release/bin/ngforge")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="write bench/results and docs/performance.md")
    options = parser.parse_args()
    unknown = set(options.name) - BENCHES.keys()
    if unknown or not options.name:
        for name, (title, _) in BENCHES.items():
            print(f"{name:14} {title}")
        return 2 if unknown else 0
    context = Context(options.program, options.rounds)
    for name in options.name:
        begin = time.monotonic()
        rows = BENCHES[name][1](context)
        print(f"\n{BENCHES[name][0]} ({time.monotonic() - begin:.0f} s)\n\n{table(rows)}")
        if options.keep:
            keep(name, rows, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
