# SPDX-License-Identifier: Apache-2.0
"""Pairs of files, arrays and containers: .hdr/.img, .npy, raw, NRRD, HDF5."""

import nibabel as nib
import numpy as np

import volumes
from bad_input import CONVERT, case, good, patch


@case(3, *CONVERT)
def header_and_image_apart(folder):
    patch(good(folder), 344, "<4s", b"ni1\0")


@case(3, "convert", "v.hdr", "out")
def header_without_its_image(folder):
    nib.save(nib.AnalyzeImage(volumes.noise((7, 5, 3), "u1"), None), folder / "v.img")
    (folder / "v.img").unlink()


@case(3, "convert", "v.hdr", "out")
def image_of_a_pair_cut(folder):
    nib.save(nib.AnalyzeImage(volumes.noise((7, 5, 3), "u1"), None), folder / "v.img")
    (folder / "v.img").write_bytes((folder / "v.img").read_bytes()[:-1])


@case(3, "convert", "v.npy", "out")
def npy_cut(folder):
    np.save(folder / "v.npy", volumes.noise((7, 5, 3), "u2"))
    (folder / "v.npy").write_bytes((folder / "v.npy").read_bytes()[:-1])


@case(3, "convert", "v.npy", "out")
def npy_of_objects(folder):
    np.save(folder / "v.npy", np.array([["a", None]], dtype=object), allow_pickle=True)


@case(4, "convert", "v.npy", "out")
def npy_without_voxel_size(folder):
    np.save(folder / "v.npy", volumes.noise((7, 5, 3), "u2"))


@case(4, "convert", "v.raw", "out")
def raw_without_shape(folder):
    (folder / "v.raw").write_bytes(bytes(105))


@case(3, "convert", "v.raw", "out", "--shape", "7,5,4", "--dtype", "uint8")
def raw_of_another_size(folder):
    (folder / "v.raw").write_bytes(bytes(105))


@case(2, "convert", "v.raw", "out", "--shape", "7,5,x", "--dtype", "uint8")
def shape_that_is_no_shape(folder):
    (folder / "v.raw").write_bytes(bytes(105))


@case(3, "convert", "v.nrrd", "out")
def nrrd_of_unknown_encoding(folder):
    (folder / "v.nrrd").write_bytes(b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 7 5 3\nencoding: lzma\n\n")


@case(3, "convert", "v.nhdr", "out")
def nrrd_without_its_data(folder):
    (folder / "v.nhdr").write_bytes(b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 7 5 3\nencoding: raw\ndata file: v.raw\n")


@case(3, "convert", "v.nrrd", "out")
def nrrd_text_that_is_no_number(folder):
    (folder / "v.nrrd").write_bytes(b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 1 1\nencoding: ascii\n"
                                    b"spacings: 1 1 1\n\n1 256\n")


def hdf5(folder):
    import h5py

    with h5py.File(folder / "v.h5", "w") as file:
        file["a/raw"] = volumes.noise((7, 5, 3), "u1")
        file["a/labels"] = volumes.noise((7, 5, 3), "u4")
        file["table"] = np.zeros(5)


@case(3, "convert", "v.h5|hdf5:/a", "out")
def hdf5_path_is_a_group(folder):
    hdf5(folder)


@case(3, "convert", "v.h5|hdf5:/b", "out")
def hdf5_path_is_nothing(folder):
    hdf5(folder)


@case(4, "convert", "v.h5", "out")
def hdf5_with_two_volumes(folder):
    hdf5(folder)
