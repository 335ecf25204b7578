#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of the house that a script can see: licence lines, length, dependencies, leftovers, pins."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 600
CODE = {".h", ".cpp", ".py", ".sh", ".cmake", ".mjs", ".def"}
BUILD_FILES = re.compile(r"(CMakeLists\.txt|\.cmake)$")

# What must not be found: (which files, pattern, why). Patterns are split so that this file does not match itself.
FORBIDDEN = [
    (BUILD_FILES, "Fetch" "Content|External" "Project|CPM" "AddPackage|vcpkg|conan",
     "libraries come from Debian packages through find_package"),
    (BUILD_FILES, "-march" "=native|-mtune" "=native", "the baseline is x86-64; kernels dispatch at run time"),
    (re.compile(r"\.(h|cpp|py|mjs|sh)$|^dev$"), r"\b(TO" "DO|FIX" "ME|XX" r"X)\b", "finish it or leave it out"),
    (re.compile(r"."), "/(wo" "rk|ro" r"ot)/\w|/ho" r"me/[a-z]", "no path of one machine"),
    (re.compile(r"^src/(?!cli/).*\.(h|cpp)$"), r"\bstd::(cout|cerr)\b|(?<![:\w])(printf|fprintf|exit|abort)\(",
     "the library never prints and never exits"),
]
# assertion_failed ends the process on purpose: a broken invariant of our own.
ALLOWED = {("src/core/error.cpp", "the library never prints and never exits")}


def tracked_files():
    listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                             capture_output=True, text=True).stdout
    return [name for name in listing.splitlines() if (ROOT / name).is_file()]


def check_text(name, lines):
    is_code = Path(name).suffix in CODE or name in {"dev", ".ci/run"}
    if is_code and Path(name).suffix != ".def":
        if "SPDX-License-Identifier: Apache-2.0" not in "".join(lines[:2]):
            yield f"{name}:1: expected an SPDX-License-Identifier line"
        if len(lines) > MAX_LINES:
            yield f"{name}: expected at most {MAX_LINES} lines, found {len(lines)}"
    for files, pattern, reason in FORBIDDEN:
        if not files.search(name) or (name, reason) in ALLOWED or name.startswith("tests/golden/"):
            continue
        for number, line in enumerate(lines, 1):
            if match := re.search(pattern, line):
                yield f"{name}:{number}: {match[0]}: {reason}"
    if name.endswith("requirements.txt"):
        for number, line in enumerate(lines, 1):
            if line.strip() and not re.match(r"#|-c |-r |[\w.-]+(\[[\w,]+\])?==[\w.]+", line):
                yield f"{name}:{number}: expected name==version, found {line}"


def check():
    if (ROOT / ".gitmodules").exists():
        yield ".gitmodules: no submodules"
    for name in tracked_files():
        try:
            lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        yield from check_text(name, lines)


def main():
    findings = list(check())
    print("\n".join(findings) or "tree: every file keeps the house rules")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
