#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev demo: a real brain scan, its atlas and surfaces, converted, served, and shown in one view.

The T1 template (ICBM152) is an image, the Desikan-Killiany atlas a segmentation with another origin and size, with meshes
and names; the pial surfaces of fsaverage5 are put under labels of their own beside them. All lie on each other because of
their affines alone. With --check, a headless browser looks; voxels, names and what the mouse picks are compared.
"""

import argparse
import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import data  # noqa: E402

from e2e import brain, demo_check  # noqa: E402
from e2e.viewer import Look, link_of, served, state_of, view  # noqa: E402

SCAN, ATLAS = brain.NAMES
VIEW = {
    "position": [8.5, -20.5, 12.5],
    "crossSectionScale": 0.55,
    "projectionScale": 190,
    "projectionOrientation": [-0.4631, 0.6426, -0.4952, 0.3569],  # from the left and a little from the front, upright
    "showSlices": False,
    "showDefaultAnnotations": False,
    "selectedLayer": {"layer": ATLAS, "visible": True, "size": 280},
}


def ngforge(program, *arguments):
    subprocess.run([program, *map(str, arguments)], check=True)


def make(program, folder):
    """Makes both datasets anew; returns their folders."""
    scan, atlas = folder / SCAN, folder / ATLAS
    ngforge(program, "convert", data.fetch(f"{SCAN}.nii.gz", folder), scan, "--overwrite")
    ngforge(program, "convert", data.fetch(f"{ATLAS}.nii.gz", folder), atlas, "--type", "segmentation", "--overwrite")
    ngforge(program, "mesh", atlas)
    for label, side in brain.SIDES.items():
        surface = data.fetch(f"{brain.SURFACES}_pial_{side}.gii.gz", folder)
        ngforge(program, "surfaces", surface, atlas, "--label", label,
                "--coord-transform=" + ",".join(map(str, data.FSAVERAGE_TO_MNI152)))
    ngforge(program, "properties", write_names(folder), atlas, "--tags", "hemisphere,structure")
    return [scan, atlas]


def write_names(folder):
    """The atlas' table of regions, and the surfaces."""
    path = folder / "names.csv"
    regions = data.fetch(f"{ATLAS}.csv", folder).read_text()
    with open(path, "w", newline="") as file:
        file.write(regions)
        csv.writer(file, lineterminator="\n").writerows([label, "pial surface", side[0].upper(), "surface"]
                                                        for label, side in brain.SIDES.items())
    return path


def demo_link(line):
    """The link to what `serve` serves, as it says on its line: some regions, in a glass brain."""
    address, state = state_of(line["viewer"])
    state.update(VIEW)
    atlas = next(layer for layer in state["layers"] if layer["name"] == ATLAS)
    state["layers"].append({"type": "segmentation", "name": brain.SURFACES, "source": atlas["source"],
                            "segments": [str(label) for label in brain.SIDES], "segmentDefaultColor": "#d0d0d0",
                            "objectAlpha": 0.25, "selectedAlpha": 0, "notSelectedAlpha": 0})
    atlas.update(segments=[str(region) for region in brain.REGIONS], notSelectedAlpha=0.25, tab="segments")
    return link_of(address, state)


def show(program, datasets):
    """Serves until Ctrl-C, which the server gets as well; returns its status."""
    server = subprocess.Popen([program, "serve", *datasets, "--json"], stdout=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = json.loads(server.stdout.readline())
    print(f"\nOpen this link in a browser on this machine; Ctrl-C ends the server.\n\n{demo_link(line)}\n", flush=True)
    return server.wait()


def take_picture(program, datasets, path):
    with served(program, *datasets) as line:
        view(demo_link(line), 3, [Look(VIEW["position"], VIEW["crossSectionScale"], {})], path)


def main():
    parser = argparse.ArgumentParser(prog="./dev demo")
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/bin/ngforge")
    parser.add_argument("--check", action="store_true", help="let a headless browser look, compare what it sees, and end")
    parser.add_argument("--picture", type=Path, help="write what the viewer shows first to this PNG, and end")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/demo", help="where the datasets are made")
    options = parser.parse_args()
    program = options.program.absolute()
    datasets = make(program, options.folder)
    if options.picture:
        take_picture(program, datasets, options.picture)
        return 0
    if options.check:
        return demo_check.run(program, datasets, demo_link, options.folder / "view.png")
    return show(program, datasets)


if __name__ == "__main__":
    sys.exit(main())
