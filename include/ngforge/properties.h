// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/op.h"

namespace ngforge {

/// How a table of labels becomes segment properties. Columns are named as in the table; "" and nothing: found by their
/// names.
struct PropertiesOptions {
  std::string format;  // of the table: one of TableFormat::name; "": found by its content
  std::string id, label, description, color;
  std::optional<std::vector<std::string>> tags;     // columns whose words become tags
  std::optional<std::vector<std::string>> columns;  // others to keep; nothing: all
  std::vector<std::string> strings, numbers;        // columns that are one of these, whatever their cells look like
  bool rounds = false;                              // numbers that float32 does not give back become the nearest
  std::string missing;                              // the number that stands where there is none; "": there must be one
  bool present = false;                             // only of labels that have voxels
  bool measure = false;                             // the same, with number of voxels, volume and bounding box
  bool overwrite = false, dry_run = false;
};

/// What became of one column.
struct PropertyColumn {
  std::string name;                            // in the table; "": measured
  std::string id;                              // of the property; of the ids ""
  std::string type;                            // "id", "label", "description", "tags", "string", "number"; "": left out
  std::string data_type;                       // of numbers
  std::optional<std::array<double, 2>> range;  // of numbers: least and greatest
  std::string example;                         // of text: the first that is not empty
};

struct PropertiesReport {
  std::string table, format;  // "": there was none
  std::uint64_t rows = 0;     // of the table
  std::string destination;    // the folder
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;
  std::vector<PropertyColumn> columns;
  std::vector<std::string> notices;
};

/// Puts properties of segments beside a segmentation on this machine and links them in its `info`: the folder appears
/// whole, then `info` is replaced. `table`: a file of names (CSV, TSV, colour tables, JSON, `info` of segment
/// properties), or "": what the dataset has already, to be measured.
/// Errors: invalid_argument (columns that are not there), invalid_data (naming file, line and column), unsupported (no
/// segmentation, not on this machine), needs_decision (numbers that float32 cannot carry, too little memory),
/// already_exists (without overwrite), permission, io, cancelled.
Result<PropertiesReport> set_properties(const std::string& table, const std::string& dataset,
                                        const PropertiesOptions& options, const RunOptions& run);

/// A format of tables of labels of this build.
struct TableFormat {
  std::string name, title;
};
std::vector<TableFormat> all_table_formats();

}  // namespace ngforge
