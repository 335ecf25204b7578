#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts the built Neuroglancer client of PyPI's `neuroglancer` wheel into a folder, with its licence.

usage: fetch_viewer.py FOLDER

pip fetches the wheel from whatever index it is configured for; the hash says that it is the one meant.
"""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

VERSION = "2.41.2"
PLATFORM = "manylinux_2_28_x86_64"
SHA256 = "fbfab095d4e11c103c6beb4109aaa6f6bd910cf187e406bc181e53a66721a08b"
CLIENT = "neuroglancer/static/client/"


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    wheels = folder.parent / "viewer_wheel"
    # The client is the same on every platform; one wheel has one hash.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary", ":all:", "--platform", PLATFORM, "--python-version", "3.11",
               "--dest", str(wheels), f"neuroglancer=={VERSION}"]
    found = list(wheels.glob(f"neuroglancer-{VERSION}-*.whl"))
    if not found:
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"fetch_viewer: the wheel neuroglancer {VERSION} cannot be had:\n{result.stderr.strip()}\n"
                     "configure with -DNGFORGE_VIEWER=OFF to build without the viewer, or name a folder with a built client")
        found = list(wheels.glob(f"neuroglancer-{VERSION}-*.whl"))
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != SHA256:
        found[0].unlink()
        sys.exit(f"fetch_viewer: {found[0].name}: expected sha256 {SHA256}, found {digest}")
    with zipfile.ZipFile(found[0]) as wheel:
        for name in sorted(wheel.namelist()):
            if name.startswith(CLIENT) and not name.endswith((".map", "/")):
                (folder / Path(name).name).write_bytes(wheel.read(name))
            elif name.endswith(".dist-info/licenses/LICENSE"):
                (folder / "LICENSE.txt").write_bytes(wheel.read(name))
    index = folder / "index.html"
    index.touch()  # newer than what it is made from


if __name__ == "__main__":
    main()
