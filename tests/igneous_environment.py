# SPDX-License-Identifier: Apache-2.0
"""Where igneous runs: in an environment of its own, which tests and benches share."""

import re

from environment import programs_in
from program import ROOT


class Igneous:
    """The environment of igneous, made when it is needed; it does not go together with that of the tests."""

    def __init__(self):
        requirements = ROOT / "bench/peers/igneous-requirements.txt"
        self.version = re.search(r"^igneous_pipeline==(.+)$", requirements.read_text(), re.M)[1]
        self.programs = programs_in(ROOT / "build/bench/igneous", requirements, "igneous")
