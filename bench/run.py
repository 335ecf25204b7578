#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the program against limits and peers; ./dev bench NAME.

Runs of what is compared follow each other in turn; the table shows medians and their ratios. With --keep a result goes
to bench/results as JSON with the machine, and into docs/performance.md. Slow peers are kept in bench/results/peers.json.
"""

import argparse
import datetime
import json
import re
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "tests")]

from harness import BENCHES, ROOT, Context, machine  # noqa: E402

from cases import brain, codecs, datasets, many_chunks, many_labels, mesh_error, meshes, serve, serve_start, slices  # noqa: E402, F401


def table(rows):
    columns = list(dict.fromkeys(column for row in rows for column in row))

    def cell(value):
        if isinstance(value, float):
            return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
        return str(value)

    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(row.get(column, "")) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def keep(name, rows, rounds, version):
    """Writes rows into bench/results and, with what made them, into docs/performance.md; `version` is the program's."""
    today, where = datetime.date.today().isoformat(), machine()
    short = re.sub(r"[^a-z0-9]+", "-", f"{where['cpu']} {where['cores']} cores".lower()).strip("-")
    path = ROOT / "bench/results" / f"{today}-{short}.json"
    path.parent.mkdir(exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {"machine": where, "benches": {}}
    results["benches"][name] = {"version": version, "rounds": rounds, "rows": rows}
    path.write_text(json.dumps(results, indent=1) + "\n")
    page = ROOT / "docs/performance.md"
    text = page.read_text()
    begin, end = f"<!-- bench {name} -->", "<!-- end -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
    of = "one round" if rounds == 1 else f"medians of {rounds} rounds"
    caption = f"`./dev bench {name}`, {version}, {today}, {where['cpu']}, {where['cores']} cores, {of}."
    if pattern.search(text):
        page.write_text(pattern.sub(lambda _: f"{begin}\n{table(rows)}\n\n{caption}\n{end}", text))


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("name", nargs="*", help="benches to run, in turn")
    parser.add_argument("--program", default=ROOT / "build/release/bin/ngforge")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="write bench/results and docs/performance.md")
    options = parser.parse_args()
    unknown = set(options.name) - BENCHES.keys()
    if unknown or not options.name:
        for name, (title, _) in BENCHES.items():
            print(f"{name:14} {title}")
        return 2 if unknown else 0
    context = Context(options.program, options.rounds)
    for name in options.name:
        begin = time.monotonic()
        rows = BENCHES[name][1](context)
        print(f"\n{BENCHES[name][0]} ({time.monotonic() - begin:.0f} s)\n\n{table(rows)}")
        if options.keep:
            keep(name, rows, options.rounds, context.version())
    return 0


if __name__ == "__main__":
    sys.exit(main())
