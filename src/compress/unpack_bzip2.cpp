// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <new>

#include <bzlib.h>

#include "compress/unpack.h"

namespace ngforge {
namespace {

class Stream {
 public:
  Stream() { start(); }
  Stream(const Stream&) = delete;
  ~Stream() { BZ2_bzDecompressEnd(&stream_); }
  /// For the stream behind the one that has ended.
  void restart() {
    BZ2_bzDecompressEnd(&stream_);
    start();
  }
  /// Continues; `in` and `out` lose what was used.
  int run(std::span<const std::byte>& in, std::span<std::byte>& out) {
    constexpr std::size_t kMostAtOnce = 1 << 30;
    const auto in_size = std::min(in.size(), kMostAtOnce), out_size = std::min(out.size(), kMostAtOnce);
    stream_.next_in = const_cast<char*>(reinterpret_cast<const char*>(in.data()));
    stream_.avail_in = static_cast<unsigned>(in_size);
    stream_.next_out = reinterpret_cast<char*>(out.data());
    stream_.avail_out = static_cast<unsigned>(out_size);
    const int result = BZ2_bzDecompress(&stream_);
    in = in.subspan(in_size - stream_.avail_in);
    out = out.subspan(out_size - stream_.avail_out);
    return result;
  }

 private:
  void start() {
    stream_ = {};
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) throw std::bad_alloc();
  }
  bz_stream stream_;
};

}  // namespace

Result<Bytes> unpack_bzip2(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes) {
  Stream stream;
  Bytes out(static_cast<std::size_t>(std::min<std::uint64_t>(limit_bytes, 4 * in.size() + 1024)));
  std::span<const std::byte> rest = in;
  std::span<std::byte> room = out;
  for (;;) {
    const auto before = rest.size() + room.size();
    const int result = stream.run(rest, room);
    if (result != BZ_OK && result != BZ_STREAM_END)
      return make_error(ErrorCode::invalid_data, "{}: expected bzip2 data, found corruption before byte {} of {}",
                        where, in.size() - rest.size(), in.size());
    if (result == BZ_STREAM_END && rest.empty()) break;
    if (result == BZ_STREAM_END) {
      stream.restart();
    } else if (room.empty()) {
      if (out.size() >= limit_bytes)
        return make_error(ErrorCode::limit, "{}: expected at most {} bytes of bzip2 data, found more", where,
                          limit_bytes);
      const auto used = out.size();
      out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(2 * used, limit_bytes)));
      room = std::span(out).subspan(used);
    } else if (rest.size() + room.size() == before) {
      return make_error(ErrorCode::invalid_data, "{}: expected more bzip2 data, found its end at byte {}", where,
                        in.size());
    }
  }
  out.resize(out.size() - room.size());
  return out;
}

}  // namespace ngforge
