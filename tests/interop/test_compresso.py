# SPDX-License-Identifier: Apache-2.0
"""compresso, both ways, with the package of that name and with cloud-volume."""

import gzip
import json

import cloudvolume
import compresso
import numpy as np
import pytest

import data
from conftest import tree
from precomputed import Dataset
from program import convert, run
from volumes import save_nifti

SHAPE = (71, 30, 19)
CHUNK = (68, 13, 7)  # rows are longer than a word of bits; no side is a multiple of a window's
DTYPES = ("u1", "u2", "u4", "u8")
LAYOUTS = {"flat": ("--layout", "flat"), "deep": ("--layout", "deep"), "sharded": ("--sharding", "1,2,1"),
           "not compressed": ("--layout", "flat", "--compress", "none")}
STREAMS = {"version 1": {}, "version 0": {"random_access_z_index": False},
           "6-connected": {"connectivity": 6, "random_access_z_index": False},
           "8 x 8": {"steps": (8, 8, 1)}, "2 x 2 x 2": {"steps": (2, 2, 2), "random_access_z_index": False}}


def cells(shape, dtype, seed=7, most=None):
    """Boxes of labels from the whole range of a type with single voxels of others in between."""
    random = np.random.default_rng(seed)
    most = most or np.iinfo(dtype).max
    some = np.array([0, 1, 77, 249, 250, most - 7, most - 6, most], dtype)
    coarse = random.integers(0, len(some), [-(-side // 5) for side in shape])
    fine = np.kron(coarse, np.ones((5, 5, 5), int))[tuple(slice(0, side) for side in shape)]
    fine = np.where(random.random(shape) < 0.05, random.integers(0, len(some), shape), fine)
    return np.asfortranarray(some[fine])


def by_cloud_volume(folder):
    volume = cloudvolume.CloudVolume(f"file://{folder}", fill_missing=True, progress=False, cache=False)
    return np.asarray(volume[:, :, :])[..., 0]


def by_us(folder):
    """Our voxels of a dataset of others, in which `check` finds nothing wrong."""
    report = run("check", folder, "--json")
    assert report.status == 0 and report.json == [], report.out
    convert(folder, folder.parent / "back.npy")
    return np.load(folder.parent / "back.npy")


def written_by_us(folder, labels, *options):
    path = save_nifti(folder / "v.nii", labels)
    convert(path, folder / "ours", "--type", "segmentation", "--encoding", "compresso", "--scales", "1", *options)
    return folder / "ours"


def streams(folder):
    """(labels' place, stream) of each chunk of the first scale."""
    dataset = Dataset(folder)
    for cell, begin, end in dataset.cells(0):
        stream = dataset.chunk(0, cell)
        if stream is not None:
            yield tuple(slice(b, e) for b, e in zip(begin, end, strict=True)), stream


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_others_read_ours(tmp_path, dtype, layout):
    labels = cells(SHAPE, dtype)
    ours = written_by_us(tmp_path, labels, "--chunk-size", ",".join(map(str, CHUNK)), *LAYOUTS[layout])
    for place, stream in streams(ours):
        assert compresso.valid(stream)
        np.testing.assert_array_equal(compresso.decompress(stream), labels[place])
        # Of the last slices alone, which the index is for.
        slices = compresso.decompress(stream, z=(max(0, labels[place].shape[2] - 3), labels[place].shape[2]))
        np.testing.assert_array_equal(slices, labels[place][:, :, -3:])
    if layout != "deep":  # names that it does not know
        np.testing.assert_array_equal(by_cloud_volume(ours), labels)
    np.testing.assert_array_equal(by_us(ours), labels)


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_we_read_streams(tmp_path, dtype, kind):
    """Every kind of stream that the package writes, in chunks of odd sizes."""
    labels = cells(SHAPE, dtype)
    folder = tmp_path / "theirs"
    (folder / "full").mkdir(parents=True)
    scale = {"key": "full", "size": SHAPE, "chunk_sizes": [CHUNK], "resolution": [8, 8, 40], "encoding": "compresso",
             "voxel_offset": [0, 0, 0]}
    (folder / "info").write_text(json.dumps({"type": "segmentation", "data_type": labels.dtype.name, "num_channels": 1,
                                             "scales": [scale]}))
    for _, begin, end in Dataset(folder).cells(0):
        part = np.asfortranarray(labels[tuple(slice(b, e) for b, e in zip(begin, end, strict=True))])
        name = "_".join(f"{b}-{e}" for b, e in zip(begin, end, strict=True))
        (folder / "full" / name).write_bytes(compresso.compress(part, **STREAMS[kind]))
    np.testing.assert_array_equal(by_us(folder), labels)


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_we_read_cloud_volume(tmp_path, dtype, sharded):
    labels = cells((64, 64, 64), dtype)
    info = cloudvolume.CloudVolume.create_new_info(
        num_channels=1, layer_type="segmentation", data_type=np.dtype(dtype).name, encoding="compresso",
        resolution=[8, 8, 40], voxel_offset=[-32, 64, 320], volume_size=labels.shape, chunk_size=(32, 32, 32))
    volume = cloudvolume.CloudVolume(f"file://{tmp_path}/theirs", info=info, progress=False)
    if sharded:
        volume.scale["sharding"] = {"@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 1, "minishard_bits": 1,
                                    "shard_bits": 0, "hash": "murmurhash3_x86_128",
                                    "minishard_index_encoding": "gzip", "data_encoding": "gzip"}
        volume.commit_info()
        name, shard = volume.image.make_shard(labels[..., None], volume.bounds, volume.mip)
        (tmp_path / "theirs" / volume.key).mkdir()
        (tmp_path / "theirs" / volume.key / name).write_bytes(shard)
    else:
        volume.commit_info()
        volume[:, :, :] = labels
    np.testing.assert_array_equal(by_us(tmp_path / "theirs"), labels)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (9, 1, 1), (2, 130, 1), (64, 64, 64), (129, 3, 2)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_same_streams_as_the_package(tmp_path, dtype, shape):
    """Labels within 32 bits; wider ones we write in another way, which the viewer reads right."""
    labels = cells(shape, dtype, most=np.iinfo("u4").max - 7 if dtype == "u8" else None)
    labels[0, 0, 0] = 1  # no chunk is left out
    ours = written_by_us(tmp_path, labels, "--chunk-size", "256", "--layout", "flat", "--compress", "none")
    ((_, stream),) = streams(ours)
    assert stream == compresso.compress(labels)


@pytest.mark.parametrize(("source", "bound"), [("atlas", 1.01), ("uint64", 1.01), ("uint64, wide", 1.10)])
def test_sizes_beside_the_package(tmp_path, source, bound):
    """All chunks of real and of made labels. Labels of more than 32 bits take more, so that the viewer reads them right."""
    if source == "atlas":
        path = data.fetch("desikan_killiany.nii.gz")
    else:
        made = data.generated_labels(128).astype("u8") * np.uint64(1 << 33 if "wide" in source else 1)
        path = save_nifti(tmp_path / "v.nii", made)
    convert(path, tmp_path / "ours", "--type", "segmentation", "--encoding", "compresso", "--scales", "1")
    ours, theirs, packed = 0, 0, []
    for _, stream in streams(tmp_path / "ours"):
        again = compresso.compress(compresso.decompress(stream))
        ours, theirs = ours + len(stream), theirs + len(again)
        packed.append((len(gzip.compress(stream, 6)), len(gzip.compress(again, 6))))
    assert 0 < ours <= bound * theirs, (ours, theirs)
    ours, theirs = np.sum(packed, axis=0)
    assert 0 < ours <= bound * theirs, (ours, theirs)


def test_same_bytes_for_any_threads(tmp_path):
    path = save_nifti(tmp_path / "v.nii", cells((60, 50, 40), "u4"))
    for threads in 1, 3:
        convert(path, tmp_path / str(threads), "--encoding", "cpso", "--threads", threads, "--chunk-size", "16")
    assert tree(tmp_path / "1") == tree(tmp_path / "3")
