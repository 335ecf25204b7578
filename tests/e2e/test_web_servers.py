# SPDX-License-Identifier: Apache-2.0
"""The real viewer, which comes from another server, reads what web servers show as `ngforge webserver` configures them:
packed chunks in deep folders, and meshes whose names have no colon."""

import nibabel as nib
import numpy as np
import pytest

import web_servers
from e2e import panel
from e2e.viewer import Look, link_of, served, state_of, view
from program import PROGRAM, convert, run
from volumes import save_nifti

SHAPE = (96, 80, 70)
AFFINE = np.diag([1, 1.5, 2, 1])
BALLS = {7: ((30, 40, 35), 20), 12: ((68, 40, 35), 16)}
VIEW_MM = 150  # height of the panel
PIXELS = 0.25  # mm


@pytest.fixture(scope="module")
def labels():
    labels = np.zeros(SHAPE, "u4")
    grid = np.ogrid[tuple(map(slice, SHAPE))]
    for label, (centre, radius) in BALLS.items():
        labels[sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) < radius**2] = label
    return labels


@pytest.fixture(scope="module")
def web(labels):
    with web_servers.readable_folder() as root:
        save_nifti(root / "balls.nii", labels, AFFINE)
        convert(root / "balls.nii", root / "web/data", "--layout", "deep", "--chunk-size", "32")
        done = run("mesh", root / "web/data", "--format", "legacy", "--no-colon-suffix")
        assert done.status == 0, done.err
        yield root / "web"


@pytest.mark.parametrize("server", ["nginx", "apache", "caddy"])
def test_voxels_and_meshes(labels, web, server, tmp_path):
    scene = panel.Voxels(labels, AFFINE, list(BALLS))
    looks = []
    for voxel in [(68, 40, 35), (12, 40, 35), (30, 55, 40)]:
        assert labels[voxel] != 0, "0 is what missing data shows"
        looks.append(Look(nib.affines.apply_affine(AFFINE, voxel).tolist(), PIXELS, {"data": labels[voxel]}))
    picked = []
    looks[-1].projection = VIEW_MM
    looks[-1].then = lambda page: picked.extend((place, panel.pick(page, place)) for place in panel.places(page, scene, 5, 3))
    with web_servers.running(server, web) as url, served(PROGRAM, web / "data") as line:
        linked = run("link", f"{url}/data/", "--segments", "7,12", "--viewer", line["url"] + "v/ngforge/")
        assert linked.status == 0, linked.err
        address, state = state_of(linked.out.strip())
        state.update(layout="xy-3d", showSlices=False, showAxisLines=False, showDefaultAnnotations=False)
        seen = view(link_of(address, state), 1, looks, tmp_path / "view.png")
    assert seen.problems == [] and len(seen.values) == len(looks)
    assert seen.missing, "chunks of zeros are not stored: 404 is answered for them, with CORS"
    panel.check(picked, "data", within=3)
    assert {found[1] for _, found in picked if found} == set(BALLS)
