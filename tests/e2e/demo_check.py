# SPDX-License-Identifier: Apache-2.0
"""./dev demo --check: the converted demo in the real viewer, voxels compared at known millimetres."""

from e2e import brain
from e2e.viewer import served, view


def run(program, datasets, picture):
    with served(program, *datasets) as line:
        fine = view(line["viewer"], len(datasets), brain.looks(0), picture)
        coarse = view(line["viewer"], len(datasets), brain.looks(1))
    problems = fine.problems + coarse.problems + [f"no such file: {url}" for url in fine.missing + coarse.missing]
    for problem in problems:
        print(f"demo: {problem}")
    if problems:
        return 1
    print(f"demo: {len(fine.values + coarse.values)} voxels as expected, {fine.requests + coarse.requests} requests, none failed; picture: {picture}")
    return 0
