# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import os
import subprocess

import hypothesis
import pytest

import program

hypothesis.settings.register_profile("ngforge", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ngforge")


def pytest_addoption(parser):
    parser.addoption("--set-exact", action="store_true", help="write expected texts and sizes anew")


def pytest_sessionstart(session):
    if not program.PROGRAM.exists():
        pytest.exit(f"{program.PROGRAM} is missing: ./dev build", returncode=3)


@pytest.fixture
def set_exact(request):
    return request.config.getoption("--set-exact")


@pytest.fixture(scope="session")
def full_disk(tmp_path_factory):
    """(bytes, signal): the environment in which the program can write so many, then the disk is full, or it gets the signal."""
    library = tmp_path_factory.mktemp("full_disk") / "full_disk.so"
    source = program.ROOT / "tests/interop/full_disk.cpp"
    subprocess.run(["g++", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)

    def environment(room, signal=None):
        more = {} if signal is None else {"FULL_DISK_SIGNAL": str(int(signal))}
        return {**os.environ, "LD_PRELOAD": str(library), "FULL_DISK_ROOM": str(room), **more}
    return environment


def tree(folder):
    """The files of a dataset as {relative path: sha256}, without provenance, which tells of the run."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "provenance"}


def read_json(path):
    return json.loads(path.read_text())
