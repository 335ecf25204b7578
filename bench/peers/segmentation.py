# SPDX-License-Identifier: Apache-2.0
"""compressed_segmentation by PyPI's compressed-segmentation (C++): segmentation.py LABELS SIDE uint32|uint64.

The same work as bench_segmentation: chunks of 64^3 in blocks of 8^3, one thread, best of some rounds.
"""

import json
import sys
import time

import compressed_segmentation as cseg
import numpy as np

REPEATS = 5
CHUNK = 64


def main():
    path, side, dtype = sys.argv[1], int(sys.argv[2]), np.dtype(sys.argv[3])
    whole = np.fromfile(path, dtype).reshape((side,) * 3, order="F")
    chunks = [np.asfortranarray(whole[x:x + CHUNK, y:y + CHUNK, z:z + CHUNK])
              for z in range(0, side, CHUNK) for y in range(0, side, CHUNK) for x in range(0, side, CHUNK)]
    encode_s = decode_s = float("inf")
    for _ in range(REPEATS):
        begin = time.perf_counter()
        encoded = [cseg.compress(chunk, block_size=(8, 8, 8), order="F") for chunk in chunks]
        encode_s = min(encode_s, time.perf_counter() - begin)
        begin = time.perf_counter()
        for data, chunk in zip(encoded, chunks, strict=True):
            decoded = cseg.decompress(data, chunk.shape, dtype, block_size=(8, 8, 8), order="F")
        decode_s = min(decode_s, time.perf_counter() - begin)
        assert (decoded == chunks[-1]).all()
    print(json.dumps({"encode_s": encode_s, "decode_s": decode_s, "bytes": sum(map(len, encoded))}))


if __name__ == "__main__":
    main()
