# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of neuroglancer-scripts: ours and those of its package, on the same things."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import program

OURS, THEIRS = program.PROGRAM.parent, Path(sys.executable).parent


@dataclass
class Both:
    """What came of a command in two folders that were alike."""

    ours: program.Run
    theirs: program.Run

    @property
    def status(self):
        assert self.ours.status == self.theirs.status, f"{self.ours}\n{self.theirs.err[-2000:]}"
        return self.ours.status


def run_one(programs, folder, command, *arguments):
    done = subprocess.run([programs / command, *map(str, arguments)], cwd=folder, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    return program.Run(done.returncode, done.stdout, done.stderr)


class Pair:
    """Two folders, `ours` and `theirs`; a command runs in each with the same words."""

    def __init__(self, folder):
        self.ours, self.theirs = folder / "ours", folder / "theirs"
        self.ours.mkdir()
        self.theirs.mkdir()

    def put(self, name, content):
        """A file in both; anything but text is written as JSON."""
        for folder in self.ours, self.theirs:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content))

    def run(self, command, *arguments):
        return Both(run_one(OURS, self.ours, command, *arguments), run_one(THEIRS, self.theirs, command, *arguments))

    def must(self, command, *arguments, status=0):
        """Runs a command that ends alike in both."""
        both = self.run(command, *arguments)
        assert both.status == status, both.ours.err
        return both

    def infos(self, dataset, name="info"):
        return [json.loads((folder / dataset / name).read_text()) for folder in (self.ours, self.theirs)]

    def names(self, dataset):
        return [{str(path.relative_to(folder)) for path in (folder / dataset).rglob("*") if path.is_file()}
                for folder in (self.ours, self.theirs)]
