# SPDX-License-Identifier: Apache-2.0
"""A dataset of each encoding in the real viewer: the values that it decodes are those that another reader finds."""

import nibabel as nib
import numpy as np
import pytest
import tensorstore

from e2e.viewer import Look, served, view
from program import PROGRAM, convert

SHAPE = (60, 50, 40)
VOXEL = (30, 25, 20)
MIDDLE = (60.7, 49.4, 40.7)  # millimetres in VOXEL: voxels are 2 mm wide and (0, 0, 0) is the centre of the first


def ramp(dtype, channels):
    """Values that tell their voxel and channel; of 16 bits when there is room."""
    x, y, z = np.indices(SHAPE)
    scale = np.iinfo(dtype).max // 255
    return np.stack([(a * scale + 1).astype(dtype) for a in (x, 2 * y, 3 * z, 255 - x)[:channels]], axis=-1)


def save(path, values):
    channels = values.shape[-1]
    if channels in (3, 4) and values.dtype == np.uint8:
        values = values.view([(name, "u1") for name in "RGBA"[:channels]])
    nib.save(nib.Nifti1Image(values[..., 0] if values.shape[-1] == 1 else values, np.diag([2, 2, 2, 1.0])), path)
    return path


def by_tensorstore(folder):
    spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{folder}/"}
    return tensorstore.open(spec, open=True, read=True).result()[VOXEL].read().result()


@pytest.mark.parametrize(("encoding", "dtype", "channels", "layout"), [
    ("jpeg", "u1", 1, "flat"), ("jpeg", "u1", 3, "sharded"), ("png", "u1", 1, "flat"), ("png", "u1", 2, "sharded"),
    ("png", "u1", 3, "sharded"), ("png", "u1", 4, "sharded"), ("png", "u2", 1, "sharded")])
def test_pictures(tmp_path, encoding, dtype, channels, layout):
    values = ramp(dtype, channels)
    out = tmp_path / "seen"
    convert(save(tmp_path / "v.nii", values), out, "--type", "image", "--encoding", encoding, "--layout", layout)
    expected = by_tensorstore(out)
    assert np.abs(expected.astype(int) - values[VOXEL]).max() <= (6 if encoding == "jpeg" else 0)
    text = ",".join(map(str, expected))
    with served(PROGRAM, out) as line:
        seen = view(line["viewer"], 1, [Look(MIDDLE, 0.2, {"seen": text})])
    # Decoders of jpeg may round the last bit of a colour in another way.
    found = np.array([int(value) for value in seen.values[0].split(",")])
    assert np.abs(found - expected).max() <= (1 if encoding == "jpeg" else 0)
    assert [problem for problem in seen.problems if not problem.startswith("seen at ")] == []
