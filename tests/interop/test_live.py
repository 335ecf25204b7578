# SPDX-License-Identifier: Apache-2.0
"""What `serve` translates on the fly is what `convert` writes, byte by byte, for every kind of source."""

import contextlib
import json

import nibabel as nib
import numpy as np
import pytest

from expect import as_channels
from precomputed import Dataset
from program import convert
from site_under_test import Site, chunk_keys, served
from source_kinds import KINDS, made_by_options
from web import serving

CHUNKS = ("--chunk-size", "16,8,8")  # several scales of several chunks, cut at borders


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """{kind: (what was made, site, name of the dataset)}; a server for all that want the same options."""
    folder, found = tmp_path_factory.mktemp("live"), {}
    with contextlib.ExitStack() as servers:
        for options, made in made_by_options(folder).items():
            _, line = servers.enter_context(served(*(place for place, _, _ in made.values()), *options, *CHUNKS))
            for name, entry in zip(made, line["datasets"], strict=True):
                found[name] = made[name], Site(line), entry["name"]
        yield found


@pytest.mark.parametrize("name", KINDS)
def test_live_is_converted(live, tmp_path, name):
    (place, values, affine), site, served_name = live[name]
    convert(place, tmp_path / "out", "--layout", "flat", "--compress", "none", *KINDS[name].options, *CHUNKS)
    dataset = Dataset(tmp_path / "out")
    canonical = nib.as_closest_canonical(nib.Nifti1Image(values, affine, dtype=values.dtype))
    np.testing.assert_array_equal(dataset.read(0), as_channels(np.asarray(canonical.dataobj)))
    keys = chunk_keys(tmp_path / "out")
    cells = [len(list(dataset.cells(scale))) for scale in range(len(dataset.scales))]
    assert len(cells) > 2 and len(keys) == sum(cells), "no chunk is all zeros"
    # Labels have meshes there that nobody made before.
    added = {"mesh": "mesh"} if dataset.info["type"] == "segmentation" else {}
    assert json.loads(site.ask(f"/data/{served_name}/info").content) == dataset.info | added
    for key in keys:
        assert site.ask(f"/data/{served_name}/{key}").content == (tmp_path / "out" / key).read_bytes(), key


@pytest.mark.parametrize("name", ["zarr_2", "zarr_3", "ome_zarr_4", "ome_zarr_5", "n5"])
def test_live_from_another_server(tmp_path, name):
    place, _, _ = KINDS[name].make(tmp_path)
    convert(place, tmp_path / "out", "--layout", "flat", "--compress", "none", *KINDS[name].options, *CHUNKS)
    with serving(tmp_path) as url, served(f"{url}/{place.name}", *KINDS[name].options, *CHUNKS) as (_, line):
        for key in chunk_keys(tmp_path / "out"):
            answer = Site(line).ask(f"/data/{line['datasets'][0]['name']}/{key}")
            assert answer.content == (tmp_path / "out" / key).read_bytes(), key
