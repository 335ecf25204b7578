# SPDX-License-Identifier: Apache-2.0
"""Compares a dataset with what nibabel, NumPy and the documentation's definitions say it must be."""

import numpy as np

import pyramid
from precomputed import Dataset


def as_channels(values):
    """[x, y, z, ...] to [x, y, z, channel]: all further axes flattened, fastest first; colours become channels."""
    if values.dtype.fields:
        values = np.stack([values[name] for name in values.dtype.names], axis=-1)
    return values.reshape((*values.shape[:3], -1), order="F")


def check_scales(folder, finest, method, offset=(0, 0, 0), outside=None, scales=None):
    """Compares every scale's grid and voxels: the finest is `finest`, each other comes from the one before."""
    dataset = Dataset(folder)
    finest = finest.astype(finest.dtype.newbyteorder("="))
    assert dataset.dtype == finest.dtype and dataset.channels == finest.shape[3]
    assert scales is None or len(dataset.scales) == scales
    values, offset = finest, np.array(offset)
    resolution = np.array(dataset.scales[0]["resolution"], float)
    for index, scale in enumerate(dataset.scales):
        if index:
            ratio = np.array(scale["resolution"]) / resolution
            factor = np.rint(ratio).astype(int)
            np.testing.assert_allclose(ratio, factor, rtol=1e-12)
            assert factor.max() > 1
            values, offset = pyramid.downsample(values, offset, factor, method, outside)
            resolution = np.array(scale["resolution"], float)
        assert scale["size"] == list(values.shape[:3])
        assert scale.get("voxel_offset", [0, 0, 0]) == offset.tolist()
        found = dataset.read(index)
        np.testing.assert_array_equal(found, values, err_msg=f"scale {index} of {folder}")
    return dataset


def check_affine(dataset, affine_mm, offset=(0, 0, 0)):
    """The centre of output voxel (i, j, k) lies where `affine_mm` says; `offset`: the voxel that index 0 is."""
    resolution = np.array(dataset.scales[0]["resolution"], float)
    size = dataset.scales[0]["size"]
    np.testing.assert_allclose(resolution, np.linalg.norm(affine_mm[:3, :3], axis=0) * 1e6, rtol=1e-6)
    for corner in np.ndindex(2, 2, 2):
        index = np.array(corner) * (np.array(size) - 1)
        nm = dataset.transform @ [*((index + offset + 0.5) * resolution), 1]
        mm = affine_mm @ [*index, 1]
        np.testing.assert_allclose(nm[:3] * 1e-6, mm[:3], atol=1e-6 * max(1, np.abs(mm).max()))
