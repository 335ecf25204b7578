// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

struct PlyProperty {
  std::string name;
  DataType type = DataType::float32;
  std::optional<DataType> count_type;  // of a list
};

struct PlyElement {
  std::string name;
  std::uint64_t count = 0;
  std::vector<PlyProperty> properties;

  /// Which property has the name; nothing when none has.
  std::optional<std::size_t> find(std::string_view property) const;
};

struct PlyHeader {
  enum class Format { ascii, little, big };
  Format format = Format::ascii;
  std::vector<PlyElement> elements;  // in the order of their values
  std::string comments;
  std::size_t end = 0;        // bytes
  std::size_t end_lines = 0;  // lines
};

/// Errors: invalid_data (with the line).
Result<PlyHeader> read_ply_header(std::string_view text, std::string_view place);

}  // namespace ngforge
