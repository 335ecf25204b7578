# SPDX-License-Identifier: Apache-2.0
"""Surface files that are none, or whose faces and vertices cannot be."""

import numpy as np

from bad_input import case
from surfaces import bumpy, save_gifti

OBJ = ("convert", "s.obj", "out.ply")


@case(3, *OBJ)
def surface_face_index_out_of_range(folder):
    (folder / "s.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\nf 1 2 4\n")


@case(3, "convert", "s.gii", "out.ply")
def surface_gifti_face_index_out_of_range(folder):
    vertices, faces = bumpy()
    faces[17, 1] = len(vertices)
    save_gifti(folder / "s.gii", vertices, faces)


@case(3, "convert", "s.gii", "out.ply")
def surface_with_nan(folder):
    vertices, faces = bumpy()
    vertices[5, 2] = np.nan
    save_gifti(folder / "s.gii", vertices, faces)


@case(3, *OBJ)
def surface_without_triangles(folder):
    (folder / "s.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")


@case(3, *OBJ)
def surface_with_a_bad_number(folder):
    (folder / "s.obj").write_text("v 0 0 0\nv 1 zero 0\n")


@case(3, "convert", "s.txt", "out.ply")
def surface_of_no_format(folder):
    (folder / "s.txt").write_text("hello\n")


@case(3, "convert", "s.gii", "out.ply")
def surface_gifti_of_values_only(folder):
    (folder / "s.gii").write_text('<GIFTI><DataArray Intent="NIFTI_INTENT_SHAPE"/></GIFTI>')


@case(3, "convert", "s.gii", "out.ply")
def surface_gifti_with_broken_xml(folder):
    (folder / "s.gii").write_text("<GIFTI><DataArray></GIFTI>")


@case(3, "convert", "s.stl", "out.ply")
def surface_stl_cut(folder):
    (folder / "s.stl").write_bytes(bytes(80) + (7).to_bytes(4, "little") + bytes(100))


@case(3, "convert", "s.vtk", "out.ply")
def surface_vtk_of_a_volume(folder):
    (folder / "s.vtk").write_text("# vtk DataFile Version 3.0\nt\nASCII\nDATASET STRUCTURED_POINTS\nDIMENSIONS 2 2 2\n")


@case(2, "convert", "a.obj", "b.obj", "out.ply")
def surface_of_two_files(folder):
    pass


@case(5, *OBJ)
def surface_destination_in_the_way(folder):
    (folder / "s.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (folder / "out.ply").write_text("mine")
