# SPDX-License-Identifier: Apache-2.0
"""Every code that `check` knows has a fault here which, injected alone, is named by it, and nothing else is."""

import contextlib
import gzip
import json
import os
import re
import shutil
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from test_check_faults import KINDS, chunks, copied, expect_at, make, one_chunk, set_info, shard
from test_check_server import serving

import volumes
from program import ROOT

CODES = re.findall(r'^NGFORGE_FINDING\(\w+, "([a-z0-9-]+)"\)', (ROOT / "src/op/findings.def").read_text(), re.M)
FAULTS = {}


def fault(code):
    """The function makes a dataset that has this fault and no other. It is given `Making`; it returns a folder, or what
    gives an URL for as long as it is entered."""
    def enter(function):
        assert FAULTS.setdefault(code, function) is function, f"two functions for {code}"
        return function
    return enter


class Making:
    def __init__(self, originals, kind, folder):
        self.originals, self.kind, self.folder = originals, kind, folder

    def copy(self, layout):
        return copied(self.originals[self.kind, layout], self.folder)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    root = tmp_path_factory.mktemp("originals")
    made = {(kind, layout): make(root / f"{kind}-{layout}", kind, layout)
            for kind in KINDS for layout in ("sharded", "flat")}
    return made | {(kind, "other"): make(root / f"{kind}-other", kind, "flat", seed=99) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", CODES)
def test_fault_alone(originals, tmp_path, code, kind):
    assert code in FAULTS, f"findings.def has a code without a fault in this file: {code}"
    place = FAULTS[code](Making(originals, kind, tmp_path))
    with contextlib.nullcontext(place) if isinstance(place, Path) else place as entered:
        expect_at(entered, code)


def test_no_fault_without_a_code():
    assert set(FAULTS) == set(CODES)


def test_every_code_is_explained():
    assert CODES == re.findall(r"^\| `([a-z0-9-]+)` \|", (ROOT / "docs/check.md").read_text(), re.M)


# What stands in the files beside the chunks

@fault("bad-info")
def _(making):
    dataset = making.copy("flat")
    set_info(dataset, lambda info: info["scales"][1].update(sharding=None))
    return dataset.folder


@fault("bad-transform")
def _(making):
    dataset = making.copy("flat")
    (dataset.folder / "transform.json").write_text("[[1, 2], [3, 4]]")
    return dataset.folder


@fault("bad-provenance")
def _(making):
    dataset = making.copy("flat")
    (dataset.folder / "provenance").write_text("{")
    return dataset.folder


@fault("missing-link")
def _(making):
    dataset = making.copy("flat")
    set_info(dataset, lambda info: info.update(mesh="mesh"))
    return dataset.folder


@fault("inexact-bounds")
def _(making):
    return one_chunk(making.folder / "d", voxel_offset=[2**24 - 1, 0, 0])


@fault("large-chunk")
def _(making):
    return one_chunk(making.folder / "d", size=[2049, 1, 1], chunk_sizes=[[2049, 1, 1]])


@fault("misread-encoding")
def _(making):
    folder = one_chunk(making.folder / "d", encoding="png", data_type="uint16", num_channels=2)
    rows = np.arange(16, dtype="u2").reshape(4, 2, 2)  # two voxels wide, two channels
    next((folder / "s").iterdir()).write_bytes(imagecodecs.png_encode(rows))
    return folder


@fault("unknown-encoding")
def _(making):
    return one_chunk(making.folder / "d", encoding="jxl", num_channels=5)


@fault("scale-order")
def _(making):
    """Three scales, each with its chunks, of which only the order in `info` is wrong."""
    dataset = making.copy("flat")
    set_info(dataset, lambda info: info["scales"].reverse())
    return dataset.folder


@fault("same-key")
def _(making):
    dataset = making.copy("flat")
    set_info(dataset, lambda info: info["scales"][1].update(key=info["scales"][0]["key"]))
    return dataset.folder


@fault("wrong-size")
def _(making):
    dataset = making.copy("flat")
    set_info(dataset, lambda info: info["scales"].pop(1))
    return dataset.folder


# Chunk files

@fault("missing-scale")
def _(making):
    dataset = making.copy("flat")
    shutil.rmtree(dataset.folder / dataset.scales[1]["key"])
    return dataset.folder


@fault("missing-chunk")
def _(making):
    dataset = making.copy("flat")
    chunks(dataset, 0)[1].unlink()
    return dataset.folder


@fault("extra-chunk")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 0)[0]
    provenance = dataset.folder / "provenance"
    told = json.loads(provenance.read_text())
    scale = told["processing"][0]["method"]["scales"][0]
    scale["stored_chunks"] -= 1
    provenance.write_text(json.dumps(told))
    assert path.exists()
    return dataset.folder


@fault("double-chunk")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 0)[0]
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    return dataset.folder


@fault("stray-file")
def _(making):
    dataset = making.copy("flat")
    (dataset.folder / dataset.scales[0]["key"] / "40-48_0-8_0-8.gz").write_bytes(bytes(512))
    return dataset.folder


@fault("unreadable-file")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 0)[1]
    path.unlink()
    os.mkfifo(path)
    return dataset.folder


@fault("unnamed-gzip")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 0)[5]
    path.rename(path.with_suffix(""))
    return dataset.folder


@fault("undecodable-chunk")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 0)[3]
    path.write_bytes(path.read_bytes()[:-3])
    return dataset.folder


@fault("scales-disagree")
def _(making):
    dataset = making.copy("flat")
    path = chunks(dataset, 2)[0]
    shutil.copy(making.originals[making.kind, "other"] / path.relative_to(dataset.folder), path)
    return dataset.folder


# Shards

@fault("stray-chunk")
def _(making):
    dataset = making.copy("sharded")
    path, data = shard(dataset)
    one, other = list(data.minishards)[:2]
    extra = data.minishards[one][0]
    data.minishards[other].append(type(extra)(extra.key, len(data.body), 0))
    data.write(path)
    return dataset.folder


@fault("bad-shard")
def _(making):
    dataset = making.copy("sharded")
    path, _ = shard(dataset)
    path.write_bytes(path.read_bytes()[:31])
    return dataset.folder


@fault("bad-minishard")
def _(making):
    dataset = making.copy("sharded")
    path, _ = shard(dataset)
    path.write_bytes(path.read_bytes()[:-3])
    return dataset.folder


@fault("cut-chunk")
def _(making):
    dataset = making.copy("sharded")
    path, data = shard(dataset)
    data.entries()[2].at += 10**6
    data.write(path)
    return dataset.folder


@fault("overlap")
def _(making):
    dataset = making.copy("sharded")
    path, data = shard(dataset)
    first, second = sorted(data.entries(), key=lambda e: e.at)[2:4]
    second.at = first.at + 1
    data.write(path)
    return dataset.folder


@fault("zlib-shard")
def _(making):
    dataset = making.copy("sharded")
    path, data = shard(dataset)
    data.repack(zlib.compress)
    data.write(path, zlib.compress)
    return dataset.folder


# Web servers

@fault("no-cors")
def _(making):
    return serving(making.copy("sharded").folder, "no cors")


@fault("no-head")
def _(making):
    return serving(making.copy("sharded").folder, "head 500")


@fault("no-range")
def _(making):
    return serving(making.copy("sharded").folder, "no range")


@fault("no-404")
def _(making):
    return serving(making.copy("sharded").folder, "no 404")


@fault("packed-shard")
def _(making):
    return serving(making.copy("sharded").folder, "packed shards")
