// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "ngforge/error.h"

namespace ngforge {

/// Writes files below one folder so that each appears complete or not at all. Thread-safe for different names.
class FolderWriter {
 public:
  FolderWriter() = default;
  FolderWriter(FolderWriter&&) = delete;
  ~FolderWriter();
  /// Creates the folder (its parent must exist) when it is not there. Errors: permission, io.
  Result<void> open(const std::string& path);

  bool exists(const std::string& name) const;
  /// `name` may contain '/': folders are made as needed.
  Result<void> write(const std::string& name, std::span<const std::byte> bytes);
  /// The same, and does not return before the file and its name are on the disk.
  Result<void> write_synced(const std::string& name, std::span<const std::byte> bytes);

  /// For files that grow: opens NAME.tmp for writing (truncated when it is new), and gives it its name when it is done.
  Result<int> open_growing(const std::string& name, bool is_new = true);
  Result<void> finish_growing(const std::string& name);

  const std::string& path() const { return path_; }

 private:
  Result<void> write_file(const std::string& name, std::span<const std::byte> bytes, bool sync);
  Result<void> make_folders(const std::string& name);

  std::string path_;
  int descriptor_ = -1;
};

/// What is in a file; "" when it cannot be read.
std::string text_of_file(const std::string& path);

/// Writes all bytes at an offset. `path` is for messages.
Result<void> write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes, const std::string& path);

}  // namespace ngforge
