// SPDX-License-Identifier: Apache-2.0
#include "compress/bzip2_stream.h"

#include <bzlib.h>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace ngforge {
namespace {

constexpr std::size_t kInputBytes = 64 << 10;

}  // namespace

struct Bzip2Stream::Impl {
  Impl(ByteInput source, std::string place) : input(std::move(source)), where(std::move(place)), packed(kInputBytes) {}
  ~Impl() { end(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void begin() {
    const auto* const next = stream.next_in;
    const auto left = stream.avail_in;
    stream = {};
    stream.next_in = const_cast<char*>(next);
    stream.avail_in = left;
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) throw std::bad_alloc();
    is_open = true;
  }
  void end() {
    if (std::exchange(is_open, false)) BZ2_bzDecompressEnd(&stream);
  }
  std::uint64_t position() const { return taken - stream.avail_in; }

  /// More packed bytes, if there are any.
  Result<bool> refill() {
    if (stream.avail_in > 0) return true;
    NGFORGE_TRY(const std::size_t count, input(packed));
    taken += count;
    stream.next_in = reinterpret_cast<char*>(packed.data());
    stream.avail_in = static_cast<unsigned>(count);
    return count > 0;
  }

  Result<std::size_t> read(std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size()) {
      NGFORGE_TRY(const bool has_more, refill());
      if (!is_open) {
        if (!has_more && taken > 0) return done;  // behind the last stream
        begin();
      } else if (!has_more) {
        return make_error(ErrorCode::invalid_data, "{}: expected more bzip2 data, found the end at byte {}", where,
                          taken);
      }
      const auto room = static_cast<unsigned>(std::min<std::size_t>(out.size() - done, 1u << 30));
      stream.next_out = reinterpret_cast<char*>(out.data() + done);
      stream.avail_out = room;
      const int status = BZ2_bzDecompress(&stream);
      done += room - stream.avail_out;
      if (status == BZ_MEM_ERROR) throw std::bad_alloc();
      if (status != BZ_OK && status != BZ_STREAM_END)
        return make_error(ErrorCode::invalid_data, "{}: expected bzip2 data, found bytes that are not (near byte {})",
                          where, position());
      if (status == BZ_STREAM_END) end();
    }
    return done;
  }

  ByteInput input;
  std::string where;
  std::vector<std::byte> packed;
  bz_stream stream{};
  bool is_open = false;
  std::uint64_t taken = 0;  // packed bytes that have come from the input
  std::optional<Error> error;
};

Bzip2Stream::Bzip2Stream(ByteInput input, std::string where)
    : impl_(std::make_unique<Impl>(std::move(input), std::move(where))) {}
Bzip2Stream::~Bzip2Stream() = default;
Bzip2Stream::Bzip2Stream(Bzip2Stream&&) noexcept = default;
Bzip2Stream& Bzip2Stream::operator=(Bzip2Stream&&) noexcept = default;

Result<std::size_t> Bzip2Stream::read(std::span<std::byte> out) {
  if (impl_->error) return *impl_->error;
  auto count = impl_->read(out);
  if (!count) impl_->error = count.error();
  return count;
}

}  // namespace ngforge
