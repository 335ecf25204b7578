# SPDX-License-Identifier: Apache-2.0
"""The surface before simplification: topology by scikit-image and trimesh, place and volume by zmesh."""

import numpy as np
import pytest
import trimesh
import zmesh

from meshes import cubes_with_opposite_corners, euler_number_18
from program import convert, run
from volumes import labels, save_nifti

SHAPE = (137, 45, 134)  # several nodes of the octree along x and z
RESOLUTION_NM = np.array([4, 5, 8])
OFFSET = np.array([100, -20, 3])


def smooth():
    return labels(SHAPE, np.uint64, seed=3, cells=25)


def rough():
    """Every kind of contact: labels in a fifth of which voxels are another one, and noise where nodes meet."""
    random = np.random.default_rng(4)
    values = labels(SHAPE, np.uint64, seed=4, cells=7)
    some = np.unique(values)
    values = np.where(random.random(SHAPE) < 0.2, random.choice(some, SHAPE), values)
    values[120:, :, 120:] = random.choice(some, values[120:, :, 120:].shape)
    return values


VOLUMES = {"smooth": smooth, "rough": rough}


def meshed(folder, values, *options):
    """A dataset with the unsimplified mesh of every label."""
    path = save_nifti(folder / "v.nii", values, np.diag([*RESOLUTION_NM * 1e-6, 1]))
    convert(path, folder / "ours", "--type", "segmentation", "--scales", "1",
            "--voxel-offset", ",".join(map(str, OFFSET)))
    done = run("mesh", folder / "ours", "--format", "legacy", "--layout", "flat", "--max-error", "0", *options)
    assert done.status == 0, done.err
    return folder / "ours/mesh"


def read(folder, label):
    """A label's mesh with positions in voxels of the volume, exact."""
    (fragment,) = folder.glob(f"{label}:0:*")
    data = fragment.read_bytes()
    count = int(np.frombuffer(data, "<u4", 1)[0])
    positions = np.frombuffer(data, "<f4", 3 * count, 4).reshape(-1, 3).astype(np.float64)
    faces = np.frombuffer(data, "<u4", -1, 4 + 12 * count).reshape(-1, 3)
    return trimesh.Trimesh(positions / RESOLUTION_NM - OFFSET, faces, process=False)


def by_zmesh(values, close):
    """{label: mesh} in voxels; zmesh counts from the centre of a voxel, of one more before the first when it closes."""
    mesher = zmesh.Mesher((1, 1, 1))
    mesher.mesh(np.asfortranarray(values), close=close)
    meshes = {}
    for label in mesher.ids():
        mesh = mesher.get(label, normals=False, reduction_factor=0, voxel_centered=False)
        meshes[label] = trimesh.Trimesh(mesh.vertices - (0.5 if close else -0.5), mesh.faces, process=False)
    return meshes


def in_order(points):
    return points[np.lexsort(points.T)]


@pytest.fixture(scope="module", params=VOLUMES)
def surface(request, tmp_path_factory):
    values = VOLUMES[request.param]()
    return request.param, values, meshed(tmp_path_factory.mktemp(request.param), values)


def test_every_label_is_a_manifold_of_its_topology(surface):
    name, values, folder = surface
    for label in np.unique(values[values != 0]):
        mesh = read(folder, label)
        assert mesh.is_watertight and mesh.is_winding_consistent
        # Watertight: each edge has two triangles. A vertex of several fans would count once too little.
        assert mesh.euler_number == 2 * euler_number_18(values == label)
        # What tells 18-connected from 26-connected.
        assert name == "smooth" or cubes_with_opposite_corners(values == label) > 0


def test_vertices_volumes_and_topology_are_those_of_zmesh(surface):
    _, values, folder = surface
    for label, expected in by_zmesh(values, close=True).items():
        mesh = read(folder, label)
        np.testing.assert_array_equal(in_order(mesh.vertices), in_order(expected.vertices))
        assert mesh.volume == pytest.approx(expected.volume, rel=1e-6)
        assert mesh.euler_number == expected.euler_number


def test_the_border_can_stay_open(tmp_path):
    values = smooth()
    folder = meshed(tmp_path, values, "--open")
    for label, expected in by_zmesh(values, close=False).items():
        mesh = read(folder, label)
        np.testing.assert_array_equal(in_order(mesh.vertices), in_order(expected.vertices))
        assert len(mesh.faces) == len(expected.faces)
