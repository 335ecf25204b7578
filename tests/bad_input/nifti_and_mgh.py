# SPDX-License-Identifier: Apache-2.0
"""Volumes that are none, whose headers lie, or whose values need a decision."""

import gzip

import nibabel as nib
import numpy as np

import volumes
from bad_input import CONVERT, case, good, patch
from volumes import save_nifti


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


@case(4, "convert", "v.nii.gz", "out.npy", "--memory", "256MiB")
def plane_whose_bytes_are_more_than_a_number_holds(folder):
    """Read as uint8 and written as float32, 9 bytes per voxel: 2^64 and a little."""
    header = nib.Nifti2Header()
    header.set_data_dtype("u1")
    header.set_data_shape((1431724848, 1431586686, 1))
    header.set_slope_inter(2.0, 0.0)
    header["magic"], header["vox_offset"] = b"n+2", 544
    (folder / "v.nii.gz").write_bytes(gzip.compress(header.binaryblock + bytes(1000), mtime=0))


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
