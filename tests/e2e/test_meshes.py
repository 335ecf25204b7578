# SPDX-License-Identifier: Apache-2.0
"""Meshes in the 3-D panel of the real viewer: the mouse picks the segment that a ray through the voxels meets first, where
it meets it, at every level of detail."""

import shutil

import nibabel as nib
import numpy as np
import pytest

from e2e import panel
from e2e.viewer import Look, link_of, served, state_of, view
from program import PROGRAM, convert, run
from volumes import save_nifti

SHAPE = (256, 240, 220)
# Voxels of 0.9 x 0.8 x 1.1 mm, turned, and a corner of the volume that is cut off: every part of the geometry matters.
CROP = (24, 16, 8)
CUT = ("--crop", ",".join(f"{begin}:{end}" for begin, end in zip(CROP, SHAPE, strict=True)))
AFFINE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.3, -0.2, 0.25) @ np.diag([0.9, 0.8, 1.1]), [-80, -120, -40])
# Label: centre and radii, in voxels.
BALLS = {12: ((90, 80, 70), (55, 60, 50)), 34: ((180, 160, 130), (60, 65, 70)), 2**40 + 5: ((100, 190, 60), (50, 40, 40)),
         7: ((200, 60, 60), (40, 40, 40))}
CHOSEN = (12, 34, 2**40 + 5)  # 7 hides nothing
KINDS = {"sharded": (), "flat": ("--layout", "flat", "--quantization-bits", "10"), "legacy": ("--format", "legacy")}
LIVE = {"live": "balls.nii", "live dataset": "balls"}  # what is served without meshes of its own
VIEW = [0.8, 0.1, 0.3, 0.5]  # a quaternion that is at right angles to nothing
# How high the panel is, and the finest level of detail that the viewer then takes. Left alone it takes the coarsest whose
# scale (1.1, 2.2, 4.4 mm) is not more than half a pixel: here it may be 6 pixels, or the balls would be small.
ZOOMS_MM = {640: 2, 320: 1, 40: 0}
DETAIL = 12
# By how much the picked surface may lie before or behind that of the voxels, in mm: the error of the level (1, 3, 7
# voxels) and half a voxel, and half of it for triangles that are seen at a slant.
WITHIN_MM = {2: 1.5 * 8.25, 1: 1.5 * 3.85, 0: 1.5 * 1.65}


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    """Big smooth objects: the labels, and their dataset without meshes."""
    folder = tmp_path_factory.mktemp("balls")
    labels = np.zeros(SHAPE, "u8")
    grid = np.ogrid[tuple(map(slice, SHAPE))]
    for label, (centre, radii) in BALLS.items():
        labels[sum(((g - c) / r) ** 2 for g, c, r in zip(grid, centre, radii, strict=True)) < 1] = label
    save_nifti(folder / "balls.nii", labels, AFFINE)
    convert(folder / "balls.nii", folder / "balls", *CUT)
    labels[:CROP[0]] = labels[:, :CROP[1]] = labels[:, :, :CROP[2]] = 0
    return labels, folder / "balls"


@pytest.fixture(params=[*KINDS, *LIVE])
def meshed(request, volume, tmp_path):
    """Which kind, and what `serve` is told to show."""
    if request.param in LIVE:
        place = volume[1].parent / LIVE[request.param]
        return request.param, (place, *(CUT if place.is_file() else ()))
    folder = shutil.copytree(volume[1], tmp_path / "balls")
    done = run("mesh", folder, *KINDS[request.param])
    assert done.status == 0, done.err
    return request.param, (folder,)


def test_chosen_segments_at_three_zooms(volume, meshed, tmp_path):
    kind, arguments = meshed
    scene = panel.Voxels(volume[0], AFFINE, CHOSEN)
    toward = nib.quaternions.quat2mat(np.roll(VIEW, 1) / np.linalg.norm(VIEW)) @ [0, 0, 1]
    middle = nib.affines.apply_affine(AFFINE, BALLS[34][0])
    _, depth = scene.first(middle - 300 * toward, middle)
    in_front = middle + (depth - 300) * toward  # where the surface is seen in the middle of the panel
    levels, told = [], []

    def picks(page):
        page.screenshot(path=str(tmp_path / f"{kind}{len(levels)}.png"))
        levels.append(page.evaluate("name => ngforge.meshLevels(name)", "balls"))
        told.append([(place, panel.pick(page, place)) for place in panel.places(page, scene)])

    with served(PROGRAM, *arguments) as line:
        linked = run("link", line["datasets"][0]["url"], "--segments", ",".join(map(str, CHOSEN)))
        address, state = state_of(linked.out.strip())
        state["layers"][0]["meshRenderScale"] = DETAIL
        # Boxes and axes could be picked too.
        state.update(layout={"type": "3d", "orthographicProjection": True}, projectionOrientation=VIEW, showAxisLines=False, showDefaultAnnotations=False)
        looks = [Look(in_front.tolist(), 1, {}, projection=zoom, then=picks) for zoom in ZOOMS_MM]
        seen = view(link_of(address, state), 1, looks)
    assert seen.problems == [] and seen.missing == []
    # What was loaded once stays: from far to near, each zoom adds a finer level.
    expected = ZOOMS_MM.values() if kind in ("sharded", "flat") else [0, 0, 0]
    assert [found[0] for found in levels] == [*expected]
    for level, picked in zip(expected, told, strict=True):
        panel.check(picked, "balls", WITHIN_MM[level])
    # Close by, where pixels are small: half a voxel would show.
    offsets = [found[2] - place.depth for place, found in told[-1] if found]
    assert len(offsets) >= 8 and abs(np.median(offsets)) < 0.25, offsets
    assert {found[1] for picked in told for _, found in picked if found} == set(CHOSEN)
