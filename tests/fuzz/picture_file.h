// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "image/image_file.h"

// What the fuzz targets of picture files share: what can be read is all written, the same each time, and a part of it
// is that part of the whole.
namespace ngforge::fuzz {

inline void demand(bool condition) {
  if (!condition) std::abort();
}

/// Reads a box into a buffer of exactly its size, which was filled with `before`; empty when it cannot be read.
inline std::vector<std::byte> read_box(ImageFile& file, std::size_t page, const PixelBox& box, ChannelRange samples,
                                       std::byte before) {
  const std::size_t value_bytes = size_of(file.page(page).shape.type);
  std::vector<std::byte> out(static_cast<std::size_t>(box.width() * box.height() * samples.size()) * value_bytes,
                             before);
  if (!file.read(page, box, samples, out).has_value()) out.clear();
  return out;
}

inline void read_page(ImageFile& file, std::size_t page) {
  constexpr Index kMostValues = 1 << 18;
  const ImageShape shape = file.page(page).shape;
  demand(shape.width > 0 && shape.height > 0 && shape.samples > 0);
  if (shape.width > kMostValues || shape.height > kMostValues / shape.width ||
      shape.samples > kMostValues / (shape.width * shape.height))
    return;
  const PixelBox all{0, shape.width, 0, shape.height};
  // From the middle of the second half on, before anything above has been read.
  const PixelBox part{shape.width / 3, shape.width, shape.height / 2, shape.height};
  const Index sample = shape.samples - 1;
  const auto early = read_box(file, page, part, {sample, sample + 1}, std::byte{0x33});
  const auto whole = read_box(file, page, all, {0, shape.samples}, std::byte{0x5a});
  if (whole.empty()) return;
  demand(whole == read_box(file, page, all, {0, shape.samples}, std::byte{0xa5}));
  const std::size_t value_bytes = size_of(shape.type);
  const auto row_bytes = static_cast<std::size_t>(part.width()) * value_bytes;
  demand(early.size() == row_bytes * static_cast<std::size_t>(part.height()));
  for (Index j = part.j_begin; j < part.j_end; ++j) {
    const Index first = (sample * shape.height + j) * shape.width + part.i_begin;
    demand(std::memcmp(early.data() + static_cast<std::size_t>(j - part.j_begin) * row_bytes,
                       whole.data() + static_cast<std::size_t>(first) * value_bytes, row_bytes) == 0);
  }
}

/// Opens `data` by one row of images.def and reads its first pages.
inline int run(const ImageDescriptor& image, const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMostPages = 4, kMostLevels = 3;
  const auto bytes = std::as_bytes(std::span(data, size));
  if (!image.matches(bytes.first(std::min<std::size_t>(size, 16)))) return 0;
  const auto file = image.open(image_bytes_of(bytes, "fuzz"));
  if (!file.has_value()) return 0;
  const std::size_t pages = std::min(kMostPages, (*file)->page_count());
  for (std::size_t page = 0; page < pages; ++page) read_page(**file, page);
  for (std::size_t level = 1; level <= std::min(kMostLevels, (*file)->page(0).copies); ++level) {
    const auto copies = (*file)->open_copies(level);
    if (!copies.has_value()) continue;
    for (std::size_t page = 0; page < pages; ++page)
      if (level <= (*file)->page(page).copies) read_page(**copies, page);
  }
  return 0;
}

}  // namespace ngforge::fuzz
