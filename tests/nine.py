# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of neuroglancer-scripts: ours and those of its package, on the same things."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image

import program
from precomputed import Dataset

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
        roots = self.ours / dataset, self.theirs / dataset
        return [{str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} for root in roots]


class Decoded(Dataset):
    """Also JPEG, as any decoder sees it."""

    def decode(self, scale, data, shape):
        if scale["encoding"] != "jpeg":
            return super().decode(scale, data, shape)
        pixels = np.asarray(PIL.Image.open(io.BytesIO(data)))
        return pixels.reshape((shape[2], shape[1], shape[0], self.channels)).transpose(2, 1, 0, 3)


def check_alike(pair, dataset, scales=None, lossy=False):
    """The same info, the same files, the same voxels in every chunk. `lossy`: as far as JPEG allows."""
    ours, theirs = pair.infos(dataset)
    assert ours == theirs
    ours, theirs = pair.names(dataset)
    assert ours == theirs, sorted(ours ^ theirs)[:10]
    ours, theirs = Decoded(pair.ours / dataset), Decoded(pair.theirs / dataset)
    for k in range(scales or len(ours.scales)):
        for cell, *_ in ours.cells(k):
            assert ours.chunk(k, cell) is not None, f"scale {k}: {cell}"
        mine, other = ours.read(k), theirs.read(k)
        if lossy:
            assert np.abs(mine.astype(int) - other).max() <= 8, k
        else:
            np.testing.assert_array_equal(mine, other, err_msg=f"scale {k}")
