# SPDX-License-Identifier: Apache-2.0
"""Writes a large .nii.gz in seconds: structure under noise, no empty chunk, one gzip member.

A few groups of planes are compressed once each; the file is a sequence of them. Deflate allows that: a full flush ends
a group on a byte and forgets what came before.
"""

import struct
import zlib

import nibabel as nib
import numpy as np

GROUPS = 5  # prime to the powers of two that chunks and cells have, so that no alignment hides an error


def group_number(index):
    return (index * 3 + index // 7) % GROUPS


def plane_groups(plane_shape, planes, dtype):
    """GROUPS arrays [i, j, k] of `planes` planes each."""
    random = np.random.default_rng(7)
    i, j, k = np.ogrid[:plane_shape[0], :plane_shape[1], :planes]
    base = 20000 + 8000 * (np.sin(i / 61) * np.cos(j / 47) + np.sin(k / 5))
    for number in range(GROUPS):
        yield np.asfortranarray((base + 100 * number + random.integers(0, 31, base.shape)).astype(dtype))


def write(path, shape, affine_mm, dtype=np.uint16, planes=None):
    """`shape` [i, j, k]; `planes`: how many planes a group has (must divide k). Returns the groups."""
    planes = planes or max(1, (32 << 20) // (shape[0] * shape[1] * np.dtype(dtype).itemsize))
    assert shape[2] % planes == 0
    header = nib.Nifti1Header()
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header.set_sform(affine_mm, code="scanner")
    header.set_zooms(nib.affines.voxel_sizes(affine_mm))
    header.set_xyzt_units("mm")
    header["vox_offset"] = 352
    head = header.binaryblock + bytes(4)
    groups = list(plane_groups(shape[:2], planes, dtype))
    raw = [group.tobytes(order="F") for group in groups]
    packed = [deflate(data) for data in raw]
    check, size = zlib.crc32(head), len(head)
    with open(path, "wb") as file:
        file.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflate(head))
        for index in range(shape[2] // planes):
            number = group_number(index)
            file.write(packed[number])
            check = zlib.crc32(raw[number], check)
            size += len(raw[number])
        file.write(b"\x03\0" + struct.pack("<II", check, size & 0xFFFFFFFF))
    return groups


def deflate(data):
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
