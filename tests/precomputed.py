# SPDX-License-Identifier: Apache-2.0
"""A reader of precomputed volumes, written from the format's description: the tests' second opinion on every layout."""

import gzip
import json
import struct
from pathlib import Path

import numpy as np


def morton(cell, grid):
    """Compressed Morton code: an axis takes part in bit i while 2^i < its size."""
    code = place = 0
    for bit in range(64):
        for axis in range(3):
            if (1 << bit) < grid[axis]:
                code |= ((cell[axis] >> bit) & 1) << place
                place += 1
    return code


def decode_compressed_segmentation(data, shape, block, dtype):
    """One channel: header words per block, then tables and packed codes (little-endian 32-bit words)."""
    words = np.frombuffer(data, "<u4")
    assert words[0] == 1, "the header of one channel is the word 1"
    words = words[1:]
    out = np.empty(shape, dtype)
    grid = [-(-s // b) for s, b in zip(shape, block, strict=True)]
    entries = block[0] * block[1] * block[2]
    for number in range(grid[0] * grid[1] * grid[2]):
        cell = (number % grid[0], number // grid[0] % grid[1], number // grid[0] // grid[1])
        head, values_at = int(words[2 * number]), int(words[2 * number + 1])
        table_at, bits = head & 0xFFFFFF, head >> 24
        codes = np.zeros(entries, np.int64)
        if bits:
            packed = words[values_at:values_at + -(-entries * bits // 32)]
            codes = (packed[:, None] >> np.arange(0, 32, bits, dtype=np.uint32)) & ((1 << bits) - 1)
            codes = codes.reshape(-1)[:entries]
        width = np.dtype(dtype).itemsize // 4
        count = int(codes.max()) + 1
        table = words[table_at:table_at + count * width].astype("<u4").tobytes()
        table = np.frombuffer(table, np.dtype(dtype).newbyteorder("<"))
        voxels = table[codes].reshape(block[::-1]).T
        place = [slice(c * b, min((c + 1) * b, s)) for c, b, s in zip(cell, block, shape, strict=True)]
        out[tuple(place)] = voxels[tuple(slice(0, p.stop - p.start) for p in place)]
    return out


class Dataset:
    """A precomputed volume in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.info = json.loads((self.folder / "info").read_text())
        self.dtype = np.dtype(self.info["data_type"])
        self.channels = self.info["num_channels"]
        self.scales = self.info["scales"]

    @property
    def transform(self):
        return np.array(json.loads((self.folder / "transform.json").read_text()))

    def read(self, index):
        """All voxels of a scale, [x, y, z, channel]; absent chunks are zeros."""
        scale = self.scales[index]
        out = np.zeros((*scale["size"], self.channels), self.dtype)
        for cell, begin, end in self.cells(index):
            data = self.chunk(index, cell)
            if data is not None:
                part = tuple(slice(b, e) for b, e in zip(begin, end, strict=True))
                out[part] = self.decode(scale, data, [e - b for b, e in zip(begin, end, strict=True)])
        return out

    def cells(self, index):
        """Yields (cell, begin, end) of the grid; begin and end in voxels from the volume's corner."""
        scale = self.scales[index]
        size, chunk = scale["size"], scale["chunk_sizes"][0]
        grid = [-(-s // c) for s, c in zip(size, chunk, strict=True)]
        for number in range(grid[0] * grid[1] * grid[2]):
            cell = (number % grid[0], number // grid[0] % grid[1], number // grid[0] // grid[1])
            begin = [g * c for g, c in zip(cell, chunk, strict=True)]
            yield cell, begin, [min(b + c, s) for b, c, s in zip(begin, chunk, size, strict=True)]

    def decode(self, scale, data, shape):
        if scale["encoding"] == "raw":
            return np.frombuffer(data, self.dtype.newbyteorder("<")).reshape((*shape, self.channels), order="F")
        assert scale["encoding"] == "compressed_segmentation"
        block = scale["compressed_segmentation_block_size"]
        return decode_compressed_segmentation(data, shape, block, self.dtype)[..., None]

    def chunk(self, index, cell):
        """The encoded bytes of a chunk without outer compression, or None."""
        scale = self.scales[index]
        if "sharding" in scale:
            return self._sharded(scale, cell)
        chunk, size, offset = scale["chunk_sizes"][0], scale["size"], scale.get("voxel_offset", [0, 0, 0])
        ranges = [f"{o + g * c}-{o + min((g + 1) * c, s)}"
                  for o, g, c, s in zip(offset, cell, chunk, size, strict=True)]
        folder = self.folder / scale["key"]
        for separator in "_", "/":
            for suffix, decode in ("", bytes), (".gz", gzip.decompress):
                path = folder / (separator.join(ranges) + suffix)
                if path.exists():
                    return decode(path.read_bytes())
        return None

    def _sharded(self, scale, cell):
        spec = scale["sharding"]
        assert spec["@type"] == "neuroglancer_uint64_sharded_v1" and spec["hash"] == "identity"
        grid = [-(-s // c) for s, c in zip(scale["size"], scale["chunk_sizes"][0], strict=True)]
        key = morton(cell, grid)
        hashed = key >> spec["preshift_bits"]
        minishard = hashed & ((1 << spec["minishard_bits"]) - 1)
        shard = (hashed >> spec["minishard_bits"]) & ((1 << spec["shard_bits"]) - 1)
        digits = -(-spec["shard_bits"] // 4)
        path = self.folder / scale["key"] / f"{shard:0{max(digits, 1)}x}.shard"
        if not path.exists():
            return None
        data = path.read_bytes()
        index_end = 16 << spec["minishard_bits"]
        begin, end = struct.unpack_from("<QQ", data, 16 * minishard)
        if begin == end:
            return None
        entries = data[index_end + begin:index_end + end]
        if spec["minishard_index_encoding"] == "gzip":
            entries = gzip.decompress(entries)
        keys, starts, sizes = np.frombuffer(entries, "<u8").reshape(3, -1)
        keys = np.cumsum(keys)
        starts = index_end + np.cumsum(starts) + np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype("u8")
        (found,) = np.nonzero(keys == key)
        if not len(found):
            return None
        at, size = int(starts[found[0]]), int(sizes[found[0]])
        value = data[at:at + size]
        assert len(value) == size
        return gzip.decompress(value) if spec["data_encoding"] == "gzip" else value


def shards(dataset, index):
    """The shard files of a scale."""
    return sorted((dataset.folder / dataset.scales[index]["key"]).glob("*.shard"))
