# SPDX-License-Identifier: Apache-2.0
"""Meshes of every label of a segmentation, one thread, against zmesh."""

import statistics
from importlib.metadata import version

import data
from harness import WORK, bench

NODE = 128


def differences(ours, theirs):
    """What differs between the meshes of two programs: {label: [vertices, triangles, volume]} of each."""
    assert ours.keys() == theirs.keys()
    # A vertex for each edge of the lattice that a label ends on: the same, whatever the table of cases.
    assert all(ours[label][0] == theirs[label][0] for label in ours)
    total = [sum(mesh[2] for mesh in meshes.values()) for meshes in (ours, theirs)]
    apart = sorted(abs(ours[label][2] / theirs[label][2] - 1) for label in ours)
    return {"volume / peer's": total[0] / total[1], "labels within 0.1 %": sum(d <= 1e-3 for d in apart) / len(apart)}


@bench("marching cubes over all labels of 512^3, one thread, the processor's seconds")
def marching_cubes(context):
    values, origin = data.labels(512)
    raw = WORK / "labels.uint32"
    WORK.mkdir(parents=True, exist_ok=True)
    values.astype("uint32").ravel(order="F").tofile(raw)
    arguments = raw, 512, "uint32"
    runs = [(context.tool("bench_mesh", *arguments, NODE), context.script("zmesh_labels.py", *arguments))
            for _ in range(max(1, context.rounds // 2))]
    raw.unlink()
    ours, theirs = runs[0]
    triangles = sum(mesh[1] for mesh in ours["labels"].values())
    peer = statistics.median(run[1]["seconds"] for run in runs)
    rows = []
    for what, key in ("in nodes", "seconds"), ("whole, welded", "seconds_welded"):
        seconds = statistics.median(run[0][key] for run in runs)
        rows.append({"what": f"{len(ours['labels'])} {origin} labels, {what}", "s": seconds,
                     "Mtriangles/s": triangles / seconds / 1e6, f"zmesh {version('zmesh')} s": peer,
                     "x peer": peer / seconds, **differences(ours["labels"], theirs["labels"])})
    return rows
