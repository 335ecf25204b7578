// SPDX-License-Identifier: Apache-2.0
#include "surface/text_reader.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

namespace ngforge {
namespace {

constexpr std::size_t kMostShown = 40;

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\v' || c == '\f';
}

std::string_view without_plus(std::string_view word) {
  return word.size() > 1 && word[0] == '+' && word[1] != '-' ? word.substr(1) : word;
}

/// Calls `next` as often as there are numbers.
template <class T, class Next>
Result<std::vector<T>> read_numbers(TextReader& reader, std::uint64_t count, Next&& next) {
  // A number takes a character at least, and one before it.
  if (count > reader.rest().size() / 2 + 1)
    return reader.wrong(fmt::format("{} numbers", count), fmt::format("{} characters", reader.rest().size()));
  std::vector<T> numbers;
  numbers.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    NGFORGE_TRY(numbers.emplace_back(), next());
  }
  return numbers;
}

}  // namespace

Result<std::vector<float>> read_reals(TextReader& reader, std::uint64_t count) {
  return read_numbers<float>(reader, count, [&] { return reader.real("a number"); });
}

Result<std::vector<std::int64_t>> read_wholes(TextReader& reader, std::uint64_t count) {
  return read_numbers<std::int64_t>(reader, count, [&] { return reader.whole("a whole number"); });
}

std::optional<float> parse_float(std::string_view word) {
  word = without_plus(word);
  float value = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, code] = std::from_chars(word.data(), end, value);
  if (stop != end || code == std::errc::invalid_argument) return std::nullopt;
  // Beyond the range: zero or infinite, as everywhere.
  if (code == std::errc::result_out_of_range) return std::strtof(std::string(word).c_str(), nullptr);
  return value;
}

std::optional<std::int64_t> parse_whole(std::string_view word) {
  word = without_plus(word);
  std::int64_t value = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, code] = std::from_chars(word.data(), end, value);
  if (stop != end || code != std::errc{}) return std::nullopt;
  return value;
}

std::string_view take_word(std::string_view& line) {
  const char* const begin = std::find_if_not(line.begin(), line.end(), is_space);
  const char* const end = std::find_if(begin, line.end(), is_space);
  line = {end, static_cast<std::size_t>(line.end() - end)};
  return {begin, static_cast<std::size_t>(end - begin)};
}

std::optional<std::string_view> TextReader::line() {
  if (rest_.empty()) return std::nullopt;
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  std::string_view line = rest_.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  line_number_ = next_line_number_++;
  return line;
}

std::string_view TextReader::word() {
  while (!rest_.empty() && is_space(rest_.front())) {
    if (rest_.front() == '\n') ++next_line_number_;
    rest_.remove_prefix(1);
  }
  line_number_ = next_line_number_;
  return take_word(rest_);
}

std::optional<std::string_view> TextReader::take(std::size_t bytes) {
  if (bytes > rest_.size()) return std::nullopt;
  const std::string_view taken = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return taken;
}

std::string_view TextReader::peek_word() const {
  std::string_view rest = rest_;
  return take_word(rest);
}

Result<float> TextReader::real(std::string_view what) {
  const std::string_view found = word();
  if (const auto value = parse_float(found)) return *value;
  return wrong(what, found);
}

Result<std::int64_t> TextReader::whole(std::string_view what) {
  const std::string_view found = word();
  if (const auto value = parse_whole(found)) return *value;
  return wrong(what, found);
}

Error TextReader::wrong(std::string_view expected, std::string_view found) const {
  if (found.empty())
    return make_error(ErrorCode::invalid_data, "{}: line {}: expected {}, found the end", place_, line_number_,
                      expected);
  return make_error(ErrorCode::invalid_data, "{}: line {}: expected {}, found {:?}", place_, line_number_, expected,
                    found.substr(0, kMostShown));
}

}  // namespace ngforge
