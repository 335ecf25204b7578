// SPDX-License-Identifier: Apache-2.0
#include "compress/gzip_stream.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#ifdef NGFORGE_HAVE_ISAL
#include <isa-l.h>
#endif

namespace ngforge {
namespace {

constexpr std::size_t kInputBytes = 256 << 10;
// ISA-L 2.30 may look a few bytes behind its input when that is corrupt.
constexpr std::size_t kSpareBytes = 64;
// Both libraries count in 32 bits.
constexpr std::size_t kMostAtOnce = 1u << 30;

/// What one call of an engine did.
struct Step {
  std::size_t consumed = 0, produced = 0;
  bool is_finished = false;       // the member has ended and its checksum is right
  const char* failure = nullptr;  // what is wrong with the input
};

/// Inflates one gzip member at a time.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void begin_member() = 0;
  virtual Step step(std::span<const std::byte> in, std::span<std::byte> out) = 0;
};

class ZlibEngine final : public Engine {
 public:
  ZlibEngine() {
    constexpr int kGzipOnly = 15 + 16;
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ZlibEngine(const ZlibEngine&) = delete;
  ZlibEngine& operator=(const ZlibEngine&) = delete;
  ~ZlibEngine() override { inflateEnd(&stream_); }

  void begin_member() override { inflateReset(&stream_); }

  Step step(std::span<const std::byte> in, std::span<std::byte> out) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int status = inflate(&stream_, Z_NO_FLUSH);
    Step step{in.size() - stream_.avail_in, out.size() - stream_.avail_out, status == Z_STREAM_END, nullptr};
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      step.failure = stream_.msg != nullptr ? stream_.msg : "corrupt data";
    return step;
  }

 private:
  z_stream stream_{};
};

#ifdef NGFORGE_HAVE_ISAL
class IsalEngine final : public Engine {
 public:
  void begin_member() override {
    if (is_fresh_)
      isal_inflate_init(&state_);
    else
      isal_inflate_reset(&state_);
    is_fresh_ = false;
    state_.crc_flag = ISAL_GZIP;
  }

  Step step(std::span<const std::byte> in, std::span<std::byte> out) override {
    state_.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(in.data()));
    state_.avail_in = static_cast<std::uint32_t>(in.size());
    state_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    state_.avail_out = static_cast<std::uint32_t>(out.size());
    const int status = isal_inflate(&state_);
    if (state_.avail_in > in.size()) return {in.size(), 0, false, "corrupt data"};  // it went past the end
    // A truncated member is ISAL_DECOMP_OK too; only the block state tells that it is complete.
    Step step{in.size() - state_.avail_in, out.size() - state_.avail_out,
              status == ISAL_DECOMP_OK && state_.block_state == ISAL_BLOCK_FINISH, nullptr};
    switch (status) {
      case ISAL_INVALID_BLOCK: step.failure = "invalid block type"; break;
      case ISAL_INVALID_SYMBOL: step.failure = "invalid code"; break;
      case ISAL_INVALID_LOOKBACK: step.failure = "invalid distance too far back"; break;
      case ISAL_INVALID_WRAPPER: step.failure = "incorrect header check"; break;
      case ISAL_UNSUPPORTED_METHOD: step.failure = "unknown compression method"; break;
      case ISAL_INCORRECT_CHECKSUM: step.failure = "incorrect data check"; break;
      default:
        if (status < 0) step.failure = "corrupt data";
    }
    return step;
  }

 private:
  inflate_state state_;
  bool is_fresh_ = true;
};
#endif

std::unique_ptr<Engine> make_engine(InflateEngine choice) {
#ifdef NGFORGE_HAVE_ISAL
  if (choice == InflateEngine::fastest) return std::make_unique<IsalEngine>();
#else
  static_cast<void>(choice);
#endif
  return std::make_unique<ZlibEngine>();
}

}  // namespace

struct GzipStream::Impl {
  ByteInput input;
  std::string where;
  InflateEngine choice = InflateEngine::fastest;
  std::unique_ptr<Engine> fastest, zlib;  // made when first needed
  Engine* engine = nullptr;               // of the current member
  std::vector<std::byte> buffer = std::vector<std::byte>(kInputBytes + kSpareBytes);
  std::span<const std::byte> pending;  // of `buffer`, not inflated yet
  std::uint64_t position = 0;          // of pending in the compressed stream
  bool input_ended = false;
  bool in_member = false;
  bool any_member = false;
  std::optional<Error> failure;

  Error corrupt(std::string_view what) const {
    return make_error(ErrorCode::invalid_data, "{}: gzip: {} at compressed byte {}", where, what, position);
  }
  void consume(std::size_t count) {
    pending = pending.subspan(count);
    position += count;
  }
  /// Reads until `least` bytes are pending or the input ends.
  Result<void> refill(std::size_t least = 1) {
    if (pending.size() >= least || input_ended) return {};
    if (!pending.empty()) std::memmove(buffer.data(), pending.data(), pending.size());
    pending = std::span(buffer).first(pending.size());
    while (pending.size() < least && !input_ended) {
      NGFORGE_TRY(const std::size_t count, input(std::span(buffer).first(kInputBytes).subspan(pending.size())));
      pending = std::span(buffer).first(pending.size() + count);
      input_ended = count == 0;
    }
    return {};
  }
  void choose_engine();
  Result<bool> begin_member();
  Result<std::size_t> read(std::span<std::byte> out);
};

void GzipStream::Impl::choose_engine() {
  // ISA-L 2.30 finds fault with a right header checksum (FHCRC) when the header arrives in more than one piece, and
  // none with flags that RFC 1952 reserves.
  constexpr std::byte kHeaderChecksum{0x02}, kReserved{0xe0};
  const bool has_rare_flags = pending.size() >= 4 && (pending[3] & (kHeaderChecksum | kReserved)) != std::byte{0};
  const bool takes_zlib = has_rare_flags || choice == InflateEngine::zlib;
  auto& slot = takes_zlib ? zlib : fastest;
  if (!slot) slot = make_engine(takes_zlib ? InflateEngine::zlib : choice);
  engine = slot.get();
}

/// Skips padding and starts the next member; false when there is none.
Result<bool> GzipStream::Impl::begin_member() {
  while (true) {
    NGFORGE_CHECK(refill());
    if (any_member)
      while (!pending.empty() && pending.front() == std::byte{0}) consume(1);
    if (!pending.empty() || input_ended) break;
  }
  if (pending.empty()) {
    if (!any_member) return corrupt("expected a compressed stream, found the end of the input");
    return false;
  }
  if (pending.front() != std::byte{0x1f})
    return corrupt(fmt::format("expected {}, found byte {:#04x}",
                               any_member ? "another member, zero bytes or the end" : "the magic bytes 1f 8b",
                               std::to_integer<unsigned>(pending.front())));
  NGFORGE_CHECK(refill(4));
  choose_engine();
  engine->begin_member();
  in_member = any_member = true;
  return true;
}

Result<std::size_t> GzipStream::Impl::read(std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    if (!in_member) {
      NGFORGE_TRY(const bool has_more, begin_member());
      if (!has_more) break;
    }
    NGFORGE_CHECK(refill());
    const auto target = out.subspan(done, std::min(out.size() - done, kMostAtOnce));
    const Step step = engine->step(pending, target);
    consume(step.consumed);
    done += step.produced;
    if (step.failure != nullptr) return corrupt(step.failure);
    in_member = !step.is_finished;
    const bool has_moved = step.consumed != 0 || step.produced != 0 || step.is_finished;
    if (has_moved) continue;
    if (pending.empty() && input_ended) return corrupt("expected more data, found the end of the input (truncated)");
    if (!pending.empty()) return corrupt("corrupt data");
  }
  return done;
}

GzipStream::GzipStream(ByteInput input, std::string where, InflateEngine engine) : impl_(std::make_unique<Impl>()) {
  impl_->input = std::move(input);
  impl_->where = std::move(where);
  impl_->choice = engine;
}
GzipStream::~GzipStream() = default;
GzipStream::GzipStream(GzipStream&&) noexcept = default;
GzipStream& GzipStream::operator=(GzipStream&&) noexcept = default;

Result<std::size_t> GzipStream::read(std::span<std::byte> out) {
  if (impl_->failure) return *impl_->failure;
  auto result = impl_->read(out);
  if (!result) impl_->failure = result.error();
  return result;
}

std::uint64_t GzipStream::compressed_position() const {
  return impl_->position;
}

}  // namespace ngforge
