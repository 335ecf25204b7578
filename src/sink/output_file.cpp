// SPDX-License-Identifier: Apache-2.0
#include "sink/output_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/byte_cursor.h"
#include "core/file_descriptor.h"
#include "core/system_error.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

constexpr std::size_t kBlockBytes = 1 << 20;

Error exists_already(const std::string& path) {
  return make_error(ErrorCode::already_exists, "{}: exists already", path)
      .with_hint("replace it with --overwrite, or choose another destination");
}

/// PATH.partial while it grows, ours alone by a lock that ends with its descriptor.
class File {
 public:
  File(const std::string& path, bool overwrites) : path_(path), partial_(path + ".partial"), overwrites_(overwrites) {}
  File(const File&) = delete;
  // The name goes before the lock: who has the lock next sees that the file is not that of the name any more.
  ~File() {
    if (is_open_) ::unlink(partial_.c_str());
  }

  /// Errors: already_exists, permission, io.
  Result<void> open() {
    // What lies there may belong to a run that is still at work, or to somebody else.
    const int policy = overwrites_ ? 0 : O_EXCL;
    file_ = FileDescriptor(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | policy, 0666));
    if (!file_.is_open() && errno == EEXIST)
      return make_error(ErrorCode::already_exists, "{}: exists already", partial_)
          .with_hint("start anew with --overwrite, or choose another destination");
    if (!file_.is_open()) return write_error(path_, "cannot be created");
    // The run that held the lock may have renamed or removed the file meanwhile.
    struct stat held, named;
    is_open_ = ::flock(file_.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(file_.get(), &held) == 0 &&
               ::stat(partial_.c_str(), &named) == 0 && held.st_ino == named.st_ino;
    if (!is_open_) return make_error(ErrorCode::already_exists, "{}: another run is writing it now", partial_);
    if (::ftruncate(file_.get(), 0) != 0) return write_error(partial_, "cannot be emptied");
    return {};
  }

  Result<void> write(std::span<const std::byte> bytes) {
    NGFORGE_CHECK(write_at(file_.get(), offset_, bytes, path_));
    offset_ += bytes.size();
    return {};
  }

  Result<void> finish() {
    if (::fsync(file_.get()) != 0) return write_error(path_, "cannot be synced");
    const bool is_named = overwrites_ ? ::rename(partial_.c_str(), path_.c_str()) == 0 : take_free_name();
    if (!is_named && errno == EEXIST) return exists_already(path_);
    if (!is_named) return write_error(path_, "cannot be renamed to");
    is_open_ = false;
    return {};
  }

 private:
  bool take_free_name() const {
    if (::renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) return true;
    // Some file systems know only one of the two.
    if (errno != EINVAL && errno != ENOSYS) return false;
    return ::link(partial_.c_str(), path_.c_str()) == 0 && ::unlink(partial_.c_str()) == 0;
  }

  const std::string path_, partial_;
  const bool overwrites_;
  FileDescriptor file_;
  bool is_open_ = false;  // and ours
  std::uint64_t offset_ = 0;
};

class PlainFile final : public OutputFile {
 public:
  explicit PlainFile(std::unique_ptr<File> output) : output_(std::move(output)) {}
  Result<void> append(std::span<const std::byte> values) override { return output_->write(values); }
  Result<void> finish() override { return output_->finish(); }

 private:
  const std::unique_ptr<File> output_;
};

// Blocks of raw deflate that end on a byte and refer to nothing before them, strung together to one member.
class GzipFile final : public OutputFile {
 public:
  GzipFile(std::unique_ptr<File> output, int level, ThreadPool& pool)
      : output_(std::move(output)), level_(std::clamp(level, 0, 9)), pool_(pool) {}
  ~GzipFile() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return in_pool_ == 0; });
  }

  Result<void> begin() {
    const unsigned char header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    return output_->write(std::as_bytes(std::span(header)));
  }

  Result<void> append(std::span<const std::byte> values) override {
    while (!values.empty()) {
      const std::size_t count = std::min(values.size(), kBlockBytes - block_.size());
      block_.insert(block_.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count));
      values = values.subspan(count);
      if (block_.size() == kBlockBytes) NGFORGE_CHECK(submit());
    }
    return {};
  }

  Result<void> finish() override {
    if (!block_.empty()) NGFORGE_CHECK(submit());
    NGFORGE_CHECK(drain(0));
    std::array<std::byte, 10> end{std::byte{3}, std::byte{0}};  // an empty final block of fixed codes
    store(end.data() + 2, static_cast<std::uint32_t>(crc_));
    store(end.data() + 6, static_cast<std::uint32_t>(size_));
    NGFORGE_CHECK(output_->write(end));
    return output_->finish();
  }

 private:
  struct Packed {
    std::vector<std::byte> bytes;
    unsigned long crc = 0;
    std::size_t plain_bytes = 0;
    bool is_done = false, has_failed = false;  // no memory
  };

  Result<void> submit() {
    NGFORGE_CHECK(drain(static_cast<std::size_t>(2 * pool_.size())));
    auto block = std::make_shared<std::vector<std::byte>>(std::move(block_));
    block_.clear();
    block_.reserve(kBlockBytes);
    Packed* packed = nullptr;
    {
      const std::lock_guard lock(mutex_);
      packed = &packed_[submitted_];
      ++in_pool_;
    }
    try {
      pool_.submit([this, block, packed](int) { pack(*block, *packed); });
    } catch (const std::bad_alloc&) {
      const std::lock_guard lock(mutex_);
      packed_.erase(submitted_);
      --in_pool_;
      throw;
    }
    ++submitted_;
    return {};
  }

  void pack(const std::vector<std::byte>& block, Packed& packed) {
    try {
      deflate_block(block, packed);
    } catch (const std::bad_alloc&) {
      packed.has_failed = true;
    }
    std::lock_guard lock(mutex_);
    packed.is_done = true;
    --in_pool_;
    changed_.notify_all();
  }

  // Writes what is next until at most `waiting` blocks are on their way.
  Result<void> drain(std::size_t waiting) {
    while (submitted_ - written_ > waiting) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return packed_.begin()->second.is_done; });
      const Packed packed = std::move(packed_.extract(packed_.begin()).mapped());
      lock.unlock();
      if (packed.has_failed) return make_error(ErrorCode::internal, "the machine has no memory left");
      NGFORGE_CHECK(output_->write(packed.bytes));
      crc_ = crc32_combine(crc_, packed.crc, static_cast<z_off_t>(packed.plain_bytes));
      size_ += packed.plain_bytes;
      ++written_;
    }
    return {};
  }

  void deflate_block(const std::vector<std::byte>& block, Packed& packed) const {
    z_stream stream{};
    if (deflateInit2(&stream, level_, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
    const std::unique_ptr<z_stream, decltype(&deflateEnd)> end(&stream, deflateEnd);
    packed.plain_bytes = block.size();
    packed.crc = crc32(0, reinterpret_cast<const Bytef*>(block.data()), static_cast<uInt>(block.size()));
    packed.bytes.resize(deflateBound(&stream, block.size()) + 16);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(block.data()));
    stream.avail_in = static_cast<uInt>(block.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.bytes.data());
    stream.avail_out = static_cast<uInt>(packed.bytes.size());
    const int status = deflate(&stream, Z_FULL_FLUSH);
    NGFORGE_ASSERT(status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0);
    packed.bytes.resize(packed.bytes.size() - stream.avail_out);
  }

  const std::unique_ptr<File> output_;
  const int level_;
  ThreadPool& pool_;
  std::vector<std::byte> block_;
  std::size_t submitted_ = 0, written_ = 0;
  unsigned long crc_ = 0;
  std::uint64_t size_ = 0;

  std::mutex mutex_;  // guards packed_, in_pool_ and what is done
  std::condition_variable changed_;
  std::map<std::size_t, Packed> packed_;  // what was submitted and is not written yet
  int in_pool_ = 0;
};

}  // namespace

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::string& path, const Options& options,
                                                       ThreadPool& pool) {
  std::error_code code;
  if (!options.overwrite && std::filesystem::exists(std::filesystem::symlink_status(path, code)))
    return exists_already(path);
  if (std::filesystem::is_directory(path, code))  // also behind a link
    return make_error(ErrorCode::already_exists, "{}: expected a file to replace, found a folder", path)
        .with_hint("move it away, or choose another destination");
  auto file = std::make_unique<File>(path, options.overwrite);
  NGFORGE_CHECK(file->open());
  if (!options.gzip) return std::unique_ptr<OutputFile>(std::make_unique<PlainFile>(std::move(file)));
  auto gzip = std::make_unique<GzipFile>(std::move(file), options.level, pool);
  NGFORGE_CHECK(gzip->begin());
  return std::unique_ptr<OutputFile>(std::move(gzip));
}

}  // namespace ngforge
