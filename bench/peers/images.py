# SPDX-License-Identifier: Apache-2.0
"""Chunks as pictures by simplejpeg (libjpeg-turbo) and pyspng (libspng): images.py jpeg|png CHUNKS TYPE CHANNELS.

The same work as bench_chunks: chunks of 64^3 to pictures 64 wide and back, with the channels of a voxel side by side in
the picture, one thread, best of some rounds.
"""

import json
import sys
import time

import numpy as np
import pyspng
import simplejpeg

REPEATS = 5
SIDE = 64
QUALITY, LEVEL = 85, 6


def encode_jpeg(picture):
    colors = {"colorspace": "GRAY", "colorsubsampling": "GRAY"} if picture.shape[2] == 1 else {}
    return simplejpeg.encode_jpeg(picture, quality=QUALITY, **colors)


def decode_jpeg(data, channels):
    return simplejpeg.decode_jpeg(data, colorspace="GRAY" if channels == 1 else "RGB")


def encode_png(picture):
    return pyspng.encode(picture, compress_level=LEVEL)


def decode_png(data, channels):
    return pyspng.load(data)


def main():
    encoding, path, dtype, channels = sys.argv[1], sys.argv[2], np.dtype(sys.argv[3]), int(sys.argv[4])
    encode, decode = (encode_jpeg, decode_jpeg) if encoding == "jpeg" else (encode_png, decode_png)
    chunks = np.fromfile(path, dtype).reshape(-1, channels, SIDE * SIDE, SIDE)
    encode_s = decode_s = float("inf")
    for _ in range(REPEATS):
        begin = time.perf_counter()
        encoded = [encode(np.ascontiguousarray(np.moveaxis(chunk, 0, -1))) for chunk in chunks]
        encode_s = min(encode_s, time.perf_counter() - begin)
        begin = time.perf_counter()
        for data in encoded:
            decoded = np.ascontiguousarray(np.moveaxis(decode(data, channels).reshape(*chunks.shape[2:], channels), -1, 0))
        decode_s = min(decode_s, time.perf_counter() - begin)
    assert encoding == "jpeg" or (decoded == chunks[-1]).all()
    print(json.dumps({"encode_s": encode_s, "decode_s": decode_s, "bytes": sum(map(len, encoded))}))


if __name__ == "__main__":
    main()
