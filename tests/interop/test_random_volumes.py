# SPDX-License-Identifier: Apache-2.0
"""Any shape, type, orientation, chunk, factor, offset, crop, layout and memory at once."""

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import volumes
from expect import as_channels, check_affine, check_scales
from program import convert
from volumes import noise, save_nifti

SIDE = st.integers(1, 23)
CHUNK_SIDE = st.integers(1, 9)
FACTOR_SIDE = st.integers(1, 4)


@st.composite
def cases(draw):
    shape = tuple(draw(SIDE) for _ in range(3)) + ((draw(st.integers(2, 4)),) if draw(st.booleans()) else ())
    code = draw(st.sampled_from(volumes.ORIENTATIONS))
    crop = []
    for size in reordered(shape, code):
        begin = draw(st.integers(0, size - 1))
        crop.append((begin, draw(st.integers(begin + 1, size))))
    return {
        "shape": shape,
        "code": code,
        "dtype": draw(st.sampled_from(["u1", "i1", "u2", "i2", "u4", "i4", "u8", "f4"])),
        "big_endian": draw(st.booleans()),
        "suffix": draw(st.sampled_from([".nii", ".nii.gz"])),
        "crop": crop if draw(st.booleans()) else None,
        "offset": [draw(st.integers(-40, 40)) for _ in range(3)] if draw(st.booleans()) else None,
        "method": draw(st.sampled_from(["average", "majority", "stride", "min", "max", "median"])),
        "chunk": [draw(CHUNK_SIDE) for _ in range(3)],
        "factors": [[draw(FACTOR_SIDE), draw(FACTOR_SIDE), draw(st.integers(2, 4))] for _ in range(draw(st.integers(1, 2)))],
        "scales": draw(st.integers(1, 4)),
        "layout": draw(st.sampled_from(["sharded", "flat", "deep"])),
        "compress": draw(st.sampled_from(["gzip", "none"])),
        "sharding": f"{draw(st.integers(0, 4))},{draw(st.integers(0, 3))},{draw(st.integers(0, 3))}",
        "threads": draw(st.integers(1, 4)),
        "memory": draw(st.sampled_from(["16MiB", "1GiB"])),
    }


def reordered(shape, code):
    """Sizes along the axes that point right-left, anterior-posterior, superior-inferior."""
    return [shape[next(i for i, letter in enumerate(code) if letter in pair)] for pair in ("RL", "AP", "SI")]


@settings(max_examples=150)
@given(cases())
def test_any_volume(case):
    with tempfile.TemporaryDirectory() as folder:
        check(case, Path(folder))


def check(case, folder):
    values = noise(case["shape"], case["dtype"], seed=51)
    if case["method"] == "majority" and values.dtype.kind in "ui":
        values %= 3
    path = save_nifti(folder / f"v{case['suffix']}", values, volumes.affine_mm(case["code"], case["shape"]),
                      big_endian=case["big_endian"])
    options = ["--type", "image", "--downsample", case["method"], "--layout", case["layout"],
               "--compress", case["compress"], "--sharding", case["sharding"], "--scales", case["scales"],
               "--threads", case["threads"], "--memory", case["memory"],
               "--chunk-size", ",".join(map(str, case["chunk"])),
               "--factor", ";".join(",".join(map(str, factor)) for factor in case["factors"])]
    canonical = nib.as_closest_canonical(nib.load(path))
    whole, affine, begin = as_channels(np.asarray(canonical.dataobj)), canonical.affine.copy(), np.zeros(3, int)
    origin = np.array(case["offset"] or (0, 0, 0))
    if case["offset"]:
        options.append("--voxel-offset=" + ",".join(map(str, case["offset"])))
    if case["crop"]:
        boxes = [(b + o, e + o) for (b, e), o in zip(case["crop"], origin, strict=True)]
        options.append("--crop=" + ",".join(f"{b}:{e}" for b, e in boxes))
        begin = np.array([b for b, _ in case["crop"]])
        whole = whole[tuple(slice(*c) for c in case["crop"])]
        affine[:3, 3] += affine[:3, :3] @ begin
    convert(path, folder / "out", *options)
    dataset = check_scales(folder / "out", whole, case["method"], offset=origin + begin)
    check_affine(dataset, affine, offset=origin + begin)
    convert(folder / "out", folder / "back.nii")
    back = nib.load(folder / "back.nii")
    np.testing.assert_array_equal(as_channels(np.asarray(back.dataobj)), whole)
    np.testing.assert_allclose(back.affine, affine, atol=1e-4)
