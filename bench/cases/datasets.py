# SPDX-License-Identifier: Apache-2.0
"""Datasets as sources: cutouts of them, and copies with other chunks and shards."""

import statistics
from importlib.metadata import version

import nibabel as nib
import numpy as np

import data
from harness import WORK, bench, remembered, same_voxels, timed, tree_bytes
from igneous_environment import Igneous

CUTOUTS, CUTOUT_SIDE, THREADS = 64, 128, 8


def label_dataset(context, side=512):
    """A sharded compressed_segmentation pyramid of labels: (folder, where the labels come from)."""
    values, origin = data.labels(side)
    folder, source = WORK / f"labels{side}-{origin}", WORK / "labels.nii"
    if not (folder / "info").exists():
        WORK.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(values, np.diag([32e-6, 32e-6, 40e-6, 1]), dtype=values.dtype), source)
        timed([context.program, "convert", source, folder, "--type", "segmentation", "--quiet"], folder)
        source.unlink()
    return folder, origin


@bench("random 128^3 cutouts of a sharded dataset of 512^3 labels, 8 threads")
def cutouts(context):
    folder, origin = label_dataset(context)
    corners = WORK / "corners.txt"
    np.savetxt(corners, np.random.default_rng(7).integers(0, 512 - CUTOUT_SIDE, (CUTOUTS, 3)), "%d")
    arguments = folder, corners, CUTOUT_SIDE, THREADS
    names = {"ngforge": "ngforge", "tensorstore": f"tensorstore {version('tensorstore')}",
             "cloudvolume": f"cloud-volume {version('cloud-volume')}"}
    runs = {name: [] for name in names}
    for _ in range(context.rounds):
        runs["ngforge"].append(context.tool("bench_cutouts", *arguments))
        for package in ("tensorstore", "cloudvolume"):
            runs[package].append(context.script("cutouts.py", package, *arguments))
    rows = []
    ours = statistics.median(run["seconds"] for run in runs["ngforge"])
    for name, title in names.items():
        seconds = statistics.median(run["seconds"] for run in runs[name])
        equal = all(run["sum"] == runs["ngforge"][0]["sum"] for run in runs[name])
        rows.append({"what": f"{title}, {origin} labels", "ms per cutout": 1e3 * seconds / CUTOUTS,
                     "MVx/s": CUTOUTS * CUTOUT_SIDE**3 / seconds / 1e6, "ngforge is x faster": seconds / ours,
                     "voxels": "equal" if equal else "DIFFER"})
    return rows


@bench("copy of 512^3 labels with other chunks and shards")
def copy(context):
    folder, origin = label_dataset(context)
    ours, theirs = WORK / "copy", WORK / "copy-peer"
    chunks = "128,128,32"
    command = [context.program, "convert", folder, ours, "--chunk-size", chunks, "--memory", "512MiB", "--quiet"]
    one_scale = [*command, "--scales", "1"]
    runs = [timed(one_scale, ours) for _ in range(context.rounds)]
    peer_tools = Igneous()
    igneous = peer_tools.programs / "igneous"
    key = f"igneous {peer_tools.version}: image xfer --sharded --chunk-size {chunks} {origin}"

    def measure_peer():
        queue = WORK / "queue"
        plan = [igneous, "image", "xfer", f"file://{folder}", f"file://{theirs}", "--queue", f"fq://{queue}", "--sharded",
                "--chunk-size", chunks, "--encoding", "compressed_segmentation"]
        planned = timed(plan, theirs)
        executed = timed([igneous, "execute", f"fq://{queue}", "-x", "--quiet"], WORK / "none")
        return {"wall_s": planned[0] + executed[0], "peak_bytes": executed[2], "bytes": tree_bytes(theirs),
                "voxels": same_voxels(ours, theirs)}

    peer = remembered(key, measure_peer)
    seconds, peak = statistics.median(run[0] for run in runs), max(run[2] for run in runs)
    whole = statistics.median(timed(command, ours)[0] for _ in range(context.rounds))
    return [{"what": f"ngforge convert, finest scale, {origin} labels", "seconds": seconds, "peak MiB": peak / 2**20,
             "allowed MiB": 512 + 64, "x faster than peer": peer["wall_s"] / seconds},
            {"what": "ngforge convert, all scales", "seconds": whole, "x faster than peer": peer["wall_s"] / whole},
            {"what": f"{key.split(':')[0]} (voxels {peer['voxels']})", "seconds": peer["wall_s"],
             "peak MiB": peer["peak_bytes"] / 2**20}]
