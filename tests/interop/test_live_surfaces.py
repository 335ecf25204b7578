# SPDX-License-Identifier: Apache-2.0
"""`serve` shows surface files as they are: meshes in nanometres of the world, one segment for each file or region."""

import json
import struct

import nibabel as nib
import numpy as np
import pytest
import trimesh
from nibabel.gifti import GiftiCoordSystem

from program import convert, run
from site_under_test import Site, served
from surfaces import bumpy, convert_surface, corners, save_gifti

VERTICES, FACES = bumpy()
NM = VERTICES.astype(float) * 1e6
CENTRE = np.array([1.5, -20, 7])


def gifti(path):
    shift = np.eye(4)
    shift[:3, 3] = CENTRE
    save_gifti(path, (VERTICES - CENTRE).astype("f4"), FACES.astype("i4"),
               spaces=[GiftiCoordSystem("NIFTI_XFORM_UNKNOWN", "NIFTI_XFORM_SCANNER_ANAT", shift)])


def freesurfer(path):
    geometry = {"head": [2, 0, 20], "valid": "1  # volume info valid", "filename": "x", "volume": [256] * 3,
                "voxelsize": [1, 1, 1], "xras": [-1, 0, 0], "yras": [0, 0, -1], "zras": [0, 1, 0], "cras": CENTRE}
    nib.freesurfer.write_geometry(str(path), VERTICES - CENTRE, FACES, volume_info=geometry)


def plain(path):
    path.write_bytes(struct.pack("<I", len(NM)) + NM.astype("<f4").tobytes() + FACES.astype("<u4").tobytes())


def exported(path):
    data = trimesh.Trimesh(VERTICES, FACES, process=False).export(file_type=path.suffix[1:])
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def ours(path):
    plain(path.with_suffix(".fragment"))
    convert_surface(path.with_suffix(".fragment"), path)


# Name of the file, and what it is called when it is shown.
FILES = {"lh.surf.gii": (gifti, "lh.surf"), "lh.pial": (freesurfer, "lh.pial"), "a.obj": (exported, "a"), "b.ply": (exported, "b"),
         "c.stl": (exported, "c"), "d.off": (exported, "d.off"), "e.vtk": (ours, "e"), "7_0_1": (plain, "7_0_1")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live_surfaces")
    for name, (make, _) in FILES.items():
        make(folder / name)
    return folder


@pytest.fixture(scope="module")
def line(folder):
    with served(*(folder / name for name in FILES)) as (_, line):
        yield line


def ask(line, dataset, key):
    answer = Site(line).ask(f"/data/{dataset['name']}/{key}")
    assert answer.status == 200, f"{key}: {answer.status}"
    return answer.content


def mesh_of(line, dataset, label):
    names = json.loads(ask(line, dataset, f"{label}:0"))["fragments"]
    (content,) = [ask(line, dataset, name) for name in names]
    count = int.from_bytes(content[:4], "little")
    return (np.frombuffer(content, "<f4", 3 * count, 4).reshape(-1, 3).astype(float),
            np.frombuffer(content, "<u4", offset=4 + 12 * count).reshape(-1, 3))


@pytest.mark.parametrize("name", FILES)
def test_every_format(line, name):
    (dataset,) = [dataset for dataset in line["datasets"] if dataset["name"] == FILES[name][1]]
    assert dataset["type"] == "surface" and dataset["transform"] is None
    assert dataset["layer"] == {"type": "segmentation", "name": FILES[name][1], "source": {"url": dataset["source"]}, "segments": ["1"]}
    assert json.loads(ask(line, dataset, "info")) == {"@type": "neuroglancer_legacy_mesh", "segment_properties": "names"}
    names = json.loads(ask(line, dataset, "names/info"))["inline"]
    assert names["ids"] == ["1"] and names["properties"][0]["values"] == [FILES[name][1]]
    # 8 nm is a step of float32 there.
    np.testing.assert_allclose(corners(mesh_of(line, dataset, 1)), corners((NM, FACES)), atol=20)


def test_the_view_is_where_the_surface_is(line):
    state = json.loads(Site(line).ask("/state/a.json").content)
    assert state["dimensions"] == {axis: [0.001, "m"] for axis in "xyz"}
    middle = (VERTICES.min(axis=0) + VERTICES.max(axis=0)) / 2
    assert np.abs(np.array(state["position"]) - middle).max() <= 1
    page = Site(line).ask("/").content.decode()
    assert f"<dt>Triangles</dt><dd>{len(FACES)}</dd>" in page


def test_a_volume_leads_the_view(folder, tmp_path):
    nib.save(nib.Nifti1Image(np.ones((9, 9, 9), "u1"), np.diag([2, 2, 2, 1])), tmp_path / "scan.nii")
    with served(folder / "a.obj", tmp_path / "scan.nii") as (_, line):
        state = json.loads(Site(line).ask("/state.json").content)
    assert state["position"] == pytest.approx([8, 8, 8])
    assert [layer["name"] for layer in state["layers"]] == ["a", "scan"]


def test_links_are_the_same(line):
    for dataset in line["datasets"]:
        linked = run("link", dataset["url"], "--state")
        assert linked.status == 0, linked.err
        layer, = linked.json["layers"]
        assert layer == dataset["layer"]


def test_regions_are_segments(folder, tmp_path):
    regions = np.where(VERTICES[:, 2] > VERTICES[:, 2].mean(), 1, 2)
    colors = np.array([[0, 0, 0, 0, 0], [255, 0, 0, 0, 255], [0, 255, 0, 0, 65280]])
    nib.freesurfer.write_annot(tmp_path / "lh.test.annot", regions, colors, ["none", "upper", "lower"], fill_ctab=False)
    with served(folder / "lh.pial", tmp_path / "lh.test.annot") as (_, line):
        dataset, = line["datasets"]
        names = json.loads(ask(line, dataset, "names/info"))["inline"]
        assert names["ids"] == dataset["layer"]["segments"] == ["1", "2"]
        assert names["properties"][0]["values"] == ["upper", "lower"]
        parts = [trimesh.Trimesh(*mesh_of(line, dataset, label), process=False) for label in (1, 2)]
    assert parts[0].bounds[1, 2] > parts[1].bounds[1, 2] and parts[0].bounds[0, 2] > parts[1].bounds[0, 2]
    assert sum(part.area for part in parts) == pytest.approx(trimesh.Trimesh(NM, FACES, process=False).area, rel=1e-4)


def test_meshes_of_a_dataset(tmp_path):
    values = np.zeros((40, 30, 20), "u4")
    values[5:20, 5:20, 5:15] = 7
    affine = np.array([[2, 0, 0, -50], [0, 2, 0, 10], [0, 0, 2, 5], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "labels.nii")
    convert(tmp_path / "labels.nii", tmp_path / "seg", "--type", "segmentation")
    assert run("mesh", tmp_path / "seg").status == 0
    with served(tmp_path / "seg" / "mesh", f"{tmp_path / 'seg'}|mesh:7") as (_, line):
        folder, one = line["datasets"]
        assert folder["type"] == one["type"] == "surface"
        assert "segments" not in folder["layer"], "nothing names them"
        positions, _ = mesh_of(line, one, 1)
    np.testing.assert_allclose(positions.min(axis=0) / 1e6, [5 * 2 - 51, 5 * 2 + 9, 5 * 2 + 4], atol=2)


def test_too_little_memory(folder):
    done = run("serve", folder / "b.ply", "--memory", "64KiB", "--port", "0")
    assert done.status == 4 and "--memory" in done.err
