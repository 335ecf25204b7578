#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packs the files of a folder into a table that is linked into the program.

usage: embed_assets.py OUT [FOLDER]

Writes OUT/assets.S (each file gzipped, by .incbin) and OUT/assets.cpp (the table declared in src/viewer/assets.h). Without
FOLDER the table is empty.
"""

import gzip
import sys
from pathlib import Path


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    files = sorted(p for p in Path(sys.argv[2]).iterdir() if p.is_file()) if len(sys.argv) > 2 else []
    assembly, declarations, rows = [".section .rodata\n"], [], []
    for number, path in enumerate(files):
        packed = (out / f"{number}.gz").resolve()
        packed.write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
        symbol = f"ngforge_asset_{number}"
        assembly.append(f'.global {symbol}\n.global {symbol}_end\n.balign 16\n{symbol}:\n.incbin "{packed}"\n{symbol}_end:\n')
        declarations.append(f"extern const std::byte {symbol}[], {symbol}_end[];\n")
        rows.append(f'    {{"{path.name}", {symbol}, {symbol}_end}},\n')
    assembly.append('.section .note.GNU-stack,"",%progbits\n')
    (out / "assets.S").write_text("".join(assembly))
    table = "const ViewerAsset kAssets[] = {\n" + "".join(rows) + "};\n" if rows else ""
    result = "return kAssets;" if rows else "return {};"
    (out / "assets.cpp").write_text(
        '// Written by tools/embed_assets.py.\n#include "viewer/assets.h"\n\nextern "C" {\n' + "".join(declarations) + "}\n\n"
        "namespace ngforge {\nnamespace {\n\n" + table + "\n}  // namespace\n\n"
        "std::span<const ViewerAsset> viewer_assets() { " + result + " }\n\n}  // namespace ngforge\n")


if __name__ == "__main__":
    main()
