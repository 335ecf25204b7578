# SPDX-License-Identifier: Apache-2.0
"""What the pages of the server lead to, and layers of other kinds than the demo's, in the real viewer."""

import shutil

import nibabel as nib
import numpy as np
import pytest

from e2e.viewer import Look, served, view
from program import PROGRAM, convert, run

SHAPE = (60, 50, 40)
MIDDLE = (60.7, 49.4, 40.7)  # millimetres in voxel VOXEL, whose centre is at (60, 50, 40): voxels are 2 mm wide
VOXEL = (30, 25, 20)


def ramps(dtype):
    """Values that tell their voxel: x + 1, 2y + 1, 3z + 1 in three arrays."""
    x, y, z = np.indices(SHAPE)
    return [(a + 1).astype(dtype) for a in (x, 2 * y, 3 * z)]


def save(path, values):
    nib.save(nib.Nifti1Image(values, np.diag([2, 2, 2, 1.0])), path)
    return path


@pytest.fixture(scope="module")
def labels(tmp_path_factory):
    """A segmentation whose label is x + 1, converted."""
    folder = tmp_path_factory.mktemp("labels")
    convert(save(folder / "v.nii", ramps("i4")[0]), folder / "labels", "--type", "segmentation")
    return folder / "labels"


def middle(name, value, scale=0.2):
    return [Look(MIDDLE, scale, {name: value})]


@pytest.mark.parametrize("is_live", [True, False], ids=["live", "converted"])
def test_colours(tmp_path, is_live):
    values = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    values["R"], values["G"], values["B"] = ramps("u1")
    place = save(tmp_path / "rgb.nii", values)
    if not is_live:
        convert(place, tmp_path / "out/rgb")
        place = tmp_path / "out/rgb"
    with served(PROGRAM, place) as line:
        assert "emitRGB" in line["datasets"][0]["layer"]["shader"]
        assert view(line["viewer"], 1, middle("rgb", "31,51,61")).problems == []


def test_channels_that_are_no_colours(tmp_path):
    place = save(tmp_path / "many.nii.gz", np.stack(ramps("u2"), axis=-1))
    with served(PROGRAM, place) as line:
        assert "shader" not in line["datasets"][0]["layer"]
        assert view(line["viewer"], 1, middle("many", "31,51,61")).problems == []


def test_a_dataset_without_a_world(tmp_path, labels):
    shutil.copytree(labels, tmp_path / "plain")
    (tmp_path / "plain/transform.json").unlink()
    corner = tuple(v + 0.4 for v in VOXEL)
    with served(PROGRAM, tmp_path / "plain") as line:
        assert line["datasets"][0]["transform"] is None
        assert view(line["viewer"], 1, [Look(corner, 0.1, {"plain": VOXEL[0] + 1})]).problems == []


def test_many_dimensions_of_one_view(tmp_path, labels):
    """An image with a channel dimension and a segmentation without one, from two servers."""
    place = save(tmp_path / "many.nii", np.stack(ramps("u2"), axis=-1))
    with served(PROGRAM, place) as one, served(PROGRAM, labels) as other:
        urls = [line["datasets"][0]["url"] for line in (one, other)]
        link = run("link", *urls)
        assert link.status == 0, link.err
        looks = [Look(MIDDLE, 0.2, {"many": "31,51,61", "labels": VOXEL[0] + 1})]
        assert view(link.out.strip(), 2, looks).problems == []


def test_the_bare_viewer_shows_everything(tmp_path, labels):
    place = save(tmp_path / "v.nii", ramps("u1")[1])
    with served(PROGRAM, place, labels) as line:
        seen = view(line["url"] + "viewer/", 2, [Look(MIDDLE, 0.2, {})])
        assert seen.problems == [] and seen.missing == []


def test_segments_of_a_link(labels):
    with served(PROGRAM, labels) as line:
        state = run("link", line["datasets"][0]["url"], "--segments", "31,7", "--state").json
        assert state["layers"][0]["segments"] == ["31", "7"]
        link = run("link", line["datasets"][0]["url"], "--segments", "31,7").out.strip()
        assert view(link, 1, middle("labels", 31)).problems == []
