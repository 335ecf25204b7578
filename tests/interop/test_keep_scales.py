# SPDX-License-Identifier: Apache-2.0
"""`--scales keep`: the levels of a source are the scales of the result, voxel for voxel, live as converted."""

import json

import numpy as np
import pytest
import tensorstore
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.scale import Methods, Scaler
from ome_zarr.writer import write_image, write_multiscale

import volumes
from precomputed import Dataset
from program import convert, peak_bytes, run
from site_under_test import Site, served
from web import serving

# Sizes of the levels, z, y, x; what a factor leaves over is cut off, as many writers do.
SIZES = [(13, 42, 51), (13, 21, 25), (6, 10, 12)]
FACTORS = [(1, 1, 1), (1, 2, 2), (2, 4, 4)]
KEEP = ("--scales", "keep", "--chunk-size", "16")


def noise_of(sizes, dtype="u2", channels=()):
    """Levels that have nothing to do with each other."""
    return [volumes.noise((*channels, *size), dtype, seed) for seed, size in enumerate(sizes)]


def ome(folder, levels, version="0.5", unit="micrometer", begin=(0.0, 0.0, 0.0), translates=True, factors=FACTORS):
    """An image by the ome-zarr package, whose translations put all levels into the same corner."""
    axes = "czyx"[-levels[0].ndim:]
    fmt = {"0.4": FormatV04(), "0.5": FormatV05()}[version]
    group = zarr.open_group(str(folder), mode="w", zarr_format=fmt.zarr_format)
    write_multiscale(levels, group, fmt=fmt, axes=list(axes), axes_units={a: unit for a in "zyx" if unit},
                     storage_options={"chunks": (1,) * (len(axes) - 3) + (8, 16, 16)})
    path = folder / {"0.4": ".zattrs", "0.5": "zarr.json"}[version]
    text = json.loads(path.read_text())
    image = (text if version == "0.4" else text["attributes"]["ome"])["multiscales"][0]
    # The package computes scales from the sizes of the levels: 51 / 25 is not 2.
    for level, factor in zip(image["datasets"], factors, strict=True):
        scale = [2.5 * factor[0], 0.5 * factor[1], 0.25 * factor[2]]
        centre = [b + (s - s / f) / 2 for b, s, f in zip(begin, scale, factor, strict=True)]
        others = len(axes) - 3
        level["coordinateTransformations"] = [{"type": "scale", "scale": [1.0] * others + scale}]
        if translates:
            level["coordinateTransformations"].append({"type": "translation", "translation": [0.0] * others + centre})
    path.write_text(json.dumps(text))


def spread(level):
    """[x, y, z, channel] of [channel,] z, y, x."""
    return level.transpose()[..., None] if level.ndim == 3 else level.transpose(3, 2, 1, 0)


def check_levels(folder, levels, resolution, offset=((0, 0, 0),) * 3):
    dataset = Dataset(folder)
    assert len(dataset.scales) == len(levels)
    for number, (scale, level) in enumerate(zip(dataset.scales, levels, strict=True)):
        np.testing.assert_array_equal(dataset.read(number), spread(level), err_msg=f"scale {number}")
        np.testing.assert_allclose(scale["resolution"], np.multiply(resolution, FACTORS[number][::-1]), rtol=1e-12)
        assert scale["voxel_offset"] == list(offset[number])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("layout", ["sharded", "flat"])
def test_ome_zarr(tmp_path, version, layout):
    levels = noise_of(SIZES)
    ome(tmp_path / "a.zarr", levels, version, begin=(100.0, -20.0, 30.0))
    convert(tmp_path / "a.zarr", tmp_path / "out", *KEEP, "--layout", layout)
    check_levels(tmp_path / "out", levels, (250, 500, 2500))
    # The finest level's first centre is where its translation says.
    centre = Dataset(tmp_path / "out").transform @ [125, 250, 1250, 1]
    np.testing.assert_allclose(centre[:3], [30e3, -20e3, 100e3])
    assert run("check", tmp_path / "out").status == 0


def ramp_by_ome_zarr(folder, method):
    """An image whose voxels say where they lie along x, and its levels of odd sizes."""
    ramp = np.broadcast_to(100 * np.arange(511), (6, 101, 511)).astype("u2")
    group = zarr.open_group(folder, mode="w", zarr_format=3)
    how = {"scaler": Scaler(method=method, max_layer=3)} if method == "gaussian" else {
        "method": Methods(method), "scale_factors": (2, 4, 8)}
    write_image(ramp, group, axes="zyx", axes_units=dict.fromkeys("zyx", "nanometer"), **how)
    levels = [group[path][...] for path in sorted(group.array_keys())]
    assert [level.shape[1:] for level in levels] == [(101, 511), (50, 255), (25, 127), (12, 63)]
    return levels


def voxels_off(scale, level):
    """How far voxels lie from what they show, in voxels of the finest level: at most. Filters reach over the ends."""
    placed = (np.arange(scale["size"][0]) + 0.5) * scale["resolution"][0]
    return np.abs(level[3, 5] / 100 + 0.5 - placed)[1:-1].max()


@pytest.mark.parametrize("method", ["resize", "nearest", "gaussian"])
def test_odd_sizes_of_the_ome_zarr_package(tmp_path, method):
    """511 voxels that became 255: the package stretches them, says 511 / 255, and so do we."""
    levels = ramp_by_ome_zarr(tmp_path / "a.zarr", method)
    convert(tmp_path / "a.zarr", tmp_path / "out", "--scales", "keep")
    dataset = Dataset(tmp_path / "out")
    for number, (scale, level) in enumerate(zip(dataset.scales, levels, strict=True)):
        np.testing.assert_array_equal(dataset.read(number), spread(level), err_msg=f"scale {number}")
        assert scale["voxel_offset"] == [0, 0, 0]
        np.testing.assert_allclose(np.multiply(scale["size"], scale["resolution"]), (511, 101, 6), rtol=1e-12)
        # "nearest" takes voxels anywhere in the first half of a cell.
        assert voxels_off(scale, level) <= (scale["resolution"][0] / 2 if method == "nearest" else 0.5), number
    assert run("check", tmp_path / "out").status == 0
    opened = tensorstore.open({"driver": "neuroglancer_precomputed", "kvstore": f"file://{tmp_path}/out",
                               "scale_index": 1}).result()
    np.testing.assert_allclose([u.multiplier for u in opened.dimension_units[:3]], (511 / 255, 2.02, 1), rtol=1e-6)
    # Written as OME-Zarr again, every level says what it said.
    convert(tmp_path / "a.zarr", tmp_path / "b.zarr", "--scales", "keep")
    first, again = (zarr.open_group(tmp_path / name).attrs["ome"]["multiscales"][0]["datasets"] for name in
                    ("a.zarr", "b.zarr"))
    for number, (one, other) in enumerate(zip(first, again, strict=True)):
        for kind in "scale", "translation":
            said = [next((t[kind] for t in level["coordinateTransformations"] if t["type"] == kind), [0] * 3)
                    for level in (one, other)]
            np.testing.assert_allclose(*said, rtol=1e-9, atol=1e-9, err_msg=f"level {number}")


def test_odd_sizes_by_local_mean(tmp_path):
    """The package cuts the last voxel off and says 511 / 255 nevertheless."""
    levels = ramp_by_ome_zarr(tmp_path / "a.zarr", "local_mean")
    convert(tmp_path / "a.zarr", tmp_path / "out", "--scales", "keep")
    off = [voxels_off(scale, level) for scale, level in zip(Dataset(tmp_path / "out").scales, levels, strict=True)]
    assert 0.9 < off[1] < 1 and 2.9 < off[2] < 3 and 6.7 < off[3] < 7  # what 2, 4 and 8 leave over of 511


def test_levels_are_listed(tmp_path):
    ome(tmp_path / "a.zarr", noise_of(SIZES))
    lines = [line.split() for line in run("info", tmp_path / "a.zarr", "--scales").out.splitlines()[1:]]
    assert lines == [["0", "51,42,13", "250,500,2500", "16,16,8", "OME-Zarr", "0.5"],
                     ["1", "25,21,13", "500,1000,2500", "16,16,8", "OME-Zarr", "0.5"],
                     ["2", "12,10,6", "1000,2000,5000", "16,16,8", "OME-Zarr", "0.5"]]


def test_channels_and_values(tmp_path):
    levels = noise_of(SIZES, "f4", channels=(3,))
    ome(tmp_path / "a.zarr", levels)
    convert(tmp_path / "a.zarr", tmp_path / "out", *KEEP, "--channel", "1", "--dtype", "int32")
    expected = [np.clip(np.rint(level[1].astype("f8")), -2**31, 2**31 - 1).astype("i4") for level in levels]
    check_levels(tmp_path / "out", expected, (250, 500, 2500))


def test_levels_without_translation_share_a_corner(tmp_path):
    levels = noise_of(SIZES)
    ome(tmp_path / "a.zarr", levels, translates=False)
    said = convert(tmp_path / "a.zarr", tmp_path / "out", *KEEP)
    assert "begin at the same corner" in said.err
    check_levels(tmp_path / "out", levels, (250, 500, 2500))


def test_without_voxel_size(tmp_path):
    levels = noise_of(SIZES)
    ome(tmp_path / "a.zarr", levels, unit=None)
    convert(tmp_path / "a.zarr", tmp_path / "out", *KEEP, "--voxel-size", "4nm,4nm,40nm")
    check_levels(tmp_path / "out", levels, (4, 4, 40))


def test_n5(tmp_path):
    levels = noise_of(SIZES)
    for number, level in enumerate(levels):
        array = tensorstore.open({"driver": "n5", "kvstore": f"file://{tmp_path}/a.n5/s{number}", "create": True,
                                  "metadata": {"dimensions": level.shape[::-1], "blockSize": (16, 16, 8),
                                               "dataType": "uint16", "compression": {"type": "gzip"}}}).result()
        array[...] = level.transpose()
    attributes = {"scales": [f[::-1] for f in FACTORS], "pixelResolution": {"unit": "nm", "dimensions": [4, 4, 40]}}
    (tmp_path / "a.n5/attributes.json").write_text(json.dumps(attributes))
    convert(tmp_path / "a.n5", tmp_path / "out", *KEEP)
    check_levels(tmp_path / "out", levels, (4, 4, 40))


def precomputed(folder, levels, offset, encoding="raw"):
    """A dataset by tensorstore whose levels lie at offsets that are rounded down."""
    for level, factor in zip(levels, FACTORS, strict=True):
        array = tensorstore.open({
            "driver": "neuroglancer_precomputed", "kvstore": f"file://{folder}/", "create": True,
            "multiscale_metadata": {"type": "image", "data_type": level.dtype.name, "num_channels": 1},
            "scale_metadata": {"size": level.shape[::-1], "encoding": encoding, "chunk_size": [16, 16, 8],
                               "resolution": [4 * factor[2], 4 * factor[1], 40 * factor[0]],
                               "voxel_offset": [o // f for o, f in zip(offset, factor[::-1], strict=True)]}}).result()
        array[...] = spread(level)


def test_precomputed(tmp_path):
    levels = noise_of(SIZES)
    precomputed(tmp_path / "in", levels, (101, -3, 7))
    convert(tmp_path / "in", tmp_path / "out", *KEEP)
    assert run("check", tmp_path / "out").status == 0
    offsets = (101, -3, 7), (50, -2, 7), (25, -1, 3)
    check_levels(tmp_path / "out", levels, (4, 4, 40), offsets)
    # A part that begins and ends with voxels of every level, or at the end of the volume.
    convert(tmp_path / "in", tmp_path / "part", *KEEP, "--crop", "104:128,-3:39,8:20")
    part = [level[slice(8 // f - offsets[n][2], None), :, slice(104 // g - offsets[n][0], 128 // g - offsets[n][0])]
            for n, (level, (f, _, g)) in enumerate(zip(levels, FACTORS, strict=True))]
    check_levels(tmp_path / "part", part, (4, 4, 40), ((104, -3, 8), (52, -2, 8), (26, -1, 4)))


def test_over_http(tmp_path):
    levels = noise_of(SIZES)
    ome(tmp_path / "a.zarr", levels)
    with serving(tmp_path) as url:
        convert(f"{url}/a.zarr", tmp_path / "out", *KEEP)
    check_levels(tmp_path / "out", levels, (250, 500, 2500))


def test_live_is_what_convert_makes(tmp_path):
    ome(tmp_path / "a.zarr", noise_of(SIZES), begin=(1.0, 2.0, 3.0))
    options = (*KEEP, "--crop", "4:48,8:40,:")
    convert(tmp_path / "a.zarr", tmp_path / "out", *options, "--layout", "flat", "--compress", "none")
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file() and p.name != "provenance"]
    assert len(files) == 2 + 6 + 2 + 1  # chunks of 16 voxels
    with served(tmp_path / "a.zarr", *options) as (_, line):
        site = Site(line)
        for path in files:
            answer = site.ask(f"/data/a.zarr/{path.relative_to(tmp_path / 'out')}")
            assert answer.status == 200 and answer.content == path.read_bytes(), path


def test_resume_and_same_bytes(tmp_path):
    ome(tmp_path / "a.zarr", noise_of(SIZES))
    for name, threads in ("one", 1), ("many", 7):
        convert(tmp_path / "a.zarr", tmp_path / name, *KEEP, "--threads", threads)
    files = {p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file()}
    for path in files - {p for p in files if p.name == "provenance"}:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "many" / path).read_bytes(), path
    assert run("convert", tmp_path / "a.zarr", tmp_path / "one", *KEEP, "--resume").status == 0
    # Of a source whose coarser level was changed.
    path = tmp_path / "a.zarr/s1/zarr.json"
    path.write_text(path.read_text().replace('"fill_value": 0', '"fill_value": 1'))
    changed = run("convert", tmp_path / "a.zarr", tmp_path / "one", *KEEP, "--resume")
    assert changed.status == 5 and "scales was keep" in changed.err


def test_one_level_is_one_scale(tmp_path):
    values = volumes.noise((100, 90, 80), "u1")
    convert(volumes.save_nifti(tmp_path / "v.nii.gz", values), tmp_path / "out", *KEEP)
    assert len(Dataset(tmp_path / "out").scales) == 1


def test_memory(tmp_path):
    """Levels are read one after the other, block by block: the finest is four times the budget."""
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", attributes={"ome": {"version": "0.5", "multiscales": [{
        "axes": [{"name": a, "type": "space", "unit": "nanometer"} for a in "zyx"],
        "datasets": [{"path": str(n), "coordinateTransformations": [
            {"type": "scale", "scale": [2.0**n] * 3}, {"type": "translation", "translation": [2.0**n / 2] * 3}]}
            for n in range(2)]}]}})
    for level in range(2):
        array = group.create_array(str(level), shape=[n >> level for n in (128, 512, 512)], chunks=(64, 64, 64), dtype="u2")
        for z in range(0, array.shape[0], 64):
            array[z:z + 64] = volumes.structured((64, *array.shape[1:]), seed=z)
    peak = peak_bytes("convert", tmp_path / "a.zarr", tmp_path / "out", "--scales", "keep", "--memory", "16MiB")
    assert peak < (16 + 64) << 20
