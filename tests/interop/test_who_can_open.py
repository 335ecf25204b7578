# SPDX-License-Identifier: Apache-2.0
"""What `info` and `convert` say of tensorstore and cloud-volume is what these do, for every encoding, layout and hash."""

import itertools

import cloudvolume
import numpy as np
import pytest
from test_other_readers import by_tensorstore

import volumes
from program import convert, run
from volumes import save_nifti

READERS = ["tensorstore", "cloud-volume"]
LAYOUTS = {
    "identity": ("--sharding", "1,1,1"), "murmur": ("--sharding", "1,1,1,murmurhash3_x86_128"),
    "raw shards": ("--sharding", "1,1,1", "--compress", "none"), "gz": ("--layout", "flat"),
    "plain": ("--layout", "flat", "--compress", "none"), "deep": ("--layout", "deep"),
}
VOXELS = [("raw", "u1", 1), ("raw", "i2", 1), ("raw", "u2", 3), ("raw", "f4", 1), ("raw", "u8", 1), ("cseg", "u4", 1),
          ("cseg", "u8", 1), ("cseg", "u4", 2), ("jpeg", "u1", 1), ("jpeg", "u1", 3), ("png", "u1", 1), ("png", "u1", 3),
          ("png", "u2", 1), ("jxl", "u1", 1), ("jxl", "u1", 3), ("compresso", "u2", 1), ("compresso", "u8", 1)]
JPEG_ERROR = 24


def by_cloud_volume(folder, fill_missing=True):
    volume = cloudvolume.CloudVolume(f"file://{folder}", fill_missing=fill_missing, progress=False, cache=False,
                                     use_https=False)
    return np.asarray(volume[:, :, :])


def opens(read, values, encoding):
    try:
        found = np.asarray(read()).reshape(values.shape)
    except Exception:  # whatever these programs raise
        return False
    if found.dtype != values.dtype:
        return False
    if encoding == "jpeg":
        return bool(np.abs(found.astype(int) - values.astype(int)).max() <= JPEG_ERROR)
    return bool(np.array_equal(found, values))


def smooth(dtype, channels):
    """Without chunks of zeros, and what jpeg changes but little; each channel another."""
    x, y, z = np.ogrid[:18, :14, :11]
    values = [(40 + 60 * c + 3 * x + 2 * y + z) for c in range(channels)]
    return np.stack([v + 0 * (x + y + z) for v in values], axis=-1).astype(dtype)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("encoding, dtype, channels", VOXELS)
def test_readers(tmp_path, encoding, dtype, channels, layout):
    values = smooth(dtype, channels)
    path = save_nifti(tmp_path / "v.nii", values if channels > 1 else values[..., 0])
    kind = "segmentation" if encoding in ("compresso",) or (encoding == "cseg" and channels == 1) else "image"
    done = convert(path, tmp_path / "d", "--type", kind, "--encoding", encoding, "--chunk-size", "8", "--scales", "1",
                   *LAYOUTS[layout])
    notes = run("info", tmp_path / "d", "--json").json["notes"]
    said = {reader: any(reader in note for note in notes) or layout == "deep" for reader in READERS}
    for note in notes:
        assert note in done.out, "convert says the same"
    assert opens(lambda: by_tensorstore(tmp_path / "d", 0), values, encoding) != said["tensorstore"], notes
    assert opens(lambda: by_cloud_volume(tmp_path / "d"), values, encoding) != said["cloud-volume"], notes


@pytest.mark.parametrize("layout, has_provenance", itertools.product(["sharded", "flat"], [True, False]))
def test_absent_chunks(tmp_path, layout, has_provenance):
    values = volumes.structured((24, 16, 8), "u1")
    values[:8] = 0
    for name, options in ("sparse", ()), ("whole", ("--keep-empty",)):
        convert(save_nifti(tmp_path / "v.nii", values), tmp_path / name, "--layout", layout, "--chunk-size", "8",
                "--scales", "1", *options)
        if not has_provenance:
            (tmp_path / name / "provenance").unlink()
        notes = run("info", tmp_path / name, "--json").json["notes"]
        says = any("fill_missing" in note for note in notes)
        # How many chunks shards of others hold is known only after reading them.
        if has_provenance or layout == "flat":
            assert opens(lambda folder=tmp_path / name: by_cloud_volume(folder, False), values, "raw") != says
        assert opens(lambda folder=tmp_path / name: by_cloud_volume(folder, True), values, "raw")
