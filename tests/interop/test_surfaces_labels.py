# SPDX-License-Identifier: Apache-2.0
"""`surfaces`: files under labels, in the dataset's frame, as cloud-volume reads them; regions that tile a surface."""

import json
import signal
import struct

import nibabel as nib
import numpy as np
import pytest
import trimesh
from cloudvolume import CloudVolume

import data
from program import run
from surfaces import bumpy, convert_surface, gifti_mesh, save_gifti
from volumes import save_nifti

# Not a round number, a turn, a flip: the frame of the volume.
AFFINE = np.array([[0, -0.5, 0, 30], [-0.75, 0, 0, 25], [0, 0, 1.25, -40], [0, 0, 0, 1.0]])
KINDS = [("multires", "sharded"), ("multires", "flat"), ("legacy", "flat")]


@pytest.fixture
def seg(tmp_path):
    labels = np.zeros((90, 120, 70), "u4")
    labels[10:20, 10:20, 10:20] = 5
    nib.save(nib.Nifti1Image(labels, AFFINE), tmp_path / "seg.nii")
    assert run("convert", tmp_path / "seg.nii", tmp_path / "seg", "--type", "segmentation").status == 0
    return tmp_path / "seg"


def surfaces(*arguments, status=0):
    done = run("surfaces", *arguments)
    assert done.status == status, done.err
    return done


def world_nm(dataset, label):
    """A mesh as the viewer places it: vertices in world nm, faces; and the step of its quantisation."""
    mesh = CloudVolume(f"file://{dataset}", progress=False).mesh.get(int(label))
    mesh = mesh[label] if isinstance(mesh, dict) else mesh
    transform = np.array(json.loads((dataset / "transform.json").read_text()))
    return mesh.vertices @ transform[:3, :3].T + transform[:3, 3], mesh.faces


def check_place(dataset, label, vertices, faces):
    """The mesh lies where the file has it, seen from the same side."""
    found = trimesh.Trimesh(*world_nm(dataset, label), process=False)
    expected = trimesh.Trimesh(np.asarray(vertices, float) * 1e6, faces, process=False)
    # float32 at 5e7 nm has steps of 4, 16 bits of the box of 1000.
    np.testing.assert_allclose(found.bounds, expected.bounds, atol=2000)
    assert found.volume == pytest.approx(expected.volume, rel=1e-4)
    assert len(found.faces) == len(expected.faces)
    _, distance, _ = trimesh.proximity.closest_point_naive(expected, found.vertices[::37])
    assert distance.max() < 2000


@pytest.mark.parametrize("format, layout", KINDS)
def test_a_surface_lies_in_the_frame(tmp_path, seg, format, layout):
    vertices, faces = bumpy()
    save_gifti(tmp_path / "s.gii", vertices, faces)
    done = surfaces(tmp_path / "s.gii", seg, "--label", 7, "--format", format, "--layout", layout, "--json")
    assert done.json["labels"] == [{"label": 7, "triangles": len(faces), "replaced": False}]
    assert done.json["notices"] == []
    assert json.loads((seg / "info").read_text())["mesh"] == "mesh"
    check_place(seg, 7, vertices, faces)


def test_a_run_that_is_interrupted_leaves_nothing(tmp_path, seg, full_disk):
    save_gifti(tmp_path / "s.gii", *bumpy())
    before = (seg / "info").read_bytes()
    for room, number in (0, signal.SIGINT), (500, None):
        done = run("surfaces", tmp_path / "s.gii", seg, "--label", 7, env=full_disk(room, number))
        assert done.status == (130 if number else 6), done.err
        assert (seg / "info").read_bytes() == before and not list(seg.glob("mesh*"))
    assert run("surfaces", tmp_path / "s.gii", seg, "--label", 7, env=full_disk(5, signal.SIGKILL)).status < 0
    again = run("surfaces", tmp_path / "s.gii", seg, "--label", 7)
    assert again.status == 5 and "--overwrite" in again.err and "--resume" not in again.err
    surfaces(tmp_path / "s.gii", seg, "--label", 7, "--overwrite")


def test_coord_transform_mirrors(tmp_path, seg):
    vertices, faces = bumpy()
    save_gifti(tmp_path / "s.gii", vertices, faces)
    surfaces(tmp_path / "s.gii", seg, "--label", 7, "--coord-transform=-1,0,0,4,0,1,0,0,0,0,1,-2")
    check_place(seg, 7, vertices * [-1, 1, 1] + [4, 0, -2], faces[:, ::-1])


@pytest.mark.parametrize("format, layout", KINDS)
def test_others_keep_their_meshes(tmp_path, seg, format, layout):
    """Label after label, then one of them again: the rest stays as it was."""
    meshes = {label: bumpy(seed=label) for label in range(1, 9)}
    for label, (vertices, faces) in meshes.items():
        save_gifti(tmp_path / f"{label}.gii", vertices, faces)
        surfaces(tmp_path / f"{label}.gii", seg, "--label", label, *(("--format", format, "--layout", layout) if label == 1 else ()))
    before = {label: world_nm(seg, label) for label in meshes}
    refused = surfaces(tmp_path / "1.gii", seg, "--label", 3, status=5)
    assert "label 3 has a mesh already" in refused.err
    done = surfaces(tmp_path / "1.gii", seg, "--label", 3, "--overwrite", "--json")
    assert done.json["labels"][0]["replaced"] and done.json["format"] == format and done.json["layout"] == layout
    check_place(seg, 3, *meshes[1])
    for label in set(meshes) - {3}:
        np.testing.assert_array_equal(world_nm(seg, label)[0], before[label][0])
    # Nothing is left of the work.
    assert not [path for path in seg.rglob("*") if path.name.endswith((".tmp", ".partial"))]


def test_beside_meshes_of_labels(tmp_path, seg):
    assert run("mesh", seg).status == 0
    before = world_nm(seg, 5)
    vertices, faces = bumpy()
    save_gifti(tmp_path / "s.gii", vertices, faces)
    surfaces(tmp_path / "s.gii", seg, "--label", 1234)
    np.testing.assert_array_equal(world_nm(seg, 5)[0], before[0])
    check_place(seg, 1234, vertices, faces)


def test_levels_of_detail(tmp_path, seg):
    """A real surface gets levels, each a few times coarser; cloud-volume reads the coarsest too."""
    path = data.fetch("fsaverage5_pial_left.gii.gz")
    surfaces(path, seg, "--label", 1, "--layout", "flat")
    manifest = (seg / "mesh/1.index").read_bytes()
    levels = struct.unpack_from("<I", manifest, 24)[0]
    assert levels >= 4
    volume = CloudVolume(f"file://{seg}", progress=False)
    counts = [len(volume.mesh.get(1, lod=lod)[1].faces) for lod in range(levels)]
    assert counts[0] == 20480 and all(b <= a * 0.3 for a, b in zip(counts, counts[1:])) and counts[-1] <= 320
    check_place(seg, 1, *gifti_mesh(path))


def test_table(tmp_path, seg):
    meshes = {name: bumpy(seed=i) for i, name in enumerate(("left", "right", "other"))}
    for name, mesh in meshes.items():
        save_gifti(tmp_path / f"{name}.surf.gii", *mesh)
    (tmp_path / "table.csv").write_text('label,file\n12, left\n18446744073709551615,"other.surf.gii", right.surf.gii\n')
    done = surfaces(tmp_path / "left.surf.gii", tmp_path / "right.surf.gii", seg, "--labels", tmp_path / "table.csv", "--json")
    assert [label["label"] for label in done.json["labels"]] == [12, 2**64 - 1]
    check_place(seg, 12, *meshes["left"])
    both = [meshes["other"], meshes["right"]]
    check_place(seg, 2**64 - 1, np.concatenate([v for v, _ in both]), np.concatenate([both[0][1], both[1][1] + len(both[0][0])]))


@pytest.mark.parametrize("colon", [True, False])
def test_table_of_fragments_as_link_mesh_fragments_has_it(tmp_path, seg, colon):
    vertices, faces = bumpy()
    (seg / "mesh").mkdir()
    (seg / "mesh/info").write_text('{"@type": "neuroglancer_legacy_mesh"}')
    for name in "ab":
        (seg / "mesh" / name).write_bytes(struct.pack("<I", len(vertices)) + vertices.tobytes() + faces.astype("<u4").tobytes())
    (tmp_path / "table.csv").write_text("3,a\n4,a,b\n")
    surfaces(seg, "--labels", tmp_path / "table.csv", *([] if colon else ["--no-colon-suffix"]))
    suffix = ":0" if colon else ""
    assert json.loads((seg / f"mesh/3{suffix}").read_text()) == {"fragments": ["a"]}
    assert json.loads((seg / f"mesh/4{suffix}").read_text()) == {"fragments": ["a", "b"]}
    assert json.loads((seg / "info").read_text())["mesh"] == "mesh"


def test_a_surface_elsewhere_is_told(tmp_path, seg):
    vertices, faces = bumpy()
    save_gifti(tmp_path / "s.gii", vertices + 1000, faces)
    done = surfaces(tmp_path / "s.gii", seg, "--label", 7, "--dry-run", "--json")
    assert "1 of 1 surfaces lies outside of the volume" in done.json["notices"][0]
    assert not (seg / "mesh").exists()


# --- regions


def area(mesh):
    return trimesh.Trimesh(*mesh, process=False).area


def save_annotation(path, labels, names, old):
    """FreeSurfer's format with either colour table; nibabel writes only the new one."""
    colors = np.array([[20 * i + 5, 200 - 9 * i, i, 0] for i in range(len(names))])
    if not old:
        nib.freesurfer.write_annot(path, labels, colors, names, fill_ctab=True)
        return
    values = np.where(labels < 0, 0, (colors[labels, :3] * [1, 2**8, 2**16]).sum(axis=1))
    out = struct.pack(">i", len(labels)) + np.stack([np.arange(len(labels)), values], axis=1).astype(">i4").tobytes()
    out += struct.pack(">iii", 1, len(names), 4) + b"tab\0"
    for name, color in zip(names, colors):
        out += struct.pack(">i", len(name) + 1) + name.encode() + b"\0" + struct.pack(">4i", *color)
    path.write_bytes(out)


def color_of(kind, i):
    return "#{:02x}{:02x}{:02x}".format(*((20 * i + 5, 200 - 9 * i, i) if kind.endswith("annot") else (128, 51 * i, 255)))


def named(dataset):
    """{label: (name, colour)} of the dataset's properties."""
    link = json.loads((dataset / "info").read_text())["segment_properties"]
    inline = json.loads((dataset / link / "info").read_text())["inline"]
    values = {item["id"]: item["values"] for item in inline["properties"] if item["type"] in ("label", "string")}
    label = next(item["id"] for item in inline["properties"] if item["type"] == "label")
    return {int(i): pair for i, pair in zip(inline["ids"], zip(values[label], values["color"]), strict=True)}


@pytest.mark.parametrize("kind", ["annot", "old.annot", "label.gii"])
def test_regions_tile_the_surface(tmp_path, seg, kind):
    vertices, faces = bumpy()
    names = ["unknown", "front", "back", "top", "rest"]
    labels = np.random.default_rng(4).integers(0, len(names), len(vertices))
    path = tmp_path / f"lh.{kind}"
    if kind.endswith("annot"):
        labels[:9] = -1
        save_annotation(path, labels, names, kind.startswith("old"))
        np.testing.assert_array_equal(nib.freesurfer.read_annot(path)[0], labels)
    else:
        image = nib.GiftiImage(labeltable=nib.gifti.GiftiLabelTable())
        for i, name in enumerate(names):
            label = nib.gifti.GiftiLabel(key=i, red=0.5, green=i / 5, blue=1, alpha=1)
            label.label = name
            image.labeltable.labels.append(label)
        image.add_gifti_data_array(nib.gifti.GiftiDataArray(labels.astype("i4"), intent="NIFTI_INTENT_LABEL",
                                                            datatype="NIFTI_TYPE_INT32"))
        nib.save(image, path)
    nib.freesurfer.write_geometry(tmp_path / "lh.white", vertices, faces)
    arguments = tmp_path / "lh.white", seg, "--regions", path, "--label", 1000, "--format", "legacy", "--json"
    assert "named" not in surfaces(*arguments, "--dry-run").json and not (seg / "segment_properties").exists()
    done = surfaces(*arguments)
    assert done.json["named"] == len(names)
    assert named(seg) == {1000 + i: (name, color_of(kind, i)) for i, name in enumerate(names)}
    assert [(r["label"], r["name"]) for r in done.json["labels"]] == [(1000 + i, n) for i, n in enumerate(names)]
    parts = {label: world_nm(seg, label) for label in range(1000, 1005)}
    total = sum(area(part) for part in parts.values())
    if kind.endswith("annot"):
        # What belongs to no region: three quads or corners of each triangle, by hand for each pattern of labels.
        assert total < area((vertices * 1e6, faces))
        return
    assert total == pytest.approx(area((vertices * 1e6, faces)), rel=1e-5)
    # A triangle counts for a region by its corners: all, 3/4 and 1/4 of its area, or a third each.
    triangles = trimesh.Trimesh(vertices * 1e6, faces, process=False).area_faces
    for i in range(len(names)):
        corners_of_region = (labels[faces] == i).sum(axis=1)
        kinds = np.array([len(set(row)) for row in labels[faces]])
        share = np.select([corners_of_region == 3, corners_of_region == 2, (corners_of_region == 1) & (kinds == 2),
                           corners_of_region == 1], [1, 3 / 4, 1 / 4, 1 / 3], 0)
        assert area(parts[1000 + i]) == pytest.approx((triangles * share).sum(), rel=1e-4)


def test_regions_without_a_label_leave_out_the_background(tmp_path, seg):
    vertices, faces = bumpy()
    labels = (vertices[:, 0] > 3).astype("i4") * 2
    nib.freesurfer.write_geometry(tmp_path / "lh.white", vertices, faces)
    save_annotation(tmp_path / "lh.annot", labels, ["unknown", "left", "right"], False)
    done = surfaces(tmp_path / "lh.white", seg, "--regions", tmp_path / "lh.annot", "--json")
    assert [r["label"] for r in done.json["labels"]] == [2]
    # Names beside those that there are; a name that is there stays.
    assert named(seg) == {2: ("right", color_of("annot", 2))}
    (tmp_path / "t.csv").write_text("id,name,color,side\n5,cube,#010203,none\n1002,mine,,L\n")
    assert run("properties", tmp_path / "t.csv", seg, "--overwrite").status == 0
    again = surfaces(tmp_path / "lh.white", seg, "--regions", tmp_path / "lh.annot", "--label", 1000, "--json")
    assert again.json["named"] == 1
    assert named(seg) == {5: ("cube", "#010203"), 1000: ("unknown", color_of("annot", 0)), 1002: ("mine", "")}
    assert run("check", seg).status == 0
    # Numbers, of which the new labels have none.
    (tmp_path / "t.csv").write_text("id,name,size\n5,cube,1000\n")
    assert run("properties", tmp_path / "t.csv", seg, "--overwrite").status == 0
    before = (seg / "segment_properties/info").read_bytes()
    kept = surfaces(tmp_path / "lh.white", seg, "--regions", tmp_path / "lh.annot", "--label", 2000, "--json")
    assert "named" not in kept.json and "size: expected a number" in kept.json["notices"][0]
    assert (seg / "segment_properties/info").read_bytes() == before


def test_regions_as_a_table_of_names(tmp_path, seg):
    names = ["unknown", "front", "back"]
    save_annotation(tmp_path / "lh.annot", np.arange(30) % 3, names, False)
    done = run("properties", tmp_path / "lh.annot", seg, "--json")
    assert done.status == 0 and done.json["format"] == "names of regions", done.err
    assert named(seg) == {i: (names[i], color_of("annot", i)) for i in (1, 2)}
