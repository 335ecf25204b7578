# SPDX-License-Identifier: Apache-2.0
"""Runs the program under test."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("NGFORGE", ROOT / "build/release/bin/ngforge")).absolute()
TIMEOUT_S = 300


@dataclass
class Run:
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def run(*arguments, program=PROGRAM, **options):
    """Runs the program to its end. `options` go to subprocess.run; `program` may be a copy of it."""
    options.setdefault("timeout", TIMEOUT_S)
    options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, **options)
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


def convert(*arguments, **options):
    """Runs `convert`, which must succeed."""
    done = run("convert", *arguments, **options)
    assert done.status == 0, f"ngforge convert {' '.join(map(str, arguments))}: {done.status}\n{done.err}"
    return done


def peak_bytes(*arguments):
    """Runs the program, which must succeed; returns its ru_maxrss in bytes.

    A process inherits its parent's peak until it executes something else, so the program is started by a small process.
    """
    starter = ("import os, sys; pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]); "
               "_, status, usage = os.wait4(pid, 0); print(usage.ru_maxrss); "
               "sys.exit(os.waitstatus_to_exitcode(status))")
    done = subprocess.run([sys.executable, "-I", "-S", "-c", starter, str(PROGRAM), *map(str, arguments)],
                          capture_output=True, text=True, timeout=4 * 3600)
    assert done.returncode == 0, f"ngforge {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr}"
    return int(done.stdout.split()[-1]) * 1024
