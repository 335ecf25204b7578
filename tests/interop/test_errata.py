# SPDX-License-Identifier: Apache-2.0
"""Data as other tools leave them: docs/errata-of-peers.md."""

import gzip
import json
import struct
import zlib

import numpy as np

import volumes
from program import convert
from volumes import save_nifti


def shard_of_zlib(dataset):
    """Rewrites a shard as neuroglancer-scripts 1.2.0 writes it: zlib streams where `info` says gzip."""
    (path,) = dataset.glob("*/0.shard")
    data = path.read_bytes()
    (begin, end) = struct.unpack_from("<QQ", data)
    index = np.frombuffer(gzip.decompress(data[16 + begin:16 + end]), "<u8").reshape(3, -1).copy()
    starts = np.cumsum(index[1]) + np.concatenate([[0], np.cumsum(index[2])[:-1]]).astype("u8")
    values = [zlib.compress(gzip.decompress(data[16 + s:16 + s + n]))
              for s, n in zip(starts.tolist(), index[2].tolist(), strict=True)]
    index[1], index[2] = 0, [len(v) for v in values]
    packed, body = zlib.compress(index.tobytes()), b"".join(values)
    path.write_bytes(struct.pack("<QQ", len(body), len(body) + len(packed)) + body + packed)


def test_zlib_in_shards_is_read(tmp_path):
    values = volumes.structured((20, 20, 20), "u1")
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--chunk-size", "8", "--scales", "1", "--sharding", "9,0,0")
    shard_of_zlib(tmp_path / "out")
    convert(tmp_path / "out", tmp_path / "back.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "back.npy").reshape(values.shape), values)


def test_integers_written_as_text_or_floats_in_info(tmp_path):
    """The viewer takes integers through parseInt; writers in the wild rely on it."""
    values = volumes.structured((20, 20, 20), "u1")
    convert(save_nifti(tmp_path / "v.nii", values), tmp_path / "out", "--chunk-size", "8", "--scales", "1")
    info = json.loads((tmp_path / "out/info").read_text())
    info["data_type"] = "UINT8"
    info["scales"][0]["size"] = [20.0, 20, 20]
    (tmp_path / "out/info").write_text(json.dumps(info))
    convert(tmp_path / "out", tmp_path / "back.nii")
