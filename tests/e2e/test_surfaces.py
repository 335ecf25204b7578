# SPDX-License-Identifier: Apache-2.0
"""A surface file and a scan in the real viewer: the surface is where the voxels are that it was made of."""

import nibabel as nib
import numpy as np
from skimage.measure import marching_cubes

from e2e import panel
from e2e.viewer import Look, link_of, served, state_of, view
from program import PROGRAM
from surfaces import save_gifti
from volumes import save_nifti

SHAPE = (90, 80, 70)
AFFINE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.3, -0.2, 0.25) @ np.diag([2.7, 2.4, 3.3]), [-80, -120, -40])
VIEW = [0.8, 0.1, 0.3, 0.5]
ZOOM_MM = 250
WITHIN_MM = 1.5 * 3.3  # the surface goes through midpoints of voxels


def test_a_surface_lies_on_its_scan(tmp_path):
    grid = np.ogrid[tuple(map(slice, SHAPE))]
    inside = sum(((g - c) / r) ** 2 for g, c, r in zip(grid, (40, 42, 33), (28, 22, 25), strict=True)) < 1
    save_nifti(tmp_path / "scan.nii", (inside * 200).astype("u1"), AFFINE)
    vertices, faces, _, _ = marching_cubes(np.pad(inside, 1).astype("f4"), 0.5)
    vertices = nib.affines.apply_affine(AFFINE, vertices - 1)
    save_gifti(tmp_path / "ball.surf.gii", vertices.astype("f4"), faces.astype("i4"))
    scene = panel.Voxels(inside.astype("u1"), AFFINE, [1])
    centre = nib.affines.apply_affine(AFFINE, (40, 42, 33)).tolist()
    told = []

    def picks(page):
        page.screenshot(path=str(tmp_path / "view.png"))
        told.extend((place, panel.pick(page, place)) for place in panel.places(page, scene))

    with served(PROGRAM, tmp_path / "ball.surf.gii", tmp_path / "scan.nii", "--type", "image") as line:
        assert [dataset["type"] for dataset in line["datasets"]] == ["surface", "image"]
        seen = view(line["viewer"], 2, [Look(centre, 3, {"scan": 200})])
        assert seen.problems == []
        address, state = state_of(line["viewer"])
        state.update(layout={"type": "3d", "orthographicProjection": True}, projectionOrientation=VIEW, showAxisLines=False,
                     showDefaultAnnotations=False)
        looks = [Look(centre, 3, {}, projection=ZOOM_MM, then=picks)]
        seen = view(link_of(address, state), 2, looks)
    # Chunks of zeros are missing; of the surface nothing is.
    assert seen.problems == [] and not [url for url in seen.missing if "/scan/" not in url]
    panel.check(told, "ball.surf", WITHIN_MM)
    offsets = [found[2] - place.depth for place, found in told if found]
    assert len(offsets) >= 3 and abs(np.median(offsets)) < 3.3 / 2, offsets
