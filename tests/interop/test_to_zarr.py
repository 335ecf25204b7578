# SPDX-License-Identifier: Apache-2.0
"""`convert ... out.zarr`: an OME-Zarr 0.5 image that zarr-python, tensorstore, ome-zarr and ngforge itself read."""

import json

import nibabel as nib
import numpy as np
import ome_zarr.io
import ome_zarr.reader
import pytest
import tensorstore
import zarr
from ome_zarr_models.v05 import Image, ImageLabel

import pyramid
import volumes
from conftest import read_json, tree
from precomputed import Dataset
from program import convert, run
from volumes import noise, save_nifti

TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "f4"]
SHAPE = (43, 29, 22)
OPTIONS = ("--chunk-size", "16,8,8", "--shard-size", "64KiB")
UNIT_NM = {"nanometer": 1, "micrometer": 1e3, "millimeter": 1e6}


def ome(folder):
    return read_json(folder / "zarr.json")["attributes"]["ome"]


def as_xyzc(values):
    """[c, z, y, x] or [z, y, x] to [x, y, z, channel]."""
    return values.reshape((-1, *values.shape[-3:])).T


def read(folder, level):
    """All voxels of a level by two readers, which must agree."""
    values = zarr.open_group(folder, mode="r")[str(level)][...]
    driver = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{folder / str(level)}/"}}
    np.testing.assert_array_equal(tensorstore.open(driver).result().read().result(), values)
    return as_xyzc(values)


def world_nm(folder, level, index):
    """Where the metadata puts the centre of a voxel."""
    attributes = read_json(folder / "zarr.json")["attributes"]
    multiscale = attributes["ome"]["multiscales"][0]
    scale, translation = multiscale["datasets"][level]["coordinateTransformations"]
    axes = multiscale["axes"][-3:]
    assert [axis["name"] for axis in axes] == ["z", "y", "x"]
    unit = [UNIT_NM[axis["unit"]] for axis in axes]
    place = np.array(scale["scale"][-3:]) * index[::-1] + translation["translation"][-3:]
    transform = np.array(attributes.get("ngforge", {}).get("transform", np.eye(4)))
    return (transform @ [*(place * unit)[::-1], 1])[:3]


def check_against_precomputed(source, folder, other, *options):
    """Both kinds of dataset hold the same scales with the same voxels at the same places."""
    convert(source, folder, *OPTIONS, *options)
    convert(source, other, *OPTIONS[:2], *options, "--encoding", "raw")
    dataset = Dataset(other)
    transform = dataset.transform if (other / "transform.json").exists() else np.eye(4)
    assert len(ome(folder)["multiscales"][0]["datasets"]) == len(dataset.scales)
    for level, scale in enumerate(dataset.scales):
        np.testing.assert_array_equal(read(folder, level), dataset.read(level), err_msg=f"level {level}")
        for corner in np.ndindex(2, 2, 2):
            index = np.array(corner) * (np.array(scale["size"]) - 1)
            corner_nm = (index + scale.get("voxel_offset", [0, 0, 0]) + 0.5) * scale["resolution"]
            expected = (transform @ [*corner_nm, 1])[:3]
            np.testing.assert_allclose(world_nm(folder, level, index), expected, atol=1e-3)


def check_metadata(folder, is_label=False):
    """What the ome-zarr packages say of it."""
    group = zarr.open_group(folder, mode="r")
    Image.from_zarr(group)
    if is_label:
        ImageLabel.from_zarr(group)
    nodes = list(ome_zarr.reader.Reader(ome_zarr.io.parse_url(folder))())
    assert len(nodes[0].data) == len(ome(folder)["multiscales"][0]["datasets"])
    return nodes[0].metadata


@pytest.mark.parametrize("dtype", TYPES)
def test_types(tmp_path, dtype):
    path = save_nifti(tmp_path / "v.nii.gz", noise(SHAPE, dtype, seed=70))
    check_against_precomputed(path, tmp_path / "v.ome.zarr", tmp_path / "v", "--type", "image")
    assert zarr.open_group(tmp_path / "v.ome.zarr", mode="r")["0"].dtype == np.dtype(dtype)
    check_metadata(tmp_path / "v.ome.zarr")


@pytest.mark.parametrize("dtype", ["i8", "f8"])
@pytest.mark.parametrize("method", ["average", "majority", "stride", "min", "max", "median"])
def test_types_that_precomputed_has_not(tmp_path, dtype, method):
    values = (noise(SHAPE, "f8", seed=72) if dtype == "f8" else noise(SHAPE, "u8", seed=72).view("i8"))
    path = tmp_path / "v.npy"
    np.save(path, np.asfortranarray(values))
    options = ("--voxel-size", "1um", "--type", "image", "--downsample", method, "--factor", "2", "--scales", "3",
               "--chunk-size", "16")
    said = convert(path, tmp_path / "v.zarr", *options)
    assert f"Neuroglancer cannot show {np.dtype(dtype).name}" in said.out
    group = zarr.open_group(tmp_path / "v.zarr", mode="r")
    expected, offset = values[..., None], np.zeros(3, int)
    for level in range(3):
        assert group[str(level)].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(group[str(level)][...], expected[..., 0].T, err_msg=f"level {level}")
        expected, offset = pyramid.downsample(expected, offset, np.array((2, 2, 2)), method)
    check_metadata(tmp_path / "v.zarr")
    # Of a type that the source has not, and cut.
    convert(tmp_path / "v.zarr", tmp_path / "cut.zarr", "--crop", "1:20,:,2:9", "--scales", "1", "--type", "image")
    np.testing.assert_array_equal(zarr.open_group(tmp_path / "cut.zarr", mode="r")["0"][...], values[1:20, :, 2:9].T)
    convert(path, tmp_path / "as.zarr", *options, "--dtype", "float64" if dtype == "i8" else "int64")
    other = np.dtype("f8" if dtype == "i8" else "i8")
    found = zarr.open_group(tmp_path / "as.zarr", mode="r")["0"]
    assert found.dtype == other
    if other == np.float64:
        np.testing.assert_array_equal(found[...], values.astype("f8").T)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
def test_labels(tmp_path, dtype):
    path = save_nifti(tmp_path / "v.nii.gz", volumes.labels(SHAPE, dtype))
    check_against_precomputed(path, tmp_path / "v.zarr", tmp_path / "v", "--type", "segmentation")
    assert "image-label" in ome(tmp_path / "v.zarr")
    check_metadata(tmp_path / "v.zarr", is_label=True)


@pytest.mark.parametrize("channels", [2, 3, 5])
def test_channels(tmp_path, channels):
    values = noise((*SHAPE, channels), "u2", seed=71)
    path = save_nifti(tmp_path / "v.nii.gz", values)
    check_against_precomputed(path, tmp_path / "v.zarr", tmp_path / "v")
    array = zarr.open_group(tmp_path / "v.zarr", mode="r")["0"]
    assert array.metadata.dimension_names == ("c", "z", "y", "x") and array.shape == (channels, 22, 29, 43)
    np.testing.assert_array_equal(array[...], values.T)
    check_metadata(tmp_path / "v.zarr")


@pytest.mark.parametrize("compress", ["zstd", "blosc", "gzip", "none"])
@pytest.mark.parametrize("layout", ["sharded", "flat"])
def test_compressors_and_layouts(tmp_path, compress, layout):
    values = volumes.structured(SHAPE, "u2")
    path = save_nifti(tmp_path / "v.nii", values)
    options = ("--compress", compress, "--layout", layout)
    done = convert(path, tmp_path / "v.zarr", *OPTIONS, *options, "--json").json
    np.testing.assert_array_equal(read(tmp_path / "v.zarr", 0)[..., 0], values)
    array = zarr.open_group(tmp_path / "v.zarr", mode="r")["0"]
    assert (array.shards is None) == (layout == "flat")
    assert [type(codec).__name__ for codec in array.compressors] == (
        [] if compress == "none" else [f"{compress.capitalize()}Codec"])
    for scale in done["scales"]:
        files = [f for f in (tmp_path / "v.zarr" / scale["key"] / "c").rglob("*") if f.is_file()]
        assert (len(files), sum(f.stat().st_size for f in files)) == (scale["files"], scale["bytes"])
    plan = run("convert", path, tmp_path / "w.zarr", *OPTIONS, *options, "--dry-run", "--json").json
    for planned, made in zip(plan["scales"], done["scales"], strict=True):
        assert made["files"] <= planned["files"] and made["bytes"] <= planned["bytes"]


@pytest.mark.parametrize("code", ["RAS", "LPS", "SAL", "PIR"])
@pytest.mark.parametrize("tilt", [0, 0.1])
def test_places(tmp_path, code, tilt):
    values = noise(SHAPE, "u1", seed=72)
    path = save_nifti(tmp_path / "v.nii", values, volumes.affine_mm(code, values.shape, tilt))
    check_against_precomputed(path, tmp_path / "v.zarr", tmp_path / "v")
    assert ("ngforge" in read_json(tmp_path / "v.zarr/zarr.json")["attributes"]) == (tilt != 0)
    check_metadata(tmp_path / "v.zarr")


def test_a_crop_keeps_its_place(tmp_path):
    path = save_nifti(tmp_path / "v.nii", noise(SHAPE, "u1", seed=73), volumes.affine_mm("RAS", SHAPE, 0))
    check_against_precomputed(path, tmp_path / "v.zarr", tmp_path / "v", "--crop", "3:40,5:29,1:20", "--factor", "2")


@pytest.mark.parametrize("code", ["RAS", "LAS", "PIR"])
@pytest.mark.parametrize("tilt", [0, 0.1])
@pytest.mark.parametrize("channels", [1, 3])
def test_read_back(tmp_path, code, tilt, channels):
    values = noise((*SHAPE, channels), "i2", seed=74)
    path = save_nifti(tmp_path / "v.nii", values[..., 0] if channels == 1 else values,
                      volumes.affine_mm(code, values.shape, tilt))
    convert(path, tmp_path / "v.zarr", *OPTIONS)
    convert(tmp_path / "v.zarr", tmp_path / "back.nii.gz")
    found, expected = nib.load(tmp_path / "back.nii.gz"), nib.as_closest_canonical(nib.load(path))
    np.testing.assert_array_equal(np.asarray(found.dataobj), np.asarray(expected.dataobj))
    np.testing.assert_allclose(found.affine, expected.affine, atol=1e-6 * np.abs(expected.affine).max())


def test_other_axes_and_a_crop_read_back(tmp_path):
    values = noise(SHAPE, "u1", seed=75)
    path = save_nifti(tmp_path / "v.nii", values, volumes.affine_mm("RAS", values.shape, 0))
    part = ("--orientation", "LPI", "--crop", "3:40,5:29,1:20")
    convert(path, tmp_path / "found.zarr", *OPTIONS, *part)
    convert(path, tmp_path / "expected", *part)
    convert(tmp_path / "found.zarr", tmp_path / "found.nii")
    convert(tmp_path / "expected", tmp_path / "expected.nii")
    # OME-Zarr knows its directions and comes back in the order RAS, precomputed does not.
    found, expected = nib.load(tmp_path / "found.nii"), nib.as_closest_canonical(nib.load(tmp_path / "expected.nii"))
    np.testing.assert_array_equal(np.asarray(found.dataobj), np.asarray(expected.dataobj))
    np.testing.assert_allclose(found.affine, expected.affine, atol=1e-5)


def test_types_read_back(tmp_path):
    for dtype in TYPES:
        values = noise(SHAPE, dtype, seed=76)
        path = save_nifti(tmp_path / f"{dtype}.nii", values)
        convert(path, tmp_path / f"{dtype}.zarr", "--type", "image", "--compress", "blosc")
        convert(tmp_path / f"{dtype}.zarr", tmp_path / f"{dtype}.npy", "--type", "image")
        found = np.load(tmp_path / f"{dtype}.npy")
        assert found.dtype == values.dtype
        np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("transform", [[[1, 0], [0, 1]], [[0, 0, 0, 0]] * 3 + [[0, 0, 0, 1]], "turned"])
def test_a_transform_that_is_none(tmp_path, transform):
    path = save_nifti(tmp_path / "v.nii", noise((5, 4, 3), "u1"), volumes.affine_mm("RAS", (5, 4, 3)))
    convert(path, tmp_path / "v.zarr")
    group = read_json(tmp_path / "v.zarr/zarr.json")
    group["attributes"]["ngforge"]["transform"] = transform
    (tmp_path / "v.zarr/zarr.json").write_text(json.dumps(group))
    done = run("info", tmp_path / "v.zarr")
    assert done.status == 3 and "ngforge.transform" in done.err


def test_empty_chunks_are_left_out(tmp_path):
    values = np.zeros((64, 64, 64), "u1")
    values[33:40, 2, 50] = 7
    path = save_nifti(tmp_path / "v.nii", values, np.eye(4))
    options = ("--chunk-size", "8", "--shard-size", "4KiB", "--scales", "1")
    convert(path, tmp_path / "v.zarr", *options)
    np.testing.assert_array_equal(read(tmp_path / "v.zarr", 0)[..., 0], values)
    files = [f for f in (tmp_path / "v.zarr/0/c").rglob("*") if f.is_file()]
    assert [str(f.relative_to(tmp_path / "v.zarr/0")) for f in files] == ["c/3/0/2"]
    index = np.frombuffer(files[0].read_bytes()[-(8 * 16 + 4):-4], "<u8").reshape(8, 2)
    assert (index == np.uint64(2**64 - 1)).all(axis=1).sum() == 7
    convert(path, tmp_path / "w.zarr", *options, "--keep-empty")
    assert len([f for f in (tmp_path / "w.zarr/0/c").rglob("*") if f.is_file()]) == 64


def test_chunks_at_the_border_are_padded_with_zeros(tmp_path):
    values = noise((9, 6, 5, 2), "u2", seed=77) | 1
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "v.zarr", "--chunk-size", "4", "--layout", "flat", "--compress", "none", "--scales", "1")
    padded = np.zeros((2, 8, 8, 12), "u2")
    padded[:, :5, :6, :9] = values.T
    for z, y, x in np.ndindex(2, 2, 3):
        stored = np.frombuffer((tmp_path / f"v.zarr/0/c/0/{z}/{y}/{x}").read_bytes(), "<u2").reshape(2, 4, 4, 4)
        np.testing.assert_array_equal(stored, padded[:, 4 * z:4 * z + 4, 4 * y:4 * y + 4, 4 * x:4 * x + 4])


def test_colours(tmp_path):
    values = noise((13, 9, 7, 3), "u1", seed=78)
    colours = values.view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    nib.Nifti1Image(colours, np.diag([1, 2, 3, 1])).to_filename(tmp_path / "v.nii")
    convert(tmp_path / "v.nii", tmp_path / "v.zarr")
    np.testing.assert_array_equal(read(tmp_path / "v.zarr", 0), values)
    metadata = check_metadata(tmp_path / "v.zarr")
    assert metadata["channel_names"] == ["red", "green", "blue"]
    assert [colour[-1][:3] for colour in metadata["colormap"]] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert metadata["contrast_limits"] == [[0, 255]] * 3


@pytest.mark.parametrize("options", [(), ("--scales", "keep")])
def test_a_copy(tmp_path, options):
    """OME-Zarr is a source too: other chunks, shards and compressors, and the same voxels at the same places."""
    path = save_nifti(tmp_path / "v.nii", noise(SHAPE, "u2", seed=79), volumes.affine_mm("LPS", SHAPE))
    convert(path, tmp_path / "a.zarr", *OPTIONS)
    convert(tmp_path / "a.zarr", tmp_path / "b.zarr", "--chunk-size", "8", "--compress", "blosc", *options)
    levels = len(ome(tmp_path / "a.zarr")["multiscales"][0]["datasets"])
    for level in range(levels if options else 1):
        np.testing.assert_array_equal(read(tmp_path / "b.zarr", level), read(tmp_path / "a.zarr", level))
        for index in np.ndindex(2, 2, 2):
            np.testing.assert_allclose(world_nm(tmp_path / "b.zarr", level, np.array(index)),
                                       world_nm(tmp_path / "a.zarr", level, np.array(index)), atol=1e-2)


def test_how_a_place_says_what_it_becomes(tmp_path):
    path = save_nifti(tmp_path / "v.nii", noise((9, 8, 7), "u1", seed=80))
    for place, name in ((f"zarr://{tmp_path}/a", "a"), (f"{tmp_path}/b|zarr3:", "b"), (f"{tmp_path}/c.zarr/", "c.zarr"),
                        (f"file://{tmp_path}/d.ome.zarr", "d.ome.zarr")):
        convert(path, place)
        assert (tmp_path / name / "zarr.json").exists(), place
    for place, name in ((f"precomputed://{tmp_path}/e.zarr", "e.zarr"), (f"{tmp_path}/f.zarr|neuroglancer-precomputed:", "f.zarr")):
        convert(path, place)
        assert (tmp_path / name / "info").exists(), place
    assert run("convert", path, f"{tmp_path}/g|zarr2:").status == 2
