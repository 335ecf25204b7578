# SPDX-License-Identifier: Apache-2.0
"""`serve` makes meshes of the segments that are asked for: those of `mesh`, where the voxels are, read by cloud-volume."""

import concurrent.futures
import json

import cloudvolume
import nibabel as nib
import numpy as np
import pytest
from skimage.measure import marching_cubes

from meshes import volume_of
from program import convert, run
from site_under_test import Site, served

NM = np.array([32, 32, 40])
OFFSET = np.array([7, -5, 1000])
SIZES = ("--voxel-size", ",".join(map(str, NM)), "--voxel-offset", ",".join(map(str, OFFSET)),)
BALL, ROD, POINT, ALL_AROUND = 1, 70_000, 4_000_000_000, 9


def bodies():
    """Two nodes long. A ball across the nodes, a rod from border to border, one voxel; and what lies around them, which
    fills no node."""
    x, y, z = np.meshgrid(np.arange(300), np.arange(50), np.arange(60), indexing="ij", sparse=True)
    values = np.full((300, 50, 60), ALL_AROUND, np.uint32)
    values[(x - 150) ** 2 + (y - 25) ** 2 + (z - 30) ** 2 < 20**2] = BALL
    values[:, 3:9, 3:9] = ROD
    values[250, 40, 40] = POINT
    values[:, :, 55:] = 0
    return values


@pytest.fixture(scope="module")
def volume():
    return bodies()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, volume):
    folder = tmp_path_factory.mktemp("live_meshes")
    np.save(folder / "labels.npy", np.asfortranarray(volume))
    convert(folder / "labels.npy", folder / "seg", *SIZES)
    return folder


@pytest.fixture(scope="module", params=["labels.npy", "seg"])
def site(request, folder):
    with served(folder / request.param, *(SIZES if request.param == "labels.npy" else ())) as (_, line):
        yield Site(line)


def url(site):
    return site.line["datasets"][0]["url"]


def ask(site, key):
    return site.ask(f"/data/{site.line['datasets'][0]['name']}/{key}")


def fragments(site, label):
    manifest = ask(site, f"mesh/{label}:0")
    assert manifest.status == 200, manifest.content
    return {name: ask(site, f"mesh/{name}").content for name in json.loads(manifest.content)["fragments"]}


def vertices(content):
    count = int.from_bytes(content[:4], "little")
    return np.frombuffer(content, "<f4", 3 * count, 4).reshape(-1, 3)


def test_info_names_the_meshes(site):
    assert json.loads(ask(site, "info").content)["mesh"] == "mesh"
    assert json.loads(ask(site, "mesh/info").content) == {"@type": "neuroglancer_legacy_mesh"}
    page = ask(site, "").content.decode()
    assert "mesh/" in page and "info" in page


@pytest.mark.parametrize("label", [BALL, ROD, POINT, ALL_AROUND])
def test_vertices_are_those_of_mesh(folder, site, label):
    """To the bit: what one node has, the other node has too where they meet."""
    done = run("mesh", folder / "seg", label, "--format", "legacy", "--mesh-dir", f"only_{label}", "--overwrite")
    assert done.status == 0, done.err
    (folder / "seg" / "info").write_text(json.dumps({key: value for key, value in json.loads(
        (folder / "seg" / "info").read_text()).items() if key != "mesh"}))  # so that it has live ones again
    expected = vertices((folder / "seg" / f"only_{label}" / f"{label}:0:1").read_bytes())
    found = np.concatenate([vertices(content) for content in fragments(site, label).values()])
    np.testing.assert_array_equal(np.unique(found, axis=0), np.unique(expected, axis=0))


@pytest.mark.parametrize("label", [BALL, ROD, ALL_AROUND])
def test_cloud_volume_reads_them(site, volume, label):
    reader = cloudvolume.CloudVolume(f"precomputed://{url(site)}", progress=False, use_https=False)
    mesh = reader.mesh.get(label)
    mesh = mesh[label] if isinstance(mesh, dict) else mesh
    inside = np.pad(volume == label, 1)
    corners, faces, _, _ = marching_cubes(inside, 0.5)
    # Voxel centres are at integers there, and the padding is one voxel.
    corners = (corners - 1 + 0.5 + OFFSET) * NM
    assert np.abs(mesh.vertices.min(axis=0) - corners.min(axis=0)).max() <= NM.max()
    assert np.abs(mesh.vertices.max(axis=0) - corners.max(axis=0)).max() <= NM.max()
    origin = corners.mean(axis=0)
    expected = abs(volume_of(corners - origin, faces))
    # What is simplified may lie a voxel lower: the rod is six wide.
    within = 0.1 if label == ROD else 0.01
    assert volume_of(mesh.vertices - origin, mesh.faces) == pytest.approx(expected, rel=within)


@pytest.mark.parametrize("key", ["mesh/2:0", "mesh/0:0", "mesh/01:0", "mesh/1", "mesh/1:1", "mesh/1:0:1", "mesh/1:0:0_0",
                                 "mesh/1:0:0_0_1", "mesh/1:0:0_0_-1", "mesh/1:0:00_0_0", "mesh/1:0:0_0_0_0", "mesh/x",
                                 "mesh/-1:0", "mesh/99999999999999999999:0", "mesh/4000000000:0:0_0_0", "mesh/1:0:7_0_0"])
def test_what_does_not_exist(site, key):
    for _ in range(2):
        answer = ask(site, key)
        assert answer.status == 404, answer.content


def test_many_at_once_get_the_same(folder, volume):
    with served(folder / "labels.npy", *SIZES) as (_, line):
        site = Site(line)
        keys = [f"mesh/{label}:0" for label in (BALL, ROD, ALL_AROUND, 2)] * 6
        with concurrent.futures.ThreadPoolExecutor(12) as clients:
            answers = list(clients.map(lambda key: ask(site, key), keys))
            assert [answer.status for answer in answers] == [200, 200, 200, 404] * 6
            names = json.loads(answers[2].content)["fragments"] * 8
            contents = list(clients.map(lambda name: ask(site, f"mesh/{name}").content, names))
        assert len(names) > 8 and len(set(contents)) == len(set(names))


def test_a_client_that_leaves_stops_nobody(folder):
    with served(folder / "labels.npy", *SIZES) as (_, line):
        site = Site(line)
        name = line["datasets"][0]["name"]
        for _ in range(20):
            site.send(f"GET /data/{name}/mesh/{ALL_AROUND}:0 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), until=b"")
        for content in fragments(site, ALL_AROUND).values():
            assert len(vertices(content)) > 100


def test_meshes_lie_in_the_world_of_a_scan(tmp_path, volume):
    """The viewer's transform brings vertices to the millimetres of their voxels."""
    affine = np.array([[-0.8, 0, 0.1, 11], [0, 1, 0, -70], [0.1, 0, 0.9, 3], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(volume, affine), tmp_path / "atlas.nii.gz")
    with served(tmp_path / "atlas.nii.gz") as (_, line):
        site = Site(line)
        dataset, = line["datasets"]
        assert dataset["type"] == "segmentation"
        found = np.concatenate([vertices(content) for content in fragments(site, POINT).values()]).astype(float)
        matrix = np.array(dataset["transform"]["matrix"])
        world = (matrix[:, :3] @ (found / dataset["resolution_nm"]).T).T + matrix[:, 3]
    centre = affine @ [250, 40, 40, 1]
    # A tenth of a voxel: what is left of the six vertices around it need not lie evenly.
    np.testing.assert_allclose(world.mean(axis=0) / 1e6, centre[:3], atol=0.1)


def test_a_dataset_with_meshes_keeps_them(folder, tmp_path):
    convert(folder / "labels.npy", tmp_path / "seg", *SIZES)
    assert run("mesh", tmp_path / "seg", BALL, "--mesh-dir", "own", "--layout", "flat").status == 0
    with served(tmp_path / "seg") as (_, line):
        site = Site(line)
        assert json.loads(ask(site, "info").content)["mesh"] == "own"
        assert ask(site, f"own/{BALL}.index").status == 200
        assert ask(site, f"mesh/{BALL}:0").status == 404


@pytest.mark.parametrize(("dtype", "options"), [("u1", ("--type", "segmentation")), ("u8", ("--memory", "400MiB"))])
def test_other_types_of_labels(tmp_path, volume, dtype, options):
    labels = (volume % 251).astype(dtype)
    if dtype == "u8":
        labels[volume == BALL] = 2**63 + 5
    np.save(tmp_path / "labels.npy", np.asfortranarray(labels))
    with served(tmp_path / "labels.npy", *SIZES, *options) as (_, line):
        content = fragments(Site(line), labels[150, 25, 30])
    assert len(content) == 2
    middle = np.concatenate([vertices(c) for c in content.values()]).mean(axis=0)
    assert np.abs(middle - (np.array([150, 25, 30]) + 0.5 + OFFSET) * NM).max() < 2 * NM.max()


@pytest.mark.parametrize("options", [("--type", "image", "--dtype", "uint8"), ("--memory", "128MiB")], ids=["image", "little memory"])
def test_without_meshes(folder, options, capfd):
    with served(folder / "labels.npy", *SIZES, *options) as (_, line):
        site = Site(line)
        assert "mesh" not in json.loads(ask(site, "info").content)
        assert ask(site, "mesh/info").status == 404
    assert ("no meshes are shown: expected at least" in capfd.readouterr().err) == ("--memory" in options)
