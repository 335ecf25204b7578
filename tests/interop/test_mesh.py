# SPDX-License-Identifier: Apache-2.0
"""`ngforge mesh`: what it writes keeps the format's rules, closes its surfaces, and is read by cloud-volume."""

import gzip
import json
import shutil
import signal
from collections import Counter

import cloudvolume
import numpy as np
import pytest
import trimesh

from meshes import MeshFolder, euler_number_18, open_edges, volume_of
from program import convert, peak_bytes, run

NM = np.array([32, 32, 40])
OFFSET = np.array([7, -5, 1000])
# Four nodes along x and two along z.
SHAPE = (410, 40, 160)


def mesh(*arguments):
    done = run("mesh", *arguments)
    assert done.status == 0, f"ngforge mesh {' '.join(map(str, arguments))}: {done.status}\n{done.err}"
    return done


def segmentation(folder, values, *options):
    np.save(folder / "labels.npy", np.asfortranarray(values))  # the fastest axis is x
    convert(folder / "labels.npy", folder / "seg", "--type", "segmentation", "--voxel-size", ",".join(map(str, NM)),
            "--voxel-offset", ",".join(map(str, OFFSET)), *options)
    return folder / "seg"


@pytest.fixture(scope="module")
def labels():
    """Winding bodies that touch each other and the border, with background, and one of a single voxel."""
    x, y, z = np.meshgrid(*map(np.arange, SHAPE), indexing="ij", sparse=True)
    waves = np.sin(x / 13 + y / 9) + np.sin(z / 11 - x / 17) + np.cos(y / 8 + z / 23)
    values = (np.floor(waves + 3) + 10 * (x // 210)).astype(np.uint32)
    values[values % 10 == 2] = 0
    values[100:103, 20:23, 80:83] = 0
    values[101, 21, 81] = 4_000_000_000
    return values


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, labels):
    return segmentation(tmp_path_factory.mktemp("mesh"), labels, "--scales", "2")


@pytest.fixture(scope="module")
def multires(dataset):
    mesh(dataset, "--mesh-dir", "sharded")
    return dataset / "sharded"


def ids(values):
    return [int(label) for label in np.unique(values) if label]


def box_nm(values, label):
    """Of the surface: voxel faces."""
    places = np.argwhere(values == label)
    return np.array([(places.min(axis=0) + OFFSET) * NM, (places.max(axis=0) + 1 + OFFSET) * NM])


@pytest.mark.parametrize("options", [(), ("--layout", "flat"), ("--quantization-bits", "10"), ("--max-error", "0")],
                         ids=["sharded", "flat", "10 bits", "exact"])
def test_rules_of_the_format(dataset, labels, options):
    mesh(dataset, "--mesh-dir", "rules", "--overwrite", *options)
    folder = MeshFolder(dataset / "rules")
    assert sorted(folder.stored) == ids(labels)
    levels = 0
    for label in folder.stored:
        found = folder.mesh(label)
        found.check()
        levels = max(levels, len(found.levels))
        triangles = [sum(len(f.triangles) for f in level.fragments) for level in found.levels]
        assert all(count > 300 for count in triangles[:-1]), "no level above one that is small"
    assert levels >= 3


def check_closed(positions, triangles):
    """Open edges are there only where a vertex of one node lies on an edge of its neighbour, but for a step: cut at such
    vertices, they close. Returns how many there are."""
    edges = open_edges(triangles)
    vertices = sorted({vertex for edge in edges for vertex in edge})
    places = positions[vertices].astype(float)
    cut = Counter()
    for a, b in edges:
        begin, along = positions[a].astype(float), (positions[b] - positions[a]).astype(float)
        at = (places - begin) @ along / (along @ along)
        near = (np.abs(places - begin - np.outer(at, along)) <= 1).all(axis=1) & (at > 0) & (at < 1)
        inner = [vertices[i] for i in np.flatnonzero(near) if vertices[i] not in (a, b)]
        chain = [a, *sorted(inner, key=lambda v: (positions[v] - begin) @ along), b]  # noqa: B023
        cut.update(zip(chain, chain[1:], strict=False))
    assert all(cut[edge] == cut[edge[::-1]] for edge in list(cut)), "a gap"
    return len(edges)


def test_no_gaps_between_nodes(multires, labels):
    """Vertices of neighbours agree: each level alone is closed, but for steps of quantisation."""
    folder = MeshFolder(multires)
    across = edges = still_open = 0
    for label in folder.stored:
        found = folder.mesh(label)
        for level in range(len(found.levels)):
            across += len(found.levels[level].fragments) > 1
            positions, triangles = found.whole(level)
            still_open += check_closed(positions, triangles)
            edges += 3 * len(triangles)
    assert across > 5 and still_open < edges / 20


def rim(found, level, parent_level):
    """Places in nm of the open vertices of nodes, by the node of `parent_level` around them, on its faces."""
    shift = parent_level - level
    around = {}
    for fragment in found.levels[level].fragments:
        parent = tuple(c >> shift for c in fragment.xyz)
        steps = np.array(fragment.xyz) * found.most + fragment.positions
        corner = np.array(parent) * 2**shift * found.most
        open_vertices = np.unique([v for edge in open_edges(fragment.triangles) for v in edge]).astype(int)
        at = steps[open_vertices] - corner
        on_face = ((at == 0) | (at == 2**shift * found.most)).any(axis=1)
        around.setdefault(parent, []).extend(found.nm(level, steps[open_vertices][on_face]))
    return {parent: np.unique(np.array(places).reshape(-1, 3), axis=0) for parent, places in around.items()}


def test_no_gaps_between_levels(multires):
    """A coarse node meets finer ones beside it in the same points, but for a step of its quantisation."""
    folder = MeshFolder(multires)
    compared = 0
    for label in folder.stored:
        found = folder.mesh(label)
        for level in range(len(found.levels) - 1):
            fine, coarse = rim(found, level, level + 1), rim(found, level + 1, level + 1)
            for parent, places in coarse.items():
                assert len(places) == 0 or len(fine[parent]), f"label {label}, level {level}"
                for a, b in ((places, fine[parent]), (fine[parent], places)):
                    for place in a:
                        assert (np.abs(b - place) <= found.step_nm(level + 1)).all(axis=1).any()
                        compared += 1
    assert compared > 300


def by_cloud_volume(dataset, folder, label, **options):
    volume = cloudvolume.CloudVolume(f"file://{dataset}", mesh_dir=folder, progress=False, use_https=False)
    found = volume.mesh.get(label, **options)
    found = found[label] if isinstance(found, dict) else found
    return trimesh.Trimesh(found.vertices, found.faces, process=True)


@pytest.mark.parametrize("options", [(), ("--layout", "flat"), ("--format", "legacy")],
                         ids=["sharded", "flat", "legacy"])
def test_cloud_volume_reads_all_labels(dataset, labels, options):
    mesh(dataset, "--mesh-dir", "read", "--overwrite", *options)
    for label in ids(labels):
        surface = by_cloud_volume(dataset, "read", label)
        assert surface.is_winding_consistent and surface.volume > 0
        # What is simplified stays within the error, 40 nm by default, of the voxels.
        assert np.abs(surface.bounds - box_nm(labels, label)).max() <= 40
        voxels = (labels == label).sum()
        if voxels > 1000:
            assert surface.volume == pytest.approx(voxels * NM.prod(), rel=0.1)


def test_exact_legacy_mesh_is_marching_cubes_of_the_whole(dataset, labels):
    """Every vertex lies midway between a voxel of the label and a neighbour that is not; surfaces are closed; their Euler
    number is that of the voxels, which hang together across edges."""
    mesh(dataset, "--mesh-dir", "exact", "--overwrite", "--format", "legacy", "--max-error", "0")
    folder = dataset / "exact"
    for label in ids(labels):
        positions, triangles = legacy_mesh(folder, label)
        places = np.argwhere(labels == label)
        corner = places.min(axis=0)
        inside = np.pad(labels[tuple(map(slice, corner, places.max(axis=0) + 1))] == label, 1)
        expected = []
        for axis in range(3):
            places = np.argwhere(np.diff(inside.astype(np.int8), axis=axis)).astype(float)
            places[:, axis] += 0.5
            # Voxel centres; the padding is one voxel.
            expected.append((places - 1 + 0.5 + corner + OFFSET) * NM)
        np.testing.assert_array_equal(np.unique(positions, axis=0), np.unique(np.concatenate(expected), axis=0))
        assert len(positions) == len(np.unique(positions, axis=0)), "shared vertices"
        assert not open_edges(triangles)
        edges = len(triangles) * 3 // 2
        assert len(positions) - edges + len(triangles) == 2 * euler_number_18(inside)
        if inside.sum() > 1000:
            assert volume_of(positions - OFFSET * NM, triangles) == pytest.approx(inside.sum() * NM.prod(), rel=0.02)


def legacy_mesh(folder, label):
    names = json.loads((folder / f"{label}:0").read_text())["fragments"]
    data = b"".join((folder / name).read_bytes() for name in names)
    count = int.from_bytes(data[:4], "little")
    return (np.frombuffer(data, "<f4", 3 * count, 4).reshape(-1, 3).astype(float),
            np.frombuffer(data, "<u4", offset=4 + 12 * count).reshape(-1, 3).astype(int))


def test_simplified_legacy_meshes_are_closed(dataset, labels):
    mesh(dataset, "--mesh-dir", "closed", "--overwrite", "--format", "legacy")
    for label in ids(labels):
        assert not open_edges(legacy_mesh(dataset / "closed", label)[1]), label


@pytest.mark.parametrize(("shape", "dtype", "encoding"), [
    ((1, 1, 1), "u1", "raw"), ((400, 2, 1), "u2", "raw"), ((1, 1, 600), "u8", "cseg"), ((20, 20, 20), "u8", "raw"),
    ((24, 24, 24), "u4", "compresso")], ids=str)
def test_volumes_of_any_shape_and_type(tmp_path, shape, dtype, encoding):
    values = np.random.default_rng(0).integers(0, 4, shape).astype(dtype)
    values[values == 3] = np.iinfo(dtype).max
    values.flat[0] = 1
    dataset = segmentation(tmp_path, values, "--encoding", encoding)
    for options in (), ("--max-error", "0"), ("--quantization-bits", "10"):
        mesh(dataset, "--overwrite", *options)
        folder = MeshFolder(dataset / "mesh")
        assert sorted(folder.stored) == ids(values)
        for label in folder.stored:
            folder.mesh(label).check()


def test_open_border(tmp_path):
    """Without faces at the border, open edges lie in the planes of the outermost voxel centres."""
    values = np.zeros((20, 20, 20), np.uint32)
    values[:10, 5:15, 5:15] = 1
    dataset = segmentation(tmp_path, values)
    mesh(dataset, "--open", "--max-error", "0", "--layout", "flat")
    found = MeshFolder(dataset / "mesh").mesh(1)
    positions, triangles = found.whole(0)
    rim = {v for edge in open_edges(triangles) for v in edge}
    assert rim
    np.testing.assert_allclose(found.nm(0, positions[sorted(rim)])[:, 0], (OFFSET[0] + 0.5) * NM[0], atol=1)
    mesh(dataset, "--max-error", "0", "--layout", "flat", "--overwrite")
    assert not open_edges(MeshFolder(dataset / "mesh").mesh(1).whole(0)[1])


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "provenance"}


@pytest.mark.parametrize("options", [(), ("--format", "legacy")], ids=["multires", "legacy"])
def test_same_bytes_for_any_threads_and_memory(dataset, options):
    mesh(dataset, "--mesh-dir", "once", "--overwrite", "--threads", "1", *options)
    mesh(dataset, "--mesh-dir", "again", "--overwrite", "--threads", "3", "--memory", "400MiB", *options)
    assert files(dataset / "once") == files(dataset / "again")


def test_choice_of_labels(dataset, labels):
    few = ids(labels)[3:5]
    report = json.loads(mesh(dataset, few[0], f"{few[1]}", "--mesh-dir", "few", "--overwrite", "--json").out)
    assert report["labels"] == 2 and report["format"] == "multires" and len(report["levels"]) >= 1
    assert sorted(MeshFolder(dataset / "few").stored) == few
    mesh(dataset, "--min-voxels", "20000", "--exclude", f"{few[0]},{few[1]}", "--mesh-dir", "few", "--overwrite")
    large = [label for label in ids(labels) if (labels == label).sum() >= 20000 and label not in few]
    assert large and sorted(MeshFolder(dataset / "few").stored) == large


def test_a_label_alone_has_the_mesh_that_it_has_among_all(dataset, multires, labels):
    label = ids(labels)[5]
    mesh(dataset, label, "--mesh-dir", "alone", "--overwrite")
    assert MeshFolder(dataset / "alone").stored[label] == MeshFolder(multires).stored[label]


def test_coarse_scale(dataset, labels):
    mesh(dataset, "--scale", "1", "--mesh-dir", "coarse", "--overwrite", "--layout", "flat")
    label = max(ids(labels), key=lambda of: (labels == of).sum())
    found = MeshFolder(dataset / "coarse").mesh(label)
    positions, triangles = found.whole(0)
    places = found.nm(0, positions)
    assert np.abs(np.array([places.min(axis=0), places.max(axis=0)]) - box_nm(labels, label)).max() <= 2 * 80


def test_info_names_the_folder_and_keeps_the_rest(tmp_path, labels):
    dataset = segmentation(tmp_path, labels[:40, :40, :40])
    before = json.loads((dataset / "info").read_text())
    (dataset / "info").write_text(json.dumps(before | {"strange": [1, {"a": None}]}))
    mesh(dataset)
    assert json.loads((dataset / "info").read_text()) == before | {"strange": [1, {"a": None}], "mesh": "mesh"}
    first = files(dataset / "mesh")
    again = run("mesh", dataset)
    assert again.status == 5 and "mesh: exists already" in again.err
    assert run("mesh", dataset, "--resume").status == 0, "nothing to do"
    other = run("mesh", dataset, "--resume", "--max-error", "10")
    assert other.status == 5 and "max_error_nm was 40, now 10" in other.err
    mesh(dataset, "--overwrite", "--max-error", "10")
    assert files(dataset / "mesh") != first
    assert not (dataset / "mesh.partial").exists()


def test_what_fails_leaves_nothing(tmp_path, labels):
    dataset = segmentation(tmp_path, labels[:40, :40, :40])
    before = (dataset / "info").read_bytes()
    assert run("mesh", dataset, "3999999999").status == 3
    assert (dataset / "info").read_bytes() == before
    assert not (dataset / "mesh").exists() and not (dataset / "mesh.partial").exists()
    (dataset / "mesh.partial").mkdir()
    shutil.rmtree(dataset / "mesh.partial")
    # What an earlier run left is taken over when that is said.
    mesh(dataset)
    whole = files(dataset / "mesh")
    plan = {"version": "another"}
    (dataset / "mesh").rename(dataset / "mesh.partial")
    (dataset / "mesh.partial" / ".ngforge-plan.json").write_text(json.dumps(plan))
    assert run("mesh", dataset).status == 5
    assert run("mesh", dataset, "--resume").status == 5
    mesh(dataset, "--overwrite")
    assert files(dataset / "mesh") == whole


@pytest.mark.parametrize("written", [2000, 200_000, 600_000])
def test_a_killed_run_is_resumed(dataset, multires, full_disk, written):
    """What it leaves is in the way until --resume; the result is that of a run that was left alone."""
    name, folder = f"killed{written}", dataset / f"killed{written}.partial"
    killed = run("mesh", dataset, "--mesh-dir", name, env=full_disk(written, signal.SIGKILL))
    assert killed.status == -signal.SIGKILL
    assert folder.exists() and not (dataset / name).exists()
    again = run("mesh", dataset, "--mesh-dir", name)
    assert again.status == 5 and "--resume" in again.err
    mesh(dataset, "--mesh-dir", name, "--resume")
    assert files(dataset / name) == files(multires) and not folder.exists()


def test_info_in_gzip_stays_in_gzip(tmp_path, labels):
    dataset = segmentation(tmp_path, labels[:40, :40, :40])
    before = json.loads((dataset / "info").read_text())
    (dataset / "info.gz").write_bytes(gzip.compress((dataset / "info").read_bytes()))
    (dataset / "info").unlink()
    mesh(dataset)
    assert json.loads(gzip.decompress((dataset / "info.gz").read_bytes())) == before | {"mesh": "mesh"}
    assert not (dataset / "info").exists()


def test_the_plan_says_how_much_scratch_it_takes(dataset, labels):
    """Pairs of different voxels, and what they become at most; most of the volume is looked at."""
    padded = np.pad(labels, 1)
    pairs = sum(np.count_nonzero(np.diff(padded, axis=axis)) for axis in range(3))
    for options, size in ((), 100), (("--format", "legacy"), 72):
        planned = json.loads(mesh(dataset, "--mesh-dir", "planned", "--dry-run", "--json", *options).out)
        assert planned["scratch_bytes"] == pytest.approx(size * pairs, rel=0.3)
    assert not list(dataset.glob("planned*"))


def test_many_labels_stay_in_memory(tmp_path):
    """Some 10 000 cubes."""
    side, cell = 176, 8
    grid = side // cell
    values = np.kron(np.arange(1, grid**3 + 1, dtype=np.uint32).reshape((grid,) * 3), np.ones((cell,) * 3, np.uint32))
    dataset = segmentation(tmp_path, values, "--scales", "1")
    memory = 256 << 20
    assert peak_bytes("mesh", dataset, "--threads", "2", "--memory", f"{memory}") < memory + (64 << 20)
    assert len(MeshFolder(dataset / "mesh").stored) == grid**3
