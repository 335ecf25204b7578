# SPDX-License-Identifier: Apache-2.0
"""The manual page tells all that the help tells, and nothing in it is wrong for man and groff."""

import re
import subprocess

import pytest

from program import PROGRAM, run

NINE = sorted(path.name for path in PROGRAM.parent.iterdir() if path.is_symlink())


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("man") / "ngforge.1"
    path.write_text(run("man").out)
    return path


@pytest.fixture(scope="module")
def shown(page):
    """The page as man shows it, in lines as long as they are."""
    done = subprocess.run(["man", "-l", page], capture_output=True, text=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "MANWIDTH": "1000", "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0
    return re.sub(r".\x08", "", done.stdout)


def commands():
    return re.findall(r"^  (\S+)", re.search(r"Commands:\n((?:  .*\n)+)", run("-h").out)[1], re.M)


def told_by_help(text):
    """The options, with what they take, and the first words of their texts."""
    return re.findall(r"^  (-\S+(?: \S+)*?)(?:  +|$)", text, re.M)


def section(shown, command):
    """From the command's title to the next one."""
    return re.search(rf"^   {command}\n(.*?)(?=^   \S|^\S)", shown, re.M | re.S)[1]


@pytest.mark.parametrize("check", [["groff", "-man", "-ww", "-z"], ["man", "--warnings", "-E", "UTF-8", "-l", "-Z"]],
                         ids=["groff", "man"])
def test_no_warnings(check, page):
    done = subprocess.run([*check, page], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_has_the_usual_sections(shown):
    assert re.findall(r"^[A-Z][A-Z -]+$", shown, re.M) == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "COMMANDS OF NEUROGLANCER-SCRIPTS", "EXIT STATUS"]
    assert "ngforge - " in shown and "\\" not in shown


def test_the_table_of_commands_is_whole():
    assert len(NINE) == 9 and len(commands()) >= 13


@pytest.mark.parametrize("command", [*commands(), *NINE])
def test_every_command_and_option(command, shown):
    text = section(shown, command)
    told = told_by_help(run(command, "-h").out)
    assert told[0].startswith("-h") and len(told) >= 2 or command == "scale-stats"
    for option in told:
        wanted = option.replace(",", ", ") if option.startswith("-h") else option
        assert re.search(rf"^ +{re.escape(wanted.replace(',  ', ', '))}(?: |$)", text, re.M), f"{command} {option}"


@pytest.mark.parametrize("command", [*commands(), *NINE])
def test_every_command_and_option_in_markdown(command):
    page = run("man", "--format", "markdown").out
    text = re.search(rf"^##+ {command}\n(.*?)(?=^##|\Z)", page, re.M | re.S)[1].replace(r"\|", "|")
    for option in told_by_help(run(command, "-h").out):
        for name in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", option):
            assert f"`{name}`" in text or f"`{name} " in text, f"{command} {name}"
    assert "Example:" in text


def test_tables_of_markdown_are_even():
    for block in re.findall(r"(?:^\|.*\n)+", run("man", "--format", "markdown").out, re.M):
        rows = [len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()]
        assert len(set(rows)) == 1, block


def test_an_unknown_format():
    done = run("man", "--format", "pdf")
    assert (done.status, done.out, done.err) == (2, "", 'ngforge: --format: expected troff|markdown, found "pdf"\n')
