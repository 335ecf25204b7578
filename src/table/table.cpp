// SPDX-License-Identifier: Apache-2.0
#include "table/table.h"

#include <algorithm>

namespace ngforge {

#define TABLE(name, target) extern const TableDescriptor name##_table;
#include "table/tables.def"
#undef TABLE

namespace {

constexpr const TableDescriptor* kTables[] = {
#define TABLE(name, target) &name##_table,
#include "table/tables.def"
#undef TABLE
};

// Bytes of the UTF-8 character that begins here (RFC 3629), or 0.
std::size_t character_size(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i)
      if ((at(i) & 0xC0) != 0x80) return false;
    return true;
  };
  const unsigned first = at(0), second = at(1);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xC2 && first < 0xE0) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool is_short = first == 0xE0 && second < 0xA0, is_surrogate = first == 0xED && second >= 0xA0;
    return follows(2) && !is_short && !is_surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool is_short = first == 0xF0 && second < 0x90, is_beyond = first == 0xF4 && second >= 0x90;
    return follows(3) && !is_short && !is_beyond ? 4 : 0;
  }
  return 0;
}

Result<void> check_text(std::string_view text, std::string_view where) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    return make_error(ErrorCode::invalid_data, "{}: expected text in UTF-8, found UTF-16", where)
        .with_hint("save it as UTF-8");
  std::size_t line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = character_size(text.substr(i, 4));
    if (size == 0)
      return make_error(ErrorCode::invalid_data, "{}: line {}: expected text in UTF-8, found the byte {:02x}", where,
                        line, static_cast<unsigned char>(text[i]))
          .with_hint("save it as UTF-8");
    if (text[i] == '\n') ++line;
    i += size;
  }
  return {};
}

Result<const TableDescriptor*> choose(std::string_view text, std::string_view format) {
  for (const TableDescriptor* table : kTables)
    if (format.empty() ? table->matches(text) : format == table->name) return table;
  std::string names;
  for (const TableDescriptor* table : kTables) names += fmt::format("{}{}", names.empty() ? "" : ", ", table->name);
  return make_error(ErrorCode::invalid_argument, "--format: expected one of {}, found \"{}\"", names, format);
}

}  // namespace

std::string Table::place_of(std::size_t row) const {
  return lines.empty() ? fmt::format("row {}", row + 1) : fmt::format("line {}", lines[row]);
}

std::span<const TableDescriptor* const> all_tables() {
  return kTables;
}

Result<Table> parse_table(std::span<const std::byte> bytes, std::string_view where, std::string_view format) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  NGFORGE_CHECK(check_text(text, where));
  NGFORGE_TRY(const TableDescriptor* const descriptor, choose(text, format));
  NGFORGE_TRY(Table table, descriptor->parse(text, where));
  if (table.row_count() == 0)
    return make_error(ErrorCode::invalid_data, "{}: expected a row for each label, found none", where);
  return table;
}

}  // namespace ngforge
