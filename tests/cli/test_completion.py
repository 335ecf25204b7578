# SPDX-License-Identifier: Apache-2.0
"""Completion in bash, zsh and fish, each as a real shell."""

import re

import pytest

import shells
from program import run

NINE = {"volume-to-precomputed", "volume-to-precomputed-pyramid", "slices-to-precomputed", "generate-scales-info",
        "compute-scales", "convert-chunks", "scale-stats", "mesh-to-precomputed", "link-mesh-fragments"}
COMMANDS = {"convert", "downsample", "mesh", "surfaces", "properties", "serve", "link", "webserver", "info", "check",
            "formats", "completion", "man"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "scan of a head.nii").touch()
    (tmp_path / "seg").mkdir()
    return tmp_path


@pytest.fixture(params=shells.SHELLS)
def shell(request):
    return request.param


def told_options(*command):
    """The long options that a command's help tells."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", "".join(
        line[:line.find("  ", 3)] for line in run(*command, "-h").out.splitlines() if line.startswith("  -"))))


def test_commands(shell, folder):
    assert shells.candidates(shell, "ngforge ", folder) >= COMMANDS | NINE
    assert shells.candidates(shell, "ngforge con", folder) == {"convert", "convert-chunks"}


@pytest.mark.parametrize("command", ["convert", "mesh", "formats"])
def test_options(command, shell, folder):
    options = told_options(command)
    assert "--json" in options and len(options) >= 5
    found = shells.candidates(shell, f"ngforge {command} --", folder)
    assert {word.removesuffix("=") for word in found} == options


@pytest.mark.parametrize("line", ["compute-scales", "ngforge compute-scales", "/usr/local/bin/compute-scales"])
def test_options_of_the_nine(line, shell, folder):
    found = shells.candidates(shell, f"{line} --", folder)
    assert {word.removesuffix("=") for word in found} == {
        "--help", "--no-gzip", "--no-compression", "--compresslevel", "--flat", "--downscaling-method", "--outside-value"}


@pytest.mark.parametrize("line, expected", [
    ("ngforge convert --type ", {"image", "segmentation"}),
    ("ngforge convert a.nii --layout sharded b --type s", {"segmentation"}),
    ("ngforge serve --encoding jp", {"jpeg", "jpg"}),
    ("ngforge mesh seg/ --quantization-bits ", {"10", "16"}),
    ("ngforge webserver ", {"nginx", "apache", "caddy", "s3"}),
    ("ngforge completion ", set(shells.SHELLS)),
    ("ngforge check --progress ", {"auto", "bar", "json", "none"}),
    ("ngforge convert-chunks a b --jpeg-plane ", {"xy", "xz"}),
    ("compute-scales --downscaling-method ", {"auto", "average", "majority", "stride"}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_values(line, expected, shell, folder):
    assert shells.candidates(shell, line, folder) == expected


def test_values_behind_an_equals_sign(shell, folder):
    found = shells.candidates(shell, "ngforge convert --layout=", folder)
    assert {word.removeprefix("--layout=") for word in found} == {"sharded", "flat", "deep"}


@pytest.mark.parametrize("line", ["ngforge convert --threads ", "ngforge formats ", "ngforge mesh seg/ --min-voxels "])
def test_nothing_is_made_up(line, shell, folder):
    assert {word for word in shells.candidates(shell, line, folder) if not word.startswith("-")} == set()


@pytest.mark.parametrize("line, expected", [
    ("ngforge convert sc", "ngforge convert scan of a head.nii "),
    ("ngforge convert --type image sc", "ngforge convert --type image scan of a head.nii "),
    ("ngforge convert --scratch=se", "ngforge convert --scratch=seg/"),
    ("volume-to-precomputed sc", "volume-to-precomputed scan of a head.nii "),
    ("ngforge webserver nginx se", "ngforge webserver nginx seg/"),
    ("ngforge convert --dtype sc", "ngforge convert --dtype sc "),
    ("ngforge convert --type seg", "ngforge convert --type segmentation "),
    ("ngforge prop", "ngforge properties "),
], ids=lambda value: value if value.startswith("ngforge convert s") else "")
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_line_grows(line, expected, shell, folder):
    with shells.Terminal(shell, folder) as terminal:
        assert terminal.finished(line).rstrip("/ ") == expected.rstrip("/ ")


@pytest.mark.parametrize("line", ["ngforge convert ", "ngforge mesh ", "compute-scales ", "ngforge convert --scratch "])
def test_files_in_fish(line, folder):
    found = shells.candidates("fish", line, folder)
    assert found == {"seg/", "scan of a head.nii"}


def test_no_such_shell():
    done = run("completion", "tcsh")
    assert (done.status, done.out) == (2, "")
    assert done.err == 'ngforge: SHELL: expected bash|zsh|fish, found "tcsh"\n'
