// SPDX-License-Identifier: Apache-2.0
#include "source/number_text.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ngforge {
namespace {

constexpr std::size_t kTextBytes = 64 << 10;
constexpr std::size_t kLongestNumber = 512;

bool is_separator(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ',' || c == '\v' || c == '\f';
}

class NumberText {
 public:
  NumberText(ByteInput text, DataType type, std::string where)
      : input_(std::move(text)), type_(type), where_(std::move(where)) {}

  Result<std::size_t> read(std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size()) {
      if (used_ == values_.size()) {
        NGFORGE_TRY(const bool has_more, refill());
        if (!has_more) break;
      }
      const std::size_t count = std::min(out.size() - done, values_.size() - used_);
      std::memcpy(out.data() + done, values_.data() + used_, count);
      done += count;
      used_ += count;
    }
    return done;
  }

 private:
  /// Replaces values_ by those of the next piece of text; false at the end of it.
  Result<bool> refill() {
    values_.clear();
    used_ = 0;
    while (values_.empty()) {
      if (is_at_end_) return false;
      const std::size_t kept = text_.size();
      text_.resize(kept + kTextBytes);
      NGFORGE_TRY(const std::size_t count, input_(std::as_writable_bytes(std::span(text_).subspan(kept))));
      text_.resize(kept + count);
      is_at_end_ = count == 0;
      NGFORGE_CHECK(parse());
    }
    return true;
  }

  /// Takes all numbers from text_ but one that may go on behind its end.
  Result<void> parse() {
    std::string_view rest(text_.data(), text_.size());
    while (true) {
      while (!rest.empty() && is_separator(rest.front())) rest.remove_prefix(1);
      const auto end = std::find_if(rest.begin(), rest.end(), is_separator);
      const std::string_view word(rest.data(), static_cast<std::size_t>(end - rest.begin()));
      if (word.empty() || (end == rest.end() && !is_at_end_ && word.size() <= kLongestNumber)) break;
      NGFORGE_CHECK(visit_type(type_, [&](auto zero) { return append<decltype(zero)>(word); }));
      rest.remove_prefix(word.size());
    }
    text_.erase(text_.begin(), text_.end() - static_cast<std::ptrdiff_t>(rest.size()));
    return {};
  }

  template <class T>
  Result<void> append(std::string_view word) {
    T value{};
    const std::string_view digits = word.starts_with('+') ? word.substr(1) : word;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    // Reals beyond the type's range become infinite or zero, as everywhere.
    const bool is_known =
        parsed.ec == std::errc{} || (std::is_floating_point_v<T> && parsed.ec == std::errc::result_out_of_range);
    if (!is_known || parsed.ptr != digits.data() + digits.size())
      return make_error(ErrorCode::invalid_data, "{}: expected a {} as number {}, found {:?}", where_, name_of(type_),
                        count_ + 1, word.substr(0, 40))
          .of_source();
    if constexpr (std::is_floating_point_v<T>) {
      if (parsed.ec == std::errc::result_out_of_range)
        value = static_cast<T>(std::strtod(std::string(digits).c_str(), nullptr));
    }
    ++count_;
    const auto bytes = std::as_bytes(std::span(&value, 1));
    values_.insert(values_.end(), bytes.begin(), bytes.end());
    return {};
  }

  ByteInput input_;
  const DataType type_;
  const std::string where_;
  std::vector<char> text_;  // not parsed yet
  std::vector<std::byte> values_;
  std::size_t used_ = 0;     // of values_
  std::uint64_t count_ = 0;  // numbers so far
  bool is_at_end_ = false;
};

}  // namespace

ByteInput numbers_from_text(ByteInput text, StoredType type, std::string where) {
  const auto same = same_data_type(type);
  NGFORGE_ASSERT(same.has_value());
  auto numbers = std::make_shared<NumberText>(std::move(text), *same, std::move(where));
  return [numbers](std::span<std::byte> out) { return numbers->read(out); };
}

}  // namespace ngforge
