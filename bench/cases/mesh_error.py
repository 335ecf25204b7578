# SPDX-License-Identifier: Apache-2.0
"""How far simplified meshes are from marching cubes, both ways: ours, and those of igneous.

Both are read by cloud-volume, and compared with the surface that `mesh --max-error 0` makes, whose vertices are zmesh's.
"""

import contextlib
import json
import math
import shutil
import statistics
import subprocess

import numpy as np
from cloudvolume import CloudVolume
from cloudvolume.exceptions import MeshDecodeError

from cases.datasets import label_dataset
from cases.meshes import igneous_figures, igneous_meshes, labels_by_size, make_meshes, run_igneous
from harness import WORK, bench, remembered

LABELS, LARGEST = 60, 10
# A point of the surface for so many nm^2: a voxel's face.
AREA_NM2 = 32 * 36
WAYS = {"from_mesh": "to the labels' surface", "to_mesh": "from the labels' surface"}


def chosen_labels():
    """Labels of all sizes, and the largest ones."""
    labels, _ = labels_by_size()
    steps = np.linspace(0, len(labels) - LARGEST - 1, LABELS).round().astype(int)
    return [labels[step] for step in dict.fromkeys(steps.tolist())] + labels[-LARGEST:]


def write_fragment(path, mesh):
    path.write_bytes(np.uint32(len(mesh.vertices)).tobytes() + mesh.vertices.astype("<f4").tobytes()
                     + mesh.faces.astype("<u4").tobytes())


def make(context, dataset, labels, folder, *arguments):
    """Runs `mesh` for some labels into a folder beside others; its report."""
    command = [context.program, "mesh", dataset, *labels, "--mesh-dir", folder, *arguments, "--overwrite", "--json"]
    done = subprocess.run([*map(str, command), "--quiet"], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def reference_meshes(context, dataset, labels):
    """The surface of each label as marching cubes makes it: {label: file}."""
    make(context, dataset, labels, "exact", "--format", "legacy", "--max-error", "0", "--no-colon-suffix")
    names = {label: json.loads((dataset / "exact" / str(label)).read_text())["fragments"][0] for label in labels}
    return {label: dataset / "exact" / name for label, name in names.items()}


def measure(context, dataset, references):
    """Distances of each mesh that the dataset's `info` names: for each level {label: what bench_mesh_error says}."""
    meshes = CloudVolume(f"file://{dataset}", progress=False).mesh
    folder = WORK / "mesh-error"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = {}
    for label, reference in references.items():
        files = []
        with contextlib.suppress(MeshDecodeError):  # beyond the last level
            while True:
                mesh = meshes.get([label], lod=len(files))[label]
                files.append(folder / f"{label}-{len(files)}")
                write_fragment(files[-1], mesh)
        for level, result in enumerate(context.tool("bench_mesh_error", AREA_NM2, reference, *files)):
            found.setdefault(level, {})[label] = result
    return found


def pooled(results):
    """All points of some labels together."""
    row = {"triangles": sum(result["triangles"] for result in results)}
    for way, title in WAYS.items():
        counts = np.zeros(max(len(result[way]["counts"]) for result in results))
        for result in results:
            counts[:len(result[way]["counts"])] += result[way]["counts"]
        points = sum(result[way]["points"] for result in results)
        row[f"{title}: mean nm"] = sum(result[way]["sum"] for result in results) / points
        row["95 %" if way == "from_mesh" else "95 % "] = int(np.searchsorted(np.cumsum(counts), 0.95 * points)) + 1
        row["most" if way == "from_mesh" else "most "] = max(result[way]["greatest"] for result in results)
    return row


def as_few(context, dataset, labels, level, wanted):
    """The error that makes at most as many triangles in a level as wanted, and few less."""
    tried = []
    error_nm = 40.0
    for _ in range(6):
        report = make(context, dataset, labels, "as-few", "--max-error", f"{error_nm:.3f}")
        count = report["levels"][level]["triangles"]
        if 0.99 * wanted <= count <= wanted:
            break
        tried.append((math.log(count), math.log(error_nm)))
        (n0, e0), (n1, e1) = tried[-2:] if len(tried) > 1 else (tried[0], (tried[0][0] - 1, tried[0][1] + 1))
        slope = (e1 - e0) / (n1 - n0) if n1 != n0 else -1.0
        error_nm = math.exp(tried[-1][1] + slope * (math.log(0.995 * wanted) - tried[-1][0]))
    return error_nm


def seconds_of_all(context, dataset, *options):
    return statistics.median(make_meshes(context, dataset, "--memory", "2GiB", *options)[0][0]
                             for _ in range(context.rounds))


@bench("how far simplified meshes are from the surface of labels, at as many triangles as igneous makes")
def mesh_error(context):
    dataset, origin = label_dataset(context)
    labels = chosen_labels()
    references = reference_meshes(context, dataset, labels)
    _, folder, key = igneous_meshes(origin)

    def measure_peer():
        if not (folder / "mesh").exists():
            run_igneous(dataset, origin)
        found = measure(context, folder, references)
        return [{"labels": list(results), **pooled(results.values())} for results in found.values()]

    def measured(*options):
        error_nm = make(context, dataset, labels, "mesh", *options)["max_error_nm"]
        return error_nm, measure(context, dataset, references)

    peer = remembered(f"{key}: distances", measure_peer)
    peer_s = igneous_figures(dataset, origin)["seconds"]
    by_default = measured()
    rows = []
    # Of each level the labels that have it with igneous.
    for level, theirs in enumerate(peer):
        rows.append({"what": f"{key.split(':')[0]}, level {level}", **theirs, "labels": len(theirs["labels"])})
        error_nm = as_few(context, dataset, theirs["labels"], level, theirs["triangles"])
        as_many = ("--max-error", f"{error_nm:.3f}")
        for title, options, (nm, levels) in (("as many triangles", as_many, measured(*as_many)),
                                             ("default", (), by_default)):
            ours = [levels[level][label] for label in theirs["labels"]]
            rows.append({"what": f"ngforge, {title} ({nm:.3g} nm), level {level}", "labels": len(ours), **pooled(ours)})
            if level == 0:
                seconds = seconds_of_all(context, dataset, *options)
                rows[-1] |= {"all labels: s": seconds, "x faster than peer": peer_s / seconds}
    shutil.rmtree(dataset / "exact")
    shutil.rmtree(dataset / "as-few")
    return rows
