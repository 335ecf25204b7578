# SPDX-License-Identifier: Apache-2.0
"""jpeg and png, both ways, with tensorstore, cloud-volume and neuroglancer-scripts."""

import json

import cloudvolume
import numpy as np
import pyspng
import pytest
import simplejpeg
import tensorstore
from neuroglancer_scripts import _jpeg as scripts_jpeg

import data
from conftest import tree
from precomputed import Dataset
from program import convert, run
from volumes import noise, save_nifti

SHAPE = (21, 18, 13)
CHUNK = (8, 6, 5)
LAYOUTS = {"flat": ("--layout", "flat"), "sharded": ("--sharding", "1,2,1")}
OURS = [("jpeg", "u1", 1), ("jpeg", "u1", 3), *(("png", "u1", c) for c in (1, 2, 3, 4)), ("png", "u2", 1)]
THEIRS = [*OURS, *(("png", "u2", c) for c in (2, 3, 4))]
JPEG_ERROR = 14  # of values from 0 to 255, where smooth() is quantised by quality 75


def smooth(shape, channels):
    """Values that tell their voxel and channel, smooth enough for jpeg."""
    x, y, z, c = np.indices((*shape, channels))
    return (20 + 3 * x + 4 * y + 5 * z + 12 * c).astype("u1")


def values_of(encoding, dtype, channels, shape=SHAPE):
    return smooth(shape, channels) if encoding == "jpeg" else noise((*shape, channels), dtype, seed=41)


def check_values(found, values, encoding):
    found = np.asarray(found).reshape(values.shape)
    assert found.dtype == values.dtype
    if encoding == "png":
        np.testing.assert_array_equal(found, values)
    else:
        assert np.abs(found.astype(int) - values).max() <= JPEG_ERROR


def by_tensorstore(folder):
    spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{folder}/"}
    return tensorstore.open(spec, open=True, read=True).result().read().result()


def by_cloud_volume(folder):
    volume = cloudvolume.CloudVolume(f"file://{folder}", fill_missing=True, progress=False, cache=False)
    return np.asarray(volume[:, :, :])


def by_us(folder):
    """Our voxels of a dataset of others, in which `check` finds nothing but what the viewer misreads."""
    report = run("check", folder, "--json")
    convert(folder, folder.parent / "back.npy")
    values = np.load(folder.parent / "back.npy")
    info = json.loads((folder / "info").read_text())
    is_misread = info["scales"][0]["encoding"] == "png" and info["data_type"] == "uint16" and info["num_channels"] > 1
    assert [finding["code"] for finding in report.json] == ["misread-encoding"] * is_misread, report.out
    return values


def written_by_us(folder, values, encoding, *options):
    path = save_nifti(folder / "v.nii", values[..., 0] if values.shape[-1] == 1 else values)
    convert(path, folder / "ours", "--type", "image", "--encoding", encoding, "--scales", "1", *options)
    return folder / "ours"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("encoding", "dtype", "channels"), OURS)
def test_others_read_ours(tmp_path, encoding, dtype, channels, layout):
    values = values_of(encoding, dtype, channels)
    options = ("--chunk-size", ",".join(map(str, CHUNK)), *LAYOUTS[layout])
    ours = written_by_us(tmp_path, values, encoding, *options)
    check_values(by_tensorstore(ours), values, encoding)
    if channels == 1 and dtype == "u1":  # see test_channels_in_cloud_volume and test_16_bits_in_cloud_volume
        check_values(by_cloud_volume(ours), values, encoding)
    check_values(by_us(ours), values, encoding)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("encoding", "dtype", "channels"), THEIRS)
def test_we_read_tensorstore(tmp_path, encoding, dtype, channels, layout):
    values = values_of(encoding, dtype, channels)
    scale = {"size": SHAPE, "chunk_size": CHUNK, "resolution": [8, 8, 40], "encoding": encoding}
    if layout == "sharded":
        scale["sharding"] = {"@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 1, "minishard_bits": 2,
                             "shard_bits": 1, "hash": "identity", "minishard_index_encoding": "gzip",
                             "data_encoding": "gzip"}
    spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{tmp_path}/theirs/", "scale_metadata": scale,
            "multiscale_metadata": {"type": "image", "data_type": np.dtype(dtype).name, "num_channels": channels}}
    tensorstore.open(spec, create=True).result().write(values).result()
    check_values(by_us(tmp_path / "theirs"), values, encoding)


# 16 bits: see test_16_bits_in_cloud_volume.
@pytest.mark.parametrize(("encoding", "dtype", "channels"),
                         [row for row in THEIRS if row[1] == "u1" or row[2] in (2, 4)])
def test_we_read_cloud_volume(tmp_path, encoding, dtype, channels):
    values = values_of(encoding, dtype, channels)
    info = cloudvolume.CloudVolume.create_new_info(
        num_channels=channels, layer_type="image", data_type=np.dtype(dtype).name, encoding=encoding,
        resolution=[8, 8, 40], voxel_offset=[-3, 7, 100], volume_size=SHAPE, chunk_size=CHUNK)
    volume = cloudvolume.CloudVolume(f"file://{tmp_path}/theirs", info=info, progress=False)
    volume.commit_info()
    volume[:, :, :] = values
    check_values(by_us(tmp_path / "theirs"), values, encoding)


@pytest.mark.parametrize("plane", ["xy", "xz"])
@pytest.mark.parametrize("channels", [1, 3])
def test_we_read_neuroglancer_scripts(tmp_path, channels, plane):
    values = smooth(SHAPE, channels)
    folder = tmp_path / "theirs"
    (folder / "full").mkdir(parents=True)
    scale = {"key": "full", "size": SHAPE, "chunk_sizes": [CHUNK], "resolution": [8, 8, 40], "encoding": "jpeg",
             "voxel_offset": [0, 0, 0]}
    (folder / "info").write_text(json.dumps({"type": "image", "data_type": "uint8", "num_channels": channels,
                                             "scales": [scale]}))
    for begin in np.ndindex(*(-(-s // c) for s, c in zip(SHAPE, CHUNK, strict=True))):
        part = [slice(b * c, min((b + 1) * c, s)) for b, c, s in zip(begin, CHUNK, SHAPE, strict=True)]
        chunk = np.ascontiguousarray(values[tuple(part)].transpose(3, 2, 1, 0))
        name = "_".join(f"{p.start}-{p.stop}" for p in part)
        (folder / "full" / name).write_bytes(scripts_jpeg.encode_chunk(chunk, 95, plane))
    check_values(by_us(folder), values, "jpeg")


def test_neuroglancer_scripts_reads_ours(tmp_path):
    for channels in 1, 3:
        values = smooth((9, 7, 5), channels)
        (tmp_path / str(channels)).mkdir()
        ours = written_by_us(tmp_path / str(channels), values, "jpeg", "--layout", "flat")
        (chunk,) = ours.glob("*/0-9_0-7_0-5")
        found = scripts_jpeg.decode_chunk(chunk.read_bytes(), (9, 7, 5), channels)
        check_values(np.ascontiguousarray(found.transpose(3, 2, 1, 0)), values, "jpeg")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_planes(tmp_path, channels, layout):
    """The viewer, tensorstore and cloud-volume take the pixels of a picture of any width row by row."""
    values = smooth(SHAPE, channels)
    options = ("--chunk-size", ",".join(map(str, CHUNK)), *LAYOUTS[layout])
    found = {}
    for plane in "xy", "xz":
        (tmp_path / plane).mkdir()
        ours = written_by_us(tmp_path / plane, values, "jpeg", "--jpeg-plane", plane, *options)
        found[plane] = [reader(ours) for reader in (by_tensorstore, by_us)]
        if channels == 1:  # see test_channels_in_cloud_volume
            found[plane].append(by_cloud_volume(ours))
        for each in found[plane]:
            check_values(each, values, "jpeg")
        dataset = Dataset(ours)
        for cell, begin, end in dataset.cells(0):
            x, y, z = (e - b for b, e in zip(begin, end, strict=True))
            height, width, _ = simplejpeg.decode_jpeg_header(dataset.chunk(0, cell))[:3]
            assert (width, height) == ((x, y * z) if plane == "xy" else (x * y, z))
            chunk = scripts_jpeg.decode_chunk(dataset.chunk(0, cell), (x, y, z), channels)
            part = tuple(slice(b, e) for b, e in zip(begin, end, strict=True))
            check_values(np.ascontiguousarray(chunk.transpose(3, 2, 1, 0)), values[part], "jpeg")
    assert (np.squeeze(found["xy"][0]) != np.squeeze(found["xz"][0])).any()
    assert "jpeg-plane" in (tmp_path / "xz/ours/provenance").read_text()


@pytest.mark.parametrize("encoding", ["jpeg", "png"])
def test_tall_chunks(tmp_path, encoding):
    """Pictures of 8 x 131072 pixels are too tall for jpeg: rows of them hold several rows of voxels."""
    values = np.zeros((8, 128, 1024, 1), "u1")
    values[:] = (np.arange(128)[:, None, None] + np.arange(1024)[:, None] // 10) % 200
    ours = written_by_us(tmp_path, values, encoding, "--chunk-size", "8,128,1024", "--layout", "flat")
    for reader in by_tensorstore, by_cloud_volume, by_us:
        check_values(reader(ours), values, encoding)


@pytest.mark.parametrize("encoding", ["jpeg", "png"])
def test_channels_in_cloud_volume(tmp_path, encoding):
    """docs/errata-of-peers.md: it takes the interleaved channels of a picture for planes, in what it wrote itself too."""
    values = smooth((8, 6, 5), 3)
    found = by_cloud_volume(written_by_us(tmp_path, values, encoding, "--layout", "flat"))
    assert np.abs(found.astype(int) - values).max() > 2 * JPEG_ERROR
    planes = found.ravel(order="F").reshape(-1, 3)
    check_values(planes.ravel(order="F").reshape(values.shape, order="F"), values, encoding)


def test_16_bits_in_cloud_volume(tmp_path):
    """docs/errata-of-peers.md: its library takes one channel of 16 bits for two of 8."""
    values = noise((8, 6, 5, 1), "u2")
    ours = written_by_us(tmp_path, values, "png", "--layout", "flat")
    with pytest.raises(ValueError, match="cannot reshape array of size 480"):
        by_cloud_volume(ours)
    check_values(by_tensorstore(ours), values, "png")


@pytest.mark.parametrize("source", ["icbm152_t1.nii.gz", "desikan_killiany.nii.gz"])
def test_sizes_beside_other_writers(tmp_path, source):
    """Real chunks by cloud-volume's libraries, with the same quality and level."""
    ours, theirs = {"jpeg": 0, "png": 0}, {"jpeg": 0, "png": 0}
    for encoding in ours:
        convert(data.fetch(source), tmp_path / encoding, "--type", "image", "--dtype", "uint8", "--encoding", encoding,
                "--layout", "flat", "--scales", "1")
        ours[encoding] = sum(path.stat().st_size for path in tmp_path.glob(f"{encoding}/*/*-*"))
    for path in tmp_path.glob("png/*/*-*"):
        picture = pyspng.load(path.read_bytes()).reshape(-1, voxels_along_x(path))
        theirs["png"] += len(pyspng.encode(picture, compress_level=6))
        theirs["jpeg"] += len(simplejpeg.encode_jpeg(picture[..., None], 85, "GRAY", "GRAY"))
    assert 0 < ours["jpeg"] <= 1.01 * theirs["jpeg"] and 0 < ours["png"] <= 1.01 * theirs["png"], (ours, theirs)


def voxels_along_x(path):
    begin, end = path.name.split("_")[0].split("-")
    return int(end) - int(begin)


@pytest.mark.parametrize("encoding", ["jpeg", "png"])
def test_same_bytes_for_any_threads(tmp_path, encoding):
    path = save_nifti(tmp_path / "v.nii", smooth((60, 50, 40), 1)[..., 0])
    for threads in 1, 3:
        convert(path, tmp_path / str(threads), "--encoding", encoding, "--threads", threads, "--chunk-size", "16")
    assert tree(tmp_path / "1") == tree(tmp_path / "3")


def test_options_reach_the_pictures(tmp_path):
    path = save_nifti(tmp_path / "v.nii", noise((40, 40, 40), "u1"))
    sizes = {}
    for encoding, option in ("jpeg", "--jpeg-quality"), ("png", "--png-level"):
        for value in "1", "9":
            out = tmp_path / f"{encoding}{value}"
            convert(path, out, "--encoding", encoding, option, value, "--layout", "flat")
            sizes[encoding, value] = sum(p.stat().st_size for p in out.glob("*/*-*"))
    assert sizes["jpeg", "1"] < sizes["jpeg", "9"] and sizes["png", "1"] >= sizes["png", "9"]
