# SPDX-License-Identifier: Apache-2.0
"""Makes volumes and the files that hold them."""

import itertools
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt, inv_ornt_aff

ORIENTATIONS = [
    "".join(letters) for axes in itertools.permutations(("RL", "AP", "SI")) for letters in itertools.product(*axes)
]
SPACE_SCALE_MM = (0.7, 1.1, 2.5)


def noise(shape, dtype, seed=0):
    """Values over the whole range of the type (floats: with NaN, infinities left out), and a corner of zeros."""
    random = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        values = random.integers(limits.min, limits.max, shape, dtype.newbyteorder("="), endpoint=True).astype(dtype)
    elif dtype.kind == "c":
        values = (random.normal(size=shape) + 1j * random.normal(size=shape)).astype(dtype)
    else:
        values = random.normal(scale=1000, size=shape).astype(dtype)
    values[tuple(slice(0, max(1, n // 2)) for n in shape[:3])] = 0
    return values


def labels(shape, dtype=np.uint32, seed=0, cells=12):
    """A Voronoi tessellation with background: what segmentations look like."""
    random = np.random.default_rng(seed)
    centres = random.uniform(0, shape, (cells, 3))
    ids = random.integers(1, np.iinfo(dtype).max, cells, dtype)
    ids[0] = 0
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    nearest = ((grid[..., None, :] - centres) ** 2).sum(axis=-1).argmin(axis=-1)
    return ids[nearest]


def structured(shape, dtype=np.uint16, seed=0):
    """Smooth shapes under noise, nowhere zero: large files of it compress like a scan and no chunk is empty."""
    random = np.random.default_rng(seed)
    x, y, z = np.ogrid[tuple(slice(0, n) for n in shape)]
    wave = np.sin(x / 11) + np.cos(y / 17) * np.sin(z / 7)
    top = 200 if np.dtype(dtype).itemsize == 1 else 20000
    return (wave * top / 8 + top / 2 + random.integers(1, top // 16, shape)).astype(dtype)


def affine_mm(code, shape, tilt=0.1):
    """A voxel-to-millimetre affine whose stored axes point to `code`, a little rotated and off centre."""
    turn = np.eye(4)
    c, s = np.cos(tilt), np.sin(tilt)
    turn[:2, :2] = [[c, -s], [s, c]]
    turn[:3, 3] = -17.5, 31.25, 4.75
    to_code = inv_ornt_aff(axcodes2ornt(code), shape[:3])  # stored indices of a RAS grid position
    return turn @ np.diag([*SPACE_SCALE_MM, 1]) @ np.linalg.inv(to_code)


def save_nifti(path, values, affine=None, *, version=1, big_endian=False, slope=None, intercept=0, unit="mm",
               edit=None):
    """Writes a NIfTI file. `edit` may change the header last. Values are stored as they are, whatever the slope."""
    image_class = nib.Nifti1Image if version == 1 else nib.Nifti2Image
    header = image_class.header_class(endianness=">" if big_endian else "<")
    header.set_data_dtype(values.dtype)
    header.set_data_shape(values.shape)
    affine = np.diag([*SPACE_SCALE_MM, 1]) if affine is None else affine
    header.set_zooms([*nib.affines.voxel_sizes(affine), *[1] * (values.ndim - 3)])
    header.set_sform(affine, code="scanner")
    header.set_qform(affine, code="scanner", strip_shears=True)
    header.set_xyzt_units(unit)
    if slope is not None:
        header.set_slope_inter(slope, intercept)
    header["vox_offset"] = 352 if version == 1 else 544
    if edit is not None:
        edit(header)
    offset = int(header["vox_offset"])
    head = header.binaryblock + bytes(4)
    data = head + bytes(offset - len(head)) + values.astype(header.get_data_dtype()).tobytes(order="F")
    opener = nib.openers.Opener(str(path), "wb")
    with opener:
        opener.write(data)
    return path


def nibabel_file(name):
    """A test file that nibabel's wheel ships."""
    return Path(nib.__file__).parent / "tests/data" / name
