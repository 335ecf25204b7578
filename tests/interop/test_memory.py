# SPDX-License-Identifier: Apache-2.0
"""The peak stays under --memory plus 64 MiB for the program itself, whatever the size of the data and its order."""

import numpy as np
import pytest
import zarr

import large
from precomputed import Dataset
from program import convert, peak_bytes

SHAPE = (1024, 1024, 256)
MEMORY = 64 << 20
PROGRAM = 64 << 20
# The file's slowest axis becomes output z, or output x reversed.
ORDERS = {"z": np.diag([1, 1, 1, 1.0]),
          "x-reversed": np.array([[0, 0, -1, 255], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])}


@pytest.fixture(scope="module", params=ORDERS)
def volume(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "v.nii.gz"
    groups = large.write(path, SHAPE, ORDERS[request.param])
    yield request.param, path, groups
    path.unlink()


def stored_plane(groups, k):
    planes = groups[0].shape[2]
    return groups[large.group_number(k // planes)][:, :, k % planes]


def output_chunk(order, groups, begin, end):
    """The voxels of a box at full resolution."""
    x, y, z = (slice(b, e) for b, e in zip(begin, end, strict=True))
    if order == "z":
        return np.stack([stored_plane(groups, k)[x, y] for k in range(begin[2], end[2])], axis=2)
    return np.stack([stored_plane(groups, 255 - k)[y, z] for k in range(begin[0], end[0])], axis=0)


@pytest.mark.parametrize("layout", ["sharded", "flat", "deep"])
def test_peak(volume, layout, tmp_path):
    order, path, groups = volume
    peak = peak_bytes("convert", path, tmp_path / "out", "--memory", "64MiB", "--layout", layout, "--level", "1")
    print(f"{order} {layout}: peak {peak / 2**20:.0f} MiB")
    assert peak <= MEMORY + PROGRAM, f"peak {peak / 2**20:.1f} MiB"
    dataset = Dataset(tmp_path / "out")
    cells = list(dataset.cells(0))
    for cell, begin, end in cells[::len(cells) // 7]:
        shape = [e - b for b, e in zip(begin, end, strict=True)]
        voxels = dataset.decode(dataset.scales[0], dataset.chunk(0, cell), shape)
        np.testing.assert_array_equal(voxels[..., 0], output_chunk(order, groups, begin, end))


def test_check_of_many_chunks(tmp_path):
    """At most 64 bytes for each chunk of a sharded dataset, beside what a small one takes."""
    peaks, chunks = [], []
    for side in 16, 248:
        np.save(tmp_path / "v.npy", np.full((side, side, side), 7, "u1"))
        options = ("--voxel-size", "1", "--chunk-size", "4", "--compress", "none", "--overwrite")
        convert(tmp_path / "v.npy", tmp_path / "out", *options)
        peaks.append(peak_bytes("check", tmp_path / "out", "--memory", "64MiB", "--quiet"))
        chunks.append(sum(len(list(Dataset(tmp_path / "out").cells(k))) for k in range(2)))
    assert chunks[1] > 250_000
    assert peaks[1] - peaks[0] <= 64 * chunks[1], f"peaks {peaks}"


@pytest.mark.parametrize("compress", [("zstd", 3), ("zstd", 12), ("blosc", 9)], ids=str)
def test_peak_of_zarr(volume, compress, tmp_path):
    order, path, groups = volume
    name, level = compress
    options = ("--memory", "96MiB", "--threads", "2", "--compress", name, "--level", level)
    # Slow levels are for few chunks.
    if level > 3:
        options += ("--crop", "0:256,0:256,0:256", "--scales", "2")
    peak = peak_bytes("convert", path, tmp_path / "out.zarr", *options)
    print(f"{order} {compress}: peak {peak / 2**20:.0f} MiB")
    assert peak <= (96 << 20) + PROGRAM, f"peak {peak / 2**20:.1f} MiB"
    array = zarr.open_group(tmp_path / "out.zarr", mode="r")["0"]
    for begin in (0, 0, 0), (100, 130, 70), (240, 240, 240):
        end = [b + 16 for b in begin]
        part = tuple(slice(b, e) for b, e in zip(begin[::-1], end[::-1], strict=True))
        np.testing.assert_array_equal(array[part].T, output_chunk(order, groups, begin, end))


def test_plan_states_the_peak(volume, tmp_path):
    _, path, _ = volume
    plan = convert(path, tmp_path / "out", "--memory", "64MiB", "--dry-run", "--json").json
    assert 0 < plan["peak_memory_bytes"] <= MEMORY
    assert plan["scratch_bytes"] < np.prod(SHAPE) * 2, "strips go to scratch, not the volume"
