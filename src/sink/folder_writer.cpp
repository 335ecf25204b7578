// SPDX-License-Identifier: Apache-2.0
#include "sink/folder_writer.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/system_error.h"

namespace ngforge {

FolderWriter::~FolderWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> FolderWriter::open(const std::string& path) {
  path_ = path;
  if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) return write_error(path, "cannot be created");
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) return write_error(path, "cannot be opened");
  return {};
}

bool FolderWriter::exists(const std::string& name) const {
  struct stat status;
  return ::fstatat(descriptor_, name.c_str(), &status, 0) == 0;
}

Result<void> FolderWriter::make_folders(const std::string& name) {
  for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    const std::string folder = name.substr(0, slash);
    if (::mkdirat(descriptor_, folder.c_str(), 0777) != 0 && errno != EEXIST)
      return write_error(path_ + "/" + folder, "cannot be created");
  }
  return {};
}

Result<int> FolderWriter::open_growing(const std::string& name, bool is_new) {
  const auto open = [&] {
    const int flags = is_new ? O_CREAT | O_TRUNC : 0;
    return ::openat(descriptor_, (name + ".tmp").c_str(), O_WRONLY | O_CLOEXEC | flags, 0666);
  };
  int file = open();
  // The folders are not remembered: with a folder per column of chunks, there may be millions.
  if (file < 0 && errno == ENOENT && is_new) {
    NGFORGE_CHECK(make_folders(name));
    file = open();
  }
  if (file < 0) return write_error(path_ + "/" + name, is_new ? "cannot be created" : "cannot be opened again");
  return file;
}

Result<void> FolderWriter::finish_growing(const std::string& name) {
  if (::renameat(descriptor_, (name + ".tmp").c_str(), descriptor_, name.c_str()) != 0)
    return write_error(path_ + "/" + name, "cannot be renamed");
  return {};
}

Result<void> FolderWriter::write(const std::string& name, std::span<const std::byte> bytes) {
  return write_file(name, bytes, false);
}

Result<void> FolderWriter::write_synced(const std::string& name, std::span<const std::byte> bytes) {
  return write_file(name, bytes, true);
}

Result<void> FolderWriter::write_file(const std::string& name, std::span<const std::byte> bytes, bool sync) {
  NGFORGE_TRY(const int file, open_growing(name));
  auto written = write_at(file, 0, bytes, path_ + "/" + name);
  if (written && sync && ::fsync(file) != 0) written = write_error(path_ + "/" + name, "cannot be synced");
  if (::close(file) != 0 && written) written = write_error(path_ + "/" + name, "cannot be written");
  if (!written) {
    ::unlinkat(descriptor_, (name + ".tmp").c_str(), 0);
    return written;
  }
  NGFORGE_CHECK(finish_growing(name));
  if (sync && ::fsync(descriptor_) != 0) return write_error(path_, "cannot be synced");
  return {};
}

std::string text_of_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Result<void> write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return write_error(path, "cannot be written");
    offset += static_cast<std::uint64_t>(done);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return {};
}

}  // namespace ngforge
