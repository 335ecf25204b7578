# SPDX-License-Identifier: Apache-2.0
"""Surface files that are none, or whose faces and vertices cannot be."""

import nibabel as nib
import numpy as np

from bad_input import case
from program import run
from surfaces import bumpy, save_gifti
from volumes import save_nifti

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


@case(2, "convert", "s.obj", "out.ply", "--overwrite", "--quiet", "--encoding", "raw", "--chunk-size", "7")
def surface_with_options_of_volumes(folder):
    (folder / "s.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")


@case(2, "convert", "a.obj", "b.obj", "out.ply")
def surface_of_two_files(folder):
    pass


@case(5, *OBJ)
def surface_destination_in_the_way(folder):
    (folder / "s.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (folder / "out.ply").write_text("mine")


@case(3, "convert", "s.gii", "out")
def surface_where_a_volume_is_expected(folder):
    save_gifti(folder / "s.gii", *bumpy())


@case(3, "convert", "v.nii", "out.ply")
def volume_where_a_surface_is_expected(folder):
    save_nifti(folder / "v.nii", np.ones((9, 9, 9), "u4"))


@case(3, "convert", "seg|mesh:1", "out")
def mesh_where_a_volume_is_expected(folder):
    dataset(folder)


# Surfaces under labels.
def dataset(folder):
    """A segmentation, and a surface beside it."""
    save_nifti(folder / "v.nii", np.ones((9, 9, 9), "u4"))
    assert run("convert", folder / "v.nii", folder / "seg", "--type", "segmentation").status == 0
    save_gifti(folder / "s.gii", *bumpy())


@case(4, "surfaces", "s.gii", "seg")
def surfaces_without_labels(folder):
    dataset(folder)


@case(2, "surfaces", "s.gii", "seg", "--label", "0")
def surfaces_under_the_background(folder):
    dataset(folder)


@case(5, "surfaces", "s.gii", "seg", "--label", "1")
def surfaces_two_meshes_for_one_label(folder):
    dataset(folder)
    assert run("surfaces", folder / "s.gii", folder / "seg", "--label", "1").status == 0


@case(3, "surfaces", "s.gii", "seg", "--labels", "t.csv")
def surfaces_label_twice_in_the_table(folder):
    dataset(folder)
    (folder / "t.csv").write_text("label,file\n1,s\n2,s\n1,s.gii\n")


@case(3, "surfaces", "seg", "--labels", "t.csv")
def surfaces_file_of_the_table_is_not_there(folder):
    dataset(folder)
    (folder / "t.csv").write_text("1,other.gii\n")


@case(2, "surfaces", "s.gii", "seg", "--labels", "t.csv")
def surfaces_file_without_a_label(folder):
    dataset(folder)
    save_gifti(folder / "other.gii", *bumpy())
    (folder / "t.csv").write_text("1,other.gii\n")


@case(3, "surfaces", "s.gii", "seg", "--regions", "s.annot")
def surfaces_with_regions_of_another(folder):
    dataset(folder)
    nib.freesurfer.write_annot(folder / "s.annot", np.zeros(7, int), np.array([[1, 2, 3, 0]]), ["one"], fill_ctab=True)


@case(2, "surfaces", "s.gii", "seg", "--label", "1", "--format", "legacy")
def surfaces_of_another_format_than_is_there(folder):
    dataset(folder)
    assert run("surfaces", folder / "s.gii", folder / "seg", "--label", "3").status == 0


@case(2, "surfaces", "s.gii", "seg", "--label", "1", "--no-colon-suffix")
def surfaces_in_multires_without_colon_suffix(folder):
    dataset(folder)


@case(2, "surfaces", "s.gii", "seg", "--label", "1", "--format", "draco")
def surfaces_of_no_format_of_meshes(folder):
    dataset(folder)


@case(2, "surfaces", "s.gii", "seg", "--label", "1", "--format", "legacy", "--layout", "sharded")
def surfaces_in_shards_of_legacy_meshes(folder):
    dataset(folder)


@case(2, "surfaces", "s.gii", "seg", "--label", "1", "--coord-transform", "1,0,0,0")
def surfaces_transform_of_four_numbers(folder):
    dataset(folder)


@case(4, "surfaces", "s.gii", "seg", "--label", "1", "--memory", "1MiB")
def surfaces_with_too_little_memory(folder):
    dataset(folder)
    save_gifti(folder / "s.gii", *bumpy(1600))


@case(3, "convert", "s.gii", "out.ply", "--memory", "1MiB")
def surface_gifti_of_more_than_the_memory(folder):
    vertices, faces = bumpy(20000)
    save_gifti(folder / "s.gii", 0 * vertices, 0 * faces)
