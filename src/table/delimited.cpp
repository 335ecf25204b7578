// SPDX-License-Identifier: Apache-2.0
// Comma-, semicolon- and tab-separated values (RFC 4180, and what spreadsheets make of it): records of cells, a cell
// with separators, line ends or quotes in double quotes, with its quotes doubled. BIDS' dseg.tsv is one of these.
#include <algorithm>
#include <string>
#include <vector>

#include "table/table.h"
#include "table/table_lines.h"

namespace ngforge {
namespace {

/// Takes a text apart into records.
class RecordReader {
 public:
  RecordReader(std::string_view text, char separator, std::string_view where)
      : text_(text), separator_(separator), where_(where) {}

  /// The next record that is not an empty line; false when there is none.
  Result<bool> next(std::vector<std::string>& cells) {
    for (;;) {
      cells.clear();
      if (at_ >= text_.size()) return false;
      record_line_ = line_;
      bool goes_on = true;
      while (goes_on) {
        if (cells.size() == kMaxTableColumns)
          return make_error(ErrorCode::limit, "{}: line {}: expected at most {} columns, found more", where_,
                            record_line_, kMaxTableColumns);
        NGFORGE_TRY(std::string cell, read_cell());
        cells.push_back(std::move(cell));
        goes_on = at_ < text_.size() && text_[at_] == separator_;
        if (goes_on) ++at_;
      }
      end_line();
      if (cells.size() > 1 || !cells.front().empty()) return true;
    }
  }
  /// Where the record begins, from 1.
  std::uint64_t line() const { return record_line_; }

 private:
  // Spaces around a cell are no part of it, unless they stand in quotes.
  Result<std::string> read_cell() {
    const char ends[] = {separator_, '\r', '\n', 0};
    const std::size_t begin = text_.find_first_not_of(separator_ == '\t' ? " " : " \t", at_);
    if (begin != std::string_view::npos && text_[begin] == '"') {
      at_ = begin + 1;
      return read_quoted(ends);
    }
    const std::size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    const std::string_view cell = trimmed(text_.substr(at_, end - at_));
    at_ = end;
    return std::string(cell);
  }

  Result<std::string> read_quoted(const char* ends) {
    const std::uint64_t first_line = line_;
    std::string cell;
    for (;;) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos)
        return make_error(ErrorCode::invalid_data, "{}: line {}: expected a quote that ends the cell, found none",
                          where_, first_line);
      const std::string_view part = text_.substr(at_, quote - at_);
      line_ += static_cast<std::uint64_t>(std::ranges::count(part, '\n'));
      cell += part;
      at_ = quote + 1;
      if (at_ >= text_.size() || text_[at_] != '"') break;
      cell += '"';
      ++at_;
    }
    const std::size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    if (!trimmed(text_.substr(at_, end - at_)).empty())
      return make_error(ErrorCode::invalid_data, "{}: line {}: expected the cell to end with its quote, found \"{}\"",
                        where_, line_, text_.substr(at_, std::min<std::size_t>(end - at_, 20)));
    at_ = end;
    return cell;
  }

  void end_line() {
    if (at_ >= text_.size()) return;
    at_ += text_.substr(at_).starts_with("\r\n") ? 2 : 1;
    ++line_;
  }

  const std::string_view text_;
  const char separator_;
  const std::string_view where_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1, record_line_ = 1;
};

// What stands most often in the first line, outside of quotes; a tab wins over all.
char separator_of(std::string_view text) {
  std::size_t commas = 0, semicolons = 0;
  bool is_quoted = false;
  for (const char c : text) {
    if (c == '"') is_quoted = !is_quoted;
    if (is_quoted) continue;
    if (c == '\t') return '\t';
    if (c == '\n' || c == '\r') {
      if (commas + semicolons > 0) break;
    }
    commas += c == ',';
    semicolons += c == ';';
  }
  return semicolons > commas ? ';' : ',';
}

bool matches(std::string_view) {
  return true;
}

Result<Table> parse(std::string_view text, std::string_view where) {
  const char separator = separator_of(text);
  Table table;
  table.format = separator == '\t' ? "TSV" : "CSV";
  RecordReader reader(text, separator, where);
  std::vector<std::string> cells;
  NGFORGE_TRY(bool has_record, reader.next(cells));
  if (!has_record) return table;
  // Names are not numbers: a first line that begins with one is a row already.
  table.has_names = !whole_number(cells.front());
  table.columns.resize(cells.size());
  if (table.has_names) {
    for (std::size_t c = 0; c < cells.size(); ++c) table.columns[c].name = cells[c];
    NGFORGE_TRY(has_record, reader.next(cells));
  }
  while (has_record) {
    if (cells.size() != table.columns.size())
      return make_error(ErrorCode::invalid_data, "{}: line {}: expected {} cells as in the first line, found {}", where,
                        reader.line(), table.columns.size(), cells.size());
    table.lines.push_back(reader.line());
    for (std::size_t c = 0; c < cells.size(); ++c) table.columns[c].cells.push_back(cells[c]);
    NGFORGE_TRY(has_record, reader.next(cells));
  }
  return table;
}

}  // namespace

extern const TableDescriptor delimited_table;
const TableDescriptor delimited_table{.name = "csv",
                                      .title = "values between commas, semicolons or tabs (CSV, TSV, BIDS dseg.tsv)",
                                      .matches = matches,
                                      .parse = parse};

}  // namespace ngforge
