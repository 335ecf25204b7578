// SPDX-License-Identifier: Apache-2.0
#include "source/decoded_bytes.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace ngforge {
namespace {

constexpr std::size_t kSkipBytes = 256 << 10;

class DecodedBytes final : public ByteSource {
 public:
  DecodedBytes(std::shared_ptr<ByteSource> file, ByteInput decoded, std::uint64_t skip)
      : file_(std::move(file)), decoded_(std::move(decoded)), skip_(skip) {
    place_ = file_->place();
    is_gzip_ = true;
    stored_bytes_ = file_->stored_bytes();
  }
  bool has_random_access() const override { return false; }
  std::optional<std::uint64_t> content_bytes() const override { return std::nullopt; }
  std::string fingerprint() const override { return file_->fingerprint(); }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out) override {
    offset += skip_;
    if (offset < position_)
      return make_error(ErrorCode::internal, "{}: expected a read at byte {} or later, found byte {}", place_,
                        position_ - skip_, offset - skip_);
    while (position_ < offset) {
      skipped_.resize(kSkipBytes);
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kSkipBytes, offset - position_));
      NGFORGE_TRY(const std::size_t count, fill(std::span(skipped_).first(wanted)));
      if (count < wanted) return std::size_t{0};
    }
    return fill(out);
  }
  Result<void> finish() override {
    skipped_.resize(kSkipBytes);
    while (true) {
      NGFORGE_TRY(const std::size_t count, fill(skipped_));
      if (count == 0) return {};
    }
  }

 private:
  Result<std::size_t> fill(std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size()) {
      auto count = decoded_(out.subspan(done));
      if (!count) return std::move(count).error().of_source();
      if (*count == 0) break;
      done += *count;
    }
    position_ += done;
    return done;
  }

  std::shared_ptr<ByteSource> file_;
  ByteInput decoded_;
  const std::uint64_t skip_;
  std::uint64_t position_ = 0;      // in what is decoded
  std::vector<std::byte> skipped_;  // where bytes go that nobody wants
};

}  // namespace

ByteInput bytes_from(std::shared_ptr<ByteSource> bytes, std::uint64_t offset) {
  return [bytes = std::move(bytes), offset](std::span<std::byte> out) mutable -> Result<std::size_t> {
    NGFORGE_TRY(const std::size_t count, bytes->read_some(offset, out));
    offset += count;
    return count;
  };
}

std::shared_ptr<ByteSource> make_decoded_bytes(std::shared_ptr<ByteSource> file, ByteInput decoded,
                                               std::uint64_t skip) {
  return std::make_shared<DecodedBytes>(std::move(file), std::move(decoded), skip);
}

}  // namespace ngforge
