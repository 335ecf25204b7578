# SPDX-License-Identifier: Apache-2.0
"""Nothing is found in good datasets of other programs; zlib shards of neuroglancer-scripts are found and mended."""

import shutil

import numpy as np
import pytest
from conftest import tree

import volumes
from peers import by_cloud_volume, by_scripts, by_tensorstore, igneous, scripts_source, sharding
from program import convert, run
from pyramid import downsample
from test_other_readers import by_tensorstore as read_by_tensorstore


def findings(place, *options):
    done = run("check", place, "--json", *options)
    assert done.status == (3 if done.json else 0), done.err
    return done.json


@pytest.fixture(params=["u2", "f4", "u8"])
def values(request):
    if request.param in ("u4", "u8"):
        return volumes.labels((70, 61, 50), request.param, cells=60)
    return volumes.structured((70, 61, 50), request.param)


@pytest.mark.parametrize("spec", [None, sharding((1, 3, 2), "murmurhash3_x86_128"), sharding((0, 2, 1), data="raw")],
                         ids=["files", "murmur", "raw"])
def test_tensorstore(tmp_path, values, spec):
    method = "majority" if values.dtype.itemsize >= 4 and values.dtype.kind == "u" else "average"
    scales = [values[..., None]]
    for _ in range(2):
        scales.append(downsample(scales[-1], (0, 0, 0), (2, 2, 2), method)[0])
    encoding = "compressed_segmentation" if method == "majority" else "raw"
    by_tensorstore(tmp_path / "d", scales, chunk=(16, 16, 16), encoding=encoding, spec=spec)
    assert findings(tmp_path / "d") == []


@pytest.mark.parametrize("compress", [True, False])
def test_cloud_volume(tmp_path, values, compress):
    by_cloud_volume(tmp_path / "d", values, chunk=(16, 16, 16), offset=(-3, 5, 100), compress=compress)
    assert findings(tmp_path / "d") == []


@pytest.mark.parametrize("encoding, sharded", [("compressed_segmentation", True), ("compressed_segmentation", False),
                                               ("jpeg", False), ("raw", True), ("raw", False)])
def test_igneous(tmp_path, encoding, sharded):
    if encoding == "compressed_segmentation":
        values = volumes.labels((70, 61, 50), "u4", cells=60)
    else:
        values = volumes.structured((70, 61, 50), "u1")
    by_cloud_volume(tmp_path / "d", values, chunk=(16, 16, 16), encoding=encoding)
    queue = f"fq://{tmp_path / 'queue'}"
    if sharded:
        igneous("image", "xfer", f"file://{tmp_path / 'd'}", f"file://{tmp_path / 'e'}", "--queue", queue, "--sharded",
                "--chunk-size", "16,16,16", "--encoding", encoding)
    else:
        igneous("image", "downsample", f"file://{tmp_path / 'd'}", "--queue", queue)
    igneous("execute", queue, "-x", "--quiet")
    folder = tmp_path / ("e" if sharded else "d")
    assert findings(folder) == []
    if not sharded:
        assert len(run("info", folder, "--json").json["scales"]) > 1


@pytest.mark.parametrize("options", [(), ("--flat", "--no-gzip"), ("--encoding", "jpeg")], ids=str)
def test_scripts(tmp_path, options):
    path = scripts_source(tmp_path / "v.nii", volumes.structured((130, 70, 65), "u1"))
    by_scripts(path, tmp_path / "d", *options)
    assert findings(tmp_path / "d") == []


@pytest.mark.parametrize("method", ["majority", "stride"])
def test_scripts_labels(tmp_path, method):
    path = scripts_source(tmp_path / "v.nii", volumes.labels((130, 70, 65), "u4", cells=60))
    by_scripts(path, tmp_path / "d", "--type", "segmentation", "--downscaling-method", method, "--encoding",
               "compressed_segmentation")
    assert findings(tmp_path / "d") == []


def test_scripts_raw_shards(tmp_path):
    path = scripts_source(tmp_path / "v.nii", volumes.structured((130, 70, 65), "u1"))
    by_scripts(path, tmp_path / "d", "--no-gzip", shards="1,1,0")
    before = tree(tmp_path / "d")
    assert findings(tmp_path / "d", "--repair") == []
    assert tree(tmp_path / "d") == before


def test_scripts_zlib_shards_are_mended(tmp_path):
    values = volumes.structured((130, 70, 65), "u1")
    folder = by_scripts(scripts_source(tmp_path / "v.nii", values), tmp_path / "d", shards="1,1,0")
    found = findings(folder)
    assert {finding["code"] for finding in found} == {"zlib-shard"}
    assert [finding["where"] for finding in found] == ["1mm/0.shard", "1mm/1.shard", "2mm/0.shard"]
    assert "--repair" in found[0]["hint"]
    assert findings(folder, "--repair") == []
    np.testing.assert_array_equal(np.asarray(read_by_tensorstore(folder, 0))[..., 0], values)
    once = tree(folder)
    assert findings(folder, "--repair") == [] and tree(folder) == once
    convert(folder, tmp_path / "back.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "back.npy").reshape(values.shape), values)


def test_other_faults_are_left_alone(tmp_path):
    """A shard of zlib one value of which is broken stays as it is, whatever can be mended beside it."""
    folder = by_scripts(scripts_source(tmp_path / "v.nii", volumes.structured((130, 70, 65), "u1")), tmp_path / "d",
                        shards="1,1,0")
    path = folder / "1mm/0.shard"
    data = bytearray(path.read_bytes())
    data[32 + 1000] ^= 0xFF
    path.write_bytes(data)
    before = path.read_bytes()
    left = findings(folder, "--repair")
    assert {finding["code"] for finding in left} == {"zlib-shard", "undecodable-chunk"}
    assert all(finding["where"].startswith("1mm/0.shard") for finding in left)
    assert path.read_bytes() == before
    assert not list(folder.rglob("*.tmp"))


def test_info_is_mended(tmp_path):
    values = volumes.structured((20, 20, 20), "u1")
    by_cloud_volume(tmp_path / "d", values, chunk=(16, 16, 16))
    path = tmp_path / "d/info"
    text = path.read_text()
    path.write_text(text.replace('"encoding"', '"sharding": null, "encoding"'))
    assert {finding["code"] for finding in findings(tmp_path / "d")} == {"bad-info"}
    done = run("check", tmp_path / "d", "--repair")
    assert done.status == 0 and "mended: info" in done.out
    assert "sharding" not in path.read_text()
    once = path.read_bytes()
    assert findings(tmp_path / "d", "--repair") == [] and path.read_bytes() == once


def test_a_killed_repair_is_done_again(tmp_path):
    folder = by_scripts(scripts_source(tmp_path / "v.nii", volumes.structured((130, 70, 65), "u1")), tmp_path / "d",
                        shards="1,1,0")
    shutil.copytree(folder, tmp_path / "e")
    (folder / "1mm/0.shard.tmp").write_bytes(b"begun" * 100)
    assert findings(folder, "--repair") == [] == findings(tmp_path / "e", "--repair")
    assert tree(folder) == tree(tmp_path / "e")


def test_only_folders_are_mended(tmp_path):
    done = run("check", "http://127.0.0.1:1/d", "--repair")
    assert done.status == 3 and "--repair" in done.err
