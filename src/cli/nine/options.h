// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "cli/nine/arguments.h"

// Options that several of the commands have.
namespace ngforge::cli::nine {

/// --type and --encoding.
void add_kind_options(Arguments& arguments, std::optional<std::string>& type, std::optional<std::string>& encoding);

/// How files are stored.
struct StorageOptions {
  bool has_gzip = true, is_flat = false;
  int level = 9;
};
/// --no-gzip, --compresslevel; with `has_chunks` also --flat.
void add_storage_options(Arguments& arguments, StorageOptions& options, bool has_chunks);

}  // namespace ngforge::cli::nine
