# SPDX-License-Identifier: Apache-2.0
"""TIFF of every kind and slices of pictures, against tifffile, imagecodecs and Pillow."""

import itertools
import json
import struct

import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image

import volumes
from precomputed import Dataset
from program import convert, peak_bytes, run

RAW = ["--layout", "flat", "--encoding", "raw", "--compress", "none", "--scales", 1, "--quiet"]
SIZE = ["--voxel-size", "1um"]
RANDOM = np.random.default_rng(7)


def voxels(tmp_path, *arguments):
    """What a conversion without loss stores: [x, y, z, channel]."""
    destination = tmp_path / "converted"
    convert(*arguments, destination, "--overwrite", *RAW)
    return Dataset(destination).read(0)


def as_volume(planes):
    """[slice, row, column] or [slice, row, column, sample] to [x, y, z, channel]."""
    planes = planes[..., None] if planes.ndim == 3 else planes
    return planes.transpose(2, 1, 0, 3)


def values_of(dtype, shape):
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return RANDOM.normal(0, 100, shape).astype(dtype)
    # Runs, so that compression has something to do, and the ends of the range.
    values = np.repeat(RANDOM.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True), 3, axis=-1)
    values = values[..., :shape[-1]]
    values.flat[0], values.flat[1] = np.iinfo(dtype).max, 0
    return values


# How each type comes out without loss: options, and the type to compare with.
TYPES = {"uint8": ([], "uint8"), "uint16": ([], "uint16"), "uint32": ([], "uint32"), "uint64": ([], "uint64"),
         "int8": (["--type", "image"], "int8"), "int16": (["--type", "image"], "int16"),
         "int32": (["--type", "image"], "int32"), "int64": (["--type", "segmentation"], "uint64"),
         "float16": ([], "float32"), "float32": ([], "float32"), "float64": (["--dtype", "float32"], "float32")}
PREDICTORS = {"none": [None], "packbits": [None], "lzw": [None, 2], "deflate": [None, 2, 3], "zstd": [None, 2, 3]}


@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("compression", PREDICTORS)
@pytest.mark.parametrize("dtype", TYPES)
def test_every_tiff(tmp_path, dtype, compression, byteorder):
    options, stored = TYPES[dtype]
    planes = values_of(dtype, (3, 37, 50))
    for predictor, layout in itertools.product(PREDICTORS[compression],
                                               [{"rowsperstrip": 10}, {"rowsperstrip": 37}, {"tile": (16, 32)}]):
        is_float = np.dtype(dtype).kind == "f"
        if predictor and (predictor == 3) != is_float:
            continue
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, planes, byteorder=byteorder, compression=None if compression == "none" else compression,
                         predictor=predictor, photometric="minisblack", metadata=None, **layout)
        assert np.array_equal(tifffile.imread(path), planes)
        found = voxels(tmp_path, path, *SIZE, *options)
        np.testing.assert_array_equal(found, as_volume(planes).astype(stored), err_msg=f"{predictor} {layout}")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("planarconfig", ["contig", "separate"])
@pytest.mark.parametrize("samples", [2, 3, 4])
def test_samples_are_channels(tmp_path, dtype, planarconfig, samples):
    planes = values_of(dtype, (3, 37, 50, samples))
    stored = planes if planarconfig == "contig" else np.moveaxis(planes, -1, 1)
    for layout, compression, byteorder, big in itertools.product(
            [{"rowsperstrip": 10}, {"tile": (16, 32)}], [None, "deflate", "lzw"], "<>", [False, True]):
        path = tmp_path / "a.tif"
        photometric = "rgb" if samples >= 3 else "minisblack"
        predictor = 2 if compression and dtype != "float32" else None
        tifffile.imwrite(path, stored, byteorder=byteorder, compression=compression, predictor=predictor, bigtiff=big,
                         photometric=photometric, planarconfig=planarconfig, metadata=None, **layout)
        found = voxels(tmp_path, path, *SIZE)
        np.testing.assert_array_equal(found, as_volume(planes), err_msg=f"{layout} {compression} {byteorder}")
        one = voxels(tmp_path, path, *SIZE, "--channel", samples - 1, "--crop", "3:40,7:36,1:3")
        np.testing.assert_array_equal(one, as_volume(planes)[3:40, 7:36, 1:3, -1:])


def test_other_compressions(tmp_path):
    planes = values_of("uint8", (3, 37, 50))
    for compression in ["lzma", "lerc", "webp", "jpeg"]:
        colors = compression == "webp"
        stored = np.repeat(planes[..., None], 3, axis=-1) if colors else planes
        path = tmp_path / "a.tif"
        arguments = {"compressionargs": {"lossless": True}} if colors else {}
        tifffile.imwrite(path, stored, compression=compression, photometric="rgb" if colors else "minisblack",
                         metadata=None, rowsperstrip=16, **arguments)
        np.testing.assert_array_equal(voxels(tmp_path, path, *SIZE), as_volume(tifffile.imread(path)),
                                      err_msg=compression)


def test_jpeg_colors_in_tiff(tmp_path):
    smooth = np.add.outer(np.arange(64), np.arange(48)).astype("uint8")
    colors = np.stack([smooth, 255 - smooth, smooth // 2], axis=-1)[None]
    tifffile.imwrite(tmp_path / "a.tif", colors, compression="jpeg", photometric="rgb", metadata=None, tile=(16, 16),
                     compressionargs={"level": 95})
    found = voxels(tmp_path, tmp_path / "a.tif", *SIZE).astype(int)
    assert np.abs(found - as_volume(tifffile.imread(tmp_path / "a.tif")[None]).astype(int)).max() <= 4


@pytest.mark.parametrize("byteorder", "<>")
def test_imagej_hyperstack(tmp_path, byteorder):
    stack = values_of("uint16", (2, 5, 3, 20, 30))  # t, z, c, y, x
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stack, imagej=True, byteorder=byteorder, resolution=(1 / 0.25, 1 / 0.5),
                     metadata={"axes": "TZCYX", "unit": "um", "spacing": 2.0})
    destination = tmp_path / "out"
    convert(path, destination, *RAW)
    dataset = Dataset(destination)
    assert dataset.scales[0]["resolution"] == [250, 500, 2000]
    assert not (destination / "transform.json").exists()
    expected = stack.transpose(4, 3, 1, 2, 0).reshape(30, 20, 5, 6)  # channels: c slow, t fast
    np.testing.assert_array_equal(dataset.read(0), expected)
    np.testing.assert_array_equal(voxels(tmp_path, path, "--channel", 1, "--time", 1), stack[1, :, 1].T[..., None])


def imagej_raw_stack(path, planes):
    """What ImageJ writes beyond 4 GiB: one directory, then all planes."""
    height, width = planes.shape[1:]
    text = f"ImageJ=1.54f\nimages={len(planes)}\nslices={len(planes)}\nunit=nm\nspacing=30\n".encode() + b"\0"
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1),
               (270, 2, len(text), 8 + 2 + 12 * 12 + 4), (273, 4, 1, 400), (277, 3, 1, 1), (278, 4, 1, height),
               (279, 4, 1, width * height * 2), (282, 5, 1, 380), (283, 5, 1, 380)]
    data = b"MM\0*" + struct.pack(">IH", 8, len(entries))
    for tag, kind, count, value in entries:
        data += struct.pack(">HHI", tag, kind, count)
        data += struct.pack(">HH", value, 0) if kind == 3 and count == 1 else struct.pack(">I", value)
    data += struct.pack(">I", 0) + text
    data = data.ljust(380, b"\0") + struct.pack(">II", 125, 1000)
    path.write_bytes(data.ljust(400, b"\0") + planes.astype(">u2").tobytes())


def test_imagej_stack_with_one_directory(tmp_path):
    planes = values_of("uint16", (11, 20, 30))
    imagej_raw_stack(tmp_path / "a.tif", planes)
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), planes)
    destination = tmp_path / "out"
    convert(tmp_path / "a.tif", destination, *RAW)
    assert Dataset(destination).scales[0]["resolution"] == [8, 8, 30]
    np.testing.assert_array_equal(Dataset(destination).read(0), as_volume(planes))
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(data[:-1])
    cut = run("convert", tmp_path / "cut.tif", tmp_path / "no", *RAW)
    assert cut.status == 3 and "expected 11 planes of 1200 bytes from byte 400 on" in cut.err


def test_planes_behind_four_gigabytes(tmp_path):
    path = tmp_path / "a.tif"
    small = values_of("uint16", (2, 20, 30))
    imagej_raw_stack(path, small)
    with path.open("r+b") as file:
        head = file.read(400).replace(b"images=2", b"images=9").replace(b"slices=2", b"slices=9")
        # One plane of 23000 x 23000 x 2 bytes is a gigabyte: a sparse file of nine.
        for tag, new in [(256, 23000), (257, 23000), (278, 23000), (279, 23000 * 23000 * 2)]:
            at = head.index(struct.pack(">HHI", tag, 4, 1)) + 8
            head = head[:at] + struct.pack(">I", new) + head[at + 4:]
        file.seek(0)
        file.write(head)
        last = 400 + 8 * 23000 * 23000 * 2
        file.truncate(last + 23000 * 23000 * 2)
        file.seek(last + (23000 * 22999 + 22990) * 2)
        file.write(np.arange(1, 11).astype(">u2").tobytes())
    found = voxels(tmp_path, path, "--crop", "22980:23000,22990:23000,7:9")
    expected = np.zeros((20, 10, 2, 1), "uint16")
    expected[10:, 9, 1, 0] = np.arange(1, 11)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("axes", ["ZCYX", "CZYX", "TCZYX", "TZCYX", "ZYX", "YX"])
def test_ome_tiff(tmp_path, axes):
    sizes = {"T": 2, "C": 3, "Z": 4, "Y": 20, "X": 30}
    values = values_of("uint16", tuple(sizes[a] for a in axes))
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, values, compression="zlib", metadata={
        "axes": axes, "PhysicalSizeX": 8, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.016, "PhysicalSizeYUnit": "µm",
        "PhysicalSizeZ": 0.00004, "PhysicalSizeZUnit": "mm"})
    destination = tmp_path / "out"
    convert(path, destination, *RAW)
    whole = values.reshape([sizes[a] if a in axes else 1 for a in axes])
    for axis in "XYZCT":  # to c, t, z, y, x
        if axis not in axes:
            whole, axes = whole[None], axis + axes
    whole = whole.transpose([axes.index(a) for a in "XYZTC"])
    expected = whole.reshape(*whole.shape[:3], -1, order="F")
    dataset = Dataset(destination)
    assert dataset.scales[0]["resolution"] == [8, 16, 40]
    np.testing.assert_array_equal(dataset.read(0), expected)


def test_ome_tiff_of_colors(tmp_path):
    values = values_of("uint8", (4, 20, 30, 3))
    tifffile.imwrite(tmp_path / "a.ome.tif", values, photometric="rgb", metadata={
        "axes": "ZYXS", "PhysicalSizeX": 1, "PhysicalSizeY": 1, "PhysicalSizeZ": 1})
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "a.ome.tif"), as_volume(values))


def ome_of_files(folder, planes):
    """One file for each of [channel, slice, row, column], all with the same XML."""
    channels, slices, height, width = planes.shape
    blocks = "".join(f'<TiffData IFD="0" FirstZ="{z}" FirstC="{c}" PlaneCount="1"><UUID FileName="c{c}z{z}.ome.tif">'
                     f'urn:uuid:{c}-{z}</UUID></TiffData>' for c in range(channels) for z in range(slices))
    for c, z in itertools.product(range(channels), range(slices)):
        xml = (f'<?xml version="1.0"?><ome:OME xmlns:ome="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
               f'UUID="urn:uuid:{c}-{z}"><ome:Image ID="Image:0"><ome:Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
               f'Type="uint16" SizeX="{width}" SizeY="{height}" SizeZ="{slices}" SizeC="{channels}" SizeT="1" '
               f'PhysicalSizeX="1" PhysicalSizeY="1" PhysicalSizeZ="3">'
               f'{blocks.replace("<", "<ome:").replace("<ome:/", "</ome:")}</ome:Pixels></ome:Image></ome:OME>')
        tifffile.imwrite(folder / f"c{c}z{z}.ome.tif", planes[c, z], description=xml, metadata=None)


def test_ome_tiff_over_several_files(tmp_path):
    planes = values_of("uint16", (2, 3, 20, 30))
    folder = tmp_path / "files"
    folder.mkdir()
    ome_of_files(folder, planes)
    expected = planes.transpose(3, 2, 1, 0)
    for name in ["c0z0", "c1z2"]:
        np.testing.assert_array_equal(voxels(tmp_path, folder / f"{name}.ome.tif"), expected)
    (folder / "c1z1.ome.tif").unlink()
    missing = run("convert", folder / "c0z0.ome.tif", tmp_path / "no", *RAW)
    assert missing.status == 3 and "c1z1.ome.tif" in missing.err


def test_our_own_ome_tiff_comes_back(tmp_path):
    values = volumes.noise((20, 30, 8), np.uint16)
    volumes.save_nifti(tmp_path / "a.nii", values, np.diag([0.5, 0.25, 2, 1]))
    convert(tmp_path / "a.nii", tmp_path / "a.tif", "--quiet")
    convert(tmp_path / "a.tif", tmp_path / "out", *RAW)
    dataset = Dataset(tmp_path / "out")
    np.testing.assert_allclose(dataset.scales[0]["resolution"], [5e5, 2.5e5, 2e6])
    np.testing.assert_array_equal(dataset.read(0)[..., 0], values)


def test_palettes_are_indices_as_tifffile_reads_them(tmp_path):
    planes = values_of("uint8", (1, 20, 30))
    palette = RANDOM.integers(0, 65535, (3, 256), dtype="uint16")
    tifffile.imwrite(tmp_path / "a.tif", planes[0], colormap=palette, photometric="palette")
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "a.tif", *SIZE), as_volume(planes))
    picture = Image.fromarray(planes[0], mode="P")
    picture.putpalette(list(range(256)) * 3)
    for suffix in ["png", "bmp"]:
        picture.save(tmp_path / f"a.{suffix}")
        np.testing.assert_array_equal(voxels(tmp_path, tmp_path / f"a.{suffix}", *SIZE), as_volume(planes))


def write_slices(folder, planes, suffix, **options):
    folder.mkdir(parents=True)
    for z, plane in enumerate(planes):
        path = folder / f"slice{z + 1}.{suffix}"
        if suffix == "tif":
            tifffile.imwrite(path, plane, metadata=None, **options)
        else:
            Image.fromarray(plane).save(path, **options)


@pytest.mark.parametrize("suffix", ["tif", "png", "bmp"])
@pytest.mark.parametrize("samples", [1, 3, 4])
def test_slices(tmp_path, suffix, samples):
    planes = values_of("uint8", (13, 20, 30, samples)) if samples > 1 else values_of("uint8", (13, 20, 30))
    options = {"photometric": "rgb" if samples > 1 else "minisblack"} if suffix == "tif" else {}
    write_slices(tmp_path / "s", planes, suffix, **options)
    expected = as_volume(planes[..., :3] if suffix == "bmp" and samples == 4 else planes)  # Pillow's BMP has no alpha
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "s", *SIZE), expected)
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "s" / f"*.{suffix}", *SIZE), expected)
    files = sorted((tmp_path / "s").iterdir())  # not in natural order
    np.testing.assert_array_equal(voxels(tmp_path, *files, *SIZE), expected)


def test_sixteen_bit_png(tmp_path):
    planes = values_of("uint16", (3, 20, 30))
    write_slices(tmp_path / "s", planes, "png")
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "s", *SIZE), as_volume(planes))


@pytest.mark.parametrize("mode,bits", [("1", None), ("L", 2), ("L", 4), ("P", 4), ("P", 1), ("LA", None), ("RGBA", None)])
def test_png_of_few_bits(tmp_path, mode, bits):
    values = RANDOM.integers(0, 2**(bits or 8), (20, 31), dtype="uint8")
    if mode == "L":
        values = values * (255 // (2**bits - 1))
    picture = Image.fromarray(values, mode="L").convert(mode) if mode != "P" else Image.fromarray(values, mode="P")
    if mode == "P":
        picture.putpalette([7, 9, 200] * 2**bits)
    picture.save(tmp_path / "a.png", **({"bits": bits} if mode == "P" else {}))
    expected = np.array(Image.open(tmp_path / "a.png")).astype("uint8")
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "a.png", *SIZE), as_volume(expected[None]))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 95}])
@pytest.mark.parametrize("samples", [1, 3])
def test_jpeg_slices(tmp_path, samples, options):
    x, y = np.meshgrid(np.arange(50), np.arange(41))
    planes = np.stack([np.stack([(x * 3 + z) % 256, y * 5, (x + y) * 2], -1) for z in range(4)]).astype("uint8")
    planes = planes[..., 0] if samples == 1 else planes
    write_slices(tmp_path / "s", planes, "jpg", **options)
    decoded = np.stack([np.array(Image.open(tmp_path / "s" / f"slice{z}.jpg")) for z in range(1, 5)])
    found = voxels(tmp_path, tmp_path / "s", *SIZE)
    assert np.abs(found.astype(int) - as_volume(decoded).astype(int)).max() <= 1  # two versions of one library


def test_folders_are_channels(tmp_path):
    channels = [values_of("uint16", (5, 20, 30)) for _ in range(3)]
    for name, planes in zip("abc", channels, strict=True):
        write_slices(tmp_path / name, planes, "tif")
    found = voxels(tmp_path, tmp_path / "a", tmp_path / "b", tmp_path / "c", *SIZE)
    np.testing.assert_array_equal(found, np.concatenate([as_volume(c) for c in channels], axis=3))
    np.testing.assert_array_equal(voxels(tmp_path, tmp_path / "[ab]", *SIZE),
                                  np.concatenate([as_volume(c) for c in channels[:2]], axis=3))


def all_codes():
    for order in itertools.permutations(["RL", "AP", "SI"]):
        yield from ("".join(letters) for letters in itertools.product(*order))


def test_input_orientation(tmp_path):
    planes = values_of("uint16", (4, 5, 6))
    write_slices(tmp_path / "s", planes, "tif")
    stored = planes.transpose(2, 1, 0)  # columns, rows, slices
    codes = list(all_codes())
    assert len(codes) == 48
    for code in codes:
        found = voxels(tmp_path, tmp_path / "s", "--voxel-size", "1um", "--input-orientation", code)[..., 0]
        turn = nibabel.orientations.ornt_transform(nibabel.orientations.axcodes2ornt(code),
                                                   nibabel.orientations.axcodes2ornt("RAS"))
        np.testing.assert_array_equal(found, nibabel.orientations.apply_orientation(stored, turn), err_msg=code)
        transform = json.loads((tmp_path / "converted" / "transform.json").read_text())
        np.testing.assert_allclose(transform, np.eye(4), atol=1e-9, err_msg=code)


def test_orientation_of_the_wrong_kind(tmp_path):
    write_slices(tmp_path / "s", values_of("uint8", (2, 5, 6)), "tif")
    wrong = run("convert", tmp_path / "s", tmp_path / "out", *SIZE, "--input-orientation", "RRS")
    assert wrong.status == 2 and "--input-orientation" in wrong.err and '"RRS"' in wrong.err
    volumes.save_nifti(tmp_path / "a.nii", volumes.noise((3, 4, 5), np.uint8), np.eye(4))
    nifti = run("convert", tmp_path / "a.nii", tmp_path / "out", "--input-orientation", "RAS")
    assert nifti.status == 2 and "--input-orientation: means nothing for nifti" in nifti.err


def test_voxel_size(tmp_path):
    write_slices(tmp_path / "s", values_of("uint8", (2, 5, 6)), "tif")
    unknown = run("convert", tmp_path / "s", tmp_path / "out", *RAW)
    assert unknown.status == 4 and "--voxel-size" in unknown.err
    convert(tmp_path / "s", tmp_path / "out", "--voxel-size", "8nm,9nm,40nm", *RAW)
    assert Dataset(tmp_path / "out").scales[0]["resolution"] == [8, 9, 40]
    assert not (tmp_path / "out" / "transform.json").exists()
    tifffile.imwrite(tmp_path / "cm.tif", values_of("uint8", (5, 6)), resolution=(20000, 10000), resolutionunit=3)
    convert(tmp_path / "cm.tif", tmp_path / "cm", *RAW)
    assert Dataset(tmp_path / "cm").scales[0]["resolution"] == [500, 1000, 500]
    tifffile.imwrite(tmp_path / "dpi.tif", values_of("uint8", (5, 6)), resolution=(300, 300), resolutionunit=2)
    assert run("convert", tmp_path / "dpi.tif", tmp_path / "dpi", *RAW).status == 4


def test_any_split_of_pages_is_the_same(tmp_path):
    planes = values_of("uint32", (33, 70, 90))
    options = ["--voxel-size", "1um", "--chunk-size", 16, "--type", "segmentation", "--quiet"]
    tifffile.imwrite(tmp_path / "pages.tif", planes, metadata=None)
    tifffile.imwrite(tmp_path / "strips.tif", planes, metadata=None, rowsperstrip=7, compression="deflate")
    tifffile.imwrite(tmp_path / "tiles.tif", planes, metadata=None, tile=(16, 48), bigtiff=True, byteorder=">",
                     compression="lzw", predictor=2)
    write_slices(tmp_path / "s", planes, "tif", compression="zstd")
    contents = set()
    for name, threads in itertools.product(["pages.tif", "strips.tif", "tiles.tif", "s"], [1, 5]):
        destination = tmp_path / "out"
        convert(tmp_path / name, destination, *options, "--overwrite", "--threads", threads)
        files = sorted(p for p in destination.rglob("*") if p.is_file() and p.name != "provenance")
        contents.add(tuple((p.relative_to(destination), p.read_bytes()) for p in files))
    assert len(contents) == 1


def test_pictures_larger_than_the_memory(tmp_path):
    rows = np.arange(4500, dtype="uint32")[:, None] * 7 + np.arange(3500, dtype="uint32")[None]
    planes = [(rows + 1000 * z).astype("uint16") for z in range(3)]
    options = ["--voxel-size", "8nm", "--memory", "32MiB", "--chunk-size", "512,512,3", "--overwrite", *RAW]
    for suffix, how in [("tif", {"compression": "deflate", "tile": (256, 256)}), ("png", {"compress_level": 1})]:
        write_slices(tmp_path / suffix, planes, suffix, **how)
        assert peak_bytes("convert", tmp_path / suffix, tmp_path / "out", *options) < (32 + 64) << 20
        np.testing.assert_array_equal(Dataset(tmp_path / "out").read(0), as_volume(np.stack(planes)))
