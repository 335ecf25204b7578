# SPDX-License-Identifier: Apache-2.0
"""Meshes of every label of a segmentation: marching cubes alone against zmesh, all of it against igneous."""

import json
import shutil
import statistics
from importlib.metadata import version

import numpy as np

import data
from cloudvolume import CloudVolume
from harness import WORK, bench, remembered, timed, timed_with_output, tree_bytes
from igneous_environment import Igneous

from cases.datasets import label_dataset
from cases.slices import label_slices

NODE = 128


def differences(ours, theirs):
    """What differs between the meshes of two programs: {label: [vertices, triangles, volume]} of each."""
    assert ours.keys() == theirs.keys()
    # A vertex for each edge of the lattice that a label ends on: the same, whatever the table of cases.
    assert all(ours[label][0] == theirs[label][0] for label in ours)
    total = [sum(mesh[2] for mesh in meshes.values()) for meshes in (ours, theirs)]
    apart = sorted(abs(ours[label][2] / theirs[label][2] - 1) for label in ours)
    return {"volume / peer's": total[0] / total[1], "labels within 0.1 %": sum(d <= 1e-3 for d in apart) / len(apart)}


@bench("marching cubes over all labels of 512^3, one thread, the processor's seconds")
def marching_cubes(context):
    values, origin = data.labels(512)
    raw = WORK / "labels.uint32"
    WORK.mkdir(parents=True, exist_ok=True)
    values.astype("uint32").ravel(order="F").tofile(raw)
    arguments = raw, 512, "uint32"
    runs = [(context.tool("bench_mesh", *arguments, NODE), context.script("zmesh_labels.py", *arguments))
            for _ in range(max(1, context.rounds // 2))]
    raw.unlink()
    ours, theirs = runs[0]
    triangles = sum(mesh[1] for mesh in ours["labels"].values())
    peer = statistics.median(run[1]["seconds"] for run in runs)
    rows = []
    for what, key in ("in nodes", "seconds"), ("whole, welded", "seconds_welded"):
        seconds = statistics.median(run[0][key] for run in runs)
        rows.append({"what": f"{len(ours['labels'])} {origin} labels, {what}", "s": seconds,
                     "Mtriangles/s": triangles / seconds / 1e6, f"zmesh {version('zmesh')} s": peer,
                     "x peer": peer / seconds, **differences(ours["labels"], theirs["labels"])})
    return rows


def make_meshes(context, dataset, *arguments):
    """Runs `mesh` into the folder mesh: (wall seconds, CPU seconds, peak bytes), its report."""
    times, report = timed_with_output([context.program, "mesh", dataset, *arguments, "--mesh-dir", "mesh", "--json",
                                       "--quiet"], dataset / "mesh")
    return times, json.loads(report)


def labels_by_size():
    """The labels of 512^3 voxels, but the background, by their number of voxels; and these."""
    labels, voxels = np.unique(data.labels(512)[0], return_counts=True)
    order = np.argsort(voxels[labels != 0], kind="stable")
    return labels[labels != 0][order].tolist(), voxels[labels != 0][order].tolist()


def triangles_of_levels(dataset, labels):
    """How many of the labels have a mesh, and the triangles in each level of all, as cloud-volume reads them."""
    meshes = CloudVolume(f"file://{dataset}", progress=False).mesh
    count, triangles = 0, []
    for label in labels:
        manifest = meshes.get_manifest(label)
        count += manifest is not None
        for level in range(manifest.num_lods if manifest else 0):
            triangles += [0] * (level + 1 - len(triangles))
            triangles[level] += len(meshes.get([label], lod=level)[label].faces)
    return count, triangles


def igneous_meshes(origin):
    """Igneous's program, the dataset with its meshes, and the key of what is remembered of them."""
    peer = Igneous()
    key = f"igneous {peer.version}: mesh forge --sharded, mesh merge-sharded --nlod 3, {origin} labels"
    return peer.programs / "igneous", WORK / f"meshes-igneous-{origin}", key


def run_igneous(dataset, origin):
    """Makes them, in one process: seconds of both steps, the greater peak."""
    igneous, folder, _ = igneous_meshes(origin)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(dataset, folder, ignore=shutil.ignore_patterns("mesh*"))
    info = json.loads((folder / "info").read_text())
    info.pop("mesh", None)  # its forge takes a folder that is named for one of its own
    (folder / "info").write_text(json.dumps(info))
    place = f"file://{folder}"
    forge = timed([igneous, "mesh", "forge", place, "--mip", "0", "--sharded", "--dir", "mesh"], WORK / "none")
    merge = timed([igneous, "mesh", "merge-sharded", place, "--nlod", "3", "--dir", "mesh"], WORK / "none")
    return {"forge_s": forge[0], "merge_s": merge[0], "peak_bytes": max(forge[2], merge[2])}


def igneous_figures(dataset, origin):
    """What making them took, and what they are."""
    _, folder, key = igneous_meshes(origin)

    def measure_peer():
        found = run_igneous(dataset, origin)
        written = sum(path.stat().st_size for path in (folder / "mesh").glob("*.shard"))
        count, triangles = triangles_of_levels(folder, labels_by_size()[0])
        return {**found, "bytes": written, "labels": count, "triangles": triangles}

    peer = remembered(key, measure_peer)
    return {**peer, "seconds": peer["forge_s"] + peer["merge_s"]}


@bench("all labels of 512^3 to sharded multi-resolution meshes, two cores, against igneous")
def meshes(context):
    dataset, origin = label_dataset(context)
    runs = [make_meshes(context, dataset, "--memory", "2GiB") for _ in range(context.rounds)]
    report = runs[0][1]
    seconds = statistics.median(times[0] for times, _ in runs)
    _, _, key = igneous_meshes(origin)
    peer = igneous_figures(dataset, origin)

    def levels(counts):
        return ", ".join(f"{count / 1e6:.3g}" for count in counts)

    return [{"what": f"ngforge mesh, {origin} labels", "seconds": seconds,
             "x faster than peer": peer["seconds"] / seconds, "peak MiB": max(times[2] for times, _ in runs) / 2**20,
             "allowed MiB": 2048 + 64, "MB": report["bytes"] / 1e6,
             "meshes": report["labels"],
             "10^6 triangles by level": levels(level["triangles"] for level in report["levels"])},
            {"what": key.split(",")[0] + f" ({peer['forge_s']:.0f} s), merge-sharded ({peer['merge_s']:.0f} s)",
             "seconds": peer["seconds"], "peak MiB": peer["peak_bytes"] / 2**20, "MB": peer["bytes"] / 1e6,
             "meshes": peer["labels"],
             "10^6 triangles by level": levels(peer["triangles"])}]


@bench("TIFF slices of 512^3 labels to meshes that are checked, as the guide has it")
def labels_to_web(context):
    slices, _, origin = label_slices()
    folder = WORK / "labels-to-web"
    commands = {"convert": ["convert", slices, folder, "--type", "segmentation", "--voxel-size", "32nm,32nm,40nm"],
                "mesh": ["mesh", folder], "check": ["check", folder]}
    runs = {name: [] for name in commands}
    for _ in range(context.rounds):
        for name, arguments in commands.items():
            runs[name].append(timed([context.program, *arguments, "--quiet"],
                                    folder if name == "convert" else WORK / "none"))
    rows = [{"what": f"ngforge {name}", "seconds": statistics.median(run[0] for run in runs[name]),
             "peak MiB": max(run[2] for run in runs[name]) / 2**20} for name in commands]
    return [*rows, {"what": f"all three, {origin} labels", "seconds": sum(row["seconds"] for row in rows),
                    "allowed seconds": 45, "MB": tree_bytes(folder) / 1e6}]
