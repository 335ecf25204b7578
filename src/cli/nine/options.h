// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "cli/nine/arguments.h"
#include "cli/nine/json.h"
#include "ngforge/scales.h"

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
/// The same for the library: every chunk is written, JPEG has quality 95.
ChunkStorage chunk_storage(const StorageOptions& options);
/// The number of a value that a choice of an encoding calls so ("jpeg-plane", "xz").
int encoding_choice(const std::string& option, const std::string& value);

struct DownscalingOptions {
  std::optional<std::string> method;
  std::optional<double> outside_value;
};
/// --downscaling-method and --outside-value.
void add_downscaling_options(Arguments& arguments, DownscalingOptions& options);
/// The same for the library: without a method, average for images and stride for segmentations.
ScaleComputation computation_of(const DownscalingOptions& options, const Json& info);

/// Does the work with a progress bar on a terminal; what a user should know is told as warnings.
Result<int> run_with_progress(const std::stop_token& stop,
                              const std::function<Result<ScalesReport>(const RunOptions&)>& work);

}  // namespace ngforge::cli::nine
