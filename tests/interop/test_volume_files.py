# SPDX-License-Identifier: Apache-2.0
"""Sources that are one array in one or two files, as nibabel, NumPy, pynrrd and h5py write and read them."""

import gzip

import h5py
import hdf5plugin
import nibabel as nib
import nrrd
import numpy as np
import pytest

from expect import as_channels
from precomputed import Dataset
from program import convert, run
from volumes import noise

SHAPE = (9, 7, 5)
TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "f4"]
ORDERS = ["<", ">"]


def voxels(tmp_path, source, *options):
    """What `convert` makes of a source in RAS+ order (or as stored): [x, y, z, channel]."""
    out = tmp_path / "out"
    convert(source, out, "--type", "image", "--scales", "1", "--overwrite", *options)
    return Dataset(out).read(0)


def plain(tmp_path, source, *options):
    return voxels(tmp_path, source, "--voxel-size", "8nm", *options)


def check_world(source, tmp_path, affine, shape):
    """The affine of the result is that of nibabel's as_closest_canonical of the same volume."""
    convert(source, tmp_path / "back.nii", "--type", "image", "--overwrite")
    expected = nib.as_closest_canonical(nib.Nifti1Image(np.zeros(shape, "u1"), affine)).affine
    np.testing.assert_allclose(nib.load(tmp_path / "back.nii").affine, expected, atol=1e-4)


def canonical(values, affine):
    image = nib.as_closest_canonical(nib.Nifti1Image(values, affine, dtype=values.dtype))
    return as_channels(np.asarray(image.dataobj))


# --- .npy


@pytest.mark.parametrize("suffix", [".npy", ".npy.gz"])
@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", TYPES)
def test_npy(tmp_path, dtype, order, fortran, suffix):
    values = noise(SHAPE, order + dtype, seed=101)
    path = tmp_path / f"a{suffix}"
    with (gzip.open if suffix.endswith("gz") else open)(path, "wb") as file:
        np.save(file, np.asfortranarray(values) if fortran else np.ascontiguousarray(values))
    found = plain(tmp_path, path)
    np.testing.assert_array_equal(found[..., 0], values if fortran else values.T)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_versions(tmp_path, version):
    values = noise(SHAPE, "i2", seed=102)
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array(file, values, version)
    np.testing.assert_array_equal(plain(tmp_path, tmp_path / "a.npy")[..., 0], values.T)


@pytest.mark.parametrize("suffix", [".npy", ".npy.gz"])
@pytest.mark.parametrize("dtype", ["u1", ">i2", "<f4"])
@pytest.mark.parametrize("shape, channels_last", [((6, 5, 7, 9), False), ((5, 7, 9, 3), True), ((5, 7, 9, 2), True),
                                                  ((1, 5, 7, 9), False), ((5, 7, 9, 1), True)])
def test_channels_of_npy(tmp_path, shape, channels_last, dtype, suffix):
    """C order: [z, y, x, channel] if the last axis is short, else [channel, z, y, x]."""
    values = noise(shape, dtype, seed=103)
    path = tmp_path / f"a{suffix}"
    with (gzip.open if suffix.endswith("gz") else open)(path, "wb") as file:
        np.save(file, values)
    expected = values.transpose(2, 1, 0, 3) if channels_last else values.T
    np.testing.assert_array_equal(plain(tmp_path, path), expected)
    if expected.shape[3] > 1:
        np.testing.assert_array_equal(plain(tmp_path, path, "--channel", "1"), expected[..., 1:2])
    colors = channels_last and shape[3] == 3 and dtype == "u1"
    assert run("info", path, "--json").json["colors"] == colors


def test_fortran_channels_and_planes(tmp_path):
    values = noise((9, 7, 5, 6), "u2", seed=104)
    np.save(tmp_path / "a.npy", np.asfortranarray(values))
    np.testing.assert_array_equal(plain(tmp_path, tmp_path / "a.npy"), values)
    plane = noise((7, 9), "u2", seed=105)
    np.save(tmp_path / "b.npy", plane)
    np.testing.assert_array_equal(plain(tmp_path, tmp_path / "b.npy")[:, :, 0, 0], plane.T)


def test_other_numbers_of_npy(tmp_path):
    flags = noise(SHAPE, "u1", seed=106) > 100
    np.save(tmp_path / "b.npy", flags)
    np.testing.assert_array_equal(plain(tmp_path, tmp_path / "b.npy")[..., 0], flags.T)
    halves = noise(SHAPE, "u1", seed=107).astype(">f2")
    np.save(tmp_path / "h.npy", halves)
    np.testing.assert_array_equal(plain(tmp_path, tmp_path / "h.npy")[..., 0], halves.T)
    waves = noise(SHAPE, "f4", seed=108) + 1j * noise(SHAPE, "f4", seed=109)
    np.save(tmp_path / "c.npy", waves.astype(">c8"))
    found = plain(tmp_path, tmp_path / "c.npy", "--complex", "imag")
    np.testing.assert_array_equal(found[..., 0], waves.imag.T.astype("f4"))


def test_without_voxel_size(tmp_path):
    np.save(tmp_path / "a.npy", noise(SHAPE, "u1", seed=110))
    done = run("convert", tmp_path / "a.npy", tmp_path / "out")
    assert done.status == 4 and "--voxel-size" in done.err
    convert(tmp_path / "a.npy", tmp_path / "out", "--voxel-size", "8nm,8nm,40nm", "--voxel-offset", "10,20,30")
    assert not (tmp_path / "out/transform.json").exists()
    scale = Dataset(tmp_path / "out").scales[0]
    assert scale["resolution"] == [8, 8, 40] and scale["voxel_offset"] == [10, 20, 30]


# --- raw binary


@pytest.mark.parametrize("spelling", ["u2", "<u2", ">u2", "uint16", ">i4", "float32", ">f4", "int8", "|u1", "<u8"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_raw(tmp_path, spelling, packed):
    values = noise(SHAPE, spelling, seed=111)
    path = tmp_path / "a.raw"
    content = values.tobytes(order="F")
    path.write_bytes(gzip.compress(content) if packed else content)
    found = plain(tmp_path, path, "--shape", "9,7,5", "--dtype", spelling)
    np.testing.assert_array_equal(found[..., 0], values)
    found = plain(tmp_path, f"{path}|raw:{spelling.lstrip('|')}", "--shape", "9,7,5", "--dtype", "float32")
    np.testing.assert_array_equal(found[..., 0], values.astype("f4"))


def test_raw_channels(tmp_path):
    values = noise((3, 7, 5, 2), "u1", seed=112)
    (tmp_path / "a.bin").write_bytes(values.tobytes(order="F"))
    found = plain(tmp_path, tmp_path / "a.bin", "--shape", "3,7,5,2", "--dtype", "uint8")
    np.testing.assert_array_equal(found, values)
    info = run("info", tmp_path / "a.bin", "--shape", "3,7,5,2", "--dtype", "uint8", "--json").json
    assert info["size"] == [3, 7, 5] and info["num_channels"] == 2


def test_raw_that_begins_like_gzip(tmp_path):
    values = noise(SHAPE, "u1", seed=113)
    values[:4, 0, 0] = 0x1F, 0x8B, 8, 0
    (tmp_path / "a.raw").write_bytes(values.tobytes(order="F"))
    found = plain(tmp_path, tmp_path / "a.raw", "--shape", "9,7,5", "--dtype", "u1")
    np.testing.assert_array_equal(found[..., 0], values)


def test_raw_questions(tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(9 * 7 * 5 * 8))
    done = run("convert", path, tmp_path / "out")
    assert done.status == 4 and "--shape" in done.err and "--dtype" in done.err
    done = run("convert", path, tmp_path / "out", "--shape", "9,7,6", "--dtype", "f8")
    assert done.status == 3 and "expected 3024 bytes" in done.err and "found 2520" in done.err
    done = run("convert", path, tmp_path / "out", "--shape", "9,7,5", "--dtype", "f8", "--voxel-size", "1mm")
    assert done.status == 4 and "|raw:float64" in done.err
    done = run("convert", path, tmp_path / "out", "--shape", "9,7,5", "--dtype", "u3")
    assert done.status == 2 and "u3" in done.err
    np.save(tmp_path / "a.npy", np.zeros(SHAPE))
    done = run("convert", f"npy://{tmp_path / 'a.npy'}", tmp_path / "out", "--shape", "9,7,5")
    assert done.status == 2 and "--shape" in done.err


# --- pairs of .hdr and .img

TILTED = np.array([[0.1, -2, 0.2, 30], [1.5, 0.1, 0, -20], [0, 0.3, 3, 10], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("opened", ["v.hdr", "v.img", "v.hdr.gz", "v.img.gz"])
@pytest.mark.parametrize("image", [nib.Nifti1Pair, nib.Nifti2Pair])
def test_nifti_pairs(tmp_path, image, opened):
    values = noise(SHAPE, "i2", seed=120)
    volume = image(values, TILTED)
    volume.header.set_slope_inter(2, 3)
    nib.save(volume, tmp_path / opened.replace(".hdr", ".img"))
    assert (tmp_path / opened).exists()
    found = nib.load(tmp_path / opened)
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / opened, "--ignore-scaling"),
                                  canonical(np.asarray(found.dataobj.get_unscaled()), found.affine))
    check_world(tmp_path / opened, tmp_path, found.affine, SHAPE)
    assert "pair" in run("info", tmp_path / opened).out


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4"])
@pytest.mark.parametrize("image", [nib.AnalyzeImage, nib.Spm99AnalyzeImage, nib.Spm2AnalyzeImage])
@pytest.mark.parametrize("opened", ["v.hdr", "v.img.gz"])
def test_analyze(tmp_path, image, dtype, order, opened):
    values = noise(SHAPE, dtype, seed=121)
    header = image.header_class(endianness=order)
    header.set_data_dtype(dtype)
    volume = image(values, np.diag([-2, 3, 4, 1]), header)
    volume.header.set_zooms((2, 3, 4))
    nib.save(volume, tmp_path / opened.replace(".hdr", ".img"))
    for path in tmp_path.glob("v.mat*"):
        path.unlink()
    found = nib.load(tmp_path / opened)
    assert isinstance(found, nib.Spm2AnalyzeImage)
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / opened, "--ignore-scaling"),
                                  canonical(values.astype(dtype), found.affine))
    check_world(tmp_path / opened, tmp_path, found.affine, SHAPE)


@pytest.mark.parametrize("origin", [(3, 4, 2), (0, 0, 0), (30, 4, 2), (-8, 13, 9)])
def test_origin_of_spm(tmp_path, origin):
    volume = nib.Spm99AnalyzeImage(noise(SHAPE, "u1", seed=122), None)
    volume.header.set_zooms((2, 3, 4))
    volume.header["origin"][:3] = origin
    nib.save(volume, tmp_path / "v.img")
    check_world(tmp_path / "v.hdr", tmp_path, nib.load(tmp_path / "v.hdr").affine, SHAPE)


@pytest.mark.parametrize("fields", [{"scl_slope": 0.5}, {"scl_slope": 2, "scl_inter": -7},
                                    {"scl_slope": 0, "cal_max": 80, "cal_min": 20, "glmax": 110, "glmin": 10},
                                    {"scl_slope": np.nan, "scl_inter": 5}])
def test_scaling_of_spm2(tmp_path, fields):
    volume = nib.Spm2AnalyzeImage(noise(SHAPE, "i2", seed=123), None)
    nib.save(volume, tmp_path / "v.img")
    with open(tmp_path / "v.hdr", "rb") as file:
        header = nib.Spm2AnalyzeHeader(file.read(348))
    for name, value in fields.items():
        header[name] = value
    (tmp_path / "v.hdr").write_bytes(header.binaryblock)
    found = nib.load(tmp_path / "v.hdr")
    expected = np.asarray(found.dataobj)
    np.testing.assert_allclose(voxels(tmp_path, tmp_path / "v.hdr"), canonical(expected.astype("f4"), found.affine),
                               rtol=1e-6)


def test_analyze_series_and_colors(tmp_path):
    values = noise((5, 4, 3, 6), "i2", seed=124)
    nib.save(nib.AnalyzeImage(values, None), tmp_path / "v.img")
    found = nib.load(tmp_path / "v.img")
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "v.hdr", "--ignore-scaling"),
                                  canonical(values, found.affine))


def test_image_that_begins_like_gzip(tmp_path):
    values = noise(SHAPE, "u1", seed=126)
    values[:4, 0, 0] = 0x1F, 0x8B, 8, 0
    for image, suffix in (nib.AnalyzeImage, "hdr"), (nib.Nifti1Pair, "img"), (nib.Nifti2Pair, "img"):
        nib.save(image(values, None), tmp_path / "v.img")
        found = nib.load(tmp_path / "v.hdr")
        np.testing.assert_array_equal(voxels(tmp_path, tmp_path / f"v.{suffix}"), canonical(values, found.affine))


def test_half_a_pair(tmp_path):
    nib.save(nib.AnalyzeImage(noise(SHAPE, "u1", seed=125), None), tmp_path / "v.img")
    (tmp_path / "v.img").rename(tmp_path / "w.img")
    for name, missing in (("v.hdr", "v.img"), ("w.img", "w.hdr")):
        done = run("convert", tmp_path / name, tmp_path / "out")
        assert done.status == 3 and missing in done.err and len(done.err.splitlines()) == 1


# --- NRRD

DIRECTIONS = np.array([[0.1, -2, 0.2], [1.5, 0.1, 0], [0, 0.3, 3]])  # a row for each axis
ORIGIN = np.array([30, -20, 10.0])


def nrrd_affine(directions, origin, space="left-posterior-superior"):
    """Voxel centres to RAS+ millimetres, as the definition of NRRD says."""
    signs = {"left-posterior-superior": (-1, -1, 1), "left-anterior-superior": (-1, 1, 1),
             "right-anterior-superior": (1, 1, 1)}[space]
    affine = np.eye(4)
    affine[:3, :3] = np.diag(signs) @ directions.T
    affine[:3, 3] = signs * origin
    return affine


@pytest.mark.parametrize("name", ["v.nrrd", "v.nhdr"])
@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("encoding, dtype", [
    *(("raw", dtype) for dtype in TYPES), *(("gzip", dtype) for dtype in ("u1", "i2", "f4")),
    *(("bzip2", dtype) for dtype in ("u1", "u4", "u8")), *(("ascii", dtype) for dtype in ("u1", "i2", "i4", "f4"))])
def test_nrrd(tmp_path, encoding, dtype, order, name):
    values = noise(SHAPE, dtype, seed=130)
    header = {"encoding": encoding, "endian": order, "space": "left-posterior-superior",
              "space directions": DIRECTIONS, "space origin": ORIGIN, "kinds": ["domain"] * 3}
    nrrd.write(str(tmp_path / name), values.astype(values.dtype.newbyteorder("<" if order == "little" else ">")),
               header)
    if encoding == "ascii" and dtype == "f4":
        values, _ = nrrd.read(str(tmp_path / name))  # the text has fewer digits
    affine = nrrd_affine(DIRECTIONS, ORIGIN)
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / name), canonical(values.astype(dtype), affine))
    check_world(tmp_path / name, tmp_path, affine, SHAPE)


@pytest.mark.parametrize("type_name, dtype", [("unsigned long long", "u8"), ("signed char", "i1")])
def test_nrrd_text_is_exact(tmp_path, type_name, dtype):
    """What pynrrd writes as rounded reals, or not at all."""
    values = noise(SHAPE, dtype, seed=137)
    text = "\n".join(map(str, values.ravel(order="F")))
    (tmp_path / "v.nrrd").write_text(f"NRRD0004\ntype: {type_name}\ndimension: 3\nsizes: 9 7 5\nspacings: 1 1 1\n"
                                     f"encoding: text\n\n{text}")
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "v.nrrd")[..., 0], values)


@pytest.mark.parametrize("space", ["left-posterior-superior", "left-anterior-superior", "right-anterior-superior"])
def test_nrrd_spaces(tmp_path, space):
    nrrd.write(str(tmp_path / "v.nrrd"), noise(SHAPE, "u1", seed=131),
               {"space": space, "space directions": DIRECTIONS, "space origin": ORIGIN})
    check_world(tmp_path / "v.nrrd", tmp_path, nrrd_affine(DIRECTIONS, ORIGIN, space), SHAPE)
    letters = "".join(word[0] for word in space.split("-")).upper()
    text = (tmp_path / "v.nrrd").read_bytes().replace(space.encode(), letters.encode())
    (tmp_path / "w.nrrd").write_bytes(text)
    check_world(tmp_path / "w.nrrd", tmp_path, nrrd_affine(DIRECTIONS, ORIGIN, space), SHAPE)


def test_nrrd_units(tmp_path):
    nrrd.write(str(tmp_path / "v.nrrd"), noise(SHAPE, "u1", seed=132),
               {"space": "right-anterior-superior", "space directions": np.diag([4, 4, 40.0]), "space origin": ORIGIN,
                "space units": ["um", "um", "nm"]})
    check_world(tmp_path / "v.nrrd", tmp_path,
                nrrd_affine(np.diag([4e-3, 4e-3, 4e-5]), ORIGIN * [1e-3, 1e-3, 1e-6], "right-anterior-superior"), SHAPE)


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("dtype", ["u1", "<i2"])
@pytest.mark.parametrize("place", [0, 3])
@pytest.mark.parametrize("kind, count", [("RGB-color", 3), ("vector", 3), ("list", 6), ("time", 2)])
def test_nrrd_channels(tmp_path, kind, count, place, dtype, encoding):
    shape = list(SHAPE)
    shape.insert(place, count)
    values = noise(shape, dtype, seed=133)
    directions, kinds = np.full((4, 3), np.nan), ["domain"] * 4
    directions[[a for a in range(4) if a != place]] = DIRECTIONS
    kinds[place] = kind
    nrrd.write(str(tmp_path / "v.nrrd"), values, {"encoding": encoding, "space": "left-posterior-superior",
                                                  "space directions": directions, "space origin": ORIGIN,
                                                  "kinds": kinds})
    affine = nrrd_affine(DIRECTIONS, ORIGIN)
    expected = np.moveaxis(values, place, 3)
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "v.nrrd"), canonical(expected, affine))
    colors = kind == "RGB-color" and dtype == "u1" and place == 0
    assert run("info", tmp_path / "v.nrrd", "--json").json["colors"] == colors


def test_nrrd_without_a_world(tmp_path):
    values = noise(SHAPE, "u2", seed=134)
    nrrd.write(str(tmp_path / "v.nrrd"), values, {"spacings": [0.5, 1, 2.5], "units": ["um", "um", "um"]})
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "v.nrrd")[..., 0], values)
    assert not (tmp_path / "out/transform.json").exists()
    assert Dataset(tmp_path / "out").scales[0]["resolution"] == [500, 1000, 2500]
    nrrd.write(str(tmp_path / "w.nrrd"), values)
    done = run("convert", tmp_path / "w.nrrd", tmp_path / "w")
    assert done.status == 4 and "--voxel-size" in done.err
    np.testing.assert_array_equal(plain(tmp_path, tmp_path / "w.nrrd")[..., 0], values)


def test_nrrd_skips(tmp_path):
    values = noise(SHAPE, "u1", seed=135)
    content = values.tobytes(order="F")
    header = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 9 7 5\nspacings: 1 1 1\nencoding: {}\n{}data file: v.bin\n"
    for encoding, fields, data in [("raw", "line skip: 2\nbyte skip: 3\n", b"one\ntwo\n..." + content),
                                   ("raw", "byte skip: -1\n", b"anything" + content),
                                   ("gzip", "lineskip: 1\nbyteskip: 4\n", b"one\n" + gzip.compress(b"skip" + content))]:
        (tmp_path / "v.nhdr").write_text(header.format(encoding, fields))
        (tmp_path / "v.bin").write_bytes(data)
        np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "v.nhdr")[..., 0], values)


def test_nrrd_as_a_stream(tmp_path):
    values = noise(SHAPE, "i2", seed=136)
    nrrd.write(str(tmp_path / "v.nrrd"), values, {"encoding": "gzip", "spacings": [1, 1, 1]})
    convert("-", tmp_path / "out", "--type", "image", input=(tmp_path / "v.nrrd").read_bytes())
    np.testing.assert_array_equal(Dataset(tmp_path / "out").read(0)[..., 0], values)


# --- HDF5


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("chunks", [None, (2, 3, 4), (5, 1, 9)])
def test_hdf5(tmp_path, chunks, dtype, order):
    values = noise((5, 7, 9), order + dtype, seed=140)
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_dataset("a/b", data=values, chunks=chunks)
    np.testing.assert_array_equal(plain(tmp_path, f"{tmp_path / 'v.h5'}|hdf5:/a/b")[..., 0], values.T)
    np.testing.assert_array_equal(plain(tmp_path, tmp_path / "v.h5")[..., 0], values.T)


FILTERS = {
    "gzip": {"compression": "gzip"},
    "gzip shuffle fletcher32": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "lzf": {"compression": "lzf"},
    "lzf shuffle": {"compression": "lzf", "shuffle": True},
    "fletcher32": {"fletcher32": True},
    "scaleoffset": {"scaleoffset": 0},
    "szip": {"compression": "szip"},
    "blosc": hdf5plugin.Blosc(cname="lz4", shuffle=hdf5plugin.Blosc.SHUFFLE),
    "blosc bits": hdf5plugin.Blosc(cname="zstd", shuffle=hdf5plugin.Blosc.BITSHUFFLE),
    "zstd": hdf5plugin.Zstd(),
    "lz4": hdf5plugin.LZ4(),
    "lz4 blocks": hdf5plugin.LZ4(nbytes=100),
    "bzip2": hdf5plugin.BZip2(),
}


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">i4", "<u8"])
@pytest.mark.parametrize("filters", FILTERS)
def test_hdf5_filters(tmp_path, filters, dtype):
    values = (np.arange(21 * 17 * 13).reshape(21, 17, 13) // 7 % 200).astype(dtype)
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_dataset("v", data=values, chunks=(8, 8, 8), **FILTERS[filters])
    np.testing.assert_array_equal(plain(tmp_path, tmp_path / "v.h5", "--chunk-size", "5")[..., 0], values.T)


def test_hdf5_unknown_filter(tmp_path):
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_dataset("v", data=noise((5, 7, 9), "i4", seed=141), chunks=(5, 7, 9), **hdf5plugin.Zfp(reversible=True))
    done = run("convert", tmp_path / "v.h5", tmp_path / "out", "--voxel-size", "1mm")
    assert done.status == 3 and "32013" in done.err


@pytest.mark.parametrize("shape, channels_last", [((6, 5, 7, 9), False), ((5, 7, 9, 3), True), ((1, 5, 7, 9), False)])
@pytest.mark.parametrize("chunks", [None, True])
def test_hdf5_channels(tmp_path, shape, channels_last, chunks):
    values = noise(shape, "u1", seed=142)
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_dataset("v", data=values, chunks=chunks)
    expected = values.transpose(2, 1, 0, 3) if channels_last else values.T
    np.testing.assert_array_equal(plain(tmp_path, tmp_path / "v.h5"), expected)


def test_hdf5_storage(tmp_path):
    """Chunks that were never written, edges that are not packed, a user block, compact, external and virtual data."""
    values = noise((5, 7, 9), ">u2", seed=143)
    with h5py.File(tmp_path / "v.h5", "w", userblock_size=512) as file:
        sparse = file.create_dataset("sparse", values.shape, ">u2", chunks=(2, 3, 4), fillvalue=513)
        sparse[2:4] = values[2:4]
        file["block"] = values
        file.create_dataset("external", data=values, external=[(tmp_path / "v.ext", 0, h5py.h5f.UNLIMITED)])
        layout = h5py.VirtualLayout(values.shape, ">u2")
        layout[...] = h5py.VirtualSource(file["block"])
        file.create_virtual_dataset("virtual", layout)
        with h5py.File(tmp_path / "w.h5", "w") as other:
            other["v"] = values
        layout[...] = h5py.VirtualSource("w.h5", "v", values.shape)
        file.create_virtual_dataset("elsewhere", layout)
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(values.shape)
        compact = h5py.h5d.create(file.id, b"compact", h5py.h5t.STD_U16BE, space, properties)
        compact.write(h5py.h5s.ALL, h5py.h5s.ALL, values)
    expected = np.full(values.shape, 513, "u2")
    expected[2:4] = values[2:4]
    np.testing.assert_array_equal(plain(tmp_path, f"{tmp_path / 'v.h5'}|hdf5:sparse")[..., 0], expected.T)
    for name in ("block", "external", "virtual", "elsewhere", "compact"):
        found = plain(tmp_path, f"{tmp_path / 'v.h5'}|hdf5:/{name}")
        np.testing.assert_array_equal(found[..., 0], values.T, err_msg=name)


def test_hdf5_numbers(tmp_path):
    flags, waves = noise((5, 7, 9), "u1", seed=144) > 99, noise((5, 7, 9), "f4", seed=145).astype(">c8")
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["flags"], file["half"], file["waves"], file["text"] = flags, flags.astype("f2"), waves, [b"a"]
    np.testing.assert_array_equal(plain(tmp_path, f"{tmp_path / 'v.h5'}|hdf5:flags")[..., 0], flags.T)
    np.testing.assert_array_equal(plain(tmp_path, f"{tmp_path / 'v.h5'}|hdf5:half")[..., 0], flags.T)
    found = plain(tmp_path, f"{tmp_path / 'v.h5'}|hdf5:waves", "--complex", "real")
    np.testing.assert_array_equal(found[..., 0], waves.real.T.astype("f4"))
    done = run("info", f"{tmp_path / 'v.h5'}|hdf5:text")
    assert done.status == 3 and "another type" in done.err


@pytest.mark.parametrize("name, value, resolution", [("element_size_um", [2, 0.5, 0.25], [250, 500, 2000]),
                                                     ("resolution", [40, 8, 4], [4, 8, 40])])
def test_hdf5_voxel_size(tmp_path, name, value, resolution):
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["v"] = noise((5, 7, 9), "u1", seed=146)
        file["v"].attrs[name] = value
    convert(tmp_path / "v.h5", tmp_path / "out")
    assert Dataset(tmp_path / "out").scales[0]["resolution"] == resolution
    assert not (tmp_path / "out/transform.json").exists()


def test_hdf5_cut(tmp_path):
    """Every cut of the file is an error, or the voxels are right."""
    values = noise((5, 7, 9), "u2", seed=147)
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_dataset("v", data=values, chunks=(5, 7, 4), compression="gzip")
    whole = (tmp_path / "v.h5").read_bytes()
    for size in range(0, len(whole), len(whole) // 25):
        (tmp_path / "w.h5").write_bytes(whole[:size])
        done = run("convert", tmp_path / "w.h5", tmp_path / "out", "--voxel-size", "8nm")
        assert done.status == 3 and len(done.err.splitlines()) == 1, done.err
