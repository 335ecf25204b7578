# SPDX-License-Identifier: Apache-2.0
"""OME-Zarr images in the real viewer, as they lie: it finds their voxels where their metadata puts them."""

from e2e.test_encodings import MIDDLE, VOXEL, ramp, save
from e2e.viewer import Look, link_of, served, state_of, view
from program import PROGRAM, convert

IMAGES = [  # dtype, channels, options
    ("u1", 1, ("--compress", "zstd")), ("u2", 1, ("--compress", "blosc")), ("f4", 1, ("--compress", "gzip")),
    ("i2", 1, ("--layout", "flat")), ("u1", 2, ("--compress", "none")), ("u4", 1, ("--type", "segmentation")),
    ("u8", 1, ("--type", "segmentation", "--compress", "blosc"))]


def layer_of(name, url, is_label):
    return {"type": "segmentation" if is_label else "image", "name": name, "source": f"{url}{name}.zarr/|zarr3:"}


def test_images(tmp_path):
    # What lies in the folder of a dataset is served as it is.
    folder = tmp_path / "set"
    values = ramp("u1", 1)
    convert(save(tmp_path / "v.nii", values), folder)
    look = Look(MIDDLE, 0.2, {})
    layers = []
    for dtype, channels, options in IMAGES:
        values = ramp(dtype, channels)
        name = f"{dtype}-{channels}"
        convert(save(tmp_path / f"{name}.nii", values), folder / f"{name}.zarr", "--chunk-size", "16", "--shard-size", "32KiB",
                *options, *(() if "--type" in options else ("--type", "image")))
        # Of several channels the viewer shows one at a time, first the one in the middle.
        look.values[name] = str(values[VOXEL][channels // 2])
        layers.append((name, "segmentation" in options))
    with served(PROGRAM, folder) as line:
        address, state = state_of(line["viewer"])
        url = f"{line['url']}data/{line['datasets'][0]['name']}/"
        state["layers"] = [layer_of(name, url, is_label) for name, is_label in layers]
        seen = view(link_of(address, state), len(layers), [look])
    assert seen.problems == []
    assert len(seen.values) == len(IMAGES)
