# SPDX-License-Identifier: Apache-2.0
"""Runs every command that README and docs show, on a real scan and its atlas, and follows every link between pages.

A ```console block holds commands after "$ ". `ngforge serve` is started, asked for its start page, and runs to the end of the
block, as does a web server.
"""

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile

import data
import web_servers
from program import PROGRAM, ROOT, TIMEOUT_S

WEB_PORT = 8080  # where `ngforge webserver` lets servers listen
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page):
    """The ```console blocks of a page: lists of commands."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.S):
        lines = block.splitlines()
        assert all(line.startswith("$ ") for line in lines), f"{page.name}: {block}"
        yield [line[2:] for line in lines]


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Parts of the real scan and atlas, small enough for many runs; both also as slices."""
    folder = tmp_path_factory.mktemp("scans")
    for name, source in ("scan", "icbm152_t1.nii.gz"), ("atlas", "desikan_killiany.nii.gz"):
        image = nib.load(data.fetch(source))
        image = image.slicer[40:120, 50:130, 40:100]
        nib.save(image, folder / f"{name}.nii.gz")
    for name in "coronal", "coronal-myelin":
        (folder / name).mkdir()
        for number, section in enumerate(coronal_sections(folder / "scan.nii.gz")):
            tifffile.imwrite(folder / name / f"{number:04}.tif", section)
    (folder / "slices").mkdir()
    for z, labels in enumerate(np.asarray(image.dataobj).T):
        tifffile.imwrite(folder / f"slices/{z:04}.tif", labels.astype("u2"))
    return folder


def coronal_sections(scan):
    """Pictures with rows from the top and columns to the right, from back to front, of 16 bits."""
    values = np.asarray(nib.as_closest_canonical(nib.load(scan)).dataobj).astype("u2") * 257
    return values[:, :, ::-1].transpose(1, 2, 0)


@contextlib.contextmanager
def served(command, folder):
    """Starts a server, reads its start page; ends it with SIGINT."""
    running = subprocess.Popen(command.split(), cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        url = None
        while url is None:
            line = running.stdout.readline()
            assert line, f"{command}: ended with {running.wait()}"
            url = re.search(r"http://127\.0\.0\.1:\d+", line)
        with urllib.request.urlopen(url[0] + "/", timeout=20) as answer:
            assert answer.status == 200 and "html" in answer.headers["Content-Type"]
        yield
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(timeout=20)


def environment(folder):
    """Where commands of pages run: pip finds what it is to download on the disk."""
    return {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(folder),
            "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(data.FOLDER / "wheels"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.mark.parametrize("page", [p for p in PAGES if list(blocks(p))], ids=lambda p: p.stem)
def test_commands(page, scans):
    with web_servers.readable_folder() as folder:
        run_commands(page, folder, scans)


def run_commands(page, folder, scans):
    for name in "scan.nii.gz", "atlas.nii.gz":
        shutil.copy(scans / name, folder)
    for name in "slices", "coronal", "coronal-myelin":
        (folder / name).symlink_to(scans / name)
    shutil.copy(data.fetch("fsaverage5_pial_left.gii.gz"), folder / "lh.pial.gii.gz")
    (folder / "bin").mkdir()
    for program in PROGRAM, *(path for path in PROGRAM.parent.iterdir() if path.is_symlink()):
        (folder / "bin" / program.name).symlink_to(program)
    pip = folder / "bin/pip"
    pip.write_text(f'#!/bin/sh\nexec {sys.executable} -m pip "$@"\n')
    pip.chmod(0o755)
    for commands in blocks(page):
        with contextlib.ExitStack() as servers:
            for command in commands:
                if command.startswith("ngforge serve"):
                    servers.enter_context(served(command, folder))
                    continue
                if re.match(r"(/usr/sbin/)?(nginx|apache2|caddy) ", command):
                    servers.enter_context(web_servers.started(command, WEB_PORT, folder))
                    continue
                done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder,
                                      env=environment(folder), stdin=subprocess.DEVNULL, capture_output=True,
                                      text=True, timeout=TIMEOUT_S)
                assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links(page):
    text = re.sub(r"`[^`\n]*`", "", page.read_text())
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def test_tests_that_the_errata_name_exist():
    page = (ROOT / "docs/errata-of-peers.md").read_text()
    known = {p.name: p.read_text() for p in Path(__file__).parent.rglob("test_*.py")}
    for name, function in re.findall(r"(test_\w+\.py)(?:::(\w+))?", page):
        assert name in known and (not function or f"def {function}(" in known[name]), f"{name}::{function}"
