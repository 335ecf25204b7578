# SPDX-License-Identifier: Apache-2.0
"""volume-to-precomputed, compute-scales and volume-to-precomputed-pyramid against those of neuroglancer-scripts."""

import json

import nibabel as nib
import numpy as np
import pytest

from nine import Pair, check_alike
from precomputed import Dataset
from volumes import affine_mm, labels, noise, save_nifti, structured

SHAPE = (71, 40, 37)


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path)


def put_volume(pair, values, name="scan.nii", affine=None, **options):
    for folder in pair.ours, pair.theirs:
        save_nifti(folder / name, values, affine, **options)


def edit(pair, dataset, **members):
    """What users do by hand to info_fullres.json."""
    for folder in pair.ours, pair.theirs:
        path = folder / dataset / "info_fullres.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | members))


def generate(pair, *options, volume="scan.nii", status=0, scales=()):
    """--generate-info and generate-scales-info."""
    both = pair.must("volume-to-precomputed", "--generate-info", volume, "out", *options, status=status)
    ours, theirs = pair.infos("out", "info_fullres.json")
    assert ours == theirs
    check_transform(pair, both)
    pair.must("generate-scales-info", "--target-chunk-size=16", *scales, "out/info_fullres.json", "out")


def check_transform(pair, both):
    ours, theirs = [np.array(t) for t in pair.infos("out", "transform.json")]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 * np.abs(theirs).max())
    link = both.ours.err.splitlines()[-1]
    np.testing.assert_array_equal(json.loads(link.replace("_", ",")), ours)
    assert ".0_" not in link and ".0]" not in link, "whole numbers are written without a point"
    if np.array_equal(ours, theirs):
        assert link == both.theirs.err.splitlines()[-1]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("storage", [[], ["--flat"], ["--no-gzip"]], ids=["deep", "flat", "plain"])
def test_the_four_steps(pair, dtype, storage):
    put_volume(pair, structured(SHAPE, dtype))
    generate(pair)
    pair.must("volume-to-precomputed", *storage, "scan.nii", "out")
    pair.must("compute-scales", *storage, "out/")
    check_alike(pair, "out")


@pytest.mark.parametrize("code", ["LPS", "SRA", "RIA"])
def test_axes_stay_as_they_are_in_the_file(pair, code):
    put_volume(pair, structured(SHAPE), "scan.nii.gz", affine_mm(code, SHAPE))
    generate(pair, volume="scan.nii.gz")
    pair.must("volume-to-precomputed", "--flat", "scan.nii.gz", "out")
    check_alike(pair, "out", scales=1)


@pytest.mark.parametrize("method", ["auto", "average", "majority", "stride"])
def test_labels_by_every_method(pair, method):
    put_volume(pair, labels((45, 33, 20)))
    generate(pair, scales=["--type=segmentation", "--encoding=compressed_segmentation"])
    pair.must("volume-to-precomputed", "scan.nii", "out")
    pair.must("compute-scales", "--downscaling-method", method, "out")
    check_alike(pair, "out")


@pytest.mark.parametrize("options", [["--outside-value=255"], ["--downscaling-method=stride"],
                                     ["--downscaling-method=majority"], ["--compresslevel=1"]], ids=" ".join)
def test_images_by_other_methods(pair, options):
    put_volume(pair, structured((31, 29, 18), "uint8"))
    generate(pair)
    pair.must("volume-to-precomputed", "scan.nii", "out")
    pair.must("compute-scales", *options, "out")
    check_alike(pair, "out")


def test_several_channels(pair):
    put_volume(pair, structured((20, 17, 33), "uint16")[..., None] + np.arange(3, dtype="uint16"))
    generate(pair)
    pair.must("volume-to-precomputed", "scan.nii", "out")
    pair.must("compute-scales", "out")
    check_alike(pair, "out")


@pytest.mark.parametrize("options", [[], ["--ignore-scaling"], ["--input-max", "60"],
                                     ["--input-min", "-20", "--input-max=77.5"], ["--mmap", "--input-max=80"],
                                     ["--load-full-volume"]], ids=" ".join)
def test_slope_and_window(pair, options):
    put_volume(pair, structured((30, 20, 17), "uint8"), slope=0.3, intercept=-2.5)
    expected = 0 if options[:1] == ["--ignore-scaling"] else 4
    generate(pair, *[o for o in options if o not in ("--mmap", "--load-full-volume")], status=expected,
             scales=["--max-scales=1"])
    for folder in pair.ours, pair.theirs:
        path = folder / "out/info"
        path.write_text(path.read_text().replace("float32", "uint8"))
    pair.must("volume-to-precomputed", *options, "scan.nii", "out")
    check_alike(pair, "out")


@pytest.mark.parametrize("stored, written", [("int16", "float32"), ("float64", "float32"), ("float64", "uint8"),
                                             ("float32", "uint16"), ("int32", "float32"), ("int16", "uint8")])
def test_other_types(pair, stored, written):
    values = structured((30, 20, 17), "uint8").astype(stored) - (10.25 if stored.startswith("f") else 60)
    put_volume(pair, values.astype(stored))
    generate(pair, status=0 if stored == "float32" else 4, scales=["--max-scales=1"])
    for folder in pair.ours, pair.theirs:
        path = folder / "out/info"
        path.write_text(path.read_text().replace('"data_type":"float32"', f'"data_type":"{written}"'))
    pair.must("volume-to-precomputed", "scan.nii", "out")
    check_alike(pair, "out")


@pytest.mark.parametrize("options", [[], ["--flat", "--downscaling-method", "stride"],
                                     ["--encoding=jpeg", "--no-gzip"], ["--mmap", "--input-max=150", "--outside-value", "7"]],
                         ids=" ".join)
def test_pyramid(pair, options):
    shape = (150, 70, 66) if "--encoding=jpeg" not in options else (60, 40, 20)
    put_volume(pair, structured(shape, "uint8"))
    pair.must("volume-to-precomputed-pyramid", *options, "scan.nii", "out")
    (pair.ours / "out/transform.json").unlink()  # theirs does not write it here
    check_alike(pair, "out", lossy="--encoding=jpeg" in options)


def test_pyramid_of_labels(pair):
    put_volume(pair, labels((140, 40, 33)), "scan.nii.gz")
    pair.must("volume-to-precomputed-pyramid", "--type=segmentation", "--encoding=compressed_segmentation", "scan.nii.gz", "out")
    (pair.ours / "out/transform.json").unlink()
    check_alike(pair, "out")


def test_sharded_without_gzip(pair):
    put_volume(pair, structured((40, 33, 37), "uint8"), affine=np.eye(4))
    generate(pair, "--sharding", "1,1,0", "--no-gzip")
    pair.must("volume-to-precomputed", "--sharding=1,1,0", "scan.nii", "out")
    pair.must("compute-scales", "--downscaling-method=stride", "out")
    check_alike(pair, "out")


def test_sharded(pair):
    """Theirs says gzip and stores zlib, which only tolerant readers take; ours is gzip."""
    put_volume(pair, structured((40, 33, 37), "uint8"), affine=np.eye(4))
    generate(pair, "--sharding", "2,1,1")
    pair.must("volume-to-precomputed", "scan.nii", "out")
    pair.must("compute-scales", "out")
    assert pair.names("out")[0] == pair.names("out")[1]
    ours = Dataset(pair.ours / "out")
    pair.must("convert-chunks", "--copy-info", "out", "copy")
    for k in range(len(ours.scales)):
        from_theirs = pair.theirs / f"out/{ours.scales[k]['key']}"
        assert sorted(p.name for p in from_theirs.iterdir()) == sorted(p.name for p in (pair.ours / f"out/{ours.scales[k]['key']}").iterdir())
    np.testing.assert_array_equal(ours.read(0)[..., 0], nib.load(pair.ours / "scan.nii").dataobj)


def test_mistakes(pair):
    put_volume(pair, structured((50, 20, 20), "uint8"))
    both = pair.must("volume-to-precomputed", "scan.nii", "out", status=1)
    assert "--generate-info" in both.ours.err and "generate-scales-info" in both.ours.err
    pair.must("volume-to-precomputed", "--generate-info", "none.nii", "out", status=1)
    pair.must("volume-to-precomputed", "--generate-info", "--sharding=1,1", "scan.nii", "out", status=1)
    generate(pair)
    pair.must("volume-to-precomputed", "--generate-info", "scan.nii", "out", status=1)
    pair.must("compute-scales", "out", status=1)
    put_volume(pair, structured((50, 20, 21), "uint8"), "other.nii")
    pair.must("volume-to-precomputed", "other.nii", "out", status=1)
    pair.must("volume-to-precomputed-pyramid", "scan.nii", "out", status=1)
    pair.must("volume-to-precomputed", "--input-min=3", "scan.nii", "out", status=2)
    pair.must("volume-to-precomputed-pyramid", "--input-min=3", "scan.nii", "out", status=2)
    pair.must("volume-to-precomputed", "--compresslevel=10", "scan.nii", "out", status=2)
    pair.must("compute-scales", status=2)
    pair.must("compute-scales", "--downscaling-method=median", "out", status=2)
    pair.must("compute-scales", "nowhere", status=1)


def test_written_again_in_place(pair):
    put_volume(pair, structured((20, 20, 40), "uint8"))
    put_volume(pair, structured((20, 20, 40), "uint8", seed=1), "other.nii")
    generate(pair)
    for volume in "scan.nii", "other.nii":
        pair.must("volume-to-precomputed", volume, "out")
        pair.must("compute-scales", "out")
    check_alike(pair, "out")
    assert not list((pair.ours / "out").glob("*.partial"))


def check_ours(folder, expected, scale=0):
    np.testing.assert_array_equal(np.squeeze(Dataset(folder).read(scale)), expected)


def test_rgb(pair):
    """Theirs fails, in both ways."""
    values = noise((21, 15, 14, 3), "uint8")
    rgb = np.ascontiguousarray(values).view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    for folder in pair.ours, pair.theirs:
        nib.save(nib.Nifti1Image(rgb, np.eye(4)), folder / "rgb.nii")
    generate(pair, volume="rgb.nii")
    both = pair.run("volume-to-precomputed", "rgb.nii", "out")
    assert (both.ours.status, both.theirs.status) == (0, 1)
    check_ours(pair.ours / "out", values)
    both = pair.run("volume-to-precomputed-pyramid", "rgb.nii", "all")
    assert (both.ours.status, both.theirs.status) == (0, 1)
    check_ours(pair.ours / "all", values)


def test_long_voxels_in_shards(pair):
    put_volume(pair, structured((40, 33, 17), "uint8"), affine=np.diag([1, 1, 4, 1]))
    generate(pair, "--sharding=1,1,0", volume="scan.nii")
    both = pair.run("volume-to-precomputed", "scan.nii", "out")
    assert (both.ours.status, both.theirs.status) == (0, 1)
    check_ours(pair.ours / "out", structured((40, 33, 17), "uint8"))


def test_signed_integers(pair):
    """Theirs takes them for float32 only."""
    values = structured((30, 20, 17), "uint16").astype("int16") - 9000
    put_volume(pair, values)
    pair.must("volume-to-precomputed", "--generate-info", "scan.nii", "out", status=4)
    edit(pair, "out", data_type="int16")
    both = pair.run("generate-scales-info", "out/info_fullres.json", "out")
    assert (both.ours.status, both.theirs.status) == (0, 1)
    assert pair.run("volume-to-precomputed", "scan.nii", "out").ours.status == 0
    check_ours(pair.ours / "out", values)


def test_wider_unsigned_integers(pair):
    """Theirs fails on every conversion that needs a wider type between (int16 to uint16)."""
    values = structured((30, 20, 17), "uint8").astype("int16")
    put_volume(pair, values)
    pair.must("volume-to-precomputed", "--generate-info", "scan.nii", "out", status=4)
    edit(pair, "out", data_type="uint16")
    pair.must("generate-scales-info", "out/info_fullres.json", "out")
    both = pair.run("volume-to-precomputed", "scan.nii", "out")
    assert (both.ours.status, both.theirs.status) == (0, 1)
    check_ours(pair.ours / "out", values)


def test_nan(pair):
    """Theirs: coarse voxels of NaN, and integers that depend on the machine."""
    values = structured((50, 20, 18), "float32")
    values[::2, 0, 0] = np.nan
    put_volume(pair, values)
    generate(pair)
    assert pair.run("volume-to-precomputed", "scan.nii", "out").ours.status == 0
    assert pair.run("compute-scales", "out").ours.status == 0
    assert not np.isnan(Dataset(pair.ours / "out").read(1)).any()
    (pair.ours / "out/info").unlink()
    (pair.theirs / "out/info").unlink()
    edit(pair, "out", data_type="uint16")
    pair.must("generate-scales-info", "out/info_fullres.json", "out")
    assert pair.run("volume-to-precomputed", "scan.nii", "out").ours.status == 0
    check_ours(pair.ours / "out", np.rint(np.nan_to_num(values, nan=0)))


def test_offset(pair):
    """Theirs refuses every offset but 0."""
    put_volume(pair, structured((33, 20, 18), "uint8"))
    generate(pair)
    for folder in pair.ours, pair.theirs:
        (folder / "out/info").unlink()
        path = folder / "out/info_fullres.json"
        path.write_text(path.read_text().replace("[0, 0, 0]", "[5, -3, 0]"))
    assert pair.run("generate-scales-info", "--target-chunk-size=16", "out/info_fullres.json", "out").ours.status == 0
    both = pair.run("volume-to-precomputed", "scan.nii", "out")
    assert (both.ours.status, both.theirs.status) == (0, 1)
    assert pair.run("compute-scales", "out").ours.status == 0
    check_ours(pair.ours / "out", structured((33, 20, 18), "uint8"))
