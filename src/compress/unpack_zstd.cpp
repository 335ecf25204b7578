// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <new>

#include <zstd.h>

#include "compress/unpack.h"

namespace ngforge {
namespace {

// A block of at least four bytes holds at most 128 KiB, and frames need not say how much they hold.
std::uint64_t likely_size(std::span<const std::byte> in) {
  const std::uint64_t most = (in.size() / 4 + 1) << 17;
  const auto said = ZSTD_getFrameContentSize(in.data(), in.size());
  if (said == ZSTD_CONTENTSIZE_UNKNOWN || said == ZSTD_CONTENTSIZE_ERROR)
    return std::min<std::uint64_t>(most, 4 * in.size() + 1024);
  return std::min<std::uint64_t>(most, said);
}

}  // namespace

Result<Bytes> unpack_zstd(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  struct Free {
    void operator()(ZSTD_DCtx* d) const { ZSTD_freeDCtx(d); }
  };
  thread_local const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
  if (!context) throw std::bad_alloc();
  ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
  Bytes out(static_cast<std::size_t>(std::min(likely_size(in), limit_bytes)));
  ZSTD_inBuffer input{in.data(), in.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  // How much of a frame is still to come; not 0 before the first.
  std::size_t rest = 1;
  while (input.pos < input.size || rest != 0) {
    const auto consumed = input.pos, produced = output.pos;
    rest = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(rest))
      return make_error(ErrorCode::invalid_data, "{}: expected zstd data, found corruption in byte {} of {} ({})",
                        where, input.pos, in.size(), ZSTD_getErrorName(rest));
    if (output.pos == output.size && (rest != 0 || input.pos < input.size)) {
      if (out.size() >= limit_bytes && output.pos == produced && input.pos == consumed)
        return make_error(ErrorCode::limit, "{}: expected at most {} bytes of zstd data, found more", where,
                          limit_bytes);
      if (out.size() < limit_bytes) {
        out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(2 * out.size() + 1024, limit_bytes)));
        output.dst = out.data();
        output.size = out.size();
      }
    } else if (input.pos == consumed && output.pos == produced && rest != 0) {
      return make_error(ErrorCode::invalid_data, "{}: expected more zstd data, found its end at byte {}", where,
                        in.size());
    }
  }
  out.resize(output.pos);
  return out;
}

}  // namespace ngforge
