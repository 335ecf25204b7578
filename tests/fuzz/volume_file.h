// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/orientation.h"
#include "source/source.h"

// What the fuzz targets of volume files share.
namespace ngforge::fuzz {

/// What it means that a source of any box could be opened.
enum class Promise {
  all_values,   // they are in the file, and can be read
  header_only,  // they are packed, or lie where the file says
};

/// Reads a little of an open volume from its start, in the order that streams ask for.
inline void read_some(VolumeSource& source, Promise promise = Promise::all_values) {
  constexpr Index kMostBytes = 1 << 16;
  const auto& header = source.header();
  const auto& n = header.size_ijk;
  static_cast<void>(orient(header.affine_ijk_to_mm, "RAS"));
  const Index together = header.channels_come_together() ? header.channels : 1;
  const auto value = static_cast<Index>(size_of(header.type));
  Index row = 0;
  if (__builtin_mul_overflow(n.x, together * value, &row) || row > kMostBytes) return;
  std::vector<std::byte> out(static_cast<std::size_t>(row));
  for (Index k = 0; k < std::min<Index>(n.z, 3); ++k)
    for (Index j = 0; j < std::min<Index>(n.y, 3); ++j)
      if (!source.read({{0, j, k}, {n.x, j + 1, k + 1}}, {0, together}, out).has_value()) return;
  if (source.access() != Access::any_box) return;
  // A plain file holds all that its header promises, so the last voxel must be there.
  out.resize(static_cast<std::size_t>(value));
  const SourceBox last{{n.x - 1, n.y - 1, n.z - 1}, n};
  const bool is_there = source.read(last, {header.channels - 1, header.channels}, out).has_value();
  if (!is_there && promise == Promise::all_values) std::abort();
}

/// Opens `data` as a file of one format and reads from it.
inline int run(const char* format, const std::uint8_t* data, std::size_t size, Promise promise = Promise::all_values) {
  const int fd = ::memfd_create("fuzz", 0);
  if (fd < 0 || ::write(fd, data, size) != static_cast<ssize_t>(size)) std::abort();
  auto source = open_source(std::string(format) + ":///proc/self/fd/" + std::to_string(fd));
  if (source.has_value()) {
    read_some(**source, promise);
    for (std::size_t level = 1; level < std::min<std::size_t>((*source)->level_count(), 4); ++level)
      if (const auto coarser = (*source)->open_level(level)) read_some(**coarser, promise);
  }
  ::close(fd);
  return 0;
}

}  // namespace ngforge::fuzz
