# SPDX-License-Identifier: Apache-2.0
"""`--scales keep` of TIFF: levels that lie beside the pages (SubIFDs) or behind the only one, as tifffile writes them."""

import numpy as np
import pytest
import tifffile

import volumes
from precomputed import Dataset
from program import convert, run
from site_under_test import Site, served

KEEP = ("--scales", "keep", "--chunk-size", "16")
SIZED = ("--voxel-size", "8nm,8nm,40nm")
LENGTHS = {"PhysicalSizeX": 8, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 8, "PhysicalSizeYUnit": "nm",
           "PhysicalSizeZ": 40, "PhysicalSizeZUnit": "nm"}
# Rows and columns: halves that are cut off, rounded up, and exact.
SIZES = [(84, 101), (42, 50), (21, 25)]
UP = [(83, 101), (42, 51), (21, 26)]


def noise_of(before, sizes=SIZES, dtype="u2", behind=()):
    """Levels that have nothing to do with each other."""
    return [volumes.noise((*before, *size, *behind), dtype, seed) for seed, size in enumerate(sizes)]


def write(path, levels, axes=None, **options):
    """Every level of a page in its SubIFDs."""
    options = {"photometric": "minisblack", **options}
    metadata = {"axes": axes, **LENGTHS} if axes else None
    with tifffile.TiffWriter(path, ome=axes is not None, bigtiff=options.pop("bigtiff", False),
                             byteorder=options.pop("byteorder", "<")) as file:
        file.write(levels[0], subifds=len(levels) - 1, metadata=metadata, **options)
        for level in levels[1:]:
            file.write(level, subfiletype=1, metadata=None, **options)


def check_levels(folder, levels, to_volume):
    """Voxels of every scale, and that all of them fill the same space."""
    dataset = Dataset(folder)
    assert len(dataset.scales) == len(levels)
    first = dataset.scales[0]
    for number, (scale, level) in enumerate(zip(dataset.scales, levels, strict=True)):
        np.testing.assert_array_equal(dataset.read(number), to_volume(level), err_msg=f"scale {number}")
        assert scale["voxel_offset"] == [0, 0, 0]
        np.testing.assert_allclose(np.multiply(scale["size"], scale["resolution"]),
                                   np.multiply(first["size"], first["resolution"]), rtol=1e-12)


def pages(level):
    return level.transpose(2, 1, 0)[..., None]


def planes_by_channel(level):
    return level.transpose(3, 2, 1, 0)


@pytest.mark.parametrize("sizes", [SIZES, UP, [(96, 64), (48, 32), (12, 8)]])
@pytest.mark.parametrize("options", [{}, {"tile": (16, 32), "compression": "zlib", "predictor": 2},
                                     {"bigtiff": True, "byteorder": ">", "rowsperstrip": 7}], ids=str)
def test_ome_tiff(tmp_path, sizes, options):
    levels = noise_of((3, 4), sizes)
    write(tmp_path / "a.ome.tif", levels, "CZYX", **options)
    read = [tifffile.imread(tmp_path / "a.ome.tif", level=n) for n in range(3)]
    assert all(np.array_equal(a, b) for a, b in zip(read, levels, strict=True))
    convert(tmp_path / "a.ome.tif", tmp_path / "out", *KEEP)
    check_levels(tmp_path / "out", levels, planes_by_channel)
    assert Dataset(tmp_path / "out").scales[0]["resolution"] == [8, 8, 40]


@pytest.mark.parametrize("dtype", ["u1", "i4", "f4"])
def test_pages_and_one_channel_of_several(tmp_path, dtype):
    levels = noise_of((4,), dtype=dtype)
    write(tmp_path / "a.tif", levels, compression="zlib", tile=(16, 16))
    convert(tmp_path / "a.tif", tmp_path / "out", *KEEP, *SIZED, "--type", "image")
    check_levels(tmp_path / "out", levels, pages)
    levels = noise_of((3, 4), dtype=dtype)
    write(tmp_path / "b.ome.tif", levels, "CZYX")
    convert(tmp_path / "b.ome.tif", tmp_path / "one", *KEEP, "--channel", "2", "--type", "image")
    check_levels(tmp_path / "one", [level[2] for level in levels], pages)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colors(tmp_path, compression):
    levels = noise_of((4,), dtype="u1", behind=(3,))
    write(tmp_path / "a.tif", levels, photometric="rgb", compression=compression)
    convert(tmp_path / "a.tif", tmp_path / "out", *KEEP, *SIZED)
    check_levels(tmp_path / "out", levels, lambda level: level.transpose(2, 1, 0, 3))


def test_levels_that_are_pages(tmp_path):
    """How COG and many others lay out a single picture; what has another type is no level."""
    levels = noise_of(())
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for number, level in enumerate(levels):
            file.write(level, subfiletype=min(number, 1), tile=(16, 16), photometric="minisblack", metadata=None)
        file.write(volumes.noise((20, 24), "u1"), subfiletype=1, photometric="minisblack", metadata=None)
    convert(tmp_path / "a.tif", tmp_path / "out", *KEEP, *SIZED)
    check_levels(tmp_path / "out", levels, lambda level: level.transpose()[..., None, None])
    assert len(Dataset(tmp_path / "out").scales) == 3


def test_several_files(tmp_path):
    """A folder of pyramids, one slice each."""
    levels = noise_of((5,))
    (tmp_path / "s").mkdir()
    for z in range(5):
        write(tmp_path / f"s/{z}.tif", [level[z] for level in levels], compression="zlib")
    convert(tmp_path / "s", tmp_path / "out", *KEEP, *SIZED)
    check_levels(tmp_path / "out", levels, pages)
    write(tmp_path / "s/3.tif", [level[3] for level in levels[:2]])
    wrong = run("convert", tmp_path / "s", tmp_path / "no", *KEEP, *SIZED)
    assert wrong.status == 3 and "3.tif: page 0: expected 2 smaller copies like the first, found 1" in wrong.err


@pytest.mark.parametrize("orientation", ["RAS", "LIP", "SPR"])
def test_orientation(tmp_path, orientation):
    levels = noise_of((4,))
    write(tmp_path / "a.tif", levels)
    options = ("--input-orientation", orientation, *SIZED)
    convert(tmp_path / "a.tif", tmp_path / "out", *KEEP, *options)
    for number, level in enumerate(levels):
        tifffile.imwrite(tmp_path / "level.tif", level, metadata=None, photometric="minisblack")
        convert(tmp_path / "level.tif", tmp_path / f"level{number}", *options, "--scales", "1")
    alone = [Dataset(tmp_path / f"level{number}").read(0) for number in range(3)]
    check_levels(tmp_path / "out", alone, lambda level: level)


def test_live_is_what_convert_makes(tmp_path):
    write(tmp_path / "a.ome.tif", noise_of((2, 20)), "CZYX", tile=(16, 16), compression="zlib")
    convert(tmp_path / "a.ome.tif", tmp_path / "out", *KEEP, "--layout", "flat", "--compress", "none")
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file() and p.name != "provenance"]
    assert len(files) == 2 * (7 * 6 + 4 * 3 + 2 * 2) + 1  # chunks of 16 voxels
    with served(tmp_path / "a.ome.tif", *KEEP) as (_, line):
        site = Site(line)
        for path in files:
            answer = site.ask(f"/data/a/{path.relative_to(tmp_path / 'out')}")
            assert answer.status == 200 and answer.content == path.read_bytes(), path


def test_levels_are_listed_and_left_alone(tmp_path):
    levels = noise_of((4,))
    write(tmp_path / "a.ome.tif", levels, "ZYX", tile=(16, 16))
    lines = [line.split() for line in run("info", tmp_path / "a.ome.tif", "--scales").out.splitlines()[1:]]
    assert [line[:3] for line in lines] == [["0", "101,84,4", "8,8,40"], ["1", "50,42,4", "16.16,16,40"],
                                            ["2", "25,21,4", "32.32,32,40"]]
    convert(tmp_path / "a.ome.tif", tmp_path / "out", "--scales", "1")
    check_levels(tmp_path / "out", levels[:1], pages)
