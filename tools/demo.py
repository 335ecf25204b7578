#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev demo: a real brain scan and its atlas, converted, served, and shown in one view.

The T1 template (ICBM152) is an image, the Desikan-Killiany atlas a segmentation with another origin and size: they lie
on each other because of their affines alone. With --check, a headless browser looks and voxels are compared.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import data  # noqa: E402

FOLDER = ROOT / "build/demo"
LAYERS = {"icbm152_t1": (), "desikan_killiany": ("--type", "segmentation")}


def convert(program):
    """Converts both volumes anew; returns the datasets."""
    datasets = []
    for name, options in LAYERS.items():
        source = data.fetch(f"{name}.nii.gz", FOLDER)
        datasets.append(FOLDER / name)
        subprocess.run([program, "convert", source, datasets[-1], *options, "--overwrite"], check=True)
    return datasets


def main():
    parser = argparse.ArgumentParser(prog="./dev demo")
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/bin/ngforge")
    parser.add_argument("--check", action="store_true", help="let a headless browser look, compare voxels, and end")
    options = parser.parse_args()
    program = options.program.absolute()
    datasets = convert(program)
    if not options.check:
        print("\nOpen the link below in a browser on this machine; Ctrl-C ends the server.\n", flush=True)
        os.execv(program, [str(program), "serve", *map(str, datasets)])
    from e2e import demo_check

    return demo_check.run(program, datasets, FOLDER / "view.png")


if __name__ == "__main__":
    sys.exit(main())
