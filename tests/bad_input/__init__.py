# SPDX-License-Identifier: Apache-2.0
"""Bad input of all kinds. Every module here registers cases, which test_errors.py runs."""

import importlib
import pkgutil
import struct

import volumes
from volumes import save_nifti

CASES = {}


def case(status, *arguments):
    """Registers a test: the function makes the input in a folder, which is where `ngforge ARGUMENTS` runs."""
    def register(function):
        assert function.__name__ not in CASES
        CASES[function.__name__] = status, arguments, function
        return function
    return register


def good(folder, values=None, name="v.nii", **options):
    values = volumes.noise((7, 5, 3), "u1") if values is None else values
    return save_nifti(folder / name, values, **options)


def patch(path, offset, layout, *values):
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, offset, *values)
    path.write_bytes(data)


CONVERT = ("convert", "v.nii", "out")


for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")
