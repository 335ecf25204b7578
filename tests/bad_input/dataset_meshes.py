# SPDX-License-Identifier: Apache-2.0
"""Meshes of datasets that are not there or cannot be."""

import json
import struct

from bad_input import case


def segmentation(folder, **members):
    """A dataset without chunks that links a folder of single-resolution meshes."""
    scale = {"key": "s", "size": [8, 8, 8], "resolution": [8, 8, 8], "chunk_sizes": [[8, 8, 8]], "encoding": "raw"}
    info = {"type": "segmentation", "data_type": "uint32", "num_channels": 1, "scales": [scale]} | members
    (folder / "seg" / "mesh").mkdir(parents=True)
    (folder / "seg" / "info").write_text(json.dumps(info))
    (folder / "seg" / "mesh" / "info").write_text('{"@type": "neuroglancer_legacy_mesh"}')
    return folder / "seg" / "mesh"


@case(3, "convert", "seg|mesh:7", "out.ply")
def mesh_of_a_dataset_without_meshes(folder):
    segmentation(folder)


@case(3, "convert", "seg|mesh:7", "out.ply")
def mesh_of_another_label(folder):
    segmentation(folder, mesh="mesh")


@case(2, "convert", "seg|mesh:seven", "out.ply")
def mesh_of_no_number(folder):
    segmentation(folder, mesh="mesh")


@case(3, "convert", "seg|mesh:7", "out.ply")
def mesh_fragment_index_out_of_range(folder):
    meshes = segmentation(folder, mesh="mesh")
    (meshes / "7:0").write_text('{"fragments": ["7:0:1"]}')
    (meshes / "7:0:1").write_bytes(struct.pack("<I9f3I", 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 3))
