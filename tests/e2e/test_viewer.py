# SPDX-License-Identifier: Apache-2.0
import gzip
import json
import shutil

import pytest

from e2e import brain, demo_check
from e2e.viewer import served, view
from program import PROGRAM, convert

LABELS = ("--type", "segmentation")


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """Both volumes converted: flat and plain, so that a test can break a chunk."""
    folder = tmp_path_factory.mktemp("brain")
    t1, atlas = brain.paths()
    convert(t1, folder / "icbm152_t1", "--layout", "flat", "--compress", "none", "--keep-empty")
    convert(atlas, folder / "desikan_killiany", *LABELS, "--layout", "flat", "--compress", "none", "--keep-empty")
    return [folder / name for name in brain.NAMES]


def look_at(*arguments, looks, layers=2, picture=None):
    with served(PROGRAM, *arguments) as line:
        return view(line["viewer"], layers, looks, picture)


def test_sharded_datasets_lie_on_each_other(tmp_path):
    t1, atlas = brain.paths()
    convert(t1, tmp_path / "icbm152_t1")
    convert(atlas, tmp_path / "desikan_killiany", *LABELS)
    assert demo_check.run(PROGRAM, [tmp_path / name for name in brain.NAMES], tmp_path / "view.png") == 0
    assert (tmp_path / "view.png").stat().st_size > 50_000


def test_flat_datasets_show_the_same(datasets):
    for level in (0, 1):
        seen = look_at(*datasets, looks=brain.looks(level))
        assert seen.problems == [] and seen.missing == []


@pytest.mark.parametrize("is_packed", [True, False], ids=["nii.gz", "nii"])
def test_live_files_show_the_same(tmp_path, is_packed):
    files = []
    for path in brain.paths():
        name = path.name if is_packed else path.name.removesuffix(".gz")
        files.append(tmp_path / name)
        files[-1].write_bytes(path.read_bytes() if is_packed else gzip.decompress(path.read_bytes()))
    # One choice of type for all files: 16-bit labels of the atlas are asked for as such, the T1 then counts as labels too.
    for path, name in zip(files, brain.NAMES, strict=True):
        options = LABELS if name == "desikan_killiany" else ()
        for level in (0, 1):
            looks = brain.looks(level, [name])
            seen = look_at(path, *options, looks=looks, layers=1)
            assert seen.problems == []
            assert len(seen.values) == len(looks)


def test_deep_layout_is_served_under_flat_names(tmp_path):
    t1, _ = brain.paths()
    convert(t1, tmp_path / "icbm152_t1", "--layout", "deep")
    assert look_at(tmp_path / "icbm152_t1", looks=brain.looks(0, ["icbm152_t1"]), layers=1).problems == []


# The check itself: each of these leaves a picture that looks fine.

def broken(datasets, tmp_path):
    copies = [tmp_path / path.name for path in datasets]
    for path, copy in zip(datasets, copies, strict=True):
        shutil.copytree(path, copy)
    return copies


def test_a_zeroed_chunk_is_seen(datasets, tmp_path):
    copies = broken(datasets, tmp_path)
    fine = sorted((copies[0]).glob("1000000_*/*"))
    assert len(fine) == 48
    for chunk in fine:
        if chunk.name.startswith("64-128_64-128_64-128"):
            chunk.write_bytes(bytes(chunk.stat().st_size))
    seen = look_at(*copies, looks=brain.looks())
    assert any("icbm152_t1" in p and "found 0" in p for p in seen.problems)


def test_a_doubled_resolution_is_seen(datasets, tmp_path):
    copies = broken(datasets, tmp_path)
    info = json.loads((copies[0] / "info").read_text())
    for scale in info["scales"]:
        scale["resolution"] = [2 * r for r in scale["resolution"]]
    (copies[0] / "info").write_text(json.dumps(info))
    assert look_at(*copies, looks=brain.looks()).problems


def test_a_lost_half_voxel_is_seen(datasets, tmp_path):
    copies = broken(datasets, tmp_path)
    transform = json.loads((copies[0] / "transform.json").read_text())
    for row in range(3):
        transform[row][3] += 500_000
    (copies[0] / "transform.json").write_text(json.dumps(transform))
    assert any("icbm152_t1" in p for p in look_at(*copies, looks=brain.looks()).problems)
