# SPDX-License-Identifier: Apache-2.0
"""Many slow readers: memory that does not grow with them, and others are answered. `./dev bench serve_slow` measures more."""

import gzip

import numpy as np
import pytest

from program import convert
from site_under_test import LIMIT_S, Site, chunk_keys, served
from slow_readers import SlowReaders, latencies, memory_bytes
from volumes import save_nifti

READERS = 200
REQUESTS = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("load")
    values = np.random.default_rng(1).integers(0, 255, (192, 192, 192), np.uint8)
    save_nifti(root / "live.nii", values)
    convert(root / "live.nii", root / "flat", "--layout", "flat", "--scales", "1")
    convert(root / "live.nii", root / "sharded", "--compress", "none", "--scales", "1")
    return root


def growth(folder, requests):
    """Peak and what was held before, while many read slowly and others ask."""
    with served(*(folder / name for name in ("flat", "sharded", "live.nii"))) as (process, line):
        site = Site(line)
        chunks = [f"/data/flat/{key}" for key in chunk_keys(folder / "flat")]
        latencies(site.host, site.port, [*chunks, "/", "/data/live/info"], REQUESTS)
        before = memory_bytes(process.pid, "VmHWM")
        with SlowReaders(site.host, site.port, requests, READERS, bytes_per_second=8192) as readers:
            assert readers.begun.wait(LIMIT_S)
            latencies(site.host, site.port, [*chunks, "/", "/data/live/info"], REQUESTS)
            assert readers.waiting() == READERS, "they are slow"
        assert readers.lost == readers.refused == 0
        return memory_bytes(process.pid, "VmHWM") - before


def test_slow_readers_of_files_take_no_memory(folder):
    (shard,) = (folder / "sharded").rglob("*.shard")
    assert shard.stat().st_size > 192**3
    chunk = chunk_keys(folder / "flat")[0]
    requests = [(f"/data/{shard.relative_to(folder)}", {}), (f"/data/flat/{chunk}", {"Accept-Encoding": "gzip"}),
                (f"/data/{shard.relative_to(folder)}", {"Range": "bytes=1000-"})]
    assert growth(folder, requests) < 16 << 20


def test_what_many_hold_is_bounded(folder):
    """Values that are large once they are unpacked: when too many hold one, others are told to come again."""
    readers_of_all = 160
    zeros = bytes(8 << 20)
    (folder / "flat/zeros.gz").write_bytes(gzip.compress(zeros, 1))
    with served(folder / "flat") as (process, line):
        site = Site(line)
        with SlowReaders(site.host, site.port, [("/data/flat/zeros", {})], readers_of_all, bytes_per_second=8192) as readers:
            assert readers.begun.wait(LIMIT_S)
            latencies(site.host, site.port, ["/data/flat/info", "/"], REQUESTS)
        assert readers.lost == 0 and 10 < readers.refused
        assert site.ask("/data/flat/zeros").content == zeros
        # 256 MiB, and what the threads that unpack take and keep for the next one.
        assert memory_bytes(process.pid, "VmHWM") < 768 << 20 < readers_of_all * len(zeros)


def test_slow_readers_of_what_is_made_take_a_chunk_each(folder):
    chunk = chunk_keys(folder / "flat")[0]
    requests = [(f"/data/flat/{chunk}", {}), (f"/data/live/{chunk}", {})]  # unpacked, and translated
    assert growth(folder, requests) < (READERS * 256 * 1024) + (64 << 20)
