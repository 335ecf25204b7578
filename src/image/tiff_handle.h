// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <tiffio.h>

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/block.h"
#include "image/image_bytes.h"
#include "ngforge/error.h"

namespace ngforge {

/// One handle of libtiff on an image file: for one thread at a time. What libtiff has to say is kept and becomes part
/// of our errors; nothing is printed.
class TiffHandle {
 public:
  /// Opens at the first directory. `level`: which smaller copies of the pages are read, for messages. Errors:
  /// invalid_data, io.
  static Result<std::unique_ptr<TiffHandle>> open(std::shared_ptr<ImageBytes> bytes, std::size_t level = 0);
  ~TiffHandle();
  TiffHandle(const TiffHandle&) = delete;
  TiffHandle& operator=(const TiffHandle&) = delete;

  TIFF* get() const { return tiff_; }
  /// Goes to the directory of a page at this offset, unless it is there. Errors: invalid_data, io.
  Result<void> go_to(std::size_t page, std::uint64_t directory_offset);
  /// Forgets what was said so far.
  void listen();
  /// Whether libtiff warned, or tried to read behind the end of the file, since listen().
  bool has_doubts() const { return !warning_.empty(); }
  bool has_read_past_end() const { return read_past_end_; }
  /// What went wrong since listen(): `expected` says what was tried ("strip 3").
  Error failure(std::string_view where, std::string_view expected) const;
  /// For messages.
  std::string where(std::size_t page) const {
    return fmt::format("{}: page {}{}", bytes_->name(), page, level_ > 0 ? fmt::format(", level {}", level_) : "");
  }
  /// At least this many bytes, which stay between calls.
  std::byte* scratch(std::size_t bytes);

 private:
  TiffHandle(std::shared_ptr<ImageBytes> bytes, std::size_t level) : bytes_(std::move(bytes)), level_(level) {}
  static tmsize_t read(thandle_t handle, void* to, tmsize_t count);
  static toff_t seek(thandle_t handle, toff_t offset, int whence);
  static int keep_error(TIFF* tiff, void* handle, const char* module, const char* format, va_list arguments);
  static int keep_warning(TIFF* tiff, void* handle, const char* module, const char* format, va_list arguments);

  const std::shared_ptr<ImageBytes> bytes_;
  const std::size_t level_;
  TIFF* tiff_ = nullptr;
  std::uint64_t position_ = 0;
  bool read_past_end_ = false;
  std::string error_, warning_;  // the first of each
  std::optional<Error> io_error_;
  Buffer scratch_;
};

}  // namespace ngforge
