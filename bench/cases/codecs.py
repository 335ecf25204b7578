# SPDX-License-Identifier: Apache-2.0
"""Encodings and kernels, one thread each, against the packages that people use for them."""

import statistics
from importlib.metadata import version

import nibabel as nib
import numpy as np

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


def picture_chunks():
    """Files of chunks of 64^3 that are not empty, out of a real scan: {name: (path, type, channels)}."""
    scan = np.asarray(nib.load(data.fetch("icbm152_t1.nii.gz")).dataobj)
    random = np.random.default_rng(0)
    noisy = np.clip(scan + random.normal(0, 6, scan.shape), 0, 255)
    volumes = {"T1 uint8": [scan], "T1 with noise uint8": [noisy],
               "T1 as colours uint8": [np.clip(3 * scan.astype(int) - 255 * c, 0, 255) for c in range(3)]}
    places = [tuple(slice(64 * i, 64 * i + 64) for i in place) for place in np.ndindex(3, 3, 2)]
    WORK.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, channels in volumes.items():
        dtype = name.split()[-1]
        path = WORK / f"{name.replace(' ', '_')}.chunks"
        with open(path, "wb") as file:
            for place in places:
                if (scan[place] != 0).mean() > 0.3:
                    for values in channels:
                        file.write(values[place].astype(dtype).tobytes(order="F"))
        files[name] = path, dtype, len(channels)
    return files


def row_beside(what, peer, runs, voxels):
    """The row of runs (ours, the peer's) that encode and decode the same chunks."""
    ours, theirs = ({key: statistics.median(run[side][key] for run in runs) for key in runs[0][side]} for side in (0, 1))
    row = {"what": what, "peer": peer}
    for work in ("encode", "decode"):
        row[f"{work} MVx/s"] = voxels / ours[f"{work}_s"] / 1e6
        row[f"{work} x peer"] = theirs[f"{work}_s"] / ours[f"{work}_s"]
    row["bytes"] = f"{ours['bytes']:.0f}"
    row["bytes / peer's"] = ours["bytes"] / theirs["bytes"]
    return row


@bench("jpeg and png of chunks of 64^3, one thread")
def images(context):
    peers = {"jpeg": f"simplejpeg {version('simplejpeg')}", "png": f"pyspng {version('pyspng-seunglab')}"}
    rows = []
    for name, (path, dtype, channels) in picture_chunks().items():
        for encoding, peer in peers.items():
            arguments = encoding, path, dtype, channels
            runs = [(context.tool("bench_chunks", *arguments), context.script("images.py", *arguments))
                    for _ in range(max(1, context.rounds // 2))]
            voxels = path.stat().st_size / channels
            rows.append(row_beside(f"{encoding}, {name}", peer, runs, voxels))
    return rows


def label_chunks():
    """Files of chunks of 64^3 labels: {words: (path, type)}."""
    made, origin = data.labels(256)
    atlas = np.asarray(nib.load(data.fetch("desikan_killiany.nii.gz")).dataobj)
    places = [tuple(slice(64 * i, 64 * i + 64) for i in place) for place in np.ndindex(4, 4, 4)]
    WORK.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, volume, dtypes in ("atlas", atlas, ["uint16"]), (f"{origin} labels", made, ["uint32", "uint64"]):
        chunks = [volume[place] for place in places if volume[place].shape == (64, 64, 64) and volume[place].any()]
        for dtype in dtypes:
            path = WORK / f"{name.replace(' ', '_')}_{dtype}.chunks"
            path.write_bytes(b"".join(chunk.astype(dtype).tobytes(order="F") for chunk in chunks))
            files[f"{name}, {dtype}"] = path, dtype
    return files


@bench("compresso of chunks of 64^3, one thread")
def compresso(context):
    rows = []
    for name, (path, dtype) in label_chunks().items():
        runs = [(context.tool("bench_chunks", "compresso", path, dtype, 1),
                 context.script("compresso_chunks.py", path, dtype)) for _ in range(max(1, context.rounds // 2))]
        voxels = path.stat().st_size / np.dtype(dtype).itemsize
        rows.append(row_beside(name, f"compresso {version('compresso')}", runs, voxels))
    return rows


@bench("downsampling kernels, one thread")
def kernels(context):
    from peers import kernels as peer

    return peer.rows(context)
