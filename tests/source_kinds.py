# SPDX-License-Identifier: Apache-2.0
"""One source of each kind that is not precomputed, written by another package, whose values tell their voxel.

Each function writes its source into a folder and returns (place, values, affine): where it is, [x, y, z] or
[x, y, z, channel] as stored, and voxel centres to RAS+ millimetres. Voxels are 2 mm wide.
"""

import gzip
from dataclasses import dataclass
from typing import Callable

import h5py
import nibabel as nib
import nrrd
import numpy as np
import tensorstore
import tifffile
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.writer import write_image
from PIL import Image

SIZE = (40, 30, 20)
VOXEL_MM = 2.0
KINDS = {}


@dataclass
class Kind:
    make: Callable
    options: tuple  # of convert and serve: what the source itself does not say


def kind(*options):
    def register(function):
        KINDS[function.__name__] = Kind(function, options)
        return function
    return register


def made_by_options(folder):
    """All kinds, written into a folder: {options: {kind: what was made}}."""
    groups = {}
    for name, row in KINDS.items():
        groups.setdefault(row.options, {})[name] = row.make(folder)
    return groups


SIZED = ("--voxel-size", "2mm")


def wide():
    """16 bits, another value in each voxel, none 0."""
    x, y, z = np.indices(SIZE)
    return (1 + x + SIZE[0] * (y + SIZE[1] * z)).astype("u2")


def narrow():
    """8 bits, another value in each neighbour, none 0."""
    x, y, z = np.indices(SIZE)
    return ((5 * x + 11 * y + 23 * z) % 251 + 1).astype("u1")


def at_corner():
    """The corner of the volume is the world's origin, as it is of what has no world."""
    affine = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1])
    affine[:3, 3] = VOXEL_MM / 2
    return affine


def tilted_letters():
    """Axes that run to the left, backwards and down, in another order, over the same millimetres."""
    affine = np.zeros((4, 4))
    affine[0, 2] = affine[1, 0] = affine[2, 1] = -VOXEL_MM
    affine[:3, 3] = VOXEL_MM * np.array([SIZE[2], SIZE[0], SIZE[1]]) - VOXEL_MM / 2
    affine[3, 3] = 1
    return affine


def by_nibabel(path, image_class, values, affine):
    nib.save(image_class(values, affine), path)
    return path, values, affine


@kind()
def nifti(folder):
    return by_nibabel(folder / "nifti.nii", nib.Nifti1Image, wide(), tilted_letters())


@kind()
def nifti_gz(folder):
    return by_nibabel(folder / "nifti_gz.nii.gz", nib.Nifti2Image, wide(), at_corner())


@kind()
def nifti_pair(folder):
    return by_nibabel(folder / "nifti_pair.img", nib.Nifti1Pair, wide(), at_corner())


@kind()
def mgz(folder):
    return by_nibabel(folder / "mgz.mgz", nib.MGHImage, narrow(), tilted_letters())


@kind()
def analyze(folder):
    image = nib.Spm99AnalyzeImage(wide().astype("i2"), None)
    image.header.set_zooms((VOXEL_MM,) * 3)
    image.header["origin"][:3] = SIZE[0], 1, 1  # the first axis runs to the left
    nib.save(image, folder / "analyze.img")
    (folder / "analyze.mat").unlink(missing_ok=True)
    return folder / "analyze.hdr", wide().astype("i2"), nib.load(folder / "analyze.hdr").affine


@kind()
def nrrd_gzip(folder):
    affine = tilted_letters()
    nrrd.write(str(folder / "nrrd_gzip.nrrd"), wide(), {
        "encoding": "gzip", "space": "right-anterior-superior", "space directions": affine[:3, :3].T,
        "space origin": affine[:3, 3]})
    return folder / "nrrd_gzip.nrrd", wide(), affine


@kind()
def nrrd_apart(folder):
    nrrd.write(str(folder / "nrrd_apart.nhdr"), narrow(), {"encoding": "raw", "spacings": [VOXEL_MM] * 3})
    return folder / "nrrd_apart.nhdr", narrow(), at_corner()


@kind()
def hdf5(folder):
    with h5py.File(folder / "hdf5.h5", "w") as file:
        dataset = file.create_dataset("a/b", data=wide().T, chunks=(7, 8, 9), compression="gzip", shuffle=True)
        dataset.attrs["element_size_um"] = [1000 * VOXEL_MM] * 3
    return f"{folder / 'hdf5.h5'}|hdf5:/a/b", wide(), at_corner()


@kind()
def hdf5_labels(folder):
    values = wide() * np.uint64(0x123456789)
    with h5py.File(folder / "hdf5_labels.h5", "w") as file:
        file["labels"] = values.T
        file["labels"].attrs["resolution"] = [1e6 * VOXEL_MM] * 3
    return folder / "hdf5_labels.h5", values, at_corner()


@kind(*SIZED)
def npy_gz(folder):
    values = (wide() / 4 + 0.125).astype(">f4")
    with gzip.open(folder / "npy_gz.npy.gz", "wb") as file:
        np.save(file, np.asfortranarray(values))
    return folder / "npy_gz.npy.gz", values.astype("f4"), at_corner()


@kind(*SIZED)
def npy(folder):
    np.save(folder / "npy.npy", np.ascontiguousarray(wide().T))
    return folder / "npy.npy", wide(), at_corner()


@kind(*SIZED, "--shape", ",".join(map(str, SIZE)), "--dtype", ">u2")
def raw(folder):
    (folder / "raw.raw").write_bytes(wide().astype(">u2").tobytes(order="F"))
    return folder / "raw.raw", wide(), at_corner()


def by_ome_zarr(folder, name, version):
    path = folder / f"{name}.zarr"
    write_image(wide().T, str(path), axes=list("zyx"), fmt=version, scale_factors=[], storage_options={"chunks": (8, 9, 10)},
                scale={axis: VOXEL_MM for axis in "zyx"}, axes_units={axis: "millimeter" for axis in "zyx"})
    affine = at_corner()
    affine[:3, 3] = 0  # voxel centres, and the first is the origin
    return path, wide(), affine


@kind()
def ome_zarr_4(folder):
    return by_ome_zarr(folder, "ome_zarr_4", FormatV04())


@kind()
def ome_zarr_5(folder):
    return by_ome_zarr(folder, "ome_zarr_5", FormatV05())


@kind(*SIZED)
def zarr_2(folder):
    array = zarr.create_array(folder / "zarr_2.zarr", shape=SIZE[::-1], dtype=">u2", zarr_format=2, chunks=(8, 9, 10))
    array[...] = wide().T
    return folder / "zarr_2.zarr", wide(), at_corner()


@kind(*SIZED)
def zarr_3(folder):
    array = zarr.create_array(folder / "zarr_3.zarr", shape=SIZE[::-1], dtype="u1", zarr_format=3, chunks=(4, 4, 8),
                              shards=(8, 8, 16))
    array[...] = narrow().T
    return folder / "zarr_3.zarr", narrow(), at_corner()


@kind(*SIZED)
def n5(folder):
    tensorstore.open({"driver": "n5", "kvstore": f"file://{folder / 'n5.n5'}", "create": True, "metadata": {
        "dimensions": SIZE, "blockSize": [8, 9, 10], "dataType": "uint16", "compression": {"type": "gzip"}}},
        write=True).result()[...] = wide()
    return folder / "n5.n5", wide(), at_corner()


@kind(*SIZED)
def tiff(folder):
    tifffile.imwrite(folder / "tiff.tif", wide().T, compression="zlib", predictor=2, tile=(16, 16), photometric="minisblack",
                     metadata=None)
    return folder / "tiff.tif", wide(), at_corner()


@kind()
def ome_tiff(folder):
    size = {f"PhysicalSize{axis}": VOXEL_MM for axis in "XYZ"} | {f"PhysicalSize{axis}Unit": "mm" for axis in "XYZ"}
    tifffile.imwrite(folder / "ome_tiff.ome.tif", wide().T, metadata={"axes": "ZYX", **size})
    return folder / "ome_tiff.ome.tif", wide(), at_corner()


def slices(folder, name, suffix, planes, **options):
    """[z, y, x] or [z, y, x, sample] to files whose names have their natural order only."""
    (folder / name).mkdir()
    for number, plane in enumerate(planes):
        Image.fromarray(plane).save(folder / name / f"z{number}{suffix}", **options)
    return folder / name


@kind(*SIZED)
def png_slices(folder):
    return slices(folder, "png_slices", ".png", wide().T), wide(), at_corner()


@kind(*SIZED)
def bmp_slices(folder):
    values = np.stack([narrow(), 255 - narrow(), np.roll(narrow(), 1, axis=0)], axis=-1)
    return slices(folder, "bmp_slices", ".bmp", values.transpose(2, 1, 0, 3)), values, at_corner()


@kind(*SIZED)
def jpeg_slices(folder):
    x, y, z = np.indices(SIZE)
    place = slices(folder, "jpeg_slices", ".jpg", (20 + 2 * x + 3 * y + z).astype("u1").T, quality=95)
    decoded = [np.asarray(Image.open(place / f"z{number}.jpg")) for number in range(SIZE[2])]
    return place, np.stack(decoded).T, at_corner()


@kind(*SIZED)
def tiff_slices(folder):
    (folder / "tiff_slices").mkdir()
    for number, plane in enumerate(narrow().T):
        tifffile.imwrite(folder / f"tiff_slices/{number:03}.tif", plane, compression="lzw", metadata=None)
    return folder / "tiff_slices", narrow(), at_corner()
