# SPDX-License-Identifier: Apache-2.0
"""`properties`: what a table becomes, read as the specification says and by other programs."""

import csv
import gzip
import json
import signal

import cloudvolume
import numpy as np
import pytest
from cloudfiles import CloudFiles

import data
from program import convert, peak_bytes, run
from site_under_test import served

LUT = """\
#No. Label Name:                            R   G   B   A
0   Unknown                                 0   0   0   0
17  Left-Hippocampus                        220 216 20  0
53  Right-Hippocampus                       220 216 21  0
1001 ctx-lh-bankssts                        25  100 40  0
"""


def labels():
    """Three labels in known boxes; [x, y, z]."""
    values = np.zeros((20, 30, 25), np.uint16, order="F")
    values[2:5, 3:10, 4:20] = 17
    values[4, 9, 19] = 53
    values[10:20, 20:30, 20:25] = 1001
    values[0, 0, 0] = 17
    return values


@pytest.fixture
def segmentation(tmp_path):
    np.save(tmp_path / "v.npy", labels())
    convert(tmp_path / "v.npy", tmp_path / "seg", "--type", "segmentation", "--voxel-size", "2mm,1mm,0.5mm",
            "--chunk-size", "8", "--voxel-offset", "-3,0,100")
    return tmp_path / "seg"


def properties(segmentation, *arguments):
    """Runs `properties ARGUMENTS SEGMENTATION`, which must succeed; returns its report."""
    done = run("properties", *arguments, segmentation, "--json")
    assert done.status == 0, done.err
    return done.json


def stored(segmentation):
    """Ids, and the properties by their id."""
    link = json.loads((segmentation / "info").read_text())["segment_properties"]
    info = json.loads((segmentation / link / "info").read_text())
    assert info["@type"] == "neuroglancer_segment_properties"
    ids = info["inline"]["ids"]
    found = {item["id"]: item for item in info["inline"]["properties"]}
    assert len(found) == len(info["inline"]["properties"])
    for item in found.values():
        assert len(item["values"]) == len(ids)
    return ids, found


def test_a_table_of_an_atlas(segmentation):
    table = data.fetch("desikan_killiany.csv")
    properties(segmentation, table, "--tags", "hemisphere,structure")
    ids, found = stored(segmentation)
    with open(table) as file:
        rows = list(csv.DictReader(file))
    assert ids == [row["id"] for row in rows]
    assert found["label"]["type"] == "label" and found["label"]["values"] == [row["label"] for row in rows]
    tags = found["tags"]["tags"]
    assert tags == sorted(tags, key=str.lower) and {"L", "R", "B", "cortex", "subcortex/brainstem"} >= set(tags)
    for row, numbers in zip(rows, found["tags"]["values"], strict=True):
        assert {tags[n] for n in numbers} == {row["hemisphere"], row["structure"]}
        assert numbers == sorted(numbers)
    assert set(found) == {"label", "tags"}


def test_every_kind_of_column(segmentation, tmp_path):
    (tmp_path / "t.csv").write_bytes(
        b"\xef\xbb\xbfSegment ID;Name;Comment;Tags;Colour;count;mean;code;grade\r\n"
        b"18446744073709551615;last;;b, A;rgb(1, 2, 3);70000;0.1;007;-1\r\n"
        b'17;"a ""b""; c";"two\r\nlines";#a;#FF0000;0;-2.5e3;12;127\r\n'
        b"53;\xc3\xa9;x;;n/a;255;1e-45;x;0\r\n")
    report = properties(segmentation, tmp_path / "t.csv")
    ids, found = stored(segmentation)
    assert ids == ["17", "53", "18446744073709551615"]
    assert found["Name"] == {"id": "Name", "type": "label", "values": ['a "b"; c', "é", "last"]}
    assert found["Comment"]["type"] == "description" and found["Comment"]["values"] == ["two\r\nlines", "x", ""]
    assert found["tags"]["tags"] == ["a", "b"] and found["tags"]["values"] == [[0], [], [0, 1]]
    assert found["color"]["type"] == "string" and found["color"]["values"] == ["#ff0000", "", "#010203"]
    for name, data_type, values in [("count", "uint32", [0, 255, 70000]), ("mean", "float32", [-2500, 1e-45, 0.1]),
                                    ("grade", "int8", [127, 0, -1])]:
        assert found[name]["type"] == "number" and found[name]["data_type"] == data_type
        assert found[name]["values"] == values
    assert found["code"]["type"] == "string" and found["code"]["values"] == ["12", "x", "007"]
    told = {column["name"]: column["type"] for column in report["columns"]}
    assert told == {"Segment ID": "id", "Name": "label", "Comment": "description", "Tags": "tags", "Colour": "string",
                    "count": "number", "mean": "number", "code": "string", "grade": "number"}


@pytest.mark.parametrize("name, text", [
    ("lut.txt", LUT),
    ("labels.txt", "0 0 0 0 0 0 0 \"Clear Label\"\n17 220 216 20 1 1 1 \"Left-Hippocampus\"\n"
                   "53 220 216 21 1 1 1 \"Right-Hippocampus\"\n1001 25 100 40 1 1 1 \"ctx-lh-bankssts\"\n"),
    ("atlas_dseg.tsv", "index\tname\tcolor\n0\tUnknown\tn/a\n17\tLeft-Hippocampus\t#dcd814\n"
                       "53\tRight-Hippocampus\t#DCD815\n1001\tctx-lh-bankssts\t#196428\n"),
    ("rgb.csv", "label,name,r,g,b,a\n53,Right-Hippocampus,220,216,21,0\n17,Left-Hippocampus,220,216,20,0\n"
                "1001,ctx-lh-bankssts,25,100,40,255\n"),
    ("list.json", json.dumps([{"id": 17, "name": "Left-Hippocampus", "color": [220, 216, 20]},
                              {"id": 53, "name": "Right-Hippocampus", "color": [220, 216, 21]},
                              {"id": 1001, "name": "ctx-lh-bankssts", "color": "#196428"}])),
])
def test_names_and_colours_of_every_format(segmentation, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    properties(segmentation, tmp_path / name)
    ids, found = stored(segmentation)
    assert ids == ["17", "53", "1001"]
    (label,) = (item for item in found.values() if item["type"] == "label")
    assert label["values"] == ["Left-Hippocampus", "Right-Hippocampus", "ctx-lh-bankssts"]
    assert found["color"]["values"] == ["#dcd814", "#dcd815", "#196428"]
    with served(segmentation) as (_, line):
        (dataset,) = line["datasets"]
        linked = run("link", dataset["url"], "--segments", "53", "--state")
    assert dataset["layer"]["segmentColors"] == {"17": "#dcd814", "53": "#dcd815", "1001": "#196428"}
    assert linked.json["layers"][0]["segmentColors"] == {"53": "#dcd815"}


def test_names_by_label_in_json(segmentation, tmp_path):
    (tmp_path / "t.json").write_text('{"53": "b", "17": "a"}')
    properties(segmentation, tmp_path / "t.json")
    ids, found = stored(segmentation)
    assert ids == ["17", "53"] and found["label"]["values"] == ["a", "b"]


def test_properties_of_another_dataset(segmentation, tmp_path):
    (tmp_path / "t.csv").write_text("id,name,size,tags\n17,a,1.5,x\n53,b,2,y;x\n")
    properties(segmentation, tmp_path / "t.csv")
    before = (segmentation / "segment_properties/info").read_bytes()
    (tmp_path / "other.json").write_bytes(before)
    assert properties(segmentation, tmp_path / "other.json", "--overwrite")["format"] == "segment properties"
    assert (segmentation / "segment_properties/info").read_bytes() == before


def measured(values, offset):
    """By NumPy: voxels, and box, by label."""
    for label in np.unique(values[values > 0]):
        where = np.argwhere(values == label) + offset
        yield int(label), len(where), where.min(axis=0), where.max(axis=0) + 1


@pytest.mark.parametrize("options", [("--threads", "1"), ("--threads", "3", "--memory", "64MiB")])
def test_measures(segmentation, tmp_path, options):
    properties(segmentation, "--measure", *options)
    ids, found = stored(segmentation)
    expected = list(measured(labels(), (-3, 0, 100)))
    assert ids == [str(label) for label, *_ in expected]
    assert found["voxels"]["values"] == [count for _, count, _, _ in expected]
    assert found["volume_mm3"]["values"] == [count * 1.0 for _, count, _, _ in expected]
    for axis, letter in enumerate("xyz"):
        assert found[f"begin_{letter}"]["values"] == [begin[axis] for _, _, begin, _ in expected]
        assert found[f"end_{letter}"]["values"] == [end[axis] for _, _, _, end in expected]
    assert found["begin_x"]["data_type"] == "int8" and found["voxels"]["data_type"] == "uint16"


def test_measures_beside_names(segmentation, tmp_path):
    (tmp_path / "t.csv").write_text("id,name,size\n17,a,7\n1001,c,8\n99,nowhere,9\n")
    properties(segmentation, tmp_path / "t.csv")
    refused = run("properties", segmentation, "--measure", "--overwrite")
    assert refused.status == 4 and "size: expected a number for each label, found none for 53" in refused.err
    report = properties(segmentation, "--measure", "--overwrite", "--missing", "-1")
    ids, found = stored(segmentation)
    assert ids == ["17", "53", "1001"] and found["name"]["values"] == ["a", "", "c"]
    assert found["size"]["values"] == [7, -1, 8] and found["size"]["data_type"] == "int8"
    assert report["notices"] == ["no voxel has 99: left out", "1 labels have voxels and no name"]
    again = (segmentation / "segment_properties/info").read_bytes()
    properties(segmentation, "--measure", "--overwrite")
    assert (segmentation / "segment_properties/info").read_bytes() == again


def test_only_labels_with_voxels(segmentation, tmp_path):
    (tmp_path / "lut.txt").write_text(LUT + "2000 nowhere 1 2 3 0\n2001 nowhere-else 1 2 3 0\n")
    report = properties(segmentation, tmp_path / "lut.txt")
    assert report["segments"] == 5 and any("--present" in notice for notice in report["notices"])
    report = properties(segmentation, tmp_path / "lut.txt", "--present", "--overwrite")
    ids, found = stored(segmentation)
    assert ids == ["17", "53", "1001"] and "voxels" not in found
    assert "no voxel has 2000, 2001: left out" in report["notices"]


def test_whole_or_not_at_all(segmentation, tmp_path):
    before = (segmentation / "info").read_bytes()
    (tmp_path / "bad.csv").write_text("id,name\n1,a\n1,b\n")
    (tmp_path / "good.csv").write_text("id,name\n1,a\n")
    assert run("properties", tmp_path / "bad.csv", segmentation).status == 3
    assert run("properties", tmp_path / "good.csv", segmentation, "--dry-run").status == 0
    assert (segmentation / "info").read_bytes() == before
    assert not list(segmentation.glob("segment_properties*"))
    properties(segmentation, tmp_path / "good.csv")
    first = (segmentation / "segment_properties/info").read_bytes()
    after = json.loads((segmentation / "info").read_text())
    assert after.pop("segment_properties") == "segment_properties" and after == json.loads(before)
    done = run("properties", tmp_path / "good.csv", segmentation)
    assert done.status == 5 and "--overwrite" in done.err
    assert run("properties", tmp_path / "bad.csv", segmentation, "--overwrite").status == 3
    assert (segmentation / "segment_properties/info").read_bytes() == first
    assert [path.name for path in segmentation.glob("segment_properties*")] == ["segment_properties"]


@pytest.mark.parametrize("room, number", [(0, signal.SIGINT), (0, signal.SIGTERM), (60, None)])
def test_a_run_that_is_interrupted_leaves_nothing(segmentation, tmp_path, full_disk, room, number):
    """There is nothing in it that another run could take over."""
    before = (segmentation / "info").read_bytes()
    (tmp_path / "t.csv").write_text("id,name\n1,a\n")
    for arguments in (tmp_path / "t.csv", segmentation), (segmentation, "--measure"):
        done = run("properties", *arguments, env=full_disk(room, number))
        assert done.status == (130 if number else 6), done.err
        assert (segmentation / "info").read_bytes() == before
        assert not list(segmentation.glob("segment_properties*"))


def test_what_a_killed_run_leaves_is_replaced(segmentation, tmp_path, full_disk):
    (tmp_path / "t.csv").write_text("id,name\n1,a\n")
    arguments = "properties", tmp_path / "t.csv", segmentation
    assert run(*arguments, env=full_disk(5, signal.SIGKILL)).status == -signal.SIGKILL
    assert (segmentation / "segment_properties.partial").exists()
    again = run(*arguments)
    assert again.status == 5 and "--overwrite" in again.err and "--resume" not in again.err
    assert run(*arguments, "--overwrite").status == 0
    assert [path.name for path in segmentation.glob("segment_properties*")] == ["segment_properties"]


def test_info_in_gzip_stays_in_gzip(segmentation, tmp_path):
    before = json.loads((segmentation / "info").read_text())
    (segmentation / "info.gz").write_bytes(gzip.compress((segmentation / "info").read_bytes()))
    (segmentation / "info").unlink()
    (tmp_path / "t.csv").write_text("id,name\n1,a\n")
    properties(segmentation, tmp_path / "t.csv")
    after = json.loads(gzip.decompress((segmentation / "info.gz").read_bytes()))
    assert after == before | {"segment_properties": "segment_properties"} and not (segmentation / "info").exists()


def test_a_link_to_another_folder_is_kept(segmentation, tmp_path):
    info = json.loads((segmentation / "info").read_text())
    (segmentation / "info").write_text(json.dumps(info | {"segment_properties": "./names/", "mine": {"a": 0.10}}))
    (tmp_path / "t.csv").write_text("id,name\n1,a\n")
    properties(segmentation, tmp_path / "t.csv")
    assert stored(segmentation)[0] == ["1"] and (segmentation / "names/info").exists()


def test_cloud_volume_reads_them(segmentation, tmp_path):
    (tmp_path / "t.csv").write_text("id,name,tags\n17,a,x\n53,b,y\n")
    properties(segmentation, tmp_path / "t.csv")
    volume = cloudvolume.CloudVolume(f"file://{segmentation}")
    assert volume.info["segment_properties"] == "segment_properties"
    info = CloudFiles(f"file://{segmentation}/{volume.info['segment_properties']}").get_json("info")
    assert info["inline"]["ids"] == ["17", "53"]


def test_many_labels_in_bounded_memory(tmp_path):
    values = np.arange(1, 128**3 + 1, dtype=np.uint32).reshape((128, 128, 128), order="F") // 8 + 1
    np.save(tmp_path / "v.npy", values)
    convert(tmp_path / "v.npy", tmp_path / "seg", "--type", "segmentation", "--voxel-size", "8nm", "--scales", "1",
            "--encoding", "raw")
    refused = run("properties", tmp_path / "seg", "--measure", "--memory", "64MiB")
    assert refused.status == 4 and "--memory 128MiB" in refused.err, refused.err
    peak = peak_bytes("properties", tmp_path / "seg", "--measure", "--memory", "256MiB")
    assert peak <= (256 + 64) * 2**20
    ids, found = stored(tmp_path / "seg")
    assert len(ids) == 128**3 // 8 + 1 and sum(found["voxels"]["values"]) == 128**3


def codes(segmentation, *options):
    done = run("check", segmentation, "--json", *options)
    assert done.status == (3 if done.json else 0)
    return [(finding["code"], finding["message"]) for finding in done.json]


def test_check_and_info(segmentation, tmp_path):
    (tmp_path / "t.csv").write_text("id,name,tags,size\n17,a,x,1\n53,b,y,2\n")
    properties(segmentation, tmp_path / "t.csv")
    assert codes(segmentation) == []
    told = run("info", segmentation, "--json").json
    assert told["segments"] == 2
    assert told["properties"] == [{"id": "name", "type": "label"}, {"id": "tags", "type": "tags"},
                                  {"id": "size", "type": "number", "data_type": "uint8"}]
    assert "2: name (label), tags (tags), size (uint8)" in run("info", segmentation).out


@pytest.mark.parametrize("change, code, message", [
    (lambda inline: inline["ids"].reverse(), "bad-properties", "ids[1]: expected an id greater than 53"),
    (lambda inline: inline["properties"][0]["values"].pop(), "bad-properties", "expected 2 values, one for each id"),
    (lambda inline: inline["properties"][1].update(tags=["a b", "y"]), "bad-properties", "expected different words"),
    (lambda inline: inline["properties"][2].update(data_type="uint64"), "bad-properties", "expected float32 or"),
    (lambda inline: inline["ids"].__setitem__(1, "54"), "absent-segment", "found none of 54"),
    (lambda inline: inline.clear(), "bad-properties", "inline.ids: expected a list"),
])
def test_check_finds_what_is_wrong(segmentation, tmp_path, change, code, message):
    (tmp_path / "t.csv").write_text("id,name,tags,size\n17,a,x,1\n53,b,y,2\n")
    properties(segmentation, tmp_path / "t.csv")
    path = segmentation / "segment_properties/info"
    info = json.loads(path.read_text())
    change(info["inline"])
    path.write_text(json.dumps(info))
    ((found, text),) = codes(segmentation)
    assert found == code and message in text


def test_check_of_a_label_of_one_voxel_that_only_the_finest_scale_has(segmentation, tmp_path):
    """53 is one voxel among those of 17: no coarser scale shows it."""
    (tmp_path / "t.csv").write_text("id,name\n53,b\n")
    properties(segmentation, tmp_path / "t.csv")
    assert codes(segmentation) == []
