# SPDX-License-Identifier: Apache-2.0
"""A dataset is there whole or not at all: kills, full disks, refusals, and what each leaves behind."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

import volumes
from conftest import tree
from program import PROGRAM, convert, run
from volumes import save_nifti

OPTIONS = ("--chunk-size", "16", "--shard-size", "256KiB", "--level", "9", "--threads", "2")
LAYOUTS = ["sharded", "flat", "deep", "zarr"]  # of precomputed volumes, and OME-Zarr


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    values = volumes.structured((160, 120, 100), "u2")
    return save_nifti(tmp_path_factory.mktemp("source") / "v.nii", values, volumes.affine_mm("RAS", values.shape))


@pytest.fixture(scope="module", params=LAYOUTS)
def layout(request):
    return request.param


@pytest.fixture(scope="module")
def reference(source, layout, tmp_path_factory):
    """The files of a run that nothing disturbs."""
    out = tmp_path_factory.mktemp("reference") / named("out", layout)
    convert(source, out, *how(layout), *OPTIONS)
    return tree(out)


def how(layout):
    return "--layout", "sharded" if layout == "zarr" else layout


def named(stem, layout):
    """A destination of the kind."""
    return f"{stem}.zarr" if layout == "zarr" else stem


def start(source, destination, layout, *more):
    return subprocess.Popen([PROGRAM, "convert", source, destination, *how(layout), *OPTIONS, *more],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finished_files(partial):
    """{name: (inode, time of change)} of the files that a run has finished: all but growing ones."""
    return {str(p.relative_to(partial)): (p.stat().st_ino, p.stat().st_mtime_ns)
            for p in partial.rglob("*") if p.is_file() and p.suffix in ("", ".gz", ".shard") and p.parent != partial
            and p.name != "provenance"}


def size_of(folder):
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # it was renamed meanwhile
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def kill_when_written(running, partial, size):
    """Kills the program when its files have so many bytes (or after its end, if it is faster)."""
    while running.poll() is None and size_of(partial) < size:
        pass
    running.kill()
    running.wait()


def test_killed_at_random_moments_and_resumed(source, layout, reference, tmp_path):
    choose = random.Random(layout)
    convert(source, tmp_path / named("whole", layout), *how(layout), *OPTIONS)
    total = size_of(tmp_path / named("whole", layout))
    touched_ground = 0
    for attempt in range(8):
        destination = tmp_path / named(f"{attempt}", layout)
        partial = Path(f"{destination}.partial")
        for _ in range(choose.randint(1, 3)):  # a resumed run may be killed as well
            more = ["--resume"] if partial.exists() else []
            running = start(source, destination, layout, *more)
            kill_when_written(running, partial, choose.uniform(0, 1) * total)
            if destination.exists():
                break
            if not partial.exists():
                continue
            touched_ground += 1
            before = finished_files(partial)
            refused = run("convert", source, destination, *how(layout), *OPTIONS)
            assert refused.status == 5 and "--resume" in refused.err and "--overwrite" in refused.err
            assert finished_files(partial) == before
        before = finished_files(partial) if partial.exists() else {}
        convert(source, destination, *how(layout), "--resume", *OPTIONS)
        assert tree(destination) == reference
        assert not partial.exists()
        after = finished_files(destination)
        assert {name: after[name] for name in before} == before, "a finished file was written again"
        shutil.rmtree(destination)
    assert touched_ground >= 4, "the kills came before or after the work: the test proves nothing"


def test_interrupted_leaves_a_partial(source, layout, reference, tmp_path):
    for number in signal.SIGINT, signal.SIGTERM:
        destination = tmp_path / named(f"out{number}", layout)
        running = start(source, destination, layout)
        while not list(tmp_path.glob(f"{destination.name}.partial/*/*")):
            assert running.poll() is None
        running.send_signal(number)
        _, message = running.communicate(timeout=60)
        assert running.returncode == 130, message
        assert Path(f"{destination}.partial").exists() and not destination.exists()
        convert(source, destination, *how(layout), "--overwrite", *OPTIONS)
        assert tree(destination) == reference
        assert not Path(f"{destination}.partial").exists()


def test_resume_on_other_ground(source, layout, tmp_path):
    destination = tmp_path / named("out", layout)
    convert(source, destination, *how(layout), "--resume", *OPTIONS)  # nothing to resume: starts anew
    whole = tree(destination)
    stamp = {p: p.stat().st_mtime_ns for p in destination.rglob("*")}
    convert(source, destination, *how(layout), "--resume", *OPTIONS)  # finished: does nothing
    assert stamp == {p: p.stat().st_mtime_ns for p in destination.rglob("*")}
    refused = run("convert", source, destination, *how(layout), *OPTIONS)
    assert refused.status == 5 and tree(destination) == whole
    scales = "shards" if layout == "zarr" else "info"
    for word, more in ("compress", ["--compress", "none"]), (scales, ["--scales", "2"]), ("values", ["--window", "0,9000"]):
        other = run("convert", source, destination, *how(layout), *OPTIONS, *more, "--resume")
        assert other.status == 5 and word in other.err and tree(destination) == whole, other.err


def test_an_interrupted_overwrite_is_resumed(source, layout, reference, tmp_path):
    destination = tmp_path / named("out", layout)
    destination.mkdir()
    (destination / "old").write_text("old")
    running = start(source, destination, layout, "--overwrite")
    while not list(tmp_path.glob(f"{destination.name}.partial/*/*")):
        assert running.poll() is None
    running.kill()
    running.wait()
    assert (destination / "old").exists()
    convert(source, destination, *how(layout), "--resume", *OPTIONS)
    assert tree(destination) == reference and not Path(f"{destination}.partial").exists()


def test_resume_knows_which_part_of_the_source(source, tmp_path):
    """The same names of chunks, made of other voxels."""
    destination, same = tmp_path / "out", ("--chunk-size", "16", "--layout", "flat", "--threads", "1", "--level", "12")
    running = subprocess.Popen([PROGRAM, "convert", source, destination, *same, "--crop", "16:160,0:120,0:100"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not list(tmp_path.glob("out.partial/*/*")):
        assert running.poll() is None
    running.kill()
    running.wait()
    other = run("convert", source, destination, *same, "--voxel-offset", "16,0,0", "--crop", "16:160,0:120,0:100", "--resume")
    assert other.status == 5 and "origin was 0,0,0, now 16,0,0" in other.err, other.err


def test_resume_says_what_differs(source, layout, tmp_path):
    destination = tmp_path / named("out", layout)
    running = start(source, destination, layout)
    while not list(tmp_path.glob(f"{destination.name}.partial/*/*")):
        assert running.poll() is None
    running.kill()
    running.wait()
    other = run("convert", source, destination, *how(layout), "--resume", *OPTIONS[2:], "--chunk-size", "32")
    assert other.status == 5 and "chunk" in other.err, other.err
    copy = tmp_path / "copy.nii"
    data = bytearray(source.read_bytes())
    copy.write_bytes(data)
    changed = run("convert", copy, destination, *how(layout), "--resume", *OPTIONS)
    assert changed.status == 5 and "source" in changed.err, changed.err


def test_overwrite_replaces_only_when_complete(source, layout, tmp_path):
    destination = tmp_path / named("out", layout)
    small = save_nifti(tmp_path / "small.nii", volumes.structured((9, 8, 7), "u1"))
    convert(small, destination)
    old = tree(destination)
    cut = tmp_path / "cut.nii"
    cut.write_bytes(source.read_bytes()[:-1])
    failed = run("convert", cut, destination, *how(layout), "--overwrite", *OPTIONS)
    assert failed.status == 3
    assert tree(destination) == old
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.nii", destination.name, "small.nii"]
    convert(source, destination, *how(layout), "--overwrite", *OPTIONS)
    assert tree(destination) != old
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.nii", destination.name, "small.nii"]


def test_bad_source_leaves_nothing(source, layout, tmp_path):
    cut = tmp_path / "cut.nii"
    cut.write_bytes(source.read_bytes()[:1_000_000])
    failed = run("convert", cut, tmp_path / named("out", layout), *how(layout), *OPTIONS)
    assert failed.status == 3 and failed.out == ""
    assert [p.name for p in tmp_path.iterdir()] == ["cut.nii"]


@pytest.mark.parametrize("room", [0, 5000, 300_000, 1_000_000])
def test_full_disk_leaves_a_partial(source, layout, reference, full_disk, tmp_path, room):
    destination = tmp_path / named("out", layout)
    failed = run("convert", source, destination, *how(layout), *OPTIONS, env=full_disk(room))
    assert failed.status == 6 and "No space left on device" in failed.err, failed.err
    assert not destination.exists()
    convert(source, destination, *how(layout), "--resume", *OPTIONS)
    assert tree(destination) == reference
    assert not Path(f"{destination}.partial").exists()


@pytest.fixture
def powerless():
    """(a folder that everyone may enter, options that run a program as somebody without rights there)"""
    folder = Path(tempfile.mkdtemp(prefix="ngforge-test-"))
    folder.chmod(0o755)
    shutil.copy(PROGRAM, folder / "ngforge")
    options = {"program": folder / "ngforge"}
    if os.geteuid() == 0:
        options |= {"user": 65534, "group": 65534, "extra_groups": []}
    yield folder, options
    shutil.rmtree(folder)


def test_unwritable_folder(source, powerless, layout):
    folder, options = powerless
    readable = folder / "v.nii"
    shutil.copy(source, readable)
    closed = folder / "closed"
    closed.mkdir(mode=0o555)
    failed = run("convert", readable, closed / named("out", layout), *how(layout), **options)
    assert failed.status == 6 and str(closed) in failed.err, failed.err
    assert not list(closed.iterdir())


def test_unreadable_source(source, powerless):
    folder, options = powerless
    secret = folder / "v.nii"
    shutil.copy(source, secret)
    secret.chmod(0o000)
    failed = run("convert", secret, folder / "out", **options)
    assert failed.status == 3 and str(secret) in failed.err, failed.err


def test_folders_above_the_destination_are_made_and_unmade(source, tmp_path):
    cut = tmp_path / "cut.nii"
    cut.write_bytes(source.read_bytes()[:1_000_000])
    assert run("convert", cut, tmp_path / "new/folder/out").status == 3
    assert [p.name for p in tmp_path.iterdir()] == ["cut.nii"]
    convert(source, tmp_path / "new/folder/out")


def test_two_runs_at_once(source, layout, reference, tmp_path):
    destination = tmp_path / named("out", layout)
    running = start(source, destination, layout)
    while not Path(f"{destination}.partial").exists():
        assert running.poll() is None
    second = run("convert", source, destination, *how(layout), "--resume", *OPTIONS)
    assert second.status == 5, second.err
    assert running.wait() == 0
    assert tree(destination) == reference


def test_dry_run_writes_nothing(source, layout, tmp_path):
    before = sorted(tmp_path.iterdir())
    planned = convert(source, tmp_path / named("out", layout), *how(layout), "--dry-run", *OPTIONS)
    assert planned.out
    assert sorted(tmp_path.iterdir()) == before
