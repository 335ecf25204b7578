# SPDX-License-Identifier: Apache-2.0
"""Python environments of peers that do not go together with that of the tests."""

import subprocess
import sys


def programs_in(folder, requirements, program):
    """The folder of programs of an environment with pinned requirements, made when `program` is not in it."""
    programs = folder / "bin"
    if not (programs / program).exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--only-binary", ":all:", "-r", requirements], check=True)
    return programs
