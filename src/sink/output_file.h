// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "ngforge/error.h"
#include "pipeline/thread_pool.h"

namespace ngforge {

/// A file that is written from front to back: it grows as PATH.partial, which no other run can take meanwhile, and
/// takes its name in finish().
class OutputFile {
 public:
  struct Options {
    bool gzip = false;  // one member, deflated in independent blocks of 1 MiB: its bytes depend on the level only
    int level = 6;
    bool overwrite = false;
  };
  /// `pool` deflates; it must outlive the file, and no task of it may wait for the file. Errors: already_exists (unless
  /// `overwrite`; also while another run writes the same file), permission, io.
  static Result<std::unique_ptr<OutputFile>> create(const std::string& path, const Options& options, ThreadPool& pool);
  virtual ~OutputFile() = default;
  /// The next bytes. Errors: io.
  virtual Result<void> append(std::span<const std::byte> bytes) = 0;
  /// Ends the file and gives it its name. Without it, the partial file is removed. Errors: io; already_exists (the name
  /// was taken meanwhile, without `overwrite`).
  virtual Result<void> finish() = 0;
};

}  // namespace ngforge
