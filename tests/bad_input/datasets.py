# SPDX-License-Identifier: Apache-2.0
"""Datasets that lie, and places that are none."""

import json
import zlib

import volumes
from bad_input import CONVERT, case, good, patch
from program import convert


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
    options = ("--encoding", encoding, "--compress", "none", "--layout", "flat", "--scales", "1")
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
def jxl_of_another_shape(folder):
    path, other = picture(folder, "jxl", (7, 5, 2))
    path.write_bytes(other)


@case(3, *READ)
def jxl_that_is_cut(folder):
    path, _ = picture(folder, "jxl")
    path.write_bytes(path.read_bytes()[:-9])


@case(3, *READ)
def compresso_that_is_cut(folder):
    path, _ = picture(folder, "compresso")
    path.write_bytes(path.read_bytes()[:-9])


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


@case(2, "convert", "v.nii", "seg.zarr", "--encoding", "png")
def encoding_for_zarr(folder):
    good(folder)


@case(2, "convert", "v.nii", "seg.zarr", "--compress", "lz4")
def compressor_for_zarr(folder):
    good(folder)


@case(2, *CONVERT, "--compress", "zstd")
def compressor_of_another_format(folder):
    good(folder)


@case(2, "convert", "v.nii", "seg.zarr", "--level", "0")
def level_of_another_compressor(folder):
    good(folder)


@case(2, "convert", "v.nii", "seg.zarr", "--layout", "deep")
def layout_for_zarr(folder):
    good(folder)


@case(2, "convert", "v.nii", "seg.zarr", "--sharding", "0,0,0")
def sharding_for_zarr(folder):
    good(folder)


@case(5, "convert", "v.nii", "seg.zarr", "--resume")
def zarr_that_is_none(folder):
    good(folder)
    (folder / "seg.zarr").mkdir()


@case(3, "serve", "nothing")
def serve_nothing(folder):
    pass


@case(2, "serve", "v.nii", "--port", "99999")
def port_too_large(folder):
    good(folder)
