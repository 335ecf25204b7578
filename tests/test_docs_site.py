# SPDX-License-Identifier: Apache-2.0
"""The documentation as a site, as `./dev docs` builds it: every link and asset is there, nothing comes from elsewhere.

Pages are compared with what CommonMark makes of the same files, which is how GitHub shows them.
"""

import contextlib
import html.parser
import os
import re
import subprocess
import sys
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

import web
from e2e.viewer import CHROMIUM, FLAGS
from program import PROGRAM, ROOT

sys.path.append(str(ROOT / "tools"))
import docs_site  # noqa: E402
import make_pictures  # noqa: E402

LARGEST_PICTURE = 300_000
LIMIT_MS = 90_000  # of what a busy machine may take
EXTERNAL = re.compile(r"(?i)(?:[a-z][a-z0-9+.-]*:)?//|(?:mailto|data|javascript):")
SOURCES = {page.removesuffix(".md") + ".html": (ROOT / source).read_text for source, page in docs_site.PLACES.items()}
SOURCES |= {str(p.relative_to(ROOT / "docs").with_suffix(".html")): p.read_text for p in (ROOT / "docs").rglob("*.md")}
SOURCES["commands.html"] = docs_site.commands_page


@dataclass
class Page(html.parser.HTMLParser):
    """What a page refers to and what in it can be referred to."""
    text: str
    ids: set = field(default_factory=set)
    links: list = field(default_factory=list)   # of <a>: where a reader may go
    assets: list = field(default_factory=list)  # what a browser fetches to show the page
    pictures_without_text: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag, pairs):
        attributes = dict(pairs)
        self.ids |= {value for name, value in pairs if name == "id" or (tag, name) == ("a", "name")}
        if tag in ("a", "area"):
            self.links += [attributes["href"]] if attributes.get("href") is not None else []
            return
        if tag == "link" and attributes.get("rel") not in ("prev", "next", "canonical"):
            self.assets.append(attributes["href"])
        self.assets += [attributes[name] for name in ("src", "data", "poster") if attributes.get(name)]
        self.assets += [part.split()[0] for part in attributes.get("srcset", "").split(",") if part.strip()]
        self.assets += urls_in_css(attributes.get("style") or "")
        if tag == "img" and not attributes.get("alt"):
            self.pictures_without_text.append(attributes.get("src"))


def urls_in_css(text):
    return [a or b for a, b in re.findall(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", text)]


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.pages = {str(p.relative_to(folder)): Page(p.read_text()) for p in folder.rglob("*.html")}

    def fault(self, place, target):
        """What is wrong with a link or asset `target` of the file `place`; None if nothing is."""
        url = urllib.parse.urlsplit(target)
        path = urllib.parse.unquote(url.path)
        if path.startswith("/"):
            return None if place == "404.html" and (self.folder / path[1:]).exists() else "not relative"
        file = os.path.normpath(os.path.join(os.path.dirname(place), path)) if path else place
        if file.startswith("..") or not (self.folder / file).is_file():
            return "no such file"
        anchor = urllib.parse.unquote(url.fragment)
        if anchor and anchor not in self.pages[file].ids:
            return "no such anchor"
        return None


def external_fault(url):
    """What is wrong with a URL that leads elsewhere; no network is asked."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return "expected http or https"
    if not re.fullmatch(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", parts.netloc):
        return "expected the name of a server"
    if not re.fullmatch(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+", url) or re.search(r"%(?![0-9A-Fa-f]{2})", url):
        return "a sign that must be written as %XX"
    return None


def build(folder, *options):
    """Runs mkdocs as ./dev docs does."""
    environment = {**os.environ, "NGFORGE": str(PROGRAM), "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder, *options], cwd=ROOT,
                          env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return Site(folder)


def test_links_lead_somewhere(site):
    faults, external = [], 0
    for place, page in site.pages.items():
        for target in page.links:
            is_external = EXTERNAL.match(target)
            external += bool(is_external)
            fault = external_fault(target) if is_external else site.fault(place, target)
            faults += [f"{place}: {target}: {fault}"] if fault else []
    assert not faults, "\n".join(faults)
    assert external >= 10


def test_nothing_is_fetched_from_elsewhere(site):
    assets = [(place, target) for place, page in site.pages.items() for target in page.assets]
    assets += [(str(file.relative_to(site.folder)), target) for file in site.folder.rglob("*.css")
               for target in urls_in_css(file.read_text())]
    assets += [(str(file.relative_to(site.folder)), target) for file in site.folder.rglob("*.svg")
               for target in Page(file.read_text()).assets]
    faults = [f"{place}: {target}" for place, target in assets
              if not target.startswith("data:") and (EXTERNAL.match(target) or site.fault(place, target))]
    assert not faults, "\n".join(faults)
    assert len(assets) > 3 * len(site.pages)


def test_pictures_are_small_and_described(site):
    large = [f"{p}: {p.stat().st_size}" for p in (site.folder / "images").iterdir() if p.stat().st_size > LARGEST_PICTURE]
    assert not large
    assert not [name for name, page in site.pages.items() if page.pictures_without_text]
    used = {target for place, page in site.pages.items() for asset in page.assets
            for target in [os.path.normpath(os.path.join(os.path.dirname(place), asset))]}
    assert not [p.name for p in (site.folder / "images").iterdir() if str(p.relative_to(site.folder)) not in used]


def test_pictures_are_those_that_the_script_makes():
    assert set(make_pictures.PICTURES) == {p.stem for p in (ROOT / "docs/images").glob("*.webp")}


class Words(html.parser.HTMLParser):
    """The text of a page with a mark where items, cells, headings and blocks of code begin."""
    MARKED = {"li", "td", "th", "pre", "h1", "h2", "h3", "h4", "img"}

    def __init__(self, text):
        super().__init__()
        self.parts = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.parts += [f" <{tag}> "] if tag in self.MARKED else []

    def handle_data(self, data):
        self.parts.append(data)

    def words(self):
        return "".join(self.parts).split()


@pytest.mark.parametrize("name", SOURCES)
def test_pages_say_what_they_say_on_github(site, name):
    article = re.search(r"<article.*?>(.*)</article>", site.pages[name].text, re.S)[1]
    article = re.sub(r'<a class="headerlink".*?</a>|<aside.*?</aside>|<nav.*?</nav>', "", article, flags=re.S)
    here = Words(article).words()
    there = Words(MarkdownIt("commonmark").enable("table").render(SOURCES[name]())).words()
    for number, (a, b) in enumerate(zip(here, there)):
        assert a == b, f"{' '.join(here[number - 5:number + 10])}\n{' '.join(there[number - 5:number + 10])}"
    assert len(here) == len(there)


def test_every_command_has_its_help(site):
    page = site.pages["commands.html"]
    assert {"convert", "serve", "check", "formats", "slices-to-precomputed"} <= page.ids


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def looking(browser, url, problems, **options):
    """A page of the browser; what it complains of, and what it fetches from elsewhere, goes to `problems`."""
    page = browser.new_page(**options)
    page.set_default_timeout(LIMIT_MS)
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("response", lambda r: problems.append(f"{r.url}: {r.status}") if r.status >= 400 else None)
    page.on("request", lambda r: None if r.url.startswith((url, "data:")) else problems.append(r.url))
    yield page
    page.close()


def test_pages_fit_a_telephone(site, browser):
    """Styles alone decide how wide a page is: without scripts it takes a fraction of the time."""
    problems = []
    with web.serving(site.folder) as url, looking(browser, url, problems, viewport={"width": 390, "height": 844},
                                                  java_script_enabled=False) as page:
        for name in site.pages:
            page.goto(f"{url}/{name}", wait_until="domcontentloaded")
            width = page.evaluate("document.documentElement.scrollWidth")
            problems += [f"{name} is {width} pixels wide"] if width > 390 else []
    assert not problems


def test_dark_where_dark_is_asked_for(site, browser):
    problems = []
    with web.serving(site.folder) as url, looking(browser, url, problems, color_scheme="dark") as page:
        page.goto(f"{url}/index.html")
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert not problems
    assert max(map(int, re.findall(r"\d+", colour)[:3])) < 64, f"dark was asked for, found {colour}"


def test_search_finds_an_option(site, browser):
    problems = []
    with web.serving(site.folder) as url, looking(browser, url, problems, viewport={"width": 1200, "height": 800}) as page:
        page.goto(f"{url}/index.html")
        page.keyboard.press("/")
        page.keyboard.type("input-orientation")
        found = page.locator(".md-search-result__item a").first
        found.wait_for()
        assert "orientation" in page.locator(".md-search-result__list").inner_text()
        found.press("Enter")
        page.wait_for_url("**/*.html?h=*")
    assert not problems


def test_commands_are_copied_without_their_prompt(site, browser):
    problems = []
    with web.serving(site.folder) as url, looking(browser, url, problems) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(f"{url}/read-back.html")
        page.locator(".md-code__button, .md-clipboard").first.click()
        copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == "ngforge convert scan.nii.gz brain\nngforge convert brain again.nii.gz"
    assert not problems
