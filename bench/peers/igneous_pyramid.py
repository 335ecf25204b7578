# SPDX-License-Identifier: Apache-2.0
"""Labels in memory to a compressed_segmentation pyramid by cloud-volume and igneous: ARRAY.npy FOLDER RESOLUTION_NM."""

import contextlib
import json
import resource
import shutil
import sys
import time

import numpy as np
from cloudvolume import CloudVolume
from igneous import task_creation
from taskqueue import LocalTaskQueue


def main(array, folder, resolution_nm):
    shutil.rmtree(folder, ignore_errors=True)
    values = np.load(array)
    begin = time.perf_counter()
    with contextlib.redirect_stdout(sys.stderr):  # they tell what they do
        build(values, f"file://{folder}", resolution_nm)
    seconds = time.perf_counter() - begin
    peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) * 1024
    print(json.dumps({"wall_s": seconds, "peak_bytes": peak}))


def build(values, place, resolution_nm):
    CloudVolume.from_numpy(values, vol_path=place, resolution=[resolution_nm] * 3, chunk_size=(64, 64, 64),
                           layer_type="segmentation", encoding="compressed_segmentation", compress="gzip", progress=False)
    queue = LocalTaskQueue(parallel=2)
    queue.insert(task_creation.create_downsampling_tasks(place, mip=0, fill_missing=True, preserve_chunk_size=True,
                                                         factor=(2, 2, 2), num_mips=3, compress="gzip"))
    queue.execute()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
