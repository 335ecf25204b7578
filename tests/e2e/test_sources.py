# SPDX-License-Identifier: Apache-2.0
"""Every kind of source that is not precomputed, translated on the fly, in the real viewer: all in one page."""

import contextlib

import numpy as np

from e2e.viewer import Look, served, view
from program import PROGRAM, run
from source_kinds import made_by_options

# Millimetres inside all of them; at least 0.2 voxels from the borders between voxels, whether these lie at even
# millimetres (most) or at odd ones (where voxel centres are at multiples of the voxel size).
PLACES = [(20.6, 31.4, 12.6), (33.4, 10.6, 27.4)]


def value_at(values, affine, place):
    """The voxel whose centre is nearest, as the viewer writes it."""
    voxel = np.linalg.inv(affine) @ [*place, 1]
    nearest = np.rint(voxel[:3]).astype(int)
    assert np.abs(voxel[:3] - nearest).max() < 0.4 and (nearest >= 0).all() and (nearest < values.shape[:3]).all()
    return ",".join(map(str, np.atleast_1d(values[tuple(nearest)])))


def test_every_source_live(tmp_path):
    expected, urls = {}, []
    with contextlib.ExitStack() as servers:
        for options, made in made_by_options(tmp_path).items():
            line = servers.enter_context(served(PROGRAM, *(place for place, _, _ in made.values()), *options))
            for (_, values, affine), entry in zip(made.values(), line["datasets"], strict=True):
                assert entry["name"] not in expected
                expected[entry["name"]] = values, affine
                urls.append(entry["url"])
        link = run("link", *urls)
        assert link.status == 0, link.err
        looks = [Look(place, 0.2, {name: value_at(*made, place) for name, made in expected.items()}) for place in PLACES]
        seen = view(link.out.strip(), len(urls), looks)
    assert seen.problems == []
    assert seen.missing == []
    assert len(seen.values) == len(PLACES) * len(urls)
