# SPDX-License-Identifier: Apache-2.0
"""The 3-D panel of the viewer: what the mouse picks there, and what a ray through the same pixel meets in the data.

Of the viewer only the projection is taken, the line of positions that lie behind a pixel. What is first on that line is
found among voxels or triangles that nothing of ours has touched.
"""

from dataclasses import dataclass

import numpy as np

# Pixels. The viewer takes what is nearest to the mouse within 5 of them.
AROUND = [(0, 0), (7, 0), (-7, 0), (0, 7), (0, -7), (5, 5), (-5, 5), (5, -5), (-5, -5)]


@dataclass
class Place:
    """A pixel of the page in whose neighbourhood one segment alone is seen, or nothing."""
    pixel: tuple
    near: np.ndarray  # where the ray begins; global position
    id: int | None
    depth: float  # from there, in global units
    slant: float  # by how much the depth differs in the neighbourhood


class Voxels:
    """Labels [x, y, z] and where their centres are; segments that are not chosen are not seen."""

    def __init__(self, labels, affine, chosen):
        self.labels = np.where(np.isin(labels, np.array(chosen, labels.dtype)), labels, 0)
        self.to_voxels = np.linalg.inv(affine)
        self.step = 0.25 * np.linalg.norm(affine[:3, :3], axis=0).min()

    def first(self, near, far):
        """Label and depth of what a ray meets first, or None."""
        length = np.linalg.norm(far - near)
        depth = np.arange(0, length, self.step)
        points = near + depth[:, np.newaxis] * (far - near) / length
        voxels = np.floor(points @ self.to_voxels[:3, :3].T + self.to_voxels[:3, 3] + 0.5).astype(int)
        inside = ((voxels >= 0) & (voxels < self.labels.shape)).all(axis=1)
        found = np.zeros(len(voxels), self.labels.dtype)
        found[inside] = self.labels[tuple(voxels[inside].T)]
        if not found.any():
            return None
        first = np.flatnonzero(found)[0]
        return int(found[first]), depth[first]


def places(page, scene, columns=5, rows=4):
    """Of a grid over the panel the pixels where it is sure what is seen: no edge is within some pixels."""
    x, y, width, height = page.evaluate("() => ngforge.panelBox()")
    grid = [(round(x + width * (i + 1) / (columns + 1)), round(y + height * (j + 1) / (rows + 1)))
            for j in range(rows) for i in range(columns)]
    around = [(px + dx, py + dy) for px, py in grid for dx, dy in AROUND]
    rays = np.array(page.evaluate("points => ngforge.rays(points)", around)).reshape(len(grid), len(AROUND), 2, 3)
    sure = []
    for pixel, near_by in zip(grid, rays, strict=True):
        hits = [scene.first(*ray) for ray in near_by]
        ids = {hit and hit[0] for hit in hits}
        if len(ids) == 1:
            depths = [hit[1] for hit in hits if hit] or [0]
            sure.append(Place(pixel, near_by[0, 0], ids.pop(), depths[0], np.ptp(depths)))
    return sure


def pick(page, place):
    """What the viewer says is under the mouse: layer, id and depth; None where there is nothing."""
    page.mouse.move(*place.pixel)
    picked = page.evaluate("() => ngforge.picked()")
    if picked is None:
        return None
    layer, id, position = picked
    return layer, int(id), float(np.linalg.norm(position - place.near))


def check(picked, layer, within):
    """Every place shows what the ray meets, in front of or behind it by no more than `within` and what its slant makes of
    that. At least one place shows nothing or something: a blank panel is no proof."""
    assert any(place.id for place, _ in picked)
    for place, found in picked:
        expected = place.id and (layer, place.id)
        assert (found and found[:2]) == expected, f"{place}: expected {expected}, found {found}"
        assert not found or abs(found[2] - place.depth) <= within + place.slant, f"{place}: found {found}"
