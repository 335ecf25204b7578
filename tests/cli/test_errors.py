# SPDX-License-Identifier: Apache-2.0
"""Bad input of all kinds: one clear line each and the documented exit status, as files in tests/golden/errors.

./dev test tests/cli/test_errors.py --set-exact writes the files anew; read the difference before it is committed.
"""

from pathlib import Path

import pytest

from bad_input import CASES
from program import run

GOLDEN = Path(__file__).resolve().parent.parent / "golden/errors"


@pytest.mark.parametrize("name", CASES)
def test_error(name, tmp_path, monkeypatch, set_exact):
    status, arguments, make = CASES[name]
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = run(*arguments, timeout=60)
    text = f"exit {done.status}\n{done.err}"
    golden = GOLDEN / f"{name}.exact"
    if set_exact:
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)
    assert done.status == status, done.err
    assert done.out == ""
    assert sorted(tmp_path.rglob("*")) == before, "an error left something behind"
    lines = done.err.splitlines()
    assert lines[0].startswith("ngforge: "), "one line"
    assert len(lines) == 1 or len(lines) == 2 and lines[1].startswith("hint: "), "and a hint when something can be done"
    assert text == golden.read_text()


def test_every_golden_file_has_a_case():
    assert {p.stem for p in GOLDEN.glob("*.exact")} == set(CASES)
