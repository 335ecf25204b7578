# SPDX-License-Identifier: Apache-2.0
"""What a user types, and destinations in the way."""

import numpy as np

import volumes
from bad_input import CONVERT, case, good


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


@case(2, *CONVERT, "--encoding", "jpeg", "--jpeg-plane", "yz")
def unknown_plane(folder):
    good(folder)


@case(2, *CONVERT, "--encoding", "jpeg", "--jpeg-plane", "xz", "--chunk-size", "256,256,8")
def plane_wider_than_a_picture(folder):
    good(folder, np.zeros((256, 256, 8), "u1"))


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


@case(2, *CONVERT, "--sharding", "0,4,4,md5")
def sharding_by_an_unknown_hash(folder):
    good(folder)


@case(3, "check", "http://127.0.0.1:1/d", "--repair")
def repair_of_what_is_elsewhere(folder):
    pass


@case(3, "check", "out", "--repair")
def repair_of_nothing(folder):
    pass


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
