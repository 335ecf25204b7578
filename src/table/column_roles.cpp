// SPDX-License-Identifier: Apache-2.0
#include "table/column_roles.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "ngforge/text.h"
#include "table/table_lines.h"

namespace ngforge {
namespace {

// Names in common use, without what stands between their words; the likeliest first.
constexpr std::array kIdNames = {"id",    "segmentid", "labelid",     "segid", "labelvalue", "labelnumber",
                                 "roiid", "regionid",  "structureid", "index", "idx",        "segment",
                                 "value", "number",    "no",          "key",   "labelindex"};
constexpr std::array kLabelNames = {"label",   "name",   "labelname", "segmentname", "regionname", "structurename",
                                    "roiname", "region", "structure", "roi",         "acronym",    "abbreviation"};
constexpr std::array kDescriptionNames = {"description", "desc", "comment", "comments", "note", "notes", "definition"};
constexpr std::array kTagNames = {"tags", "tag", "keywords"};
constexpr std::array kColorNames = {"color", "colour", "hexcolor", "hexcolour", "colorhex", "hex", "rgb", "rgbcolor"};

std::string plain(std::string_view name) {
  std::string letters;
  for (const char c : lower_case(name))
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80) letters += c;
  return letters;
}

class RoleFinder {
 public:
  RoleFinder(Table& table, const ColumnChoice& choice, std::string_view where)
      : table_(table), choice_(choice), where_(where), roles_(table.columns.size(), ColumnRole::none) {}

  Result<std::vector<ColumnRole>> run() {
    name_columns();
    NGFORGE_CHECK(check_names());
    for (const TableColumn& column : table_.columns) plain_.push_back(plain(column.name));
    NGFORGE_CHECK(take_asked());
    NGFORGE_CHECK(take_id());
    if (choice_.label.empty()) take_first(kLabelNames, ColumnRole::label);
    if (choice_.description.empty()) take_first(kDescriptionNames, ColumnRole::description);
    if (!choice_.tags) take_first(kTagNames, ColumnRole::tags);
    if (choice_.color.empty()) take_color();
    return take_others();
  }

 private:
  bool is_free(std::size_t c) const { return roles_[c] == ColumnRole::none; }
  bool has(ColumnRole role) const { return std::ranges::find(roles_, role) != roles_.end(); }

  // Without a first line of names, the labels come first, and then their names.
  void name_columns() {
    if (table_.has_names) return;
    bool has_label = false;
    for (std::size_t c = 0; c < table_.columns.size(); ++c) {
      TableColumn& column = table_.columns[c];
      const bool is_text = table_.row_count() > 0 && !whole_number(column.cells[0]);
      column.name = c == 0 ? "id" : is_text && !has_label ? "label" : fmt::format("column{}", c + 1);
      has_label |= column.name == "label";
    }
  }

  Result<void> check_names() const {
    std::set<std::string_view> names;
    for (const TableColumn& column : table_.columns)
      if (!column.name.empty() && !names.insert(column.name).second)
        return make_error(ErrorCode::invalid_data, "{}: expected columns of different names, found two called \"{}\"",
                          where_, column.name);
    return {};
  }

  Result<std::size_t> find(const std::string& name, std::string_view option) const {
    for (std::size_t c = 0; c < table_.columns.size(); ++c)
      if (table_.columns[c].name == name) return c;
    for (std::size_t c = 0; c < table_.columns.size(); ++c)
      if (!plain_[c].empty() && plain_[c] == plain(name)) return c;
    std::string names;
    for (const TableColumn& column : table_.columns)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", column.name);
    return make_error(ErrorCode::invalid_argument, "{}: {}: expected one of the columns {}, found \"{}\"", where_,
                      option, names, name);
  }

  Result<void> take(const std::string& name, ColumnRole role, std::string_view option) {
    if (name.empty()) return {};
    NGFORGE_TRY(const std::size_t c, find(name, option));
    if (!is_free(c))
      return make_error(ErrorCode::invalid_argument, "{}: expected a column that no other option takes, found \"{}\"",
                        option, name);
    roles_[c] = role;
    return {};
  }

  Result<void> take_asked() {
    NGFORGE_CHECK(take(choice_.id, ColumnRole::id, "--id"));
    NGFORGE_CHECK(take(choice_.label, ColumnRole::label, "--label"));
    NGFORGE_CHECK(take(choice_.description, ColumnRole::description, "--description"));
    NGFORGE_CHECK(take(choice_.color, ColumnRole::color, "--color"));
    if (choice_.tags)
      for (const std::string& name : *choice_.tags) NGFORGE_CHECK(take(name, ColumnRole::tags, "--tags"));
    for (const std::string& name : choice_.texts) NGFORGE_CHECK(take(name, ColumnRole::text, "--strings"));
    for (const std::string& name : choice_.numbers) NGFORGE_CHECK(take(name, ColumnRole::number, "--numbers"));
    if (choice_.others)
      for (const std::string& name : *choice_.others) NGFORGE_CHECK(take(name, ColumnRole::other, "--columns"));
    return {};
  }

  std::optional<std::size_t> find_first(std::span<const char* const> names) const {
    for (const char* name : names)
      for (std::size_t c = 0; c < plain_.size(); ++c)
        if (is_free(c) && plain_[c] == name) return c;
    return std::nullopt;
  }
  void take_first(std::span<const char* const> names, ColumnRole role) {
    if (const auto c = find_first(names)) roles_[*c] = role;
  }

  Result<void> take_id() {
    if (!choice_.id.empty()) return {};
    auto c = find_first(kIdNames);
    // "label,name": the labels are numbers. A column of row numbers that has no name is what pandas writes.
    if (!c) c = numbers_called("label");
    if (!c) c = numbers_called("");
    if (!c) {
      std::string names;
      for (const TableColumn& column : table_.columns)
        names += fmt::format("{}{}", names.empty() ? "" : ", ", column.name);
      return make_error(ErrorCode::invalid_data, "{}: expected a column of labels (id, index, label...), found {}",
                        where_, names)
          .with_hint("name it with --id");
    }
    roles_[*c] = ColumnRole::id;
    return {};
  }
  std::optional<std::size_t> numbers_called(std::string_view name) const {
    for (std::size_t c = 0; c < plain_.size(); ++c) {
      const TextList& cells = table_.columns[c].cells;
      if (is_free(c) && plain_[c] == name && !cells.empty() && whole_number(cells[0])) return c;
    }
    return std::nullopt;
  }

  void take_color() {
    for (const auto& [names, alpha] :
         {std::pair{std::array{"red", "green", "blue"}, "alpha"}, std::pair{std::array{"r", "g", "b"}, "a"}}) {
      std::array<std::size_t, 3> columns{};
      bool has_all = true;
      for (std::size_t i = 0; i < 3; ++i) {
        const auto c = find_first(std::span(&names[i], 1));
        has_all &= c.has_value();
        columns[i] = c.value_or(0);
      }
      if (!has_all) continue;
      roles_[columns[0]] = ColumnRole::red;
      roles_[columns[1]] = ColumnRole::green;
      roles_[columns[2]] = ColumnRole::blue;
      // The viewer's colours have no alpha.
      if (const auto c = find_first(std::span(&alpha, 1)); c && !choice_.others) ignored_ = *c;
      return;
    }
    take_first(kColorNames, ColumnRole::color);
  }

  std::vector<ColumnRole> take_others() {
    for (std::size_t c = 0; c < roles_.size(); ++c)
      if (is_free(c) && !choice_.others && !plain_[c].empty() && ignored_ != c) roles_[c] = ColumnRole::other;
    return roles_;
  }

  Table& table_;
  const ColumnChoice& choice_;
  const std::string_view where_;
  std::vector<ColumnRole> roles_;
  std::vector<std::string> plain_;
  std::optional<std::size_t> ignored_;
};

}  // namespace

Result<std::vector<ColumnRole>> find_column_roles(Table& table, const ColumnChoice& choice, std::string_view where) {
  return RoleFinder(table, choice, where).run();
}

}  // namespace ngforge
