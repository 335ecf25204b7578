# SPDX-License-Identifier: Apache-2.0
"""The real viewer, from another server, reads what web servers serve as `ngforge webserver` configures them."""

import json
import shutil
import urllib.parse

import pytest

import web_servers
from e2e import brain
from e2e.viewer import Look, served, view
from program import PROGRAM, convert, run

# The layer has a mesh of this label.
LABEL = "17"
MESHES = """name => {
  const layer = viewer.layerManager.getLayerByName(name).layer;
  return [...layer.renderLayers].map(l => l.constructor.name);
}"""


@pytest.fixture(scope="module")
def data():
    """The brain packed and deep, and its atlas with meshes whose names have no colon."""
    with web_servers.readable_folder() as root:
        t1, atlas = brain.paths()
        folder = root / "data"
        folder.mkdir()
        convert(t1, folder / "icbm152_t1", "--layout", "deep")
        convert(atlas, folder / "desikan_killiany", "--type", "segmentation", "--layout", "deep")
        done = run("mesh", folder / "desikan_killiany", LABEL, "--format", "legacy", "--no-colon-suffix")
        assert done.status == 0, done.err
        yield folder


@pytest.mark.parametrize("server", ["nginx", "apache", "caddy"])
def test_deep_and_packed(data, server, tmp_path):
    # The viewer is our server's, so that every request of data is one to another origin.
    with web_servers.running(server, data) as url, served(PROGRAM, data / "icbm152_t1") as line:
        viewer = line["url"] + "v/ngforge/"
        linked = run("link", *(f"{url}/{name}/" for name in brain.NAMES), "--segments", LABEL, "--viewer", viewer)
        assert linked.status == 0, linked.err
        seen = view(linked.out.strip(), 2, brain.looks(0), tmp_path / "view.png")
    assert seen.problems == []
    assert len(seen.values) == 2 * len(brain.PLACES)
