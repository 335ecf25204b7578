# SPDX-License-Identifier: Apache-2.0
"""`downsample` makes what `convert` would have made."""

import json

import numpy as np
import pytest

from conftest import tree
from precomputed import Dataset
from program import convert, run
from volumes import labels, save_nifti, structured

SHAPE = (150, 90, 70)


@pytest.fixture
def scan(tmp_path):
    return save_nifti(tmp_path / "scan.nii", structured(SHAPE, "uint8"))


def downsample(*arguments):
    done = run("downsample", *arguments)
    assert done.status == 0, done.err
    return done


def check_clean(folder):
    done = run("check", folder)
    assert done.status == 0, done.out + done.err


@pytest.mark.parametrize("layout", ["sharded", "flat", "deep"])
def test_the_same_bytes_as_convert(scan, tmp_path, layout):
    convert(scan, tmp_path / "whole", "--layout", layout, "--chunk-size", 32)
    convert(scan, tmp_path / "grown", "--layout", layout, "--chunk-size", 32, "--scales", 1)
    downsample(tmp_path / "grown", "--chunk-size", 32)
    assert len(Dataset(tmp_path / "grown").scales) > 1
    assert tree(tmp_path / "grown") == tree(tmp_path / "whole")
    check_clean(tmp_path / "grown")


def test_labels_with_empty_chunks(tmp_path):
    values = labels(SHAPE)
    values[:70, :70, :] = 0
    path = save_nifti(tmp_path / "seg.nii", values)
    convert(path, tmp_path / "whole", "--chunk-size", 32)
    convert(path, tmp_path / "grown", "--chunk-size", 32, "--scales", 1)
    downsample(tmp_path / "grown", "--chunk-size", 32)
    assert tree(tmp_path / "grown") == tree(tmp_path / "whole")
    check_clean(tmp_path / "grown")


def test_rebuilt_by_another_filter(scan, tmp_path):
    convert(scan, tmp_path / "stride", "--downsample", "stride", "--chunk-size", 32)
    convert(scan, tmp_path / "brain", "--chunk-size", 32)
    info = (tmp_path / "brain/info").read_bytes()
    report = json.loads(downsample(tmp_path / "brain", "--downsample", "stride", "--json").out)
    assert (tmp_path / "brain/info").read_bytes() == info
    assert tree(tmp_path / "brain") == tree(tmp_path / "stride")
    assert [s["key"] for s in report["scales"]] == [s["key"] for s in Dataset(tmp_path / "brain").scales[1:]]
    check_clean(tmp_path / "brain")


def test_other_factors_replace_what_was_there(scan, tmp_path):
    convert(scan, tmp_path / "brain", "--chunk-size", 32)
    former = {s["key"] for s in Dataset(tmp_path / "brain").scales[1:]}
    members = json.loads((tmp_path / "brain/info").read_text()) | {"note": "kept"}
    (tmp_path / "brain/info").write_text(json.dumps(members))
    downsample(tmp_path / "brain", "--factor", "3,1,1", "--scales", 2)
    dataset = Dataset(tmp_path / "brain")
    assert dataset.info["note"] == "kept" and [s["size"] for s in dataset.scales] == [[150, 90, 70], [50, 90, 70]]
    assert not any((tmp_path / "brain" / key).exists() for key in former - {s["key"] for s in dataset.scales})
    fine = dataset.read(0)[..., 0].astype(float)
    np.testing.assert_array_equal(dataset.read(1)[..., 0], np.rint(fine.reshape(50, 3, 90, 70).mean(axis=1)))
    check_clean(tmp_path / "brain")


def test_dry_run_writes_nothing(scan, tmp_path):
    convert(scan, tmp_path / "brain", "--scales", 1)
    before = tree(tmp_path / "brain")
    report = json.loads(downsample(tmp_path / "brain", "--dry-run", "--json").out)
    assert report["scales"] and tree(tmp_path / "brain") == before


def test_errors(scan, tmp_path):
    assert run("downsample", tmp_path / "none").status == 3
    assert run("downsample", scan).status == 3
    assert run("downsample", tmp_path / "brain", "--scales", 0).status == 2
    convert(scan, tmp_path / "brain", "--scales", 1)
    assert run("downsample", tmp_path / "brain", "--downsample", "best").status == 2
    assert run("downsample", tmp_path / "brain", "--factor", "1,1,1").status == 2
    (key,) = [s["key"] for s in Dataset(tmp_path / "brain").scales]
    for path in (tmp_path / "brain" / key).iterdir():
        path.unlink()
    done = run("downsample", tmp_path / "brain")
    assert done.status == 3 and "expected chunks, found none" in done.err
    assert not list((tmp_path / "brain").glob("*.partial"))
