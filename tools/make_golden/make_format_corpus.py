#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of the fuzz targets for precomputed files and gzip: python3 tools/make_golden/make_format_corpus.py

Needs tensorstore, cloud-volume and compressed-segmentation; the files in the tree are from tensorstore 0.1.86,
cloud-volume 12.15.2 and compressed-segmentation 2.3.3.
"""
import gzip
import json
import struct
import tempfile
import zlib
from pathlib import Path

import compressed_segmentation
import numpy as np
import tensorstore
from cloudvolume import CloudVolume

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "fuzz" / "corpus"
SHARDING = {"@type": "neuroglancer_uint64_sharded_v1", "preshift_bits": 0, "hash": "identity", "minishard_bits": 1,
            "shard_bits": 0, "minishard_index_encoding": "raw", "data_encoding": "raw"}


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def make_info():
    for name, scale in {
        "raw": {"encoding": "raw"},
        "cseg_sharded": {"encoding": "compressed_segmentation", "compressed_segmentation_block_size": [8, 8, 8],
                         "sharding": SHARDING | {"hash": "murmurhash3_x86_128", "data_encoding": "gzip"}},
    }.items():
        with tempfile.TemporaryDirectory() as folder:
            tensorstore.open({
                "driver": "neuroglancer_precomputed", "kvstore": f"file://{folder}/", "create": True,
                "multiscale_metadata": {"type": "segmentation", "data_type": "uint64", "num_channels": 1},
                "scale_metadata": scale | {"size": [100, 70, 45], "resolution": [4, 4, 40.5],
                                           "voxel_offset": [-10, 3, 1000], "chunk_size": [64, 64, 16]},
            }).result()
            write("info_json", f"tensorstore_{name}", Path(folder, "info").read_bytes())
    info = CloudVolume.create_new_info(1, "image", "uint8", "raw", (4, 4, 40), (0, 0, 0), (64, 64, 64), max_mip=1)
    write("info_json", "cloudvolume", json.dumps(info).encode())
    scale = {"key": "a/../b", "size": ["64", 64.9, 1], "resolution": [1, 0.5, 1e6], "chunk_sizes": [[64, 64, 64], [1, 2, 3]],
             "encoding": "RAW"}
    lax = {"type": "Image", "data_type": "FLOAT32", "num_channels": "3", "scales": [scale], "mesh": "m", "other": {"x": None}}
    write("info_json", "lax", json.dumps(lax).encode())
    write("info_json", "null_sharding", json.dumps(lax | {"scales": [scale | {"sharding": None}]}).encode())
    write("info_json", "deep", b"[" * 150)
    provenance = {"description": "", "owners": ["a@b.c"], "sources": [], "processing": [
        {"method": {"task": "ngforge convert", "version": "0.1.0", "options": {"downsample": "average"}, "scales": [
            {"key": "1_1_1", "stored_chunks": 8, "empty_chunks": 2, "factor": [1, 1, 1]}]}, "by": "x", "date": "y"}]}
    write("info_json", "provenance", json.dumps(provenance).encode())
    write("info_json", "transform", json.dumps(np.diag([1, -1, 0.5, 1]).tolist()).encode())


def make_minishard():
    write("minishard", "empty", b"")
    write("minishard", "spec", struct.pack("<3Q", 2, 0, 2))
    write("minishard", "gaps", struct.pack("<9Q", 10, 2, 1, 100, 0, 8, 5, 7, 1))
    write("minishard", "wraps", struct.pack("<6Q", 5, 2**64 - 1, 100, 2**64 - 110, 10, 10))


def make_shard():
    write("shard_index", "spec", bytes([1]) + struct.pack("<4Q", 3, 27, 27, 51) + b"abc"
          + struct.pack("<6Q", 2, 0, 2, 3, 2, 1))
    for gzip_index in (False, True):
        for gzip_data in (False, True):
            sharding = SHARDING | {"minishard_bits": 2, "hash": "murmurhash3_x86_128",
                                   "minishard_index_encoding": "gzip" if gzip_index else "raw",
                                   "data_encoding": "gzip" if gzip_data else "raw"}
            with tempfile.TemporaryDirectory() as folder:
                store = tensorstore.KvStore.open({"driver": "neuroglancer_uint64_sharded", "metadata": sharding,
                                                  "base": f"file://{folder}/"}).result()
                with tensorstore.Transaction() as transaction:
                    for key in range(10):
                        store.with_transaction(transaction)[struct.pack(">Q", key * key)] = b"value %d" % key
                write("shard_index", f"tensorstore_{'zr'[not gzip_index]}{'zr'[not gzip_data]}",
                      bytes([2 | gzip_index << 3 | gzip_data << 4 | 1 << 5]) + Path(folder, "0.shard").read_bytes())


def make_compressed_segmentation():
    random = np.random.default_rng(1)
    for dtype in (np.uint32, np.uint64):
        for labels in (1, 2, 4, 16, 200):
            for shape, block in (((9, 8, 5), (8, 8, 8)), ((8, 8, 8), (8, 8, 8)), ((5, 6, 3), (2, 6, 2))):
                chunk = np.asfortranarray(random.integers(0, labels, shape).astype(dtype) * 1000003)
                data = compressed_segmentation.compress(chunk, block_size=block, order="F")
                sizes = bytes(side - 1 for side in shape + block)
                write("compressed_segmentation", f"{np.dtype(dtype).name}_{labels}_{'x'.join(map(str, shape))}",
                      sizes + bytes([dtype is np.uint64]) + data)


def make_gzip():
    text = b"precomputed " * 40
    noise = np.random.default_rng(2).bytes(300)
    write("gzip", "empty", gzip.compress(b"", mtime=0))
    write("gzip", "dynamic", gzip.compress(text + noise, mtime=0))
    write("gzip", "stored", gzip.compress(noise, compresslevel=0, mtime=0))
    fixed = zlib.compressobj(9, zlib.DEFLATED, 31, 9, zlib.Z_FIXED)
    write("gzip", "fixed", fixed.compress(text) + fixed.flush())
    write("gzip", "members", gzip.compress(text, mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(noise, mtime=0))
    write("gzip", "padded", gzip.compress(text, mtime=0) + bytes(20))
    write("gzip", "trailing", gzip.compress(text, mtime=0) + b"more")
    body = gzip.compress(text, mtime=0)[10:]
    head = b"\x1f\x8b\x08\x1e" + bytes(6) + struct.pack("<H", 4) + b"AB\0\0" + b"name\0" + b"comment\0"
    write("gzip", "header_fields", head + struct.pack("<H", zlib.crc32(head) & 0xffff) + body)


make_info()
make_minishard()
make_shard()
make_compressed_segmentation()
make_gzip()
