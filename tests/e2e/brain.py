# SPDX-License-Identifier: Apache-2.0
"""The demo's two volumes and what must be seen of them: millimetres and values from nibabel alone."""

import functools

import nibabel as nib
import numpy as np

import data
import pyramid
from e2e.viewer import Look

NAMES = ("icbm152_t1", "desikan_killiany")
ZOOM_MM = [0.5, 2.0]  # crossSectionScale, mm a pixel, at which scales 0 and 1 (1 mm, 2 mm) are loaded
# Millimetres in the cortex of both, where half a voxel or a coarser scale has another value; none at a cell border.
PLACES = [(-38.65, -0.55, 35.55), (53.15, 8.25, -21.65), (0.75, -83.85, 35.05), (1.35, -36.05, 38.95), (-13.75, 49.15, 42.45)]


def paths():
    return [data.fetch(f"{name}.nii.gz") for name in NAMES]


class Volume:
    """A file brought to RAS+ by nibabel."""

    def __init__(self, path, method):
        image = nib.as_closest_canonical(nib.load(path))
        self.affine, self.method = image.affine, method
        self.values = np.asarray(image.dataobj)[..., np.newaxis]

    def at(self, position_mm, k=0):
        """The value around a point: of the voxel with the nearest centre, k times downsampled by the NumPy pyramid."""
        voxel = np.floor((np.linalg.inv(self.affine) @ [*position_mm, 1])[:3] + 0.5).astype(int)
        if (voxel < 0).any() or (voxel >= self.values.shape[:3]).any():
            return 0
        begin = voxel >> k << k
        cell = self.values[tuple(slice(b, b + 2**k) for b in begin)]
        for _ in range(k):
            cell, begin = pyramid.downsample(cell, begin, np.full(3, 2), self.method)
        return int(cell[0, 0, 0, 0])


@functools.cache
def volumes():
    return [Volume(path, method) for path, method in zip(paths(), ("average", "majority"), strict=True)]


def looks(level=0, names=NAMES):
    """Looks at all places, zoomed so that the scale `level` is the one that is loaded."""
    made = []
    for place in PLACES:
        values = {name: volume.at(place, level) for name, volume in zip(NAMES, volumes(), strict=True)}
        assert all(values.values()), "0 is what missing data shows"
        made.append(Look(place, ZOOM_MM[level], {name: values[name] for name in names}))
    return made
