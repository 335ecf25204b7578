# SPDX-License-Identifier: Apache-2.0
"""Tables of labels that are none, and numbers that properties cannot hold."""

import json

import nibabel as nib
import numpy as np

from bad_input import case
from program import convert
from surfaces import bumpy, save_gifti

RUN = ("properties", "t.csv", "seg")


def segmentation(folder, table="id,name\n1,a\n", name="t.csv"):
    values = np.zeros((6, 5, 4), np.uint16, order="F")
    values[1:3] = 7
    np.save(folder / "v.npy", values)
    convert(folder / "v.npy", folder / "seg", "--type", "segmentation", "--voxel-size", "8nm", "--layout", "flat")
    (folder / name).write_bytes(table if isinstance(table, bytes) else table.encode())


@case(2, *RUN, "--label", "title")
def table_without_a_column_that_is_asked_for(folder):
    segmentation(folder)


@case(2, *RUN, "--strings", "name", "--label", "name")
def table_column_for_two_things(folder):
    segmentation(folder)


@case(2, *RUN, "--format", "xlsx")
def table_of_a_format_that_is_none(folder):
    segmentation(folder)


@case(3, *RUN, "--format", "regions")
def table_of_regions_that_is_a_text(folder):
    segmentation(folder)


@case(3, *RUN)
def table_without_ids(folder):
    segmentation(folder, "what,why\na,b\n")


@case(3, *RUN)
def table_with_an_id_twice(folder):
    segmentation(folder, "id,name\n1,a\n2,b\n1,c\n")


@case(3, *RUN)
def table_with_a_negative_id(folder):
    segmentation(folder, "id,name\n1,a\n-2,b\n")


@case(3, *RUN)
def table_with_an_id_of_more_than_64_bits(folder):
    segmentation(folder, "id,name\n18446744073709551616,a\n")


@case(3, *RUN)
def table_of_the_background_alone(folder):
    segmentation(folder, "id,name\n0,Unknown\n")


@case(3, *RUN)
def table_without_rows(folder):
    segmentation(folder, "id,name\n")


@case(3, *RUN)
def table_that_is_empty(folder):
    segmentation(folder, "")


@case(3, *RUN)
def table_in_latin_1(folder):
    segmentation(folder, b"id,name\n1,C\xf3rtex\n")


@case(3, *RUN)
def table_of_uneven_rows(folder):
    segmentation(folder, "id,name\n1,a,b\n")


@case(3, *RUN)
def table_with_a_quote_left_open(folder):
    segmentation(folder, 'id,name\n1,"a\n2,b\n')


@case(3, *RUN, "--numbers", "size")
def table_with_a_bad_number(folder):
    segmentation(folder, "id,name,size\n1,a,3\n2,b,4 mm\n")


@case(4, *RUN)
def table_with_a_number_that_is_not_there(folder):
    segmentation(folder, "id,name,size\n1,a,3\n2,b,NaN\n")


@case(4, *RUN)
def table_with_a_number_beyond_float32(folder):
    segmentation(folder, "id,name,size\n1,a,1e39\n")


@case(4, *RUN)
def table_with_an_inexact_number(folder):
    segmentation(folder, "id,name,size\n1,a,0.5\n2,b,3.14159265358979\n")


@case(4, *RUN)
def table_with_an_integer_that_float32_rounds(folder):
    segmentation(folder, "id,name,parent\n1,a,720575940621039145\n")


@case(2, *RUN, "--missing", "none")
def table_with_a_bad_stand_in(folder):
    segmentation(folder)


@case(3, *RUN)
def table_with_a_bad_color(folder):
    segmentation(folder, "id,name,color\n1,a,#ff0000\n2,b,reddish\n")


@case(3, *RUN)
def table_with_a_color_out_of_range(folder):
    segmentation(folder, "id,name,r,g,b\n1,a,0,128,256\n")


@case(3, "properties", "t.json", "seg")
def table_in_json_that_is_cut(folder):
    segmentation(folder, '{"1": "a", "2": "b', "t.json")


@case(3, "properties", "t.json", "seg")
def properties_with_unsorted_ids(folder):
    segmentation(folder, json.dumps({"@type": "neuroglancer_segment_properties",
                                     "inline": {"ids": ["2", "1"], "properties": []}}), "t.json")


@case(5, *RUN)
def properties_that_are_there(folder):
    segmentation(folder)
    (folder / "seg/segment_properties").mkdir()


@case(2, "properties", "t.csv")
def properties_of_a_table_without_a_dataset(folder):
    segmentation(folder)


@case(3, "properties", "s.gii", "seg")
def table_of_regions_that_is_a_surface(folder):
    segmentation(folder)
    save_gifti(folder / "s.gii", *bumpy())


@case(3, "properties", "cut.annot", "seg")
def table_of_regions_that_is_cut(folder):
    segmentation(folder)
    nib.freesurfer.write_annot(folder / "s.annot", np.zeros(7, int), np.array([[1, 2, 3, 0]]), ["one"], fill_ctab=True)
    (folder / "cut.annot").write_bytes((folder / "s.annot").read_bytes()[:-9])


@case(2, "properties", "seg")
def properties_of_nothing(folder):
    segmentation(folder)


@case(3, *RUN)
def properties_of_an_image(folder):
    segmentation(folder)
    info = json.loads((folder / "seg/info").read_text())
    (folder / "seg/info").write_text(json.dumps(info | {"type": "image"}))


@case(3, "properties", "--present", "t.csv", "seg")
def properties_of_labels_without_voxels(folder):
    segmentation(folder, "id,name\n1,a\n2,b\n")


@case(4, "properties", "seg", "--measure", "--overwrite", "--memory", "64MiB")
def properties_too_long_for_the_memory(folder):
    segmentation(folder)
    ids = [str(i) for i in range(1, 200001)]
    inline = {"ids": ids, "properties": [{"id": "label", "type": "label", "values": ids}]}
    (folder / "seg/segment_properties").mkdir()
    (folder / "seg/segment_properties/info").write_text(
        json.dumps({"@type": "neuroglancer_segment_properties", "inline": inline}))
    info = json.loads((folder / "seg/info").read_text())
    (folder / "seg/info").write_text(json.dumps(info | {"segment_properties": "segment_properties"}))
