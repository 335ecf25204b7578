# SPDX-License-Identifier: Apache-2.0
"""What a chunk costs when there are very many."""


import shutil
import statistics

import numpy as np

from harness import WORK, bench, brain, timed

CHUNK_SIDE = 8


def noise(chunks_per_side):
    """Chunks of noise, so that none is empty and none packs to nothing."""
    path = WORK / f"noise{chunks_per_side}.npy"
    if not path.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        side = chunks_per_side * CHUNK_SIDE
        np.save(path, np.random.default_rng(1).integers(1, 255, (side,) * 3, np.uint8))
    return path


@bench("10^3 to 10^6 chunks of 8^3: writing and checking, sharded")
def chunks(context):
    rows = []
    for per_side in (10, 32, 100):
        source, folder, count = noise(per_side), WORK / "many", per_side**3
        options = ["--voxel-size", "1um", "--chunk-size", str(CHUNK_SIDE), "--scales", "1", "--memory", "64MiB"]
        written = timed([context.program, "convert", source, folder, *options, "--quiet"], folder)
        checked = timed([context.program, "check", folder, "--memory", "64MiB", "--quiet"], WORK / "none")
        row = {"chunks": count, "write us/chunk": 1e6 * written[0] / count, "check us/chunk": 1e6 * checked[0] / count,
               "write peak MiB": written[2] / 2**20, "check peak MiB": checked[2] / 2**20}
        if rows:
            more = count - rows[-1]["chunks"]
            for work, run in (("write", written), ("check", checked)):
                row[f"{work} bytes per further chunk"] = (run[2] - 2**20 * rows[-1][f"{work} peak MiB"]) / more
        rows.append(row)
    return rows


@bench("what sharding takes of a conversion")
def sharding(context):
    source, folder, again = brain(), WORK / "sharded", WORK / "resharded"
    rows = []
    for shards in ("0,3,3", "3,3,0"):
        whole, part = [], []
        for _ in range(context.rounds):
            whole.append(timed([context.program, "convert", source, folder, "--sharding", shards, "--scales", "1", "--quiet"],
                               folder)[1])
            shutil.rmtree(again, ignore_errors=True)
            again.mkdir()
            part.append(context.tool("bench_sharding", folder, again))
        run_s, sharding_s = statistics.median(whole), statistics.median(one["cpu_s"] for one in part)
        rows.append({"what": f"512^3 brain, finest scale, --sharding {shards}", "chunks": part[0]["chunks"],
                     "CPU seconds of the run": run_s, "of it in shards": sharding_s, "%": 100 * sharding_s / run_s})
    return rows
