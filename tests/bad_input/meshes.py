# SPDX-License-Identifier: Apache-2.0
"""What `mesh` cannot do."""

import json

import numpy as np

from bad_input import case, good
from program import convert, run


def segmentation(folder):
    values = np.zeros((7, 5, 3), np.uint32)
    values[1:4, 1:4] = 2**32 - 1
    values[5] = 7
    convert(good(folder, values), folder / "seg", "--scales", "1")


@case(3, "mesh", "seg", "7,8", "9")
def labels_that_are_not_in_the_volume(folder):
    segmentation(folder)


@case(3, "mesh", "seg", "--min-voxels", "1000")
def no_label_that_is_large(folder):
    segmentation(folder)


@case(4, "mesh", "seg", "--open")
def label_without_a_surface(folder):
    convert(good(folder, np.full((7, 5, 3), 7, np.uint32)), folder / "seg", "--scales", "1")


@case(3, "mesh", "data")
def meshes_of_an_image(folder):
    convert(good(folder), folder / "data", "--type", "image", "--scales", "1")


@case(3, "mesh", "v.nii")
def meshes_of_a_file(folder):
    good(folder)


@case(5, "mesh", "seg")
def meshes_in_the_way(folder):
    segmentation(folder)
    assert run("mesh", folder / "seg").status == 0


@case(5, "mesh", "seg")
def meshes_of_a_run_that_was_killed(folder):
    segmentation(folder)
    (folder / "seg/mesh.partial").mkdir()
    (folder / "seg/mesh.partial/.ngforge-plan.json").write_text(json.dumps({"version": "0"}))


@case(5, "mesh", "seg", "--resume")
def resumed_meshes_of_another_program(folder):
    segmentation(folder)
    (folder / "seg/mesh").mkdir()
    (folder / "seg/mesh/info").write_text('{"@type": "neuroglancer_legacy_mesh"}')


@case(2, "mesh", "seg", "7", "1.5")
def label_that_is_no_whole_number(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "18446744073709551616")
def label_of_too_many_bits(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "0")
def mesh_of_the_background(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "--quantization-bits", "12")
def quantization_bits_that_no_viewer_knows(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "--max-error", "-3nm")
def negative_max_error(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "--format", "legacy", "--layout", "sharded")
def legacy_meshes_in_shards(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "--no-colon-suffix")
def multires_without_colon_suffix(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "--scale", "1")
def scale_that_is_not_there(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "--mesh-dir", "../elsewhere")
def mesh_folder_elsewhere(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "--mesh-dir", "segment_properties", "--overwrite")
def mesh_folder_of_the_properties(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "--mesh-dir", "provenance", "--overwrite")
def mesh_folder_that_is_a_file(folder):
    segmentation(folder)


@case(2, "mesh", "seg", "--max-error", "2000000m")
def max_error_beyond_all_volumes(folder):
    segmentation(folder)


@case(4, "mesh", "seg", "--memory", "1MiB")
def too_little_memory_for_meshes(folder):
    segmentation(folder)
