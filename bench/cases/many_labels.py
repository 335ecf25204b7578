# SPDX-License-Identifier: Apache-2.0
"""What a label costs when there are very many: meshes, their check, and measures."""

import numpy as np

import data
from harness import WORK, bench, timed

# Of a cubic volume, and of its cells: some 10^4 and some 10^6.
SIDES = ((512, 25), (490, 5))


def crowded(context, side, spacing):
    """A segmentation of cells of about spacing^3 voxels: its folder, and how many labels it has."""
    folder, source = WORK / f"cells{side}-{spacing}", WORK / "cells.npy"
    counted = folder.with_suffix(".count")
    if not counted.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        values = data.generated_labels(side, spacing=spacing)
        np.save(source, values)
        timed([context.program, "convert", source, folder, "--type", "segmentation", "--voxel-size", "32nm,32nm,40nm",
               "--scales", "1", "--quiet"], folder)
        source.unlink()
        counted.write_text(str(len(np.unique(values)) - 1))
    return folder, int(counted.read_text())


@bench("10^4 and 10^6 labels in some 512^3: meshes, check, measures; --memory 512MiB")
def many_labels(context):
    rows = []
    for side, spacing in SIDES:
        folder, labels = crowded(context, side, spacing)
        commands = {"mesh": (["mesh", folder], folder / "mesh"), "check": (["check", folder], WORK / "none"),
                    "properties --measure": (["properties", folder, "--measure", "--overwrite"], WORK / "none")}
        for name, (arguments, destination) in commands.items():
            wall, _, peak = timed([context.program, *arguments, "--memory", "512MiB", "--quiet"], destination)
            rows.append({"what": f"ngforge {name}", "labels": labels, "seconds": wall, "us/label": 1e6 * wall / labels,
                         "peak MiB": peak / 2**20, "allowed MiB": 512 + 64})
    return rows
