# SPDX-License-Identifier: Apache-2.0
"""Sources whose levels cannot be the scales of a dataset (--scales keep)."""

import struct

import tifffile

import volumes
from bad_input import case, good, patch

SIZES = [(12, 16, 20), (6, 8, 10)]


def image(folder, scale=2.0, translation=0.5, shape=None, dtype="u2"):
    """Two levels; what is said of the coarser one can be told."""
    import zarr

    transforms = [[1.0, 0.0], [scale, translation]]
    group = zarr.open_group(folder / "v.zarr", mode="w", attributes={"ome": {"version": "0.5", "multiscales": [{
        "axes": [{"name": a, "type": "space", "unit": "nanometer"} for a in "zyx"],
        "datasets": [{"path": str(n), "coordinateTransformations": [
            {"type": "scale", "scale": [s] * 3}, {"type": "translation", "translation": [t] * 3}]}
            for n, (s, t) in enumerate(transforms)]}]}})
    for number, size in enumerate([SIZES[0], shape or SIZES[1]]):
        group.create_array(str(number), shape=size, dtype=dtype if number else "u2")[...] = volumes.noise(size, "u1")


KEEP = ("convert", "v.zarr", "out", "--scales", "keep")


@case(3, *KEEP)
def level_of_no_whole_factor(folder):
    image(folder, scale=2.4, translation=0.7)


@case(3, *KEEP)
def level_whose_size_no_factor_makes(folder):
    image(folder, scale=20 / 9, translation=11 / 18, shape=(6, 8, 9))


@case(3, *KEEP)
def level_between_voxels(folder):
    image(folder, translation=0.9)


@case(3, *KEEP)
def level_that_is_not_coarser(folder):
    image(folder, scale=1.0, translation=0.0)


@case(3, *KEEP)
def level_of_another_type(folder):
    image(folder, dtype="f4")


@case(3, *KEEP)
def level_that_is_missing(folder):
    image(folder)
    (folder / "v.zarr/1/zarr.json").unlink()


@case(2, *KEEP, "--crop", "0:20,1:16,0:12")
def crop_that_cuts_voxels_of_a_level(folder):
    image(folder)


@case(3, *KEEP, "--voxel-offset", "1,0,0")
def offset_that_no_level_has(folder):
    image(folder)


@case(2, "convert", "v.nii", "out", "--scales", "keep", "--factor", "2,2,1")
def factors_of_kept_scales(folder):
    good(folder)


@case(2, "convert", "v.nii", "out", "--scales", "all")
def scales_that_are_no_number(folder):
    good(folder)


def pyramid(folder, *levels):
    """A TIFF of two pages whose levels lie in SubIFDs; each level has a size for every page, or nothing."""
    with tifffile.TiffWriter(folder / "v.tif") as file:
        for page in range(2):
            sizes = [level[page] for level in levels if level[page]]
            file.write(volumes.noise((40, 60), "u1"), subifds=len(sizes), photometric="minisblack", metadata=None)
            for size in sizes:
                file.write(volumes.noise(size, "u1"), photometric="minisblack", subfiletype=1, metadata=None)
    with tifffile.TiffFile(folder / "v.tif") as file:
        return file.pages[1].subifds


TIFF = ("convert", "v.tif", "out", "--scales", "keep", "--voxel-size", "1um")


@case(3, *TIFF)
def tiff_whose_pages_have_levels_of_two_sizes(folder):
    pyramid(folder, [(20, 30), (20, 30)], [(10, 15), (10, 14)])


@case(3, *TIFF)
def tiff_whose_pages_have_more_and_less_levels(folder):
    pyramid(folder, [(20, 30), (20, 30)], [(10, 15), None])


@case(3, *TIFF)
def tiff_whose_level_no_factor_makes(folder):
    pyramid(folder, [(20, 25), (20, 25)])


@case(3, *TIFF)
def tiff_whose_level_is_larger(folder):
    pyramid(folder, [(80, 120), (80, 120)])


@case(3, *TIFF)
def tiff_whose_level_is_elsewhere(folder):
    pyramid(folder, [(20, 30), (20, 30)])
    data = (folder / "v.tif").read_bytes()
    place = data.find(struct.pack("<I", pyramid(folder, [(20, 30), (20, 30)])[0]))
    patch(folder / "v.tif", place, "<I", len(data) - 3)


@case(3, *TIFF)
def tiff_whose_level_has_another_type(folder):
    with tifffile.TiffWriter(folder / "v.tif") as file:
        file.write(volumes.noise((40, 60), "u1"), subifds=1, photometric="minisblack", metadata=None)
        file.write(volumes.noise((20, 30), "u2"), subfiletype=1, photometric="minisblack", metadata=None)
