# SPDX-License-Identifier: Apache-2.0
"""`convert` of a scan: time against the limit and neuroglancer-scripts, memory of a large one."""

import os
import shutil
import statistics
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

import large
from harness import WORK, bench, brain, remembered, same_voxels, timed, tree_bytes


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
