# SPDX-License-Identifier: Apache-2.0
"""What a chunk costs when there are very many."""


import numpy as np

from harness import WORK, bench, timed

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
