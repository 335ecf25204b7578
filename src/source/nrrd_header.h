// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ngforge/error.h"
#include "source/byte_source.h"

namespace ngforge {

/// The text of a NRRD header: lines "field: description", "key:=value" and comments, up to an empty line.
struct NrrdHeader {
  std::string place;
  /// By name in lower case, without spaces: "space directions" is "spacedirections".
  std::map<std::string, std::string> fields;
  std::vector<std::string> keys;  // of key/value pairs
  std::uint64_t end = 0;          // where the values begin if they are in the same file

  const std::string* find(std::string_view field) const;
  /// Errors: invalid_data, naming the field.
  Error wrong(std::string_view field, std::string_view expected) const;
  /// Whole numbers, exactly `count` of them. The field must be there.
  Result<std::vector<std::int64_t>> integers(std::string_view field, std::size_t count) const;
  /// Reals (nan where the file has none), exactly `count` of them; nothing when there is no such field.
  Result<std::optional<std::vector<double>>> reals(std::string_view field, std::size_t count) const;
  /// "(1,0,0) none (0,0,1)": `count` vectors, empty where the file has none, all of one length up to 4; nothing when
  /// there is no such field.
  Result<std::optional<std::vector<std::vector<double>>>> vectors(std::string_view field, std::size_t count) const;
  /// Words, or texts in quotation marks.
  std::vector<std::string> words(std::string_view field) const;
};

bool has_nrrd_magic(std::span<const std::byte> head);

/// Reads a header; only head() of `bytes` is used. Errors: invalid_data (no magic, a line that is neither, a field that
/// comes twice), limit (more than 4 MiB).
Result<NrrdHeader> read_nrrd_header(ByteSource& bytes);

}  // namespace ngforge
