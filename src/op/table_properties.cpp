// SPDX-License-Identifier: Apache-2.0
#include "op/table_properties.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "ngforge/text.h"
#include "table/column_roles.h"
#include "table/decimal.h"
#include "table/table_colors.h"
#include "table/table_lines.h"

namespace ngforge {
namespace {

using Kind = SegmentProperty::Kind;

/// Makes properties of the columns of one table.
class TableReader {
 public:
  TableReader(Table table, const PropertiesOptions& options, std::string_view where)
      : table_(std::move(table)), options_(options), where_(where) {}

  Result<NamedSegments> run() {
    ColumnChoice choice{options_.id,   options_.label,   options_.description, options_.color,
                        options_.tags, options_.columns, options_.strings,     options_.numbers};
    NGFORGE_TRY(roles_, find_column_roles(table_, choice, where_));
    NGFORGE_TRY(missing_, missing_number(options_));
    NGFORGE_CHECK(read_ids());
    for (const ColumnRole role : {ColumnRole::label, ColumnRole::description})
      if (const auto c = first(role)) add_texts(*c, role == ColumnRole::label ? Kind::label : Kind::description);
    NGFORGE_CHECK(add_tags());
    NGFORGE_CHECK(add_colors());
    for (std::size_t c = 0; c < roles_.size(); ++c) NGFORGE_CHECK(add_other(c));
    for (std::size_t c = 0; c < roles_.size(); ++c)
      if (roles_[c] == ColumnRole::none) named_.columns.push_back({table_.columns[c].name, "", "", "", {}, ""});
    return std::move(named_);
  }

 private:
  static constexpr std::string_view kTagSeparators = ",;|";

  std::string_view cell(std::size_t column, std::size_t row) const { return table_.columns[column].cells[row]; }
  std::optional<std::size_t> first(ColumnRole role) const {
    const auto found = std::ranges::find(roles_, role);
    if (found == roles_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - roles_.begin());
  }
  template <class... Args>
  Error fault(ErrorCode code, std::size_t column, std::size_t row, fmt::format_string<Args...> expected,
              Args&&... args) const {
    return make_error(code, "{}: {}: {}: {}", where_, table_.place_of(row), table_.columns[column].name,
                      fmt::format(expected, std::forward<Args>(args)...));
  }

  // Which row belongs to which id, in the order of the ids.
  Result<void> read_ids() {
    const std::size_t c = *first(ColumnRole::id);
    std::vector<std::uint64_t> ids(table_.row_count());
    for (std::size_t row = 0; row < ids.size(); ++row) {
      const auto id = whole_number(cell(c, row));
      if (!id)
        return fault(ErrorCode::invalid_data, c, row, "expected an id, a whole number of up to 64 bits, found \"{}\"",
                     cell(c, row));
      ids[row] = *id;
    }
    rows_.resize(ids.size());
    std::iota(rows_.begin(), rows_.end(), 0);
    std::ranges::stable_sort(rows_, {}, [&](std::size_t row) { return ids[row]; });
    for (std::size_t i = 1; i < rows_.size(); ++i)
      if (ids[rows_[i]] == ids[rows_[i - 1]])
        return fault(ErrorCode::invalid_data, c, rows_[i], "expected each id once, found {} in {} too", ids[rows_[i]],
                     table_.place_of(rows_[i - 1]));
    if (ids[rows_.front()] == 0) {
      const auto name = first(ColumnRole::label);
      named_.notices.push_back(fmt::format("0 is the background, which the viewer does not show: left out{}",
                                           name ? fmt::format(" (\"{}\")", cell(*name, rows_.front())) : ""));
      rows_.erase(rows_.begin());
    }
    if (rows_.empty())
      return make_error(ErrorCode::invalid_data, "{}: expected a label other than the background, found none", where_);
    for (const std::size_t row : rows_) named_.properties.ids.push_back(ids[row]);
    named_.columns.push_back({table_.columns[c].name, "", "id", "", {}, ""});
    return {};
  }

  // Names of properties are unique; colours have theirs, whether there are any or not.
  std::string unique_id(const std::string& name, bool is_color = false) {
    std::string id = name;
    for (int n = 2; (id == kColorPropertyId && !is_color) || used_ids_.contains(id); ++n)
      id = fmt::format("{}_{}", name, n);
    used_ids_.insert(id);
    return id;
  }

  void add(SegmentProperty property, const std::string& column) {
    PropertyColumn told{column, property.id, std::string(name_of(property.kind)), "", {}, ""};
    for (std::size_t i = 0; i < property.texts.size() && told.example.empty(); ++i) told.example = property.texts[i];
    if (property.kind == Kind::tags)
      for (std::size_t i = 0; i < std::min<std::size_t>(property.tags.size(), 3); ++i)
        told.example += (i == 0 ? "" : " ") + property.tags[i];
    if (property.kind == Kind::number) {
      told.data_type = name_of(property.type);
      const auto [low, high] = std::ranges::minmax(property.numbers);
      told.range = {low, high};
    }
    named_.columns.push_back(std::move(told));
    named_.properties.properties.push_back(std::move(property));
  }

  void add_texts(std::size_t c, Kind kind) {
    SegmentProperty property;
    property.kind = kind;
    property.id = unique_id(table_.columns[c].name);
    for (const std::size_t row : rows_) {
      const std::string_view text = cell(c, row);
      property.texts.push_back(text == "n/a" ? "" : text);  // as BIDS says that there is none
    }
    add(std::move(property), table_.columns[c].name);
  }

  // A word as the viewer takes it: without '#' and spaces.
  static std::string tag_of(std::string_view word) {
    word = trimmed(word);
    while (word.starts_with('#')) word.remove_prefix(1);
    std::string tag(word);
    std::ranges::replace_if(tag, [](char c) { return c == '#' || static_cast<unsigned char>(c) <= ' '; }, '_');
    return tag;
  }

  Result<void> add_tags() {
    SegmentProperty property;
    property.kind = Kind::tags;
    std::string columns;
    std::map<std::string, std::string> spellings;  // lower case -> as it stands first
    std::string changed;
    const auto for_tags = [&](std::size_t row, const auto& function) {
      for (std::size_t c = 0; c < roles_.size(); ++c) {
        if (roles_[c] != ColumnRole::tags || is_missing_value(cell(c, row))) continue;
        for (std::string_view rest = cell(c, row); !rest.empty();) {
          const std::size_t end = std::min(rest.find_first_of(kTagSeparators), rest.size());
          const std::string tag = tag_of(rest.substr(0, end));
          if (!tag.empty()) function(trimmed(rest.substr(0, end)), tag);
          rest.remove_prefix(std::min(end + 1, rest.size()));
        }
      }
    };
    for (std::size_t c = 0; c < roles_.size(); ++c)
      if (roles_[c] == ColumnRole::tags) columns += (columns.empty() ? "" : ", ") + table_.columns[c].name;
    if (columns.empty()) return {};
    for (const std::size_t row : rows_)
      for_tags(row, [&](std::string_view word, const std::string& tag) {
        spellings.try_emplace(lower_case(tag), tag);
        if (changed.empty() && tag.find('_') != std::string::npos && word.find('_') == std::string_view::npos)
          changed = fmt::format("tags have no spaces: \"{}\" is {}", word, tag);
      });
    if (spellings.size() > kMaxTags)
      return make_error(ErrorCode::limit, "{}: {}: expected at most {} tags, found {}", where_, columns, kMaxTags,
                        spellings.size());
    std::map<std::string, std::uint32_t> numbers;
    for (const auto& [lower, tag] : spellings) {
      numbers.emplace(lower, static_cast<std::uint32_t>(numbers.size()));
      property.tags.push_back(tag);
    }
    for (const std::size_t row : rows_) {
      std::set<std::uint32_t> of_row;
      for_tags(row, [&](std::string_view, const std::string& tag) { of_row.insert(numbers.at(lower_case(tag))); });
      property.tag_numbers.insert(property.tag_numbers.end(), of_row.begin(), of_row.end());
      property.tag_ends.push_back(property.tag_numbers.size());
    }
    if (!changed.empty()) named_.notices.push_back(changed);
    property.id = unique_id("tags");
    add(std::move(property), columns);
    return {};
  }

  Result<void> add_colors() {
    SegmentProperty property;
    property.id = kColorPropertyId;
    property.description = "#rrggbb";
    std::string columns;
    if (const auto c = first(ColumnRole::color)) {
      columns = table_.columns[*c].name;
      for (const std::size_t row : rows_) {
        const auto color = is_missing_value(cell(*c, row)) ? std::optional(std::string()) : parse_color(cell(*c, row));
        if (!color)
          return fault(ErrorCode::invalid_data, *c, row, "expected a colour such as #ff8000 or 255,128,0, found \"{}\"",
                       cell(*c, row));
        property.texts.push_back(*color);
      }
    } else if (const auto red = first(ColumnRole::red)) {
      const std::array all{*red, *first(ColumnRole::green), *first(ColumnRole::blue)};
      columns = fmt::format("{}, {}, {}", table_.columns[all[0]].name, table_.columns[all[1]].name,
                            table_.columns[all[2]].name);
      NGFORGE_CHECK(read_components(all, property.texts));
    } else {
      return {};
    }
    unique_id(kColorPropertyId, true);
    add(std::move(property), columns);
    return {};
  }

  // Whole numbers to 255; shares of one when there is a fraction among them.
  Result<void> read_components(const std::array<std::size_t, 3>& columns, TextList& colors) const {
    bool has_fractions = false;
    for (const std::size_t row : rows_)
      for (const std::size_t c : columns) {
        const auto number = parse_table_number(cell(c, row));
        has_fractions |= number && !number->is_integer;
      }
    const double most = has_fractions ? 1 : 255;
    for (const std::size_t row : rows_) {
      if (std::ranges::all_of(columns, [&](std::size_t c) { return is_missing_value(cell(c, row)); })) {
        colors.push_back("");
        continue;
      }
      std::array<std::uint64_t, 3> rgb{};
      for (std::size_t i = 0; i < 3; ++i) {
        const auto number = parse_table_number(cell(columns[i], row));
        if (!number || number->value < 0 || number->value > most)
          return fault(ErrorCode::invalid_data, columns[i], row, "expected a colour from 0 to {}, found \"{}\"", most,
                       cell(columns[i], row));
        rgb[i] = static_cast<std::uint64_t>(std::lround(number->value * 255 / most));
      }
      colors.push_back(color_text(rgb));
    }
    return {};
  }

  bool looks_like_numbers(std::size_t c) const {
    bool has_number = false;
    for (const std::size_t row : rows_) {
      if (is_missing_value(cell(c, row))) continue;
      if (!parse_table_number(cell(c, row))) return false;
      has_number = true;
    }
    return has_number;
  }

  Result<void> add_other(std::size_t c) {
    const ColumnRole role = roles_[c];
    if (role != ColumnRole::other && role != ColumnRole::text && role != ColumnRole::number) return {};
    if (role == ColumnRole::number || (role == ColumnRole::other && looks_like_numbers(c))) return add_numbers(c);
    add_texts(c, Kind::string);
    return {};
  }

  Result<void> add_numbers(std::size_t c) {
    SegmentProperty property;
    property.kind = Kind::number;
    property.id = unique_id(table_.columns[c].name);
    bool are_integers = true;
    for (const std::size_t row : rows_) {
      const std::string_view text = cell(c, row);
      if (is_missing_value(text)) {
        if (!missing_)
          return fault(ErrorCode::needs_decision, c, row, "expected a number, found {}",
                       text.empty() ? "nothing" : fmt::format("\"{}\"", text))
              .with_hint(fmt::format("say what stands for it with --missing NUMBER, or keep the column as text with "
                                     "--strings {}",
                                     table_.columns[c].name));
        property.numbers.push_back(*missing_);
      } else if (const auto number = parse_table_number(text)) {
        are_integers &= number->is_integer;
        property.numbers.push_back(number->value);
      } else {
        return fault(ErrorCode::invalid_data, c, row, "expected a number, found \"{}\"", text);
      }
    }
    const auto [low, high] = std::ranges::minmax(property.numbers);
    property.type = are_integers ? integer_type(low, high) : DataType::float32;
    if (property.type == DataType::float32) NGFORGE_CHECK(check_floats(c));
    for (double& value : property.numbers)
      if (property.type == DataType::float32) value = static_cast<float>(value);
    add(std::move(property), table_.columns[c].name);
    return {};
  }

  Result<void> check_floats(std::size_t c) const {
    const std::string& name = table_.columns[c].name;
    for (const std::size_t row : rows_) {
      const auto number = parse_table_number(cell(c, row));
      if (!number || number->fits_float || (number->is_finite && options_.rounds)) continue;
      if (!number->is_finite)
        return fault(ErrorCode::needs_decision, c, row, "expected a number that float32 can hold, found {}",
                     cell(c, row))
            .with_hint(fmt::format("keep the column as text with --strings {}", name));
      return fault(ErrorCode::needs_decision, c, row,
                   "expected a number that a property can hold exactly (float32, or integers of 32 bits), found {}",
                   cell(c, row))
          .with_hint(fmt::format("round with --round, or keep the column as text with --strings {}", name));
    }
    return {};
  }

  Table table_;
  const PropertiesOptions& options_;
  const std::string_view where_;
  std::vector<ColumnRole> roles_;
  std::optional<double> missing_;
  std::vector<std::size_t> rows_;  // in the order of the ids
  std::set<std::string> used_ids_;
  NamedSegments named_;
};

}  // namespace

Result<NamedSegments> properties_of_table(Table table, const PropertiesOptions& options, std::string_view where) {
  return TableReader(std::move(table), options, where).run();
}

DataType integer_type(double low, double high) {
  for (const DataType type :
       {DataType::uint8, DataType::int8, DataType::uint16, DataType::int16, DataType::uint32, DataType::int32}) {
    const bool holds = visit_type(type, [&](auto zero) {
      using Limits = std::numeric_limits<decltype(zero)>;
      return low >= static_cast<double>(Limits::lowest()) && high <= static_cast<double>(Limits::max());
    });
    if (holds) return type;
  }
  return DataType::float32;
}

Result<std::optional<double>> missing_number(const PropertiesOptions& options) {
  if (options.missing.empty()) return std::optional<double>();
  const auto number = parse_table_number(options.missing);
  if (!number || !number->fits_float)
    return make_error(ErrorCode::invalid_argument, "--missing: expected a number that float32 can hold, found \"{}\"",
                      options.missing);
  return std::optional(number->value);
}

Result<SegmentProperties> with_ids(const SegmentProperties& properties, std::span<const std::uint64_t> ids,
                                   std::optional<double> missing) {
  constexpr std::size_t kNew = SIZE_MAX;
  std::vector<std::size_t> rows;
  rows.reserve(ids.size());
  std::size_t at = 0;
  for (const std::uint64_t id : ids) {
    while (at < properties.ids.size() && properties.ids[at] < id) ++at;
    rows.push_back(at < properties.ids.size() && properties.ids[at] == id ? at : kNew);
  }
  const auto first_new = std::ranges::find(rows, kNew);
  SegmentProperties result;
  result.ids.assign(ids.begin(), ids.end());
  for (const SegmentProperty& from : properties.properties) {
    SegmentProperty to = from;
    to.texts = {};
    to.numbers.clear();
    to.tag_numbers.clear();
    to.tag_ends.clear();
    if (from.kind == Kind::number && first_new != rows.end()) {
      if (!missing)
        return make_error(ErrorCode::needs_decision, "{}: expected a number for each label, found none for {}", from.id,
                          ids[static_cast<std::size_t>(first_new - rows.begin())])
            .with_hint("say what stands for it with --missing NUMBER, or leave the column out with --columns");
      const auto [low, high] = std::ranges::minmax(from.numbers);
      const bool is_whole = from.type != DataType::float32 && *missing == std::trunc(*missing);
      to.type = is_whole ? integer_type(std::min(low, *missing), std::max(high, *missing)) : DataType::float32;
      const auto is_kept = [&](double number) { return static_cast<double>(static_cast<float>(number)) == number; };
      if (to.type == DataType::float32 && from.type != DataType::float32 && !std::ranges::all_of(from.numbers, is_kept))
        return make_error(ErrorCode::invalid_argument,
                          "--missing: expected a number of the same type as {}, which has integers of up to {}, found "
                          "{}",
                          from.id, high, *missing);
    }
    for (const std::size_t row : rows) {
      if (from.kind == Kind::number) {
        to.numbers.push_back(row == kNew ? *missing : from.numbers[row]);
      } else if (from.kind == Kind::tags) {
        if (row != kNew) {
          const auto [begin, end] = from.tags_of(row);
          for (std::size_t i = begin; i < end; ++i) to.tag_numbers.push_back(from.tag_numbers[i]);
        }
        to.tag_ends.push_back(to.tag_numbers.size());
      } else {
        to.texts.push_back(row == kNew ? "" : from.texts[row]);
      }
    }
    result.properties.push_back(std::move(to));
  }
  return result;
}

}  // namespace ngforge
