# SPDX-License-Identifier: Apache-2.0
"""Each fault, injected alone, is named by `check`, and nothing else is."""

import gzip
import json
import os
import re
import shutil
import struct
import zlib

import numpy as np
import pytest

import volumes
from precomputed import Dataset
from program import ROOT, convert, run
from shards import Shard
from volumes import save_nifti

SHAPE = (40, 26, 19)  # scales of 5 x 4 x 3, 3 x 2 x 2 and 2 x 1 x 1 chunks of 8
OPTIONS = ("--chunk-size", "8", "--factor", "2", "--scales", "3", "--sharding", "1,1,1")
KINDS = {"image": "u1", "labels": "u4"}


def make(folder, kind, layout, seed=0):
    values = volumes.labels(SHAPE, "u4", seed) if kind == "labels" else volumes.structured(SHAPE, "u1", seed)
    path = save_nifti(folder.with_suffix(".nii"), values, np.diag([1.0, 1, 1, 1]))
    convert(path, folder, "--layout", layout, *OPTIONS)
    return folder


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    root = tmp_path_factory.mktemp("originals")
    made = {(kind, layout): make(root / f"{kind}-{layout}", kind, layout)
            for kind in KINDS for layout in ("sharded", "flat", "deep")}
    return made | {"other": make(root / "other", "image", "flat", seed=99)}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=["flat", "deep"])
def files(request, originals, kind, tmp_path):
    return copied(originals[kind, request.param], tmp_path)


@pytest.fixture
def flat(originals, tmp_path):
    return copied(originals["image", "flat"], tmp_path)


@pytest.fixture
def sharded(originals, kind, tmp_path):
    return copied(originals[kind, "sharded"], tmp_path)


def copied(original, tmp_path):
    return Dataset(shutil.copytree(original, tmp_path / "d"))


def chunks(dataset, index):
    return sorted(p for p in (dataset.folder / dataset.scales[index]["key"]).rglob("*") if p.is_file())


def findings(place, *options):
    done = run("check", place, "--json", "--quiet", *options)
    assert done.status == (3 if done.json else 0), done.err
    assert done.err == ""
    assert all(finding["message"] and finding["hint"] for finding in done.json)
    return done.json


def expect(dataset, code, where=""):
    """Findings of this code and no other, the first of them at a place that has this in its name."""
    return expect_at(dataset.folder, code, where)


def expect_at(place, code, where=""):
    found = findings(place)
    assert {finding["code"] for finding in found} == {code}, found
    assert where in found[0]["where"], found
    assert found == findings(place, "--threads", "1"), "the order of threads shows"
    return found


def test_no_fault(originals):
    for place in originals.values():
        assert findings(place) == []


@pytest.mark.parametrize("index", [0, 1, 2])
def test_missing_chunk(files, index):
    path = chunks(files, index)[1 if index < 2 else 0]
    path.unlink()
    (found,) = expect(files, "missing-chunk", files.scales[index]["key"])
    assert found["where"] == str(path.relative_to(files.folder)).removesuffix(".gz")


def test_missing_chunk_without_provenance(files):
    """Of data by other programs too: the other scales show it."""
    (files.folder / "provenance").unlink()
    path = chunks(files, 0)[20]
    path.unlink()
    (found,) = expect(files, "missing-chunk")
    assert found["where"] == str(path.relative_to(files.folder)).removesuffix(".gz")


@pytest.mark.parametrize("index", [0, 1, 2])
def test_cut_chunk(files, index):
    path = chunks(files, index)[0]
    path.write_bytes(path.read_bytes()[:-3])
    expect(files, "undecodable-chunk", str(path.relative_to(files.folder)).removesuffix(".gz"))


@pytest.mark.parametrize("data", [b"", gzip.compress(b"too short")], ids=["nothing", "short"])
def test_undecodable_chunk(files, data):
    path = chunks(files, 0)[3]
    path.write_bytes(data)
    expect(files, "undecodable-chunk", str(path.relative_to(files.folder)).removesuffix(".gz"))


@pytest.mark.parametrize("name", ["0-8_0-8_0-9", "40-48_0-8_0-8.gz", "notes.txt", "0-8_0-8_0-8.gz.tmp", "1-9_0-8_0-8"])
def test_file_outside_of_the_grid(flat, name):
    (flat.folder / flat.scales[0]["key"] / name).write_bytes(bytes(512))
    expect(flat, "stray-file", name)


def test_chunk_of_another_volume(flat, originals):
    name = chunks(flat, 1)[2].relative_to(flat.folder)
    shutil.copy(originals["other"] / name, flat.folder / name)
    assert all(f["where"].startswith(tuple(s["key"] for s in flat.scales[1:])) for f in expect(flat, "scales-disagree"))


def test_chunk_of_another_volume_without_provenance(flat):
    (flat.folder / "provenance").unlink()
    path = chunks(flat, 1)[2]
    values = np.frombuffer(gzip.decompress(path.read_bytes()), "u1")
    path.write_bytes(gzip.compress((255 - values).tobytes()))
    expect(flat, "scales-disagree", path.stem)


def test_chunk_more_than_was_written(tmp_path):
    convert(save_nifti(tmp_path / "v.nii", volumes.noise(SHAPE, "u1")), tmp_path / "d", "--layout", "flat", *OPTIONS)
    dataset = Dataset(tmp_path / "d")
    path = dataset.folder / dataset.scales[0]["key"] / "0-8_0-8_0-8.gz"
    assert not path.exists(), "the corner is empty"
    path.write_bytes(gzip.compress(bytes(8 * 8 * 8)))
    expect(dataset, "extra-chunk", dataset.scales[0]["key"])


@pytest.mark.parametrize("index", [0, 2])
def test_no_scale(files, index):
    shutil.rmtree(files.folder / files.scales[index]["key"])
    expect(files, "missing-scale", files.scales[index]["key"])


def test_fifo(files):
    """Something that would stop whoever reads it."""
    path = chunks(files, 0)[1]
    path.unlink()
    os.mkfifo(path)
    expect(files, "unreadable-file", str(path.relative_to(files.folder)))
    assert run("info", files.folder, timeout=20).status == 0


def test_shard_that_is_a_fifo(sharded):
    path = chunks(sharded, 0)[0]
    path.unlink()
    os.mkfifo(path)
    expect(sharded, "unreadable-file", path.name)
    assert run("info", sharded.folder, timeout=20).status == 0


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"processing": [{"method": {"task": "ngforge convert", "scales": [1]}}]}'])
def test_provenance(files, data):
    (files.folder / "provenance").write_bytes(data)
    expect(files, "bad-provenance", "provenance")


def test_large_provenance(flat):
    with open(flat.folder / "provenance", "r+b") as file:
        file.truncate(65 << 20)
    expect(flat, "bad-provenance", "provenance")


def test_provenance_is_a_folder(flat):
    (flat.folder / "provenance").unlink()
    (flat.folder / "provenance").mkdir()
    assert findings(flat.folder) == []


def shard(dataset, index=0, number=0):
    path = chunks(dataset, index)[number]
    return path, Shard.read(path, dataset.scales[index]["sharding"])


@pytest.mark.parametrize("index", [0, 1])
def test_missing_shard(sharded, index):
    chunks(sharded, index)[0].unlink()
    found = expect(sharded, "missing-chunk", sharded.scales[index]["key"])
    assert len(found) > 1


def test_value_that_was_changed(sharded):
    path, data = shard(sharded)
    entry = data.entries()[4]
    body = bytearray(data.body)
    body[entry.at + entry.size - 6] ^= 0x55  # the checksum
    data.body = bytes(body)
    data.write(path)
    expect(sharded, "undecodable-chunk", path.name)


@pytest.mark.parametrize("begin, end", [(0, 2**40), (2**63, 2**63 + 24), (100, 10), (0, 17)])
def test_minishard_index_that_is_none(sharded, begin, end):
    path, _ = shard(sharded)
    data = bytearray(path.read_bytes())
    struct.pack_into("<QQ", data, 0, begin, end)
    path.write_bytes(data)
    expect(sharded, "bad-minishard", path.name)


def test_key_that_is_not_on_the_grid(sharded):
    path, data = shard(sharded)
    (number, entries) = next(iter(data.minishards.items()))
    entries.append(type(entries[0])(entries[-1].key + 2**40, entries[-1].at + entries[-1].size, 0))
    data.write(path)
    expect(sharded, "stray-chunk", path.name)


def test_key_twice(sharded):
    path, data = shard(sharded)
    entries = next(iter(data.minishards.values()))
    data.body += data.body[entries[0].at:entries[0].at + entries[0].size]
    entries.append(type(entries[0])(entries[0].key, len(data.body) - entries[0].size, entries[0].size))
    data.write(path)
    expect(sharded, "double-chunk")


@pytest.mark.parametrize("name", ["2.shard", "00.shard", "0.shard.tmp", "0-8_0-8_0-8", "A.shard"])
def test_file_that_is_no_shard(sharded, name):
    (sharded.folder / sharded.scales[0]["key"] / name).write_bytes(bytes(64))
    expect(sharded, "stray-file", name)


def set_info(dataset, change):
    change(dataset.info)
    (dataset.folder / "info").write_text(json.dumps(dataset.info))


@pytest.mark.parametrize("code, change", [
    ("bad-info", lambda info: info.pop("type")),
    ("bad-info", lambda info: info.update(data_type="float64")),
    ("bad-info", lambda info: info["scales"][1].update(sharding=None)),
    ("bad-info", lambda info: info["scales"][1].update(encoding="fpzip")),
    ("bad-info", lambda info: info["scales"][0].update(key="../elsewhere")),
    ("bad-info", lambda info: info["scales"][0]["chunk_sizes"].append([16, 16, 16])),
    ("missing-link", lambda info: info.update(mesh="mesh")),
    ("missing-link", lambda info: info.update(segment_properties="names/")),
    ("wrong-size", lambda info: info["scales"].pop(1)),
], ids=str)
def test_info(flat, code, change):
    set_info(flat, change)
    expect(flat, code, "info")


def one_chunk(folder, **members):
    """A dataset of one chunk of zeros whose `info` is what matters."""
    scale = {"key": "s", "size": [2, 2, 2], "resolution": [1, 1, 1], "voxel_offset": [0, 0, 0],
             "chunk_sizes": [[2, 2, 2]], "encoding": "raw"}
    info = {"type": "image", "data_type": "uint8", "num_channels": 1, "scales": [scale]}
    for name, value in members.items():
        (scale if name in scale else info)[name] = value
    names = [f"{o}-{o + n}" for o, n in zip(scale["voxel_offset"], scale["size"], strict=True)]
    (folder / "s").mkdir(parents=True)
    (folder / "info").write_text(json.dumps(info))
    count = int(np.prod(scale["size"])) * info["num_channels"] * np.dtype(info["data_type"]).itemsize
    (folder / "s" / "_".join(names)).write_bytes(bytes(count))
    return folder


@pytest.mark.parametrize("code, members", [
    (None, {}),
    ("bad-info", {"type": "segmentation", "num_channels": 2}),
    ("bad-info", {"type": "segmentation", "data_type": "float32"}),
    ("inexact-bounds", {"voxel_offset": [2**24 - 1, 0, 0]}),
    (None, {"voxel_offset": [2**24 - 2, 0, 0]}),
    (None, {"voxel_offset": [2**25, 0, 0], "size": [4, 2, 2], "chunk_sizes": [[4, 2, 2]]}),
    ("inexact-bounds", {"voxel_offset": [0, -(2**24) - 3, 0], "size": [2, 6, 2], "chunk_sizes": [[2, 6, 2]]}),
    ("large-chunk", {"size": [2049, 1, 1], "chunk_sizes": [[2049, 1, 1]]}),
    (None, {"size": [2048, 1, 1], "chunk_sizes": [[4096, 1, 1]]}),
], ids=str)
def test_what_the_viewer_would_not_show(tmp_path, code, members):
    found = {finding["code"] for finding in findings(one_chunk(tmp_path / "d", **members))}
    assert found == ({code} if code else set())


@pytest.mark.parametrize("members", [
    {"encoding": "jpeg", "data_type": "uint16"}, {"encoding": "jpeg", "num_channels": 2},
    {"encoding": "png", "data_type": "float32"}, {"encoding": "png", "num_channels": 5},
    {"encoding": "compresso", "data_type": "int32"},
], ids=str)
def test_encodings_that_the_viewer_misreads(tmp_path, members):
    expect_at(one_chunk(tmp_path / "d", **members), "misread-encoding", "info")


@pytest.mark.parametrize("has_provenance", [True, False])
def test_scales_in_the_wrong_order(files, has_provenance):
    if not has_provenance:
        (files.folder / "provenance").unlink()
    set_info(files, lambda info: info["scales"].reverse())
    expect(files, "scale-order", "info")


def test_resolution_in_the_wrong_order(files):
    """The chunks are those of three scales as they were made, one of them is said to be finer than it is."""
    set_info(files, lambda info: info["scales"][1].update(resolution=[1e5, 1e5, 1e5]))
    expect(files, "scale-order", "info")


@pytest.mark.parametrize("has_provenance", [True, False])
@pytest.mark.parametrize("one, other", [(1, 0), (0, 1), (2, 1)])
def test_two_scales_in_one_folder(files, one, other, has_provenance):
    if not has_provenance:
        (files.folder / "provenance").unlink()
    set_info(files, lambda info: info["scales"][one].update(key=info["scales"][other]["key"]))
    expect(files, "same-key", "info")


def test_faults_beside_scales_in_the_wrong_order(files):
    """The scales are still compared with each other."""
    set_info(files, lambda info: info["scales"].reverse())
    path = chunks(files, 2)[1]
    path.unlink()
    found = findings(files.folder)
    assert {finding["code"] for finding in found} == {"scale-order", "missing-chunk"}
    assert [f["where"] for f in found if f["code"] == "missing-chunk"] == [
        str(path.relative_to(files.folder)).removesuffix(".gz")]


@pytest.mark.parametrize("options", [("jpeg", "--jpeg-quality", "20"), ("jpeg", "--jpeg-quality", "100"),
                                     ("jxl", "--jxl-quality", "40")], ids=str)
@pytest.mark.parametrize("source", ["structured", "noise"])
def test_scales_after_a_lossy_encoding(tmp_path, source, options):
    values = getattr(volumes, source)((64, 48, 40), "u1")
    for name, part in ("d", values), ("other", 255 - values):
        path = save_nifti(tmp_path / f"{name}.nii", part, np.diag([1.0, 1, 1, 1]))
        convert(path, tmp_path / name, "--chunk-size", "16", "--factor", "2", "--layout", "flat", "--encoding", *options)
    dataset = Dataset(tmp_path / "d")
    assert findings(dataset.folder) == []
    name = chunks(dataset, 1)[-1].relative_to(dataset.folder)
    shutil.copy(tmp_path / "other" / name, dataset.folder / name)
    if source == "structured":
        expect(dataset, "scales-disagree", str(name))
