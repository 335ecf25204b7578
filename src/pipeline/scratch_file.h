// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ngforge/error.h"

namespace ngforge {

/// A nameless file for what does not fit the memory budget: unlinked as soon as it exists, read and written at offsets,
/// never mapped. Reads and writes are safe from any number of threads.
class ScratchFile {
 public:
  /// Creates the file in `folder`. Errors: io, permission.
  static Result<ScratchFile> create(const std::string& folder);
  ScratchFile(ScratchFile&& other) noexcept;
  ScratchFile& operator=(ScratchFile&&) = delete;
  ~ScratchFile();

  /// Errors: io (full disk, short read).
  Result<void> write(std::uint64_t offset, std::span<const std::byte> bytes);
  Result<void> read(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  ScratchFile(int descriptor, std::string folder) : descriptor_(descriptor), folder_(std::move(folder)) {}
  int descriptor_ = -1;
  std::string folder_;
};

}  // namespace ngforge
