# SPDX-License-Identifier: Apache-2.0
"""The real Neuroglancer in headless Chromium: opens a link, looks at places, reads the voxels that it has loaded.

The picture alone proves little: a coarser scale fills in for a missing chunk, and absent data is black. So every look names
the voxels that must be there.
"""

import contextlib
import itertools
import json
import re
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
# No GPU and no network: SwiftShader draws, and only this machine is reachable.
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-dev-shm-usage", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
         "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost"]
PAGE = Path(__file__).with_name("page.js").read_text()


@dataclass
class Look:
    """A place to look at: global position, zoom (crossSectionScale), and the value that each layer must show there.

    `within`: by how much the numbers of a layer may differ (0). `projection`: zoom of the 3-D panel, if it is to change.
    `then`: what is done with the page once all that is visible is loaded.
    """
    position: tuple
    scale: float
    values: dict
    within: dict = field(default_factory=dict)
    projection: float | None = None
    then: Callable | None = None

    def agrees(self, name, value):
        expected, allowed = str(self.values[name]), self.within.get(name, 0)
        if not allowed or not re.fullmatch(r"[\d,]+", value):
            return value == expected
        pairs = itertools.zip_longest(map(int, value.split(",")), map(int, expected.split(",")), fillvalue=np.inf)
        return all(abs(a - b) <= allowed for a, b in pairs)


@dataclass
class Seen:
    """What came of it. `problems` is empty when all was as expected."""
    problems: list = field(default_factory=list)
    values: list = field(default_factory=list)
    requests: int = 0
    missing: list = field(default_factory=list)  # URLs answered with 404: chunks that do not exist


@contextlib.contextmanager
def served(program, *arguments):
    """`ngforge serve ARGUMENTS --json` on a free port; gives its line of JSON."""
    process = subprocess.Popen([program, "serve", *map(str, arguments), "--json", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, "serve did not end with status 0"


def state_of(link):
    """The viewer's address and the state that a link has, or names the place of."""
    address, state = link.split("#!")
    if state.startswith("http"):
        with urllib.request.urlopen(state) as answer:
            state = answer.read().decode()
    return address, json.loads(urllib.parse.unquote(state))


def link_of(address, state):
    return f"{address}#!{urllib.parse.quote(json.dumps(state))}"


def _beginning_at(link, look):
    """The link with the first look in its state: what a page has once loaded it keeps, and reads at any zoom.

    A link without a state, which shows what the server says, is left as it is.
    """
    if "#!" not in link:
        return link
    address, state = state_of(link)
    state.update(position=look.position, crossSectionScale=look.scale, prefetch=False)
    if look.projection:
        state.update(projectionScale=look.projection)
    return link_of(address, state)


def view(link, layers, looks, picture=None, seconds=60):
    """Opens `link`, expects `layers` layers, and makes every look, in one page. Returns Seen."""
    seen = Seen()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.on("console", lambda m: _console(m, seen))
        page.on("pageerror", lambda e: seen.problems.append(f"uncaught: {e}"))
        page.context.on("response", lambda r: _response(r, seen))
        page.context.on("requestfailed", lambda r: _failure(r, seen))
        page.add_init_script(PAGE)
        page.goto(_beginning_at(link, looks[0]), timeout=seconds * 1000)
        for number, look in enumerate(looks):
            if number > 0:
                page.evaluate("look => ngforge.look(...look)", [look.position, look.scale, look.projection])
                page.wait_for_timeout(200)
            if not _settle(page, layers, seconds, seen):
                break
            for name, expected in look.values.items():
                value = page.evaluate("([name, position]) => ngforge.valueAt(name, position)", [name, look.position])
                seen.values.append(value)
                if not look.agrees(name, value):
                    seen.problems.append(f"{name} at {look.position}, scale {look.scale}: expected {expected}, found {value}")
            if picture and number == 0:
                page.screenshot(path=str(picture))
            if look.then and not seen.problems:
                look.then(page)
        browser.close()
    return seen


def _settle(page, layers, seconds, seen):
    """Waits until everything visible is loaded, two probes in a row. False when the viewer complains or time is over."""
    until, calm, probe = time.monotonic() + seconds, 0, {}
    while time.monotonic() < until:
        probe = page.evaluate("() => ngforge.probe()")
        if probe["problems"]:
            seen.problems += [p for p in probe["problems"] if p not in seen.problems]
            return False
        calm = calm + 1 if probe["started"] and probe["ready"] and probe["layers"] == layers else 0
        if calm == 2:
            return True
        page.wait_for_timeout(100)
    seen.problems.append(f"not ready after {seconds} s: {probe}")
    return False


def _console(message, seen):
    # A 404 is told by the response; for a chunk it means zeros.
    if message.type == "error" and not message.text.startswith("Failed to load resource"):
        seen.problems.append(f"console: {message.text[:300]}")


def _response(response, seen):
    seen.requests += 1
    if response.status == 404 and "/data/" in response.url:
        seen.missing.append(response.url)
    elif response.status >= 400:
        seen.problems.append(f"HTTP {response.status}: {response.url}")


def _failure(request, seen):
    # The viewer cancels what it no longer wants; its event stream ends with the page.
    if request.failure != "net::ERR_ABORTED":
        seen.problems.append(f"request failed: {request.failure}: {request.url}")
