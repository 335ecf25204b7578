// SPDX-License-Identifier: Apache-2.0
// What HDF5 packs chunks with and nobody else: LZF of h5py, and LZ4 as its filter 32004 frames it (big-endian):
//   0 uint64 bytes   8 uint32 bytes of a block   then for each block: uint32 packed bytes (as many as the block has
//   when it is stored as it is), and these bytes
#include <algorithm>
#include <cstring>

#include <lz4.h>

#include "compress/unpack.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

Error corrupt(std::string_view where, std::string_view what, std::size_t size) {
  return make_error(ErrorCode::invalid_data, "{}: expected {} data, found {} bytes that are corrupt or cut off", where,
                    what, size);
}

Error too_large(std::string_view where, std::uint64_t limit_bytes) {
  return make_error(ErrorCode::limit, "{}: expected at most {} unpacked bytes, found more", where, limit_bytes);
}

}  // namespace

Result<Bytes> unpack_lz4_hdf5(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  constexpr std::uint64_t kMostRatio = 255;
  ByteCursor cursor(in, where, std::endian::big);
  NGFORGE_TRY(const auto total, cursor.read<std::uint64_t>());
  NGFORGE_TRY(const auto block_bytes, cursor.read<std::uint32_t>());
  if (total > limit_bytes) return too_large(where, limit_bytes);
  if (total > 0 && (block_bytes == 0 || block_bytes > LZ4_MAX_INPUT_SIZE || total > kMostRatio * in.size()))
    return corrupt(where, "LZ4", in.size());
  Bytes out(static_cast<std::size_t>(total));
  for (std::size_t done = 0; done < out.size();) {
    const std::size_t size = std::min<std::size_t>(block_bytes, out.size() - done);
    NGFORGE_TRY(const auto packed_size, cursor.read<std::uint32_t>());
    NGFORGE_TRY(const auto packed, cursor.take(packed_size));
    if (packed_size == size)
      std::memcpy(out.data() + done, packed.data(), size);
    else if (packed_size > LZ4_MAX_INPUT_SIZE ||
             LZ4_decompress_safe(reinterpret_cast<const char*>(packed.data()),
                                 reinterpret_cast<char*>(out.data() + done), static_cast<int>(packed_size),
                                 static_cast<int>(size)) != static_cast<int>(size))
      return corrupt(where, "LZ4", in.size());
    done += size;
  }
  if (cursor.remaining() != 0) return corrupt(where, "LZ4", in.size());
  return out;
}

// Control bytes below 32 are followed by one literal more than they say. Others tell, in their upper three bits (and
// one more byte when these are 7), two less than how many bytes are repeated, and in 13 bits one less than how far
// back.
Result<Bytes> unpack_lzf(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  ByteCursor cursor(in, where);
  Bytes out;
  const auto room = [&] { return limit_bytes - std::min<std::uint64_t>(limit_bytes, out.size()); };
  while (cursor.remaining() > 0) {
    NGFORGE_TRY(const auto control, cursor.read<std::uint8_t>());
    if (control < 32) {
      NGFORGE_TRY(const auto literals, cursor.take(std::size_t{control} + 1));
      if (literals.size() > room()) return too_large(where, limit_bytes);
      out.insert(out.end(), literals.begin(), literals.end());
      continue;
    }
    std::size_t length = control >> 5;
    if (length == 7) {
      NGFORGE_TRY(const auto more, cursor.read<std::uint8_t>());
      length += more;
    }
    NGFORGE_TRY(const auto low, cursor.read<std::uint8_t>());
    const std::size_t back = (std::size_t{control & 31u} << 8 | low) + 1;
    length += 2;
    if (back > out.size()) return corrupt(where, "LZF", in.size());
    if (length > room()) return too_large(where, limit_bytes);
    const std::size_t begin = out.size();
    out.resize(begin + length);
    // Bytes may be repeated that this very step writes.
    for (std::size_t n = 0; n < length; ++n) out[begin + n] = out[begin + n - back];
  }
  return out;
}

}  // namespace ngforge
