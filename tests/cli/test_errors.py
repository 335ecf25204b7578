# SPDX-License-Identifier: Apache-2.0
"""Bad input of all kinds: one clear line each and the documented exit status, as files in tests/golden/errors.

./dev test tests/cli/test_errors.py --set-exact writes the files anew; read the difference before it is committed.
"""

import gzip
import json
import struct
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import volumes
from program import convert, run
from volumes import save_nifti

GOLDEN = Path(__file__).resolve().parent.parent / "golden/errors"
CASES = {}


def case(status, *arguments):
    """Registers a test: the function makes the input in a folder; `arguments` run there. IN and OUT are its places."""
    def register(function):
        CASES[function.__name__] = status, arguments, function
        return function
    return register


def good(folder, values=None, name="v.nii", **options):
    values = volumes.noise((7, 5, 3), "u1") if values is None else values
    return save_nifti(folder / name, values, **options)


def patch(path, offset, layout, *values):
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, offset, *values)
    path.write_bytes(data)


CONVERT = ("convert", "v.nii", "out")


# What is not a volume.
@case(3, *CONVERT)
def not_there(folder):
    pass


@case(3, *CONVERT)
def empty_file(folder):
    (folder / "v.nii").write_bytes(b"")


@case(3, *CONVERT)
def text_file(folder):
    (folder / "v.nii").write_text("x, y, z\n" * 100)


@case(3, *CONVERT)
def folder_without_info(folder):
    (folder / "v.nii").mkdir()


@case(3, *CONVERT)
def wrong_magic(folder):
    patch(good(folder), 344, "<4s", b"what")


@case(3, *CONVERT)
def header_and_image_apart(folder):
    patch(good(folder), 344, "<4s", b"ni1\0")


@case(3, *CONVERT)
def header_cut(folder):
    path = good(folder)
    path.write_bytes(path.read_bytes()[:200])


# Headers that lie.
@case(3, *CONVERT)
def more_voxels_than_bytes(folder):
    patch(good(folder), 42, "<h", 1000)


@case(3, "convert", "v.nii.gz", "out")
def more_voxels_than_bytes_compressed(folder):
    path = good(folder)
    patch(path, 42, "<h", 1000)
    (folder / "v.nii.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


@case(3, "convert", "v.nii.gz", "out")
def compressed_file_cut(folder):
    path = good(folder, volumes.noise((40, 40, 40), "u1"))
    (folder / "v.nii.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0)[:20000])


@case(3, "convert", "v.nii.gz", "out")
def compressed_file_damaged(folder):
    path = good(folder, volumes.noise((40, 40, 40), "u1"))
    data = bytearray(gzip.compress(path.read_bytes(), mtime=0))
    data[-6] ^= 0xFF  # in the checksum
    (folder / "v.nii.gz").write_bytes(data)


@case(3, *CONVERT)
def zero_dimension(folder):
    patch(good(folder), 44, "<h", 0)


@case(3, *CONVERT)
def negative_dimension(folder):
    patch(good(folder), 46, "<h", -3)


@case(3, *CONVERT)
def no_dimensions(folder):
    patch(good(folder), 40, "<h", 0)


@case(3, *CONVERT)
def eight_dimensions(folder):
    patch(good(folder), 40, "<h", 8)


@case(3, *CONVERT)
def product_of_dimensions_overflows(folder):
    path = save_nifti(folder / "v.nii", volumes.noise((7, 5, 3), "u1"), version=2)
    patch(path, 24, "<3q", 2**40, 2**40, 2**40)


@case(3, *CONVERT)
def unknown_data_type(folder):
    patch(good(folder), 70, "<h", 77)


@case(3, *CONVERT)
def data_inside_the_header(folder):
    patch(good(folder), 108, "<f", 100.0)


@case(3, *CONVERT)
def data_offset_is_not_a_number(folder):
    patch(good(folder), 108, "<f", float("nan"))


@case(3, *CONVERT)
def data_offset_behind_the_end(folder):
    patch(good(folder), 108, "<f", 1e9)


@case(4, *CONVERT)
def zero_voxel_size(folder):
    path = good(folder)
    patch(path, 252, "<hh", 0, 0)
    patch(path, 80, "<f", 0.0)


@case(3, *CONVERT)
def affine_is_not_finite(folder):
    patch(good(folder), 280, "<f", float("inf"))


@case(3, "convert", "v.mgh", "out")
def mgh_of_another_version(folder):
    nib.save(nib.MGHImage(volumes.noise((7, 5, 3), "u1"), np.eye(4)), folder / "v.mgh")
    patch(folder / "v.mgh", 0, ">i", 9)


@case(3, "convert", "v.mgh", "out")
def mgh_cut(folder):
    nib.save(nib.MGHImage(volumes.noise((7, 5, 3), "u1"), np.eye(4)), folder / "v.mgh")
    (folder / "v.mgh").write_bytes((folder / "v.mgh").read_bytes()[:320])


@case(3, "convert", "v.mgh", "out")
def mgh_of_unknown_type(folder):
    nib.save(nib.MGHImage(volumes.noise((7, 5, 3), "u1"), np.eye(4)), folder / "v.mgh")
    patch(folder / "v.mgh", 20, ">i", 42)


# Values that need a decision.
@case(4, *CONVERT)
def float64_without_dtype(folder):
    good(folder, volumes.noise((7, 5, 3), "f8"))


@case(4, *CONVERT, "--type", "image")
def int64_image_without_dtype(folder):
    good(folder, volumes.noise((7, 5, 3), "i8"))


@case(4, *CONVERT)
def complex_without_part(folder):
    good(folder, volumes.noise((7, 5, 3), "c8"))


@case(4, *CONVERT, "--type", "segmentation")
def negative_label(folder):
    values = np.arange(105, dtype="i4").reshape(7, 5, 3)
    values[4, 3, 2] = -3
    good(folder, values)


@case(4, *CONVERT, "--dtype", "uint8")
def nan_to_an_integer(folder):
    values = np.ones((7, 5, 3), "f4")
    values[6, 0, 1] = np.nan
    good(folder, values)


@case(4, *CONVERT, "--type", "segmentation")
def labels_of_floats(folder):
    good(folder, np.ones((7, 5, 3), "f4"))


@case(4, *CONVERT, "--type", "segmentation")
def labels_with_slope(folder):
    good(folder, np.ones((7, 5, 3), "u2"), slope=2)


@case(4, *CONVERT)
def more_channels_than_a_dataset_takes(folder):
    good(folder, volumes.noise((3, 3, 3, 65), "u1"))


@case(4, *CONVERT, "--type", "segmentation")
def labels_with_channels(folder):
    good(folder, volumes.noise((3, 3, 3, 2), "u1"))


@case(4, *CONVERT, "--memory", "1MiB")
def impossible_memory(folder):
    good(folder, np.ones((300, 300, 4), "f4"))


# What a user types.
@case(2, *CONVERT, "--colour", "red")
def unknown_option(folder):
    good(folder)


@case(2, "convrt", "v.nii", "out")
def unknown_command(folder):
    good(folder)


@case(2, "convert", "v.nii")
def missing_destination(folder):
    good(folder)


@case(2, "convert")
def missing_source_and_destination(folder):
    pass


@case(2, *CONVERT, "--chunk-size", "64,64")
def two_numbers_for_three(folder):
    good(folder)


@case(2, *CONVERT, "--chunk-size", "0")
def chunk_size_zero(folder):
    good(folder)


@case(2, *CONVERT, "--chunk-size", "8x8x8")
def chunk_size_is_text(folder):
    good(folder)


@case(2, *CONVERT, "--encoding", "bmp")
def unknown_encoding(folder):
    good(folder)


@case(2, *CONVERT, "--encoding", "cseg")
def encoding_for_another_type(folder):
    good(folder)


@case(2, *CONVERT, "--encoding", "jpeg", "--jpeg-quality", "101")
def quality_out_of_range(folder):
    good(folder)


@case(2, *CONVERT, "--encoding", "jpeg", "--png-level", "3")
def level_of_another_encoding(folder):
    good(folder)


@case(2, *CONVERT, "--encoding", "jpeg", "--chunk-size", "257")
def chunks_that_are_no_picture(folder):
    good(folder, np.zeros((257, 257, 257), "u1"))


@case(2, *CONVERT, "--layout", "round")
def unknown_layout(folder):
    good(folder)


@case(2, *CONVERT, "--type", "picture")
def unknown_type(folder):
    good(folder)


@case(2, *CONVERT, "--downsample", "best")
def unknown_method(folder):
    good(folder)


@case(2, *CONVERT, "--dtype", "float16")
def unknown_dtype(folder):
    good(folder)


@case(2, *CONVERT, "--factor", "1,1,1")
def factor_that_does_nothing(folder):
    good(folder)


@case(2, *CONVERT, "--scales", "0")
def no_scales(folder):
    good(folder)


@case(2, *CONVERT, "--crop", "0:8,0:5,0:3")
def crop_outside(folder):
    good(folder)


@case(2, *CONVERT, "--crop", "3:3,0:5,0:3")
def crop_of_nothing(folder):
    good(folder)


@case(2, *CONVERT, "--orientation", "RAX")
def unknown_orientation(folder):
    good(folder)


@case(2, *CONVERT, "--voxel-size", "1parsec")
def unknown_unit(folder):
    good(folder)


@case(2, *CONVERT, "--voxel-size", "-1mm")
def negative_voxel_size(folder):
    good(folder)


@case(2, *CONVERT, "--memory", "much")
def memory_is_text(folder):
    good(folder)


@case(2, *CONVERT, "--memory", "-5MiB")
def negative_memory(folder):
    good(folder)


@case(2, *CONVERT, "--threads", "-1")
def negative_threads(folder):
    good(folder)


@case(2, *CONVERT, "--threads", "18446744073709551617")
def number_too_large(folder):
    good(folder)


@case(2, *CONVERT, "--level", "13")
def level_too_high(folder):
    good(folder)


@case(2, *CONVERT, "--time", "4")
def time_outside(folder):
    good(folder, volumes.noise((3, 3, 3, 4), "u1"))


@case(2, *CONVERT, "--channel", "9")
def channel_outside(folder):
    good(folder, volumes.noise((3, 3, 3, 4), "u1"))


@case(2, *CONVERT, "--sharding", "1,2")
def sharding_of_two_numbers(folder):
    good(folder)


@case(2, *CONVERT, "--sharding", "0,40,40")
def sharding_of_too_many_bits(folder):
    good(folder)


@case(2, *CONVERT, "--window", "5,5", "--dtype", "uint8")
def empty_window(folder):
    good(folder)


@case(2, *CONVERT, "--outside", "300")
def outside_value_does_not_fit(folder):
    good(folder)


@case(2, *CONVERT, "--resume", "--overwrite")
def resume_and_overwrite(folder):
    good(folder)


# Destinations in the way.
@case(5, *CONVERT)
def destination_exists(folder):
    good(folder)
    (folder / "out").mkdir()


@case(5, *CONVERT)
def destination_is_a_file(folder):
    good(folder)
    (folder / "out").write_text("precious")


@case(5, *CONVERT)
def unfinished_destination(folder):
    good(folder)
    (folder / "out.partial").mkdir()


# Datasets.
def dataset(folder, **changes):
    convert(good(folder), folder / "data", "--chunk-size", "4", "--scales", "1")
    info = json.loads((folder / "data/info").read_text())
    info.update(changes.get("info", {}))
    info["scales"][0].update(changes.get("scale", {}))
    (folder / "data/info").write_text(json.dumps(info))


READ = ("convert", "data", "back.nii")


def picture(folder, encoding, other=(7, 5, 3)):
    """A dataset of one chunk file in `encoding`; returns the chunk's path and the bytes of another volume's chunk."""
    options = ("--encoding", encoding, "--layout", "flat", "--scales", "1")
    convert(good(folder), folder / "data", *options)
    convert(good(folder, volumes.noise(other, "u1"), "other.nii"), folder / "other", *options)
    (path,), (others,) = folder.glob("data/*/*-*"), folder.glob("other/*/*-*")
    return path, others.read_bytes()


@case(3, *READ)
def jpeg_of_another_shape(folder):
    path, other = picture(folder, "jpeg", (7, 5, 2))
    path.write_bytes(other)


@case(3, *READ)
def jpeg_that_is_cut(folder):
    path, _ = picture(folder, "jpeg")
    path.write_bytes(path.read_bytes()[:-40])


@case(3, *READ)
def png_bomb(folder):
    path, _ = picture(folder, "png")
    patch(path, 16, ">II", 60000, 60000)
    data = path.read_bytes()
    patch(path, 29, ">I", zlib.crc32(data[12:29]))


@case(3, *READ)
def info_is_not_json(folder):
    dataset(folder)
    (folder / "data/info").write_text("{'type': image}")


@case(3, *READ)
def info_is_nested_too_deeply(folder):
    dataset(folder)
    (folder / "data/info").write_text("[" * 100000)


@case(3, *READ)
def info_of_a_mesh(folder):
    dataset(folder, info={"@type": "neuroglancer_legacy_mesh"})


@case(3, *READ)
def info_with_unknown_type(folder):
    dataset(folder, info={"data_type": "float64"})


@case(3, *READ)
def info_with_huge_size(folder):
    dataset(folder, scale={"size": [2**62, 2**62, 2**62]})


@case(3, *READ)
def info_with_size_as_text(folder):
    dataset(folder, scale={"size": ["7", "five", "3"]})


@case(3, *READ)
def info_with_too_many_shard_bits(folder):
    dataset(folder)
    info = json.loads((folder / "data/info").read_text())
    info["scales"][0]["sharding"]["minishard_bits"] = 60
    info["scales"][0]["sharding"]["shard_bits"] = 60
    (folder / "data/info").write_text(json.dumps(info))


@case(3, *READ)
def key_that_leaves_the_dataset(folder):
    dataset(folder, scale={"key": "../../etc"})


@case(3, "info", "nothing")
def info_of_nothing(folder):
    pass


@case(3, "check", "nothing")
def check_of_nothing(folder):
    pass


@case(2, "link", "data")
def link_to_a_folder(folder):
    dataset(folder)


@case(2, "link", "http://127.0.0.1:9/data/brain/", "--segments", "one")
def segments_are_text(folder):
    pass


@case(3, "link", "http://127.0.0.1:9/data/brain/")
def link_to_a_server_that_does_not_answer(folder):
    pass


@case(2, "convert", "v.nii", "s3://bucket/seg")
def destination_that_is_a_url(folder):
    good(folder)


@case(2, "convert", "v.nii", "-")
def destination_that_is_a_stream(folder):
    good(folder)


@case(2, "convert", "v.nii", "seg.zarr")
def destination_of_an_unknown_kind(folder):
    good(folder)


@case(3, "serve", "nothing")
def serve_nothing(folder):
    pass


@case(2, "serve", "v.nii", "--port", "99999")
def port_too_large(folder):
    good(folder)


@pytest.mark.parametrize("name", CASES)
def test_error(name, tmp_path, monkeypatch, set_exact):
    status, arguments, make = CASES[name]
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = run(*arguments, timeout=60)
    text = f"exit {done.status}\n{done.err}"
    golden = GOLDEN / f"{name}.exact"
    if set_exact:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)
    assert done.status == status, done.err
    assert done.out == ""
    assert sorted(tmp_path.rglob("*")) == before, "an error left something behind"
    lines = done.err.splitlines()
    assert lines[0].startswith("ngforge: "), "one line"
    assert len(lines) == 1 or len(lines) == 2 and lines[1].startswith("hint: "), "and a hint when something can be done"
    assert text == golden.read_text()


def test_every_golden_file_has_a_case():
    assert {p.stem for p in GOLDEN.glob("*.exact")} == set(CASES)
