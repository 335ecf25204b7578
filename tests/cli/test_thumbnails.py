# SPDX-License-Identifier: Apache-2.0
"""Pictures of the start page as HTTP has them; what they show is compared in tests/e2e/test_start_page.py."""

import gzip
import io
import subprocess
import threading

import pytest
from PIL import Image

import volumes
from program import PROGRAM, convert
from site_under_test import LIMIT_S, Site, served, waiting_pipe
from volumes import save_nifti

TARGET = "/thumbnail/scan/slices.png"
BLANK = (376, 120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("thumbnails")
    save_nifti(root / "scan.nii", volumes.structured((90, 70, 50)))
    return root


def picture(answer):
    assert answer.status == 200 and answer.headers["Content-Type"] == "image/png"
    return Image.open(io.BytesIO(answer.content))


def test_a_picture_is_asked_for_again_only_when_it_has_changed(folder):
    with served(folder / "scan.nii") as (_, line):
        site = Site(line)
        answer = site.ask(TARGET)
        assert picture(answer).size[0] > 200
        assert answer.headers["Cache-Control"] == "no-cache"
        again = site.ask(TARGET, if_none_match=answer.headers["ETag"])
        assert again.status == 304 and again.content == b""
        head = site.ask(TARGET, "HEAD")
        assert head.content == b"" and int(head.headers["Content-Length"]) == len(answer.content)
        assert site.ask("/thumbnail/scan/").content == answer.content
        for target in "/thumbnail/scan/other.png", "/thumbnail/other/slices.png", "/thumbnail/":
            assert site.ask(target).status == 404, target


def test_live_and_stored_are_alike(folder, tmp_path):
    convert(folder / "scan.nii", tmp_path / "scan")
    with served(folder / "scan.nii", tmp_path / "scan") as (_, line):
        site = Site(line)
        assert site.ask(TARGET).content == site.ask(TARGET.replace("scan", "scan-2")).content


def test_one_that_cannot_be_made(folder, tmp_path):
    """What is told to whoever runs the server, the browser is not."""
    data = gzip.compress((folder / "scan.nii").read_bytes())
    (tmp_path / "scan.nii.gz").write_bytes(data[:len(data) // 2])
    process = subprocess.Popen([PROGRAM, "serve", tmp_path / "scan.nii.gz", folder / "scan.nii", "--port", "0"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        url = [process.stdout.readline() for _ in range(2)][0].split(", ")[-1].removesuffix("data/scan/\n")
        site = Site({"url": url})
        assert picture(site.ask(TARGET)).size == BLANK
        assert picture(site.ask("/thumbnail/scan-2/slices.png")).size != BLANK
    finally:
        process.terminate()
        told = process.communicate(timeout=LIMIT_S)[1]
    (line,) = [line for line in told.splitlines() if "no picture of scan can be made" in line]
    assert str(tmp_path / "scan.nii.gz") in line
    assert "scan-2" not in told


def test_one_of_a_stream_waits_for_it(folder, tmp_path):
    data = gzip.compress((folder / "scan.nii").read_bytes())
    found = []
    with waiting_pipe(tmp_path / "scan.nii.gz", data) as goes_on:
        with served(tmp_path / "scan.nii.gz", folder / "scan.nii") as (_, line):
            site = Site(line)
            asker = threading.Thread(target=lambda: found.append(site.ask(TARGET)))
            asker.start()
            expected = site.ask("/thumbnail/scan-2/slices.png").content
            assert found == [] and asker.is_alive()
            goes_on.set()
            asker.join(LIMIT_S)
            assert found[0].content == expected
