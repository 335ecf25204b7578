// SPDX-License-Identifier: Apache-2.0
#include "source/hdf5_filters.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "compress/unpack.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

constexpr int kShuffle = 2, kFletcher32 = 3;
// What a checksum or a filter that makes bytes more may add between two filters.
constexpr std::uint64_t kSlackBytes = 64 << 10;

struct Row {
  int id;
  const char* name;
  Unpack* unpack;  // nullptr: shuffle and checksum, which change no size
};
constexpr Row kRows[] = {
    {1, "gzip", unpack_zlib},        {kShuffle, "shuffle", nullptr}, {kFletcher32, "fletcher32", nullptr},
    {307, "bzip2", unpack_bzip2},    {32000, "lzf", unpack_lzf},     {32001, "blosc", unpack_blosc},
    {32004, "lz4", unpack_lz4_hdf5}, {32015, "zstd", unpack_zstd}};

const Row* find_row(int id) {
  const auto row = std::ranges::find(kRows, id, &Row::id);
  return row == std::end(kRows) ? nullptr : &*row;
}

// A piece of all byte planes that stays in the caches while values are put together.
constexpr std::size_t kPiece = 4 << 10;

template <std::size_t kBytes>
void join_planes(const std::byte* planes, std::byte* out, std::size_t count) {
  for (std::size_t begin = 0; begin < count; begin += kPiece) {
    const std::size_t end = std::min(count, begin + kPiece);
    for (std::size_t n = begin; n < end; ++n)
      for (std::size_t b = 0; b < kBytes; ++b) out[n * kBytes + b] = planes[b * count + n];
  }
}

/// First all first bytes of the values, then all second ones...; bytes that make no whole value stand behind.
Bytes unshuffle(const Bytes& in, std::size_t value_bytes) {
  if (value_bytes < 2) return in;
  Bytes out(in.size());
  const std::size_t count = in.size() / value_bytes, whole = count * value_bytes;
  switch (value_bytes) {
    case 2: join_planes<2>(in.data(), out.data(), count); break;
    case 4: join_planes<4>(in.data(), out.data(), count); break;
    case 8: join_planes<8>(in.data(), out.data(), count); break;
    default:
      for (std::size_t b = 0; b < value_bytes; ++b)
        for (std::size_t n = 0; n < count; ++n) out[n * value_bytes + b] = in[b * count + n];
  }
  std::copy(in.begin() + static_cast<std::ptrdiff_t>(whole), in.end(),
            out.begin() + static_cast<std::ptrdiff_t>(whole));
  return out;
}

/// Fletcher's checksum over big-endian 16-bit numbers, as H5checksum.c of HDF5 has it.
std::uint32_t fletcher32(std::span<const std::byte> bytes) {
  const auto at = [&](std::size_t n) { return std::to_integer<std::uint32_t>(bytes[n]); };
  const auto fold = [](std::uint32_t sum) { return (sum & 0xffff) + (sum >> 16); };
  constexpr std::size_t kBeforeOverflow = 360;
  std::uint32_t sum = 0, sum_of_sums = 0;
  const std::size_t words = bytes.size() / 2;
  for (std::size_t begin = 0; begin < words; begin += kBeforeOverflow) {
    for (std::size_t n = begin; n < std::min(words, begin + kBeforeOverflow); ++n) {
      sum += at(2 * n) << 8 | at(2 * n + 1);
      sum_of_sums += sum;
    }
    sum = fold(sum);
    sum_of_sums = fold(sum_of_sums);
  }
  if (bytes.size() % 2 != 0) {
    sum += at(bytes.size() - 1) << 8;
    sum_of_sums += sum;
    sum = fold(sum);
    sum_of_sums = fold(sum_of_sums);
  }
  return fold(sum_of_sums) << 16 | fold(sum);
}

Result<void> take_checksum(Bytes& bytes, std::string_view where) {
  if (bytes.size() < 4)
    return make_error(ErrorCode::invalid_data, "{}: expected a checksum, found {} bytes", where, bytes.size());
  const auto stored = load<std::uint32_t>(bytes.data() + bytes.size() - 4);
  bytes.resize(bytes.size() - 4);
  const std::uint32_t found = fletcher32(bytes);
  // HDF5 1.6.2 wrote the bytes of each half in the other order on little-endian machines.
  const std::uint32_t turned = (found & 0x00ff00ffu) << 8 | (found & 0xff00ff00u) >> 8;
  if (stored != found && stored != turned)
    return make_error(ErrorCode::invalid_data, "{}: expected the Fletcher checksum {:08x}, found {:08x}", where, stored,
                      found);
  return {};
}

}  // namespace

bool is_known_filter(int id) {
  return find_row(id) != nullptr;
}

std::string_view hdf5_filter_name(int id) {
  const Row* const row = find_row(id);
  return row == nullptr ? "" : row->name;
}

Result<Bytes> undo_filters(std::span<const Hdf5Filter> filters, std::uint32_t left_out, Bytes bytes,
                           std::uint64_t chunk_bytes, std::string_view where) {
  for (std::size_t n = filters.size(); n-- > 0;) {
    if (n < 32 && (left_out >> n & 1) != 0) continue;
    const Hdf5Filter& filter = filters[n];
    const Row* const row = find_row(filter.id);
    NGFORGE_ASSERT(row != nullptr);
    if (row->unpack != nullptr) {
      NGFORGE_TRY(bytes, row->unpack(bytes, where, chunk_bytes + kSlackBytes));
    } else if (filter.id == kFletcher32) {
      NGFORGE_CHECK(take_checksum(bytes, where));
    } else {
      bytes = unshuffle(bytes, filter.parameters.empty() ? 1 : filter.parameters[0]);
    }
  }
  if (bytes.size() != chunk_bytes)
    return make_error(ErrorCode::invalid_data, "{}: expected a chunk of {} bytes, found {}", where, chunk_bytes,
                      bytes.size());
  return bytes;
}

}  // namespace ngforge
