# SPDX-License-Identifier: Apache-2.0
"""./dev demo --check: the converted demo in the real viewer. Compared are voxels at known millimetres, names of segments, and
what the mouse picks in the 3-D panel with what nibabel's voxels and vertices have behind that pixel."""

from e2e import brain, panel
from e2e.viewer import Look, served, state_of, view

# Of the picked surface from that of the voxels or of the file: a voxel is what meshes may be off, and half of one that their
# corners are cut.
WITHIN_MM = 1.5


def run(program, datasets, link_of_served, picture):
    """Status 0 or 1; says on standard output what was found. `link_of_served`: what makes the link of a line of `serve`."""
    told, scene = [], brain.Scene()

    def look_closer(page):
        names, rows = brain.names(), page.evaluate("() => ngforge.segmentRows()")
        told.append(f"{len(rows)} names")
        wrong = [f"segment {id}: expected {names.get(id)}, found {name}" for id, name in rows if name != names.get(id)]
        picked = [(place, panel.pick(page, place)) for place in panel.places(page, scene, columns=6, rows=5)]
        told.append(f"{sum(place.id is not None for place, _ in picked)} picks")
        seen = {place.id for place, _ in picked}
        if len(rows) < 20 or not seen & set(brain.SIDES) or len(seen & set(brain.REGIONS)) < 3:
            wrong.append(f"expected names, regions and a surface in sight, found {len(rows)} names and {seen}")
        problems.extend(wrong + list(panel.check(picked, scene.layers, WITHIN_MM)))

    problems = []
    with served(program, *datasets) as line:
        link = link_of_served(line)
        _, state = state_of(link)
        first = Look(state["position"], state["crossSectionScale"], {}, then=look_closer)
        fine = view(link, len(state["layers"]), [first, *brain.looks(0)], picture)
        coarse = view(link, len(state["layers"]), brain.looks(1))
    problems += fine.problems + coarse.problems + [f"no such file: {url}" for url in fine.missing + coarse.missing]
    for problem in problems:
        print(f"demo: {problem}")
    if problems:
        return 1
    told = [f"{len(fine.values + coarse.values)} voxels", *told, f"{fine.requests + coarse.requests} requests"]
    print(f"demo: {', '.join(told)}, all as expected; picture: {picture}")
    return 0
