// SPDX-License-Identifier: Apache-2.0
#include "source/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "compress/gzip_stream.h"
#include "core/file_descriptor.h"
#include "core/fnv.h"
#include "core/system_error.h"

namespace ngforge {
namespace {

constexpr std::size_t kHeadBytes = 1024;
constexpr std::size_t kSkipBytes = 256 << 10;
constexpr std::byte kGzipMagic[] = {std::byte{0x1f}, std::byte{0x8b}};

Error ends_early(std::string_view place, std::uint64_t offset, std::size_t wanted, std::uint64_t end) {
  return make_error(ErrorCode::invalid_data, "{}: expected {} bytes at byte {}, found the end at byte {}", place,
                    wanted, offset, end)
      .of_source();
}

/// One read() or pread() (offset >= 0) that interruptions do not end; -1 with errno.
ssize_t read_once(int fd, std::span<std::byte> out, std::int64_t offset) {
  // Linux moves at most 0x7ffff000 bytes at a time.
  const std::size_t count = std::min<std::size_t>(out.size(), 1u << 30);
  while (true) {
    const ssize_t moved =
        offset < 0 ? ::read(fd, out.data(), count) : ::pread(fd, out.data(), count, static_cast<off_t>(offset));
    if (moved >= 0 || errno != EINTR) return moved;
  }
}

/// A regular file, not compressed.
class PlainFile final : public ByteSource {
 public:
  PlainFile(std::string place, FileDescriptor descriptor, const struct stat& status)
      : descriptor_(std::move(descriptor)) {
    place_ = std::move(place);
    stored_bytes_ = static_cast<std::uint64_t>(status.st_size);
    modified_ns_ = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  }
  Result<void> sniff() {
    head_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kHeadBytes, stored_bytes_)));
    return read(0, head_);
  }
  bool has_random_access() const override { return true; }
  std::optional<std::uint64_t> content_bytes() const override { return stored_bytes_; }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t moved = read_once(descriptor_.get(), out.subspan(done), static_cast<std::int64_t>(offset + done));
      if (moved < 0) return read_error(place_, fmt::format("cannot be read at byte {}", offset + done)).of_source();
      if (moved == 0) break;
      done += static_cast<std::size_t>(moved);
    }
    return done;
  }
  Result<void> finish() override { return {}; }

 private:
  FileDescriptor descriptor_;
};

/// Anything that can only be read from front to back: FIFOs, standard input, gzip.
class ByteStream final : public ByteSource {
 public:
  /// `status`: of a regular file, or nullptr.
  ByteStream(std::string place, FileDescriptor descriptor, const struct stat* status, bool inflates = true)
      : descriptor_(std::move(descriptor)), inflates_(inflates) {
    place_ = std::move(place);
    if (status == nullptr) return;
    stored_bytes_ = static_cast<std::uint64_t>(status->st_size);
    modified_ns_ = std::int64_t{status->st_mtim.tv_sec} * 1'000'000'000 + status->st_mtim.tv_nsec;
    ::posix_fadvise(descriptor_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  Result<void> sniff() {
    raw_head_.resize(std::size(kGzipMagic));
    NGFORGE_TRY(const std::size_t count, read_raw_fully(raw_head_));
    raw_head_.resize(count);
    is_gzip_ = inflates_ && std::ranges::equal(raw_head_, kGzipMagic);
    if (is_gzip_) gzip_.emplace([this](std::span<std::byte> out) { return read_raw(out); }, place_);
    head_.resize(kHeadBytes);
    NGFORGE_TRY(const std::size_t head_bytes, read_content(head_));
    head_.resize(head_bytes);
    return {};
  }
  bool has_random_access() const override { return false; }
  std::optional<std::uint64_t> content_bytes() const override { return std::nullopt; }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out) override;
  Result<void> finish() override;

 private:
  Result<std::size_t> read_raw(std::span<std::byte> out);
  Result<std::size_t> read_raw_fully(std::span<std::byte> out);
  Result<std::size_t> read_content(std::span<std::byte> out);
  Result<void> skip_to(std::uint64_t offset);

  FileDescriptor descriptor_;
  bool inflates_;
  std::vector<std::byte> raw_head_;  // read from the descriptor to find gzip, not yet passed on
  std::optional<GzipStream> gzip_;
  std::vector<std::byte> skipped_;  // where bytes go that nobody wants
  std::uint64_t position_ = 0;      // in the content
};

Result<std::size_t> ByteStream::read_raw(std::span<std::byte> out) {
  if (gzip_ && !raw_head_.empty()) {
    const std::size_t count = std::min(out.size(), raw_head_.size());
    std::copy_n(raw_head_.begin(), count, out.begin());
    raw_head_.erase(raw_head_.begin(), raw_head_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  const ssize_t moved = read_once(descriptor_.get(), out, -1);
  if (moved < 0) return read_error(place_, "cannot be read").of_source();
  return static_cast<std::size_t>(moved);
}

Result<std::size_t> ByteStream::read_raw_fully(std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    NGFORGE_TRY(const std::size_t count, read_raw(out.subspan(done)));
    if (count == 0) break;
    done += count;
  }
  return done;
}

/// Fills `out` unless the content ends before.
Result<std::size_t> ByteStream::read_content(std::span<std::byte> out) {
  std::size_t done = 0;
  if (gzip_) {
    auto count = gzip_->read(out);
    if (!count) return std::move(count).error().of_source();
    done = *count;
  } else {
    done = std::min(out.size(), raw_head_.size());
    std::copy_n(raw_head_.begin(), done, out.begin());
    raw_head_.erase(raw_head_.begin(), raw_head_.begin() + static_cast<std::ptrdiff_t>(done));
    NGFORGE_TRY(const std::size_t count, read_raw_fully(out.subspan(done)));
    done += count;
  }
  position_ += done;
  return done;
}

Result<void> ByteStream::skip_to(std::uint64_t offset) {
  while (position_ < offset) {
    skipped_.resize(kSkipBytes);
    const auto part =
        std::span(skipped_).first(static_cast<std::size_t>(std::min<std::uint64_t>(kSkipBytes, offset - position_)));
    NGFORGE_TRY(const std::size_t count, read_content(part));
    if (count < part.size()) return ends_early(place_, offset, 1, position_);
  }
  return {};
}

Result<std::size_t> ByteStream::read_some(std::uint64_t offset, std::span<std::byte> out) {
  std::size_t known_bytes = 0;
  if (offset < head_.size()) {
    const auto known = std::span(head_).subspan(static_cast<std::size_t>(offset));
    known_bytes = std::min(known.size(), out.size());
    std::copy_n(known.begin(), known_bytes, out.begin());
    offset += known_bytes;
    out = out.subspan(known_bytes);
  }
  if (out.empty()) return known_bytes;
  if (offset < position_)
    return make_error(ErrorCode::internal, "{}: expected a read at byte {} or later, found byte {}", place_, position_,
                      offset);
  NGFORGE_CHECK(skip_to(offset));
  NGFORGE_TRY(const std::size_t count, read_content(out));
  return known_bytes + count;
}

Result<void> ByteStream::finish() {
  skipped_.resize(kSkipBytes);
  while (true) {
    NGFORGE_TRY(const std::size_t count, read_content(skipped_));
    if (count < skipped_.size()) return {};
  }
}

template <class Kind, class... Args>
Result<std::shared_ptr<ByteSource>> opened(Args&&... args) {
  auto source = std::make_shared<Kind>(std::forward<Args>(args)...);
  NGFORGE_CHECK(source->sniff());
  return std::shared_ptr<ByteSource>(std::move(source));
}

}  // namespace

Result<std::shared_ptr<ByteSource>> ByteSource::open(const std::string& place, bool inflates) {
  if (place == "-") {
    FileDescriptor input(::dup(STDIN_FILENO));
    if (!input.is_open()) return read_error("standard input", "cannot be opened").of_source();
    return opened<ByteStream>("standard input", std::move(input), nullptr, inflates);
  }
  FileDescriptor descriptor(::open(place.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor.is_open() && (errno == ENOENT || errno == ENOTDIR))
    return make_error(ErrorCode::not_found, "{}: expected a file or a dataset, found nothing", place).of_source();
  if (!descriptor.is_open()) return read_error(place, "cannot be opened").of_source();
  struct stat status{};
  if (::fstat(descriptor.get(), &status) != 0) return read_error(place, "cannot be looked at").of_source();
  if (S_ISDIR(status.st_mode))
    return make_error(ErrorCode::unsupported, "{}: expected a file, found a folder", place).of_source();
  if (!S_ISREG(status.st_mode)) return opened<ByteStream>(place, std::move(descriptor), nullptr, inflates);
  std::byte magic[std::size(kGzipMagic)];
  const bool is_gzip = inflates && read_once(descriptor.get(), magic, 0) == static_cast<ssize_t>(std::size(magic)) &&
                       std::ranges::equal(magic, kGzipMagic);
  if (is_gzip) return opened<ByteStream>(place, std::move(descriptor), &status);
  return opened<PlainFile>(place, std::move(descriptor), status);
}

Result<void> ByteSource::read(std::uint64_t offset, std::span<std::byte> out) {
  NGFORGE_TRY(const std::size_t count, read_some(offset, out));
  if (count < out.size()) return ends_early(place_, offset, out.size(), offset + count);
  return {};
}

Result<void> ByteSource::extend_head(std::size_t bytes) {
  const std::size_t known = head_.size();
  if (bytes <= known) return {};
  std::vector<std::byte> more(bytes - known);
  NGFORGE_TRY(const std::size_t count, read_some(known, more));
  head_.insert(head_.end(), more.begin(), more.begin() + static_cast<std::ptrdiff_t>(count));
  return {};
}

std::string ByteSource::fingerprint() const {
  Fnv1a hash;
  hash.add(head_);
  return fmt::format("{}-{}-{:016x}", stored_bytes_, modified_ns_, hash.value());
}

}  // namespace ngforge
