# SPDX-License-Identifier: Apache-2.0
"""Encodings and kernels, one thread each, against the packages that people use for them."""

import statistics
from importlib.metadata import version

import data
from harness import WORK, bench


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
