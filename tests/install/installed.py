# SPDX-License-Identifier: Apache-2.0
"""What the tests of installations share."""

import os
import re
import subprocess
import urllib.request
from pathlib import Path

from program import PROGRAM, ROOT

BUILD = PROGRAM.parent.parent  # that of the program under test
VERSION = re.search(r'"([\d.]+)"', (ROOT / "include/ngforge/version.h").read_text())[1]
OTHER_NAMES = sorted(name.replace("_", "-")
                     for name in re.findall(r"^COMMAND\((\w+)", (ROOT / "src/cli/nine/nine.def").read_text(), re.M))


def must(*command, **options):
    """Runs a command, which must succeed; its standard output."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def environment(*folders, **more):
    """The test's environment with other folders first in PATH."""
    return os.environ | {"PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]])} | more


def check_site(line, size):
    """A served scan, seen from outside: start page, `info`, a chunk, the viewer. `line` is what `serve --json` printed."""
    def get(path):
        with urllib.request.urlopen(line["url"] + path, timeout=20) as answer:
            assert answer.status == 200
            return answer.read()

    (dataset,) = line["datasets"]
    assert f"data/{dataset['name']}/".encode() in get("") and dataset["size_xyz"] == list(size)
    assert b"neuroglancer_multiscale_volume" in get(f"data/{dataset['name']}/info")
    scale = re.search(rb'"key":\s*"([^"]+)"', get(f"data/{dataset['name']}/info"))[1].decode()
    box = "_".join(f"0-{side}" for side in size)
    viewer = get("viewer/").decode()
    scripts = re.findall(r'src="([^"]+\.js)"', viewer)
    assert "neuroglancer" in viewer.lower() and scripts
    return get(f"data/{dataset['name']}/{scale}/{box}"), scripts


def tree(folder):
    return {str(path.relative_to(folder)) for path in Path(folder).rglob("*") if not path.is_dir()}
