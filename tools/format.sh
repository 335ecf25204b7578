#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Formats the C++ of the project with clang-format 19; with --check it only says what is not formatted, and fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '*.h' '*.cpp')
if [[ ${1-} == --check ]]; then
  clang-format-19 --dry-run --Werror "${files[@]}"
else
  clang-format-19 -i "${files[@]}"
fi
