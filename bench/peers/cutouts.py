# SPDX-License-Identifier: Apache-2.0
"""cutouts.py PACKAGE DATASET CORNERS SIDE THREADS: the work of bench_cutouts by `tensorstore` or `cloudvolume`."""

import importlib
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np


def open_tensorstore(ts, dataset, threads):
    context = ts.Context({"cache_pool": {"total_bytes_limit": 0}, "data_copy_concurrency": {"limit": threads}})
    store = ts.open({"driver": "neuroglancer_precomputed", "kvstore": f"file://{dataset}/"}, context=context).result()
    return lambda x, y, z, side: store[x:x + side, y:y + side, z:z + side].read().result()


def open_cloud_volume(cloudvolume, dataset, threads):
    volume = cloudvolume.CloudVolume(f"file://{dataset}", progress=False, cache=False, lru_bytes=0, fill_missing=True)
    return lambda x, y, z, side: np.asarray(volume[x:x + side, y:y + side, z:z + side])


def main():
    package, dataset, corners_path, side, threads = sys.argv[1:]
    corners, side, threads = np.loadtxt(corners_path, int), int(side), int(threads)
    open_dataset = {"tensorstore": open_tensorstore, "cloudvolume": open_cloud_volume}[package]
    module = importlib.import_module(package)
    begin = time.perf_counter()
    cutout = open_dataset(module, dataset, threads)
    with ThreadPoolExecutor(threads) as pool:
        sums = list(pool.map(lambda corner: int(cutout(*corner, side).sum(dtype=np.uint64)), corners))
    print(json.dumps({"seconds": time.perf_counter() - begin, "sum": sum(sums) % 2**64}))


if __name__ == "__main__":
    main()
