# SPDX-License-Identifier: Apache-2.0
"""N5 that tensorstore writes, and blocks written from the format's description, are read to the last voxel; groups of
scale levels say their voxel sizes in the ways that the viewer knows."""

import bz2
import gzip
import json
import struct
import zlib

import imagecodecs
import numcodecs
import numpy as np
import pytest
import tensorstore

import volumes
from precomputed import Dataset
from program import convert, run
from web import serving

SIZE = (20, 13, 11)  # x, y, z, as N5 has it; blocks do not divide it
BLOCK = (8, 8, 4)
# What a dataset cannot hold as it is.
ASKED = {"i8": ("--type", "segmentation"), "f8": ("--dtype", "float32")}
DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]


def values_of(dtype, size=SIZE, seed=0):
    """[x, y, z]; what survives the conversion of `check`."""
    values = volumes.noise(size, dtype, seed)
    return np.abs(values // 2) if dtype == "i8" else values


def write(folder, values, compression, block=BLOCK, **attributes):
    """An array by tensorstore."""
    array = tensorstore.open({"driver": "n5", "kvstore": f"file://{folder}", "create": True, "metadata": {
        "dimensions": values.shape, "blockSize": block[:values.ndim], "dataType": values.dtype.name,
        "compression": compression}}).result()
    array[...] = values
    add_attributes(folder, **attributes)


def add_attributes(folder, **attributes):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "attributes.json"
    text = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**text, **attributes}))


def write_by_hand(folder, values, compression, pack, crops=True):
    """An array from the description: blocks of big-endian values, x fastest, behind mode, rank and shape."""
    add_attributes(folder, dimensions=values.shape, blockSize=BLOCK, dataType=values.dtype.name, compression=compression)
    grid = [-(-n // b) for n, b in zip(values.shape, BLOCK, strict=True)]
    for cell in np.ndindex(*grid):
        part = values[tuple(slice(c * b, (c + 1) * b) for c, b in zip(cell, BLOCK, strict=True))]
        if not crops:
            part = np.pad(part, [(0, b - n) for b, n in zip(BLOCK, part.shape, strict=True)])
        path = folder.joinpath(*map(str, cell))
        path.parent.mkdir(parents=True, exist_ok=True)
        head = struct.pack(">HHIII", 0, 3, *part.shape)
        path.write_bytes(head + pack(part.astype(part.dtype.newbyteorder(">")).tobytes(order="F")))


def check(place, folder, values):
    dtype = values.dtype.str[1:]
    convert(place, folder, "--layout", "flat", "--voxel-size", "1mm", "--scales", "1", "--overwrite", "--encoding", "raw",
            *ASKED.get(dtype, ("--type", "image")))
    found = Dataset(folder).read(0)
    np.testing.assert_array_equal(found, values.astype(found.dtype).reshape(found.shape), err_msg=str(place))


@pytest.mark.parametrize("compression", [
    {"type": "raw"}, {"type": "gzip", "level": 3}, {"type": "gzip", "useZlib": True}, {"type": "bzip2"}, {"type": "zstd"},
    *({"type": "blosc", "cname": name, "clevel": 3, "shuffle": shuffle}
      for name, shuffle in [("lz4", 1), ("zstd", 2), ("blosclz", 0), ("zlib", 1)])], ids=str)
def test_compressions(tmp_path, compression):
    for number, dtype in enumerate(DTYPES):
        values = values_of(dtype, seed=number)
        write(tmp_path / f"{dtype}.n5", values, compression)
        check(tmp_path / f"{dtype}.n5", tmp_path / "out", values)


def lz4_stream(data):
    """As lz4-java: blocks of 1000 bytes, then an empty one."""
    stream = b""
    for at in range(0, len(data) + 1000, 1000):
        part = data[at:at + 1000]
        packed = imagecodecs.lz4_encode(part, header=False) if part else b""
        stream += b"LZ4Block" + struct.pack("<BIII", 0x20 if part else 0x10, len(packed), len(part), 0) + packed
    return stream


@pytest.mark.parametrize("compression, pack", [
    ({"type": "raw"}, bytes), ({"type": "gzip"}, gzip.compress), ({"type": "gzip", "useZlib": True}, zlib.compress),
    ({"type": "zlib"}, zlib.compress), ({"type": "bzip2"}, bz2.compress), ({"type": "lz4"}, lz4_stream),
    ({"type": "zstd"}, numcodecs.Zstd().encode)], ids=str)
def test_blocks_from_the_description(tmp_path, compression, pack):
    """Blocks at the border are cut by some writers and padded by others."""
    values = values_of("u2")
    for crops in True, False:
        write_by_hand(tmp_path / f"{crops}.n5", values, compression, pack, crops)
        check(tmp_path / f"{crops}.n5", tmp_path / "out", values)


def test_absent_blocks_are_zero(tmp_path):
    values = np.zeros(SIZE, "i2")
    values[:8, 8:, :4] = volumes.noise((8, 5, 4), "i2")
    write(tmp_path / "a.n5", values, {"type": "gzip"})
    assert sum(p.is_file() for p in (tmp_path / "a.n5").rglob("*")) == 2
    check(tmp_path / "a.n5", tmp_path / "out", values)


@pytest.mark.parametrize("axes, size", [(None, (5, 4)), (["x", "y", "c", "z"], (9, 8, 2, 5)), (["c", "z", "y", "x"], (2, 5, 8, 9))])
def test_axes(tmp_path, axes, size):
    """Axes have their names, else they are x, y, z."""
    values = values_of("u2", size)
    write(tmp_path / "a.n5", values, {"type": "raw"}, (4, 4, 4, 4), **({"axes": axes} if axes else {}))
    convert(tmp_path / "a.n5", tmp_path / "out", "--voxel-size", "1mm", "--scales", "1")
    names = axes or ["x", "y"]
    spread = np.einsum(values, [names.index(a) for a in names], [names.index(a) for a in "xyzc" if a in names])
    np.testing.assert_array_equal(Dataset(tmp_path / "out").read(0), spread.reshape(
        [size[names.index(a)] if a in names else 1 for a in "xyzc"]))


def three_levels(folder, names=("s0", "s1", "s2"), own=lambda level: {}):
    """Levels of one group, each with values of its own; returns the values."""
    levels = []
    for number, name in enumerate(names):
        size = tuple(-(-n // f) for n, f in zip(SIZE, FACTORS[number], strict=True))
        levels.append(values_of("u1", size, number))
        write(folder / name, levels[-1], {"type": "gzip"}, **own(number))
    return levels


FACTORS = [(1, 1, 1), (2, 2, 1), (4, 4, 2)]
COSEM = [{"path": f"s{i}", "transform": {"axes": ["z", "y", "x"], "units": ["nm"] * 3, "scale": [40 * f[2], 4 * f[1], 4 * f[0]],
                                          "translate": [20 * (f[2] - 1), 2 * (f[1] - 1), 2 * (f[0] - 1)]}}
         for i, f in enumerate(FACTORS)]
# Attributes of the group and of each level.
LAYOUTS = {
    "BigDataViewer": ({"downsamplingFactors": FACTORS, "resolution": [4, 4, 40], "units": ["nm"] * 3}, lambda i: {}),
    "n5-viewer scales": ({"scales": FACTORS, "pixelResolution": [0.004, 0.004, 0.04]}, lambda i: {}),
    "n5-viewer pixelResolution": ({"scales": FACTORS, "pixelResolution": {"unit": "um", "dimensions": [0.004, 0.004, 0.04]}},
                                  lambda i: {}),
    "Paintera": ({"multiScale": True, "resolution": [4, 4, 40]},
                 lambda i: {"downsamplingFactors": FACTORS[i]} if i else {}),
    "COSEM": ({"multiscales": [{"datasets": COSEM, "name": "raw"}]}, lambda i: {}),
    "COSEM levels": ({"multiscales": [{"datasets": [{"path": f"s{i}"} for i in range(3)]}]},
                     lambda i: {"transform": COSEM[i]["transform"], "axes": ["x", "y", "z"]}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_groups_of_levels(tmp_path, layout):
    group, own = LAYOUTS[layout]
    folder = tmp_path / "container.n5/em/raw"
    levels = three_levels(folder, own=own)
    add_attributes(folder, **group)
    add_attributes(tmp_path / "container.n5", n5="4.0.0")
    described = run("info", folder, "--json").json
    assert described["size"] == list(SIZE) and "level 0 of 3" in described["details"]
    for place, number in [(folder, 0), (folder / "s1", 1), (folder / "s2", 2)]:
        found = run("info", place, "--json").json["voxel_size_mm"]
        np.testing.assert_allclose(found, np.multiply([4e-6, 4e-6, 40e-6], FACTORS[number]), err_msg=str(place))
        convert(place, tmp_path / f"out{number}", "--scales", "1")
        np.testing.assert_array_equal(Dataset(tmp_path / f"out{number}").read(0)[..., 0], levels[number])


def test_other_groups_are_refused(tmp_path):
    three_levels(tmp_path / "a.n5", names=("one", "two"))
    refused = run("info", tmp_path / "a.n5")
    assert refused.status == 3 and "it holds one, two" in refused.err


@pytest.mark.parametrize("scheme", ["n5://{}", "{}|n5:", "file://{}"])
def test_spellings(tmp_path, scheme):
    write(tmp_path / "a.n5", values_of("u1"), {"type": "raw"})
    assert run("info", scheme.format(tmp_path / "a.n5"), "--json").json["size"] == list(SIZE)


def test_over_http(tmp_path):
    levels = three_levels(tmp_path / "a.n5")
    add_attributes(tmp_path / "a.n5", scales=FACTORS)
    with serving(tmp_path) as url:
        check(f"{url}/a.n5", tmp_path / "out", levels[0])
        check(f"{url}/a.n5/s1", tmp_path / "out", levels[1])
