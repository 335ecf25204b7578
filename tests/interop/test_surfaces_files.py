# SPDX-License-Identifier: Apache-2.0
"""Surface files of every kind, as nibabel, trimesh and meshio write and read them."""

import base64
import gzip
import struct
import zlib

import meshio
import nibabel as nib
import numpy as np
import pytest
import trimesh
from nibabel.gifti import GiftiCoordSystem, GiftiDataArray, GiftiImage

import data
from program import run
from surfaces import bumpy, convert_surface, corners, gifti_mesh, read_ply, save_gifti

NIBABEL_DATA = data.package_folder("nibabel") / "gifti/tests/data"


def same(found, expected, tolerance=0):
    """Whether two meshes are the same triangles, seen from the same side, in the same order."""
    np.testing.assert_allclose(corners(found), corners(expected), rtol=0, atol=tolerance)


# --- GIfTI


@pytest.mark.parametrize("encoding", ["ASCII", "B64BIN", "B64GZ"])
@pytest.mark.parametrize("order", ["RowMajorOrder", "ColumnMajorOrder"])
@pytest.mark.parametrize("endian", ["big", "little"])
@pytest.mark.parametrize("types", [("f4", "i4"), ("f8", "i8"), ("f4", "u1")])
def test_gifti(tmp_path, encoding, order, endian, types):
    vertices, faces = bumpy(90 if types[1] == "u1" else 300)
    save_gifti(tmp_path / "s.gii", vertices.astype(types[0]), faces.astype(types[1]), encoding=f"GIFTI_ENCODING_{encoding}",
               endian=endian, order=order)
    # nibabel writes six decimals.
    same(convert_surface(tmp_path / "s.gii", tmp_path / "s.ply"), (vertices, faces), 1e-6 if encoding == "ASCII" else 0)


def test_gifti_is_gzip(tmp_path):
    mesh = bumpy()
    save_gifti(tmp_path / "s.gii", *mesh)
    (tmp_path / "s.gii.gz").write_bytes(gzip.compress((tmp_path / "s.gii").read_bytes()))
    same(convert_surface(tmp_path / "s.gii.gz", tmp_path / "s.ply"), mesh)


@pytest.mark.parametrize("name", ["base64bin", "ascii_flat_data"])
def test_gifti_of_nibabels_tests_that_is_none(tmp_path, name):
    """Two of these files have triangles of vertices that are not there."""
    done = run("convert", NIBABEL_DATA / f"{name}.gii", tmp_path / "s.ply")
    assert done.status == 3 and "face 5: expected vertex indices below 10, found 25604" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["ascii", "external"])
def test_gifti_of_nibabels_tests(tmp_path, name):
    """Files of other writers; the external one leads to its values beside it."""
    path = NIBABEL_DATA / f"{name}.gii"
    for file in NIBABEL_DATA.glob("external*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    if name == "external":
        mesh = bumpy(8 * 2)
        faces = mesh[1][mesh[1].max(axis=1) < 8][:12]
        faces = np.resize(faces if len(faces) else [[0, 1, 2]], (12, 3))
        (tmp_path / "external.dat").write_bytes(mesh[0][:8].astype("<f4").tobytes() + faces.astype("<i4").tobytes())
        expected = mesh[0][:8], faces
    else:
        expected = gifti_mesh(path)
    same(convert_surface(copy, tmp_path / "s.ply"), expected)


def test_gifti_matrices(tmp_path):
    """The matrix that leads to the scanner is applied, unless positions are the scanner's already."""
    vertices, faces = bumpy()
    matrix = np.array([[0, -2, 0, 5], [1, 0, 0, -7], [0, 0, 1, 3], [0, 0, 0, 1.0]])
    other = np.diag([9.0, 9, 9, 1])
    for known, applied in (("NIFTI_XFORM_UNKNOWN", True), ("NIFTI_XFORM_SCANNER_ANAT", False)):
        image = save_gifti(tmp_path / "s.gii", vertices, faces, spaces=[
            GiftiCoordSystem(known, "NIFTI_XFORM_TALAIRACH", other),
            GiftiCoordSystem(known, "NIFTI_XFORM_SCANNER_ANAT", matrix)][:2 if applied else 1])
        moved = vertices @ matrix[:3, :3].T + matrix[:3, 3] if applied else vertices
        same(convert_surface(tmp_path / "s.gii", tmp_path / "s.obj", "--overwrite"), (moved, faces), 1e-5)
        convert_surface(tmp_path / "s.gii", tmp_path / "kept.gii", "--overwrite")
        same(gifti_mesh(tmp_path / "kept.gii"), (vertices, faces))
        # nibabel keeps one of the matrices.
        kept = nib.load(tmp_path / "kept.gii").darrays[0].coordsys
        np.testing.assert_array_equal(kept.xform, image.darrays[0].coordsys.xform)


def test_gifti_that_mirrors_turns_faces(tmp_path):
    vertices, faces = bumpy()
    mirror = np.diag([-1.0, 1, 1, 1])
    save_gifti(tmp_path / "s.gii", vertices, faces,
               spaces=[GiftiCoordSystem("NIFTI_XFORM_UNKNOWN", "NIFTI_XFORM_SCANNER_ANAT", mirror)])
    found = convert_surface(tmp_path / "s.gii", tmp_path / "s.stl")
    assert trimesh.Trimesh(*found).volume == pytest.approx(trimesh.Trimesh(vertices, faces).volume, rel=1e-4)


def test_gifti_of_freesurfer(tmp_path):
    """FreeSurfer's GIfTI has positions around the centre of the volume and says where that is."""
    vertices, faces = bumpy()
    meta = {"VolGeomC_R": "5.5", "VolGeomC_A": "-17", "VolGeomC_S": "18.25"}
    save_gifti(tmp_path / "s.gii", vertices, faces, meta=meta)
    same(convert_surface(tmp_path / "s.gii", tmp_path / "s.ply"), (vertices + [5.5, -17, 18.25], faces), 1e-5)


@pytest.mark.parametrize("side", ["left", "right"])
def test_fsaverage5(tmp_path, side):
    path = data.fetch(f"fsaverage5_pial_{side}.gii.gz")
    expected = gifti_mesh(path)
    assert len(expected[0]) == 10242 and len(expected[1]) == 20480
    for suffix in (".vtk", ".obj", ".ply", ".stl", ".gii"):
        found = convert_surface(path, tmp_path / f"s{suffix}")
        same(found, expected)
        assert trimesh.Trimesh(*found).is_watertight


# --- FreeSurfer


@pytest.mark.parametrize("origin", [None, (5.25, -17.5, 18.75)])
def test_freesurfer(tmp_path, origin):
    vertices, faces = bumpy()
    info = None if origin is None else {
        "head": [2, 0, 20], "valid": "1  # volume info valid", "filename": "vol.mgz", "volume": [256, 256, 256],
        "voxelsize": [1, 1, 1], "xras": [-1, 0, 0], "yras": [0, 0, -1], "zras": [0, 1, 0], "cras": origin}
    nib.freesurfer.write_geometry(tmp_path / "lh.white", vertices, faces, volume_info=info)
    same(convert_surface(tmp_path / "lh.white", tmp_path / "s.ply"), (vertices + (origin or 0), faces), 1e-5)
    convert_surface(tmp_path / "lh.white", tmp_path / "s.gii")
    same(gifti_mesh(tmp_path / "s.gii"), (vertices, faces))
    system = nib.load(tmp_path / "s.gii").darrays[0].coordsys
    np.testing.assert_allclose(system.xform[:3, 3], origin or (0, 0, 0))
    assert system.xformspace == (3 if origin is None else 1) or origin is None


@pytest.mark.parametrize("magic", [b"\xff\xff\xff", b"\xff\xff\xfd"])
def test_freesurfer_quads(tmp_path, magic):
    vertices = np.round(bumpy(40)[0], 2)
    random = np.random.default_rng(3)
    quads = np.stack([random.permutation(len(vertices))[:4] for _ in range(30)])
    def packed(numbers):
        return np.asarray(numbers).astype(">u4").reshape(-1, 1).view("u1")[:, 1:].tobytes()
    positions = (np.round(vertices * 100).astype(">i2") if magic[2] == 0xff else vertices.astype(">f4")).tobytes()
    path = tmp_path / "lh.quads"
    path.write_bytes(magic + packed([len(vertices), len(quads)]) + positions + packed(quads))
    same(convert_surface(path, tmp_path / "s.ply"), nib.freesurfer.read_geometry(path), 1e-5)


# --- VTK


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("format", ["vtk42", "vtk"])
def test_vtk_unstructured_of_meshio(tmp_path, format, binary):
    vertices, faces = bumpy()
    mesh = meshio.Mesh(vertices, [("triangle", faces[:200]), ("line", faces[:5, :2]), ("triangle", faces[200:])],
                       point_data={"a": vertices[:, 0]})
    mesh.write(tmp_path / "s.vtk", file_format=format, binary=binary)
    same(convert_surface(tmp_path / "s.vtk", tmp_path / "s.ply"), (vertices, faces))


def test_vtk_polydata_with_quads_polygons_and_strips(tmp_path):
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [2, 0, 1]], "f4")
    expected = [[0, 1, 2], [0, 2, 3], [0, 1, 5], [0, 5, 2], [0, 2, 4], [3, 4, 5], [0, 1, 2], [1, 3, 2], [2, 3, 4]]
    head = "# vtk DataFile Version 3.0\ntitle\n%s\nDATASET POLYDATA\n"
    text = head % "ASCII" + "POINTS 6 double\n" + " ".join(f"{v}" for v in vertices.ravel()) + (
        "\nMETADATA\nINFORMATION 0\n\nVERTICES 1 2\n1 0\nPOLYGONS 3 14\n4 0 1 2 3\n5 0 1 5 2 4\n3 3 4 5\n"
        "TRIANGLE_STRIPS 1 6\n5 0 1 2 3 4\nPOINT_DATA 6\nSCALARS a float\nLOOKUP_TABLE default\n1 2 3 4 5 6\n")
    binary = (head % "BINARY").encode() + b"POINTS 6 double\n" + vertices.astype(">f8").tobytes() + (
        b"\nMETADATA\nINFORMATION 0\n\nPOLYGONS 3 14\n"
        + np.array([4, 0, 1, 2, 3, 5, 0, 1, 5, 2, 4, 3, 3, 4, 5], ">i4")[:15].tobytes()).replace(b"3 14", b"3 15") + (
        b"\nTRIANGLE_STRIPS 1 6\n" + np.array([5, 0, 1, 2, 3, 4], ">i4").tobytes() + b"\n")
    for content in (text.replace("3 14", "3 15").encode(), binary):
        (tmp_path / "s.vtk").write_bytes(content)
        same(convert_surface(tmp_path / "s.vtk", tmp_path / "s.ply", "--overwrite"), (vertices, np.array(expected)))


def vtp(vertices, faces, encoding, header="UInt32", compressed=False, big=False):
    """VTK XML by the format's description: three pieces of appended data, or arrays in place."""
    order, size = ">" if big else "<", "u4" if header == "UInt32" else "u8"

    def words(*numbers):
        return np.array(numbers, order + size).tobytes()

    def packed(values):
        raw = values.tobytes()
        if not compressed:
            pieces = [words(len(raw)) + raw]
        else:
            block = 1000
            blocks = [zlib.compress(raw[i:i + block]) for i in range(0, len(raw), block)]
            pieces = [words(len(blocks), block, len(raw) % block, *map(len, blocks)), b"".join(blocks)]
        if encoding in ("binary", "base64"):
            pieces = [base64.b64encode(piece) for piece in pieces]
        return b"".join(pieces)

    arrays = {"Points": ("Float32", vertices.astype(order + "f4")),
              "connectivity": ("Int64", faces.astype(order + "i8").ravel()),
              "offsets": ("Int32", np.arange(3, 3 * len(faces) + 1, 3).astype(order + "i4"))}
    appended, elements = b"", {}
    for name, (kind, values) in arrays.items():
        more = 'NumberOfComponents="3" ' if name == "Points" else ""
        start = f'<DataArray type="{kind}" Name="{name}" {more}'
        if encoding == "ascii":
            elements[name] = f'{start}format="ascii">' + " ".join(map(str, values.ravel())) + "</DataArray>"
        elif encoding == "binary":
            elements[name] = f'{start}format="binary">\n{packed(values).decode()}\n</DataArray>'
        else:
            elements[name] = f'{start}format="appended" offset="{len(appended)}"/>'
            appended += packed(values)
    compressor = 'compressor="vtkZLibDataCompressor"' if compressed else ""
    text = (f'<?xml version="1.0"?>\n<VTKFile type="PolyData" version="1.0" '
            f'byte_order="{"Big" if big else "Little"}Endian" header_type="{header}" {compressor}>\n<PolyData>\n'
            f'<Piece NumberOfPoints="{len(vertices)}" NumberOfPolys="{len(faces)}">\n<PointData/>\n'
            f'<Points>{elements["Points"]}</Points>\n<Polys>{elements["connectivity"]}{elements["offsets"]}</Polys>\n'
            f'</Piece>\n</PolyData>\n').encode()
    if appended:
        text += b'<AppendedData encoding="%s">\n_' % encoding.encode() + appended + b"\n</AppendedData>\n"
    return text + b"</VTKFile>\n"


@pytest.mark.parametrize("encoding", ["ascii", "binary", "raw", "base64"])
@pytest.mark.parametrize("header", ["UInt32", "UInt64"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("big", [False, True])
def test_vtp(tmp_path, encoding, header, compressed, big):
    mesh = bumpy()
    (tmp_path / "s.vtp").write_bytes(vtp(*mesh, encoding, header, compressed, big))
    same(convert_surface(tmp_path / "s.vtp", tmp_path / "s.ply"), mesh)


# --- OBJ, PLY, STL, OFF


def test_obj_with_everything(tmp_path):
    (tmp_path / "s.obj").write_text(
        "# a comment\nmtllib x.mtl\no thing\nv 0 0 0\nv 1 0 0 1.0\nv 1 1 0 0.5 0.5 0.5\nvn 0 0 1\nvt 0 0\n"
        "f 1/1/1 2//1 3/1\nusemtl m\nv +0 1e0 0\nv 0 0 1\nf -5 -3 \\\n-2 -1\ng other\nl 1 2\nf 1 2 5\n")
    found = convert_surface(tmp_path / "s.obj", tmp_path / "s.ply")
    np.testing.assert_array_equal(found[0], [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(found[1], [[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 1, 4]])


@pytest.mark.parametrize("kind", ["obj", "off", "stl", "stl_ascii", "ply", "ply_ascii"])
def test_files_of_trimesh(tmp_path, kind):
    vertices, faces = bumpy()
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    mesh.visual.vertex_colors = np.tile(np.arange(len(vertices))[:, None] % 256, (1, 4)).astype("u1")
    mesh.face_attributes["quality"] = np.arange(len(faces), dtype="f4")
    text = kind.endswith("_ascii")
    options = {"encoding": "ascii"} if kind == "ply_ascii" else {}
    content = mesh.export(file_type=kind if kind == "stl_ascii" else kind.split("_")[0], **options)
    path = tmp_path / f"s.{kind.split('_')[0]}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    same(convert_surface(path, tmp_path / "found.ply"), (vertices, faces), 1e-4 if text or kind in ("obj", "off") else 0)


@pytest.mark.parametrize("format", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_ply_of_any_order_of_properties(tmp_path, format):
    vertices, faces = bumpy(200)
    quads = np.array([[0, 1, 2, 3], [7, 6, 5, 4]])
    expected = np.concatenate([faces, [[0, 1, 2], [0, 2, 3], [7, 6, 5], [7, 5, 4]]])
    header = (f"ply\nformat {format} 1.0\ncomment c\nelement junk 2\nproperty list uchar short a\nproperty double b\n"
              f"element face {len(faces) + 2}\nproperty uchar flag\nproperty list uint8 int32 vertex_index\n"
              f"property list int float more\nelement vertex {len(vertices)}\nproperty float nx\nproperty double z\n"
              "property uchar red\nproperty float32 x\nproperty float y\nend_header\n").encode()
    records = [("B", [2]), ("h", [-5, 7]), ("d", [0.5]), ("B", [0]), ("d", [1e300])]
    for face in [*faces, *quads]:
        records += [("B", [9, len(face)]), ("i", face), ("i", [2]), ("f", [1, 2])]
    for x, y, z in vertices:
        records += [("f", [0.25]), ("d", [z]), ("B", [200]), ("f", [x, y])]
    if format == "ascii":
        body = " ".join(str(v) for _, values in records for v in values).encode() + b"\n"
    else:
        order = "<" if "little" in format else ">"
        body = b"".join(struct.pack(f"{order}{len(values)}{kind}", *values) for kind, values in records)
    (tmp_path / "s.ply").write_bytes(header + body)
    same(convert_surface(tmp_path / "s.ply", tmp_path / "s.stl"), (vertices, expected))


def test_stl_is_welded_by_position(tmp_path):
    vertices, faces = bumpy()
    trimesh.Trimesh(vertices, faces, process=False).export(tmp_path / "s.stl")
    found = convert_surface(tmp_path / "s.stl", tmp_path / "s.ply")
    assert len(found[0]) == len(vertices)
    # A binary file may begin as text does.
    content = b"solid".ljust(80) + (tmp_path / "s.stl").read_bytes()[80:]
    (tmp_path / "t.stl").write_bytes(content)
    same(convert_surface(tmp_path / "t.stl", tmp_path / "t.ply"), (vertices, faces))


def test_off_with_colours(tmp_path):
    (tmp_path / "s.off").write_text("COFF # colours\n# nothing\n\n4 3 0\n0 0 0 255 0 0 255\n1 0 0 1 1 1 1\n1 1 0 0 0 0 0\n"
                                    "0 1 0 9 9 9 9\n3 0 1 2 255 0 0\n4 0 1 2 3\n2 0 1\n")
    found = convert_surface(tmp_path / "s.off", tmp_path / "s.ply")
    np.testing.assert_array_equal(found[1], [[0, 1, 2], [0, 1, 2], [0, 2, 3]])


# --- other files


def test_fragment_and_draco(tmp_path):
    import DracoPy

    vertices, faces = bumpy()
    (tmp_path / "1:0:x").write_bytes(struct.pack("<I", len(vertices)) + (vertices * 1e6).astype("<f4").tobytes() +
                                     faces.astype("<u4").tobytes())
    same(convert_surface(tmp_path / "1:0:x", tmp_path / "s.ply"), (vertices, faces), 1e-5)
    (tmp_path / "s.drc").write_bytes(DracoPy.encode(vertices.astype("f4"), faces.astype("u4"), quantization_bits=24))
    found = convert_surface(tmp_path / "s.drc", tmp_path / "d.ply")
    assert trimesh.Trimesh(*found).volume == pytest.approx(trimesh.Trimesh(vertices, faces).volume, rel=1e-4)


@pytest.mark.parametrize("kind", ["ply", "obj", "vtk"])
def test_slicer_says_lps(tmp_path, kind):
    vertices, faces = bumpy()
    save_gifti(tmp_path / "s.gii", vertices, faces)
    path = tmp_path / f"s.{kind}"
    convert_surface(tmp_path / "s.gii", path)
    content = path.read_bytes()
    mark = {"ply": (b"comment RAS", b"comment SPACE=LPS"), "obj": (b"# ", b"# SPACE=LPS "),
            "vtk": (b"RAS millimetres", b"3D Slicer output. SPACE=LPS")}[kind]
    assert mark[0] in content
    path.write_bytes(content.replace(*mark, 1))
    same(convert_surface(path, tmp_path / "found.ply"), (vertices * [-1, -1, 1], faces), 1e-6)


def test_what_is_written_is_the_same_each_time_and_told(tmp_path):
    vertices, faces = bumpy()
    save_gifti(tmp_path / "s.gii", vertices, faces)
    for suffix in ("vtk", "obj", "ply", "stl", "gii"):
        path = tmp_path / f"out.{suffix}"
        done = run("convert", tmp_path / "s.gii", path, "--json")
        first = path.read_bytes()
        assert done.json["vertices"] == len(vertices) and done.json["triangles"] == len(faces)
        np.testing.assert_allclose(done.json["bounds_mm"], [vertices.min(axis=0), vertices.max(axis=0)], rtol=1e-6)
        assert done.json["bytes"] == len(first)
        assert run("convert", tmp_path / "s.gii", path).status == 5
        convert_surface(tmp_path / "s.gii", path, "--overwrite", "--threads", "1")
        assert path.read_bytes() == first
        path.unlink()
        assert run("convert", tmp_path / "s.gii", path, "--dry-run").status == 0
        assert not path.exists()
