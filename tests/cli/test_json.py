# SPDX-License-Identifier: Apache-2.0
"""Results as JSON, and the options that every command has."""

import json
import os
import re
import signal
import subprocess

import numpy as np
import pytest

import volumes
from program import PROGRAM, convert, run
from surfaces import bumpy, save_gifti
from volumes import save_nifti


@pytest.fixture
def volume(tmp_path):
    save_nifti(tmp_path / "v.nii", volumes.structured((20, 20, 20)))
    return tmp_path / "v.nii"


def test_names_that_are_not_utf8(volume, tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    done = run("convert", volume, folder, "--json", "--layout", "flat")
    assert done.status == 0 and done.json["destination"].endswith("\N{REPLACEMENT CHARACTER}")
    os.truncate(next(path for path in (tmp_path / folder).glob("*/*.gz")), 5)
    found = run("check", folder, "--json")
    assert found.status == 3 and len(found.json) >= 1


def test_a_finished_destination_is_reported_again(volume, tmp_path):
    first = run("convert", volume, tmp_path / "d", "--json")
    again = run("convert", volume, tmp_path / "d", "--json", "--resume")
    assert "was_complete" not in first.json and again.json["was_complete"] is True
    assert [scale["key"] for scale in again.json["scales"]] == [scale["key"] for scale in first.json["scales"]]
    assert run("convert", volume, tmp_path / "d", "--resume").out == ""


def test_every_command_takes_what_is_told(volume, tmp_path):
    convert(volume, tmp_path / "d")
    told = ("--quiet", "--log-level", "error", "--progress", "none")
    for command in ("info", volume), ("formats",), ("check", tmp_path / "d"):
        done = run(*command, *told)
        assert done.status == 0 and done.err == "", command
        assert run(*command, "--progress", "loud").status == 2


def test_the_help_names_every_encoding():
    text = run("convert", "-h").out
    for encoding in run("formats", "--json").json["encodings"]:
        assert encoding["name"] in text


def segmentation(folder):
    values = np.zeros((40, 40, 40), "uint32")
    values[10:30, 10:30, 10:30] = 7
    save_nifti(folder / "seg.nii", values)
    convert(folder / "seg.nii", folder / "seg", "--scales", 1, "--layout", "flat")
    save_gifti(folder / "s.gii", *bumpy())
    (folder / "names.csv").write_text("id,name\n7,seven\n")


# What each command is called with, and members of the object that it prints.
RESULTS = {
    "convert": (["v.nii", "out"], {"destination", "scales", "notices"}),
    "downsample": (["seg", "--chunk-size", 32], {"destination", "scales"}),
    "mesh": (["seg"], {"destination", "labels", "files"}),
    "surfaces": (["s.gii", "seg", "--label", 7], {"destination", "labels", "files"}),
    "properties": (["names.csv", "seg"], {"destination", "segments", "columns"}),
    "serve": (["v.nii", "--port", 0], {"url", "viewer", "datasets"}),
    "link": (["URL"], {"viewer", "state"}),
    "webserver": (["nginx", "seg"], {"server", "configuration"}),
    "info": (["v.nii"], {"format", "size"}),
    "check": (["seg"], None),  # a list of findings
    "formats": ([], {"sources", "encodings"}),
    "completion": (["bash"], {"shell", "script"}),
    "man": ([], {"format", "text"}),
}


def commands():
    """Those that the program knows: a new one must be in the table above."""
    return re.search(r"Commands:\n((?:  .*\n)+)", run("-h").out)[1]


def test_every_command_is_in_the_table():
    assert set(re.findall(r"^  (\S+)", commands(), re.M)) == set(RESULTS)


@pytest.mark.parametrize("told", [[], ["--progress", "json"], ["--progress", "bar"]], ids=["", "lines", "bar"])
@pytest.mark.parametrize("command", RESULTS)
def test_every_command_prints_one_json_object(command, told, volume, tmp_path, monkeypatch):
    arguments, members = RESULTS[command]
    monkeypatch.chdir(tmp_path)
    segmentation(tmp_path)
    server = subprocess.Popen([PROGRAM, "serve", "v.nii", "--port", "0", "--json", *told], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        line = server.stdout.readline()
        if command == "serve":
            result = json.loads(line)
        else:
            url = json.loads(line)["datasets"][0]["url"]
            done = run(command, *(url if word == "URL" else word for word in arguments), "--json", *told)
            assert done.status == 0, done.err
            result = done.json
        assert members <= set(result) if members else result == []
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=20) == 0
        assert server.stdout.read() == b"", "one line"
        server.stdout.close()


@pytest.mark.parametrize("command", ["convert", "info", "check", "mesh", "downsample", "serve", "properties"])
def test_errors_are_one_line_with_json_too(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = {"convert": ["missing", "out"], "properties": ["missing", "--measure"]}.get(command, ["missing"])
    done = run(command, *places, "--json", "--progress", "json")
    assert (done.status, done.out) == (3, "") and re.fullmatch(r"ngforge: missing.*\n(hint: .*\n)?", done.err)
