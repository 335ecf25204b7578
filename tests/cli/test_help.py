# SPDX-License-Identifier: Apache-2.0
"""What the program says of itself."""

import re

import pytest

from program import ROOT, run

COMMANDS = ["convert", "downsample", "mesh", "surfaces", "properties", "serve", "link", "webserver", "info", "check", "formats", "completion", "man"]


def version():
    return re.search(r'NGFORGE_VERSION "(.+)"', (ROOT / "include/ngforge/version.h").read_text())[1]


def test_version():
    done = run("--version")
    assert done.status == 0 and done.out == f"ngforge {version()}\n" and done.err == ""


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)], ids=["nothing", "-h", "--help"])
def test_help(arguments):
    done = run(*arguments)
    assert done.status == 0 and done.err == ""
    for command in COMMANDS:
        assert re.search(rf"^\s+{command}\b", done.out, re.M), command
    assert "ngforge convert" in done.out, "an example"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    done = run(command, "-h")
    assert done.status == 0 and done.err == ""
    assert f"ngforge {command}" in done.out, "usage and an example"
    assert done.out == run(command, "--help").out


def test_every_option_of_the_documentation_is_in_the_help():
    page = "".join(p.read_text() for p in sorted((ROOT / "docs").glob("*.md")))
    told = {command: run(command, "-h").out for command in COMMANDS}
    for line in re.findall(r"^\$ .*?ngforge (.+)$", page, re.M):
        command = line.split()[0]
        for option in re.findall(r"(?<=\s)--[a-z-]+", line):
            assert option in told[command], f"{command} {option}"


def test_formats_lists_what_is_built():
    text = run("formats").out
    for word in ("nifti", "mgh", "precomputed", "raw", "compressed_segmentation", "sharded", "flat", "deep"):
        assert word in text, word


def test_docs_know_every_surface_and_mesh_format():
    formats = run("formats", "--json").json
    page = (ROOT / "docs/surfaces.md").read_text()
    for surface in formats["surfaces"]:
        # "Wavefront OBJ, as text (.obj)" has the row "| OBJ | ..."
        words = re.split(r"[,:(]", surface["title"])[0].removeprefix("fragment of a ").removeprefix("Wavefront ").split()
        assert f"| {' '.join(words[:2])}" in page or f"| {words[0]} " in page, surface["title"]
    for mesh in formats["meshes"]:
        assert f"--format {mesh['name']}" in (ROOT / "docs/meshes.md").read_text()


def test_nothing_that_is_not_built():
    told = run("-h").out
    for command in ("publish", "vectors"):
        assert not re.search(rf"^\s+{command}\b", told, re.M), command
