// SPDX-License-Identifier: Apache-2.0
#include "source/nrrd_header.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "ngforge/text.h"

namespace ngforge {
namespace {

constexpr std::string_view kMagic = "NRRD000";
constexpr std::size_t kMostText = 4 << 20;
constexpr std::size_t kMostComponents = 4;

std::string normalised(std::string_view name) {
  std::string key = lower_case(name);
  std::erase_if(key, [](char c) { return c == ' ' || c == '\t'; });
  return key;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// Where the empty line behind the header ends, if it is there.
std::optional<std::size_t> end_of_header(std::string_view text) {
  const auto plain = text.find("\n\n"), dos = text.find("\n\r\n");
  if (plain == std::string_view::npos && dos == std::string_view::npos) return std::nullopt;
  return plain < dos ? plain + 2 : dos + 3;
}

/// A real at the front of `text`, which loses it; "nan", "inf" and a sign are real too.
std::optional<double> take_real(std::string_view& text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc::invalid_argument) return std::nullopt;
  if (parsed.ec != std::errc{}) value = std::numeric_limits<double>::quiet_NaN();
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return value;
}

/// "(1,2,3)" or "none" at the front of `text`, which loses it.
std::optional<std::vector<double>> take_vector(std::string_view& text) {
  std::vector<double> vector;
  if (text.starts_with("none")) {
    text.remove_prefix(4);
    return vector;
  }
  if (!text.starts_with('(')) return std::nullopt;
  const auto skip_space = [&] { text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size())); };
  do {
    text.remove_prefix(1);
    skip_space();
    const auto value = take_real(text);
    if (!value || vector.size() == kMostComponents) return std::nullopt;
    vector.push_back(*value);
    skip_space();
  } while (text.starts_with(','));
  if (!text.starts_with(')')) return std::nullopt;
  text.remove_prefix(1);
  return vector;
}

}  // namespace

const std::string* NrrdHeader::find(std::string_view field) const {
  const auto found = fields.find(normalised(field));
  return found == fields.end() ? nullptr : &found->second;
}

Error NrrdHeader::wrong(std::string_view field, std::string_view expected) const {
  const std::string* const text = find(field);
  const std::string found =
      text == nullptr ? "no such field" : fmt::format("{:?}", std::string_view(*text).substr(0, 80));
  return make_error(ErrorCode::invalid_data, "{}: {}: expected {}, found {}", place, field, expected, found)
      .of_source();
}

Result<std::vector<std::int64_t>> NrrdHeader::integers(std::string_view field, std::size_t count) const {
  std::vector<std::int64_t> values;
  for (const std::string& word : words(field)) {
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), values.emplace_back());
    if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size()) values.resize(count + 1);
  }
  if (values.size() != count) return wrong(field, fmt::format("{} whole number(s)", count));
  return values;
}

Result<std::optional<std::vector<double>>> NrrdHeader::reals(std::string_view field, std::size_t count) const {
  if (find(field) == nullptr) return std::optional<std::vector<double>>();
  std::vector<double> values;
  for (const std::string& word : words(field)) {
    std::string_view rest = word;
    const auto value = take_real(rest);
    if (!value || !rest.empty()) return wrong(field, fmt::format("{} number(s)", count));
    values.push_back(*value);
  }
  if (values.size() != count) return wrong(field, fmt::format("{} number(s)", count));
  return std::optional(std::move(values));
}

Result<std::optional<std::vector<std::vector<double>>>> NrrdHeader::vectors(std::string_view field,
                                                                            std::size_t count) const {
  const std::string* const text = find(field);
  if (text == nullptr) return std::optional<std::vector<std::vector<double>>>();
  std::vector<std::vector<double>> vectors;
  std::size_t components = 0;
  for (std::string_view rest = trimmed(*text); !rest.empty(); rest = trimmed(rest)) {
    auto vector = take_vector(rest);
    if (vector && !vector->empty() && components == 0) components = vector->size();
    if (!vector || (!vector->empty() && vector->size() != components) || vectors.size() == count)
      return wrong(field, fmt::format("{} vector(s) such as (1,0,0), or none", count));
    vectors.push_back(std::move(*vector));
  }
  if (vectors.size() != count) return wrong(field, fmt::format("{} vector(s) such as (1,0,0), or none", count));
  return std::optional(std::move(vectors));
}

std::vector<std::string> NrrdHeader::words(std::string_view field) const {
  std::vector<std::string> words;
  const std::string* const text = find(field);
  if (text == nullptr) return words;
  for (std::string_view rest = trimmed(*text); !rest.empty(); rest = trimmed(rest)) {
    const bool is_quoted = rest.front() == '"';
    if (is_quoted) rest.remove_prefix(1);
    const auto end = std::min(rest.find_first_of(is_quoted ? "\"" : " \t"), rest.size());
    words.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + (is_quoted ? 1 : 0)));
  }
  return words;
}

bool has_nrrd_magic(std::span<const std::byte> head) {
  return head.size() > kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), head.begin(),
                                                   [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

Result<NrrdHeader> read_nrrd_header(ByteSource& bytes) {
  NrrdHeader header;
  header.place = bytes.place();
  if (!has_nrrd_magic(bytes.head()))
    return make_error(ErrorCode::invalid_data, "{}: expected \"NRRD000\" at byte 0", header.place).of_source();
  std::string_view text;
  std::optional<std::size_t> end;
  for (std::size_t wanted = bytes.head().size();;) {
    text = {reinterpret_cast<const char*>(bytes.head().data()), bytes.head().size()};
    end = end_of_header(text);
    if (end || text.size() < wanted) break;
    if (wanted > kMostText)
      return make_error(ErrorCode::limit, "{}: expected a header of at most {} bytes with an empty line behind it",
                        header.place, kMostText)
          .of_source();
    wanted = std::max<std::size_t>(2 * wanted, 1024);
    NGFORGE_CHECK(bytes.extend_head(wanted));
  }
  // The header of values in another file may end with the file.
  header.end = end.value_or(text.size());
  text = text.substr(0, header.end);
  for (bool is_first = true; !text.empty(); is_first = false) {
    const auto line_end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, line_end));
    text.remove_prefix(std::min(text.size(), line_end + 1));
    if (is_first || line.empty() || line.front() == '#') continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0)
      return make_error(ErrorCode::invalid_data, "{}: expected \"field: description\" in each line, found {:?}",
                        header.place, line.substr(0, 80))
          .of_source();
    if (line.substr(colon).starts_with(":=")) {
      header.keys.emplace_back(line.substr(0, colon));
      continue;
    }
    std::string name = normalised(line.substr(0, colon));
    if (!header.fields.emplace(name, trimmed(line.substr(colon + 1))).second)
      return make_error(ErrorCode::invalid_data, "{}: {}: expected the field once, found it again", header.place, name)
          .of_source();
  }
  return header;
}

}  // namespace ngforge
