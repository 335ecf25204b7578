# SPDX-License-Identifier: Apache-2.0
"""`check` is silent about good datasets and finds injected faults; `info --json` tells the truth."""

import gzip
import json

import numpy as np
import pytest

import volumes
from precomputed import Dataset
from program import convert, run
from volumes import save_nifti

OPTIONS = ("--chunk-size", "8", "--sharding", "1,1,1")
LAYOUTS = ["sharded", "flat", "deep"]


@pytest.fixture(params=["u1", "u4"], ids=["image", "labels"])
def values(request):
    if request.param == "u4":
        return volumes.labels((21, 18, 13), "u4")
    return volumes.structured((21, 18, 13), "u1")


@pytest.fixture(params=LAYOUTS)
def dataset(request, values, tmp_path):
    path = save_nifti(tmp_path / "v.nii", values, volumes.affine_mm("RAS", values.shape))
    convert(path, tmp_path / "out", "--layout", request.param, *OPTIONS)
    return Dataset(tmp_path / "out")


def chunk_files(dataset, index):
    return sorted(p for p in (dataset.folder / dataset.scales[index]["key"]).rglob("*") if p.is_file())


def findings(dataset):
    done = run("check", dataset.folder, "--json")
    assert done.status == (3 if done.json else 0), done.err
    return done.json


def test_good(dataset):
    assert findings(dataset) == []
    text = run("check", dataset.folder)
    assert text.status == 0


def test_empty_chunks_are_no_fault(tmp_path):
    values = np.zeros((40, 40, 40), "u1")
    values[3, 3, 3] = 200
    for layout in LAYOUTS:
        convert(save_nifti(tmp_path / "v.nii", values), tmp_path / layout, "--layout", layout, *OPTIONS)
        assert findings(Dataset(tmp_path / layout)) == []


def test_missing_chunk_file(dataset):
    path = chunk_files(dataset, 0)[-1]
    path.unlink()
    found = findings(dataset)
    assert found and any(dataset.scales[0]["key"] in f["where"] for f in found)


def test_cut_chunk_file(dataset):
    path = chunk_files(dataset, 0)[0]
    path.write_bytes(path.read_bytes()[:-5])
    found = findings(dataset)
    assert any(path.name.split(".")[0] in f["where"] for f in found)


def test_flipped_byte(dataset):
    path = chunk_files(dataset, 0)[0]
    data = bytearray(path.read_bytes())
    data[-9] ^= 0xFF
    path.write_bytes(data)
    assert findings(dataset)


def test_scale_that_does_not_follow(dataset, values, tmp_path):
    """A coarse scale that is valid in itself, but of other voxels."""
    other = (values > 0) * values.max() if dataset.info["type"] == "segmentation" else values.max() - values + 1
    path = save_nifti(tmp_path / "w.nii", other.astype(values.dtype), volumes.affine_mm("RAS", values.shape))
    layout = "sharded" if "sharding" in dataset.scales[0] else "deep" if len(chunk_files(dataset, 0)[0].parts) - len(
        dataset.folder.parts) > 2 else "flat"
    convert(path, tmp_path / "other", "--layout", layout, *OPTIONS)
    key = dataset.scales[1]["key"]
    (dataset.folder / key).rename(tmp_path / "aside")
    (tmp_path / "other" / key).rename(dataset.folder / key)
    assert any(key in f["where"] for f in findings(dataset))


@pytest.mark.parametrize("member, value", [
    ("data_type", "int63"), ("num_channels", 0), ("scales", []), ("type", "picture"),
])
def test_bad_info(dataset, member, value):
    info = dict(dataset.info)
    info[member] = value
    (dataset.folder / "info").write_text(json.dumps(info))
    found = findings(dataset)
    assert any(member in f["where"] + f["message"] for f in found)


@pytest.mark.parametrize("member, value", [
    ("size", [21, 18, 14]), ("resolution", [1, 1, -1]), ("chunk_sizes", [[8, 8, 0]]), ("encoding", "zip"),
    ("voxel_offset", [1, 0, 0]), ("key", "elsewhere"),
])
def test_bad_scale(dataset, member, value):
    dataset.info["scales"][0][member] = value
    (dataset.folder / "info").write_text(json.dumps(dataset.info))
    assert findings(dataset)


def test_finding_as_text(dataset):
    chunk_files(dataset, 0)[0].unlink()
    done = run("check", dataset.folder)
    listed = findings(dataset)
    assert done.status == 3
    assert all(f["message"] in done.out for f in listed)


def test_not_a_dataset(tmp_path):
    done = run("check", tmp_path)
    assert done.status == 3 and done.err.count("\n") <= 2


def test_undecodable_values_are_named(tmp_path):
    values = volumes.structured((21, 18, 13), "u1")
    convert(save_nifti(tmp_path / "v.nii", values), tmp_path / "out", "--layout", "flat", *OPTIONS)
    dataset = Dataset(tmp_path / "out")
    path = chunk_files(dataset, 0)[3]
    path.write_bytes(gzip.compress(b"too short"))
    (finding,) = [f for f in findings(dataset) if "undecodable" in f["code"]]
    assert path.name.removesuffix(".gz") in finding["where"] and finding["hint"]


def test_info_json(dataset, values):
    told = run("info", dataset.folder, "--json").json
    assert told["type"] == dataset.info["type"] and told["data_type"] == dataset.info["data_type"]
    assert [s["size"] for s in told["scales"]] == [s["size"] for s in dataset.scales]
    assert [s["resolution"] for s in told["scales"]] == [s["resolution"] for s in dataset.scales]


def test_info_of_a_file(tmp_path):
    values = volumes.noise((7, 5, 3), "i2")
    path = save_nifti(tmp_path / "v.nii.gz", values, volumes.affine_mm("LPS", values.shape))
    told = run("info", path, "--json").json
    assert told["size"] == [7, 5, 3] and told["data_type"] == "int16" and told["orientation"] == "LPS"
    text = run("info", path)
    assert text.status == 0 and "LPS" in text.out and "int16" in text.out
