# SPDX-License-Identifier: Apache-2.0
"""Zarr v2, Zarr v3 and OME-Zarr that zarr-python, tensorstore and ome-zarr write are read to the last voxel."""

import itertools
import json

import numpy as np
import numcodecs
import pytest
import tensorstore
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.writer import write_image, write_labels
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec
from zarr.codecs.numcodecs import BZ2, LZ4, Zlib, Zstd

import volumes
from expect import check_affine
from precomputed import Dataset
from program import convert, peak_bytes, run
from web import serving

pytestmark = pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning", "ignore::DeprecationWarning")

SHAPE = (11, 13, 20)  # z, y, x; chunks do not divide it
CHUNKS = (4, 8, 8)
# Types that a dataset holds as they are, and how others are asked for without loss.
EXACT = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "f4"]
OTHERS = {"?": ("uint8",), "f2": ("float32",), "i8": ("uint64", "--type", "segmentation"),
          "f8": ("float32", "--dtype", "float32"), "c8": ("float32", "--complex", "real"),
          "c16": ("float32", "--complex", "real", "--dtype", "float32")}
DTYPES = [*EXACT, *OTHERS]


def values_of(dtype, shape=SHAPE, seed=0):
    """Voxels that survive the conversion of `read`."""
    if dtype == "?":
        return np.random.default_rng(seed).integers(0, 2, shape).astype(bool)
    if dtype == "i8":
        return np.abs(volumes.noise(shape, "i8", seed) // 2)
    return volumes.noise(shape, dtype, seed)


def read(place, folder, dtype, *options):
    """What convert makes of a source, as [z, y, x] in the source's type."""
    _, *asked = OTHERS.get(dtype, (None, "--type", "image"))
    convert(place, folder, "--layout", "flat", "--voxel-size", "1mm", "--scales", "1", "--overwrite", "--encoding", "raw",
            *asked, *options)
    return Dataset(folder).read(0).transpose(3, 2, 1, 0)


def check(place, folder, values, dtype, *options):
    found = read(place, folder, dtype, *options)
    expected = values.real if values.dtype.kind == "c" else values
    expected = expected.astype(found.dtype).reshape(found.shape)
    np.testing.assert_array_equal(found, expected, err_msg=str(place))


V2_CODECS = {
    "none": None, "zlib": numcodecs.Zlib(3), "gzip": numcodecs.GZip(3), "bz2": numcodecs.BZ2(3), "zstd": numcodecs.Zstd(3),
    "zstd checksum": numcodecs.Zstd(3, checksum=True), "lz4": numcodecs.LZ4(),
    **{f"blosc {name} {shuffle}": numcodecs.Blosc(name, 5, shuffle)
       for name, shuffle in itertools.product(["lz4", "lz4hc", "blosclz", "zstd", "zlib"], [0, 1, 2])},
}


def turns_of(codec, codecs, *choices):
    """All combinations of the choices again and again; each codec begins somewhere else."""
    turns = itertools.cycle(itertools.product(*choices))
    return itertools.islice(turns, 5 * list(codecs).index(codec), None)


@pytest.mark.parametrize("codec", V2_CODECS)
def test_version_2(tmp_path, codec):
    """Each codec meets every type; byte orders, orders of axes and separators take turns."""
    turns = turns_of(codec, V2_CODECS, "<>", "CF", "./")
    for number, dtype in enumerate(DTYPES if "blosc" not in codec else DTYPES[::3]):
        byte_order, order, separator = next(turns)
        values = values_of(dtype, seed=number)
        array = zarr.create_array(tmp_path / "a.zarr", shape=SHAPE, chunks=CHUNKS, overwrite=True,
                                  dtype=np.dtype(dtype).newbyteorder(byte_order), order=order, filters=None,
                                  compressors=V2_CODECS[codec], zarr_format=2,
                                  chunk_key_encoding={"name": "v2", "separator": separator})
        array[...] = values
        check(tmp_path / "a.zarr", tmp_path / "out", values, dtype)


V3_CODECS = {
    "none": [], "gzip": [GzipCodec(level=3)], "zstd": [ZstdCodec(level=3)], "zstd checksum": [ZstdCodec(checksum=True)],
    "crc32c": [Crc32cCodec()], "zstd crc32c": [ZstdCodec(), Crc32cCodec()],
    "blosc lz4": [BloscCodec(cname="lz4", shuffle="shuffle")],
    "blosc zstd": [BloscCodec(cname="zstd", shuffle="bitshuffle")],
    "blosc none": [BloscCodec(cname="blosclz", shuffle="noshuffle", clevel=0)],
    "numcodecs.lz4": [LZ4()], "numcodecs.zlib": [Zlib()], "numcodecs.bz2": [BZ2()], "numcodecs.zstd": [Zstd()],
}


@pytest.mark.parametrize("codec", V3_CODECS)
def test_version_3(tmp_path, codec):
    turns = turns_of(codec, V3_CODECS, [None, "start", "end"], [None, (2, 0, 1), (2, 1, 0)], ["little", "big"],
                     [("default", "/"), ("default", "."), ("v2", ".")])
    for number, dtype in enumerate(DTYPES):
        for shards, turn, endian, keys in itertools.islice(turns, number % 3, number % 3 + 2):
            values = values_of(dtype, seed=number)
            serializer, compressors = BytesCodec(endian=endian), V3_CODECS[codec] or None
            if shards:
                inner = ShardingCodec(chunk_shape=[CHUNKS[a] for a in turn or range(3)], index_location=shards,
                                      codecs=[serializer, *V3_CODECS[codec]])
                serializer, compressors = inner, None
            array = zarr.create_array(tmp_path / "a.zarr", shape=SHAPE, dtype=dtype, overwrite=True, zarr_format=3,
                                      chunks=tuple(2 * n for n in CHUNKS) if shards else CHUNKS,
                                      filters=[TransposeCodec(order=turn)] if turn else [], serializer=serializer,
                                      compressors=compressors,
                                      chunk_key_encoding={"name": keys[0], "separator": keys[1]})
            array[...] = values
            check(tmp_path / "a.zarr", tmp_path / "out", values, dtype)


@pytest.mark.parametrize("index", ["start", "end"])
def test_shards_in_shards(tmp_path, index):
    """As tensorstore writes them; the outer one is turned."""
    values = values_of("u2", (21, 30, 34))
    nested = {"name": "sharding_indexed", "configuration": {
        "chunk_shape": [4, 8, 4], "index_location": index,
        "codecs": [{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "gzip"}, {"name": "crc32c"}],
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "crc32c"}]}}
    codecs = [{"name": "transpose", "configuration": {"order": [1, 2, 0]}},
              {"name": "sharding_indexed", "configuration": {
                  "chunk_shape": [8, 16, 8], "codecs": [nested],
                  "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}}]
    array = tensorstore.open({
        "driver": "zarr3", "kvstore": f"file://{tmp_path}/a.zarr", "create": True,
        "metadata": {"shape": values.shape, "data_type": "uint16", "codecs": codecs, "fill_value": 7,
                     "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [16, 16, 32]}}}}).result()
    array[3:, 5:, :20] = values[3:, 5:, :20]
    expected = np.full_like(values, 7)
    expected[3:, 5:, :20] = values[3:, 5:, :20]
    check(tmp_path / "a.zarr", tmp_path / "out", expected, "u2")


@pytest.mark.parametrize("outer, inner", [([ZstdCodec()], []), ([], [GzipCodec()]), ([Crc32cCodec()], [ZstdCodec()])])
def test_shards_that_are_packed_as_a_whole(tmp_path, outer, inner):
    """zarr-python packs a shard, or a shard in a shard, like any chunk."""
    values = values_of("u2", (21, 30, 34))
    nested = ShardingCodec(chunk_shape=(4, 4, 8), codecs=[BytesCodec(endian="big"), ZstdCodec()])
    shards = ShardingCodec(chunk_shape=(8, 8, 16), codecs=[nested, *inner], index_location="start")
    array = zarr.create_array(tmp_path / "a.zarr", shape=values.shape, dtype="u2", chunks=(16, 16, 32), fill_value=7,
                              serializer=shards, compressors=outer or None)
    array[3:, 5:, :20] = values[3:, 5:, :20]
    check(tmp_path / "a.zarr", tmp_path / "out", array[...], "u2")


@pytest.mark.parametrize("seed", range(12))
def test_any_part_of_any_array(tmp_path, seed):
    """Axes, chunks, shards and turns at random; a part of it, which cuts chunks."""
    random = np.random.default_rng(seed)
    axes = [str(a) for a in random.permutation(list("xyz") + list("ct")[:random.integers(3)])]
    shape = [int(random.integers(1, 4 if a in "ct" else 30)) for a in axes]
    chunks = [int(random.integers(1, n + 3)) for n in shape]
    turn = [int(a) for a in random.permutation(len(axes))]
    inner = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "zstd", "configuration": {"level": 1}}]
    if seed % 2:
        inner = [{"name": "sharding_indexed", "configuration": {"chunk_shape": [chunks[a] for a in turn], "codecs": inner}}]
        chunks = [n * int(random.integers(1, 4)) for n in chunks]
    array = tensorstore.open({"driver": "zarr3", "kvstore": f"file://{tmp_path}/a.zarr", "create": True, "metadata": {
        "shape": shape, "data_type": "uint16", "dimension_names": axes, "fill_value": 9,
        "codecs": [{"name": "transpose", "configuration": {"order": turn}}, *inner],
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunks}}}}).result()
    array[tuple(slice(n // 3, None) for n in shape)] = volumes.noise([n - n // 3 for n in shape], "u2", seed)
    spread = np.einsum(array.read().result(), [axes.index(a) for a in axes], [axes.index(a) for a in "xyztc" if a in axes])
    spread = spread.reshape(*spread.shape[:3], -1, order="F")
    begin = [int(random.integers(n)) for n in spread.shape[:3]]
    end = [int(random.integers(b + 1, n + 1)) for b, n in zip(begin, spread.shape, strict=False)]
    crop = ",".join(f"{b}:{e}" for b, e in zip(begin, end, strict=True))
    convert(tmp_path / "a.zarr", tmp_path / "out", "--voxel-size", "1um", "--scales", "1", "--crop", crop)
    np.testing.assert_array_equal(Dataset(tmp_path / "out").read(0), spread[tuple(map(slice, begin, end))])


@pytest.mark.parametrize("driver", ["zarr", "zarr3"])
@pytest.mark.parametrize("dtype", ["uint8", "uint64", "float32", "bool"])
def test_tensorstore(tmp_path, driver, dtype):
    values = values_of("?" if dtype == "bool" else dtype)
    metadata = {"zarr": {"chunks": CHUNKS, "compressor": {"id": "blosc", "cname": "zstd", "clevel": 1, "shuffle": -1},
                         "dtype": values.dtype.newbyteorder(">").str if values.itemsize > 1 else values.dtype.str,
                         "shape": SHAPE, "dimension_separator": "/"},
                "zarr3": {"shape": SHAPE, "data_type": dtype, "chunk_key_encoding": {"name": "v2"},
                          "codecs": [{"name": "sharding_indexed", "configuration": {
                              "chunk_shape": CHUNKS, "codecs": [{"name": "blosc"}], "index_location": "start"}}],
                          "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [8, 16, 24]}}}}[driver]
    array = tensorstore.open({"driver": driver, "kvstore": f"file://{tmp_path}/a.zarr", "create": True,
                              "metadata": metadata}).result()
    array[...] = values
    check(tmp_path / "a.zarr", tmp_path / "out", values, "?" if dtype == "bool" else values.dtype.str[1:])


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("fill", [("u1", 255), ("i2", -300), ("u8", 2**64 - 1), ("f4", np.nan), ("f4", np.inf),
                                  ("f4", -0.1), ("f2", -np.inf), ("?", True), ("c8", 1.5 - 2j)], ids=str)
def test_absent_chunks_are_the_fill_value(tmp_path, version, fill):
    dtype, value = fill
    array = zarr.create_array(tmp_path / "a.zarr", shape=SHAPE, chunks=CHUNKS, dtype=dtype, fill_value=value,
                              zarr_format=version)
    array[:4, :8, :8] = values_of(dtype)[:4, :8, :8]
    check(tmp_path / "a.zarr", tmp_path / "out", array[...], dtype)


def test_fill_value_in_bits(tmp_path):
    array = zarr.create_array(tmp_path / "a.zarr", shape=SHAPE, chunks=CHUNKS, dtype="f4")
    text = json.loads((tmp_path / "a.zarr/zarr.json").read_text())
    text["fill_value"] = "0x7fc01234"
    (tmp_path / "a.zarr/zarr.json").write_text(json.dumps(text))
    del array
    assert (read(tmp_path / "a.zarr", tmp_path / "out", "f4").view("u4") == 0x7FC01234).all()


def ome_image(folder, values, axes, version, unit="micrometer", translation=None):
    """An image of two levels by the ome-zarr package. Returns the affine in mm of its finest."""
    size = {"t": 2.0, "c": 1.0, "z": 2.5, "y": 0.5, "x": 0.25}
    formats = {"0.4": FormatV04(), "0.5": FormatV05()}
    write_image(values, str(folder), axes=list(axes), fmt=formats[version], scale={a: size[a] for a in axes},
                axes_units={a: unit for a in axes if unit and a in "xyz"}, scale_factors=[{a: 2 for a in "yx"}],
                storage_options={"chunks": [min(n, 8) for n in values.shape]})
    # The package puts the finest voxel's centre at 0; what it wrote is moved.
    path = folder / {"0.4": ".zattrs", "0.5": "zarr.json"}[version]
    text = json.loads(path.read_text())
    image = (text if version == "0.4" else text["attributes"]["ome"])["multiscales"][0]
    for level in image["datasets"]:
        moved = level["coordinateTransformations"][1]["translation"]
        moved[:] = [at + (translation or {}).get(a, 0) for at, a in zip(moved, axes)]
    path.write_text(json.dumps(text))
    affine = np.diag([0.25e-3, 0.5e-3, 2.5e-3, 1])
    affine[:3, 3] = [1e-3 * (translation or {}).get(a, 0) for a in "xyz"]
    return affine


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", ["zyx", "czyx", "tczyx", "yx", "cyx"])
def test_ome(tmp_path, version, axes):
    lengths = {"t": 2, "c": 3, "z": 11, "y": 13, "x": 20}
    values = volumes.noise(tuple(lengths[a] for a in axes), "u2")
    affine = ome_image(tmp_path / "a.zarr", values, axes, version, translation={"x": 3.0, "y": -4.0, "z": 10.0})
    if "z" not in axes:
        affine[2] = [0, 0, 1, 0]
    convert(tmp_path / "a.zarr", tmp_path / "out", "--scales", "1", *([] if "z" in axes else ["--voxel-size", "250nm"]))
    found = Dataset(tmp_path / "out")
    if "z" in axes:
        check_affine(found, affine)
    # Channels: time fastest.
    spread = values.reshape([lengths[a] if a in axes else 1 for a in "tczyx"])
    np.testing.assert_array_equal(found.read(0), spread.transpose(4, 3, 2, 0, 1).reshape(
        spread.shape[4], spread.shape[3], spread.shape[2], -1, order="F"))
    if "c" in axes:
        convert(tmp_path / "a.zarr", tmp_path / "one", "--scales", "1", "--channel", "2", "--voxel-size", "250nm",
                *(["--time", "1"] if "t" in axes else []))
        np.testing.assert_array_equal(Dataset(tmp_path / "one").read(0)[..., 0],
                                      spread[1 if "t" in axes else 0, 2].transpose(2, 1, 0))


def test_level_of_ome(tmp_path):
    """A place may point at one level, whose voxel size the group says."""
    values = volumes.noise((6, 12, 16), "u1")
    ome_image(tmp_path / "a.zarr", values, "zyx", "0.5")
    described = run("info", tmp_path / "a.zarr", "--json").json
    coarse = next(p.parent for p in sorted((tmp_path / "a.zarr").rglob("zarr.json"))
                  if json.loads(p.read_text()).get("shape") == [6, 6, 8])
    level = run("info", coarse, "--json").json
    assert (described["size"], level["size"]) == ([16, 12, 6], [8, 6, 6])
    np.testing.assert_allclose(level["voxel_size_mm"], [0.5e-3, 1e-3, 2.5e-3])
    assert described["format"] == level["format"] == "OME-Zarr 0.5"
    check(coarse, tmp_path / "out", zarr.open_array(coarse)[...], "u1")


def test_ome_labels(tmp_path):
    values = volumes.labels((6, 12, 16), np.uint8)
    ome_image(tmp_path / "a.zarr", values, "zyx", "0.4")
    write_labels(values, zarr.open_group(tmp_path / "a.zarr"), "cells", axes="zyx", fmt=FormatV04(), scale_factors=[])
    assert run("info", tmp_path / "a.zarr/labels/cells", "--json").json["is_label"]
    assert not run("info", tmp_path / "a.zarr", "--json").json["is_label"]


def test_ome_without_unit_has_no_voxel_size(tmp_path):
    ome_image(tmp_path / "a.zarr", volumes.noise((6, 12, 16), "u1"), "zyx", "0.5", unit=None)
    refused = run("convert", tmp_path / "a.zarr", tmp_path / "out")
    assert refused.status == 4 and "--voxel-size" in refused.err


def test_names_of_axes(tmp_path):
    """An array that is stored as x, y, z, c is turned round by its names; dimension_units are lengths."""
    values = volumes.noise((20, 13, 11, 3), "u2")
    array = zarr.create_array(tmp_path / "a.zarr", shape=values.shape, chunks=(8, 8, 8, 2), dtype="u2",
                              dimension_names=["x", "y", "z", "c"],
                              attributes={"dimension_units": ["4 nm", "4nm", "0.04 um", None]})
    array[...] = values
    convert(tmp_path / "a.zarr", tmp_path / "out", "--scales", "1")
    dataset = Dataset(tmp_path / "out")
    np.testing.assert_array_equal(dataset.read(0), values)
    assert dataset.scales[0]["resolution"] == [4, 4, 40] and not (tmp_path / "out/transform.json").exists()


@pytest.mark.parametrize("scheme", ["zarr://{}", "zarr3://{}", "{}|zarr3:", "{}|zarr:", "file://{}"])
def test_spellings(tmp_path, scheme):
    zarr.create_array(tmp_path / "a.zarr", shape=(3, 4, 5), chunks=(3, 4, 5), dtype="u1")
    assert run("info", scheme.format(tmp_path / "a.zarr"), "--json").json["size"] == [5, 4, 3]
    refused = run("info", f"zarr2://{tmp_path / 'a.zarr'}")
    assert refused.status == 3 and "expected .zarray" in refused.err


def test_over_http(tmp_path):
    values = values_of("u2")
    for version in 2, 3:
        array = zarr.create_array(tmp_path / f"a{version}.zarr", shape=SHAPE, dtype="u2", zarr_format=version,
                                  chunks=CHUNKS, **({"shards": (8, 16, 24)} if version == 3 else {}))
        array[...] = values
    ome_image(tmp_path / "ome.zarr", values, "zyx", "0.5")
    with serving(tmp_path) as url:
        for name in "a2.zarr", "a3.zarr", "ome.zarr":
            check(f"{url}/{name}", tmp_path / "out", values, "u2")
        missing = run("info", f"{url}/nothing")
    assert missing.status == 3 and "info, zarr.json, .zarray, .zattrs" in missing.err


def test_damage(tmp_path):
    """A chunk that is cut or holds other values is an error that names it, never a picture."""
    values = volumes.noise(SHAPE, "u2")
    array = zarr.create_array(tmp_path / "a.zarr", shape=SHAPE, chunks=CHUNKS, dtype="u2", compressors=None)
    array[...] = values
    chunk = tmp_path / "a.zarr/c/1/1/0"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    broken = run("convert", tmp_path / "a.zarr", tmp_path / "out", "--voxel-size", "1mm")
    assert broken.status == 3 and "c/1/1/0: expected a chunk of 512 bytes of values, found 511" in broken.err
    assert not (tmp_path / "out").exists()


def test_memory(tmp_path):
    """Chunks are read one by one: a volume of four times the budget."""
    shape = (128, 512, 512)
    array = zarr.create_array(tmp_path / "a.zarr", shape=shape, chunks=(64, 64, 64), shards=(128, 256, 256), dtype="u2")
    for z in range(0, shape[0], 128):
        array[z:z + 128] = volumes.structured((128, *shape[1:]), seed=z)
    peak = peak_bytes("convert", tmp_path / "a.zarr", tmp_path / "out", "--voxel-size", "1um", "--memory", "16MiB")
    assert peak < (16 + 64) << 20
