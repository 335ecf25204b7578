# SPDX-License-Identifier: Apache-2.0
"""Names and colours of segments as the viewer shows them."""

import csv

import data
from e2e import brain
from e2e.viewer import Look, link_of, served, state_of, view
from program import PROGRAM, convert, run

CHOSEN = ("17", "53", "83")
# The list of the layer's segments, as text: id and name of each row that is drawn.
ROWS = """() => [...document.querySelectorAll('.neuroglancer-segment-list-entry')].map(row => [
  row.dataset.id ?? row.querySelector('.neuroglancer-segment-list-entry-id')?.textContent?.trim(),
  row.querySelector('.neuroglancer-segment-list-entry-name')?.textContent?.trim()])"""
COLORS = """name => {
  const layer = viewer.layerManager.getLayerByName(name);
  return layer.toJSON().segmentColors;
}"""


def test_names_and_colours_appear(tmp_path):
    _, atlas = brain.paths()
    convert(atlas, tmp_path / "atlas", "--type", "segmentation")
    with open(data.fetch("desikan_killiany.csv")) as file:
        rows = list(csv.DictReader(file))
    with open(tmp_path / "names.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "name", "hemisphere", "color", "rank"])
        for row in rows:
            table.writerow([row["id"], row["label"], row["hemisphere"], f"#{int(row['id']) * 3:06x}", int(row["id"]) / 2])
    done = run("properties", tmp_path / "names.csv", tmp_path / "atlas", "--measure", "--tags", "hemisphere")
    assert done.status == 0, done.err
    with served(PROGRAM, tmp_path / "atlas") as line:
        (dataset,) = line["datasets"]
        linked = run("link", dataset["url"], "--segments", ",".join(CHOSEN), "--json")
        address, state = state_of(linked.json["viewer"])
        state["layers"][0]["tab"] = "segments"
        state["selectedLayer"] = {"layer": "atlas", "visible": True, "size": 500}
        found = {}

        def read(page):
            page.wait_for_selector(".neuroglancer-segment-list-entry-name", timeout=20_000)
            found.update(rows=page.evaluate(ROWS), colors=page.evaluate(COLORS, "atlas"))

        (look,) = brain.looks(0, ["desikan_killiany"])[:1]
        look = Look(look.position, look.scale, {"atlas": look.values["desikan_killiany"]}, then=read)
        seen = view(link_of(address, state), 1, [look], tmp_path / "view.png")
    assert seen.problems == []
    # The viewer puts a segment's tags behind its name.
    names = {row["id"]: f"{row['label']} #{row['hemisphere']}" for row in rows}
    shown = {id: name for id, name in found["rows"] if id}
    for id in CHOSEN:
        assert shown[id] == names[id], found["rows"]
    assert found["colors"] == {id: f"#{int(id) * 3:06x}" for id in CHOSEN}
