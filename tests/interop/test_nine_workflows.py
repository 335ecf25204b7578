# SPDX-License-Identifier: Apache-2.0
"""The documented examples of neuroglancer-scripts, word by word, with its programs and with ours.

For its JuBrain (which needs git-lfs) stand a part of the ICBM152 T1 and of the Desikan-Killiany atlas; the BigBrain example is
in test_nine_slices.py.
"""

import gzip
import json

import nibabel as nib
import numpy as np
import pytest

import data
from nine import Pair, check_alike
from precomputed import Dataset

CUT = np.s_[60:130, 60:140, 60:110]


@pytest.fixture
def pair(tmp_path):
    pair = Pair(tmp_path)
    t1 = nib.load(data.fetch("icbm152_t1.nii.gz"))
    cut = t1.slicer[CUT]
    scaled = nib.Nifti1Image(np.asarray(cut.dataobj, "float64"), cut.affine)
    scaled.header.set_data_dtype("uint8")  # stored with slope and intercept, as Colin27 is
    atlas = nib.load(data.fetch("desikan_killiany.nii.gz")).slicer[20:90, 20:100, 20:70]
    labels = nib.Nifti1Image(np.asarray(atlas.dataobj).astype("uint16"), atlas.affine)
    for folder in pair.ours, pair.theirs:
        nib.save(scaled, folder / "colin27T1_seg.nii.gz")
        nib.save(labels, folder / "MPM.nii.gz")
        (folder / "gray_left_327680.gii").write_bytes(gzip.decompress(data.fetch("fsaverage5_pial_left.gii.gz").read_bytes()))
    return pair


def edit(pair, path):
    for folder in pair.ours, pair.theirs:
        info = json.loads((folder / path).read_text())
        (folder / path).write_text(json.dumps(info | {"data_type": "uint8"}))


def test_template_image(pair):
    pair.must("volume-to-precomputed", "--generate-info", "colin27T1_seg.nii.gz", "colin27T1_seg/", status=4)
    edit(pair, "colin27T1_seg/info_fullres.json")
    pair.must("generate-scales-info", "colin27T1_seg/info_fullres.json", "colin27T1_seg/")
    pair.must("volume-to-precomputed", "colin27T1_seg.nii.gz", "colin27T1_seg/")
    pair.must("compute-scales", "colin27T1_seg/")
    check_alike(pair, "colin27T1_seg")
    ours, theirs = pair.infos("colin27T1_seg", "transform.json")
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_template_image_in_shards(pair):
    folder = "colin27T1_seg_sharded"
    pair.must("volume-to-precomputed", "--generate-info", "--sharding", "1,1,0", "colin27T1_seg.nii.gz", folder, status=4)
    edit(pair, f"{folder}/info_fullres.json")
    pair.must("generate-scales-info", f"{folder}/info_fullres.json", f"{folder}/")
    pair.must("volume-to-precomputed", "--sharding", "1,1,0", "colin27T1_seg.nii.gz", f"{folder}/")
    pair.must("compute-scales", f"{folder}/")
    ours, theirs = pair.infos(folder)
    assert ours == theirs and pair.names(folder)[0] == pair.names(folder)[1]
    stored = np.rint(np.asarray(nib.load(pair.ours / "colin27T1_seg.nii.gz").dataobj))
    np.testing.assert_array_equal(Dataset(pair.ours / folder).read(0)[..., 0], stored)


def test_maximum_probability_map_with_meshes(pair):
    pair.must("volume-to-precomputed", "--generate-info", "MPM.nii.gz", "MPM/")
    pair.must("generate-scales-info", "--type=segmentation", "--encoding=compressed_segmentation", "--max-scales=2",
              "MPM/info_fullres.json", "MPM/")
    pair.must("volume-to-precomputed", "--load-full-volume", "MPM.nii.gz", "MPM/")
    pair.must("compute-scales", "--downscaling-method=majority", "MPM/")
    check_alike(pair, "MPM")
    pair.must("mesh-to-precomputed", "--coord-transform=-1,0,0,70.7666,0,-1,0,73.01,0,0,1,58.8777", "--mesh-name=grey-left",
              "gray_left_327680.gii", "MPM/")
    pair.put("mesh_labels.csv", "100,grey-left\n200,grey-left\n")
    pair.must("link-mesh-fragments", "--no-colon-suffix", "mesh_labels.csv", "MPM/")
    ours, theirs = pair.names("MPM")
    assert ours == theirs and {"mesh/grey-left.gz", "mesh/100", "mesh/200"} < ours
    assert pair.infos("MPM")[0] == pair.infos("MPM")[1]
    fragments = [gzip.decompress((f / "MPM/mesh/grey-left.gz").read_bytes()) for f in (pair.ours, pair.theirs)]
    count = np.frombuffer(fragments[0], "<u4", 1)[0]
    mine, other = [np.frombuffer(f, "<f4", 3 * count, 4) for f in fragments]
    np.testing.assert_allclose(mine, other, rtol=2e-7, atol=8)


def test_all_at_once(pair):
    """As the tests of neuroglancer-scripts do it."""
    pair.must("volume-to-precomputed-pyramid", "--mmap", "--input-min", "50", "--input-max", "500", "--downscaling-method",
              "stride", "colin27T1_seg.nii.gz", "all")
    (pair.ours / "all/transform.json").unlink()
    check_alike(pair, "all")
