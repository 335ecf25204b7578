// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "ngforge/error.h"

namespace ngforge {

/// Fills `out` from its start and returns how many bytes that were; 0 only at the end of the input (out is never
/// empty).
using ByteInput = std::function<Result<std::size_t>(std::span<std::byte> out)>;

/// `fastest` is ISA-L where the build has it, else zlib. Both give the same bytes and find the same errors.
enum class InflateEngine : std::uint8_t { fastest, zlib };

/// Inflates gzip from a byte input while it is read: any number of members, zero bytes allowed behind the last one,
/// checksums and lengths verified. Holds less than 512 KiB, whatever the size of the stream. One thread at a time.
class GzipStream {
 public:
  /// `where` begins every message. Throws std::bad_alloc, as does read().
  GzipStream(ByteInput input, std::string where, InflateEngine engine = InflateEngine::fastest);
  ~GzipStream();
  GzipStream(GzipStream&&) noexcept;
  GzipStream& operator=(GzipStream&&) noexcept;

  /// Inflates straight into `out` until it is full or the stream ends; returns how many bytes were written. Large reads
  /// are cheaper: each call costs up to 100 KiB of copying. A checksum is verified when the byte behind its member is
  /// asked for. Errors: invalid_data (not gzip, corrupt, truncated, other bytes behind the last member; with the
  /// compressed byte), and those of the input. After an error every call returns the same one.
  Result<std::size_t> read(std::span<std::byte> out);
  /// How many compressed bytes have been inflated so far.
  std::uint64_t compressed_position() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ngforge
