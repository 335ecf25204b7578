// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

/// The `provenance` file beside `info`, as cloud-volume writes it (specification, section 7), with one processing step:
/// ours.
struct Provenance {
  std::string description;
  std::vector<std::string> sources;
  std::string task, version;                                 // "ngforge convert", "0.1.0"
  std::vector<std::pair<std::string, std::string>> options;  // what decided the result, in a fixed order
  struct Scale {
    std::string key;
    std::uint64_t stored_chunks = 0, empty_chunks = 0;
    std::array<Index, 3> factor{1, 1, 1};  // from the scale before
    std::array<Index, 3> size_xyz{};       // of `info`; zero: it does not say
    std::array<Index, 3> voxel_offset_xyz{};
  };
  std::vector<Scale> scales;

  /// The value of an option, or "".
  std::string option(std::string_view name) const;
  /// Replaces the value of an option, or appends it.
  void set_option(std::string_view name, std::string value);
};

/// JSON with the date of the call.
std::string write_provenance(const Provenance& provenance);
/// Reads a provenance of any writer; task is "" when no step of it is ours. The last step of ours counts.
/// Errors: invalid_data.
Result<Provenance> parse_provenance(std::string_view json, std::string_view where);

}  // namespace ngforge
