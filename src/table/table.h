// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/text_list.h"
#include "ngforge/error.h"

namespace ngforge {

/// One column of a table, as the file has it.
struct TableColumn {
  std::string name;  // "" where the file has none
  TextList cells;
};

/// A table of labels: one row for each, of text. Formats with columns of a fixed meaning call them "id", "label" and
/// "color" (#rrggbb).
struct Table {
  std::string format;  // "CSV", "FreeSurfer colour table"
  bool has_names = true;
  bool is_palette = false;           // names of all labels that there could be, rather than of those that there are
  std::vector<TableColumn> columns;  // of the same length
  std::vector<std::uint64_t> lines;  // of the file, where each row begins; empty: it has none
  std::size_t row_count() const { return columns.empty() ? 0 : columns.front().cells.size(); }
  /// "line 12", or "row 3" counted from 1.
  std::string place_of(std::size_t row) const;
};

/// A row of tables.def. `text` is UTF-8 without a byte order mark and without NUL.
struct TableDescriptor {
  const char* name;   // for --format: "csv"
  const char* title;  // for `formats`
  bool (*matches)(std::string_view text);
  /// `where` begins messages. Errors: invalid_data (naming the line), limit.
  Result<Table> (*parse)(std::string_view text, std::string_view where);
};
std::span<const TableDescriptor* const> all_tables();

/// How many columns a table may have.
inline constexpr std::size_t kMaxTableColumns = 4096;

/// Reads a table of any format, found by its content, or of the format that is named. Its memory is at most some 20
/// times that of the bytes. Errors: invalid_argument (no such format), invalid_data (not UTF-8, no row, those of
/// TableDescriptor::parse), limit.
Result<Table> parse_table(std::span<const std::byte> bytes, std::string_view where, std::string_view format = {});

}  // namespace ngforge
