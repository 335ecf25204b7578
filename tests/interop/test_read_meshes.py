# SPDX-License-Identifier: Apache-2.0
"""Meshes of datasets as other programs write them, read back as PLY files and compared with cloud-volume's reading."""

import gzip
import json
import shutil
from pathlib import Path

import cloudvolume
import DracoPy
import numpy as np
import pytest
import trimesh

import peers
import web
from program import run
from surfaces import convert_surface

OFFSET = (5, 6, 7)
LABEL = 2**32 + 3


def blobs():
    """Eight balls that touch and overlap chunk borders: labels of more than 32 bits."""
    x, y, z = np.mgrid[:60, :50, :40]
    labels = np.zeros((60, 50, 40), "u8")
    for n, (centre, radius) in enumerate([((30, 20, 31), 11), ((14, 14, 14), 8), ((40, 34, 12), 9), ((12, 38, 30), 6)], 1):
        inside = sum((a - c) ** 2 for a, c in zip((x, y, z), centre)) < radius**2
        labels[inside] = n * LABEL
    return labels


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """By igneous: kind of meshes to dataset."""
    root = tmp_path_factory.mktemp("meshes")
    labels = blobs()
    made = {kind: peers.by_cloud_volume(root / kind, labels, chunk=(32, 32, 32), offset=OFFSET)
            for kind in ("legacy", "plain", "draco", "multires", "sharded")}
    for kind, folder in made.items():
        peers.igneous_mesh(folder, kind, task=64 if kind in ("plain", "draco") else 32)
    return made


def places(mesh):
    """The places of every triangle's corners in 1/64 nm, whatever order their corners and they themselves are in."""
    vertices, faces = mesh
    rows = np.round(np.asarray(vertices, "f8") * 64).astype("i8")[np.asarray(faces, "i8")]
    rows = np.take_along_axis(rows, np.lexsort(rows.transpose(2, 0, 1), axis=-1)[..., None], axis=1).reshape(-1, 9)
    return rows[np.lexsort(rows.T)]


def read(place, folder):
    """Vertices in nm and triangles, by way of PLY."""
    vertices, faces = convert_surface(place, folder / "out.ply", "--overwrite")
    return vertices.astype("f8") * 1e6, faces


def by_cloud_volume(folder, label, level=None):
    volume = cloudvolume.CloudVolume(f"file://{folder}", progress=False)
    if level is None:
        return volume.mesh.get(label)
    return volume.mesh.get(label, lod=level)[label]


def mesh_folder(folder):
    return Path(folder) / json.loads((Path(folder) / "info").read_text())["mesh"]


def expect_equal(ours, theirs):
    # PLY holds millimetres as float32, cloud-volume nanometres: 2^-24 of some micrometres on either side.
    np.testing.assert_allclose(places(ours), places((theirs.vertices, theirs.faces)), rtol=0, atol=1)


@pytest.mark.parametrize("kind", ["legacy", "plain"])
@pytest.mark.parametrize("label", [n * LABEL for n in (1, 2, 3, 4)])
def test_legacy(datasets, tmp_path, kind, label):
    ours = read(f"{datasets[kind]}|mesh:{label}", tmp_path)
    expect_equal(ours, by_cloud_volume(datasets[kind], label))


@pytest.mark.parametrize("label", [n * LABEL for n in (1, 2, 3, 4)])
def test_legacy_draco(datasets, tmp_path, label):
    """cloud-volume does not read it; the same surface is there as plain fragments, from which rounding leads astray by 1 nm."""
    with pytest.raises(cloudvolume.exceptions.MeshDecodeError):
        by_cloud_volume(datasets["draco"], label)
    ours = read(f"{datasets['draco']}|mesh:{label}", tmp_path)
    expect_equal(ours, by_cloud_volume(datasets["plain"], label))


def test_kinds_of_legacy_are_different(datasets):
    for kind, suffix, begin in ("legacy", ".gz", b"\x1f\x8b"), ("plain", "", None), ("draco", "", b"DRACO"):
        fragments = [path for path in mesh_folder(datasets[kind]).glob("*:0:*") if path.suffix == suffix]
        assert len(fragments) >= 4
        assert all(path.read_bytes().startswith(begin or path.read_bytes()[:1]) for path in fragments)


@pytest.mark.parametrize("compress", ["gzip", None])
def test_put_by_cloud_volume(datasets, tmp_path, compress):
    folder = peers.by_cloud_volume(tmp_path / "put", blobs(), chunk=(32, 32, 32), offset=OFFSET)
    volume = cloudvolume.CloudVolume(f"file://{folder}", progress=False, mesh_dir="surfaces")
    volume.info["mesh"] = "surfaces"
    volume.commit_info()
    meshes = [by_cloud_volume(datasets["legacy"], n * LABEL) for n in (1, 2, 3, 4)]
    for n, mesh in enumerate(meshes, 1):
        volume.mesh.put(cloudvolume.Mesh(mesh.vertices, mesh.faces, None, segid=n * LABEL), compress=compress)
    for n, mesh in enumerate(meshes, 1):
        expect_equal(read(f"{folder}|mesh:{n * LABEL}", tmp_path), mesh)
    assert run("check", folder, "--json").json == []


@pytest.mark.parametrize("kind", ["multires", "sharded"])
@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("label", [n * LABEL for n in (1, 3)])
def test_multires(datasets, tmp_path, kind, level, label):
    ours = read(f"{datasets[kind]}|mesh:{label}:{level}", tmp_path)
    expect_equal(ours, by_cloud_volume(datasets[kind], label, level))


def test_fragments_are_joined(datasets, tmp_path):
    """A ball that is cut by chunks is closed again."""
    out = tmp_path / "out.ply"
    convert_surface(f"{datasets['legacy']}|mesh:{LABEL}", out)
    assert trimesh.load(out, process=False).is_watertight


def copied(datasets, kind, tmp_path):
    return Path(shutil.copytree(datasets[kind], tmp_path / "copy"))


def test_fragments_in_gzip_without_its_name_and_as_draco(datasets, tmp_path):
    label = LABEL
    theirs = by_cloud_volume(datasets["legacy"], label)
    folder = copied(datasets, "legacy", tmp_path)
    fragments = sorted(mesh_folder(folder).glob(f"{label}:0:*.gz"))
    assert len(fragments) > 1
    for path in fragments:
        path.rename(path.with_suffix(""))
    last = fragments[-1].with_suffix("")
    mesh = cloudvolume.Mesh.from_precomputed(gzip.decompress(last.read_bytes()))
    # Half voxels of 4 x 4 x 40 nm are whole nanometres.
    last.write_bytes(DracoPy.encode(mesh.vertices.astype("u4"), mesh.faces))
    expect_equal(read(f"{folder}|mesh:{label}", tmp_path), theirs)


def test_manifests_without_colon_suffix(datasets, tmp_path):
    label = 2 * LABEL
    folder = copied(datasets, "legacy", tmp_path)
    (mesh_folder(folder) / f"{label}:0").rename(mesh_folder(folder) / f"{label}")
    expect_equal(read(f"{folder}|mesh:{label}", tmp_path), by_cloud_volume(datasets["legacy"], label))


@pytest.mark.parametrize("kind", ["legacy", "multires", "sharded"])
def test_of_a_server(datasets, tmp_path, kind):
    label = 3 * LABEL
    folder = copied(datasets, kind, tmp_path)
    for path in mesh_folder(folder).glob("*.gz"):  # this server knows no encodings
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    with web.serving(folder) as url:
        far = read(f"{url}|mesh:{label}", tmp_path)
    near = read(f"{datasets[kind]}|mesh:{label}", tmp_path)
    assert np.array_equal(far[0], near[0]) and np.array_equal(far[1], near[1])


def test_goes_through_transform_json(datasets, tmp_path):
    label = 2 * LABEL
    plain = read(f"{datasets['multires']}|mesh:{label}", tmp_path)
    folder = copied(datasets, "multires", tmp_path)
    transform = [[0, -1, 0, 500], [1, 0, 0, 0], [0, 0, 1, -70], [0, 0, 0, 1]]
    (folder / "transform.json").write_text(json.dumps(transform))
    turned = read(f"{folder}|mesh:{label}", tmp_path)
    expected = plain[0] @ np.array(transform)[:3, :3].T + np.array(transform)[:3, 3]
    np.testing.assert_allclose(turned[0], expected, atol=0.01)


@pytest.mark.parametrize("suffix", ["obj", "stl", "vtk", "gii"])
def test_other_files(datasets, tmp_path, suffix):
    done = run("convert", f"{datasets['sharded']}|mesh:{LABEL}", tmp_path / f"out.{suffix}", "--json")
    assert done.status == 0, done.err
    theirs = by_cloud_volume(datasets["sharded"], LABEL, 0)
    assert done.json["triangles"] == len(theirs.faces)
    bounds = [theirs.vertices.min(0) / 1e6, theirs.vertices.max(0) / 1e6]
    np.testing.assert_allclose(done.json["bounds_mm"], bounds, rtol=1e-6)


def test_check_says_that_the_viewer_shows_no_draco_in_legacy_meshes(datasets):
    found = run("check", datasets["draco"], "--json").json
    assert found and {(one["code"], "Draco" in one["message"]) for one in found} == {("undecodable-fragment", True)}


@pytest.mark.parametrize("suffix, packing", [(".br", "Brotli"), (".zstd", "Zstandard")])
def test_fragments_in_other_packings_are_named(datasets, tmp_path, suffix, packing):
    """As `igneous mesh forge --compress br` calls them: neither the viewer nor this program unpacks them."""
    folder = copied(datasets, "legacy", tmp_path)
    fragments = list(mesh_folder(folder).glob(f"{LABEL}:0:*.gz"))
    for path in fragments:
        path.rename(path.with_suffix(suffix))
    refused = run("convert", f"{folder}|mesh:{LABEL}", tmp_path / "out.ply")
    assert refused.status == 3 and packing in refused.err and "hint: unpack" in refused.err
    found = run("check", folder, "--json").json
    assert len(found) == len(fragments)
    assert {(one["code"], packing in one["message"]) for one in found} == {("undecodable-fragment", True)}


def test_surfaces_replaces_a_mesh_of_many_fragments(datasets, tmp_path):
    """Nothing is left of the label's own; those of others stay."""
    folder = copied(datasets, "legacy", tmp_path)
    meshes = mesh_folder(folder)
    others = {path.name for path in meshes.iterdir() if not path.name.startswith(f"{LABEL}:")}
    assert len(list(meshes.glob(f"{LABEL}:0:*"))) > 1
    (meshes / f"{LABEL}:0:1.gz").write_bytes(b"old")
    run("convert", f"{folder}|mesh:{2 * LABEL}", tmp_path / "s.ply")
    done = run("surfaces", tmp_path / "s.ply", folder, "--label", LABEL, "--overwrite")
    assert done.status == 0, done.err
    assert {path.name for path in meshes.iterdir()} - {"provenance"} == others | {f"{LABEL}:0", f"{LABEL}:0:1"}
    assert run("check", folder, "--json").json == []
    for place in (f"{folder}|mesh:{LABEL}", f"{folder}|mesh:{2 * LABEL}"):
        expect_equal(read(place, tmp_path), by_cloud_volume(datasets["legacy"], 2 * LABEL))


def test_igneous_loses_small_labels(tmp_path):
    """Where it simplifies, which it does unless told not to; `check` names them."""
    labels = np.zeros((24, 24, 24), "u8")
    labels[4:20, 4:20, 4:20] = 7
    labels[2, 2, 3] = 9
    folder = peers.by_cloud_volume(tmp_path / "small", labels, chunk=(24, 24, 24))
    peers.igneous("mesh", "forge", folder, "--shape", "24,24,24", "--sharded")
    peers.igneous("mesh", "merge-sharded", folder, "--nlod", 0)
    (found,) = run("check", folder, "--json").json
    assert found["code"] == "missing-mesh" and "found none of 9:" in found["message"]


@pytest.mark.parametrize("kind", ["legacy", "plain", "multires", "sharded"])
def test_check_finds_nothing(datasets, kind):
    done = run("check", datasets[kind], "--quiet")
    assert done.status == 0, done.out + done.err
