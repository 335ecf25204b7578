// SPDX-License-Identifier: Apache-2.0
// Tables of labels in every format: the first byte says which, or that it is to be found.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "table/column_roles.h"
#include "table/table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto tables = ngforge::all_tables();
  const std::size_t choice = data[0] % (tables.size() + 1);
  const auto bytes = std::as_bytes(std::span(data, size).subspan(1));
  auto table = ngforge::parse_table(bytes, "table", choice < tables.size() ? tables[choice]->name : "");
  if (!table) return 0;
  const std::size_t rows = table->row_count();
  if (rows == 0 || table->columns.size() > ngforge::kMaxTableColumns) std::abort();
  for (const auto& column : table->columns)
    if (column.cells.size() != rows) std::abort();
  if (!table->lines.empty() && table->lines.size() != rows) std::abort();
  const auto roles = ngforge::find_column_roles(*table, {}, "table");
  if (roles && roles->size() != table->columns.size()) std::abort();
  return 0;
}
