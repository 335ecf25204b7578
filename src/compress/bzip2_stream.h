// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "compress/gzip_stream.h"
#include "ngforge/error.h"

namespace ngforge {

/// Unpacks bzip2 from a byte input while it is read: any number of streams, checksums verified. Holds about 4 MiB,
/// whatever the size of the stream. One thread at a time.
class Bzip2Stream {
 public:
  /// `where` begins every message. Throws std::bad_alloc, as does read().
  Bzip2Stream(ByteInput input, std::string where);
  ~Bzip2Stream();
  Bzip2Stream(Bzip2Stream&&) noexcept;
  Bzip2Stream& operator=(Bzip2Stream&&) noexcept;

  /// Unpacks into `out` until it is full or the stream ends; returns how many bytes were written. Errors: invalid_data
  /// (not bzip2, corrupt, truncated; with the compressed byte), and those of the input. After an error every call
  /// returns the same one.
  Result<std::size_t> read(std::span<std::byte> out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ngforge
