// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ngforge/error.h"

namespace ngforge {

/// A word as a number: decimal, perhaps with a sign; reals also as "nan" and "inf". Nothing when it is none.
std::optional<float> parse_float(std::string_view word);
std::optional<std::int64_t> parse_whole(std::string_view word);

/// The next word of `line`, which loses it; "" at the end. Words lie between white space.
std::string_view take_word(std::string_view& line);

class TextReader;

/// The next `count` words as numbers. Errors: invalid_data (fewer, or other words).
Result<std::vector<float>> read_reals(TextReader& reader, std::uint64_t count);
Result<std::vector<std::int64_t>> read_wholes(TextReader& reader, std::uint64_t count);

/// Walks over the words or the lines of a text. Views of it live as long as the text.
class TextReader {
 public:
  /// `place` begins messages and must outlive the reader; `lines_before` the text are counted too.
  TextReader(std::string_view text, std::string_view place, std::size_t lines_before = 0)
      : rest_(text),
        size_(text.size()),
        place_(place),
        line_number_(lines_before),
        next_line_number_(lines_before + 1) {}

  /// The rest of the line that the reader is in, without its end; nothing at the end of the text.
  std::optional<std::string_view> line();
  /// The next word on this line or a later one; "" at the end of the text.
  std::string_view word();
  // A word that is a number. Errors: invalid_data (another word, the end), saying that `what` was expected.
  Result<float> real(std::string_view what);
  Result<std::int64_t> whole(std::string_view what);
  /// The word that word() would take.
  std::string_view peek_word() const;

  /// The next bytes, which are no text; nothing when there are fewer.
  std::optional<std::string_view> take(std::size_t bytes);

  /// Bytes of the text before the reader.
  std::size_t position() const { return size_ - rest_.size(); }
  std::string_view rest() const { return rest_; }
  /// The line, from 1, that the last word or line was on.
  std::size_t line_number() const { return line_number_; }
  /// "PLACE: line 7: expected WHAT, found FOUND".
  Error wrong(std::string_view expected, std::string_view found) const;

 private:
  std::string_view rest_;
  std::size_t size_;
  std::string_view place_;
  std::size_t line_number_, next_line_number_;
};

}  // namespace ngforge
