# SPDX-License-Identifier: Apache-2.0
"""igneous and cloud-volume take the meshes of `mesh` as they take their own: copied, sharded, merged, removed."""

import json
import shutil

import cloudvolume
import numpy as np
import pytest
from test_read_meshes import LABEL, OFFSET, blobs, by_cloud_volume, expect_equal, read

import peers
from program import run

KINDS = {"legacy": ("--format", "legacy"), "flat": ("--layout", "flat"), "sharded": ()}
LABELS = [n * LABEL for n in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    root = tmp_path_factory.mktemp("ours")
    made = {}
    for kind, options in KINDS.items():
        made[kind] = peers.by_cloud_volume(root / kind, blobs(), chunk=(32, 32, 32), offset=OFFSET)
        done = run("mesh", made[kind], "--max-error", "0", *options)
        assert done.status == 0, done.err
    return made


def box(mesh):
    return np.array([mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)])


@pytest.mark.parametrize("kind", KINDS)
def test_copied(datasets, tmp_path, kind):
    """`igneous mesh xfer` takes every mesh along."""
    (tmp_path / "copy").mkdir()
    shutil.copy(datasets[kind] / "info", tmp_path / "copy/info")
    peers.igneous("mesh", "xfer", datasets[kind], tmp_path / "copy", "--magnitude", 1)
    level = None if kind == "legacy" else 0
    for label in LABELS:
        expect_equal(read(f"{tmp_path}/copy|mesh:{label}", tmp_path), by_cloud_volume(datasets[kind], label, level))


@pytest.mark.parametrize("kind", ["legacy", "flat"])
def test_packed_into_shards(datasets, tmp_path, kind):
    """`igneous mesh xfer --sharded` reads the meshes and makes its own levels of them, some voxels of which it cuts."""
    peers.igneous("mesh", "xfer", datasets[kind], tmp_path / "shards", "--sharded", "--nlod", 2, "--mip", 0)
    assert "sharding" in json.loads((tmp_path / "shards/mesh/info").read_text())
    level = None if kind == "legacy" else 0
    for label in LABELS:
        theirs = by_cloud_volume(tmp_path / "shards", label, 0)
        expect_equal(read(f"{tmp_path}/shards|mesh:{label}", tmp_path), theirs)
        ours = by_cloud_volume(datasets[kind], label, level)
        np.testing.assert_allclose(box(theirs), box(ours), atol=1)
        assert len(theirs.faces) >= len(ours.faces)


def test_merged_into_levels(datasets, tmp_path):
    """`igneous mesh merge --nlod` makes multi-resolution meshes of the fragments of legacy ones."""
    folder = shutil.copytree(datasets["legacy"], tmp_path / "copy")
    peers.igneous("mesh", "merge", folder, "--magnitude", 1, "--nlod", 1, "--min-chunk-size", "8,8,8")
    for label in LABELS:
        np.testing.assert_allclose(box(by_cloud_volume(folder, label, 0)), box(by_cloud_volume(datasets["legacy"], label)), atol=1)


def test_manifests_made_anew(datasets, tmp_path):
    """`igneous mesh merge` finds the fragments by their names."""
    folder = shutil.copytree(datasets["legacy"], tmp_path / "copy")
    manifests = {path.name: json.loads(path.read_text()) for path in (folder / "mesh").glob("*:0")}
    for name in manifests:
        (folder / "mesh" / name).unlink()
    peers.igneous("mesh", "merge", folder, "--magnitude", 1)
    assert {path.name: json.loads(path.read_text()) for path in (folder / "mesh").glob("*:0")} == manifests


@pytest.mark.parametrize("kind", KINDS)
def test_removed(datasets, tmp_path, kind):
    folder = shutil.copytree(datasets[kind], tmp_path / "copy")
    peers.igneous("mesh", "rm", folder, "--magnitude", 1)
    assert {path.name for path in (folder / "mesh").iterdir()} <= {"info", "provenance"}


def test_replaced_by_cloud_volume(datasets, tmp_path):
    """`mesh.put` takes the place of a mesh that `mesh` made; it is read, and all is well with it."""
    folder = shutil.copytree(datasets["legacy"], tmp_path / "copy")
    one, other = by_cloud_volume(folder, LABELS[0]), by_cloud_volume(folder, LABELS[1])
    volume = cloudvolume.CloudVolume(f"file://{folder}", progress=False)
    volume.mesh.put(cloudvolume.Mesh(other.vertices, other.faces, None, segid=LABELS[0]))
    assert len(one.faces) != len(other.faces)
    expect_equal(read(f"{folder}|mesh:{LABELS[0]}", tmp_path), other)
    assert run("check", folder, "--json").json == []
