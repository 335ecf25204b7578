# SPDX-License-Identifier: Apache-2.0
"""Datasets opened by tensorstore and cloud-volume give the same voxels, bit for bit."""

import cloudvolume
import numpy as np
import pytest
import tensorstore

import volumes
from expect import check_scales
from program import convert
from volumes import noise, save_nifti

TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "f4"]
OPTIONS = ("--chunk-size", "8,4,8", "--factor", "2", "--scales", "3")


def by_tensorstore(folder, index):
    spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{folder}/", "scale_index": index}
    return tensorstore.open(spec, open=True, read=True).result().read().result()


def by_cloud_volume(folder, index):
    volume = cloudvolume.CloudVolume(f"file://{folder}", mip=index, fill_missing=True, progress=False, cache=False,
                                     use_https=False)
    return np.asarray(volume[:, :, :])


def check(folder, values, method, readers, offset=(0, 0, 0)):
    dataset = check_scales(folder, values, method, offset=offset)
    for index in range(len(dataset.scales)):
        expected = dataset.read(index)
        for reader in readers:
            found = np.asarray(reader(folder, index)).reshape(expected.shape)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected, err_msg=f"scale {index} by {reader.__name__}")


@pytest.mark.parametrize("compress", ["gzip", "none"])
@pytest.mark.parametrize("dtype", TYPES)
def test_sharded_images(tmp_path, dtype, compress):
    values = noise((21, 18, 13), dtype, seed=31)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--type", "image", "--compress", compress, "--sharding", "1,2,1", *OPTIONS)
    check(tmp_path / "out", values[..., None], "average", [by_tensorstore, by_cloud_volume])


@pytest.mark.parametrize("encoding", ["raw", "cseg"])
@pytest.mark.parametrize("dtype", ["u4", "u8"])
def test_sharded_labels(tmp_path, dtype, encoding):
    values = volumes.labels((21, 18, 13), dtype)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--encoding", encoding, *OPTIONS)
    check(tmp_path / "out", values[..., None], "majority", [by_tensorstore, by_cloud_volume])


@pytest.mark.parametrize("encoding", ["raw", "cseg"])
@pytest.mark.parametrize("dtype", ["u4", "u8"])
def test_flat_labels(tmp_path, dtype, encoding):
    values = volumes.labels((21, 18, 13), dtype)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "gz", "--encoding", encoding, "--layout", "flat", *OPTIONS)
    check(tmp_path / "gz", values[..., None], "majority", [by_cloud_volume])
    convert(path, tmp_path / "plain", "--encoding", encoding, "--layout", "flat", "--compress", "none", *OPTIONS)
    check(tmp_path / "plain", values[..., None], "majority", [by_tensorstore, by_cloud_volume])


@pytest.mark.parametrize("shape", [(9, 8, 7, 2), (9, 8, 7, 3), (5, 4, 3, 7)])
def test_channels(tmp_path, shape):
    values = noise(shape, "u2", seed=32)
    path = save_nifti(tmp_path / "v.nii.gz", values)
    convert(path, tmp_path / "out", *OPTIONS)
    check(tmp_path / "out", values, "average", [by_tensorstore, by_cloud_volume])


def test_automatic_sharding_of_many_chunks(tmp_path):
    values = volumes.structured((130, 97, 61), "u1")
    path = save_nifti(tmp_path / "v.nii.gz", values)
    convert(path, tmp_path / "out", "--chunk-size", "8", "--shard-size", "64KiB")
    check(tmp_path / "out", values[..., None], "average", [by_tensorstore, by_cloud_volume])


def test_negative_offset(tmp_path):
    values = noise((21, 18, 13), "u2", seed=33)
    path = save_nifti(tmp_path / "v.nii", values)
    convert(path, tmp_path / "out", "--voxel-offset=-5,7,-64", *OPTIONS)
    check(tmp_path / "out", values[..., None], "average", [by_tensorstore, by_cloud_volume], offset=(-5, 7, -64))


def test_default_options_on_a_volume_of_several_chunks(tmp_path):
    values = volumes.structured((150, 140, 70), "u1")
    path = save_nifti(tmp_path / "v.nii.gz", values, np.diag([1, 1, 3, 1.0]))
    convert(path, tmp_path / "out")
    check(tmp_path / "out", values[..., None], "average", [by_tensorstore, by_cloud_volume])
