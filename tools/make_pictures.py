#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev pictures [NAME...]: the pictures of README and docs, what the program shows of real data in headless Chromium.

The data are those of tests/data.py: the ICBM152 T1 template, the Desikan-Killiany atlas, fsaverage5.
"""

import argparse
import io
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import data  # noqa: E402
from e2e.viewer import CHROMIUM, FLAGS, Look, link_of, served, state_of, view  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

FOLDER = ROOT / "build/pictures"
TARGET = ROOT / "docs/images"
QUALITY = 80  # of WebP
POSITION_MM, MM_PER_PIXEL = (8.5, -20.5, 12.5), 0.55
# Orientations of the viewer (quaternions): from the subject's left, and from its left, in front and above; head up.
FROM_LEFT, FROM_LEFT_FRONT = (-0.5, 0.5, -0.5, 0.5), (-0.4379, 0.6401, -0.5211, 0.3565)
IN_SPACE = {"showAxisLines": False, "showDefaultAnnotations": False}
PICTURES = {}


def picture(function):
    """Registers a function of the program that returns a picture as PNG; its name is that of the file."""
    PICTURES[function.__name__.replace("_", "-")] = function
    return function


def run(program, *arguments):
    subprocess.run([program, *arguments, "--quiet"], check=True, stdout=subprocess.DEVNULL)


def dataset(program, name, *options):
    """The volume `name`, converted anew."""
    target = FOLDER / name
    run(program, "convert", data.fetch(f"{name}.nii.gz"), target, *options, "--overwrite")
    return target


def as_png(image):
    packed = io.BytesIO()
    image.save(packed, "PNG")
    return packed.getvalue()


def viewer_shows(line, mm=None, position=POSITION_MM, **changes):
    """What the viewer shows of what is served; `changes` are those of its state, `mm` the height of the 3-D panel."""
    link = line["viewer"]
    if changes:
        address, state = state_of(link)
        link = link_of(address, state | changes)
    path = FOLDER / "view.png"
    seen = view(link, len(line["datasets"]), [Look(position, MM_PER_PIXEL, {}, projection=mm)], path)
    if seen.problems:
        sys.exit("\n".join(seen.problems))
    return path.read_bytes()


@picture
def demo(program):
    """Scan and atlas, as ./dev demo shows them."""
    with served(program, dataset(program, "icbm152_t1"), dataset(program, "desikan_killiany", "--type", "segmentation")) as line:
        return viewer_shows(line)


@picture
def scan(program):
    """A file as it is."""
    with served(program, data.fetch("icbm152_t1.nii.gz")) as line:
        return viewer_shows(line, mm=300)


@picture
def meshes(program):
    """The regions of the left hemisphere, as `mesh` makes them."""
    atlas = dataset(program, "desikan_killiany", "--type", "segmentation")
    run(program, "mesh", atlas)
    left = ",".join(map(str, range(1, 42)))
    with served(program, atlas, "--segments", left) as line:
        return viewer_shows(line, mm=170, position=(-35.5, -20.5, 12.5), layout={"type": "3d", "orthographicProjection": True},
                            projectionOrientation=FROM_LEFT, **IN_SPACE)


@picture
def surfaces(program):
    """The pial surface of the left hemisphere, moved to the space of the scan, with a section of the scan."""
    atlas = dataset(program, "desikan_killiany", "--type", "segmentation")
    run(program, "surfaces", data.fetch("fsaverage5_pial_left.gii.gz"), atlas, "--label", "1001",
        f"--coord-transform={','.join(map(str, data.FSAVERAGE_TO_MNI152))}")
    table = FOLDER / "names.csv"
    table.write_text("id,name,color\n1001,left pial,#e8c4a0\n")
    run(program, "properties", table, atlas)
    section = {"width": 600, "height": 600, "scale": {"link": "unlinked", "value": 0.5}, "orientation": {"link": "unlinked", "value": FROM_LEFT}}
    with served(program, dataset(program, "icbm152_t1"), atlas, "--segments", "1001") as line:
        layout = {"type": "3d", "orthographicProjection": True, "crossSections": {"sagittal": section}}
        return viewer_shows(line, mm=190, position=(2.5, -20.5, 12.5), layout=layout, projectionOrientation=FROM_LEFT_FRONT,
                            crossSectionBackgroundColor="#000000", **IN_SPACE)


@picture
def input_orientation(program):
    """Coronal slices of the scan, one behind the other, and where their columns, rows and slices go."""
    values = np.asarray(nib.as_closest_canonical(nib.load(data.fetch("icbm152_t1.nii.gz"))).dataobj)
    sections = [Image.fromarray(values[20:177, y, 155:5:-1].T).resize((392, 375), Image.Resampling.BICUBIC) for y in (70, 110, 150)]
    sheet = Image.new("RGB", (800, 540), "black")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(24)
    width, height = sections[0].size
    left, top, right, below = 130, 95, 70, -40  # of the first slice; from there to the next
    for number, section in reversed(list(enumerate(sections))):
        place = (left + number * right, top + number * below)
        sheet.paste(section, place)
        draw.rectangle((*place, place[0] + width, place[1] + height), outline="#999999")

    def arrow(begin, end, text, text_at, colour):
        draw.line((begin, end), colour, 5)
        along = np.subtract(end, begin) / np.hypot(*np.subtract(end, begin))
        across = 9 * np.array((-along[1], along[0]))
        draw.polygon([tuple(end + 18 * along), tuple(end + across), tuple(end - across)], fill=colour)
        draw.text(text_at, text, colour, font)

    bottom = top + height
    arrow((left, bottom + 16), (left + 180, bottom + 16), "columns: R", (left + 210, bottom + 2), "#ff7070")
    arrow((left - 16, top), (left - 16, top + 150), "rows: I", (left - 115, top + 60), "#70e070")
    arrow((left + width + 20, bottom), (left + width + 20 + 2 * right, bottom + 2 * below), "slices: A",
          (left + width + 60, bottom + 2), "#80b0ff")
    return as_png(sheet)


@picture
def start_page(program):
    """What the server itself shows."""
    atlas = dataset(program, "desikan_killiany", "--type", "segmentation")
    with served(program, data.fetch("icbm152_t1.nii.gz"), atlas, data.fetch("fsaverage5_pial_left.gii.gz")) as line, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 930})
        page.goto(line["url"])
        page.evaluate("() => Promise.all(Array.from(document.images, (image) => image.decode()))")
        shot = page.screenshot()
        browser.close()
        return shot


def main():
    parser = argparse.ArgumentParser(prog="./dev pictures")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *PICTURES], help=" ".join(PICTURES))
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/bin/ngforge")
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in options.names or PICTURES:
        shot = PICTURES[name](options.program.absolute())
        target = TARGET / f"{name}.webp"
        Image.open(io.BytesIO(shot)).convert("RGB").save(target, quality=QUALITY, method=6)
        print(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
