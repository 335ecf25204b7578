# SPDX-License-Identifier: Apache-2.0
"""FreeSurfer's average surfaces on the ICBM152 brain: where nibabel puts their vertices, and where anatomy wants them."""

import json

import nibabel as nib
import numpy as np
import pytest
from cloudvolume import CloudVolume
from scipy.ndimage import map_coordinates
from scipy.optimize import minimize
from scipy.spatial import cKDTree

import data
from program import convert, run
from surfaces import gifti_mesh

SIDES = {1: "left", 2: "right"}
TO_MNI152 = np.array([*data.FSAVERAGE_TO_MNI152, 0, 0, 0, 1]).reshape(4, 4)


def put(files, dataset, *options):
    for label, file in files.items():
        done = run("surfaces", file, dataset, "--label", label, "--coord-transform=" + ",".join(map(str, data.FSAVERAGE_TO_MNI152)),
                   *options)
        assert done.status == 0, done.err


def world_mm(dataset, label):
    """Vertices as the viewer places them, and faces."""
    mesh = CloudVolume(f"file://{dataset}", progress=False).mesh.get(label)
    mesh = mesh[label] if isinstance(mesh, dict) else mesh
    transform = np.array(json.loads((dataset / "transform.json").read_text()))
    return nib.affines.apply_affine(transform, mesh.vertices.astype(float)) / 1e6, mesh.faces


@pytest.fixture(scope="module")
def brain(tmp_path_factory):
    """The T1 template, whose frame the surfaces go into, without meshes."""
    folder = tmp_path_factory.mktemp("brain") / "t1"
    convert(data.fetch("icbm152_t1.nii.gz"), folder, "--type", "segmentation", "--scales", "1")
    return folder


def turned(faces):
    """Triangles that begin with their least corner, as a set."""
    first = faces.argmin(axis=1)[:, np.newaxis]
    return set(map(tuple, np.take_along_axis(faces, (first + [0, 1, 2]) % 3, axis=1).tolist()))


# Legacy meshes are float32 nanometres, 8 nm apart where a brain is; multi-resolution ones have 2^16 steps over 110 mm.
@pytest.mark.parametrize("format, within_mm", [("legacy", 1e-5), ("multires", 2e-3)])
@pytest.mark.parametrize("kind", ["white", "pial"])
def test_vertices_lie_where_nibabel_has_them(brain, kind, format, within_mm):
    files = {label: data.fetch(f"fsaverage5_{kind}_{side}.gii.gz") for label, side in SIDES.items()}
    folder = f"{kind}-{format}"
    put(files, brain, "--format", format, "--mesh-dir", folder)
    for label, file in files.items():
        vertices, faces = gifti_mesh(file)
        expected = nib.affines.apply_affine(TO_MNI152, vertices.astype(float))
        found, found_faces = world_mm(brain, label)
        # Draco numbers vertices anew.
        distance, number = cKDTree(expected).query(found)
        assert np.abs(found - expected[number]).max() < within_mm
        assert turned(number[found_faces]) == turned(faces), "the same triangles, seen from the same side"


class Tissue:
    """A probability map at points in millimetres."""

    def __init__(self, name):
        image = nib.load(data.fetch(f"icbm152_{name}.nii.gz"))
        self.values = np.asarray(image.dataobj, "f4") / 255
        self.to_voxels = np.linalg.inv(image.affine)

    def at(self, points):
        return map_coordinates(self.values, nib.affines.apply_affine(self.to_voxels, points).T, order=1)


def normals(vertices, faces):
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sums = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(sums, faces[:, corner], across)
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def test_white_surface_parts_white_from_grey_matter(brain):
    """Where the white surfaces of both hemispheres, moved as one, see most white matter 1.5 mm inside and most grey matter
    1.5 mm outside (the measure of boundary-based registration): that is less than a voxel of 1 mm from where they are.

    What single vertices do says little, as the folds of the two averages differ: half of them are within 1.4 mm of the
    boundary, wherever the surface is moved by a millimetre or two.
    """
    put({label: data.fetch(f"fsaverage5_white_{side}.gii.gz") for label, side in SIDES.items()}, brain, "--mesh-dir", "white")
    white, grey = Tissue("wm"), Tissue("gm")
    sides = [world_mm(brain, label) for label in SIDES]
    points = np.concatenate([vertices for vertices, _ in sides])
    outward = np.concatenate([normals(*side) for side in sides])

    def contrast(points, shift):
        inside, outside = points + shift - 1.5 * outward, points + shift + 1.5 * outward
        return np.mean(white.at(inside) - grey.at(inside) - white.at(outside) + grey.at(outside))

    def best_shift(points):
        found = minimize(lambda shift: -contrast(points, shift), np.zeros(3), method="Nelder-Mead",
                         options={"xatol": 0.05, "fatol": 1e-5, "initial_simplex": np.vstack([np.zeros(3), np.eye(3)])})
        return np.linalg.norm(found.x)

    assert contrast(points, 0) > 0.55
    assert best_shift(points) < 1
    # Half a voxel more, or the space of fsaverage taken for that of the template, is more than a voxel.
    assert best_shift(points + 0.5) > 1.5
    assert best_shift(nib.affines.apply_affine(np.linalg.inv(TO_MNI152), points)) > 1.2
