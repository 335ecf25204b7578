# SPDX-License-Identifier: Apache-2.0
"""A sharded dataset is readable from servers that know nothing of datasets, only of Range."""

import os
import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

import volumes
import web_servers
from environment import programs_in
from program import ROOT, convert, run
from volumes import save_nifti
from web_servers import Client, stored


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("plain")
    save_nifti(root / "labels.nii", volumes.labels((40, 30, 20), "u4"))
    convert(root / "labels.nii", root / "data/seg", "--chunk-size", "16", "--sharding", "0,1,2")
    done = run("mesh", root / "data/seg")
    assert done.status == 0, done.err
    return root / "data"


def http_server():
    """The command of npm's http-server, which is installed where it is missing."""
    programs, folder = programs_in(ROOT / "build/node", ROOT / "tests/node-requirements.txt", "npm"), ROOT / "build/http_server"
    main = folder / "node_modules/http-server/bin/http-server"
    if not main.exists():
        shutil.copytree(ROOT / "tests/http_server", folder, dirs_exist_ok=True)
        subprocess.run([programs / "npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True,
                       env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
    return f"{programs / 'node'} {main}"


COMMANDS = {
    "http-server": lambda data, port: f"{http_server()} '{data}' -a 127.0.0.1 -p {port} --cors -c-1",
    "rangehttpserver": lambda data, port: f"""sh -c "cd '{data}' && exec {sys.executable} -m RangeHTTPServer -b 127.0.0.1 {port}" """,
}


@pytest.fixture(scope="module", params=COMMANDS)
def url(request, data, tmp_path_factory):
    port = web_servers.free_port()
    command = COMMANDS[request.param](data, port)
    with web_servers.started(command, port, tmp_path_factory.mktemp("log")) as url:
        yield f"{url}/seg/"


def test_every_file(data, url):
    client = Client({"seg": url})
    for key, expected in stored(data / "seg").items():
        answer = client.ask("seg", key, accept_encoding="gzip, deflate, br")
        assert answer.status == 200 and answer.body == expected, key
        assert "Content-Encoding" not in answer.headers
        part = client.ask("seg", key, range="bytes=3-9", accept_encoding="identity")
        assert part.status == 206 and part.body == expected[3:10], key


def test_voxels_and_meshes(data, url, tmp_path):
    convert(url, tmp_path / "back.nii")
    assert np.array_equal(np.asanyarray(nib.load(tmp_path / "back.nii").dataobj), volumes.labels((40, 30, 20), "u4"))
    label = int(volumes.labels((40, 30, 20), "u4").max())
    for place, name in (url, "far.ply"), (data / "seg", "near.ply"):
        convert(f"{place}|mesh:{label}", tmp_path / name)
    assert (tmp_path / "far.ply").read_bytes() == (tmp_path / "near.ply").read_bytes()


def test_check(request, url):
    done = run("check", url, "--json")
    # The one has an option for CORS, the other has not.
    expected = [] if "http-server" in request.node.name else ["no-cors"]
    assert [finding["code"] for finding in done.json] == expected, done.out
