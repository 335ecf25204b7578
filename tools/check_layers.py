#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks who includes whom: the rooms of src/ against the table below, in sources and in CMake's ROOMS.

docs/how-it-works.md explains the table. Files of include/ngforge may be included by everyone.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

KERNELS = {"core"}
BYTES = {"core", "compress"}
EDGES = BYTES | {"codec", "layout", "store", "pyramid", "mesh", "pipeline"}
MAY_INCLUDE = {
    "core": set(),
    "compress": KERNELS,
    "pyramid": KERNELS,
    "table": KERNELS,
    "mesh": KERNELS,
    "pipeline": KERNELS,
    "codec": BYTES,
    "layout": BYTES,
    "store": BYTES | {"layout"},
    "array": BYTES | {"layout", "store"},
    "image": BYTES,
    "surface": BYTES | {"codec"},
    "source": EDGES | {"array", "image"},
    "sink": EDGES | {"array"},
    "op": EDGES | {"array", "source", "surface", "sink", "table"},
    "publish": BYTES | {"layout", "store", "source"},
    "viewer": set(),
    "server": set(),
    "cli": {"viewer", "server"},
}


def includes(path):
    """Yields (line number, included path) of the quoted includes of a file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := re.match(r'\s*#\s*include\s+"([^"]+)"', line):
            yield number, match[1]


def check_file(path, allowed):
    """Yields a message for each include of `path` that leaves `allowed` rooms."""
    for number, name in includes(path):
        room = name.split("/")[0]
        if room == "ngforge" or room in allowed:
            continue
        known = room in MAY_INCLUDE
        reason = f"may not include {room}/" if known else f'"{name}": expected a path that begins with a room'
        yield f"{path.relative_to(ROOT)}:{number}: {reason}"


def cmake_rooms(path):
    """The rooms that a room's CMakeLists.txt links."""
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    match = re.search(r"\bROOMS\b([a-z\s]*)", text)
    return set(match[1].split()) if match else set()


def check():
    """Yields a message for each broken rule."""
    for path in sorted((ROOT / "include").rglob("*.h")):
        yield from check_file(path, set())
    for folder in sorted(p for p in (ROOT / "src").iterdir() if p.is_dir()):
        room = folder.name
        if room not in MAY_INCLUDE:
            yield f"src/{room}: not in the table of tools/check_layers.py"
            continue
        allowed = MAY_INCLUDE[room] | {room}
        for path in sorted(p for p in folder.rglob("*") if p.suffix in {".h", ".cpp", ".def"}):
            yield from check_file(path, allowed)
        cmake = folder / "CMakeLists.txt"
        if cmake.exists():
            for other in sorted(cmake_rooms(cmake) - allowed):
                yield f"{cmake.relative_to(ROOT)}: may not link {other}"


def main():
    findings = list(check())
    print("\n".join(findings) or "layers: every include goes the right way")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
