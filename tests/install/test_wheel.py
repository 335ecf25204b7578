# SPDX-License-Identifier: Apache-2.0
"""`pip install .`: the program in a Python environment; and the source distribution."""

import os
import re
import subprocess
import sys
import tarfile

import nibabel as nib
import numpy as np
import pytest

import volumes
from installed import OTHER_NAMES, VERSION, environment, must, tree
from program import ROOT
from volumes import save_nifti

SHAPE = (40, 30, 20)
LARGEST_SDIST = 8 << 20


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel") / "venv"
    must(sys.executable, "-m", "venv", folder)
    return folder


def pip(venv, *arguments):
    # Objects are those of the program under test, from ccache, when the compiler is called as CMake calls it, not as Python
    # was built with, and paths begin where ./dev says.
    cached = {"CC": "cc", "CXX": "c++", "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
    return must(venv / "bin/python", "-m", "pip", "--disable-pip-version-check", *arguments, env=os.environ | cached)


def test_install_use_and_uninstall(venv, tmp_path):
    before = tree(venv)
    pip(venv, "install", "--quiet", ROOT)
    programs = {path.name for path in (venv / "bin").iterdir()} - {name.removeprefix("bin/") for name in before}
    assert programs == {"ngforge", *OTHER_NAMES}
    path = environment(venv / "bin")
    assert must("ngforge", "--version", env=path).split()[-1] == VERSION
    assert f"Version: {VERSION}\n" in pip(venv, "show", "ngforge")

    values = volumes.structured(SHAPE)
    save_nifti(tmp_path / "scan.nii.gz", values)
    must("ngforge", "convert", "scan.nii.gz", "brain", env=path, cwd=tmp_path)
    must("ngforge", "convert", "brain", "again.nii.gz", env=path, cwd=tmp_path)
    assert np.array_equal(np.asarray(nib.load(tmp_path / "again.nii.gz").dataobj), values)
    must("volume-to-precomputed", "--generate-info", "scan.nii.gz", "nine", env=path, cwd=tmp_path)
    assert (tmp_path / "nine/info_fullres.json").exists()
    wrong = subprocess.run([venv / "bin/scale-stats"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "usage: scale-stats" in wrong.stderr

    pip(venv, "uninstall", "--quiet", "--yes", "ngforge")
    assert {name for name in tree(venv) if "__pycache__" not in name} <= before


def test_the_source_distribution_is_what_is_tracked(tmp_path):
    code = f"from scikit_build_core.build import build_sdist; build_sdist({str(tmp_path)!r})"
    must(sys.executable, "-c", code, cwd=ROOT)
    (path,) = tmp_path.glob("*.tar.gz")
    assert path.name == f"ngforge-{VERSION}.tar.gz" and path.stat().st_size < LARGEST_SDIST
    with tarfile.open(path) as archive:
        names = {re.sub(r"^[^/]+/", "", member.name) for member in archive if member.isfile()}
    known = set(must("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines())
    assert names - {"PKG-INFO"} <= known
    assert {"CMakeLists.txt", "pyproject.toml", "src/cli/main.cpp", "include/ngforge/version.h", "LICENSE"} <= names
