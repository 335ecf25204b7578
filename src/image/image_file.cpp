// SPDX-License-Identifier: Apache-2.0
#include "image/image_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "ngforge/text.h"

namespace ngforge {

#define IMAGE(name, target) extern const ImageDescriptor name##_image;
#include "image/images.def"
#undef IMAGE

namespace {

constexpr const ImageDescriptor* kImages[] = {
#define IMAGE(name, target) &name##_image,
#include "image/images.def"
#undef IMAGE
};

std::string begin_in_hex(std::span<const std::byte> head) {
  if (head.empty()) return "an empty file";
  std::string text = "a file that begins with";
  for (const std::byte byte : head.first(std::min<std::size_t>(head.size(), 8)))
    text += fmt::format(" {:02x}", std::to_integer<unsigned>(byte));
  return text;
}

}  // namespace

std::string describe(const ImageShape& shape) {
  return fmt::format("{} x {} pixels of {}{}", shape.width, shape.height,
                     shape.samples == 1 ? "" : fmt::format("{} x ", shape.samples), name_of(shape.type));
}

Result<std::shared_ptr<ImageFile>> ImageFile::open_copies(std::size_t) {
  return make_error(ErrorCode::unsupported, "expected smaller copies of pages, found {}, which has none", format())
      .of_source();
}

const ImageDescriptor* find_image(std::span<const std::byte> head) {
  for (const auto* image : kImages)
    if (image->matches(head)) return image;
  return nullptr;
}

const ImageDescriptor* find_image_by_name(std::string_view name) {
  const auto ends_in = [&](std::string_view suffix) { return ends_with_any_case(name, suffix); };
  for (const auto* image : kImages)
    if (std::ranges::any_of(image->suffixes, ends_in)) return image;
  return nullptr;
}

Result<std::shared_ptr<ImageFile>> open_image(std::shared_ptr<ImageBytes> bytes) {
  std::array<std::byte, 16> head;
  NGFORGE_TRY(const std::size_t count, read_some(*bytes, 0, head));
  const auto found = std::span(head).first(count);
  const auto* image = find_image(found);
  if (image == nullptr) {
    std::string names;
    for (const auto* known : kImages) names += fmt::format("{}{}", names.empty() ? "" : ", ", known->name);
    return make_error(ErrorCode::unsupported, "{}: expected an image ({}), found {}", bytes->name(), names,
                      begin_in_hex(found))
        .of_source();
  }
  auto opened = image->open(std::move(bytes));
  if (!opened) return std::move(opened).error().of_source();
  return opened;
}

}  // namespace ngforge
