// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ngforge {

/// The text without spaces and tabs around it.
std::string_view trimmed(std::string_view text);

/// The lines of a text one after the other, whatever ends them (LF, CRLF, CR), without what ends them.
class TableLines {
 public:
  explicit TableLines(std::string_view text) : rest_(text) {}
  /// False behind the last line; a last line that is empty is none.
  bool next(std::string_view& line);
  /// Of the line that next() gave, from 1.
  std::uint64_t number() const { return number_; }

 private:
  std::string_view rest_;
  std::uint64_t number_ = 0;
};

/// Words of a line, between spaces and tabs. A word in double quotes may have spaces, and is given with its quotes.
std::vector<std::string_view> words_of(std::string_view line);

/// The first line that is neither empty nor begins with '#'; "" when there is none.
std::string_view first_line_of_values(std::string_view text);

/// A whole number in decimal and nothing around it.
std::optional<std::uint64_t> whole_number(std::string_view text);

/// "#rrggbb" of red, green, blue.
std::string color_text(const std::array<std::uint64_t, 3>& rgb);

}  // namespace ngforge
