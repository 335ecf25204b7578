# SPDX-License-Identifier: Apache-2.0
"""What mkdocs.yml adds to the pages of docs/: README, CONTRIBUTING and CHANGELOG, and the help of the commands.

The program is the one that the environment variable NGFORGE names, or that of ./dev build. Links in the pages are those that
GitHub follows; where a file has another place in the site, they are led there, and where it has none they are only words.
"""

import os
import posixpath
import re
import subprocess
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("NGFORGE", ROOT / "build/release/bin/ngforge")).absolute()
PLACES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
SOURCES = {page: source for source, page in PLACES.items()}


def printed(*arguments):
    try:
        return subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, text=True).stdout.rstrip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise PluginError(f"the page of the commands is made by the program: {error}; ./dev build makes it") from error


def commands_page():
    """What the program says of its commands."""
    title = "## Commands of neuroglancer-scripts\n\n"
    note = "What is different from there is on [another page](coming-from-neuroglancer-scripts.md).\n\n"
    return printed("man", "--format", "markdown").replace(title, title + note)


def on_files(files, config):
    for source, page in PLACES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    files.append(File.generated(config, "commands.md", content=commands_page()))
    return files


def on_page_markdown(markdown, page, config, files):
    """Leads links to the places that files have in the site, and spells pipes in tables as Python-Markdown does."""
    site_path = page.file.src_uri
    folder = posixpath.dirname(SOURCES.get(site_path, f"docs/{site_path}"))

    def moved(match):
        words, target, anchor = match.groups()
        file = posixpath.normpath(posixpath.join(folder, target))
        if file not in PLACES and not file.startswith("docs/") and (ROOT / file).exists():
            return words  # a file of the source, which the site has not
        place = PLACES.get(file, file.removeprefix("docs/"))
        return f"[{words}]({posixpath.relpath(place, posixpath.dirname(site_path) or '.')}{anchor})"

    markdown = re.sub(r"\[([^\]]*)\]\((?![a-z]+:|#)([^)#\s]+)([^)]*)\)", moved, markdown)
    return re.sub(r"^\|.*$", lambda row: re.sub(r"`[^`]*`", lambda code: code[0].replace(r"\|", "|"), row[0]), markdown, flags=re.M)
