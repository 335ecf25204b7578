# SPDX-License-Identifier: Apache-2.0
"""`convert DATASET out.nii(.gz)` gives back the voxels bit for bit and the affine to 1e-6."""

import nibabel as nib
import numpy as np
import pytest

import volumes
from expect import as_channels
from program import convert, run
from volumes import noise, save_nifti


def check_round_trip(original, restored):
    expected, found = nib.as_closest_canonical(nib.load(original)), nib.load(restored)
    np.testing.assert_allclose(found.affine, expected.affine, atol=1e-6 * max(1, np.abs(expected.affine).max()))
    values = np.asarray(found.dataobj)
    np.testing.assert_array_equal(as_channels(values), as_channels(np.asarray(expected.dataobj)))
    assert found.header["sform_code"] > 0


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("layout", ["sharded", "flat", "deep"])
@pytest.mark.parametrize("code", ["RAS", "LPS", "SAL", "PIR"])
def test_geometry(tmp_path, code, layout, suffix):
    values = noise((13, 9, 7), "i2", seed=41)
    path = save_nifti(tmp_path / "v.nii.gz", values, volumes.affine_mm(code, values.shape))
    convert(path, tmp_path / "out", "--layout", layout, "--chunk-size", "4,8,4")
    convert(tmp_path / "out", tmp_path / f"back{suffix}")
    check_round_trip(path, tmp_path / f"back{suffix}")


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "f4"])
def test_types(tmp_path, dtype):
    values = noise((13, 9, 7), dtype, seed=42)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--type", "image", "--chunk-size", "4,8,4")
    convert(tmp_path / "out", tmp_path / "back.nii.gz")
    check_round_trip(path, tmp_path / "back.nii.gz")
    assert nib.load(tmp_path / "back.nii.gz").get_data_dtype() == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["u4", "u8"])
def test_labels(tmp_path, dtype):
    values = volumes.labels((21, 18, 13), dtype)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--encoding", "cseg", "--chunk-size", "8")
    convert(tmp_path / "out", tmp_path / "back.nii.gz")
    check_round_trip(path, tmp_path / "back.nii.gz")


def test_channels(tmp_path):
    values = noise((9, 8, 7, 3), "i2", seed=43)
    path = save_nifti(tmp_path / "v.nii.gz", values)
    convert(path, tmp_path / "out", "--chunk-size", "4")
    convert(tmp_path / "out", tmp_path / "back.nii")
    check_round_trip(path, tmp_path / "back.nii")


def test_crop_keeps_its_place(tmp_path):
    values = noise((13, 9, 7), "u2", seed=44)
    affine = volumes.affine_mm("RAS", values.shape)
    path = save_nifti(tmp_path / "v.nii", values, affine)
    convert(path, tmp_path / "out", "--crop", "3:9,2:8,1:6", "--chunk-size", "4")
    convert(tmp_path / "out", tmp_path / "back.nii")
    back = nib.load(tmp_path / "back.nii")
    np.testing.assert_array_equal(np.asarray(back.dataobj), values[3:9, 2:8, 1:6])
    np.testing.assert_allclose(back.affine @ [0, 0, 0, 1], affine @ [3, 2, 1, 1], atol=1e-5)


def test_dataset_to_dataset(tmp_path):
    values = noise((21, 18, 13), "u2", seed=45)
    path = save_nifti(tmp_path / "v.nii", values, volumes.affine_mm("LAS", values.shape))
    convert(path, tmp_path / "a", "--chunk-size", "8", "--layout", "flat")
    convert(tmp_path / "a", tmp_path / "b", "--chunk-size", "4,8,16")
    convert(tmp_path / "b", tmp_path / "back.nii")
    check_round_trip(path, tmp_path / "back.nii")


def test_the_way_back_is_whole_or_not_at_all(tmp_path):
    path = save_nifti(tmp_path / "v.nii", noise((13, 9, 7), "u2", seed=46))
    convert(path, tmp_path / "out", "--chunk-size", "4", "--layout", "flat")
    (tmp_path / "back.nii").write_bytes(b"precious")
    refused = run("convert", tmp_path / "out", tmp_path / "back.nii")
    assert refused.status == 5 and (tmp_path / "back.nii").read_bytes() == b"precious"
    chunk = next((tmp_path / "out").glob("*/0-*"))
    chunk.write_bytes(chunk.read_bytes()[:-3])
    broken = run("convert", tmp_path / "out", tmp_path / "other.nii")
    assert broken.status == 3
    assert {p.name for p in tmp_path.iterdir()} == {"v.nii", "out", "back.nii"}
