# SPDX-License-Identifier: Apache-2.0
"""Results as JSON, and the options that every command has."""

import os

import pytest

import volumes
from program import convert, run
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
