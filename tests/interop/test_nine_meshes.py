# SPDX-License-Identifier: Apache-2.0
"""mesh-to-precomputed and link-mesh-fragments against those of neuroglancer-scripts."""

import gzip
import json
import struct

import nibabel as nib
import numpy as np
import pytest

from nine import Pair

EXAMPLE = "--coord-transform=-1,0,0,70.7666,0,-1,0,73.01,0,0,1,58.8777"


@pytest.fixture
def pair(tmp_path):
    pair = Pair(tmp_path)
    pair.put("seg/info", {"type": "segmentation", "scales": []})
    random = np.random.default_rng(0)
    vertices = random.normal(scale=60, size=(500, 3)).astype("float32")
    triangles = random.integers(0, 500, (900, 3)).astype("int32")
    image = nib.gifti.GiftiImage()
    image.add_gifti_data_array(nib.gifti.GiftiDataArray(vertices, "NIFTI_INTENT_POINTSET"))
    image.add_gifti_data_array(nib.gifti.GiftiDataArray(triangles, "NIFTI_INTENT_TRIANGLE"))
    for folder in pair.ours, pair.theirs:
        nib.save(image, folder / "gray_left.surf.gii")
    return pair


def read_fragment(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    (count,) = struct.unpack_from("<I", data)
    vertices = np.frombuffer(data, "<f4", 3 * count, 4).reshape(-1, 3)
    triangles = np.frombuffer(data, "<u4", offset=4 + 12 * count).reshape(-1, 3)
    turns = np.argmin(triangles, axis=1)  # where a triangle begins means nothing
    return vertices, np.stack([np.roll(t, -n) for t, n in zip(triangles, turns, strict=True)])


def check_meshes(pair):
    ours, theirs = pair.names("seg")
    assert ours == theirs
    assert pair.infos("seg")[0] == pair.infos("seg")[1]
    for name in ours - {"info"}:
        mine, other = pair.ours / "seg" / name, pair.theirs / "seg" / name
        if name.split("/")[-1].split(":")[0].isdigit():
            assert json.loads(mine.read_text()) == json.loads(other.read_text())
            continue
        (v, t), (w, u) = read_fragment(mine), read_fragment(other)
        np.testing.assert_array_equal(t, u)
        np.testing.assert_allclose(v, w, rtol=2e-7, atol=8)  # nm; the last bit of a float32


@pytest.mark.parametrize("options", [[], ["--mesh-name=grey-left", EXAMPLE], ["--no-gzip", "--mesh-dir", "mesh"],
                                     ["--coord-transform", "0,1,0,0.2,1,0,0,0,0,0,-1,0.3,0,0,0,1"],
                                     ["--mesh-dir=surfaces", "--compresslevel", "1"]], ids=lambda o: " ".join(o)[:30])
def test_fragment(pair, options):
    pair.must("mesh-to-precomputed", *options, "gray_left.surf.gii", "seg/")
    check_meshes(pair)


@pytest.mark.parametrize("options", [[], ["--no-colon-suffix"]], ids=["colon", "no colon"])
def test_links(pair, options):
    for name in "grey-left", "grey right":
        pair.must("mesh-to-precomputed", f"--mesh-name={name}", EXAMPLE, "gray_left.surf.gii", "seg")
    pair.put("labels.csv", '100,grey-left,"grey right"\r\n 7 ,grey-left\n0\n"12","odd, ""name"""\n')
    both = pair.must("link-mesh-fragments", *options, "labels.csv", "seg")
    warnings = [[line for line in run.err.splitlines() if line.startswith("WARNING")] for run in (both.ours, both.theirs)]
    assert warnings[0] == warnings[1] == ['WARNING: missing fragment odd, "name"']
    check_meshes(pair)
    assert json.loads((pair.ours / "seg/mesh" / ("100" if options else "100:0")).read_text()) == {
        "fragments": ["grey-left", "grey right"]}


def test_mistakes(pair):
    mesh = "gray_left.surf.gii"
    pair.put("labels.csv", "1,a\n")
    pair.must("link-mesh-fragments", "labels.csv", "seg", status=1)
    pair.must("mesh-to-precomputed", mesh, "none", status=1)
    pair.must("mesh-to-precomputed", "none.gii", "seg", status=1)
    pair.must("mesh-to-precomputed", mesh, "seg")
    pair.must("mesh-to-precomputed", mesh, "seg", status=1)  # it is there
    pair.must("mesh-to-precomputed", "--mesh-dir=other", mesh, "seg", status=1)
    both = pair.must("mesh-to-precomputed", "--coord-transform=1,2,3", mesh, "seg", status=2)
    assert both.ours.err.splitlines()[-1] == both.theirs.err.splitlines()[-1]
    pair.must("mesh-to-precomputed", "--flat", mesh, "seg", status=2)
    pair.must("link-mesh-fragments", "none.csv", "seg", status=1)
    pair.must("link-mesh-fragments", "labels.csv", status=2)
    pair.must("link-mesh-fragments", "labels.csv", "seg")
    pair.must("link-mesh-fragments", "labels.csv", "seg", status=1)  # its manifest is there
    for text in "\n1,a\n", "one,a\n", ",a\n":
        pair.put("wrong.csv", text)
        pair.must("link-mesh-fragments", "wrong.csv", "seg", status=1)


def test_an_image_is_warned_of(pair):
    pair.put("seg/info", {"type": "image", "scales": []})
    both = pair.must("mesh-to-precomputed", "gray_left.surf.gii", "seg")
    assert "WARNING" in both.ours.err and "WARNING" in both.theirs.err
    check_meshes(pair)


def test_into_a_sharded_dataset(pair):
    """Theirs cannot."""
    sharding = {"@type": "neuroglancer_uint64_sharded_v1", "minishard_bits": 0, "shard_bits": 0, "hash": "identity",
                "minishard_index_encoding": "raw", "data_encoding": "raw", "preshift_bits": 0}
    pair.put("seg/info", {"type": "segmentation", "data_type": "uint32", "num_channels": 1, "scales": [
        {"key": "1mm", "size": [9, 9, 9], "resolution": [1, 1, 1], "voxel_offset": [0, 0, 0], "encoding": "raw",
         "chunk_sizes": [[64, 64, 64]], "sharding": sharding}]})
    both = pair.run("mesh-to-precomputed", "gray_left.surf.gii", "seg")
    assert (both.ours.status, both.theirs.status) == (0, 1)
    assert len(read_fragment(pair.ours / "seg/mesh/gray_left.surf.gz")[0]) == 500
