# SPDX-License-Identifier: Apache-2.0
"""`convert ... out.mgz|.mgh|.npy|.tif`: the voxels, the type and the place, as other programs read them."""

import xml.etree.ElementTree as ElementTree

import nibabel as nib
import numpy as np
import pytest
import tifffile

import volumes
from program import convert, run
from volumes import noise, save_nifti

TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "f4"]


def save_colors(path, values):
    """[x, y, z, 3] as RGB24."""
    rgb = np.zeros(values.shape[:3], [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for channel, name in enumerate("RGB"):
        rgb[name] = values[..., channel]
    nib.Nifti1Image(rgb, np.diag([1, 2, 3, 1])).to_filename(path)
    return path


@pytest.mark.parametrize("dtype", TYPES)
def test_npy(tmp_path, dtype):
    values = noise((13, 9, 7), dtype, seed=61)
    path = save_nifti(tmp_path / "v.nii.gz", values)
    convert(path, tmp_path / "v.npy", "--type", "image")
    found = np.load(tmp_path / "v.npy")
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, values)


def test_channels_and_colors_as_npy(tmp_path):
    values = noise((9, 8, 7, 3), "u1", seed=62)
    convert(save_nifti(tmp_path / "v.nii", values), tmp_path / "v.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), values)
    convert(save_colors(tmp_path / "rgb.nii", values), tmp_path / "rgb.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "rgb.npy"), values)


@pytest.mark.parametrize("suffix", [".mgz", ".mgh"])
@pytest.mark.parametrize("code", ["RAS", "LPS", "SAL", "PIR"])
def test_mgh(tmp_path, code, suffix):
    values = noise((13, 9, 7, 2), "i2", seed=63)
    path = save_nifti(tmp_path / "v.nii.gz", values, volumes.affine_mm(code, values.shape))
    convert(path, tmp_path / "set", "--chunk-size", "4")
    convert(tmp_path / "set", tmp_path / f"v{suffix}")
    found, expected = nib.load(tmp_path / f"v{suffix}"), nib.as_closest_canonical(nib.load(path))
    assert found.get_data_dtype() == np.dtype(">i2")
    np.testing.assert_array_equal(np.asarray(found.dataobj), np.asarray(expected.dataobj))
    np.testing.assert_allclose(found.affine, expected.affine, atol=1e-4)  # its header has single precision
    back = tmp_path / "back.nii"
    convert(tmp_path / f"v{suffix}", back)
    np.testing.assert_array_equal(np.asarray(nib.load(back).dataobj), np.asarray(expected.dataobj))


@pytest.mark.parametrize("dtype, stored", [("u1", "u1"), ("i1", ">i2"), ("u2", ">i4"), ("i4", ">i4"), ("f4", ">f4")])
def test_mgh_takes_the_type_that_holds_all(tmp_path, dtype, stored):
    values = noise((13, 9, 7), dtype, seed=64)
    convert(save_nifti(tmp_path / "v.nii", values), tmp_path / "v.mgz", "--type", "image")
    found = nib.load(tmp_path / "v.mgz")
    assert found.get_data_dtype() == np.dtype(stored)
    np.testing.assert_array_equal(np.asarray(found.dataobj), values)


def test_labels_as_mgh(tmp_path):
    values = volumes.labels((13, 9, 7), "u4") >> 1
    convert(save_nifti(tmp_path / "v.nii", values), tmp_path / "v.mgz")
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "v.mgz").dataobj), values)
    values[12, 8, 6] = 1 << 31
    done = run("convert", save_nifti(tmp_path / "w.nii", values), tmp_path / "w.mgz")
    assert done.status == 4 and "int32" in done.err and "2147483648" in done.err and "(12, 8, 6)" in done.err
    assert not list(tmp_path.glob("w.mgz*"))


@pytest.mark.parametrize("dtype, suffix", [("i8", ".nii"), ("f8", ".nii.gz"), ("i8", ".npy"), ("f8", ".npy"), ("f8", ".tif")])
def test_types_that_only_files_have(tmp_path, dtype, suffix):
    """From a file and from OME-Zarr, which has these types too."""
    values = noise((13, 9, 7), "f8", seed=67) if dtype == "f8" else noise((13, 9, 7), "u8", seed=67).view("i8")
    convert(save_nifti(tmp_path / "v.nii.gz", values), tmp_path / "v.zarr", "--type", "image")
    for source in "v.nii.gz", "v.zarr":
        path = tmp_path / f"of-{source}{suffix}"
        convert(tmp_path / source, path, "--type", "image")
        found = {".npy": np.load, ".tif": lambda p: tifffile.imread(p).T}.get(
            suffix, lambda p: np.asarray(nib.load(p).dataobj))(path)
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(found, values)
    # Of another type than the source's.
    convert(tmp_path / "v.zarr", tmp_path / "as.npy", "--type", "image", "--dtype", "float64")
    np.testing.assert_array_equal(np.load(tmp_path / "as.npy"), values.astype("f8"))


@pytest.mark.parametrize("dtype, suffix", [("i8", ".tif"), ("i8", ".mgz"), ("f8", ".mgz"), ("u8", ".tif"), ("u8", ".mgz"), ("u4", ".mgz")])
def test_types_that_a_format_has_not(tmp_path, dtype, suffix):
    path = save_nifti(tmp_path / "v.nii", noise((5, 4, 3), dtype, seed=65))
    done = run("convert", path, tmp_path / f"v{suffix}", "--type", "image")
    assert done.status == 4 and "--dtype" in done.err
    convert(path, tmp_path / f"v{suffix}", "--type", "image", "--dtype", "float32")


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4"])
def test_tiff(tmp_path, dtype):
    values = noise((13, 9, 7), dtype, seed=66)
    path = save_nifti(tmp_path / "v.nii.gz", values)
    convert(path, tmp_path / "v.tif", "--type", "image")
    with tifffile.TiffFile(tmp_path / "v.tif") as file:
        assert file.is_bigtiff and file.is_ome and len(file.pages) == 7
        np.testing.assert_array_equal(file.asarray(), values.T)
        pixels = ElementTree.fromstring(file.ome_metadata).find(".//{*}Pixels").attrib
    for axis, length_mm in zip("XYZ", volumes.SPACE_SCALE_MM, strict=True):
        assert float(pixels[f"PhysicalSize{axis}"]) == pytest.approx(length_mm * 1e3)


def test_channels_and_colors_as_tiff(tmp_path):
    values = noise((9, 8, 7, 3), "u1", seed=67)
    convert(save_nifti(tmp_path / "v.nii", values), tmp_path / "v.tif")
    with tifffile.TiffFile(tmp_path / "v.tif") as file:
        assert file.series[0].axes == "CZYX"
        np.testing.assert_array_equal(file.asarray(), values.T)
    convert(save_colors(tmp_path / "rgb.nii", values), tmp_path / "rgb.tif")
    with tifffile.TiffFile(tmp_path / "rgb.tif") as file:
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.RGB
        np.testing.assert_array_equal(file.asarray(), values.transpose(2, 1, 0, 3))


@pytest.mark.parametrize("suffix", [".npy", ".tif", ".mgh"])
def test_the_plan_is_exact(tmp_path, suffix):
    path = save_nifti(tmp_path / "v.nii", noise((9, 8, 7, 2), "u1", seed=68))
    target = tmp_path / f"v{suffix}"
    plan = run("convert", path, target, "--dry-run", "--json").json
    assert plan["is_exact"] and not target.exists()
    convert(path, target)
    assert target.stat().st_size == plan["scales"][0]["bytes"]


def test_a_crop_of_a_channel(tmp_path):
    values = noise((13, 9, 7, 3), "u2", seed=69)
    affine = volumes.affine_mm("RAS", values.shape)
    path = save_nifti(tmp_path / "v.nii", values, affine)
    convert(path, tmp_path / "v.mgz", "--crop", "3:9,2:8,1:6", "--channel", "1", "--dtype", "float32")
    found = nib.load(tmp_path / "v.mgz")
    np.testing.assert_array_equal(np.asarray(found.dataobj), values[3:9, 2:8, 1:6, 1].astype("f4"))
    np.testing.assert_allclose(found.affine @ [0, 0, 0, 1], affine @ [3, 2, 1, 1], atol=1e-4)
