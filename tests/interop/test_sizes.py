# SPDX-License-Identifier: Apache-2.0
"""Sizes of results on real data, in bytes, against bench/sizes.csv: more than 1 % above fails.

./dev test tests/interop/test_sizes.py --set-exact writes the table anew.
"""

import csv

import numpy as np
import pytest

import data
from program import ROOT, convert
from volumes import save_nifti

TABLE = ROOT / "bench/sizes.csv"
LABELS = ("--type", "segmentation")
CASES = {
    "t1 sharded": ("icbm152_t1.nii.gz", ()),
    "t1 flat": ("icbm152_t1.nii.gz", ("--layout", "flat")),
    "t1 flat, level 9": ("icbm152_t1.nii.gz", ("--layout", "flat", "--level", "9")),
    "atlas sharded": ("desikan_killiany.nii.gz", LABELS),
    "atlas uint32 cseg": ("desikan_killiany.nii.gz", (*LABELS, "--dtype", "uint32", "--encoding", "cseg")),
    "t1 png": ("icbm152_t1.nii.gz", ("--encoding", "png")),
    "t1 jpeg": ("icbm152_t1.nii.gz", ("--encoding", "jpeg")),
    "t1 jxl": ("icbm152_t1.nii.gz", ("--encoding", "jxl")),
    "t1 jxl, quality 85": ("icbm152_t1.nii.gz", ("--encoding", "jxl", "--jxl-quality", "85")),
    "cells uint32 cseg": ("cells", ()),
    "cells uint64 cseg": ("cells", ("--dtype", "uint64")),
    "cells uint32 cseg, not compressed": ("cells", ("--compress", "none")),
    "cells uint32 raw": ("cells", ("--encoding", "raw")),
    "atlas compresso": ("desikan_killiany.nii.gz", (*LABELS, "--encoding", "compresso")),
    "cells uint32 compresso": ("cells", ("--encoding", "compresso")),
    "cells uint64 compresso, not compressed": ("cells", ("--dtype", "uint64", "--encoding", "compresso",
                                                         "--compress", "none")),
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    path = tmp_path_factory.mktemp("cells") / "v.nii"
    return save_nifti(path, data.generated_labels(128), np.diag([1e-5, 1e-5, 1e-5, 1]))


def test_sizes(cells, tmp_path, set_exact):
    found = {}
    for name, (source, options) in CASES.items():
        out = tmp_path / name.replace(" ", "-")
        convert(cells if source == "cells" else data.fetch(source), out, *options)
        found[name] = sum(p.stat().st_size for p in out.rglob("*") if p.is_file() and p.name != "provenance")
    if set_exact:
        with open(TABLE, "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("case", "bytes"), *found.items()])
    with open(TABLE, newline="") as file:
        known = {row["case"]: int(row["bytes"]) for row in csv.DictReader(file)}
    assert known.keys() == found.keys()
    assert not {name: (size, known[name]) for name, size in found.items() if size > known[name] * 1.01}
