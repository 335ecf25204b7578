# SPDX-License-Identifier: Apache-2.0
"""Every encoding x type x place of a chunk, both ways, as far as tensorstore and cloud-volume know them.

What each encoding can be besides is in a file of its own, all parameters of shards in test_sharding.py.
"""

import gzip
from pathlib import Path

import numpy as np
import pytest

import peers
import volumes
from peers import by_cloud_volume, by_tensorstore
from program import convert, run
from test_other_readers import by_cloud_volume as read_by_cloud_volume
from test_other_readers import by_tensorstore as read_by_tensorstore
from volumes import noise, save_nifti

SHAPE = (21, 18, 13)
CHUNK = (8, 4, 8)
BITS = (1, 2, 1)
TYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "f4")
# What each encoding is made of: (types, numbers of channels).
KINDS = {
    "raw": [(TYPES, (1,)), (("u2",), (3,))],
    "compressed_segmentation": [(("u4", "u8"), (1, 2))],
    "jpeg": [(("u1",), (1, 3))],
    "png": [(("u1",), (1, 2, 3, 4)), (("u2",), (1,))],
    "jxl": [(("u1",), (1, 2, 3, 4))],
    "compresso": [(("u1", "u2", "u4", "u8"), (1,))],
}
ROWS = [(encoding, dtype, channels) for encoding, kinds in KINDS.items() for dtypes, counts in kinds for dtype in dtypes
        for channels in counts]
PLACES = {"flat.gz": ("flat", "gzip", None), "flat": ("flat", "none", None),
          "identity": ("sharded", "gzip", "identity"), "murmurhash3": ("sharded", "none", "murmurhash3_x86_128")}
PICTURES = ("jpeg", "png", "jxl")
LOSSY = {"jpeg": 14}  # of values from 0 to 255, where smooth() is quantised by quality 75


def smooth(shape, channels):
    """Values that tell their voxel and channel, smooth enough for lossy encodings."""
    x, y, z, c = np.indices((*shape, channels))
    return (20 + 3 * x + 4 * y + 5 * z + 12 * c).astype("u1")


def values_of(encoding, dtype, channels):
    if encoding in LOSSY:
        return smooth(SHAPE, channels)
    if encoding in ("compressed_segmentation", "compresso"):
        return np.stack([volumes.labels(SHAPE, dtype, seed=61 + c) for c in range(channels)], axis=-1)
    return noise((*SHAPE, channels), dtype, seed=61)


def check_values(found, values, encoding):
    found = np.asarray(found).reshape(values.shape)
    assert found.dtype == values.dtype
    if encoding in LOSSY:
        assert np.abs(found.astype(int) - values).max() <= LOSSY[encoding]
    else:
        np.testing.assert_array_equal(found, values)


def is_known_to_tensorstore(encoding, _dtype, _channels):
    return encoding not in ("jxl", "compresso")


def is_known_to_cloud_volume(encoding, dtype, channels):
    """docs/errata-of-peers.md: channels of pictures, pictures of 16 bits."""
    return channels == 1 and not (encoding == "png" and dtype == "u2")


def spec_of(place):
    _, compress, hash = PLACES[place]
    encoding = compress.replace("none", "raw")
    return None if hash is None else peers.sharding(BITS, hash, encoding, encoding)


def by_us(folder):
    """Our voxels of a dataset in which `check` finds nothing wrong."""
    report = run("check", folder, "--json")
    assert report.status == 0 and report.json == [], report.out
    convert(folder, folder.parent / "back.npy")
    return np.load(folder.parent / "back.npy")


def written_by_us(folder, values, encoding, layout, compress, hash):
    path = save_nifti(folder / "v.nii", values[..., 0] if values.shape[-1] == 1 else values)
    options = ("--sharding", ",".join([*map(str, BITS), hash])) if layout == "sharded" else ("--layout", layout)
    convert(path, folder / layout, "--type", peers.kind_of(values), "--encoding", encoding, "--scales", "1",
            "--chunk-size", ",".join(map(str, CHUNK)), "--compress", compress, *options)
    return folder / layout


def test_every_encoding_is_here():
    assert [encoding["name"] for encoding in run("formats", "--json").json["encodings"]] == [*KINDS]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("encoding", "dtype", "channels"), ROWS)
def test_others_read_ours(tmp_path, encoding, dtype, channels, place):
    values = values_of(encoding, dtype, channels)
    ours = written_by_us(tmp_path, values, encoding, *PLACES[place])
    has_gz_names = any(path.suffix == ".gz" for path in ours.rglob("*"))
    assert has_gz_names == (place == "flat.gz" and encoding not in PICTURES)
    if is_known_to_tensorstore(encoding, dtype, channels) and not has_gz_names:
        check_values(read_by_tensorstore(ours, 0), values, encoding)
    if is_known_to_cloud_volume(encoding, dtype, channels) or encoding == "raw":
        check_values(read_by_cloud_volume(ours, 0), values, encoding)


@pytest.mark.parametrize(("encoding", "dtype", "channels"), ROWS)
def test_deep_chunks_are_flat_ones(tmp_path, encoding, dtype, channels):
    """No peer but neuroglancer-scripts knows these names, and it only some of the encodings."""
    values = values_of(encoding, dtype, channels)
    flat = written_by_us(tmp_path, values, encoding, "flat", "none", None)
    deep = written_by_us(tmp_path, values, encoding, "deep", "gzip", None)
    packed = {str(path.relative_to(deep)): path.read_bytes() for path in deep.glob("*/*/*/*")}
    chunks = {name.removesuffix(".gz"): gzip.decompress(data) if name.endswith(".gz") else data
              for name, data in packed.items()}
    expected = {str(Path(path.parent.name) / path.name.replace("_", "/")): path.read_bytes()
                for path in flat.glob("*/*-*")}
    assert chunks == expected and len(expected) == 3 * 5 * 2


@pytest.mark.parametrize("place", [place for place in PLACES if place != "flat.gz"])
@pytest.mark.parametrize(("encoding", "dtype", "channels"), [row for row in ROWS if is_known_to_tensorstore(*row)])
def test_we_read_tensorstore(tmp_path, encoding, dtype, channels, place):
    values = values_of(encoding, dtype, channels)
    by_tensorstore(tmp_path / "theirs", [values], chunk=CHUNK, encoding=encoding, spec=spec_of(place),
                   offset=(-5, 7, 64))
    check_values(by_us(tmp_path / "theirs"), values, encoding)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("encoding", "dtype", "channels"),
                         [row for row in ROWS if is_known_to_cloud_volume(*row) or row[0] == "raw"])
def test_we_read_cloud_volume(tmp_path, encoding, dtype, channels, place):
    values = values_of(encoding, dtype, channels)
    spec = spec_of(place)
    if spec is not None:
        spec["shard_bits"] = 0
    by_cloud_volume(tmp_path / "theirs", values, chunk=(8, 8, 8), encoding=encoding, spec=spec, offset=(-5, 7, 64),
                    compress=place == "flat.gz", hints={"jxl_quality": 100} if encoding == "jxl" else {})
    check_values(by_us(tmp_path / "theirs"), values, encoding)
