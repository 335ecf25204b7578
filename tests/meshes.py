# SPDX-License-Identifier: Apache-2.0
"""Reads folders of multi-resolution meshes as the format's description says, and holds them to its rules; and what is known
of the surfaces of voxels."""

import json
import struct
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import DracoPy
import numpy as np
from skimage.measure import euler_number

from shards import Shard


@dataclass
class Fragment:
    """Positions are whole numbers from 0 to 2^bits - 1 over the node at xyz."""
    xyz: tuple
    positions: np.ndarray
    triangles: np.ndarray


@dataclass
class Level:
    scale: float
    offset: np.ndarray
    nodes: list  # (x, y, z) as they are listed
    fragments: list  # of those that have one


def z_code(xyz):
    """Bits interleaved, x the least significant."""
    return sum((xyz[axis] >> bit & 1) << (3 * bit + axis) for bit in range(21) for axis in range(3))


class MeshFolder:
    def __init__(self, folder):
        self.folder = folder
        self.info = json.loads((folder / "info").read_text())
        assert self.info["@type"] == "neuroglancer_multilod_draco"
        self.bits = self.info["vertex_quantization_bits"]
        assert self.info["transform"] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0] and self.info["lod_scale_multiplier"] == 1

    @cached_property
    def stored(self):
        """Manifest and fragments of each label."""
        if "sharding" not in self.info:
            return {int(path.stem): (path.read_bytes(), (self.folder / path.stem).read_bytes())
                    for path in self.folder.glob("*.index")}
        found = {}
        for path in self.folder.glob("*.shard"):
            shard = Shard.read(path, self.info["sharding"])
            body = path.read_bytes()[16 << self.info["sharding"]["minishard_bits"]:]
            for entry in shard.entries():
                manifest = shard.value(entry)
                size = sum(bytes_of_nodes(manifest))
                found[entry.key] = manifest, body[entry.at - size:entry.at]
        return found

    def mesh(self, label):
        return Mesh(*self.stored[label], self.bits)


def bytes_of_nodes(manifest):
    """Of all fragments, in their order."""
    levels, = struct.unpack_from("<I", manifest, 24)
    counts = np.frombuffer(manifest, "<u4", levels, 28 + 16 * levels).tolist()
    at = 28 + 20 * levels
    for count in counts:
        yield from np.frombuffer(manifest, "<u4", count, at + 12 * count).tolist()
        at += 16 * count
    assert at == len(manifest)


class Mesh:
    def __init__(self, manifest, data, bits):
        self.most = 2**bits - 1
        self.middle = 2**(bits - 1)
        self.chunk_shape, self.origin = np.frombuffer(manifest, "<f4", 6).astype(float).reshape(2, 3)
        count, = struct.unpack_from("<I", manifest, 24)
        scales = np.frombuffer(manifest, "<f4", count, 28)
        offsets = np.frombuffer(manifest, "<f4", 3 * count, 28 + 4 * count).reshape(-1, 3)
        counts = np.frombuffer(manifest, "<u4", count, 28 + 16 * count).tolist()
        self.levels = []
        at, begin = 28 + 20 * count, 0
        for scale, offset, nodes in zip(scales, offsets, counts, strict=True):
            rows = np.frombuffer(manifest, "<u4", 4 * nodes, at).reshape(4, -1)
            at += 16 * nodes
            level = Level(float(scale), offset, [tuple(n) for n in rows[:3].T.tolist()], [])
            for xyz, size in zip(level.nodes, rows[3].tolist(), strict=True):
                if size:
                    decoded = DracoPy.decode(data[begin:begin + size])
                    level.fragments.append(Fragment(xyz, np.asarray(decoded.points).astype(np.int64),
                                                    np.asarray(decoded.faces).astype(np.int64)))
                begin += size
            self.levels.append(level)
        assert begin == len(data)

    def check(self):
        """The rules of the octree, of quantisation and of the partition of coarse nodes."""
        scales = [level.scale for level in self.levels]
        assert scales == sorted(scales) and scales[0] > 0
        for number, level in enumerate(self.levels):
            assert not level.offset.any() and level.nodes
            codes = [z_code(xyz) for xyz in level.nodes]
            assert codes == sorted(set(codes)), "Z order, no node twice"
            if number + 1 < len(self.levels):
                parents = {tuple(c >> 1 for c in xyz) for xyz in level.nodes}
                assert parents <= set(self.levels[number + 1].nodes), "every node has its parent"
            for fragment in level.fragments:
                q = fragment.positions
                assert q.min() >= 0 and q.max() <= self.most
                corners = q[fragment.triangles]
                assert len(corners)
                for a, b in ((0, 1), (1, 2), (2, 0)):
                    assert (corners[:, a] != corners[:, b]).any(axis=1).all(), "no degenerate triangle"
                if number:
                    low, high = corners.min(axis=1), corners.max(axis=1)
                    assert ((high <= self.middle) | (low >= self.middle)).all(), "no triangle crosses a middle plane"

    def whole(self, level):
        """The level's mesh with nodes joined where vertices agree: steps of quantisation from the origin, triangles."""
        positions, triangles, count = [], [], 0
        for fragment in self.levels[level].fragments:
            positions.append(np.array(fragment.xyz) * self.most + fragment.positions)
            triangles.append(fragment.triangles + count)
            count += len(fragment.positions)
        places, number = np.unique(np.concatenate(positions), axis=0, return_inverse=True)
        return places, number.ravel()[np.concatenate(triangles)]

    def nm(self, level, steps):
        return self.origin + steps * (self.step_nm(level))

    def step_nm(self, level):
        return self.chunk_shape * 2**level / self.most


def open_edges(triangles):
    """Edges that there are more often than those of the other direction, each as often as that is so."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    count = Counter(map(tuple, edges.tolist()))
    return [edge for edge, n in count.items() for _ in range(n - count.get(edge[::-1], 0))]


def volume_of(positions, triangles):
    a, b, c = (positions[triangles[:, i]] for i in range(3))
    return np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6


def cubes_with_opposite_corners(voxels):
    """Cubes between eight voxel centres of which two opposite corners are in the label, and no others."""
    padded = np.pad(voxels, 1)
    corners = [padded[tuple(slice(s, s + n - 1) for s, n in zip(step, padded.shape, strict=True))]
               for step in np.ndindex(2, 2, 2)]
    two = sum(corner.astype(int) for corner in corners) == 2
    return sum(int((two & corners[c] & corners[7 - c]).sum()) for c in range(4))


def euler_number_18(voxels):
    """The Euler number of 18-connected voxels: of 26-connected ones, where each corner in which two voxels meet alone
    joins what is apart here."""
    return euler_number(np.pad(voxels, 1), connectivity=3) + cubes_with_opposite_corners(voxels)
