# SPDX-License-Identifier: Apache-2.0
"""A dataset of each encoding and layout in the real viewer, all in one page: the values that it decodes are those that
were put in, or, where an encoding loses some, those that another reader finds."""

import nibabel as nib
import numpy as np
import tensorstore

from e2e.viewer import Look, served, view
from program import PROGRAM, convert

SHAPE = (60, 50, 40)
VOXEL = (30, 25, 20)
MIDDLE = (60.7, 49.4, 40.7)  # millimetres in VOXEL: voxels are 2 mm wide and (0, 0, 0) is the centre of the first

DATASETS = [  # encoding, dtype, channels, layout
    ("raw", "u1", 1, "sharded"), ("raw", "u2", 2, "flat"), ("raw", "i2", 1, "deep"), ("raw", "f4", 1, "sharded"),
    ("compressed_segmentation", "u4", 1, "sharded"), ("compressed_segmentation", "u8", 1, "flat"),
    ("compresso", "u1", 1, "deep"), ("compresso", "u4", 1, "flat"), ("compresso", "u8", 1, "sharded"),
    ("jpeg", "u1", 1, "flat"), ("jpeg", "u1", 3, "sharded"),
    ("png", "u1", 1, "deep"), ("png", "u1", 2, "sharded"), ("png", "u1", 3, "flat"), ("png", "u1", 4, "sharded"),
    ("png", "u2", 1, "sharded"),
    ("jxl", "u1", 1, "flat"), ("jxl", "u1", 2, "sharded"), ("jxl", "u1", 3, "deep"), ("jxl", "u1", 4, "sharded")]
LABELS = ("compressed_segmentation", "compresso")


def ramp(dtype, channels):
    """Values that tell their voxel and channel; over the whole range of integers."""
    x, y, z = np.indices(SHAPE)
    scale = np.iinfo(dtype).max // 255 if np.dtype(dtype).kind in "ui" else 0.25
    return np.stack([a.astype(dtype) * np.array(scale, dtype) + np.array(1, dtype)
                     for a in (x, 2 * y, 3 * z, 254 - x)[:channels]], axis=-1)


def save(path, values):
    channels = values.shape[-1]
    if channels in (3, 4) and values.dtype == np.uint8:
        values = values.view([(name, "u1") for name in "RGBA"[:channels]])
    values = values[..., 0] if values.shape[-1] == 1 else values
    nib.save(nib.Nifti1Image(values, np.diag([2, 2, 2, 1.0]), dtype=values.dtype), path)
    return path


def by_tensorstore(folder):
    spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{folder}/"}
    return tensorstore.open(spec, open=True, read=True).result()[VOXEL].read().result()


def test_every_encoding_and_layout(tmp_path):
    look = Look(MIDDLE, 0.2, {})
    folders = []
    for encoding, dtype, channels, layout in DATASETS:
        values = ramp(dtype, channels)
        name = f"{encoding}-{dtype}-{channels}-{layout}"
        convert(save(tmp_path / f"{name}.nii", values), tmp_path / name, "--encoding", encoding, "--layout", layout,
                "--type", "segmentation" if encoding in LABELS else "image")
        expected = values[VOXEL]
        if encoding == "jpeg":
            expected = by_tensorstore(tmp_path / name)
            assert np.abs(expected.astype(int) - values[VOXEL]).max() <= 6
            look.within[name] = 1  # decoders may round the last bit of a colour in another way
        look.values[name] = ",".join(map(str, expected))
        folders.append(tmp_path / name)
    with served(PROGRAM, *folders) as line:
        seen = view(line["viewer"], len(folders), [look])
    assert seen.problems == []
    assert seen.missing == []
    assert len(seen.values) == len(DATASETS)
