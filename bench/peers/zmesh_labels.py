# SPDX-License-Identifier: Apache-2.0
"""Marching cubes over all labels by zmesh: zmesh_labels.py LABELS SIDE uint32|uint64.

The work of bench_mesh, on one thread: the processor's seconds, and each label's vertices, triangles and volume.
"""

import json
import sys
import time

import numpy as np
import zmesh


def volume(vertices, faces):
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def main():
    path, side, dtype = sys.argv[1], int(sys.argv[2]), np.dtype(sys.argv[3])
    labels = np.fromfile(path, dtype).reshape((side,) * 3, order="F")
    measures = {}
    begin = time.process_time()
    mesher = zmesh.Mesher((1, 1, 1))
    mesher.mesh(labels, close=True)
    seconds = time.process_time() - begin
    for label in mesher.ids():
        begin = time.process_time()
        mesh = mesher.get(label, normals=False, reduction_factor=0)
        mesher.erase(label)
        seconds += time.process_time() - begin
        measures[label] = [len(mesh.vertices), len(mesh.faces), volume(mesh.vertices, mesh.faces)]
    print(json.dumps({"seconds": seconds, "labels": measures}))


if __name__ == "__main__":
    main()
