# SPDX-License-Identifier: Apache-2.0
"""Datasets that `downsample` cannot make coarser, and options that mean nothing."""

import json

from bad_input import case, good
from program import convert

RUN = ("downsample", "d")


def dataset(folder, *options):
    good(folder)
    convert(folder / "v.nii", folder / "d", "--chunk-size", "4", "--layout", "flat", *options)
    return folder / "d"


def edit_info(folder, change):
    path = dataset(folder, "--scales", "2") / "info"
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


@case(3, *RUN)
def downsample_of_nothing(folder):
    pass


@case(3, *RUN)
def downsample_of_an_empty_folder(folder):
    (folder / "d").mkdir()


@case(3, "downsample", "v.nii")
def downsample_of_a_file(folder):
    good(folder)


@case(3, "downsample", "d.zarr")
def downsample_of_zarr(folder):
    good(folder)
    convert(folder / "v.nii", folder / "d.zarr")


@case(3, *RUN)
def downsample_without_any_chunk(folder):
    for path in dataset(folder, "--scales", "1").glob("*/*-*"):
        path.unlink()


@case(3, *RUN)
def downsample_of_a_broken_chunk(folder):
    path = next((dataset(folder, "--scales", "1")).glob("*/*0-4_0-4_0-3*"))
    path.write_bytes(path.read_bytes()[:-20])


@case(3, *RUN)
def downsample_to_scales_of_other_shape(folder):
    edit_info(folder, lambda info: info["scales"][1].update(size=[5, 5, 5]))


@case(3, *RUN)
def downsample_where_two_scales_have_one_key(folder):
    edit_info(folder, lambda info: info["scales"][1].update(key=info["scales"][0]["key"]))


@case(2, *RUN, "--scales", "0")
def downsample_to_no_scale(folder):
    dataset(folder)


@case(2, *RUN, "--downsample", "mode")
def downsample_by_a_filter_that_is_none(folder):
    dataset(folder)


@case(2, *RUN, "--factor", "2,0,2")
def downsample_by_zero(folder):
    dataset(folder, "--scales", "1")


@case(2, *RUN, "--outside", "dark")
def downsample_with_an_outside_that_is_no_number(folder):
    dataset(folder, "--scales", "1")


@case(2, *RUN, "--chunk-size", "4,4")
def downsample_with_chunks_of_two_sides(folder):
    dataset(folder, "--scales", "1")


@case(2, "downsample")
def downsample_without_a_dataset(folder):
    pass
