// SPDX-License-Identifier: Apache-2.0
#include "core/base64.h"

#include <array>
#include <cstdint>

namespace ngforge {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kOther = 0xff, kSpace = 0xfe, kPadding = 0xfd;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kOther);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  for (const char c : {' ', '\t', '\r', '\n'}) values[static_cast<unsigned char>(c)] = kSpace;
  values['='] = kPadding;
  return values;
}
constexpr std::array<std::uint8_t, 256> kValues = make_values();

// The bytes of a group of `count` characters, 2 to 4, that make up the lower bits of `group`.
void append_group(std::vector<std::byte>& out, std::uint32_t group, int count) {
  group <<= 6 * (4 - count);
  for (int i = 0; i + 1 < count; ++i) out.push_back(static_cast<std::byte>(group >> (16 - 8 * i) & 0xff));
}

}  // namespace

std::string base64_encoded(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

Result<std::vector<std::byte>> base64_decoded(std::string_view text, std::string_view where) {
  std::vector<std::byte> out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t group = 0;
  int count = 0;
  for (const char c : text) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
    if (value < 64) {
      group = group << 6 | value;
      if (++count == 4) {
        append_group(out, group, count);
        group = 0;
        count = 0;
      }
      continue;
    }
    if (value == kSpace) continue;
    if (value == kOther)
      return make_error(ErrorCode::invalid_data, "{}: expected Base64, found the character {:?}", where,
                        std::string_view(&c, 1));
    if (count == 1) break;
    if (count > 1) append_group(out, group, count);
    group = 0;
    count = 0;
  }
  if (count == 1)
    return make_error(ErrorCode::invalid_data, "{}: expected Base64 in groups of four characters, found {} of them",
                      where, text.size());
  if (count > 1) append_group(out, group, count);
  return out;
}

}  // namespace ngforge
