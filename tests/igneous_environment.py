# SPDX-License-Identifier: Apache-2.0
"""Where igneous runs: in an environment of its own, which tests and benches share."""

import re
import subprocess
import sys

from program import ROOT


class Igneous:
    """The environment of igneous, made when it is needed; it does not go together with that of the tests."""

    def __init__(self):
        requirements = ROOT / "bench/peers/igneous-requirements.txt"
        self.version = re.search(r"^igneous_pipeline==(.+)$", requirements.read_text(), re.M)[1]
        self.programs = ROOT / "build/bench/igneous/bin"
        if not (self.programs / "igneous").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", self.programs.parent], check=True)
            subprocess.run([self.programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                            "--only-binary", ":all:", "-r", requirements], check=True)
