# SPDX-License-Identifier: Apache-2.0
"""Downsampling kernels beside tinybrain's, one thread each.

As a script: kernels.py VOLUME SIDE TYPE average|majority X,Y,Z, the work of bench_downsample by tinybrain, best of some rounds.
"""

import json
import statistics
import sys
import time
from importlib.metadata import version

import numpy as np

REPEATS = 7
CASES = [("average", "uint8", "2,2,2"), ("average", "uint8", "2,2,1"),
         ("majority", "uint32", "2,2,2"), ("majority", "uint32", "2,2,1"), ("majority", "uint64", "2,2,2")]


def rows(context):
    """The rows of `./dev bench kernels`."""
    import data
    from harness import WORK

    values, origin = data.labels(512)
    WORK.mkdir(parents=True, exist_ok=True)
    table = []
    for method, dtype, factor in CASES:
        raw = WORK / f"labels.{dtype}"
        values.astype(dtype).ravel(order="F").tofile(raw)
        arguments = (raw, 512, dtype, method, factor)
        pairs = [(context.tool("bench_downsample", *arguments)["seconds"], context.script("kernels.py", *arguments)["seconds"])
                 for _ in range(context.rounds)]
        raw.unlink()
        ours, peers = (statistics.median(column) for column in zip(*pairs, strict=True))
        table.append({"what": f"{method} {factor}, {dtype}, 512^3 {origin} labels", "ngforge GVx/s": values.size / ours / 1e9,
                      f"tinybrain {version('tinybrain')} GVx/s": values.size / peers / 1e9,
                      "x peer": statistics.median(theirs / own for own, theirs in pairs)})
    return table


def main():
    import tinybrain

    path, side, dtype, method = sys.argv[1], int(sys.argv[2]), np.dtype(sys.argv[3]), sys.argv[4]
    factor = tuple(map(int, sys.argv[5].split(",")))
    volume = np.fromfile(path, dtype).reshape((side,) * 3, order="F")
    reduce = {"average": tinybrain.downsample_with_averaging, "majority": tinybrain.downsample_segmentation}[method]
    best = float("inf")
    for _ in range(REPEATS):
        begin = time.perf_counter()
        mips = reduce(volume, factor=factor, num_mips=1)
        best = min(best, time.perf_counter() - begin)
    assert mips[0].shape[:3] == tuple(-(-side // f) for f in factor)
    print(json.dumps({"seconds": best}))


if __name__ == "__main__":
    main()
