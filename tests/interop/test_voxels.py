# SPDX-License-Identifier: Apache-2.0
"""Voxels and millimetres of `convert`, against nibabel and a NumPy pyramid."""

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform

import volumes
from expect import as_channels, check_affine, check_scales
from precomputed import Dataset
from program import convert, run
from volumes import noise, save_nifti

# What each stored type becomes, and the options that it needs.
IMAGE_TYPES = {
    "u1": "u1", "i1": "i1", "u2": "u2", "i2": "i2", "u4": "u4", "i4": "i4", "u8": "u8", "f4": "f4",
}
LABEL_TYPES = {"u1": "u1", "u2": "u2", "i1": "u4", "i2": "u4", "i4": "u4", "u4": "u4", "i8": "u8", "u8": "u8"}
METHODS = ["average", "majority", "stride", "min", "max", "median"]
SMALL = ("--chunk-size", "4,4,2", "--factor", "2,2,2", "--scales", "3")


def canonical(path):
    """The stored voxels in RAS+ order [x, y, z, channel] and their affine."""
    image = nib.as_closest_canonical(nib.load(path))
    stored = image.dataobj.get_unscaled() if hasattr(image.dataobj, "get_unscaled") else np.asarray(image.dataobj)
    return as_channels(np.asarray(stored)), image.affine


@pytest.mark.parametrize("big_endian", [False, True], ids=["little", "big"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("dtype", IMAGE_TYPES)
def test_image_types(tmp_path, dtype, version, big_endian):
    values = noise((9, 7, 5), dtype, seed=1)
    path = save_nifti(tmp_path / "v.nii", values, version=version, big_endian=big_endian)
    convert(path, tmp_path / "out", "--type", "image", *SMALL)
    check_scales(tmp_path / "out", values[..., None], "average", scales=3)


@pytest.mark.parametrize("dtype", LABEL_TYPES)
def test_label_types(tmp_path, dtype):
    values = noise((9, 7, 5), dtype, seed=2)
    if values.dtype.kind == "i":
        values = np.abs(values // 2)
    path = save_nifti(tmp_path / "v.nii.gz", values)
    convert(path, tmp_path / "out", "--type", "segmentation", *SMALL)
    check_scales(tmp_path / "out", values[..., None].astype(LABEL_TYPES[dtype]), "majority", scales=3)


@pytest.mark.parametrize("offset", [(0, 0, 0), (-3, 5, 1)], ids=["even", "odd"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", IMAGE_TYPES)
def test_methods(tmp_path, dtype, method, offset):
    """At an odd offset the first cells are border cells too."""
    values = noise((11, 6, 7), dtype, seed=3)
    if method == "majority":
        values = values % 3 if values.dtype.kind in "ui" else np.round(values / 1000)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--type", "image", "--downsample", method, *SMALL,
            "--voxel-offset=" + ",".join(map(str, offset)))
    check_scales(tmp_path / "out", values[..., None], method, offset=offset, scales=3)


@pytest.mark.parametrize("offset", [(0, 0, 0), (-3, 5, 1)], ids=["even", "odd"])
@pytest.mark.parametrize("method", METHODS)
def test_nan(tmp_path, method, offset):
    """It is passed over, but by stride, and is what becomes of cells that hold nothing else."""
    values = np.round(noise((9, 7, 5), "f4", seed=4) / 1000)
    random = np.random.default_rng(5)
    for special, share in (np.inf, 0.1), (-np.inf, 0.1), (np.nan, 0.4):
        values[random.random(values.shape) < share] = special
    values[4:, 4:, :] = np.nan
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--downsample", method, *SMALL, "--voxel-offset=" + ",".join(map(str, offset)))
    check_scales(tmp_path / "out", values[..., None], method, offset=offset, scales=3)


@pytest.mark.parametrize("factor", ["2,2,1", "1,2,2;2,1,1", "3,2,1", "3", "5,1,2;2"])
@pytest.mark.parametrize("method", METHODS)
def test_factors(tmp_path, method, factor):
    values = noise((13, 11, 9), "u2", seed=6) % 5
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--downsample", method, "--factor", factor, "--scales", "3", "--chunk-size", "4")
    check_scales(tmp_path / "out", values[..., None], method, scales=3)


@pytest.mark.parametrize("dtype, outside", [("u1", 7), ("i2", -300), ("f4", 0.5)])
def test_outside_value(tmp_path, dtype, outside):
    """It takes part in averages; all others are of voxels that exist."""
    values = noise((5, 7, 3), dtype, seed=7)
    path = save_nifti(tmp_path / "v.nii", values)
    for method in METHODS:
        convert(path, tmp_path / method, "--downsample", method, f"--outside={outside}", *SMALL)
        check_scales(tmp_path / method, values[..., None], method, outside=outside if method == "average" else None)


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (2, 1, 1), (1, 3, 1), (1, 1, 5), (7, 1, 3), (3, 5, 7), (17, 2, 9), (8, 8, 8)])
def test_odd_sizes(tmp_path, shape):
    values = noise(shape, "u2", seed=8)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--chunk-size", "3,2,4")
    check_scales(tmp_path / "out", values[..., None], "average")


@pytest.mark.parametrize("code", volumes.ORIENTATIONS)
def test_stored_orientations(tmp_path, code):
    values = noise((7, 5, 3), "i2", seed=9)
    path = save_nifti(tmp_path / "v.nii", values, volumes.affine_mm(code, values.shape))
    convert(path, tmp_path / "out", *SMALL)
    expected, affine = canonical(path)
    check_affine(check_scales(tmp_path / "out", expected, "average"), affine)


@pytest.mark.parametrize("code", volumes.ORIENTATIONS)
def test_output_orientations(tmp_path, code):
    values = noise((7, 5, 3), "i2", seed=10)
    path = save_nifti(tmp_path / "v.nii.gz", values, volumes.affine_mm("PIR", values.shape))
    convert(path, tmp_path / "out", "--orientation", code, *SMALL)
    image = nib.load(path)
    turn = ornt_transform(io_orientation(image.affine), axcodes2ornt(code))
    expected = apply_orientation(np.asarray(image.dataobj), turn)
    affine = image.affine @ nib.orientations.inv_ornt_aff(turn, image.shape)
    check_affine(check_scales(tmp_path / "out", expected[..., None], "average"), affine)


def test_oblique_affines_choose_axes_as_nibabel_does(tmp_path):
    random = np.random.default_rng(11)
    values = noise((5, 4, 3), "u1", seed=11)
    for number in range(40):
        affine = np.eye(4)
        affine[:3, :3] = random.normal(size=(3, 3))
        affine[:3, 3] = random.uniform(-100, 100, 3)
        path = save_nifti(tmp_path / f"{number}.nii", values, affine)
        convert(path, tmp_path / f"{number}", "--scales", "1")
        expected, canonical_affine = canonical(path)
        check_affine(check_scales(tmp_path / f"{number}", expected, "average"), canonical_affine)


@pytest.mark.parametrize("compress", ["gzip", "none"])
@pytest.mark.parametrize("layout", ["sharded", "flat", "deep"])
@pytest.mark.parametrize(
    "dtype, encoding", [("u1", "raw"), ("f4", "raw"), ("u4", "raw"), ("u4", "cseg"), ("u8", "cseg")])
def test_layouts_and_encodings(tmp_path, layout, compress, dtype, encoding):
    is_label = dtype in ("u4", "u8")
    values = volumes.labels((21, 18, 13), dtype) if is_label else noise((21, 18, 13), dtype, seed=12)
    path = save_nifti(tmp_path / "v.nii.gz", values, volumes.affine_mm("LSP", values.shape))
    convert(path, tmp_path / "out", "--layout", layout, "--compress", compress, "--encoding", encoding, "--chunk-size",
            "8,4,8", "--block", "4,3,5", "--sharding", "1,1,2")
    expected, affine = canonical(path)
    dataset = check_scales(tmp_path / "out", expected, "majority" if is_label else "average")
    check_affine(dataset, affine)
    files = [p.name for p in (tmp_path / "out").rglob("*") if p.is_file() and p.parent != tmp_path / "out"]
    assert files and all(name.endswith(".shard") for name in files) == (layout == "sharded")
    if layout != "sharded":
        assert all(name.endswith(".gz") for name in files) == (compress == "gzip")


@pytest.mark.parametrize("sharding", ["0,0,0", "3,0,0", "0,3,0", "0,0,5", "9,6,2", "1,2,3,identity"])
def test_any_shard_bits(tmp_path, sharding):
    values = noise((23, 17, 11), "u1", seed=13)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--sharding", sharding, "--chunk-size", "4,8,2")
    check_scales(tmp_path / "out", values[..., None], "average")


@pytest.mark.parametrize("shard_size", ["1KiB", "10kB", "1MiB"])
def test_shard_sizes(tmp_path, shard_size):
    values = noise((33, 29, 19), "u2", seed=14)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--shard-size", shard_size, "--chunk-size", "8,8,4", "--compress", "none")
    dataset = check_scales(tmp_path / "out", values[..., None], "average")
    limit = {"1KiB": 1024, "10kB": 10000, "1MiB": 1 << 20}[shard_size]
    for index, scale in enumerate(dataset.scales):
        for path in (dataset.folder / scale["key"]).glob("*.shard"):
            index_bytes = 16 << scale["sharding"]["minishard_bits"]
            chunks = -(-path.stat().st_size // 512)
            assert path.stat().st_size <= max(limit, 512) + index_bytes + 24 * (chunks + 1), f"scale {index}: {path}"


@pytest.mark.parametrize("offset", ["10,-7,3", "-64,-64,-64", "1,0,0"])
@pytest.mark.parametrize("layout", ["sharded", "flat", "deep"])
def test_voxel_offset(tmp_path, layout, offset):
    values = noise((9, 7, 5), "u2", seed=15)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", f"--voxel-offset={offset}", "--layout", layout, *SMALL)
    where = [int(n) for n in offset.split(",")]
    dataset = check_scales(tmp_path / "out", values[..., None], "average", offset=where)
    check_affine(dataset, nib.load(path).affine, offset=where)


@pytest.mark.parametrize("code", ["RAS", "LPI", "SLA"])
@pytest.mark.parametrize("crop", ["1:8,2:7,0:3", "0:1,3:4,2:5", ":,1:,:4"])
def test_crop(tmp_path, crop, code):
    values = noise((9, 8, 9), "i2", seed=16)
    path = save_nifti(tmp_path / "v.nii.gz", values, volumes.affine_mm(code, values.shape))
    convert(path, tmp_path / "out", "--crop", crop, *SMALL)
    whole, affine = canonical(path)
    part = tuple(slice(*(int(n) if n else None for n in axis.split(":"))) for axis in crop.split(","))
    begin = [p.start or 0 for p in part]
    dataset = check_scales(tmp_path / "out", whole[part], "average", offset=begin)
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ begin
    check_affine(dataset, moved, offset=begin)


@pytest.mark.parametrize("slope, intercept", [(2, 0), (0.1, -3.5), (1, 1024), (-1.5, 7)])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "f4"])
def test_slope_and_intercept(tmp_path, dtype, slope, intercept):
    values = noise((7, 5, 3), dtype, seed=17)
    path = save_nifti(tmp_path / "v.nii", values, slope=slope, intercept=intercept)
    convert(path, tmp_path / "out", "--scales", "1")
    scaled = (values.astype("f8") * np.float64(np.float32(slope)) + np.float64(np.float32(intercept))).astype("f4")
    check_scales(tmp_path / "out", scaled[..., None], "average")
    np.testing.assert_allclose(scaled, nib.load(path).get_fdata(), rtol=2e-6, atol=1e-3)
    convert(path, tmp_path / "stored", "--scales", "1", "--ignore-scaling", "--type", "image")
    check_scales(tmp_path / "stored", values[..., None], "average")


def test_slope_zero_means_none(tmp_path):
    values = noise((5, 4, 3), "i2", seed=26)
    for slope in 0, np.nan, np.inf:
        def edit(header, slope=slope):
            header["scl_slope"], header["scl_inter"] = slope, 5

        path = save_nifti(tmp_path / "v.nii", values, edit=edit)
        convert(path, tmp_path / f"out{slope}", "--scales", "1")
        check_scales(tmp_path / f"out{slope}", values[..., None], "average")


@pytest.mark.parametrize("names", ["RGB", "RGBA"])
@pytest.mark.parametrize("code", ["RAS", "LIP"])
def test_colours(tmp_path, names, code):
    values = np.empty((9, 7, 5), [(name, "u1") for name in names])
    for seed, name in enumerate(names):
        values[name] = noise(values.shape, "u1", seed=seed)
    path = save_nifti(tmp_path / "v.nii.gz", values, volumes.affine_mm(code, values.shape))
    convert(path, tmp_path / "out", *SMALL)
    expected, affine = canonical(path)
    check_affine(check_scales(tmp_path / "out", expected, "average"), affine)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("shape", [(7, 5, 3, 4), (7, 5, 3, 1, 3), (4, 5, 6, 2, 3), (5, 4, 3, 2, 1)])
def test_more_dimensions(tmp_path, shape, suffix):
    values = noise(shape, "i2", seed=18)
    path = save_nifti(tmp_path / f"v{suffix}", values, volumes.affine_mm("LAI", shape))
    convert(path, tmp_path / "out", "--type", "image", *SMALL)
    expected, affine = canonical(path)
    check_affine(check_scales(tmp_path / "out", expected, "average"), affine)


def test_one_time_point_and_one_component(tmp_path):
    values = noise((5, 4, 3, 6, 2), "i2", seed=19)
    path = save_nifti(tmp_path / "v.nii.gz", values)
    convert(path, tmp_path / "time", "--time", "4", "--scales", "1")
    check_scales(tmp_path / "time", values[:, :, :, 4, :], "average")
    convert(path, tmp_path / "component", "--channel", "1", "--scales", "1")
    check_scales(tmp_path / "component", values[..., 1], "average")
    convert(path, tmp_path / "both", "--time", "2", "--channel", "0", "--scales", "1")
    check_scales(tmp_path / "both", values[:, :, :, 2, :1], "average")


@pytest.mark.parametrize("dtype", ["f8", "i8"])
def test_wide_types_need_a_decision(tmp_path, dtype):
    values = noise((5, 4, 3), dtype, seed=20)
    path = save_nifti(tmp_path / "v.nii", values)
    refused = run("convert", path, tmp_path / "out", "--type", "image")
    assert refused.status == 4 and "--dtype" in refused.err and not (tmp_path / "out").exists()
    convert(path, tmp_path / "out", "--type", "image", "--dtype", "float32", "--scales", "1")
    check_scales(tmp_path / "out", values.astype("f4")[..., None], "average")


@pytest.mark.parametrize("part", ["abs", "phase", "real", "imag"])
def test_complex(tmp_path, part):
    values = noise((5, 4, 3), "c8", seed=21)
    path = save_nifti(tmp_path / "v.nii", values)
    refused = run("convert", path, tmp_path / "out")
    assert refused.status == 4 and "--complex" in refused.err
    convert(path, tmp_path / "out", "--complex", part, "--scales", "1")
    expected = {"abs": np.abs, "phase": np.angle, "real": np.real, "imag": np.imag}[part](values.astype("c16"))
    np.testing.assert_allclose(Dataset(tmp_path / "out").read(0)[..., 0], expected, rtol=1e-6, atol=1e-7)


def test_dtype_rounds_and_clamps(tmp_path):
    values = np.array([-1e9, -129, -128.5, -0.5, 0, 0.5, 1.5, 2.5, 127.4, 127.5, 300, 1e9], "f4").reshape(3, 2, 2)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--dtype", "int8", "--scales", "1")
    check_scales(tmp_path / "out", np.clip(np.rint(values), -128, 127).astype("i1")[..., None], "average")


def test_window_and_nan(tmp_path):
    values = np.array([np.nan, -5, 0, 25, 50, 75, 100, 200], "f4").reshape(2, 2, 2)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--dtype", "uint8", "--window", "0,100", "--nan", "9", "--scales", "1")
    expected = np.rint(np.clip(values.astype("f8") / 100, 0, 1) * 255)
    expected[np.isnan(values)] = 9
    check_scales(tmp_path / "out", expected.astype("u1")[..., None], "average")


def test_empty_chunks_are_left_out_unless_kept(tmp_path):
    values = np.zeros((16, 16, 16), "u1")
    values[3, 3, 3] = 200
    path = save_nifti(tmp_path / "v.nii", values)
    options = ("--chunk-size", "4", "--factor", "2", "--scales", "2", "--layout", "flat")
    convert(path, tmp_path / "sparse", *options)
    convert(path, tmp_path / "full", *options, "--keep-empty")
    for name, chunks in ("sparse", [1, 1]), ("full", [64, 8]):
        dataset = check_scales(tmp_path / name, values[..., None], "average")
        assert [len(list((dataset.folder / s["key"]).iterdir())) for s in dataset.scales] == chunks


def test_negative_zero_and_nan_are_not_empty(tmp_path):
    values = np.full((4, 4, 4), -0.0, "f4")
    convert(save_nifti(tmp_path / "v.nii", values), tmp_path / "out", "--scales", "1")
    assert np.signbit(Dataset(tmp_path / "out").read(0)).all()


@pytest.mark.parametrize("unit, nm", [("mm", 1e6), ("micron", 1e3), ("meter", 1e9), ("unknown", 1e6)])
def test_units(tmp_path, unit, nm):
    path = save_nifti(tmp_path / "v.nii", noise((3, 3, 3), "u1"), np.diag([1, 2, 3, 1.0]), unit=unit)
    convert(path, tmp_path / "out")
    assert Dataset(tmp_path / "out").scales[0]["resolution"] == [nm, 2 * nm, 3 * nm]


def codes(sform, qform):
    def edit(header):
        header["sform_code"], header["qform_code"] = sform, qform
        header["srow_x"][3] += 5 if sform else 0
    return edit


@pytest.mark.parametrize("sform, qform", [(0, 0), (0, 1), (2, 0), (1, 4)])
def test_which_affine(tmp_path, sform, qform):
    values = noise((5, 4, 3), "u1", seed=22)
    path = save_nifti(tmp_path / "v.nii", values, volumes.affine_mm("LPS", values.shape), edit=codes(sform, qform))
    convert(path, tmp_path / "out", "--scales", "1")
    expected, affine = canonical(path)
    check_affine(check_scales(tmp_path / "out", expected, "average"), affine)


def test_data_offset(tmp_path):
    values = noise((5, 4, 3), "u1", seed=23)

    def edit(header):
        header["vox_offset"] = 1024

    for suffix in ".nii", ".nii.gz":
        path = save_nifti(tmp_path / f"v{suffix}", values, edit=edit)
        convert(path, tmp_path / f"out{suffix[-3:]}.d", "--scales", "1")
        check_scales(tmp_path / f"out{suffix[-3:]}.d", values[..., None], "average")


def test_mgh_and_mgz(tmp_path):
    for dtype in "u1", "i2", "i4", "f4":
        values = noise((7, 5, 3), dtype, seed=24)
        if dtype == "i4":
            values = np.abs(values // 2)
        for code, suffix in ("LIA", "mgh"), ("RAS", "mgz"), ("PSR", "mgz"):
            path = tmp_path / f"{dtype}-{code}.{suffix}"
            image = nib.MGHImage(values, volumes.affine_mm(code, values.shape).astype("f4"))
            nib.save(image, path)
            out = tmp_path / f"{path.stem}.out"
            convert(path, out, *SMALL, "--type", "image")
            expected, affine = canonical(path)
            check_affine(check_scales(out, expected, "average"), affine)


def test_freesurfer_file_of_nibabel(tmp_path):
    path = volumes.nibabel_file("test.mgz")
    convert(path, tmp_path / "out", "--type", "image")
    expected, affine = canonical(path)
    check_affine(check_scales(tmp_path / "out", expected, "average"), affine)
