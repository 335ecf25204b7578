# SPDX-License-Identifier: Apache-2.0
"""Pairs of files, arrays and containers: .hdr/.img, .npy, raw, NRRD, HDF5, Zarr, N5."""

import json
import struct

import bz2
import gzip
import struct

import h5py
import hdf5plugin
import nibabel as nib
import numpy as np

import volumes
from bad_input import CONVERT, case, good, patch


@case(3, *CONVERT)
def header_and_image_apart(folder):
    patch(good(folder), 344, "<4s", b"ni1\0")


@case(3, "convert", "v.hdr", "out")
def header_without_its_image(folder):
    nib.save(nib.AnalyzeImage(volumes.noise((7, 5, 3), "u1"), None), folder / "v.img")
    (folder / "v.img").unlink()


@case(3, "convert", "v.hdr", "out")
def image_of_a_pair_cut(folder):
    nib.save(nib.AnalyzeImage(volumes.noise((7, 5, 3), "u1"), None), folder / "v.img")
    (folder / "v.img").write_bytes((folder / "v.img").read_bytes()[:-1])


@case(3, "convert", "v.npy", "out")
def npy_cut(folder):
    np.save(folder / "v.npy", volumes.noise((7, 5, 3), "u2"))
    (folder / "v.npy").write_bytes((folder / "v.npy").read_bytes()[:-1])


@case(3, "convert", "v.npy", "out")
def npy_of_objects(folder):
    np.save(folder / "v.npy", np.array([["a", None]], dtype=object), allow_pickle=True)


@case(4, "convert", "v.npy", "out")
def npy_without_voxel_size(folder):
    np.save(folder / "v.npy", volumes.noise((7, 5, 3), "u2"))


@case(4, "convert", "v.raw", "out")
def raw_without_shape(folder):
    (folder / "v.raw").write_bytes(bytes(105))


@case(3, "convert", "v.raw", "out", "--shape", "7,5,4", "--dtype", "uint8")
def raw_of_another_size(folder):
    (folder / "v.raw").write_bytes(bytes(105))


@case(3, "convert", "v.raw.gz", "out", "--shape", "7,5,4", "--dtype", "uint8", "--voxel-size", "8nm")
def raw_packed_that_is_longer(folder):
    (folder / "v.raw.gz").write_bytes(gzip.compress(bytes(141), mtime=0))


@case(2, "convert", "v.raw", "out", "--shape", "7,5,x", "--dtype", "uint8")
def shape_that_is_no_shape(folder):
    (folder / "v.raw").write_bytes(bytes(105))


@case(3, "convert", "v.nrrd", "out")
def nrrd_of_unknown_encoding(folder):
    (folder / "v.nrrd").write_bytes(b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 7 5 3\nencoding: lzma\n\n")


@case(3, "convert", "v.nhdr", "out")
def nrrd_without_its_data(folder):
    (folder / "v.nhdr").write_bytes(b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 7 5 3\nencoding: raw\ndata file: v.raw\n")


@case(3, "convert", "v.nrrd", "out")
def nrrd_text_that_is_no_number(folder):
    (folder / "v.nrrd").write_bytes(b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 1 1\nencoding: ascii\n"
                                    b"spacings: 1 1 1\n\n1 256\n")


NRRD = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 7 5 3\nspacings: 1 1 1\nencoding: {}\n{}\n"


@case(3, "convert", "v.nrrd", "out")
def nrrd_cut(folder):
    (folder / "v.nrrd").write_bytes(NRRD.format("raw", "").encode() + bytes(104))


@case(3, "convert", "v.nrrd", "out")
def nrrd_packed_and_cut(folder):
    data = gzip.compress(volumes.noise((7, 5, 3), "u1").tobytes(), mtime=0)
    (folder / "v.nrrd").write_bytes(NRRD.format("gzip", "").encode() + data[:-12])


@case(3, "convert", "v.nrrd", "out")
def nrrd_packed_by_bzip2_and_cut(folder):
    data = bz2.compress(volumes.noise((7, 5, 3), "u1").tobytes())
    (folder / "v.nrrd").write_bytes(NRRD.format("bzip2", "").encode() + data[:-12])


@case(3, "convert", "v.nhdr", "out")
def nrrd_of_many_data_files(folder):
    (folder / "v.nhdr").write_text(NRRD.format("raw", "data file: LIST\n") + "a.raw\nb.raw\nc.raw\n")


@case(3, "convert", "v.hdr", "out")
def analyze_of_bits(folder):
    nib.save(nib.AnalyzeImage(volumes.noise((7, 5, 3), "u1"), None), folder / "v.img")
    patch(folder / "v.hdr", 70, "<hh", 1, 1)


@case(3, "convert", "v.npy", "out")
def npy_without_shape(folder):
    text = "{'descr': '<u2', 'fortran_order': False}\n"
    (folder / "v.npy").write_bytes(b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode() + bytes(210))


def hdf5(folder):
    with h5py.File(folder / "v.h5", "w") as file:
        file["a/raw"] = volumes.noise((7, 5, 3), "u1")
        file["a/labels"] = volumes.noise((7, 5, 3), "u4")
        file["table"] = np.zeros(5)


@case(3, "convert", "v.h5|hdf5:/a", "out")
def hdf5_path_is_a_group(folder):
    hdf5(folder)


@case(3, "convert", "v.h5|hdf5:/b", "out")
def hdf5_path_is_nothing(folder):
    hdf5(folder)


@case(4, "convert", "v.h5", "out")
def hdf5_with_two_volumes(folder):
    hdf5(folder)


IMAGE = ("convert", "v.h5", "out", "--voxel-size", "8nm", "--type", "image")


def hdf5_in_chunks(folder, **options):
    """One dataset in chunks; returns where the first chunk lies in the file."""
    with h5py.File(folder / "v.h5", "w") as file:
        dataset = file.create_dataset("a/raw", data=np.arange(105, dtype="i4").reshape(7, 5, 3), chunks=(4, 5, 3), **options)
        file.flush()
        return dataset.id.get_chunk_info(0).byte_offset


@case(3, *IMAGE)
def hdf5_of_unknown_filter(folder):
    hdf5_in_chunks(folder, **hdf5plugin.Zfp(reversible=True))


@case(3, *IMAGE)
def hdf5_chunk_of_another_checksum(folder):
    patch(folder / "v.h5", hdf5_in_chunks(folder, fletcher32=True) + 40, "<I", 1234567)


@case(3, *IMAGE)
def hdf5_chunk_that_is_damaged(folder):
    patch(folder / "v.h5", hdf5_in_chunks(folder, compression="lzf", shuffle=True), "<I", 0xFFFFFFFF)


@case(3, *IMAGE)
def hdf5_cut(folder):
    hdf5(folder)
    (folder / "v.h5").write_bytes((folder / "v.h5").read_bytes()[:600])


@case(3, "convert", "v.h5|hdf5:/name", "out")
def hdf5_of_text(folder):
    with h5py.File(folder / "v.h5", "w") as file:
        file["name"] = np.array([b"a", b"b"])


def zarr_array(folder, **options):
    import zarr

    array = zarr.create_array(folder / "v.zarr", shape=(3, 5, 7), dtype="u2", chunks=(3, 5, 7), compressors=None, **options)
    array[...] = volumes.noise((3, 5, 7), "u2")


def edit_json(path, **members):
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


CONVERT_ZARR = ("convert", "v.zarr", "out", "--voxel-size", "1mm")


@case(3, *CONVERT_ZARR)
def zarr_of_unknown_codec(folder):
    zarr_array(folder)
    edit_json(folder / "v.zarr/zarr.json", codecs=["bytes", {"name": "vlen-utf8"}])


@case(3, *CONVERT_ZARR)
def zarr2_of_unknown_codec(folder):
    zarr_array(folder, zarr_format=2)
    edit_json(folder / "v.zarr/.zarray", compressor={"id": "snappy"})


@case(3, *CONVERT_ZARR)
def zarr2_with_a_filter(folder):
    zarr_array(folder, zarr_format=2)
    edit_json(folder / "v.zarr/.zarray", filters=[{"id": "delta", "dtype": "<u2"}])


@case(3, *CONVERT_ZARR)
def zarr_chunk_of_another_shape(folder):
    import gzip

    zarr_array(folder)
    edit_json(folder / "v.zarr/zarr.json", codecs=["bytes", {"name": "gzip", "configuration": {"level": 1}}])
    (folder / "v.zarr/c/0/0/0").write_bytes(gzip.compress(bytes(2 * 3 * 5 * 8)))


@case(3, *CONVERT_ZARR)
def zarr_chunk_that_is_not_packed(folder):
    zarr_array(folder)
    edit_json(folder / "v.zarr/zarr.json", codecs=["bytes", {"name": "blosc"}])


def zarr_shard(folder, chunk):
    """A shard of a single chunk, whose index says that it lies at `chunk` (offset, bytes)."""
    zarr_array(folder)
    edit_json(folder / "v.zarr/zarr.json", codecs=[{"name": "sharding_indexed", "configuration": {
        "chunk_shape": [3, 5, 7], "codecs": ["bytes"], "index_codecs": ["bytes"]}}])
    shard = folder / "v.zarr/c/0/0/0"
    shard.write_bytes(shard.read_bytes() + struct.pack("<2Q", *chunk))


@case(3, *CONVERT_ZARR)
def zarr_shard_index_beyond_the_file(folder):
    zarr_shard(folder, (100, 210))


@case(3, *CONVERT_ZARR)
def zarr_shard_without_its_index(folder):
    zarr_shard(folder, (0, 210))
    (folder / "v.zarr/c/0/0/0").write_bytes(bytes(15))


@case(3, *CONVERT_ZARR)
def zarr_chunk_in_a_shard_of_another_shape(folder):
    zarr_shard(folder, (0, 208))


@case(3, "convert", "v.zarr", "out")
def zarr_group_that_is_no_image(folder):
    import zarr

    zarr.open_group(folder / "v.zarr", mode="w").create_array("a", shape=(3, 5, 7), dtype="u2")


@case(3, "convert", "v.zarr", "out")
def zarr_image_without_its_array(folder):
    import zarr

    zarr.open_group(folder / "v.zarr", mode="w", attributes={"ome": {"version": "0.5", "multiscales": [
        {"axes": [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"],
         "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1]}]}]}]}})


@case(3, "convert", "v.n5", "out", "--voxel-size", "1mm")
def n5_of_unknown_compression(folder):
    (folder / "v.n5").mkdir()
    (folder / "v.n5/attributes.json").write_text(json.dumps({
        "dimensions": [7, 5, 3], "blockSize": [7, 5, 3], "dataType": "uint8", "compression": {"type": "xz"}}))


@case(3, "convert", "v.n5", "out", "--voxel-size", "1mm")
def n5_block_of_another_shape(folder):
    (folder / "v.n5/0/0").mkdir(parents=True)
    (folder / "v.n5/attributes.json").write_text(json.dumps({
        "dimensions": [7, 5, 3], "blockSize": [7, 5, 3], "dataType": "uint8", "compression": {"type": "raw"}}))
    (folder / "v.n5/0/0/0").write_bytes(struct.pack(">HHIII", 0, 3, 7, 5, 4) + bytes(140))


@case(3, *IMAGE)
def hdf5_whose_values_lie_in_a_lost_file(folder):
    layout = h5py.VirtualLayout((7, 5, 3), "u1")
    layout[...] = h5py.VirtualSource("lost.h5", "v", (7, 5, 3))
    with h5py.File(folder / "v.h5", "w") as file:
        file.create_virtual_dataset("virtual", layout)
