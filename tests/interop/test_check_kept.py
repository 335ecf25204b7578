# SPDX-License-Identifier: Apache-2.0
"""`check` of scales that were kept from their source: whatever filter made them, but the same picture of the same size."""

import json

import numpy as np
import pytest
import tensorstore
import tifffile
import zarr
from ome_zarr.scale import Methods
from ome_zarr.writer import write_image
from scipy import ndimage
from skimage.transform import resize

import volumes
from precomputed import Dataset
from program import convert, run

SHAPE = (16, 64, 96)  # z, y, x
KEEP = ("--scales", "keep", "--chunk-size", "16")


def as_type_of(values, like):
    return values.astype(like.dtype) if like.dtype.kind == "f" else np.rint(values).clip(
        *(getattr(np.iinfo(like.dtype), bound) for bound in ("min", "max"))).astype(like.dtype)


# How others make the next level of one of an even size.
FILTERS = {
    "nearest": lambda v: v[::2, ::2, ::2],
    "last-of-cell": lambda v: v[1::2, 1::2, 1::2],
    "next-cell": lambda v: np.pad(v, [(0, 2)] * 3, "edge")[2::2, 2::2, 2::2],
    "gaussian": lambda v: as_type_of(ndimage.gaussian_filter(v.astype("f8"), 1), v)[::2, ::2, ::2],
    "anti-aliased": lambda v: as_type_of(resize(v.astype("f8"), [n // 2 for n in v.shape], order=1, anti_aliasing=True), v),
    "zoom": lambda v: as_type_of(ndimage.zoom(v.astype("f8"), 0.5, order=3, mode="nearest"), v),
}
KINDS = {"noise": lambda: volumes.noise(SHAPE, "u2"), "float": lambda: volumes.noise(SHAPE, "f4"),
         "picture": lambda: volumes.structured(SHAPE, "u1")}


def levels_of(values, name, count=3):
    levels = [values]
    while len(levels) < count:
        levels.append(FILTERS[name](levels[-1]))
    return levels


def n5(folder, levels):
    for number, level in enumerate(levels):
        tensorstore.open({"driver": "n5", "kvstore": f"file://{folder}/s{number}", "create": True,
                          "metadata": {"dimensions": level.shape[::-1], "blockSize": (32, 32, 16),
                                       "dataType": level.dtype.name, "compression": {"type": "gzip"}}},
                         ).result()[...] = level.transpose()
    attributes = {"scales": [[2**n] * 3 for n in range(len(levels))],
                  "pixelResolution": {"unit": "nm", "dimensions": [4, 4, 4]}}
    (folder / "attributes.json").write_text(json.dumps(attributes))


def tiff(path, levels):
    """Levels of the same pages."""
    lengths = {f"PhysicalSize{a}{b}": v for a in "XYZ" for b, v in (("", 4), ("Unit", "nm"))}
    with tifffile.TiffWriter(path, ome=True) as file:
        file.write(levels[0], subifds=len(levels) - 1, metadata={"axes": "ZYX", **lengths}, photometric="minisblack")
        for level in levels[1:]:
            file.write(level, subfiletype=1, photometric="minisblack", metadata=None)


def codes(place):
    done = run("check", place, "--json")
    assert "was not compared" not in done.err
    return [finding["code"] for finding in done.json]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILTERS)
def test_n5(tmp_path, name, kind):
    n5(tmp_path / "a.n5", levels_of(KINDS[kind](), name))
    convert(tmp_path / "a.n5", tmp_path / "out", *KEEP)
    assert codes(tmp_path / "out") == []
    # Copied, they are kept once more.
    convert(tmp_path / "out", tmp_path / "copy", "--scales", "keep", "--layout", "flat")
    assert codes(tmp_path / "copy") == []


@pytest.mark.parametrize("name", ["nearest", "last-of-cell", "next-cell"])
def test_labels(tmp_path, name):
    n5(tmp_path / "a.n5", levels_of(volumes.noise(SHAPE, "u4"), name))
    convert(tmp_path / "a.n5", tmp_path / "out", *KEEP, "--type", "segmentation")
    assert codes(tmp_path / "out") == []


@pytest.mark.parametrize("method", ["resize", "nearest", "local_mean"])
def test_ome_zarr(tmp_path, method):
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=3)
    write_image(volumes.noise(SHAPE, "u2"), group, axes="zyx", axes_units=dict.fromkeys("zyx", "nanometer"),
                method=Methods(method), scale_factors=(2, 4))
    convert(tmp_path / "a.zarr", tmp_path / "out", *KEEP)
    assert len(Dataset(tmp_path / "out").scales) == 3
    assert codes(tmp_path / "out") == []


@pytest.mark.parametrize("name", FILTERS)
def test_sub_ifds(tmp_path, name):
    flat = {"nearest": lambda v: v[:, ::2, ::2], "last-of-cell": lambda v: v[:, 1::2, 1::2]}
    step = flat.get(name, lambda v: np.stack([FILTERS[name](np.repeat(page[None], 4, 0))[1] for page in v]))
    values = volumes.noise(SHAPE, "u2")
    tiff(tmp_path / "a.ome.tif", [values, step(values), step(step(values))])
    convert(tmp_path / "a.ome.tif", tmp_path / "out", *KEEP)
    assert len(Dataset(tmp_path / "out").scales) == 3
    assert codes(tmp_path / "out") == []


@pytest.mark.parametrize("encoding", ["raw", "jpeg"])
def test_another_picture(tmp_path, encoding):
    """The coarsest level is turned around, is a negative, or is of somewhere else."""
    wrongs = [lambda v: 200 - v, lambda v: volumes.structured(v.shape, "u1") // 2, lambda v: v[::-1, ::-1, ::-1]]
    for number, wrong in enumerate(wrongs if encoding == "raw" else wrongs[:2]):
        levels = levels_of(volumes.structured(SHAPE, "u1"), "gaussian")
        levels[2] = wrong(levels[2])
        n5(tmp_path / f"{number}.n5", levels)
        convert(tmp_path / f"{number}.n5", tmp_path / f"{number}", *KEEP, "--encoding", encoding)
        assert set(codes(tmp_path / f"{number}")) == {"scales-disagree"}


@pytest.mark.parametrize("change", [{"size": [47, 32, 8]}, {"voxel_offset": [1, 0, 0]}], ids=str)
def test_another_place(tmp_path, change):
    n5(tmp_path / "a.n5", levels_of(volumes.noise(SHAPE, "u2"), "gaussian"))
    convert(tmp_path / "a.n5", tmp_path / "out", *KEEP)
    info = Dataset(tmp_path / "out").info
    info["scales"][1].update(change)
    (tmp_path / "out/info").write_text(json.dumps(info))
    assert codes(tmp_path / "out") == ["wrong-size"]
