# SPDX-License-Identifier: Apache-2.0
"""jxl, both ways, with cloud-volume and its library, imagecodecs."""

import json

import cloudvolume
import imagecodecs
import numpy as np
import pytest

import data
from conftest import tree
from precomputed import Dataset
from program import convert, run
from volumes import noise, save_nifti

SHAPE = (21, 18, 13)
CHUNK = (8, 6, 5)
LAYOUTS = {"flat": ("--layout", "flat"), "sharded": ("--sharding", "1,2,1")}
LOSSY_ERROR = 12  # of values from 0 to 255, where smooth() is quantised by quality 90


def smooth(shape, channels):
    """Values that tell their voxel and channel."""
    x, y, z, c = np.indices((*shape, channels))
    return (20 + 3 * x + 4 * y + 5 * z + 12 * c).astype("u1")


def check_values(found, values, quality):
    found = np.asarray(found).reshape(values.shape)
    assert found.dtype == values.dtype
    if quality == 100:
        np.testing.assert_array_equal(found, values)
    else:
        difference = np.abs(found.astype(int) - values).max()
        assert 0 < difference <= LOSSY_ERROR


def by_cloud_volume(folder):
    volume = cloudvolume.CloudVolume(f"file://{folder}", fill_missing=True, progress=False, cache=False)
    return np.asarray(volume[:, :, :])


def by_us(folder):
    """Our voxels of a dataset of others, in which `check` finds nothing wrong."""
    report = run("check", folder, "--json")
    assert report.status == 0 and report.json == [], report.out
    convert(folder, folder.parent / "back.npy")
    return np.load(folder.parent / "back.npy")


def written_by_us(folder, values, *options):
    path = save_nifti(folder / "v.nii", values[..., 0] if values.shape[-1] == 1 else values)
    convert(path, folder / "ours", "--type", "image", "--encoding", "jxl", "--scales", "1", *options)
    return folder / "ours"


def dataset_of(folder, channels, chunks, shape=SHAPE, chunk=CHUNK):
    """A dataset of one scale with these chunks: {(begin, end): bytes}."""
    (folder / "full").mkdir(parents=True)
    scale = {"key": "full", "size": shape, "chunk_sizes": [chunk], "resolution": [8, 8, 40], "encoding": "jxl",
             "voxel_offset": [0, 0, 0]}
    (folder / "info").write_text(json.dumps({"type": "image", "data_type": "uint8", "num_channels": channels,
                                             "scales": [scale]}))
    for _, begin, end in Dataset(folder).cells(0):
        name = "_".join(f"{b}-{e}" for b, e in zip(begin, end, strict=True))
        (folder / "full" / name).write_bytes(chunks(tuple(slice(b, e) for b, e in zip(begin, end, strict=True))))
    return folder


def frames(values):
    """[x, y, z, channel] as grey pictures as wide as x."""
    return values.transpose(3, 2, 1, 0).reshape(values.shape[3], -1, values.shape[0])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("quality", [100, 90])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_others_read_ours(tmp_path, channels, quality, layout):
    values = smooth(SHAPE, channels)
    ours = written_by_us(tmp_path, values, "--chunk-size", ",".join(map(str, CHUNK)), "--jxl-quality", quality,
                         *LAYOUTS[layout])
    if channels == 1:  # see test_channels_in_cloud_volume
        check_values(by_cloud_volume(ours), values, quality)
    found = np.zeros_like(values)
    dataset = Dataset(ours)
    for cell, begin, end in dataset.cells(0):
        place = tuple(slice(b, e) for b, e in zip(begin, end, strict=True))
        pictures = np.reshape(imagecodecs.jpegxl_decode(dataset.chunk(0, cell)), frames(values[place]).shape)
        found[place] = pictures.reshape(values[place].T.shape).T
    check_values(found, values, quality)
    check_values(by_us(ours), values, quality)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("options", [{"level": 100, "lossless": True}, {"level": 90}, {"level": 95, "effort": 7},
                                     {"level": 90, "usecontainer": True}, {"level": 90, "decodingspeed": 4}])
def test_we_read_imagecodecs(tmp_path, options, channels):
    values = smooth(SHAPE, channels)

    def encode(place):
        pictures = frames(values[place])
        return imagecodecs.jpegxl_encode(pictures if channels > 1 else pictures[0], photometric="GRAY", **options)

    folder = dataset_of(tmp_path / "theirs", channels, encode)
    check_values(by_us(folder), values, options["level"])


@pytest.mark.parametrize("container", [False, True])
def test_we_read_colours(tmp_path, container):
    """One picture whose pixels are the channels of a voxel."""
    values = noise((*SHAPE, 3), "u1", seed=3)

    def encode(place):
        picture = frames(values[place]).transpose(1, 2, 0)
        return imagecodecs.jpegxl_encode(np.ascontiguousarray(picture), photometric="RGB", lossless=True,
                                         usecontainer=container)

    check_values(by_us(dataset_of(tmp_path / "theirs", 3, encode)), values, 100)


def test_we_read_packed_jpeg(tmp_path):
    """What cloud-volume makes of jpeg chunks: the same coefficients, in a container with what gives the jpeg back."""
    values = smooth(SHAPE, 1)

    def encode(place):
        return imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg_encode(frames(values[place])[0], level=95))

    check_values(by_us(dataset_of(tmp_path / "theirs", 1, encode)), values, 90)


@pytest.mark.parametrize("quality", [100, 90])
@pytest.mark.parametrize("channels", [1, 3])
def test_we_read_cloud_volume(tmp_path, channels, quality):
    values = smooth(SHAPE, channels)
    info = cloudvolume.CloudVolume.create_new_info(
        num_channels=channels, layer_type="image", data_type="uint8", encoding="jxl", resolution=[8, 8, 40],
        voxel_offset=[-3, 7, 100], volume_size=SHAPE, chunk_size=CHUNK)
    info["scales"][0]["jxl_quality"] = quality
    volume = cloudvolume.CloudVolume(f"file://{tmp_path}/theirs", info=info, progress=False)
    volume.commit_info()
    volume[:, :, :] = values
    check_values(by_us(tmp_path / "theirs"), values, quality)


def marks(shape, channels):
    """Pages of letters, which writers make patches of."""
    random = np.random.default_rng(7)
    letters = random.random((12, 9, 7)) < 0.45
    pages = np.full((channels, shape[2] * shape[1], shape[0]), 255, "u1")
    for page in pages:
        for y in range(2, page.shape[0] - 9, 11):
            for x in range(2, page.shape[1] - 7, 8):
                page[y:y + 9, x:x + 7][letters[random.integers(12)]] = 0
    return pages.reshape(channels, shape[2], shape[1], shape[0]).T.copy()


PATCHED = (256, 32, 4)


@pytest.mark.parametrize("channels", [1, 3])
def test_we_read_patches(tmp_path, channels):
    """Frames for others, which imagecodecs makes of letters from effort 5 on: a chunk of each effort and quality."""
    values = marks(PATCHED, channels)
    pictures, head = frames(values), 7 if channels == 1 else 10  # bytes of the stream before its first frame
    kinds = [(effort, quality) for effort in range(1, 10) for quality in (100, 90)]
    streams = [imagecodecs.jpegxl_encode(pictures if channels > 1 else pictures[0], photometric="GRAY", effort=effort,
                                         level=quality, lossless=quality == 100) for effort, quality in kinds]
    depth = PATCHED[2]
    folder = dataset_of(tmp_path / "theirs", channels, lambda place: streams[place[2].start // depth],
                        (*PATCHED[:2], depth * len(streams)), PATCHED)
    found = by_us(folder).reshape(*PATCHED[:2], -1, channels)
    for (effort, quality), stream, begin in zip(kinds, streams, range(0, found.shape[2], depth), strict=True):
        part = found[:, :, begin:begin + depth]
        if quality == 100:
            np.testing.assert_array_equal(part, values)
            assert (stream[head] & 7 == 0b100) == (effort >= 5), "the first frame is for others"
        theirs = imagecodecs.jpegxl_decode(stream).reshape(pictures.shape)
        assert np.abs(frames(part).astype(int) - theirs).max() <= (quality < 100)


@pytest.mark.parametrize("quality", [100, 90])
@pytest.mark.parametrize("effort", [3, 5, 7, 9])
def test_we_read_every_effort_of_cloud_volume(tmp_path, effort, quality):
    values = marks(PATCHED, 1)
    info = cloudvolume.CloudVolume.create_new_info(
        num_channels=1, layer_type="image", data_type="uint8", encoding="jxl", resolution=[8, 8, 40],
        voxel_offset=[0, 0, 0], volume_size=PATCHED, chunk_size=PATCHED)
    info["scales"][0] |= {"jxl_quality": quality, "jxl_effort": effort}
    volume = cloudvolume.CloudVolume(f"file://{tmp_path}/theirs", info=info, progress=False, compress=False)
    volume.commit_info()
    volume[:, :, :] = values
    found = by_us(tmp_path / "theirs").reshape(values.shape)
    if quality == 100:
        np.testing.assert_array_equal(found, values)
    assert np.abs(found.astype(int) - by_cloud_volume(tmp_path / "theirs")).max() <= (quality < 100)


def test_channels_in_cloud_volume(tmp_path):
    """docs/errata-of-peers.md: it takes the planes that it writes for interleaved channels."""
    values = smooth((8, 6, 5), 3)
    found = by_cloud_volume(written_by_us(tmp_path, values, "--layout", "flat"))
    assert (found != values).any()
    planes = found.ravel(order="F").reshape(-1, 3)
    np.testing.assert_array_equal(planes.ravel(order="F").reshape(values.shape, order="F"), values)


def test_sizes_beside_imagecodecs(tmp_path):
    """Real chunks, of the same effort, without loss and with the same quality."""
    for quality in 100, 85:
        out = tmp_path / str(quality)
        convert(data.fetch("icbm152_t1.nii.gz"), out, "--type", "image", "--dtype", "uint8", "--encoding", "jxl",
                "--jxl-quality", quality, "--layout", "flat", "--scales", "1")
        dataset, ours, theirs = Dataset(out), 0, 0
        for cell, _, _ in dataset.cells(0):
            stream = dataset.chunk(0, cell)
            if stream is not None:
                again = imagecodecs.jpegxl_encode(imagecodecs.jpegxl_decode(stream), level=quality, effort=4,
                                                  lossless=quality == 100, photometric="GRAY")
                ours, theirs = ours + len(stream), theirs + len(again)
        assert 0 < ours <= 1.01 * theirs, (quality, ours, theirs)


def test_same_bytes_for_any_threads(tmp_path):
    path = save_nifti(tmp_path / "v.nii", smooth((60, 50, 40), 1)[..., 0])
    for threads in 1, 3:
        convert(path, tmp_path / str(threads), "--encoding", "jxl", "--jxl-quality", "80", "--threads", threads,
                "--chunk-size", "16")
    assert tree(tmp_path / "1") == tree(tmp_path / "3")


def test_options_reach_the_pictures(tmp_path):
    path = save_nifti(tmp_path / "v.nii", smooth((40, 40, 40), 1)[..., 0] ^ noise((40, 40, 40), "u1") % 4)
    sizes = []
    for options in ("--jxl-quality", "50"), ("--jxl-effort", "7"), (), ("--jxl-effort", "1"):
        out = tmp_path / "".join(["o", *options])
        convert(path, out, "--encoding", "jxl", *options, "--layout", "flat", "--scales", "1")
        sizes.append(sum(p.stat().st_size for p in out.glob("*/*-*")))
    assert sizes == sorted(set(sizes))
