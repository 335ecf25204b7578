# SPDX-License-Identifier: Apache-2.0
"""The nine commands, interrupted while they write, leave what was there and nothing half-written; the next run goes through."""

import signal

import PIL.Image
import pytest

from conftest import tree
from program import PROGRAM, run
from volumes import save_nifti, structured

SHAPE = (70, 60, 50)


def nine(command, *arguments, **options):
    return run(*arguments, program=PROGRAM.parent / command, **options)


def must(command, *arguments):
    done = nine(command, *arguments)
    assert done.status == 0, done.err


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = structured(SHAPE, "uint8")
    save_nifti(tmp_path / "scan.nii", values)
    (tmp_path / "slices").mkdir()
    for z in range(SHAPE[2]):
        PIL.Image.fromarray(values[:, :, z].T).save(tmp_path / f"slices/{z:03}.png")
    must("volume-to-precomputed", "--generate-info", "scan.nii", "out")
    must("generate-scales-info", "--target-chunk-size", "16", "out/info_fullres.json", "out")
    return tmp_path


def filled():
    must("volume-to-precomputed", "scan.nii", "out")
    must("compute-scales", "out")


COMMANDS = {
    "volume-to-precomputed": ["scan.nii", "out"],
    "slices-to-precomputed": ["slices", "out"],
    "compute-scales": ["out"],
    "convert-chunks": ["--copy-info", "out", "copy"],
    "volume-to-precomputed-pyramid": ["scan.nii", "pyramid"],
}


@pytest.mark.parametrize("number, room", [(signal.SIGINT, 0), (signal.SIGINT, 30000), (signal.SIGTERM, 30000)])
@pytest.mark.parametrize("command", COMMANDS)
def test_interrupted(command, number, room, folder, full_disk):
    if command == "compute-scales":
        must("volume-to-precomputed", "scan.nii", "out")
    if command == "convert-chunks":
        filled()
    before = tree(folder)
    done = nine(command, *COMMANDS[command], env=full_disk(room, number))
    assert (done.status, done.out) == (130, ""), done.err
    assert done.err.splitlines()[-1] == "ERROR: interrupted"
    left = {name: content for name, content in tree(folder).items() if before.get(name) != content}
    # Scales that were whole may stay, without an info that tells of more.
    for scale in {name.split("/")[1] for name in left}:
        assert command == "convert-chunks" and tree(folder / "copy" / scale) == tree(folder / "out" / scale)
    assert before.keys() <= tree(folder).keys() and not (folder / "copy/info").exists()
    must(command, *COMMANDS[command])
    again = tree(folder)
    assert set(again) > set(before) and not [name for name in again if ".partial" in name or name.endswith(".tmp")]
