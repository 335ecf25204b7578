#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of tests/fuzz/corpus/nifti and corpus/mgh with nibabel: python3 tools/make_golden/make_volume_corpus.py

The same files come out whenever nibabel writes the same bytes; the ones in the tree are from nibabel 5.4.2.
"""
import gzip
from pathlib import Path

import nibabel
import numpy as np

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "fuzz" / "corpus"
AFFINE = np.array([[-2.0, 0.1, 0, 90], [0, 1.5, 0.4, -126], [0.2, 0, 3, -72], [0, 0, 0, 1]])
RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])


def values(shape, dtype):
    """Counts up, so that a misplaced voxel is seen."""
    dtype = np.dtype(dtype)
    count = np.arange(int(np.prod(shape)) * (len(dtype.names) if dtype.names else 1)) % 100
    if dtype.names:
        return count.astype("u1").view(dtype).reshape(shape)
    return count.astype(dtype).reshape(shape)


def write_nifti(name, image_class, shape, dtype, *, big=False, gz=False, change=None, extension=False):
    header = image_class.header_class(endianness=">" if big else "<")
    header.set_data_dtype(dtype)
    image = image_class(values(shape, dtype), AFFINE, header)
    if extension:
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"a mouse"))
    if change:
        change(image.header)
    data = image.to_bytes()
    (CORPUS / "nifti" / name).write_bytes(gzip.compress(data, mtime=0) if gz else data)


def write_mgh(name, shape, dtype, *, gz=False, footer=True):
    data = nibabel.MGHImage(values(shape, dtype), AFFINE).to_bytes()
    if not footer:
        data = data[: 284 + int(np.prod(shape)) * np.dtype(dtype).itemsize]
    (CORPUS / "mgh" / name).write_bytes(gzip.compress(data, mtime=0) if gz else data)


def without_forms(header):
    header.set_sform(None, 0)
    header.set_qform(None, 0)


def only_qform(header):
    header.set_sform(None, 0)
    header.set_qform(AFFINE, 1)
    header.set_xyzt_units("micron", "sec")


def label(header):
    header.set_intent(1002, name="atlas")


def main():
    for folder in ("nifti", "mgh"):
        (CORPUS / folder).mkdir(parents=True, exist_ok=True)
    one, two = nibabel.Nifti1Image, nibabel.Nifti2Image
    write_nifti("uint8.nii", one, (3, 2, 2), "u1")
    write_nifti("int16_big.nii", one, (3, 2, 2), "i2", big=True, change=only_qform)
    write_nifti("float32_4d.nii.gz", one, (3, 2, 2, 2), "f4", gz=True)
    write_nifti("rgb.nii", one, (3, 2, 2), RGB, change=without_forms)
    write_nifti("extension.nii", one, (2, 2, 2), "u2", extension=True)
    write_nifti("label_2.nii", two, (3, 2, 2), "u4", change=label)
    write_nifti("complex_big_2.nii.gz", two, (2, 2, 2, 1, 3), "c8", big=True, gz=True, extension=True)
    write_mgh("uint8.mgh", (3, 2, 2), "u1")
    write_mgh("int16.mgh", (3, 2, 2), "i2", footer=False)
    write_mgh("float32_frames.mgz", (3, 2, 2, 3), "f4", gz=True)


if __name__ == "__main__":
    main()
