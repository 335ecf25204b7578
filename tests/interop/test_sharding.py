# SPDX-License-Identifier: Apache-2.0
"""Every parameter of shards, both ways: hashes, bits, encodings, and the orders in which others write."""

import itertools
import json

import numpy as np
import pytest

import peers
import volumes
from peers import by_cloud_volume, by_scripts, by_tensorstore, scripts_source
from program import convert, run
from test_other_readers import by_cloud_volume as read_by_cloud_volume
from test_other_readers import by_tensorstore as read_by_tensorstore
from volumes import save_nifti

SHAPE = (37, 26, 19)  # 5 x 4 x 3 chunks of 8
HASHES = ["identity", "murmurhash3_x86_128"]
BITS = [(0, 0, 0), (2, 3, 1), (1, 0, 4), (0, 6, 0), (9, 1, 1), (64, 1, 1), (0, 5, 30)]
ENCODINGS = list(itertools.product(["raw", "gzip"], repeat=2))


@pytest.fixture(scope="module")
def values():
    return volumes.noise(SHAPE, "u2", seed=51)


def read_back(folder, shape):
    convert(folder, folder.with_suffix(".npy"))
    return np.load(folder.with_suffix(".npy")).reshape(shape)


def findings(folder):
    done = run("check", folder, "--json")
    assert done.status in (0, 3), done.err
    return done.json


@pytest.mark.parametrize("compress", ["gzip", "none"])
@pytest.mark.parametrize("bits", BITS, ids=str)
@pytest.mark.parametrize("hash", HASHES)
def test_others_read_ours(tmp_path, values, hash, bits, compress):
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--sharding", ",".join([*map(str, bits), hash]), "--compress", compress,
            "--chunk-size", "8", "--scales", "1", "--keep-empty")
    (scale,) = json.loads((tmp_path / "out/info").read_text())["scales"]
    assert scale["sharding"] == peers.sharding(bits, hash, compress.replace("none", "raw"),
                                               compress.replace("none", "raw"))
    np.testing.assert_array_equal(np.asarray(read_by_tensorstore(tmp_path / "out", 0))[..., 0], values)
    if bits[0] < 64 and bits[2] < 30:  # shifts and masks of numpy's
        np.testing.assert_array_equal(read_by_cloud_volume(tmp_path / "out", 0)[..., 0], values)
    assert findings(tmp_path / "out") == []


@pytest.mark.parametrize("index, data", ENCODINGS)
@pytest.mark.parametrize("bits", BITS, ids=str)
@pytest.mark.parametrize("hash", HASHES)
def test_we_read_tensorstore(tmp_path, values, hash, bits, index, data):
    by_tensorstore(tmp_path / "in", [values], spec=peers.sharding(bits, hash, index, data))
    np.testing.assert_array_equal(read_back(tmp_path / "in", SHAPE), values)
    assert findings(tmp_path / "in") == []


@pytest.mark.parametrize("index, data", ENCODINGS)
@pytest.mark.parametrize("hash", HASHES)
def test_we_read_cloud_volume(tmp_path, values, hash, index, data):
    """Its values come minishard by minishard, all indices behind them."""
    by_cloud_volume(tmp_path / "in", values, spec=peers.sharding((1, 3, 0), hash, index, data), offset=(-5, 7, 64))
    np.testing.assert_array_equal(read_back(tmp_path / "in", SHAPE), values)
    assert findings(tmp_path / "in") == []


@pytest.mark.parametrize("options", [(), ("--no-gzip",)], ids=["zlib", "raw"])
def test_we_read_neuroglancer_scripts(tmp_path, options):
    """What it calls gzip is zlib."""
    values = volumes.structured((130, 70, 65), "u1")
    path = scripts_source(tmp_path / "v.nii", values)
    by_scripts(path, tmp_path / "in", *options, shards="1,1,1")
    np.testing.assert_array_equal(read_back(tmp_path / "in", values.shape), values)
