#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the volume that conversions are measured on: the ICBM152 T1, resampled to SIDE^3 uint8, gzip level 6.

usage: make_brain.py T1.nii.gz OUT.nii.gz [SIDE]
"""

import gzip
import sys
from pathlib import Path

import nibabel as nib
import numpy as np


def resample(values, axis, side):
    """Linear interpolation of one axis to `side` samples over the same extent (voxel centres on voxel centres)."""
    size = values.shape[axis]
    position = (np.arange(side) + 0.5) * size / side - 0.5
    low = np.clip(np.floor(position).astype(int), 0, size - 2)
    weight = np.clip(position - low, 0, 1).astype(np.float32)
    weight = weight.reshape([-1 if a == axis else 1 for a in range(3)])
    return values.take(low, axis) * (1 - weight) + values.take(low + 1, axis) * weight


def main():
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    side = int(sys.argv[3]) if len(sys.argv) > 3 else 512
    image = nib.load(source)
    values = np.asarray(image.dataobj).astype(np.float32)
    scale = np.array(values.shape) / side
    for axis in range(3):
        values = resample(values, axis, side)
    affine = image.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ (scale / 2 - 0.5)
    affine[:3, :3] = affine[:3, :3] * scale
    out = nib.Nifti1Image(np.asfortranarray(np.rint(values).astype(np.uint8)), affine)
    out.header.set_xyzt_units("mm")
    partial = target.with_suffix(".partial")
    with open(partial, "wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
        packed.write(out.to_bytes())
    partial.rename(target)


if __name__ == "__main__":
    main()
