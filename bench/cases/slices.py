# SPDX-License-Identifier: Apache-2.0
"""TIFF slices of labels to a pyramid, against the tools that people use for it."""

import json
import statistics
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

import data
from harness import WORK, bench, remembered, same_voxels, timed
from igneous_environment import Igneous

RESOLUTION_NM = 8
SIDE = 512


def label_slices():
    """A folder of uncompressed TIFF files, the labels as one array in a file, and where they come from."""
    import tifffile

    values, origin = data.labels(SIDE)
    folder, array = WORK / f"slices-{origin}", WORK / f"labels-{origin}.npy"
    if not array.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for z in range(SIDE):
            tifffile.imwrite(folder / f"{z:04}.tif", np.ascontiguousarray(values[:, :, z].T))
        np.save(array, values)
    return folder, array, origin


def neuroglancer_scripts(slices, destination, dtype, scale_count):
    """Its three programs, to the first scales; wall seconds of those that touch voxels."""
    programs = Path(sys.executable).parent
    fullres = WORK / "info_fullres.json"
    scale = {"size": [SIDE] * 3, "resolution": [RESOLUTION_NM] * 3, "voxel_offset": [0, 0, 0]}
    fullres.write_text(json.dumps({"type": "segmentation", "data_type": dtype, "num_channels": 1, "scales": [scale]}))
    timed([programs / "generate-scales-info", "--encoding", "compressed_segmentation", fullres, destination], destination)
    info = json.loads((destination / "info").read_text())
    info["scales"] = info["scales"][:scale_count]
    (destination / "info").write_text(json.dumps(info))
    steps = [["slices-to-precomputed", "--flat", "--compresslevel", "6", "--input-orientation", "RAS", slices, destination],
             ["compute-scales", "--flat", "--compresslevel", "6", "--downscaling-method", "majority", destination]]
    return sum(timed([programs / name, *arguments], WORK / "none")[0] for name, *arguments in steps)


@bench("TIFF slices of 512^3 labels to a sharded compressed_segmentation pyramid")
def slices(context):
    folder, array, origin = label_slices()
    ours, theirs = WORK / "slices-ours", WORK / "slices-peer"
    command = [context.program, "convert", folder, ours, "--input-orientation", "RAS", "--type", "segmentation",
               "--voxel-size", f"{RESOLUTION_NM}nm", "--quiet"]
    runs = [timed(command, ours) for _ in range(context.rounds)]
    seconds = statistics.median(run[0] for run in runs)

    peer = Igneous()

    def measure_scripts():
        wall = neuroglancer_scripts(folder, theirs, str(np.load(array, mmap_mode="r").dtype), 2)
        return {"wall_s": wall, "voxels": same_voxels(ours, theirs)}

    def measure_igneous():
        found = context.script("igneous_pyramid.py", array, theirs, RESOLUTION_NM, python=peer.programs / "python")
        return {**found, "voxels": same_voxels(ours, theirs, scales=1)}

    scripts = remembered(f"neuroglancer-scripts {version('neuroglancer-scripts')}: slices-to-precomputed --flat, "
                         f"compute-scales --downscaling-method majority, 2 scales, {origin} labels", measure_scripts)
    igneous = remembered(f"cloud-volume {version('cloud-volume')} from_numpy, igneous {peer.version} "
                         f"downsample, labels in memory, {origin} labels", measure_igneous)
    return [{"what": f"ngforge convert SLICES, all scales, sharded, {origin} labels", "seconds": seconds,
             "peak MiB": max(run[2] for run in runs) / 2**20},
            {"what": f"neuroglancer-scripts {version('neuroglancer-scripts')}, two scales, a file per chunk",
             "seconds": scripts["wall_s"], "ngforge is x faster": scripts["wall_s"] / seconds, "voxels": scripts["voxels"]},
            {"what": f"cloud-volume {version('cloud-volume')} + igneous {peer.version}, labels in memory",
             "seconds": igneous["wall_s"], "peak MiB": igneous["peak_bytes"] / 2**20,
             "ngforge is x faster": igneous["wall_s"] / seconds, "voxels": f"finest {igneous['voxels']}"}]
