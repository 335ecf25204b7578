# SPDX-License-Identifier: Apache-2.0
"""Takes shard files apart and puts them together, as the format's description says."""

import gzip
import struct
from dataclasses import dataclass, field

import numpy as np


def plain(data):
    return data


PACK = {"raw": plain, "gzip": gzip.compress}
UNPACK = {"raw": plain, "gzip": gzip.decompress}


@dataclass
class Entry:
    """`at` and `size` as the minishard index tells them."""
    key: int
    at: int
    size: int


@dataclass
class Shard:
    """`body`: the values, without index in front and indices behind. `minishards`: lists of Entry by number."""
    spec: dict
    body: bytes
    minishards: dict[int, list[Entry]] = field(default_factory=dict)

    @staticmethod
    def read(path, spec):
        data = path.read_bytes()
        front = 16 << spec["minishard_bits"]
        ranges = np.frombuffer(data[:front], "<u8").reshape(-1, 2).tolist()
        shard = Shard(spec, data[front:front + min(b for b, e in ranges if b != e)])
        for number, (begin, end) in enumerate(ranges):
            if begin == end:
                continue
            index = UNPACK[spec["minishard_index_encoding"]](data[front + begin:front + end])
            keys, gaps, sizes = np.frombuffer(index, "<u8").reshape(3, -1)
            ends = np.cumsum(gaps) + np.cumsum(sizes)
            shard.minishards[number] = [Entry(*e) for e in zip(np.cumsum(keys).tolist(), (ends - sizes).tolist(),
                                                               sizes.tolist(), strict=True)]
        return shard

    def entries(self):
        return [entry for number in sorted(self.minishards) for entry in self.minishards[number]]

    def value(self, entry):
        return UNPACK[self.spec["data_encoding"]](self.body[entry.at:entry.at + entry.size])

    def repack(self, pack):
        """Every value anew, without gaps."""
        body = b""
        for entry in self.entries():
            data = pack(self.value(entry))
            entry.at, entry.size = len(body), len(data)
            body += data
        self.body = body

    def write(self, path, pack_index=None):
        pack_index = pack_index or PACK[self.spec["minishard_index_encoding"]]
        front, tail = bytearray(16 << self.spec["minishard_bits"]), b""
        for number, entries in sorted(self.minishards.items()):
            rows, key, end = ([], [], []), 0, 0
            for entry in entries:
                rows[0].append((entry.key - key) % 2**64)
                rows[1].append((entry.at - end) % 2**64)
                rows[2].append(entry.size)
                key, end = entry.key, entry.at + entry.size
            index = pack_index(np.array(rows, "<u8").tobytes())
            at = len(self.body) + len(tail)
            struct.pack_into("<QQ", front, 16 * number, at, at + len(index))
            tail += index
        path.write_bytes(bytes(front) + self.body + tail)
