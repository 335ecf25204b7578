# SPDX-License-Identifier: Apache-2.0
"""`convert FILE out.nii(.gz)`: any source becomes a NIfTI file that nibabel reads as the source's closest canonical."""

import gzip

import nibabel as nib
import numpy as np
import pytest

import volumes
from expect import as_channels
from program import convert, peak_bytes, run
from volumes import noise, save_nifti

CODES = ["RAS", "LPS", "SAL", "PIR", "RSA", "ILP"]


def check_canonical(original, found, part=(slice(None),) * 3):
    expected, found = nib.as_closest_canonical(nib.load(original)), nib.load(found)
    values, affine = np.asarray(expected.dataobj)[part], expected.affine.copy()
    affine[:3, 3] = (affine @ [*(s.start or 0 for s in part[:3]), 1])[:3]
    np.testing.assert_array_equal(as_channels(np.asarray(found.dataobj)), as_channels(values))
    tolerance = 1e-6 * max(1, np.abs(affine).max())
    np.testing.assert_allclose(found.affine, affine, rtol=0, atol=tolerance)
    qform, code = found.get_qform(coded=True)
    assert code > 0
    np.testing.assert_allclose(qform, affine, rtol=0, atol=20 * tolerance)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"], ids=["file", "stream"])
@pytest.mark.parametrize("code", CODES)
def test_orientations(tmp_path, code, suffix):
    values = noise((23, 19, 11), "i2", seed=51)
    path = save_nifti(tmp_path / f"v{suffix}", values, volumes.affine_mm(code, values.shape))
    convert(path, tmp_path / "whole.nii.gz")
    check_canonical(path, tmp_path / "whole.nii.gz")
    convert(path, tmp_path / "part.nii", "--crop", "2:9,3:10,1:8")
    check_canonical(path, tmp_path / "part.nii", (slice(2, 9), slice(3, 10), slice(1, 8)))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"], ids=["file", "stream"])
@pytest.mark.parametrize("code", ["RAS", "SAL"])
def test_time(tmp_path, code, suffix):
    values = noise((9, 8, 7, 5), "i2", seed=52)
    path = save_nifti(tmp_path / f"v{suffix}", values, volumes.affine_mm(code, values.shape[:3]))
    convert(path, tmp_path / "all.nii.gz")
    check_canonical(path, tmp_path / "all.nii.gz")
    convert(path, tmp_path / "one.nii", "--time", "2")
    check_canonical(path, tmp_path / "one.nii", (slice(None),) * 3 + (2,))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"], ids=["file", "stream"])
@pytest.mark.parametrize("names, datatype", [("RGB", 128), ("RGBA", 2304)])
def test_colours_stay_colours(tmp_path, names, datatype, suffix):
    values = np.zeros((9, 8, 7), [(name, "u1") for name in names])
    for i, name in enumerate(names):
        values[name] = noise((9, 8, 7), "u1", seed=53 + i)
    affine = np.array([[0, 0, 2, 0], [0, -1, 0, 0], [-3, 0, 0, 0], [0, 0, 0, 1]], float)
    nib.save(nib.Nifti1Image(values, affine), tmp_path / f"v{suffix}")
    expected = np.asarray(nib.as_closest_canonical(nib.load(tmp_path / f"v{suffix}")).dataobj)
    convert(tmp_path / f"v{suffix}", tmp_path / "direct.nii")
    convert(tmp_path / f"v{suffix}", tmp_path / "data")
    convert(tmp_path / "data", tmp_path / "again", "--layout", "flat")
    convert(tmp_path / "again", tmp_path / "back.nii.gz")
    for name in ("direct.nii", "back.nii.gz"):
        found = nib.load(tmp_path / name)
        assert found.header["datatype"] == datatype
        np.testing.assert_array_equal(np.asarray(found.dataobj), expected)


def test_shear_has_no_qform(tmp_path):
    affine = np.array([[2, 0.5, 0, 1], [0, 3, 0.2, 2], [0, 0, 4, 3], [0, 0, 0, 1]])
    path = save_nifti(tmp_path / "v.nii", noise((9, 8, 7), "u2", seed=54), affine)
    convert(path, tmp_path / "data")
    convert(tmp_path / "data", tmp_path / "back.nii")
    found = nib.load(tmp_path / "back.nii")
    assert found.header["qform_code"] == 0
    np.testing.assert_allclose(found.affine, affine, atol=4e-6)


def test_long_sides_need_nifti_2(tmp_path):
    values = noise((33000, 3, 2), "u1", seed=55)
    path = save_nifti(tmp_path / "v.nii", values, version=2)
    convert(path, tmp_path / "back.nii.gz")
    found = nib.load(tmp_path / "back.nii.gz")
    assert isinstance(found, nib.Nifti2Image)
    np.testing.assert_array_equal(np.asarray(found.dataobj), values)


def test_same_bytes_for_any_threads_and_memory(tmp_path):
    values = volumes.structured((200, 180, 150), "u2")
    path = save_nifti(tmp_path / "v.nii.gz", values, volumes.affine_mm("SAL", values.shape))
    convert(path, tmp_path / "data", "--chunk-size", "32")
    written = set()
    for threads, memory in ((1, "10MiB"), (2, "512MiB"), (5, "64MiB")):
        for source in (path, tmp_path / "data"):
            convert(source, tmp_path / "out.nii.gz", "--overwrite", "--threads", threads, "--memory", memory, "--level", 1)
            written.add((tmp_path / "out.nii.gz").read_bytes())
    (data,) = written
    assert gzip.decompress(data)[344:348] == b"n+1\0"
    check_canonical(path, tmp_path / "out.nii.gz")


def test_memory(tmp_path):
    values = volumes.structured((256, 256, 256), "u2")
    path = save_nifti(tmp_path / "v.nii.gz", values, volumes.affine_mm("SAL", values.shape))
    limit = (16 + 64) << 20
    assert peak_bytes("convert", path, tmp_path / "a.nii.gz", "--memory", "16MiB", "--level", 1, "--quiet") < limit
    convert(path, tmp_path / "data")
    assert peak_bytes("convert", tmp_path / "data", tmp_path / "b.nii.gz", "--memory", "16MiB", "--level", 1, "--quiet") < limit
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_too_little_memory_names_what_would_do(tmp_path):
    path = save_nifti(tmp_path / "v.nii.gz", noise((1024, 1024, 2), "u2", seed=56))
    refused = run("convert", path, tmp_path / "out.nii.gz", "--memory", "1MiB")
    assert refused.status == 4 and refused.err.splitlines()[1].startswith("hint: use --memory ")
    enough = refused.err.splitlines()[1].split()[-1]
    convert(path, tmp_path / "out.nii.gz", "--memory", enough)
