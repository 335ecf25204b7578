// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ngforge/error.h"

namespace ngforge {

/// The bytes of an image file, readable anywhere and from any thread.
class ImageBytes {
 public:
  virtual ~ImageBytes() = default;
  /// For messages.
  virtual const std::string& name() const = 0;
  virtual std::uint64_t size() const = 0;
  /// Reads exactly out.size() bytes. Errors: invalid_data (the file ends before), io.
  virtual Result<void> read(std::uint64_t offset, std::span<std::byte> out) = 0;
};

/// Reads as many bytes as there are from `offset` on, at most out.size(), and returns how many. Errors: io.
Result<std::size_t> read_some(ImageBytes& bytes, std::uint64_t offset, std::span<std::byte> out);

/// A regular file. Errors: not_found, permission, unsupported (not a regular file), io.
Result<std::shared_ptr<ImageBytes>> open_image_bytes(const std::string& path);
/// Bytes in memory, which must outlive the result.
std::shared_ptr<ImageBytes> image_bytes_of(std::span<const std::byte> bytes, std::string name);

}  // namespace ngforge
