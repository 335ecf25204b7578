# SPDX-License-Identifier: Apache-2.0
"""Downsampling as the documentation defines it, in NumPy and without hurry: what the program is compared with.

Arrays are [x, y, z, channel]. Cells lie on the global grid: coarse voxel c covers those of the fine voxels
c*f .. c*f+f-1 that exist.
"""

import numpy as np


def _cells(fine, offset, factor):
    """Values and a mask of what exists, both [x, y, z, channel, value in cell], x fastest in a cell; where cells begin."""
    size = np.array(fine.shape[:3])
    begin = np.floor_divide(offset, factor)
    end = -np.floor_divide(-(offset + size), factor)
    before = offset - begin * factor
    after = end * factor - (offset + size)
    widths = [*zip(before, after, strict=True), (0, 0)]
    values = np.pad(fine, widths)
    exists = np.pad(np.ones(fine.shape, bool), widths)

    def split(array):
        n, f = end - begin, factor
        array = array.reshape(n[0], f[0], n[1], f[1], n[2], f[2], -1)
        return array.transpose(0, 2, 4, 6, 5, 3, 1).reshape(*n, array.shape[-1], -1)

    return split(values), split(exists), begin


def _average_integers(values, exists, outside):
    # Python integers: exact at any width.
    total = np.where(exists, values.astype(object), outside if outside is not None else 0).sum(axis=-1)
    count = exists.sum(axis=-1) if outside is None else np.full(total.shape, values.shape[-1])
    quotient, rest = total // count, total % count
    return quotient + ((2 * rest > count) | ((2 * rest == count) & (quotient % 2 == 1)))


def _average_floats(values, exists, outside):
    total = np.zeros(values.shape[:-1])
    count = np.zeros(values.shape[:-1], int)
    with np.errstate(invalid="ignore"):
        for i in range(values.shape[-1]):
            value, used = values[..., i].astype(np.float64), exists[..., i]
            if outside is not None:
                value, used = np.where(used, value, outside), np.ones_like(used)
            used = used & ~np.isnan(value)
            total[used] += value[used]
            count += used
        return np.where(count > 0, total / count, np.nan)


def _majority(values, exists):
    shape = values.shape[:-1]
    rows, masks = values.reshape(-1, values.shape[-1]), exists.reshape(-1, values.shape[-1])
    result = np.empty(len(rows), values.dtype)
    for i, (row, mask) in enumerate(zip(rows, masks, strict=True)):
        labels, counts = np.unique(row[mask], return_counts=True)
        counts[labels != labels] = 0  # NaN loses to everything
        result[i] = labels[np.argmax(counts)]  # unique sorts, argmax takes the first: ties to the smallest
    return result.reshape(shape)


def _stride(values, exists):
    first = np.argmax(exists, axis=-1)
    return np.take_along_axis(values, first[..., None], axis=-1)[..., 0]


def _ordered(values, exists, place):
    shape = values.shape[:-1]
    rows, masks = values.reshape(-1, values.shape[-1]), exists.reshape(-1, values.shape[-1])
    result = np.empty(len(rows), values.dtype)
    for i, (row, mask) in enumerate(zip(rows, masks, strict=True)):
        numbers = sorted(value for value in row[mask] if value == value)
        result[i] = numbers[place(len(numbers))] if numbers else np.nan
    return result.reshape(shape)


PLACES = {"min": lambda count: 0, "max": lambda count: -1, "median": lambda count: (count - 1) // 2}


def downsample(fine, offset, factor, method, outside=None):
    """Returns (coarse voxels, their offset). `outside`: what voxels that do not exist count as in an average."""
    values, exists, begin = _cells(fine, np.array(offset), np.array(factor))
    if method == "stride":
        coarse = _stride(values, exists)
    elif method in PLACES:
        coarse = _ordered(values, exists, PLACES[method])
    elif method == "majority":
        coarse = _majority(values, exists)
    elif np.issubdtype(fine.dtype, np.integer):
        coarse = _average_integers(values, exists, outside)
    else:
        coarse = _average_floats(values, exists, outside)
    return coarse.astype(fine.dtype), begin
