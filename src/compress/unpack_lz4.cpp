// SPDX-License-Identifier: Apache-2.0
// LZ4 in the three framings that arrays use.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>

#include <lz4.h>
#include <lz4frame.h>

#include "compress/unpack.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

constexpr std::string_view kJavaMagic = "LZ4Block";
constexpr std::uint32_t kRaw = 0x10, kPacked = 0x20;
constexpr std::uint64_t kMostRatio = 255;

Error corrupt(std::string_view where, std::size_t size) {
  return make_error(ErrorCode::invalid_data, "{}: expected LZ4 data, found {} bytes that are corrupt or cut off", where,
                    size);
}

Error too_large(std::string_view where, std::uint64_t limit_bytes) {
  return make_error(ErrorCode::limit, "{}: expected at most {} bytes of LZ4 data, found more", where, limit_bytes);
}

/// Appends a block of exactly `size` bytes to `out`.
Result<void> append_block(std::span<const std::byte> block, std::uint64_t size, std::string_view where, Bytes& out) {
  if (size > kMostRatio * block.size() || block.size() > LZ4_MAX_INPUT_SIZE || size > LZ4_MAX_INPUT_SIZE)
    return corrupt(where, block.size());
  const auto used = out.size();
  out.resize(used + static_cast<std::size_t>(size));
  // The library wants an address even for nothing.
  char nothing = 0;
  const int written = LZ4_decompress_safe(reinterpret_cast<const char*>(block.data()),
                                          size == 0 ? &nothing : reinterpret_cast<char*>(out.data() + used),
                                          static_cast<int>(block.size()), static_cast<int>(size));
  if (written < 0 || static_cast<std::uint64_t>(written) != size) return corrupt(where, block.size());
  return {};
}

Result<Bytes> unpack_java(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  ByteCursor cursor(in, where);
  Bytes out;
  for (;;) {
    NGFORGE_TRY(const auto magic, cursor.take(kJavaMagic.size()));
    NGFORGE_TRY(const auto token, cursor.read<std::uint8_t>());
    NGFORGE_TRY(const auto packed_size, cursor.read<std::uint32_t>());
    NGFORGE_TRY(const auto size, cursor.read<std::uint32_t>());
    NGFORGE_TRY([[maybe_unused]] const auto checksum, cursor.read<std::uint32_t>());
    if (std::memcmp(magic.data(), kJavaMagic.data(), kJavaMagic.size()) != 0) return corrupt(where, in.size());
    if (size == 0 && packed_size == 0) break;
    NGFORGE_TRY(const auto block, cursor.take(packed_size));
    if (size > limit_bytes - std::min<std::uint64_t>(limit_bytes, out.size())) return too_large(where, limit_bytes);
    const std::uint32_t method = token & 0xf0u;
    if (method == kRaw && size == packed_size) {
      out.insert(out.end(), block.begin(), block.end());
    } else if (method == kPacked) {
      NGFORGE_CHECK(append_block(block, size, where, out));
    } else {
      return corrupt(where, in.size());
    }
  }
  if (cursor.remaining() > 0) return corrupt(where, in.size());
  return out;
}

Result<Bytes> unpack_frame(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  struct Free {
    void operator()(LZ4F_dctx* d) const { LZ4F_freeDecompressionContext(d); }
  };
  LZ4F_dctx* made = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&made, LZ4F_VERSION))) throw std::bad_alloc();
  const std::unique_ptr<LZ4F_dctx, Free> context(made);
  Bytes out;
  std::array<std::byte, 1 << 16> part;
  for (std::size_t at = 0, wanted = 1; wanted != 0;) {
    std::size_t consumed = in.size() - at, produced = part.size();
    wanted = LZ4F_decompress(context.get(), part.data(), &produced, in.data() + at, &consumed, nullptr);
    if (LZ4F_isError(wanted) || (wanted != 0 && consumed == 0 && produced == 0)) return corrupt(where, in.size());
    at += consumed;
    if (out.size() + produced > limit_bytes) return too_large(where, limit_bytes);
    out.insert(out.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(produced));
    if (wanted == 0 && at != in.size()) return corrupt(where, in.size());
  }
  return out;
}

}  // namespace

Result<Bytes> unpack_lz4_sized(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  ByteCursor cursor(in, where);
  NGFORGE_TRY(const auto size, cursor.read<std::uint32_t>());
  NGFORGE_TRY(const auto block, cursor.take(cursor.remaining()));
  if (size > limit_bytes) return too_large(where, limit_bytes);
  Bytes out;
  NGFORGE_CHECK(append_block(block, size, where, out));
  return out;
}

Result<Bytes> unpack_lz4_stream(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  const bool is_java =
      in.size() >= kJavaMagic.size() && std::memcmp(in.data(), kJavaMagic.data(), kJavaMagic.size()) == 0;
  return is_java ? unpack_java(in, where, limit_bytes) : unpack_frame(in, where, limit_bytes);
}

}  // namespace ngforge
