# SPDX-License-Identifier: Apache-2.0
"""TIFF, PNG, JPEG and BMP that lie or are cut, and slices that do not fit each other."""

import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

import volumes
from bad_input import case, patch

SIZED = ("--voxel-size", "1um")
PLANES = (3, 20, 30)  # slices, rows, columns


def tiff(folder, **options):
    """A file of three pages; returns its path and where each page's directory begins."""
    path = folder / "v.tif"
    tifffile.imwrite(path, volumes.noise(PLANES, "u1"), photometric="minisblack", metadata=None, **options)
    with tifffile.TiffFile(path) as file:
        return path, [page.offset for page in file.pages]


def field(path, page, tag):
    """Where the value of a tag lies in the file, when it fits into its entry."""
    with tifffile.TiffFile(path) as file:
        return file.pages[page].tags[tag].offset + 8


def slices(folder, suffix, shapes=(PLANES[1:],) * 3, dtypes=("u1",) * 3, **options):
    (folder / "s").mkdir()
    paths = [folder / f"s/{number}{suffix}" for number in range(len(shapes))]
    for path, shape, dtype in zip(paths, shapes, dtypes, strict=True):
        Image.fromarray(volumes.noise(shape, dtype)).save(path, **options)
    return paths


def cut(path, keep):
    path.write_bytes(path.read_bytes()[:keep])


TIFF = ("convert", "v.tif", "out", *SIZED)
SLICES = ("convert", "s", "out", *SIZED)


@case(3, *TIFF)
def tiff_whose_directories_go_in_circles(folder):
    path, (first, second, _) = tiff(folder)
    count = struct.unpack_from("<H", path.read_bytes(), second)[0]
    patch(path, second + 2 + 12 * count, "<I", first)


@case(3, *TIFF)
def tiff_without_directory(folder):
    path, _ = tiff(folder)
    patch(path, 4, "<I", 0)


@case(3, *TIFF)
def tiff_whose_pixels_are_cut(folder):
    path, _ = tiff(folder)
    patch(path, field(path, 2, "StripOffsets"), "<I", path.stat().st_size - 100)


@case(3, *TIFF)
def tiff_whose_packed_pixels_are_cut(folder):
    path, _ = tiff(folder, compression="zlib")
    patch(path, field(path, 1, "StripByteCounts"), "<I", 40)


@case(3, *TIFF)
def tiff_whose_directory_is_cut(folder):
    path, (_, _, last) = tiff(folder)
    cut(path, last + 20)


@case(3, *TIFF)
def tiff_of_unknown_compression(folder):
    path, _ = tiff(folder)
    for page in range(3):
        patch(path, field(path, page, "Compression"), "<H", 34712)  # JPEG 2000


@case(3, *TIFF)
def tiff_of_bits(folder):
    tifffile.imwrite(folder / "v.tif", volumes.noise(PLANES, "u1") > 99, photometric="minisblack", metadata=None)


@case(3, *TIFF)
def tiff_of_pages_of_two_sizes(folder):
    with tifffile.TiffWriter(folder / "v.tif") as file:
        for shape in (20, 30), (20, 30), (20, 31):
            file.write(volumes.noise(shape, "u1"), photometric="minisblack", metadata=None)


@case(3, *TIFF)
def tiff_whose_strip_is_a_bomb(folder):
    path, _ = tiff(folder, compression="zlib")
    for page in range(3):
        for tag in "ImageWidth", "ImageLength", "RowsPerStrip":
            patch(path, field(path, page, tag), "<I", 50000)


@case(3, "convert", "v.png", "out", *SIZED)
def png_picture_that_is_a_bomb(folder):
    Image.fromarray(volumes.noise((20, 30), "u1")).save(folder / "v.png")
    patch(folder / "v.png", 16, ">II", 2**31 - 1, 2**31 - 1)
    patch(folder / "v.png", 29, ">I", zlib.crc32((folder / "v.png").read_bytes()[12:29]))


@case(3, "convert", "v.png", "out", *SIZED)
def interlaced_png_that_is_a_bomb(folder):
    Image.fromarray(volumes.noise((20, 30), "u1")).save(folder / "v.png")
    patch(folder / "v.png", 16, ">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 1)
    patch(folder / "v.png", 29, ">I", zlib.crc32((folder / "v.png").read_bytes()[12:29]))


@case(3, "convert", "v.bmp", "out", *SIZED)
def bmp_that_is_packed(folder):
    Image.fromarray(volumes.noise((20, 30), "u1")).save(folder / "v.bmp")
    patch(folder / "v.bmp", 30, "<I", 1)


@case(3, "convert", "v.bmp", "out", *SIZED)
def bmp_that_is_cut(folder):
    Image.fromarray(volumes.noise((20, 30), "u1")).save(folder / "v.bmp")
    cut(folder / "v.bmp", 900)


@case(3, "convert", "v.bmp", "out", *SIZED)
def bmp_of_impossible_size(folder):
    Image.fromarray(volumes.noise((20, 30), "u1")).save(folder / "v.bmp")
    patch(folder / "v.bmp", 18, "<ii", 2**31 - 1, -(2**31))


@case(3, "convert", "v.jpg", "out", *SIZED)
def jpeg_of_four_inks(folder):
    Image.fromarray(volumes.noise((20, 30, 4), "u1"), "CMYK").save(folder / "v.jpg")


@case(3, *SLICES)
def slice_that_is_a_cut_jpeg(folder):
    paths = slices(folder, ".jpg")
    cut(paths[1], paths[1].stat().st_size // 2)


@case(3, *SLICES)
def slice_that_is_a_cut_png(folder):
    paths = slices(folder, ".png")
    cut(paths[2], paths[2].stat().st_size - 60)


@case(3, *SLICES)
def slice_of_another_size(folder):
    slices(folder, ".png", ((20, 30), (20, 30), (21, 30)))


@case(3, *SLICES)
def slice_of_another_type(folder):
    slices(folder, ".png", dtypes=("u1", "u2", "u1"))


@case(3, *SLICES)
def slice_of_colours_among_grey_ones(folder):
    slices(folder, ".png", ((20, 30), (20, 30, 3), (20, 30)))


@case(3, *SLICES)
def slice_that_is_a_text(folder):
    slices(folder, ".png")[1].write_text("no picture")


@case(3, *SLICES)
def folder_without_slices(folder):
    (folder / "s").mkdir()
    (folder / "s/readme.txt").write_text("nothing")


@case(3, "convert", "s/*.tif", "out", *SIZED)
def pattern_without_slices(folder):
    slices(folder, ".png")


@case(3, "convert", "a", "b", "out", *SIZED)
def channels_of_two_lengths(folder):
    slices(folder, ".png")
    (folder / "s").rename(folder / "a")
    slices(folder, ".png", ((20, 30),) * 2, ("u1",) * 2)
    (folder / "s").rename(folder / "b")


@case(2, *SLICES, "--input-orientation", "RAX")
def unknown_input_orientation(folder):
    slices(folder, ".png")


@case(2, "convert", "v.npy", "out", *SIZED, "--input-orientation", "RIA")
def input_orientation_of_an_array(folder):
    np.save(folder / "v.npy", volumes.noise(PLANES, "u1"))
