# SPDX-License-Identifier: Apache-2.0
"""generate-scales-info and scale-stats against those of neuroglancer-scripts."""

import pytest

from nine import OURS, Pair, run_one
from program import run

LENGTHS = [(1e6, 1e6, 1e6), (700000, 700000, 700000), (4, 4, 40), (21166.6666666666666, 20000, 21166.6666666666666),
           (1000, 7000, 3000), (8, 8, 8000), (0.5, 0.7, 30), (1e6, 1500000.0, 3e6)]


def description(**members):
    scale = {"size": [251, 388, 154], "resolution": [1000000, 1000000, 1000000], "voxel_offset": [0, 0, 0]}
    scale.update({name: members.pop(name) for name in list(members) if name not in ("type", "data_type", "num_channels")})
    return {"data_type": "uint8", "num_channels": 1, "scales": [scale]} | members


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path)


def both_infos(pair, told, *options):
    pair.put("full.json", told)
    pair.must("generate-scales-info", *options, "full.json", "out")
    ours, theirs = pair.infos("out")
    assert ours == theirs
    assert (pair.ours / "out/info").read_bytes() == (pair.theirs / "out/info").read_bytes()
    return ours


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
def test_scales(pair, lengths):
    info = both_infos(pair, description(resolution=lengths, size=[1025, 700, 64]))
    assert len(info["scales"]) > 1
    both = pair.must("scale-stats", "out")
    assert both.ours.out == both.theirs.out


@pytest.mark.parametrize("options", [
    ["--target-chunk-size", "16"], ["--target-chunk-size=128"], ["--max-scales", "2"], ["--max-scales=0"],
    ["--max-scales=-1"], ["--type=segmentation"], ["--encoding=jpeg"], ["--enc", "raw"],
    ["--encoding=compressed_segmentation"], ["--type", "image", "--encoding", "compressed_segmentation"]], ids=" ".join)
def test_options(pair, options):
    both_infos(pair, description(), *options)


def test_descriptions(pair):
    members = {"type": "image", "data_type": "float32", "num_channels": 2, "key": "full", "chunk_sizes": [],
               "encoding": "raw", "note": "kept"}
    info = both_infos(pair, description(**members))
    assert info["scales"][1]["note"] == "kept"


def test_the_scales_of_an_info_are_made_anew(pair):
    both_infos(pair, description(type="image"))
    both = pair.must("generate-scales-info", "--encoding=jpeg", "out/info", "jpeg")
    assert "multiple scales" in both.theirs.err and "WARNING" in both.ours.err
    ours, theirs = pair.infos("jpeg")
    assert ours == theirs


def test_sharded_stats(pair):
    sharding = {"@type": "neuroglancer_uint64_sharded_v1", "minishard_bits": 1, "shard_bits": 2, "hash": "identity",
                "minishard_index_encoding": "gzip", "data_encoding": "gzip", "preshift_bits": 0}
    both_infos(pair, description(sharding=sharding, encoding="raw", type="image"))
    both = pair.must("scale-stats", "out")
    assert both.ours.out == both.theirs.out and "Sharded: 2bits" in both.ours.out


@pytest.mark.parametrize("words", [
    ["full.json"], [], ["full.json", "out", "more"], ["--nope", "full.json", "out"], ["--max-scales", "x", "full.json", "out"],
    ["--type", "picture", "full.json", "out"], ["--max-scales"], ["full.json", "out", "--encoding=png"], ["--flat", "full.json", "out"]],
    ids=lambda words: " ".join(words) or "nothing")
def test_usage_errors(pair, words):
    pair.put("full.json", description())
    both = pair.must("generate-scales-info", *words, status=2)
    message = both.ours.err.splitlines()[-1]
    assert message == both.theirs.err.splitlines()[-1] and message.startswith("generate-scales-info: error: ")
    assert both.ours.err.startswith("usage: generate-scales-info [-h]")


@pytest.mark.parametrize("command", ["generate-scales-info", "scale-stats"])
def test_help(pair, command):
    both = pair.must(command, "-h")
    for word in both.theirs.out.split():
        if word.startswith("--"):
            assert word.rstrip(",") in both.ours.out


def test_failures(pair):
    pair.put("full.json", description())
    pair.must("generate-scales-info", "none.json", "out", status=1)
    pair.must("generate-scales-info", "--target-chunk-size=48", "full.json", "out", status=1)
    pair.put("short.json", {"data_type": "uint8", "num_channels": 1, "scales": []})
    pair.must("generate-scales-info", "short.json", "out", status=1)
    pair.put("text.json", "not JSON")
    pair.must("generate-scales-info", "text.json", "out", status=1)
    pair.must("scale-stats", "out", status=1)
    pair.must("generate-scales-info", "full.json", "out")
    both = pair.must("generate-scales-info", "full.json", "out", status=1)
    assert both.ours.err.startswith("ERROR: out/info: exists already")


@pytest.mark.parametrize(("scales", "told"), [
    ("[" * 300000 + "]" * 300000, "expected at most 100 levels of JSON, found more"),
    ("[[]]", "scales: expected an object for each scale, found []"),
    ("[7]", "scales: expected an object for each scale, found 7")], ids=["deep", "list", "number"])
@pytest.mark.parametrize("words", [["generate-scales-info", "d/info", "out"], ["scale-stats", "d"], ["compute-scales", "d"]],
                         ids=lambda words: words[0])
def test_scales_that_are_none(tmp_path, words, scales, told):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/info").write_text('{"data_type": "uint8", "num_channels": 1, "type": "image", "scales": ' + scales + "}")
    done = run_one(OURS, tmp_path, *words)
    assert (done.status, len(done.err.splitlines())) == (1, 1) and told in done.err, done.err


def test_places(pair):
    pair.put("full.json", description())
    pair.must("generate-scales-info", "full.json", "precomputed://with space")
    assert (pair.ours / "with space/info").exists() and (pair.theirs / "with space/info").exists()
    for folder, other in (pair.ours, pair.theirs), (pair.theirs, pair.ours):
        assert pair.run("scale-stats", f"file://{folder}/with%20space").status == 0
        assert pair.run("scale-stats", f"precomputed://file://{other}/with%20space").status == 0
    pair.must("scale-stats", "ftp://nowhere/x", status=1)


def test_an_offset_is_halved(pair):
    """neuroglancer-scripts copies it into every scale, and refuses such an info afterwards."""
    pair.put("full.json", description(voxel_offset=[64, 0, 7]))
    pair.run("generate-scales-info", "full.json", "out")
    ours, theirs = pair.infos("out")
    assert [scale["voxel_offset"] for scale in ours["scales"]] == [[64, 0, 7], [32, 0, 3], [16, 0, 1]]
    assert {tuple(scale["voxel_offset"]) for scale in theirs["scales"]} == {(64, 0, 7)}


def test_encoding_beside_the_scales(pair):
    told = description() | {"encoding": "compressed_segmentation", "compressed_segmentation_block_size": [4, 4, 4]}
    pair.put("full.json", told)
    assert pair.run("generate-scales-info", "full.json", "out").ours.status == 0
    scale = pair.infos("out")[0]["scales"][0]
    assert scale["encoding"] == "compressed_segmentation" and scale["compressed_segmentation_block_size"] == [4, 4, 4]


def test_as_a_command_of_ngforge(tmp_path):
    assert run("scale-stats").status == 2
    assert run("scale-stats").err.startswith("usage: scale-stats [-h]")
    assert run("generate-scales-info", "-h").status == 0
    assert "generate-scales-info" in run("-h").out
