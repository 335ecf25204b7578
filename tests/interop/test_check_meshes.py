# SPDX-License-Identifier: Apache-2.0
"""Meshes of this program, in which `check` finds nothing, and what it says of meshes in several kinds of files."""

import gzip
import json
import shutil
import struct
import zlib

import DracoPy
import numpy as np
import pytest
from test_check_faults import expect_at, findings
from test_check_server import serving

import volumes
from program import convert, run
from shards import Shard
from volumes import save_nifti

KINDS = {"legacy": ("--format", "legacy"), "flat": ("--layout", "flat"), "sharded": ("--quantization-bits", "10")}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    root = tmp_path_factory.mktemp("meshed")
    path = save_nifti(root / "v.nii", volumes.labels((60, 50, 40), "u4"), np.diag([1.0, 1, 1, 1]))
    convert(path, root / "plain")
    made = {}
    for kind, options in KINDS.items():
        made[kind] = shutil.copytree(root / "plain", root / kind)
        done = run("mesh", made[kind], *options)
        assert done.status == 0, done.err
    return made


def copied(originals, kind, tmp_path):
    folder = shutil.copytree(originals[kind], tmp_path / "d")
    return folder, folder / "mesh"


def first_label(meshes):
    return min(int(path.name.partition(":")[0].partition(".")[0]) for path in meshes.glob("[1-9]*"))


@pytest.mark.parametrize("kind", KINDS)
def test_no_fault(originals, kind):
    assert findings(originals[kind]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_server_that_lists_nothing(originals, tmp_path, kind):
    folder, meshes = copied(originals, kind, tmp_path)
    with serving(folder) as url:
        assert run("check", url, "--json").json == []
        for path in meshes.iterdir():
            if path.suffix == ".shard" or path.name.startswith("1"):
                path.unlink()
        (found,) = run("check", url, "--json").json
    assert found["code"] == "missing-mesh"


def test_labels_that_were_left_out_need_no_mesh(originals, tmp_path):
    folder, meshes = copied(originals, "flat", tmp_path)
    label = first_label(meshes)
    for options in (("--exclude", label), (label,), ("--min-voxels", 50)):
        done = run("mesh", folder, *options, "--overwrite")
        assert done.status == 0, done.err
        assert findings(folder) == []


def test_surfaces_of_files_need_no_voxels(originals, tmp_path):
    folder, meshes = copied(originals, "flat", tmp_path)
    label = first_label(meshes)
    assert run("convert", f"{folder}|mesh:{label}", tmp_path / "s.ply").status == 0
    shutil.rmtree(meshes)
    done = run("surfaces", tmp_path / "s.ply", folder, "--label", "123456")
    assert done.status == 0, done.err
    assert findings(folder) == []


@pytest.mark.parametrize("kind", KINDS)
def test_surfaces_beside_meshes_of_voxels(originals, tmp_path, kind):
    """Their labels need no voxels, and may have names; other labels still do."""
    folder, meshes = copied(originals, kind, tmp_path)
    label = first_label(originals["flat"] / "mesh")
    assert run("convert", f"{folder}|mesh:{label}", tmp_path / "s.ply").status == 0
    (tmp_path / "names.csv").write_text("id,name\n12,one\n13,other\n")
    assert run("properties", tmp_path / "names.csv", folder).status == 0
    for number in 12, 13:
        done = run("surfaces", tmp_path / "s.ply", folder, "--label", number)
        assert done.status == 0, done.err
    assert findings(folder) == []
    # As if they had come from elsewhere.
    provenance = json.loads((meshes / "provenance").read_text())
    provenance["processing"][0]["method"]["options"]["surfaces"] = "13"
    (meshes / "provenance").write_text(json.dumps(provenance))
    (found,) = expect_at(folder, "stray-mesh", "mesh")
    assert "found 12:" in found["message"]


def test_missing_label_is_named(originals, tmp_path):
    folder, meshes = copied(originals, "flat", tmp_path)
    label = first_label(meshes)
    (meshes / f"{label}.index").unlink()
    (found,) = expect_at(folder, "missing-mesh", "mesh")
    assert f" {label}:" in found["message"]


def test_meshes_that_are_not_there(originals, tmp_path):
    folder, meshes = copied(originals, "flat", tmp_path)
    shutil.rmtree(meshes)
    expect_at(folder, "missing-link")


@pytest.mark.parametrize("change", [{"vertex_quantization_bits": 12}, {"sharding": None}, {"transform": [0] * 12}, {"@type": "x"}])
def test_info_that_the_viewer_refuses(originals, tmp_path, change):
    folder, meshes = copied(originals, "flat", tmp_path)
    info = json.loads((meshes / "info").read_text())
    (meshes / "info").write_text(json.dumps(info | change))
    expect_at(folder, "bad-mesh-info", "mesh/info")


@pytest.mark.parametrize("what", ["levels", "scale", "offset", "nodes"])
def test_manifest_with_another_number(originals, tmp_path, what):
    folder, meshes = copied(originals, "flat", tmp_path)
    path = meshes / f"{first_label(meshes)}.index"
    data = bytearray(path.read_bytes())
    (levels,) = struct.unpack_from("<I", data, 24)
    layout, at, value = {"levels": ("<I", 24, 77), "scale": ("<f", 28, -1), "offset": ("<f", 28 + 4 * levels, np.nan),
                         "nodes": ("<I", 28 + 16 * levels, 77)}[what]
    struct.pack_into(layout, data, at, value)
    path.write_bytes(data)
    expect_at(folder, "bad-manifest", path.name)


def test_manifest_without_its_end(originals, tmp_path):
    folder, meshes = copied(originals, "flat", tmp_path)
    path = meshes / f"{first_label(meshes)}.index"
    path.write_bytes(path.read_bytes()[:-4])
    expect_at(folder, "bad-manifest", path.name)


def test_draco_of_another_kind(originals, tmp_path):
    folder, meshes = copied(originals, "flat", tmp_path)
    path = meshes / f"{first_label(meshes)}"
    path.write_bytes(path.read_bytes()[:8] + bytes(path.stat().st_size - 8))
    expect_at(folder, "undecodable-fragment", path.name)


def legacy_fragment(meshes):
    label = first_label(meshes)
    (name,) = json.loads((meshes / f"{label}:0").read_text())["fragments"]
    return meshes / f"{label}:0", meshes / name


def test_legacy_fragments(originals, tmp_path):
    folder, meshes = copied(originals, "legacy", tmp_path)
    manifest, path = legacy_fragment(meshes)
    whole = path.read_bytes()
    path.unlink()
    expect_at(folder, "missing-fragment", path.name)
    path.write_bytes(gzip.compress(whole))
    expect_at(folder, "unnamed-gzip", path.name)
    path.rename(path.with_name(path.name + ".gz"))
    assert findings(folder) == []
    path.with_name(path.name + ".gz").unlink()
    path.write_bytes(whole[:-5])
    expect_at(folder, "undecodable-fragment", path.name)
    path.write_bytes(DracoPy.encode(np.eye(3, dtype="u4"), np.array([[0, 1, 2]], "u4")))
    expect_at(folder, "undecodable-fragment", path.name)
    path.write_bytes(whole)
    manifest.write_text('{"fragments": []}')
    expect_at(folder, "bad-manifest", manifest.name)
    manifest.write_text('{"fragments": ["../info"]}')
    expect_at(folder, "bad-manifest", manifest.name)


def test_shards(originals, tmp_path):
    folder, meshes = copied(originals, "sharded", tmp_path)
    path = max(meshes.glob("*.shard"), key=lambda p: p.stat().st_size)
    whole = path.read_bytes()
    path.write_bytes(whole[:7])
    expect_at(folder, "bad-shard", path.name)
    path.write_bytes(whole[:-3])
    expect_at(folder, "bad-minishard", path.name)
    path.write_bytes(whole)
    assert findings(folder) == []


@pytest.mark.parametrize("code", ["cut-chunk", "bad-manifest", "missing-mesh", "overlap", "zlib-shard"])
def test_entries_of_shards(originals, tmp_path, code):
    folder, meshes = copied(originals, "sharded", tmp_path)
    path = max(meshes.glob("*.shard"), key=lambda p: p.stat().st_size)
    shard = Shard.read(path, json.loads((meshes / "info").read_text())["sharding"])
    number, entries = max(shard.minishards.items(), key=lambda item: len(item[1]))
    if code == "cut-chunk":
        entries[-1].at += 10**7
    elif code == "bad-manifest":
        entries[0].size -= 4
    elif code == "overlap":
        first, second = sorted(entries, key=lambda entry: entry.at)[:2]
        second.at = first.at + 1
    elif code == "missing-mesh":
        shard.minishards[number] = entries[1:]
    shard.write(path, zlib.compress if code == "zlib-shard" else None)
    expect_at(folder, code, path.name if "mesh" not in code and "manifest" not in code else "")


def test_mesh_in_another_minishard(originals, tmp_path):
    folder, meshes = copied(originals, "sharded", tmp_path)
    (path,) = meshes.glob("*.shard")
    info = json.loads((meshes / "info").read_text())
    shard = Shard.read(path, info["sharding"])
    info["sharding"] |= {"hash": "identity", "minishard_bits": 1}
    (meshes / "info").write_text(json.dumps(info))
    entries = sorted(shard.entries(), key=lambda entry: entry.key)
    shard.spec = info["sharding"]
    shard.minishards = {n: [entry for entry in entries if entry.key % 2 == n] for n in (0, 1)}
    shard.write(path)
    assert findings(folder) == []
    stray = shard.minishards[1].pop(0)
    shard.minishards[0] = sorted([*shard.minishards[0], stray], key=lambda entry: entry.key)
    shard.write(path)
    expect_at(folder, "stray-chunk", f"{path.name}: key {stray.key}")


def test_manifests_in_zlib(originals, tmp_path):
    """One of a shard, whose fragments lie where they were."""
    folder, meshes = copied(originals, "sharded", tmp_path)
    path = max(meshes.glob("*.shard"), key=lambda p: p.stat().st_size)
    shard = Shard.read(path, json.loads((meshes / "info").read_text())["sharding"])
    first = min(shard.entries(), key=lambda entry: entry.key)
    packed = zlib.compress(shard.value(first))
    assert len(packed) <= first.size
    shard.body = shard.body[:first.at] + packed + shard.body[first.at + len(packed):]
    first.size = len(packed)
    shard.write(path)
    expect_at(folder, "zlib-shard", path.name)


@pytest.mark.parametrize("kind, name", [
    ("legacy", "7:0:1"), ("legacy", "lost.fragment.gz"), ("flat", "7"), ("flat", "7.idx"), ("sharded", "1f.shard"),
    ("sharded", "0.shard.gz.old"), ("sharded", "7.index")])
def test_files_that_nobody_asks_for(originals, tmp_path, kind, name):
    folder, meshes = copied(originals, kind, tmp_path)
    (meshes / name).write_bytes(b"x")
    expect_at(folder, "stray-file", f"mesh/{name}")


def test_fragments_of_a_label_without_manifest_are_part_of_that_fault(originals, tmp_path):
    folder, meshes = copied(originals, "legacy", tmp_path)
    label = first_label(meshes)
    (meshes / f"{label}:0").unlink()
    assert (meshes / f"{label}:0:1").exists()
    expect_at(folder, "missing-mesh", "mesh")
    (meshes / f"{label}:0").write_text("{")
    expect_at(folder, "bad-manifest", f"{label}:0")


def test_what_igneous_leaves_is_told_and_no_fault(originals, tmp_path):
    folder, meshes = copied(originals, "flat", tmp_path)
    for name in "7:0:0-448_0-448_0-448.gz", "0-448_0-448_0-448.frags", "0.labels.gz", "0-8_0-8_0-8.spatial.gz":
        (meshes / name).write_bytes(b"x")
    done = run("check", folder)
    assert done.status == 0 and "3 files that igneous left" in done.err, done.out + done.err
