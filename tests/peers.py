# SPDX-License-Identifier: Apache-2.0
"""Datasets written by other programs. Values are [x, y, z] or [x, y, z, channel], voxels 4 x 4 x 40 nm."""

import subprocess
import sys
from pathlib import Path

import cloudvolume
import numpy as np
import tensorstore

from igneous_environment import Igneous
from volumes import save_nifti

RESOLUTION_NM = (4, 4, 40)
BIN = Path(sys.executable).parent


def sharding(bits=(0, 0, 0), hash="identity", index="gzip", data="gzip"):
    """The `sharding` of a scale. `bits`: preshift, minishard, shard."""
    return {"@type": "neuroglancer_uint64_sharded_v1", "hash": hash, "preshift_bits": bits[0],
            "minishard_bits": bits[1], "shard_bits": bits[2], "minishard_index_encoding": index,
            "data_encoding": data}


def kind_of(values):
    is_label = values.dtype.kind == "u" and values.dtype.itemsize >= 4 and with_channels(values).shape[3] == 1
    return "segmentation" if is_label else "image"


def with_channels(values):
    return values if values.ndim == 4 else values[..., None]


def by_tensorstore(folder, scales, *, chunk=(8, 8, 8), encoding="raw", spec=None, offset=(0, 0, 0), factor=2):
    """`scales`: arrays, the finest first, each `factor` times as coarse as the one before."""
    for index, values in enumerate(map(with_channels, scales)):
        scale = {"size": values.shape[:3], "encoding": encoding, "chunk_size": chunk,
                 "resolution": [n * factor**index for n in RESOLUTION_NM],
                 "voxel_offset": [n // factor**index for n in offset]}
        if encoding == "compressed_segmentation":
            scale["compressed_segmentation_block_size"] = [8, 8, 8]
        if spec is not None:
            scale["sharding"] = spec
        store = tensorstore.open({
            "driver": "neuroglancer_precomputed", "kvstore": f"file://{folder}/",
            "multiscale_metadata": {"data_type": values.dtype.name, "num_channels": values.shape[3],
                                    "type": kind_of(values)}, "scale_metadata": scale}, create=True, open=True)
        store.result()[...] = values
    return folder


def by_cloud_volume(folder, values, *, chunk=(8, 8, 8), encoding="raw", spec=None, offset=(0, 0, 0), compress=True,
                    hints=None):
    """One scale. Sharded: all of it in one shard. `hints`: what else `info` says of the scale."""
    values = with_channels(values)
    info = cloudvolume.CloudVolume.create_new_info(
        num_channels=values.shape[3], layer_type=kind_of(values), data_type=values.dtype.name, encoding=encoding,
        resolution=RESOLUTION_NM, voxel_offset=offset, chunk_size=chunk, volume_size=values.shape[:3])
    info["scales"][0].update(hints or {})
    if spec is not None:
        info["scales"][0]["sharding"] = spec
    volume = cloudvolume.CloudVolume(f"file://{folder}", info=info, progress=False, compress=compress)
    volume.commit_info()
    volume.commit_provenance()
    if spec is None:
        volume[:, :, :] = values
    else:
        name, data = volume.image.make_shard(values, volume.bounds)
        path = Path(folder) / volume.key / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def igneous(*arguments):
    """Runs igneous on this machine alone."""
    done = subprocess.run([Igneous().programs / "igneous", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def script(name, *arguments):
    """Runs a program of neuroglancer-scripts."""
    done = subprocess.run([BIN / name, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def by_scripts(path, folder, *options, shards=None):
    """neuroglancer-scripts: all scales of a NIfTI file, in chunks of 64. `shards`: minishard, shard, preshift bits."""
    if shards is None:
        script("volume-to-precomputed-pyramid", path, folder, *options)
        return folder
    bits = ("--sharding", shards)
    script("volume-to-precomputed", "--generate-info", path, folder, *bits, *options)
    script("generate-scales-info", folder / "info_fullres.json", folder)
    script("volume-to-precomputed", path, folder, *bits, *options)
    script("compute-scales", folder, *options)
    return folder


def scripts_source(path, values):
    """A NIfTI file with cubic voxels, as neuroglancer-scripts needs for sharded chunks."""
    return save_nifti(path, values, np.diag([1.0, 1, 1, 1]))


IGNEOUS_DRACO = """
import sys
from igneous.task_creation import create_meshing_tasks
from taskqueue import LocalTaskQueue
queue = LocalTaskQueue(parallel=1, progress=False)
queue.insert(create_meshing_tasks("file://" + sys.argv[1], 0, (int(sys.argv[2]),) * 3, simplification=False, encoding="draco"))
queue.execute()
"""


def igneous_mesh(folder, kind, *, levels=2, bits=16, task=32):
    """Meshes of a dataset by igneous, not simplified: "multires" in two files for each label, "sharded", or "legacy", whose
    fragments are also "plain" (not gzip) or "draco"."""
    shape = ",".join([str(task)] * 3)
    forge = ("mesh", "forge", folder, "--shape", shape, "--skip-simplify")
    if kind == "draco":  # its command line does not offer this
        subprocess.run([Igneous().programs / "python", "-c", IGNEOUS_DRACO, folder, str(task)], check=True, timeout=120)
        igneous("mesh", "merge", folder, "--magnitude", 1)
        return folder
    node = ("--nlod", levels, "--vqb", bits, "--min-chunk-size", "8,8,8")
    if kind == "sharded":
        igneous(*forge, "--sharded")
        igneous("mesh", "merge-sharded", folder, *node, "--max-labels-per-shard", 2)
    else:
        igneous(*forge, "--compress", "none" if kind == "plain" else "gzip")
        igneous("mesh", "merge", folder, "--magnitude", 1, *(node if kind == "multires" else ("--nlod", 0)))
    return folder
