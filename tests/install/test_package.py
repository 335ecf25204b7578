# SPDX-License-Identifier: Apache-2.0
"""The Debian packages of `cpack`: what is in them, and whether they work on a bare Debian 12."""

import json
import re
import subprocess

import numpy as np
import pytest

import volumes
from debian_root import AS_ROOT, debian_root
from installed import BUILD, OTHER_NAMES, VERSION, check_site, must
from volumes import save_nifti

SHAPE = (40, 30, 20)


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """{name: file}"""
    folder = tmp_path_factory.mktemp("packages")
    must("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder)
    files = {path.name.partition("_")[0]: path for path in folder.glob("*.deb")}
    assert sorted(files) == ["libngforge-dev", "ngforge"]
    return files


def field(package, name):
    return must("dpkg-deb", "-f", package, name).strip()


def contents(package):
    return {line.split()[5].removeprefix(".") for line in must("dpkg-deb", "-c", package).splitlines() if not line.endswith("/")}


def test_what_is_in_them(packages):
    program, library = contents(packages["ngforge"]), contents(packages["libngforge-dev"])
    assert {f"/usr/bin/{name}" for name in ["ngforge", *OTHER_NAMES]} == {name for name in program if name.startswith("/usr/bin/")}
    assert {"/usr/share/zsh/vendor-completions/_ngforge", "/usr/share/doc/ngforge/changelog.gz", "/usr/share/doc/ngforge/copyright"} <= program
    assert not program & library
    assert {"/usr/lib/libngforge.a", "/usr/include/ngforge/op.h", "/usr/lib/cmake/ngforge/ngforgeConfig.cmake"} <= library
    for package in packages.values():
        assert field(package, "Version") == f"{VERSION}-1"


def test_what_they_depend_on(packages):
    needed = set(re.findall(r"[\w.+-]+(?= \(|,|$)", field(packages["ngforge"], "Depends")))
    assert {"libc6", "libstdc++6", "libdraco7", "libjxl0.7", "libtiff6"} <= needed
    assert not [name for name in needed if "boost" in name or "python" in name or "hdf5" in name]
    assert "libhdf5" in field(packages["ngforge"], "Recommends")
    # What find_package looks for (cmake/LibraryDependencies.cmake) is in packages that exist and are installed here.
    for name in field(packages["libngforge-dev"], "Depends").split(", "):
        assert must("dpkg-query", "-W", "-f", "${db:Status-Status}", name) == "installed", name


def test_lintian(packages):
    # One libdir for every way of installing: pkg-config of another architecture does not look there. Debian knows no wish for
    # this package that its first version could fulfil.
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags",
                           "pkg-config-unavailable-for-cross-compilation,initial-upload-closes-no-bugs", *map(str, packages.values())],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_on_a_bare_debian(packages, tmp_path):
    save_nifti(tmp_path / "scan.nii", volumes.structured(SHAPE))
    with debian_root() as root:
        root.copy(packages["ngforge"], "ngforge.deb")
        root.copy(tmp_path / "scan.nii", "scan.nii")
        root.install("/ngforge.deb")
        assert root.must("ngforge", "--version").split()[-1] == VERSION
        command = [*AS_ROOT, "chroot", root.folder, "ngforge", "serve", "/scan.nii", "--json", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                chunk, _ = check_site(json.loads(process.stdout.readline()), SHAPE)
            finally:
                must(*AS_ROOT, "kill", str(process.pid))
        assert np.array_equal(np.frombuffer(chunk, "<u2"), volumes.structured(SHAPE).ravel("F"))
        assert "usage: scale-stats" in root.must("scale-stats", "-h")
        assert root.must("dpkg", "-S", "/usr/share/man/man1/ngforge.1.gz").startswith("ngforge:")
        assert "_ngforge" in root.must("bash", "-c", "source /usr/share/bash-completion/completions/ngforge; complete -p ngforge")
        root.must("apt-get", "remove", "-y", "-qq", "ngforge")
        assert not [path for path in (root.folder / "usr").rglob("*ngforge*") if not path.is_relative_to(root.folder / "usr/share/doc")]
