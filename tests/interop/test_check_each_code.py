# SPDX-License-Identifier: Apache-2.0
"""Every code that `check` knows has a fault here which, injected alone, is named by it, and nothing else is."""

import contextlib
import gzip
import json
import os
import re
import shutil
import struct
import zlib
from pathlib import Path

import DracoPy
import imagecodecs
import numpy as np
import pytest
from test_check_faults import KINDS, chunks, copied, expect_at, findings, make, one_chunk, set_info, shard
from test_check_server import serving

import volumes
from program import ROOT, run

CODES = re.findall(r'^NGFORGE_FINDING\(\w+, "([a-z0-9-]+)"\)', (ROOT / "src/op/findings.def").read_text(), re.M)
FAULTS = {}


def fault(code):
    """The function makes a dataset that has this fault and no other. It is given `Making`; it returns a folder, or what
    gives an URL for as long as it is entered."""
    def enter(function):
        assert FAULTS.setdefault(code, function) is function, f"two functions for {code}"
        return function
    return enter


class Making:
    def __init__(self, originals, kind, folder):
        self.originals, self.kind, self.folder = originals, kind, folder

    def copy(self, layout):
        return copied(self.originals[self.kind, layout], self.folder)

    def meshes(self, kind):
        """A segmentation with meshes, whatever kind of volume is asked for: its folder, that of the meshes, a label."""
        folder = copied(self.originals["labels", kind], self.folder).folder
        return folder, folder / "mesh", min(int(p.name.split(":")[0].split(".")[0]) for p in (folder / "mesh").glob("[1-9]*"))


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    root = tmp_path_factory.mktemp("originals")
    made = {(kind, layout): make(root / f"{kind}-{layout}", kind, layout)
            for kind in KINDS for layout in ("sharded", "flat")}
    for kind in ("legacy", "multires"):
        made["labels", kind] = make(root / f"labels-{kind}", "labels", "flat")
        meshed = run("mesh", made["labels", kind], "--format", kind, "--layout", "flat")
        assert meshed.status == 0, meshed.err
    return made | {(kind, "other"): make(root / f"{kind}-other", kind, "flat", seed=99) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", CODES)
def test_fault_alone(originals, tmp_path, code, kind):
    assert code in FAULTS, f"findings.def has a code without a fault in this file: {code}"
    place = FAULTS[code](Making(originals, kind, tmp_path))
    with contextlib.nullcontext(place) if isinstance(place, Path) else place as entered:
        expect_at(entered, code)


def test_no_fault_without_a_code():
    assert set(FAULTS) == set(CODES)


def test_every_code_is_explained():
    assert CODES == re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "docs/check.md").read_text(), re.M)


# What stands in the files beside the chunks

@fault("bad-info")
def _(making):
    dataset = making.copy("flat")
    set_info(dataset, lambda info: info["scales"][1].update(sharding=None))
    return dataset.folder


@fault("bad-transform")
def _(making):
    dataset = making.copy("flat")
    (dataset.folder / "transform.json").write_text("[[1, 2], [3, 4]]")
    return dataset.folder


@fault("bad-provenance")
def _(making):
    dataset = making.copy("flat")
    (dataset.folder / "provenance").write_text("{")
    return dataset.folder


@fault("missing-link")
def _(making):
    dataset = making.copy("flat")
    set_info(dataset, lambda info: info.update(mesh="mesh"))
    return dataset.folder


@fault("inexact-bounds")
def _(making):
    return one_chunk(making.folder / "d", voxel_offset=[2**24 - 1, 0, 0])


@fault("large-chunk")
def _(making):
    return one_chunk(making.folder / "d", size=[2049, 1, 1], chunk_sizes=[[2049, 1, 1]])


@fault("misread-encoding")
def _(making):
    folder = one_chunk(making.folder / "d", encoding="png", data_type="uint16", num_channels=2)
    rows = np.arange(16, dtype="u2").reshape(4, 2, 2)  # two voxels wide, two channels
    next((folder / "s").iterdir()).write_bytes(imagecodecs.png_encode(rows))
    return folder


@fault("unknown-encoding")
def _(making):
    return one_chunk(making.folder / "d", encoding="jxl", num_channels=5)


@fault("scale-order")
def _(making):
    """Three scales, each with its chunks, of which only the order in `info` is wrong."""
    dataset = making.copy("flat")
    set_info(dataset, lambda info: info["scales"].reverse())
    return dataset.folder


@fault("same-key")
def _(making):
    dataset = making.copy("flat")
    set_info(dataset, lambda info: info["scales"][1].update(key=info["scales"][0]["key"]))
    return dataset.folder


@fault("wrong-size")
def _(making):
    dataset = making.copy("flat")
    set_info(dataset, lambda info: info["scales"].pop(1))
    return dataset.folder


# Chunk files

@fault("missing-scale")
def _(making):
    dataset = making.copy("flat")
    shutil.rmtree(dataset.folder / dataset.scales[1]["key"])
    return dataset.folder


@fault("missing-chunk")
def _(making):
    dataset = making.copy("flat")
    chunks(dataset, 0)[1].unlink()
    return dataset.folder


@fault("extra-chunk")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 0)[0]
    provenance = dataset.folder / "provenance"
    told = json.loads(provenance.read_text())
    scale = told["processing"][0]["method"]["scales"][0]
    scale["stored_chunks"] -= 1
    provenance.write_text(json.dumps(told))
    assert path.exists()
    return dataset.folder


@fault("double-chunk")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 0)[0]
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    return dataset.folder


@fault("stray-file")
def _(making):
    dataset = making.copy("flat")
    (dataset.folder / dataset.scales[0]["key"] / "40-48_0-8_0-8.gz").write_bytes(bytes(512))
    return dataset.folder


@fault("unreadable-file")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 0)[1]
    path.unlink()
    os.mkfifo(path)
    return dataset.folder


@fault("unnamed-gzip")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 0)[5]
    path.rename(path.with_suffix(""))
    return dataset.folder


@fault("undecodable-chunk")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 0)[3]
    path.write_bytes(path.read_bytes()[:-3])
    return dataset.folder


@fault("scales-disagree")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 2)[0]
    shutil.copy(making.originals[making.kind, "other"] / path.relative_to(dataset.folder), path)
    return dataset.folder


# Shards

@fault("stray-chunk")
def _(making):
    dataset = making.copy("sharded")
    path, data = shard(dataset)
    one, other = list(data.minishards)[:2]
    extra = data.minishards[one][0]
    data.minishards[other].append(type(extra)(extra.key, len(data.body), 0))
    data.write(path)
    return dataset.folder


@fault("bad-shard")
def _(making):
    dataset = making.copy("sharded")
    path, _ = shard(dataset)
    path.write_bytes(path.read_bytes()[:31])
    return dataset.folder


@fault("bad-minishard")
def _(making):
    dataset = making.copy("sharded")
    path, _ = shard(dataset)
    path.write_bytes(path.read_bytes()[:-3])
    return dataset.folder


@fault("cut-chunk")
def _(making):
    dataset = making.copy("sharded")
    path, data = shard(dataset)
    data.entries()[2].at += 10**6
    data.write(path)
    return dataset.folder


@fault("overlap")
def _(making):
    dataset = making.copy("sharded")
    path, data = shard(dataset)
    first, second = sorted(data.entries(), key=lambda e: e.at)[2:4]
    second.at = first.at + 1
    data.write(path)
    return dataset.folder


@fault("zlib-shard")
def _(making):
    dataset = making.copy("sharded")
    path, data = shard(dataset)
    data.repack(zlib.compress)
    data.write(path, zlib.compress)
    return dataset.folder


# Meshes

def set_mesh(meshes, label, levels, scales=None):
    """A mesh whose levels are single nodes with these vertices, and a triangle of every three of them."""
    fragments = [DracoPy.encode(np.array(vertices, "u4"), np.arange(len(vertices), dtype="u4").reshape(-1, 3))
                 for vertices in levels]
    scales = scales or [2.0**level for level in range(len(levels))]
    manifest = struct.pack("<6fI", 8, 8, 8, 0, 0, 0, len(levels)) + struct.pack(f"<{len(levels)}f", *scales)
    manifest += bytes(12 * len(levels)) + struct.pack("<I", 1) * len(levels)
    manifest += b"".join(struct.pack("<4I", 0, 0, 0, len(fragment)) for fragment in fragments)
    (meshes / f"{label}.index").write_bytes(manifest)
    (meshes / f"{label}").write_bytes(b"".join(fragments))


def test_mesh_without_fault(originals, tmp_path):
    folder, meshes, label = Making(originals, "labels", tmp_path).meshes("multires")
    set_mesh(meshes, label, [[(0, 0, 0), (65535, 0, 0), (0, 9, 9)], [(0, 0, 0), (32768, 0, 0), (0, 9, 9)]])
    assert findings(folder) == []


@fault("bad-mesh-info")
def _(making):
    folder, meshes, _ = making.meshes("multires")
    info = json.loads((meshes / "info").read_text())
    (meshes / "info").write_text(json.dumps(info | {"vertex_quantization_bits": 12}))
    return folder


@fault("missing-mesh")
def _(making):
    folder, meshes, label = making.meshes("legacy")
    (meshes / f"{label}:0").unlink()
    return folder


@fault("stray-mesh")
def _(making):
    folder, meshes, label = making.meshes("multires")
    for suffix in ("", ".index"):
        shutil.copy(meshes / f"{label}{suffix}", meshes / f"{2**40}{suffix}")
    return folder


@fault("bad-manifest")
def _(making):
    folder, meshes, label = making.meshes("multires")
    triangle = [(0, 0, 0), (9, 0, 0), (0, 9, 9)]
    set_mesh(meshes, label, [triangle, triangle], scales=[2, 1])
    return folder


@fault("missing-fragment")
def _(making):
    folder, meshes, label = making.meshes("multires")
    (meshes / f"{label}").unlink()
    return folder


@fault("wrong-fragments")
def _(making):
    folder, meshes, label = making.meshes("multires")
    path = meshes / f"{label}"
    path.write_bytes(path.read_bytes()[:-1])
    return folder


@fault("undecodable-fragment")
def _(making):
    folder, meshes, label = making.meshes("legacy")
    (name,) = json.loads((meshes / f"{label}:0").read_text())["fragments"]
    (meshes / name).write_bytes(struct.pack("<I9f3I", 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 3))
    return folder


@fault("vertex-range")
def _(making):
    folder, meshes, label = making.meshes("multires")
    set_mesh(meshes, label, [[(0, 0, 0), (65536, 0, 0), (0, 9, 9)]])
    return folder


@fault("straddling-triangle")
def _(making):
    folder, meshes, label = making.meshes("multires")
    fine, coarse = ([(0, 0, 0), (x, 0, 0), (0, 9, 9)] for x in (65535, 32769))
    set_mesh(meshes, label, [fine, coarse])
    return folder


# Names of segments

def named(making, ids):
    """A segmentation whose segment properties have these ids, whatever kind of volume is asked for."""
    folder = copied(making.originals["labels", "flat"], making.folder)
    inline = {"ids": ids, "properties": [{"id": "name", "type": "label", "values": ["name"] * len(ids)}]}
    (folder.folder / "names").mkdir()
    (folder.folder / "names/info").write_text(json.dumps({"@type": "neuroglancer_segment_properties", "inline": inline}))
    set_info(folder, lambda info: info.update(segment_properties="names"))
    return folder.folder


@fault("bad-properties")
def _(making):
    label = making.meshes("legacy")[2]
    shutil.rmtree(making.folder / "d")
    return named(making, [str(label), str(label)])


@fault("absent-segment")
def _(making):
    return named(making, ["4294967295"])


# Web servers

@fault("no-cors")
def _(making):
    return serving(making.copy("sharded").folder, "no cors")


@fault("no-head")
def _(making):
    return serving(making.copy("sharded").folder, "head 500")


@fault("no-range")
def _(making):
    return serving(making.copy("sharded").folder, "no range")


@fault("no-404")
def _(making):
    return serving(making.copy("sharded").folder, "no 404")


@fault("packed-shard")
def _(making):
    return serving(making.copy("sharded").folder, "packed shards")


@fault("no-cors-404")
def _(making):
    return serving(making.copy("sharded").folder, "no cors 404")


@fault("unserved-deep")
def _(making):
    folder = making.copy("flat").folder
    for path in folder.glob("*/*-*_*-*_*-*"):
        x, y, z = path.name.split("_")
        (path.parent / x / y).mkdir(parents=True, exist_ok=True)
        path.rename(path.parent / x / y / z)
    return serving(folder)


@fault("unserved-gzip")
def _(making):
    folder = making.copy("flat").folder
    pack_chunks(folder)
    return serving(folder, "no gz")


@fault("unserved-colon")
def _(making):
    folder, meshes, label = making.meshes("legacy")
    for path in meshes.glob("*:0"):
        path.rename(path.with_name(path.name.removesuffix(":0")))
    return serving(folder)


@fault("double-gzip")
def _(making):
    folder = making.copy("flat").folder
    pack_chunks(folder)
    return serving(folder, "gzip twice")


def pack_chunks(folder):
    for path in folder.glob("*/*-*_*-*_*-*"):
        if path.suffix != ".gz":
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
