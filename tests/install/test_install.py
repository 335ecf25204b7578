# SPDX-License-Identifier: Apache-2.0
"""`cmake --install` into a folder that is then moved: program, other names, documents, and the library from outside."""

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import volumes
from installed import BUILD, OTHER_NAMES, VERSION, check_site, environment, must
from precomputed import Dataset
from program import ROOT, run
from site_under_test import served
from volumes import save_nifti

SHAPE = (40, 30, 20)


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    root = tmp_path_factory.mktemp("install")
    must("cmake", "--install", BUILD, "--prefix", root / "first")
    (root / "first").rename(root / "moved")
    return root / "moved"


@pytest.fixture
def scan(tmp_path):
    save_nifti(tmp_path / "scan.nii", volumes.structured(SHAPE))
    return tmp_path / "scan.nii"


def test_program_and_its_other_names(prefix):
    names = sorted(path.name for path in (prefix / "bin").iterdir())
    assert names == sorted(["ngforge", *OTHER_NAMES]) and len(OTHER_NAMES) == 9
    assert must(prefix / "bin/ngforge", "--version").split()[-1] == VERSION
    for name in OTHER_NAMES:
        assert (prefix / "bin" / name).readlink() == Path("ngforge")
        assert f"usage: {name} " in must(prefix / "bin" / name, "-h")


def test_serves_without_anything_else(prefix, scan, monkeypatch):
    with served(scan, program=prefix / "bin/ngforge") as (_, line):
        chunk, _ = check_site(line, SHAPE)
    assert np.array_equal(np.frombuffer(chunk, "<i2"), volumes.structured(SHAPE).ravel("F"))


def test_documents(prefix):
    page = gzip.decompress((prefix / "share/man/man1/ngforge.1.gz").read_bytes()).decode()
    assert page.startswith(".TH") or ".TH" in page.splitlines()[1]
    must("man", "--warnings", "-l", "-E", "UTF-8", prefix / "share/man/man1/ngforge.1.gz", env=environment(MANWIDTH="80"))
    for name in OTHER_NAMES:
        assert (prefix / f"share/man/man1/{name}.1.gz").resolve().name == "ngforge.1.gz"
    share = prefix / "share"
    assert "complete" in (share / "bash-completion/completions/ngforge").read_text()
    assert (share / "zsh/site-functions/_ngforge").read_text().startswith("#compdef ngforge")
    assert "complete -c ngforge" in (share / "fish/vendor_completions.d/ngforge.fish").read_text()
    for name in OTHER_NAMES:
        assert (share / f"bash-completion/completions/{name}").samefile(share / "bash-completion/completions/ngforge")
        assert (share / f"fish/vendor_completions.d/{name}.fish").samefile(share / "fish/vendor_completions.d/ngforge.fish")
    assert (share / "doc/ngforge/copyright").exists()


def test_nothing_names_where_it_was(prefix):
    """Neither the folder of the build nor that of the first installation."""
    for path in [*(prefix / "lib/cmake").rglob("*"), *(prefix / "lib/pkgconfig").iterdir()]:
        if path.is_file():
            text = path.read_text()
            assert str(BUILD) not in text and str(ROOT) not in text and str(prefix.parent) not in text, path


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """The project that docs/use-from-cpp.md shows."""
    folder = tmp_path_factory.mktemp("outside")
    page = (ROOT / "docs/use-from-cpp.md").read_text()
    for kind, name in ("cmake", "CMakeLists.txt"), ("cpp", "main.cpp"):
        (text,) = re.findall(rf"```{kind}\n(.*?)```", page, re.S)
        (folder / name).write_text(text)
    return folder


def check_outside(program, scan, folder):
    printed = must(program, scan, folder)
    counts, _, info = printed.partition("{")
    assert [int(count) for count in re.findall(r": (\d+) chunks", counts)] == [2 * 1 * 1, 1]
    info = json.loads("{" + info)
    assert info["scales"][0]["chunk_sizes"] == [[32, 32, 32]]
    assert np.array_equal(Dataset(folder).read(0)[..., 0], volumes.structured(SHAPE))
    refused = subprocess.run([program, scan, folder], capture_output=True, text=True)
    assert refused.returncode == 5 and "already" in refused.stderr or "exists" in refused.stderr


def test_find_package(prefix, outside, scan, tmp_path):
    build = tmp_path / "build"
    must("cmake", "-S", outside, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
    must("cmake", "--build", build)
    check_outside(build / "outside", scan, tmp_path / "dataset")


def test_another_version_is_not_found(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(x LANGUAGES CXX)\nfind_package(ngforge 0.2 REQUIRED)\n")
    done = subprocess.run(["cmake", "-S", tmp_path, "-B", tmp_path / "b", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}"], capture_output=True,
                          text=True)
    assert done.returncode != 0 and VERSION in done.stderr


def test_pkg_config(prefix, outside, scan, tmp_path):
    (folder,) = (path.parent for path in prefix.rglob("ngforge.pc"))
    flags = must("pkg-config", "--static", "--cflags", "--libs", "ngforge", env=environment(PKG_CONFIG_PATH=str(folder))).split()
    must("g++", "-std=c++20", outside / "main.cpp", "-o", tmp_path / "outside", *flags)
    check_outside(tmp_path / "outside", scan, tmp_path / "dataset")
