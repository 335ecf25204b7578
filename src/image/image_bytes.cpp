// SPDX-License-Identifier: Apache-2.0
#include "image/image_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ngforge {
namespace {

Error system_failure(const std::string& path, std::string_view what, int number) {
  const ErrorCode code = number == ENOENT || number == ENOTDIR ? ErrorCode::not_found
                         : number == EACCES                    ? ErrorCode::permission
                                                               : ErrorCode::io;
  return make_error(code, "{}: {} ({})", path, what, std::strerror(number)).of_source();
}

Error ends_before(const std::string& name, std::uint64_t offset, std::size_t count, std::uint64_t size) {
  return make_error(ErrorCode::invalid_data, "{}: expected {} bytes at byte {}, found the end of the file at byte {}",
                    name, count, offset, size)
      .of_source();
}

class FileBytes final : public ImageBytes {
 public:
  FileBytes(std::string name, int fd, std::uint64_t size) : name_(std::move(name)), fd_(fd), size_(size) {}
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes() override { ::close(fd_); }

  const std::string& name() const override { return name_; }
  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::byte> out) override {
    for (std::size_t done = 0; done < out.size();) {
      const ssize_t moved = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (moved < 0 && errno == EINTR) continue;
      if (moved < 0) return system_failure(name_, "cannot be read", errno);
      if (moved == 0) return ends_before(name_, offset, out.size(), offset + done);
      done += static_cast<std::size_t>(moved);
    }
    return {};
  }

 private:
  const std::string name_;
  const int fd_;
  const std::uint64_t size_;
};

class MemoryBytes final : public ImageBytes {
 public:
  MemoryBytes(std::span<const std::byte> bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}
  const std::string& name() const override { return name_; }
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> out) override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
      return ends_before(name_, offset, out.size(), bytes_.size());
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }

 private:
  const std::span<const std::byte> bytes_;
  const std::string name_;
};

}  // namespace

Result<std::size_t> read_some(ImageBytes& bytes, std::uint64_t offset, std::span<std::byte> out) {
  if (offset >= bytes.size()) return std::size_t{0};
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), bytes.size() - offset));
  NGFORGE_CHECK(bytes.read(offset, out.first(count)));
  return count;
}

Result<std::shared_ptr<ImageBytes>> open_image_bytes(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_failure(path, "cannot be opened", errno);
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return make_error(ErrorCode::unsupported, "{}: expected an image file, found something else", path).of_source();
  }
  return std::shared_ptr<ImageBytes>(std::make_shared<FileBytes>(path, fd, static_cast<std::uint64_t>(status.st_size)));
}

std::shared_ptr<ImageBytes> image_bytes_of(std::span<const std::byte> bytes, std::string name) {
  return std::make_shared<MemoryBytes>(bytes, std::move(name));
}

}  // namespace ngforge
