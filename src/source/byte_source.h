// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ngforge/error.h"

namespace ngforge {

/// The bytes of one volume file, inflated when they are gzip (found by the magic bytes, not by the name). Nothing is
/// written anywhere, and memory does not grow with the file. Every error has concerns_source.
class ByteSource {
 public:
  /// `place`: a path (regular file, FIFO, character device) or "-" for standard input. `inflates`: false leaves gzip as
  /// it is, where values may begin with its magic bytes by chance.
  /// Errors: not_found, permission, unsupported (a folder), io, invalid_data (corrupt gzip).
  static Result<std::shared_ptr<ByteSource>> open(const std::string& place, bool inflates = true);
  virtual ~ByteSource() = default;

  /// For messages: the path, or "standard input".
  const std::string& place() const { return place_; }
  /// The first bytes of the content: 1024, or fewer when the content is shorter.
  std::span<const std::byte> head() const { return head_; }
  /// Makes head() `bytes` long, or as long as the content is; for headers whose length is not known before. Only before
  /// anything behind head() has been read. Errors: those of read().
  Result<void> extend_head(std::size_t bytes);
  /// True: read() may be called with any offset from any thread. False: each read starts where the one before ended or
  /// later (bytes between are skipped), from one thread; head() can be read again at any time before that.
  virtual bool has_random_access() const = 0;
  /// Whether the content is gzip.
  bool is_gzip() const { return is_gzip_; }
  /// Bytes of the file as it lies on disk; 0 when that is not known (FIFO, standard input).
  std::uint64_t stored_bytes() const { return stored_bytes_; }
  /// Bytes of the content, when known without reading it.
  virtual std::optional<std::uint64_t> content_bytes() const = 0;
  /// Changes when the file is replaced: size, time of change and first bytes; for streams only the first bytes.
  virtual std::string fingerprint() const;

  /// Reads exactly out.size() bytes of content. Errors: invalid_data (the content ends before, corrupt gzip), io.
  Result<void> read(std::uint64_t offset, std::span<std::byte> out);
  /// The same, but the content may end before `out` is full; returns how many bytes there were.
  virtual Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> out) = 0;
  /// Says that nothing more will be read. A stream is read to its end, so that its last checksum is verified and a
  /// writer at the other end is not cut off.
  virtual Result<void> finish() = 0;

 protected:
  std::string place_;
  std::vector<std::byte> head_;
  bool is_gzip_ = false;
  std::uint64_t stored_bytes_ = 0;
  std::int64_t modified_ns_ = 0;
};

}  // namespace ngforge
