// SPDX-License-Identifier: Apache-2.0
#include "core/block.h"

#include <sys/mman.h>

#include <cstring>

namespace ngforge {
namespace {

constexpr std::size_t kLineBytes = 64;
constexpr std::size_t kLargePageBytes = 2 << 20;
// Smaller buffers would waste too much of their last page.
constexpr std::size_t kLeastForLargePages = 4 << 20;

}  // namespace

Buffer::Buffer(std::size_t size) : size_(size) {
  const bool takes_large_pages = size >= kLeastForLargePages;
  const std::align_val_t alignment{takes_large_pages ? kLargePageBytes : kLineBytes};
  data_ = std::unique_ptr<std::byte[], Free>(static_cast<std::byte*>(::operator new(size == 0 ? 1 : size, alignment)),
                                             Free{alignment});
  // Advice only: a new buffer costs few page faults. What lies behind the last whole page stays small.
  if (takes_large_pages) ::madvise(data_.get(), size / kLargePageBytes * kLargePageBytes, MADV_HUGEPAGE);
}

void copy_common(const BlockView& from, const MutableBlockView& to) {
  const Box common = from.box.intersect(to.box);
  if (common.empty()) return;
  const BlockView source = from.crop(common);
  const MutableBlockView target = to.crop(common);
  const auto size = common.size();
  const auto row_bytes = static_cast<std::size_t>(size.x) * from.value_bytes();
  const bool whole_planes = source.stride_y == static_cast<Index>(row_bytes) && target.stride_y == source.stride_y;
  for (Index c = 0; c < from.channels; ++c) {
    for (Index z = common.begin.z; z < common.end.z; ++z) {
      if (whole_planes) {
        std::memcpy(target.row(common.begin.y, z, c), source.row(common.begin.y, z, c),
                    row_bytes * static_cast<std::size_t>(size.y));
        continue;
      }
      for (Index y = common.begin.y; y < common.end.y; ++y)
        std::memcpy(target.row(y, z, c), source.row(y, z, c), row_bytes);
    }
  }
}

bool is_all_zero(std::span<const std::byte> bytes) {
  const std::byte* p = bytes.data();
  std::size_t n = bytes.size();
  // Early exit per cache line keeps the common, non-empty case free of charge.
  for (; n >= 64; p += 64, n -= 64) {
    std::uint64_t words[8];
    std::memcpy(words, p, 64);
    if ((words[0] | words[1] | words[2] | words[3] | words[4] | words[5] | words[6] | words[7]) != 0) return false;
  }
  for (; n > 0; ++p, --n)
    if (*p != std::byte{0}) return false;
  return true;
}

bool is_all_zero(const BlockView& view) {
  if (view.box.empty()) return true;
  if (view.is_dense()) return is_all_zero(view.dense_bytes());
  const auto row_bytes = static_cast<std::size_t>(view.size().x) * view.value_bytes();
  for (Index c = 0; c < view.channels; ++c)
    for (Index z = view.box.begin.z; z < view.box.end.z; ++z)
      for (Index y = view.box.begin.y; y < view.box.end.y; ++y)
        if (!is_all_zero({view.row(y, z, c), row_bytes})) return false;
  return true;
}

}  // namespace ngforge
