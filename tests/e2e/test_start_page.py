# SPDX-License-Identifier: Apache-2.0
"""The start page in headless Chromium: by keyboard, narrow, dark, with names of any kind; and what its pictures show."""

import contextlib
import io
import json
import re
import urllib.request

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from e2e.viewer import CHROMIUM, FLAGS, served
from program import PROGRAM, convert
from surfaces import bumpy, save_gifti
from volumes import affine_mm, labels, structured

SHAPE = (150, 60, 200)
GAP = 8
# Every element with text of its own: how its colour contrasts with what it stands on (WCAG 2, relative luminance).
CONTRASTS = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const color = parse(getComputedStyle(element).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    throw 'no ground';
  };
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  return [...document.body.querySelectorAll('*')].filter(own).map((element) => {
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    return [element.textContent.trim(), (a + 0.05) / (b + 0.05)];
  });
}"""


@contextlib.contextmanager
def page_of(line, **options):
    """The start page, open; while it is, nothing may fail, complain or come from elsewhere."""
    strange = []

    def note(text):
        if page.url == line["url"]:
            strange.append(text)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        page = browser.new_page(**options)
        page.on("console", lambda m: note(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: note(str(e)))
        page.on("dialog", lambda d: (strange.append(d.message), d.dismiss()))
        page.on("response", lambda r: note(f"{r.status}: {r.url}") if r.status >= 400 else None)
        page.on("request", lambda r: note(r.url) if not r.url.startswith((line["url"], "data:")) else None)
        page.goto(line["url"])
        yield page
        assert strange == []
        browser.close()


def wait_for_pictures(page, count):
    """Scrolls through the page, so that all are asked for, and waits for them."""
    assert page.locator("img").count() == count
    for number in range(count):
        page.locator("img").nth(number).scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)", timeout=20_000)


def is_narrow_enough(page):
    return page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A scan whose axes are any but RAS, labels without a world, and a surface."""
    folder = tmp_path_factory.mktemp("start")
    nib.save(nib.Nifti1Image(structured(SHAPE, "i2"), affine_mm("PSL", SHAPE)), folder / "scan.nii")
    np.save(folder / "labels.npy", labels((50, 60, 210), "u8"))
    convert(folder / "labels.npy", folder / "labels", "--voxel-size", "8,8,40", "--type", "segmentation")
    save_gifti(folder / "left.surf.gii", *bumpy())
    return folder


@pytest.fixture(scope="module")
def line(folder):
    with served(PROGRAM, folder / "scan.nii", folder / "labels", folder / "left.surf.gii") as line:
        yield line


def picture(line, name):
    with urllib.request.urlopen(f"{line['url']}thumbnail/{name}/slices.png") as answer:
        assert answer.headers["Content-Type"] == "image/png"
        return np.asarray(Image.open(io.BytesIO(answer.read())).convert("RGB")).astype(int)


def panels(pixels, sizes):
    """Cuts a picture into its parts, of (width, height)."""
    height = max(h for _, h in sizes)
    assert pixels.shape == (height, sum(w for w, _ in sizes) + GAP * (len(sizes) - 1), 3)
    left = 0
    for width, own in sizes:
        top = (height - own) // 2
        yield pixels[top:top + own, left:left + width]
        left += width + GAP


def stretched(values, height):
    """Rows over more pixels: each pixel shows the voxel in which its middle lies."""
    at = ((np.arange(height) + 0.5) * len(values) / height).astype(int)
    return values[at]


def test_pictures_are_the_middle_slices_of_a_scan(folder, line):
    """As nibabel has them in RAS+, in the viewer's range; voxels are 0.7 x 1.1 x 2.5 mm."""
    image = nib.as_closest_canonical(nib.load(folder / "scan.nii"))
    low, high = line["datasets"][0]["layer"]["shaderControls"]["normalized"]["range"]
    grey = np.rint(255 * np.clip((image.get_fdata() - low) / (high - low), 0, 1))
    middle = [n // 2 for n in grey.shape]
    voxel = np.array(image.header.get_zooms())
    pixel = voxel.min()  # longest side in those: 200 to 400 pixels
    assert 200 <= (voxel * grey.shape).max() / pixel < 400
    pixels = [round(n * v / pixel) for n, v in zip(grey.shape, voxel, strict=True)]
    slices = {(0, 1): grey[:, :, middle[2]], (0, 2): grey[:, middle[1], :], (1, 2): grey[middle[0]]}
    found = panels(picture(line, "scan"), [(pixels[u], pixels[v]) for u, v in slices])
    for part, ((u, v), values) in zip(found, slices.items(), strict=True):
        expected = stretched(stretched(values, pixels[u]).T, pixels[v])[::-1]
        assert np.abs(part - expected[..., None]).max() <= 1, (u, v)


def test_labels_have_the_colours_of_the_viewer(folder, line):
    values = np.load(folder / "labels.npy").T
    x, y, z = (n // 2 for n in values.shape)
    slices = [values[:, :, z].T, values[:, y, :].T, values[x]]
    sizes = [(210, 60), (210, 250), (250, 60)]
    ids = np.unique(values)
    with page_of(line) as page:
        page.goto(line["url"] + "viewer/")
        page.wait_for_function("window.viewer?.layerManager?.managedLayers.length === 3", timeout=20_000)
        css = page.evaluate("""(ids) => {
          const { displayState } = window.viewer.layerManager.getLayerByName('labels').layer;
          const hash = displayState.segmentationColorGroupState.value.segmentColorHash;
          return ids.map((id) => hash.computeCssColor(BigInt(id)));
        }""", [str(v) for v in ids])
    colors = np.array([[float(v) * 2.55 for v in re.findall(r"([\d.e-]+)%", text)] for text in css])
    colors[ids == 0] = 0
    for part, expected, (width, height) in zip(panels(picture(line, "labels"), sizes), slices, sizes, strict=True):
        rows = stretched(stretched(expected, height).T, width).T
        assert np.abs(part - colors[np.searchsorted(ids, rows)]).max() <= 1


def test_a_surface_is_seen_from_three_sides(line):
    pixels = picture(line, "left.surf")
    assert pixels.shape[0] == 200 or pixels.shape[1] > 400
    shown = pixels.max(axis=2) > 0
    assert 0.5 < shown.mean() < 0.9, "bumpy balls in their boxes"
    for row in shown[::20]:
        assert not row[0] or not row[-1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_fits_and_can_be_read(line, width, scheme):
    with page_of(line, viewport={"width": width, "height": 844}, color_scheme=scheme) as page:
        wait_for_pictures(page, 3)
        assert is_narrow_enough(page)
        contrasts = page.evaluate(CONTRASTS)
        assert {"scan", "Open in the viewer", "image, NIfTI-1"} <= {text for text, _ in contrasts}
        assert [entry for entry in contrasts if entry[1] < 4.5] == []
        ground = [int(v) for v in re.findall(r"\d+", page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))]
        assert (max(ground) < 64) == (scheme == "dark")
        assert page.evaluate("document.documentElement.lang") == "en"
        assert all(page.evaluate("[...document.images].map((image) => image.alt.length > 0)"))


def test_tells_what_is_served(line):
    with page_of(line) as page:
        text = page.locator("li").all_inner_texts()
        assert page.locator("h2").all_inner_texts() == ["scan", "labels", "left.surf"]
    for expected in "image, NIfTI-1", "140 × 165 × 150 mm", "200 × 150 × 60", "0.7 × 1.1 × 2.5 mm", "int16, 3.4 MiB":
        assert expected in text[0], text[0]
    for expected in "segmentation, Neuroglancer precomputed", "1680 × 480 × 2000 nm", "210 × 60 × 50", "8 × 8 × 40 nm", "uint64":
        assert expected in text[1], text[1]
    assert "surface" in text[2] and re.search(r"Triangles\s+\d+", text[2])


def test_by_keyboard(line):
    """Everything in the order in which it is read, and seen when it has the focus; Enter opens."""
    names = ["scan", "labels", "left.surf"]
    expected = ["Open all in the viewer", *(f"{what}: {name}" for name in names for what in ("Open in the viewer", "Data")),
                "Licence of the viewer"]
    with page_of(line) as page:
        for text in expected:
            page.keyboard.press("Tab")
            focus = page.evaluate("""() => {
              const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
              return { text: element.ariaLabel ?? element.textContent, outline: style.outlineStyle, width: parseFloat(style.outlineWidth),
                       seen: box.top >= 0 && box.bottom <= innerHeight };
            }""")
            assert focus["text"] == text
            assert focus["outline"] == "solid" and focus["width"] >= 2 and focus["seen"], focus
        for _ in range(4):
            page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.wait_for_function("window.viewer?.layerManager?.managedLayers.length === 1", timeout=20_000)
        state = json.loads(page.evaluate("JSON.stringify(window.viewer.state.toJSON())"))
        assert state["layers"][0]["name"] == "labels"


def test_the_picture_opens_the_viewer_too(line):
    with page_of(line) as page:
        page.locator("img").first.click(position={"x": 60, "y": 40}, force=True)
        page.wait_for_function("window.viewer?.layerManager?.managedLayers.length === 1", timeout=20_000)


NAMES = ["<img src=x onerror=alert(1)>", "\"'><b>&amp;", "a#b?c%41", "مسح-دماغ", "é " + "long" * 45, "javascript:alert(1)"]


def test_names_of_any_kind(tmp_path):
    places = [tmp_path / f"{name}.nii" for name in NAMES]
    for place in places:
        nib.save(nib.Nifti1Image(structured((20, 30, 10), "u1"), np.eye(4)), place)
    with served(PROGRAM, *places) as line, page_of(line, viewport={"width": 390, "height": 844}) as page:
        assert page.locator("h2").all_inner_texts() == NAMES
        assert page.locator("h2 bdi > *").count() == 0
        wait_for_pictures(page, len(NAMES))
        assert is_narrow_enough(page)
        assert page.locator("img").first.get_attribute("alt") == f"Middle slices of {NAMES[0]}"
        for name in NAMES:
            page.goto(line["url"])
            page.get_by_role("link", name=f"Open in the viewer: {name}", exact=True).click()
            page.wait_for_function("window.viewer?.layerManager?.managedLayers.length === 1", timeout=20_000)
            assert page.evaluate("window.viewer.layerManager.managedLayers[0].name") == name


def test_very_many(tmp_path):
    place = tmp_path / "scan.nii"
    nib.save(nib.Nifti1Image(structured((20, 30, 10), "u1"), np.eye(4)), place)
    with served(PROGRAM, *[place] * 100) as line, page_of(line, viewport={"width": 390, "height": 844}) as page:
        asked = []
        page.on("request", lambda r: asked.append(r.url))
        page.reload()
        page.wait_for_load_state("networkidle")
        assert 0 < sum("thumbnail" in url for url in asked) < 50, "those that are seen, and some more"
        assert page.locator("h2").all_inner_texts()[-1] == "scan-100"
        page.locator("img").last.scroll_into_view_if_needed()
        page.wait_for_function("() => document.images[99].complete && document.images[99].naturalWidth > 0", timeout=20_000)
        assert is_narrow_enough(page)
