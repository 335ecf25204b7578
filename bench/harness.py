# SPDX-License-Identifier: Apache-2.0
"""What the benches share: the program and its tools, timing of processes, peers that are slow, inputs."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import data
from precomputed import Dataset

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build/bench/work"
BENCHES = {}


def bench(title):
    """Registers a bench: a function of the context that returns the rows of a table."""
    def register(function):
        BENCHES[function.__name__] = title, function
        return function
    return register


class Context:
    def __init__(self, program, rounds):
        self.program = Path(program).absolute()
        self.tools = self.program.parent
        self.rounds = rounds

    def version(self):
        return subprocess.run([self.program, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def tool(self, name, *arguments):
        """Runs a bench program; its JSON."""
        return output_json([self.tools / name, *map(str, arguments)])

    def script(self, name, *arguments, python=sys.executable):
        """Runs a script of bench/peers; its JSON."""
        return output_json([python, ROOT / "bench/peers" / name, *map(str, arguments)])


def output_json(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def timed(command, destination):
    """Runs a command that writes `destination` anew: (wall seconds, CPU seconds, peak bytes)."""
    return timed_with_output(command, destination)[0]


def timed_with_output(command, destination):
    """Like timed(): that, and what the command printed."""
    shutil.rmtree(destination, ignore_errors=True)
    # A process inherits its parent's peak until it executes something else: a small process starts the measured one.
    starter = ("import json, os, sys, time; begin = time.perf_counter(); "
               "pid = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:]); _, status, used = os.wait4(pid, 0); "
               "wall = time.perf_counter() - begin; "
               "print(json.dumps([wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024])); "
               "sys.exit(os.waitstatus_to_exitcode(status))")
    started = [sys.executable, "-I", "-S", "-c", starter, *map(str, command)]
    done = subprocess.run(started, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stderr}")
    *printed, times = done.stdout.splitlines()
    return json.loads(times), "\n".join(printed)


def tree_bytes(folder):
    return sum(p.stat().st_size for p in Path(folder).rglob("*") if p.is_file())


def machine():
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {"cpu": model[1] if model else platform.processor(), "cores": os.cpu_count(), "system": platform.platform()}


def remembered(key, measure):
    """A slow peer's figures from bench/results/peers.json, measured when this machine has none of this version and
    command (`key`)."""
    path = ROOT / "bench/results/peers.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    here = known.setdefault(f"{machine()['cpu']}, {machine()['cores']} cores", {})
    if key not in here:
        here[key] = measure()
        path.write_text(json.dumps(known, indent=1) + "\n")
    return here[key]


def brain(side=512):
    path = WORK / f"brain{side}.nii.gz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        maker = [sys.executable, ROOT / "tools/make_brain.py", data.fetch("icbm152_t1.nii.gz"), path, str(side)]
        subprocess.run(maker, check=True)
    return path


def same_voxels(ours, theirs, scales=None):
    """Compares the scales that both have, by number, or only the first ones."""
    a, b = Dataset(ours), Dataset(theirs)
    for index in range(scales or min(len(a.scales), len(b.scales))):
        if not np.array_equal(a.read(index), b.read(index)):
            return f"scale {index} differs"
    return "equal"
