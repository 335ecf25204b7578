# SPDX-License-Identifier: Apache-2.0
"""A source whose file is cut anywhere is an error in one line, or nothing of the picture was cut: never a wrong picture."""

import numpy as np
import pytest

from precomputed import Dataset
from program import convert, run
from source_kinds import KINDS

CUTS = [0, 1, 4, 50, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, -300, -20, -2, -1]  # bytes, parts of the file, bytes at its end


def kept(cut, size):
    return int(cut * size) if isinstance(cut, float) else cut if cut >= 0 else size + cut


@pytest.mark.parametrize("name", KINDS)
def test_cut(tmp_path, name):
    (tmp_path / "source").mkdir()
    place, _, _ = KINDS[name].make(tmp_path / "source")
    command = place, tmp_path / "out", *KINDS[name].options, "--scales", "1", "--overwrite"
    convert(*command)
    whole = Dataset(tmp_path / "out").read(0)
    path = max((path for path in (tmp_path / "source").rglob("*") if path.is_file()), key=lambda p: p.stat().st_size)
    content, errors = path.read_bytes(), 0
    for cut in sorted({kept(cut, len(content)) for cut in CUTS}):
        path.write_bytes(content[:cut])
        done = run("convert", *command)
        if done.status == 0:
            np.testing.assert_array_equal(Dataset(tmp_path / "out").read(0), whole, err_msg=f"{path.name} cut at {cut}")
        else:
            assert done.status == 3 and done.err.startswith("ngforge: ") and len(done.err.splitlines()) == 1, done.err
            errors += 1
    assert errors > len(CUTS) // 2
