// SPDX-License-Identifier: Apache-2.0
// Tables of labels in JSON, of three shapes:
//   {"1": "name", ...}        {"1": {"name": ..., "color": ...}, ...}        [{"id": 1, "name": ..., ...}, ...]
// Read event by event: an object of a hundred thousand members is no tree, and its numbers stay as they were written.
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include <nlohmann/json.hpp>

#include "table/table.h"

namespace ngforge {
namespace {

/// Rows whose columns appear as they are met.
class Rows {
 public:
  /// `most_cells`: how many there may be, empty ones too.
  explicit Rows(std::size_t most_cells) : most_cells_(most_cells) { table_.format = "JSON"; }

  void begin_row() { ++rows_; }
  std::size_t row() const { return rows_; }

  /// What is wrong, or "".
  std::string add(const std::string& name, std::string_view text) {
    const auto [found, is_new] = numbers_.try_emplace(name, table_.columns.size());
    if (is_new) table_.columns.push_back({name, {}});
    if (table_.columns.size() > kMaxTableColumns)
      return fmt::format("expected at most {} columns, found more", kMaxTableColumns);
    TextList& cells = table_.columns[found->second].cells;
    if (cells.size() == rows_) return fmt::format("expected \"{}\" once, found it twice", name);
    if (!fill(cells, rows_ - 1) || ++cells_ > most_cells_) return kTooSparse;
    cells.push_back(text);
    return {};
  }
  /// Makes all columns equally long. What is wrong, or "".
  std::string end() {
    for (TableColumn& column : table_.columns)
      if (!fill(column.cells, rows_)) return kTooSparse;
    return {};
  }
  Table take() { return std::move(table_); }

 private:
  static constexpr const char* kTooSparse = "expected rows with members of the same names, found too many others";

  // Rows before may not have had the column.
  bool fill(TextList& cells, std::size_t size) {
    if (size - cells.size() > most_cells_ - cells_) return false;
    cells_ += size - cells.size();
    while (cells.size() < size) cells.push_back("");
    return true;
  }

  const std::size_t most_cells_;
  std::size_t rows_ = 0, cells_ = 0;
  Table table_;
  std::unordered_map<std::string, std::size_t> numbers_;
};

/// Takes the parser's events; all but parse_error return whether to go on.
class TableEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit TableEvents(std::size_t most_cells) : rows_(most_cells) {}

  bool null() override { return value(""); }
  bool boolean(bool is_true) override { return value(is_true ? "true" : "false"); }
  bool number_integer(number_integer_t number) override { return value(fmt::format("{}", number)); }
  bool number_unsigned(number_unsigned_t number) override { return value(fmt::format("{}", number)); }
  bool number_float(number_float_t, const string_t& text) override { return value(text); }
  bool string(string_t& text) override { return value(text); }
  bool binary(binary_t&) override { return fail("expected text"); }

  bool start_object(std::size_t) override {
    if (inside_ == Inside::nothing) return enter(Inside::labels);
    if (inside_ == Inside::labels) return enter(Inside::row);
    if (inside_ == Inside::rows) {
      rows_.begin_row();
      return enter(Inside::row);
    }
    return fail("expected text, a number or a list of these, found an object");
  }
  bool key(string_t& name) override {
    name_ = name;
    if (inside_ != Inside::labels) return true;
    rows_.begin_row();
    name_ = "label";
    return told(rows_.add("id", name));
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override {
    if (inside_ == Inside::nothing) return enter(Inside::rows);
    if (inside_ == Inside::rows || inside_ == Inside::list)
      return fail("expected an object for each label, or a list of text or numbers; found a list in a list");
    list_.clear();
    return enter(Inside::list);
  }
  bool end_array() override {
    if (inside_ != Inside::list) return leave();
    leave();
    return told(rows_.add(name_, list_));
  }
  bool parse_error(std::size_t byte, const std::string&, const nlohmann::json::exception& cause) override {
    constexpr int kNumberOutOfRange = 406;
    fault_ = fmt::format(
        "expected {} at byte {}",
        cause.id == kNumberOutOfRange ? "numbers that double can hold, found another" : "JSON, found something else",
        byte);
    return false;
  }

  bool end() { return told(rows_.end()); }
  const std::string& fault() const { return fault_; }
  Table take() { return rows_.take(); }

 private:
  enum class Inside : std::uint8_t { nothing, labels, rows, row, list };

  bool enter(Inside what) {
    around_.push_back(inside_);
    inside_ = what;
    return true;
  }
  bool leave() {
    inside_ = around_.back();
    around_.pop_back();
    return true;
  }
  bool value(std::string_view text) {
    if (inside_ == Inside::list) {
      if (!list_.empty()) list_ += ',';
      list_ += text;
      return true;
    }
    if (inside_ == Inside::labels || inside_ == Inside::row) return told(rows_.add(name_, text));
    return fail("expected an object for each label, found something else");
  }
  bool fail(std::string_view fault) {
    fault_ = rows_.row() == 0 ? std::string(fault) : fmt::format("row {}: {}", rows_.row(), fault);
    return false;
  }
  bool told(const std::string& fault) { return fault.empty() || fail(fault); }

  Rows rows_;
  Inside inside_ = Inside::nothing;
  std::vector<Inside> around_;
  std::string name_, list_, fault_;
};

bool matches(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && (text[begin] == '{' || text[begin] == '[');
}

Result<Table> parse(std::string_view text, std::string_view where) {
  // A cell takes at least a few bytes of text where it is told; those that are not may not outnumber these by far.
  TableEvents events(2 * text.size() + kMaxTableColumns);
  if (!nlohmann::json::sax_parse(text, &events) || !events.end())
    return make_error(ErrorCode::invalid_data, "{}: {}", where, events.fault());
  return events.take();
}

}  // namespace

extern const TableDescriptor json_table;
const TableDescriptor json_table{
    .name = "json", .title = "JSON: names by label, or a list of objects", .matches = matches, .parse = parse};

}  // namespace ngforge
