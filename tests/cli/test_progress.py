# SPDX-License-Identifier: Apache-2.0
"""How far the work is: a bar on a terminal, lines of JSON for programs, nothing for anyone else."""

import json
import re
import signal
import time
import urllib.request

import numpy as np
import pytest

import terminal
from program import PROGRAM, convert, run
from surfaces import bumpy, save_gifti
from volumes import noise, save_nifti, structured

SHAPE = (48, 40, 800)  # in chunks of 16: 50 layers, each of which is a step
CHUNKS = "--chunk-size", "16", "--factor", "2"
# "converting [=====>    ]  43 %", then perhaps "  56.1 M voxels/s" and "  1 min 23 s left"
FRAME = re.compile(r"(?P<stage>[a-z ]+?)(?: \[(?P<bar>=*>? *)\])? +(?P<percent>\d+) %(?:  (?P<rate>[\d.]+ \w+(?: \w+)?)/s)?"
                   r"(?:  (?P<left>.+) left)?")


@pytest.fixture
def scan(tmp_path):
    return save_nifti(tmp_path / "scan.nii", structured(SHAPE, "uint8"))


@pytest.fixture
def seg(tmp_path):
    """A segmentation of a few labels, in 16 chunks, and two coarser scales."""
    values = np.zeros((128, 64, 64), "uint32")
    values[4:60, 4:60, 4:60] = 7
    values[70:120, 4:60, 4:60] = 9
    save_nifti(tmp_path / "seg.nii", values)
    convert(tmp_path / "seg.nii", tmp_path / "seg", "--chunk-size", 32, "--layout", "flat", "--keep-empty")
    return tmp_path / "seg"


def lines(done):
    assert done.status in (0, 3), done.err
    told = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert all(line.startswith(("{", "ngforge: note: ")) for line in done.err.splitlines()), done.err
    return told


def totals(done):
    """The stages of lines of JSON, each with its unit and total, in order; each must end with all of it done."""
    last = {}
    for line in lines(done):
        assert set(line) == {"stage", "done", "total", "unit", "fraction", "seconds", "rate", "seconds_left"}
        assert line["fraction"] == line["done"] / line["total"]
        assert line["done"] >= last.get(line["stage"], line)["done"]
        last[line["stage"]] = line
    assert all(line["fraction"] == 1.0 for line in last.values()), last
    return [(line["stage"], line["unit"], line["total"]) for line in last.values()]


def voxels_of(*sizes):
    return sum(int(np.prod(size)) for size in sizes)


def info_sizes(folder):
    return [scale["size"] for scale in json.loads((folder / "info").read_text())["scales"]]


def test_a_bar_on_a_terminal(scan, tmp_path):
    data = scan.read_bytes()
    shown = terminal.Terminal(["convert", "-", tmp_path / "out", *CHUNKS], 80, PROGRAM)
    shown.feed(data, pieces=40, seconds=4)
    done = shown.end()
    assert done.status == 0 and done.out.startswith(f"{tmp_path / 'out'}: ")
    matches = [FRAME.fullmatch(frame) for frame in terminal.frames(done.err) if not frame.startswith("ngforge: note")]
    assert all(matches), terminal.frames(done.err)
    percents = [int(match["percent"]) for match in matches]
    assert percents == sorted(percents) and percents[-1] == 100 and len(set(percents)) > 2
    assert 5 < len(matches) <= 60, "ten a second at most"
    assert all(len(match[0]) < 80 and match["bar"] for match in matches)
    assert matches[0]["rate"] is None and matches[0]["left"] is None, "nobody knows yet"
    late = [match for match in matches if match["left"]]
    assert late and all(match["rate"].endswith("voxels") for match in late)
    assert all(re.fullmatch(r"\d+ s", match["left"]) for match in late), "a few seconds, not hours"
    assert terminal.screen(done.err)[-1] == "", "nothing is left of it"
    assert not any("%" in line for line in terminal.screen(done.err))


@pytest.mark.parametrize("columns", [20, 39, 200])
def test_it_fits_the_terminal(columns, scan, tmp_path):
    shown = terminal.Terminal(["convert", "-", tmp_path / "out", *CHUNKS, "--quiet", "--progress", "bar"], columns, PROGRAM)
    shown.feed(scan.read_bytes())
    assert shown.end().err == "", "quiet is quiet"
    shown = terminal.Terminal(["convert", "-", tmp_path / "again", *CHUNKS], columns, PROGRAM)
    shown.feed(scan.read_bytes(), pieces=20, seconds=1.5)
    found = [frame for frame in terminal.frames(shown.end().err) if " %" in frame]
    assert found and all(len(frame) < columns for frame in found)


def test_it_follows_the_size_of_the_terminal(scan, tmp_path):
    data = scan.read_bytes()
    shown = terminal.Terminal(["convert", "-", tmp_path / "out", *CHUNKS], 100, PROGRAM)
    shown.process.stdin.write(data[:800000])
    shown.process.stdin.flush()
    shown.wait_for(" %")
    time.sleep(0.3)
    wide = len(shown.text)
    shown.resize(24)
    shown.feed(data[800000:], seconds=0.5)
    done = shown.end()
    assert max(map(len, terminal.frames(done.err[:wide]))) > 40
    assert all(len(frame) < 24 for frame in terminal.frames(done.err[wide:]) if "%" in frame)


def test_no_bar_where_there_is_no_terminal(scan, tmp_path):
    assert run("convert", scan, tmp_path / "a").err.count("%") == 0
    assert run("convert", scan, tmp_path / "b", "--log-level", "error").err == ""
    assert " %" in run("convert", scan, tmp_path / "c", "--progress", "bar").err
    assert terminal.run("convert", scan, tmp_path / "d", "--progress", "none", "--log-level", "error").err == ""


def test_an_error_stands_alone(scan, tmp_path):
    data = scan.read_bytes()
    shown = terminal.Terminal(["convert", "-", tmp_path / "out", *CHUNKS, "--log-level", "error"], 80, PROGRAM)
    shown.feed(data[:-1000], pieces=5, seconds=0.6)
    done = shown.end()
    assert done.status == 3 and " %" in done.err
    shown_lines = terminal.screen(done.err)
    assert shown_lines[0].startswith("ngforge: ") and shown_lines[-1] == ""
    assert not any("%" in line for line in shown_lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing_on_the_line(number, scan, tmp_path):
    shown = terminal.Terminal(["convert", "-", tmp_path / "out", *CHUNKS, "--log-level", "error"], 80, PROGRAM)
    shown.process.stdin.write(scan.read_bytes()[:800000])
    shown.process.stdin.flush()
    shown.wait_for(" %")
    shown.process.send_signal(number)
    done = shown.end()
    assert done.status == 130
    assert terminal.screen(done.err) == ["ngforge: interrupted", ""]


def test_lines_of_json_are_few(scan, tmp_path):
    begin = time.monotonic()
    shown = terminal.Terminal(["convert", "-", tmp_path / "out", *CHUNKS, "--progress", "json"], 80, PROGRAM)
    shown.feed(scan.read_bytes(), pieces=50, seconds=2)
    done = shown.end()
    found = lines(done)
    assert 3 <= len(found) <= (time.monotonic() - begin) * 5 + 2
    assert found[0]["rate"] is None and found[-1]["rate"] > 0
    assert [line["seconds"] for line in found] == sorted(line["seconds"] for line in found)
    assert all(line["seconds_left"] < 30 for line in found if line["seconds_left"] is not None)


def test_totals_of_convert(scan, tmp_path):
    done = run("convert", scan, tmp_path / "out", *CHUNKS, "--progress", "json", "--json")
    sizes = info_sizes(tmp_path / "out")
    assert sizes[:2] == [[48, 40, 800], [24, 20, 400]]
    assert totals(done) == [("converting", "voxels", voxels_of(*sizes))]
    assert json.loads(done.out)["destination"] == str(tmp_path / "out")
    back = run("convert", tmp_path / "out", tmp_path / "back.nii", "--progress", "json")
    assert totals(back) == [("writing", "voxels", voxels_of(SHAPE))]
    kept = run("convert", tmp_path / "out", tmp_path / "copy", "--scales", "keep", "--progress", "json")
    assert totals(kept) == [("converting", "voxels", voxels_of(*sizes))]


def test_totals_of_downsample(scan, tmp_path):
    convert(scan, tmp_path / "out", "--scales", 1, "--chunk-size", 32)
    done = run("downsample", tmp_path / "out", "--chunk-size", 32, "--progress", "json", "--json")
    assert totals(done) == [("writing", "voxels", voxels_of(*info_sizes(tmp_path / "out")))]


@pytest.mark.parametrize("layout", ["sharded", "flat"])
def test_totals_of_mesh(layout, seg):
    done = run("mesh", seg, "--layout", layout, "--progress", "json", "--json")
    assert totals(done) == [("meshing", "voxels", 128 * 64 * 64), ("writing", "labels", 2)]


def test_totals_of_surfaces(seg, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "a.gii", "b.gii":
        save_gifti(tmp_path / name, *bumpy())
    (tmp_path / "table.csv").write_text("7,a.gii\n9,b.gii\n11,a.gii\n")
    done = run("surfaces", seg, "--labels", tmp_path / "table.csv", "--progress", "json", "--json")
    assert totals(done) == [("reading", "labels", 3), ("writing", "labels", 3)]


def test_totals_of_properties(seg):
    done = run("properties", seg, "--measure", "--progress", "json", "--json")
    assert totals(done) == [("measuring", "chunks", 4 * 2 * 2)]


def test_totals_of_check(seg):
    done = run("check", seg, "--progress", "json", "--json")
    chunks = [int(np.prod([-(-side // 32) for side in size])) for size in info_sizes(seg)]
    assert chunks[0] == 16 and len(chunks) > 1
    # Each chunk is read; those of coarser scales are compared with the finer one, and what is around them is looked at.
    work = sum(chunks) + sum(coarse + fine for fine, coarse in zip(chunks, chunks[1:]))
    assert ("checking", "chunks", work) in totals(done)


def nine(*arguments, columns=80):
    return terminal.run(*arguments[1:], columns=columns, program=PROGRAM.parent / arguments[0])


def test_the_nine_commands_have_a_bar_too(scan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (["volume-to-precomputed-pyramid", scan, "out"], ["compute-scales", "out"],
                    ["convert-chunks", "--copy-info", "out", "copy"]):
        done = nine(*command)
        assert done.status == 0, done.err
        found = [FRAME.fullmatch(frame) for frame in terminal.frames(done.err) if "%" in frame]
        assert found and all(found) and found[-1]["percent"] == "100", done.err
        assert not any("%" in line for line in terminal.screen(done.err)), "nothing is left of it"
        quiet = run(*command[:-1], command[-1] + "-again", program=PROGRAM.parent / command[0]) if len(command) > 2 else \
            run(*command)
        assert "%" not in quiet.err


def ask_for_a_chunk(url):
    with urllib.request.urlopen(url + "info", timeout=20) as answer:
        scale = json.load(answer)["scales"][0]
    name = "_".join(f"0-{side}" for side in scale["chunk_sizes"][0])
    urllib.request.urlopen(f"{url}{scale['key']}/{name}", timeout=20).close()


def test_serve_tells_how_far_a_stream_is(tmp_path):
    values = noise((160, 128, 96), "uint8")
    save_nifti(tmp_path / "head.nii.gz", values)
    shown = terminal.Terminal(["serve", tmp_path / "head.nii.gz", "--port", 0, "--json", "--progress", "json"], 80, PROGRAM)
    served = json.loads(shown.process.stdout.readline())["datasets"][0]
    assert "unpacking" not in shown.text, "nothing is read before it is asked for"
    ask_for_a_chunk(served["url"])
    shown.wait_for('"fraction":1.0')
    shown.process.send_signal(signal.SIGINT)
    done = shown.end()
    assert done.status == 0
    assert totals(done) == [("unpacking head", "bytes", values.nbytes)]


def test_serve_takes_its_bar_away(tmp_path):
    save_nifti(tmp_path / "head.nii.gz", noise((160, 128, 96), "uint8"))
    shown = terminal.Terminal(["serve", tmp_path / "head.nii.gz", "--port", 0, "--json"], 80, PROGRAM)
    served = json.loads(shown.process.stdout.readline())["datasets"][0]
    ask_for_a_chunk(served["url"])
    shown.wait_for("100 %" + terminal.ERASE_LINE)
    assert terminal.frames(shown.text)[-1].startswith("unpacking head [=")
    shown.process.send_signal(signal.SIGINT)
    assert terminal.screen(shown.end().err)[-1] == ""
