# SPDX-License-Identifier: Apache-2.0
"""A bare Debian 12 (debootstrap, minbase) to install packages into. Needs root, or sudo that asks nothing.

The mirror is that of this machine. What is downloaded is kept in build/debian for the next run.
"""

import contextlib
import os
import subprocess

from installed import must
from program import ROOT

RELEASE = "bookworm"
KEPT = ROOT / "build/debian"
NEED = "this test needs root, or sudo without a password, and chroot: it installs packages into a Debian of its own"
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]


def apt_sources():
    """Lines for sources.list, those of this machine for the release; and the mirror of the release itself."""
    listed = must("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages")
    rows = [line.split() for line in listed.splitlines()]
    rows = [row for row in rows if row[1].partition("-")[0] == RELEASE and row[2] == "main"]
    mirrors = [uri for uri, name, _ in rows if name == RELEASE]
    assert mirrors, f"apt knows no source of Debian {RELEASE}: these tests run on Debian 12"
    return "".join(f"deb {uri} {name} main\n" for uri, name, _ in rows), mirrors[0]


def _archive():
    """The bare system as a tar file, made once."""
    path = KEPT / f"{RELEASE}.tar"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        sources, mirror = apt_sources()
        folder = KEPT / "new"
        must(*AS_ROOT, "rm", "-rf", "--one-file-system", folder)
        must(*AS_ROOT, "debootstrap", "--variant=minbase", RELEASE, folder, mirror)
        subprocess.run([*AS_ROOT, "tee", folder / "etc/apt/sources.list"], input=sources.encode(), check=True, stdout=subprocess.DEVNULL)
        must(*AS_ROOT, "tar", "-C", folder, "-cf", KEPT / "new.tar", ".")
        must(*AS_ROOT, "rm", "-rf", "--one-file-system", folder)
        (KEPT / "new.tar").rename(path)
    return path


class Root:
    """A root folder of a Debian system of its own; no processes, no mounts."""

    def __init__(self, folder):
        self.folder = folder

    def must(self, *command, **options):
        return must(*AS_ROOT, "chroot", self.folder, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
                    "DEBIAN_FRONTEND=noninteractive", *command, **options)

    def copy(self, path, name):
        must(*AS_ROOT, "cp", path, self.folder / name)

    def install(self, *packages):
        """Files in / of the root, with what they depend on, which is kept for the next time."""
        kept, archives = KEPT / "packages", self.folder / "var/cache/apt/archives"
        kept.mkdir(exist_ok=True)
        must(*AS_ROOT, "sh", "-c", f"cp {kept}/*.deb {archives}/ 2>/dev/null || true")
        must(*AS_ROOT, "cp", "/etc/resolv.conf", self.folder / "etc/resolv.conf")
        self.must("apt-get", "update", "-qq")
        self.must("apt-get", "install", "-y", "-qq", "--no-install-recommends", "-o", "APT::Keep-Downloaded-Packages=true", *packages)
        must(*AS_ROOT, "sh", "-c", f"cp {archives}/*.deb {kept}/")


@contextlib.contextmanager
def debian_root():
    """A fresh one, until the block ends."""
    assert not AS_ROOT or subprocess.run(["sh", "-c", "sudo -n true"], capture_output=True).returncode == 0, NEED
    archive, folder = _archive(), KEPT / "root"
    must(*AS_ROOT, "rm", "-rf", "--one-file-system", folder)
    folder.mkdir()
    try:
        must(*AS_ROOT, "tar", "-C", folder, "-xpf", archive)
        probe = subprocess.run([*AS_ROOT, "chroot", folder, "/bin/true"], capture_output=True, text=True)
        assert probe.returncode == 0, f"{NEED}: {probe.stderr.strip()}"
        yield Root(folder)
    finally:
        must(*AS_ROOT, "rm", "-rf", "--one-file-system", folder)
