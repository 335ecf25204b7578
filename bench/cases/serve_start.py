# SPDX-License-Identifier: Apache-2.0
"""How long people wait after `ngforge serve FILE`: from the start of the process to the last byte of an answer."""

import contextlib
import json
import math
import socket
import statistics
import subprocess
import time

import nibabel as nib
import numpy as np

import data
import large
from harness import WORK, bench

SHAPE = (1024, 1024, 512)  # 1 GiB of int16
PACKED_SHAPE, PACKED_BYTES = (512, 512, 480), 200 << 20
VOXEL_MM = 0.2
LIMIT_S = 60


def scan():
    """A .nii of heads side by side under noise: the ICBM152 T1, its voxels as many times as it takes."""
    path = WORK / "start.nii"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        head = np.asarray(nib.load(data.fetch("icbm152_t1.nii.gz")).dataobj).astype("f4") * 16
        tiled = np.tile(head, [math.ceil(n / m) for n, m in zip(SHAPE[:2], head.shape, strict=False)] + [1])[:SHAPE[0], :SHAPE[1]]
        noise = np.random.default_rng(0).normal(0, 30, (4, *SHAPE[:2])).astype("f4")
        header = nib.Nifti1Image(np.empty((1, 1, 1), "i2"), np.diag([VOXEL_MM] * 3 + [1])).header
        header.set_data_shape(SHAPE)
        header["vox_offset"] = 352
        partial = path.with_suffix(".partial")
        with open(partial, "wb") as file:
            file.write(header.binaryblock + bytes(4))
            for k in range(SHAPE[2]):
                plane = tiled[:, :, k % head.shape[2]] + np.roll(noise[k % len(noise)], 7919 * k)
                file.write(plane.astype("i2").tobytes(order="F"))
        partial.rename(path)
    return path


def packed_scan():
    path = WORK / "start_packed.nii.gz"
    if not path.exists():
        large.write(path, PACKED_SHAPE, np.diag([VOXEL_MM] * 3 + [1]), planes=PACKED_SHAPE[2] // 8)
    return path


@contextlib.contextmanager
def started(context, path):
    """The program as it starts: (when, its port)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin = time.perf_counter()
    process = subprocess.Popen([context.program, "serve", path, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield begin, port
    finally:
        process.terminate()
        process.wait()


def ask(port, target):
    """The body of an answer, as soon as there is someone to ask."""
    until = time.perf_counter() + LIMIT_S
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionRefusedError:
            assert time.perf_counter() < until, "the server does not start"
            time.sleep(0.0005)
    with connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        received = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    head, body = received.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200 "), head
    return body


def middle_chunk(name, scale):
    ends = []
    for size, chunk in zip(scale["size"], scale["chunk_sizes"][0], strict=True):
        begin = size // 2 // chunk * chunk
        ends.append(f"{begin}-{min(begin + chunk, size)}")
    return f"/data/{name}/{scale['key']}/{'_'.join(ends)}"


def wait_for(context, path, target):
    with started(context, path) as (begin, port):
        ask(port, target)
        return time.perf_counter() - begin


@bench("serve, from the start of the process to the answer: 1 GiB .nii, 200 MiB .nii.gz")
def serve_start(context):
    plain, packed = scan(), packed_scan()
    assert abs(packed.stat().st_size / PACKED_BYTES - 1) < 0.05, packed.stat().st_size
    scales = {}
    for path in plain, packed:
        path.read_bytes()  # into the page cache
        with started(context, path) as (_, port):
            scales[path] = json.loads(ask(port, f"/data/{path.name.split('.')[0]}/info"))["scales"]
    plain_size, packed_size = "1 GiB .nii", "200 MiB .nii.gz"
    finest, coarsest = (lambda path, k=k: middle_chunk(path.name.split(".")[0], scales[path][k]) for k in (0, -1))
    asked = [(plain_size, plain, "start page", "/", 0.15),
             (plain_size, plain, "info", "/data/start/info", 0.15),
             (plain_size, plain, "a chunk of scale 0", finest(plain), 0.15),
             (plain_size, plain, "the coarsest chunk", coarsest(plain), 3.0),
             (plain_size, plain, "picture on the start page", "/thumbnail/start/slices.png", ""),
             (packed_size, packed, "start page", "/", ""),
             (packed_size, packed, "a chunk of scale 0", finest(packed), 4.0),
             (packed_size, packed, "the coarsest chunk", coarsest(packed), "")]
    seconds = [[] for _ in asked]
    for _ in range(context.rounds):
        for times, (_, path, _, target, _) in zip(seconds, asked, strict=True):
            times.append(wait_for(context, path, target))
    return [{"source": source, "asked for": what, "seconds": statistics.median(times), "slowest": max(times), "to be under": limit}
            for times, (source, _, what, _, limit) in zip(seconds, asked, strict=True)]
