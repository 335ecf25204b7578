// SPDX-License-Identifier: Apache-2.0
#include "source/file_pair.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "ngforge/text.h"

namespace ngforge {
namespace {

constexpr std::string_view kGzip = ".gz", kHeader = ".hdr", kImage = ".img";

/// A name without the suffix of its half, and that suffix as it is written.
struct HalfName {
  std::string stem;
  bool is_image = false, is_upper_case = false;
};

std::optional<HalfName> parse_name(std::string_view name) {
  if (ends_with_any_case(name, kGzip)) name.remove_suffix(kGzip.size());
  const bool is_image = ends_with_any_case(name, kImage);
  if (!is_image && !ends_with_any_case(name, kHeader)) return std::nullopt;
  return HalfName{std::string(name.substr(0, name.size() - kImage.size())), is_image, name.back() < 'a'};
}

Result<std::shared_ptr<ByteSource>> open_half(const std::string& name) {
  return ByteSource::open(name, ends_with_any_case(name, kGzip));
}

}  // namespace

bool is_image_half(std::string_view name) {
  const auto half = parse_name(name);
  return half && half->is_image;
}

bool is_plain_image(std::string_view name) {
  return is_image_half(name) && !ends_with_any_case(name, kGzip);
}

Result<FilePair> open_pair(std::shared_ptr<ByteSource> half) {
  const auto name = parse_name(half->place());
  if (!name)
    return make_error(ErrorCode::unsupported, "{}: expected a header called .hdr beside its .img, found another name",
                      half->place())
        .of_source();
  std::string other = name->stem + std::string(name->is_image ? kHeader : kImage);
  if (name->is_upper_case)
    std::transform(other.end() - 3, other.end(), other.end() - 3,
                   [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  auto opened = open_half(other);
  if (!opened && opened.error().code == ErrorCode::not_found) {
    opened = open_half(other + std::string(kGzip));
    if (!opened && opened.error().code == ErrorCode::not_found)
      return make_error(ErrorCode::not_found, "{}: expected {} or {}.gz beside it, found neither", half->place(), other,
                        other)
          .of_source();
  }
  if (!opened) return std::move(opened).error();
  return name->is_image ? FilePair{std::move(*opened), std::move(half)} : FilePair{std::move(half), std::move(*opened)};
}

}  // namespace ngforge
