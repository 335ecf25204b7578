# SPDX-License-Identifier: Apache-2.0
"""Surfaces for tests, and their files as other readers see them."""

import nibabel as nib
import numpy as np
import trimesh
from nibabel.gifti import GiftiCoordSystem, GiftiDataArray, GiftiImage

from program import run


def bumpy(count=300, seed=0):
    """A closed surface of about `count` vertices, no two triangles alike: float32 vertices in mm, faces."""
    sphere = trimesh.creation.uv_sphere(count=[max(4, int(count**0.5 / 1.4))] * 2)
    random = np.random.default_rng(seed)
    vertices = sphere.vertices * random.uniform(20, 30, (len(sphere.vertices), 1)) + [3, -5, 11]
    return vertices.astype("f4"), np.asarray(sphere.faces)


def corners(mesh):
    """The positions of every triangle's corners: what does not depend on how vertices are numbered."""
    vertices, faces = mesh
    return np.asarray(vertices)[np.asarray(faces).astype(int)]


def save_gifti(path, vertices, faces, encoding="GIFTI_ENCODING_B64GZ", endian="little", order="RowMajorOrder", spaces=None,
               meta=None):
    """Writes a surface with nibabel, which keeps the first of `spaces`; the others are put beside it."""
    image = GiftiImage()
    for values, intent in ((vertices, "NIFTI_INTENT_POINTSET"), (faces, "NIFTI_INTENT_TRIANGLE")):
        if (encoding, order) == ("GIFTI_ENCODING_ASCII", "ColumnMajorOrder"):  # nibabel knows no columns in text
            values = values.ravel(order="F").reshape(values.shape)
        array = GiftiDataArray(np.ascontiguousarray(values), intent=intent, datatype=nib.nifti1.data_type_codes[values.dtype],
                               encoding=encoding, endian=endian, ordering=order, meta=meta or {})
        if intent.endswith("POINTSET") and spaces:
            array.coordsys = spaces[-1]
        image.add_gifti_data_array(array)
    xml = image.to_xml(mode="force")
    if spaces:
        kept = spaces[-1].to_xml()
        others = b"".join(space.to_xml() for space in spaces[:-1])
        assert xml.count(kept) == 1
        xml = xml.replace(kept, others + kept)
    path.write_bytes(xml)
    return image


def gifti_mesh(path):
    image = nib.load(path)
    return (image.agg_data("NIFTI_INTENT_POINTSET"), image.agg_data("NIFTI_INTENT_TRIANGLE"))


def read_ply(path):
    mesh = trimesh.load(path, process=False)
    return np.asarray(mesh.vertices, "f4"), np.asarray(mesh.faces)  # the decimals of OBJ are those of float32


def read_vtk(path):
    """VTK as the viewer's mesh layer takes it: header, counts and a record on each line, triangles only."""
    lines = path.read_text().split("\n")
    assert lines[0].startswith("# vtk DataFile Version ") and lines[2:4] == ["ASCII", "DATASET POLYDATA"]
    keyword, count, kind = lines[4].split(" ")
    points = 5 + int(count)
    assert (keyword, kind) == ("POINTS", "float")
    vertices = np.array([line.split(" ") for line in lines[5:points]], "f4")
    keyword, count, size = lines[points].split(" ")
    assert keyword == "POLYGONS" and int(size) == 4 * int(count)
    faces = np.array([line.split(" ") for line in lines[points + 1:points + 1 + int(count)]], "u4")
    assert (faces[:, 0] == 3).all() and lines[points + 1 + int(count):] == [""]
    return vertices, faces[:, 1:]


def convert_surface(source, destination, *options):
    """Runs `convert` and reads what it made with another reader: vertices, faces."""
    done = run("convert", source, destination, *options)
    assert done.status == 0, done.err
    if destination.suffix == ".gii":
        return gifti_mesh(destination)
    if destination.suffix == ".vtk":
        return read_vtk(destination)
    return read_ply(destination)
