# SPDX-License-Identifier: Apache-2.0
"""OME-Zarr whose axes say anatomical directions (NGFF's RFC 4) is what a NIfTI of the same voxels and place is."""

import nibabel as nib
import numpy as np
import pytest
import zarr

import volumes
from precomputed import Dataset
from program import convert, run

DIRECTIONS = {"R": "left-to-right", "L": "right-to-left", "A": "posterior-to-anterior", "P": "anterior-to-posterior",
              "S": "inferior-to-superior", "I": "superior-to-inferior"}
SHAPE, SCALE, FIRST = (11, 9, 7), (0.5, 2.0, 3.0), (10.0, -20.0, 30.0)  # x, y, z; mm; of the first voxel's centre
CODES = ["RAS", "LPS", "SAL", "PIR", "ILP"]


def image(folder, values, code, levels=1, unit="millimeter", drop=None):
    """As programs that follow the proposal write it: coordinates grow along the direction that the axis says."""
    axes = [{"name": name, "type": "space", "orientation": {"type": "anatomical", "value": DIRECTIONS[letter]}}
            | ({"unit": unit} if unit else {}) for name, letter in zip("xyz", code, strict=True)]
    if drop is not None:
        del axes[drop]["orientation"]
    datasets = [{"path": str(n), "coordinateTransformations": [
        {"type": "scale", "scale": [s * 2**n for s in SCALE[::-1]]},
        {"type": "translation", "translation": [f + s * (2**n - 1) / 2 for f, s in zip(FIRST[::-1], SCALE[::-1],
                                                                                      strict=True)]}]}
        for n in range(levels)]
    group = zarr.open_group(folder, mode="w", zarr_format=3, attributes={"ome": {
        "version": "0.5", "multiscales": [{"axes": axes[::-1], "datasets": datasets}]}})
    for n in range(levels):
        group.create_array(str(n), data=np.ascontiguousarray(values[::2**n, ::2**n, ::2**n].T))
    return folder


def affine_of(code):
    """Voxels to RAS+: along L, P and I what grows in the file falls in the world."""
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for axis, letter in enumerate(code):
        row = ["RL", "AP", "SI"].index(next(pair for pair in ("RL", "AP", "SI") if letter in pair))
        sign = 1 if letter in "RAS" else -1
        affine[row, axis], affine[row, 3] = sign * SCALE[axis], sign * FIRST[axis]
    return affine


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("options", [(), ("--orientation", "LPI"), ("--crop", "1:5,2:6,0:4")], ids=str)
def test_as_nifti(tmp_path, code, options):
    values = volumes.noise(SHAPE, "u2", seed=80)
    nifti = tmp_path / "v.nii"
    nib.Nifti1Image(values, affine_of(code)).to_filename(nifti)
    for source, name in (image(tmp_path / "v.zarr", values, code), "found"), (nifti, "expected"):
        convert(source, tmp_path / name, "--scales", "1", *options)
    found, expected = Dataset(tmp_path / "found"), Dataset(tmp_path / "expected")
    np.testing.assert_array_equal(found.read(0), expected.read(0))
    np.testing.assert_allclose(found.transform, expected.transform, rtol=1e-6)
    assert found.info == expected.info
    assert run("info", tmp_path / "v.zarr", "--json").json["orientation"] == code


@pytest.mark.parametrize("code", CODES)
def test_own_files(tmp_path, code):
    values = volumes.noise(SHAPE, "u2", seed=81)
    path = volumes.save_nifti(tmp_path / "v.nii", values, volumes.affine_mm("RAS", SHAPE))
    convert(path, tmp_path / "v.zarr", "--orientation", code)
    assert run("info", tmp_path / "v.zarr", "--json").json["orientation"] == code
    convert(tmp_path / "v.zarr", tmp_path / "back.nii")
    back, expected = nib.load(tmp_path / "back.nii"), nib.as_closest_canonical(nib.load(path))
    np.testing.assert_array_equal(np.asarray(back.dataobj), np.asarray(expected.dataobj))
    np.testing.assert_allclose(back.affine, expected.affine, atol=1e-4)


def test_levels_of_its_own(tmp_path):
    values = volumes.noise((16, 8, 12), "u2", seed=82)
    convert(image(tmp_path / "v.zarr", values, "LPS", levels=2), tmp_path / "out", "--scales", "keep")
    dataset = Dataset(tmp_path / "out")
    for number, level in enumerate((values, values[::2, ::2, ::2])):
        np.testing.assert_array_equal(dataset.read(number)[..., 0], level[::-1, ::-1])


@pytest.mark.parametrize("change", [{"code": "RAR"}, {"unit": None}, {"drop": 1}], ids=str)
def test_what_does_not_say_all_is_not_turned(tmp_path, change):
    values = volumes.noise(SHAPE, "u2", seed=83)
    image(tmp_path / "v.zarr", values, **{"code": "LPS", **change})
    done = run("convert", tmp_path / "v.zarr", tmp_path / "out", "--orientation", "LPS", "--voxel-size", "1mm")
    assert done.status == 2 and "anatomical axes" in done.err
    convert(tmp_path / "v.zarr", tmp_path / "out", "--voxel-size", "1mm", "--scales", "1")
    np.testing.assert_array_equal(Dataset(tmp_path / "out").read(0)[..., 0], values)
