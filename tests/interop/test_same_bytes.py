# SPDX-License-Identifier: Apache-2.0
"""The same input and options give the same bytes, whatever the way in, the threads, the memory and the scratch."""

import gzip
import os
import threading

import numpy as np
import pytest

import volumes
from conftest import tree
from program import convert
from volumes import save_nifti

SHAPE = (75, 50, 61)
OPTIONS = ("--chunk-size", "16,8,16", "--shard-size", "64KiB")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    values = volumes.structured(SHAPE, "u2")
    return save_nifti(folder / "v.nii", values, volumes.affine_mm("PSR", values.shape))


@pytest.fixture(scope="module", params=["sharded", "flat", "zarr", "blosc"])
def layout(request):
    return request.param


def how(layout):
    """Where to, and options: layouts of precomputed volumes, and compressors of OME-Zarr."""
    return {"zarr": ("out.zarr",), "blosc": ("out.zarr", "--compress", "blosc")}.get(layout, ("out", "--layout", layout))


@pytest.fixture(scope="module")
def reference(source, layout, tmp_path_factory):
    name, *options = how(layout)
    out = tmp_path_factory.mktemp("reference") / name
    convert(source, out, *options, "--threads", "1", *OPTIONS)
    return tree(out)


def check(reference, tmp_path, source, layout, *more, **options):
    name, *kind = how(layout)
    convert(source, tmp_path / name, *kind, *OPTIONS, *more, **options)
    assert tree(tmp_path / name) == reference


def test_compressed_file(reference, tmp_path, source, layout):
    path = tmp_path / "v.nii.gz"
    path.write_bytes(gzip.compress(source.read_bytes(), 6))
    check(reference, tmp_path, path, layout)


def test_several_gzip_members(reference, tmp_path, source, layout):
    data = source.read_bytes()
    path = tmp_path / "v.nii.gz"
    path.write_bytes(b"".join(gzip.compress(data[at:at + 70001], 1) for at in range(0, len(data), 70001)))
    check(reference, tmp_path, path, layout)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gz"])
def test_standard_input(reference, tmp_path, source, layout, compressed):
    data = source.read_bytes()
    check(reference, tmp_path, "-", layout, input=gzip.compress(data, 1) if compressed else data)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gz"])
def test_fifo_with_delays(reference, tmp_path, source, layout, compressed):
    """The writer gives small uneven pieces: a stream that stalls must not change anything."""
    data = source.read_bytes()
    data = gzip.compress(data, 1) if compressed else data
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def write():
        with open(fifo, "wb", buffering=0) as file:
            at = 0
            for number in range(10**9):
                size = 1 + number * 7919 % 40000
                file.write(data[at:at + size])
                at += size
                if at >= len(data):
                    return
                threading.Event().wait(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    check(reference, tmp_path, fifo, layout)
    writer.join()


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads(reference, tmp_path, source, layout, threads):
    check(reference, tmp_path, source, layout, "--threads", threads)


@pytest.mark.parametrize("memory", ["8MiB", "24MiB", "1GiB"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gz"])
def test_memory(reference, tmp_path, source, layout, memory, compressed):
    path = source
    if compressed:
        path = tmp_path / "v.nii.gz"
        path.write_bytes(gzip.compress(source.read_bytes(), 1))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    check(reference, tmp_path, path, layout, "--memory", memory, "--threads", "2", "--scratch", scratch)
    assert not list(scratch.iterdir())


def test_same_voxels_stored_in_another_order(tmp_path):
    """A file in RAS order and its transposed, reversed twin describe one volume: the same chunks."""
    values = volumes.structured((40, 30, 20), "u2")
    affine = np.diag([*volumes.SPACE_SCALE_MM, 1.0])
    twin_affine = affine @ np.array([[0, 0, -1, 39], [1, 0, 0, 0], [0, -1, 0, 19], [0, 0, 0, 1.0]])
    twin = values.transpose(1, 2, 0)[:, ::-1, ::-1]
    for name, array, matrix in ("a", values, affine), ("b", twin, twin_affine):
        path = save_nifti(tmp_path / f"{name}.nii.gz", np.asfortranarray(array), matrix)
        convert(path, tmp_path / name, "--layout", "flat", *OPTIONS)
    a, b = tree(tmp_path / "a"), tree(tmp_path / "b")
    assert a.keys() == b.keys()
    assert {name for name in a if a[name] != b[name]} <= {"transform.json"}
