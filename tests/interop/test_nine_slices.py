# SPDX-License-Identifier: Apache-2.0
"""slices-to-precomputed and convert-chunks against those of neuroglancer-scripts."""

import io

import numpy as np
import PIL.Image
import pytest

from nine import Decoded, Pair, check_alike
from precomputed import Dataset
from volumes import labels, structured
from web import serving

AXIS = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}
SIZE_RAS = (37, 26, 21)


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path)


def description(size=SIZE_RAS, **members):
    scale = {"size": size, "resolution": [21166.6666666666666, 20000, 21166.6666666666666], "voxel_offset": [0, 0, 0]}
    return {"type": "image", "data_type": "uint8", "num_channels": 1, "scales": [scale]} | members


def put_slices(pair, volume, code="RAS", name="slices", suffix="png"):
    """A volume [x, y, z] in RAS order as slices whose columns, rows and numbers point to `code`."""
    axes = [AXIS[letter] for letter in code]
    stored = volume.transpose(*axes, *range(3, volume.ndim))
    stored = np.flip(stored, [a for a, letter in enumerate(code) if letter in "LPI"])
    for folder in pair.ours, pair.theirs:
        (folder / name).mkdir()
        for number in range(stored.shape[2]):
            pixels = np.ascontiguousarray(np.swapaxes(stored[:, :, number], 0, 1))
            PIL.Image.fromarray(pixels).save(folder / name / f"slice{number:03}.{suffix}")


def start(pair, *options, chunk=16, **members):
    pair.put("full.json", description(**members))
    pair.must("generate-scales-info", f"--target-chunk-size={chunk}", *options, "full.json", "out")


@pytest.mark.parametrize("code", ["RIA", "ras", "LPS", "IRA", "SAL", "IRP"])
def test_orientations(pair, code):
    volume = structured(SIZE_RAS, "uint8")
    put_slices(pair, volume, code.upper())
    start(pair)
    both = pair.run("slices-to-precomputed", "--input-orientation", code, "slices", "out")
    if code[2].upper() in "LPI":  # theirs fails on every stack that is turned around
        assert (both.ours.status, both.theirs.status) == (0, 1)
    else:
        assert both.status == 0
        check_alike(pair, "out", scales=1)
    np.testing.assert_array_equal(Dataset(pair.ours / "out").read(0)[..., 0], volume)


def test_default_orientation(pair):
    put_slices(pair, structured(SIZE_RAS, "uint8"))
    start(pair)
    pair.must("slices-to-precomputed", "--flat", "--no-gzip", "slices", "out")
    check_alike(pair, "out", scales=1)


def test_folders_are_channels(pair):
    for number in range(2):
        put_slices(pair, structured(SIZE_RAS, "uint8", seed=number), "RIA", f"channel{number}")
    start(pair, num_channels=2)
    pair.must("slices-to-precomputed", "channel0", "channel1", "out", "--input-orientation=RIA")
    check_alike(pair, "out", scales=1)


def test_colours(pair):
    rgb = np.stack([structured(SIZE_RAS, "uint8", seed=s) for s in range(3)], axis=-1)
    put_slices(pair, rgb)
    start(pair, num_channels=3)
    pair.must("slices-to-precomputed", "slices", "out")
    check_alike(pair, "out", scales=1)


def test_tiff_of_floats_is_rounded(pair):
    put_slices(pair, structured(SIZE_RAS, "uint8").astype("float32") * 1.7 - 20, suffix="tiff")
    start(pair)
    pair.must("slices-to-precomputed", "slices", "out")
    check_alike(pair, "out", scales=1)


def test_slices_are_in_the_order_of_bytes(pair):
    """slice10 comes before slice9, as it did."""
    put_slices(pair, structured(SIZE_RAS, "uint8"))
    for folder in pair.ours, pair.theirs:
        for path in sorted((folder / "slices").iterdir()):
            path.rename(path.with_name(f"slice{int(path.stem[5:])}.png"))
    start(pair)
    pair.must("slices-to-precomputed", "slices", "out")
    check_alike(pair, "out", scales=1)


def test_mistakes(pair):
    put_slices(pair, structured(SIZE_RAS, "uint8"))
    pair.must("slices-to-precomputed", "slices", "out", status=1)
    start(pair)
    pair.must("slices-to-precomputed", "none", "out", status=1)
    pair.must("slices-to-precomputed", "slices", status=2)
    both = pair.must("slices-to-precomputed", "--input-orientation=RRS", "slices", "out", status=2)
    assert both.ours.err.splitlines()[-1] == both.theirs.err.splitlines()[-1]
    pair.must("slices-to-precomputed", "--input-orientation=RIA", "slices", "out", status=1)  # 21 slices, not 26


def test_big_brain(pair):
    """The documented example, on slices like its own: to chunks, to scales, to JPEG."""
    volume = structured((70, 33, 50), "uint8")
    put_slices(pair, volume, "RIA")
    pair.put("info_fullres.json", description(size=(70, 33, 50), scales=[
        {"chunk_sizes": [], "encoding": "raw", "key": "full", "size": [70, 33, 50], "voxel_offset": [0, 0, 0],
         "resolution": [21166.6666666666666, 20000, 21166.6666666666666]}]))
    pair.must("generate-scales-info", "--target-chunk-size=16", "info_fullres.json", "8bit/")
    pair.must("slices-to-precomputed", "--input-orientation", "RIA", "slices", "8bit/")
    pair.must("compute-scales", "--outside-value=255", "8bit/")
    check_alike(pair, "8bit")
    pair.must("generate-scales-info", "--target-chunk-size=16", "--encoding=jpeg", "8bit/info", "jpeg/")
    pair.must("convert-chunks", "--jpeg-plane=xz", "8bit/", "jpeg/")
    ours, theirs = pair.infos("jpeg")
    assert ours == theirs and pair.names("jpeg")[0] == pair.names("jpeg")[1]
    mine, other = [Decoded(folder / "jpeg") for folder in (pair.ours, pair.theirs)]
    for cell, *_ in mine.cells(0):  # the pictures have the same shape and nearly the same pixels
        pictures = [np.asarray(picture(d, cell)).astype(int) for d in (mine, other)]
        assert pictures[0].shape == pictures[1].shape and np.abs(pictures[0] - pictures[1]).max() <= 8
    assert picture(mine).quantization == picture(other).quantization, "quality 95"


def picture(dataset, cell=(0, 0, 0)):
    return PIL.Image.open(io.BytesIO(dataset.chunk(0, cell)))


def make(pair, volume, dataset, *options, **members):
    """A dataset of one encoding in both folders."""
    import nibabel as nib

    for folder in pair.ours, pair.theirs:
        nib.save(nib.Nifti1Image(volume, np.eye(4)), folder / "scan.nii")
    pair.put("full.json", description(size=volume.shape, data_type=volume.dtype.name, **members))
    pair.must("generate-scales-info", "--target-chunk-size=16", *options, "full.json", dataset)
    pair.must("volume-to-precomputed", "scan.nii", dataset)
    pair.must("compute-scales", "--downscaling-method=stride", dataset)


def test_labels_to_compressed_segmentation_and_back(pair):
    make(pair, labels((45, 33, 20)), "raw", type="segmentation")
    pair.must("generate-scales-info", "--target-chunk-size=16", "--encoding=compressed_segmentation", "raw/info", "cseg")
    pair.must("convert-chunks", "raw", "cseg")
    check_alike(pair, "cseg")
    pair.must("generate-scales-info", "--target-chunk-size=16", "--encoding=raw", "cseg/info", "again")
    pair.must("convert-chunks", "--no-gzip", "--flat", "cseg", "again")
    check_alike(pair, "again")


def test_a_wider_type(pair):
    make(pair, structured((30, 20, 17), "uint8"), "raw")
    pair.must("generate-scales-info", "--target-chunk-size=16", "--encoding=compressed_segmentation", "raw/info", "cseg")
    pair.must("convert-chunks", "raw", "cseg")
    check_alike(pair, "cseg")


def test_copy_info_and_other_quality(pair):
    make(pair, structured((40, 20, 17), "uint8"), "raw")
    pair.must("convert-chunks", "--copy-info", "raw", "copy")
    check_alike(pair, "copy")
    pair.must("convert-chunks", "--copy-info", "raw", "copy", status=1)
    pair.must("generate-scales-info", "--target-chunk-size=16", "--encoding=jpeg", "raw/info", "jpeg")
    pair.must("convert-chunks", "--jpeg-quality=60", "raw", "jpeg")
    check_alike(pair, "jpeg", lossy=True)
    both = pair.must("convert-chunks", "--copy-info", "jpeg", "jpeg2")
    assert "WARNING" in both.ours.err and "loss" in both.ours.err


def to_shards(pair, shape):
    """As the documentation does it: `sharding` is written into info by hand."""
    make(pair, structured(shape, "uint8"), "raw")
    sharding = {"@type": "neuroglancer_uint64_sharded_v1", "minishard_bits": 2, "shard_bits": 2, "hash": "identity",
                "minishard_index_encoding": "raw", "data_encoding": "raw", "preshift_bits": 0}
    info = pair.infos("raw")[0]
    for scale in info["scales"]:
        scale["sharding"] = sharding
    pair.put("sharded/info", info)
    pair.must("convert-chunks", "raw", "./sharded/")


def test_to_shards(pair):
    to_shards(pair, (64, 64, 64))
    check_alike(pair, "sharded")


def test_to_shards_of_odd_grids(pair):
    """Theirs loses chunks."""
    to_shards(pair, (40, 30, 37))
    whole = structured((40, 30, 37), "uint8")
    np.testing.assert_array_equal(Dataset(pair.ours / "sharded").read(0)[..., 0], whole)
    assert (Dataset(pair.theirs / "sharded").read(0)[..., 0] != whole).any()


def test_from_a_server(pair):
    make(pair, structured((40, 30, 37), "uint8"), "raw")
    pair.must("convert-chunks", "--copy-info", "--flat", "--no-gzip", "raw", "flat")
    with serving(pair.ours / "flat") as url:
        pair.must("convert-chunks", "--copy-info", url + "/", "copy")
    check_alike(pair, "copy")
    with serving(pair.ours / "raw") as url:  # without the names that deep folders need
        both = pair.must("convert-chunks", "--copy-info", url + "/", "nothing", status=1)
    assert not (pair.ours / "nothing/info").exists()
    assert "expected chunks, found none" in both.ours.err


@pytest.mark.parametrize("words", [["raw"], ["--jpeg-quality=101", "raw", "x"], ["--jpeg-quality=q", "raw", "x"],
                                   ["--jpeg-plane", "yz", "raw", "x"]], ids=" ".join)
def test_usage(pair, words):
    both = pair.must("convert-chunks", *words, status=2)
    assert both.ours.err.splitlines()[-1] == both.theirs.err.splitlines()[-1]


def test_failures_of_convert_chunks(pair):
    make(pair, structured((20, 20, 17), "uint8"), "raw")
    pair.must("convert-chunks", "none", "out", status=1)
    pair.must("convert-chunks", "raw", "out", status=1)
    info = pair.infos("raw")[0]
    info["scales"][0]["key"] = "other"
    pair.put("out/info", info)
    pair.must("convert-chunks", "raw", "out", status=1)
