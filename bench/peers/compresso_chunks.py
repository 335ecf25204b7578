# SPDX-License-Identifier: Apache-2.0
"""Chunks by PyPI's compresso: compresso_chunks.py CHUNKS TYPE.

The same work as bench_chunks: chunks of 64^3 in Fortran order to streams and back, one thread, best of some rounds.
"""

import json
import sys
import time

import compresso
import numpy as np

REPEATS = 3
SIDE = 64


def main():
    path, dtype = sys.argv[1], np.dtype(sys.argv[2])
    chunks = [chunk.T for chunk in np.fromfile(path, dtype).reshape(-1, SIDE, SIDE, SIDE)]
    encode_s = decode_s = float("inf")
    for _ in range(REPEATS):
        begin = time.perf_counter()
        encoded = [compresso.compress(chunk) for chunk in chunks]
        encode_s = min(encode_s, time.perf_counter() - begin)
        begin = time.perf_counter()
        for data in encoded:
            decoded = compresso.decompress(data)
        decode_s = min(decode_s, time.perf_counter() - begin)
    assert (decoded == chunks[-1]).all()
    print(json.dumps({"encode_s": encode_s, "decode_s": decode_s, "bytes": sum(map(len, encoded))}))


if __name__ == "__main__":
    main()
