// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>

#include "cli/nine/arguments.h"
#include "cli/nine/dataset_files.h"
#include "cli/nine/options.h"
#include "ngforge/error.h"
#include "ngforge/scales.h"
#include "ngforge/types.h"

namespace ngforge::cli::nine {

/// How a volume's values are read.
struct ReadingOptions {
  bool ignore_scaling = false, is_mapped = false, is_loaded = false;  // the last two say nothing
  std::optional<double> input_min, input_max;

  /// The values that become the ends of the range.
  std::optional<std::array<double, 2>> ends() const;
};
/// --ignore-scaling, --mmap, --input-min, --input-max.
void add_reading_options(Arguments& arguments, ReadingOptions& options);
/// What must go together. The exit status when it does not.
std::optional<int> check_reading_options(const Arguments& arguments, const ReadingOptions& options);

/// How a volume is written into a dataset that is there.
FillOptions fill_options(const ReadingOptions& reading, const StorageOptions& storage);

/// What the header of a volume says, axes in the order of the file.
struct VolumeFacts {
  std::array<Index, 3> size{};
  Index channels = 1;
  std::string read_type;  // of values as they are read: "float64" with slope and intercept
  std::string data_type;  // the same if datasets have it, else "float32"
  std::array<double, 3> resolution_nm{};
  Affine transform;  // corner coordinates in nm to world nm

  bool is_perfect() const { return read_type == data_type; }
  /// The text of info_fullres.json. `sharding`: "MINISHARD,SHARD,PRESHIFT" bits, or "". Errors: invalid_argument.
  Result<std::string> description(const std::string& sharding, bool has_gzip) const;
  /// transform.json; and as it stands in a link, "_" between numbers.
  std::string transform_json() const;
  std::string transform_link() const;
};

/// Reads a header and tells on stderr what it says. Errors: those of describe(); needs_decision (no voxel size).
Result<VolumeFacts> read_facts(const std::string& place, const ReadingOptions& options);

/// Writes transform.json, unless there is one, and tells the user of it; what goes wrong is told too.
void store_transform(const VolumeFacts& facts, const DatasetFiles& files);

}  // namespace ngforge::cli::nine
