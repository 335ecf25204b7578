// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "ngforge/error.h"
#include "ngforge/op.h"

namespace ngforge::cli {

// Strict readings of what is typed (COMMANDS.md, "Rules for every command"). Errors: invalid_argument, naming `option`.
/// A whole number in decimal, nothing around it.
Result<Index> parse_integer(std::string_view text, std::string_view option, Index low, Index high);
Result<double> parse_number(std::string_view text, std::string_view option);
/// Bytes, at least one: a number with B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB, or nothing (bytes).
Result<std::uint64_t> parse_size(std::string_view text, std::string_view option);
/// Nanometres: a number with nm, um, mm, cm, m, or nothing (nanometres). > 0.
Result<double> parse_length_nm(std::string_view text, std::string_view option);
/// "x,y,z"; one number means all three.
Result<std::array<Index, 3>> parse_index_triple(std::string_view text, std::string_view option, Index low, Index high);
Result<std::array<double, 3>> parse_length_triple_nm(std::string_view text, std::string_view option);

/// Sizes for SourceOptions::shape: two to four of them, "x,y,z[,channels]".
Result<std::vector<Index>> parse_shape(std::string_view text, std::string_view option);

/// Adds a positional argument that must be there: a place, not empty.
void add_place(CLI::App& app, const std::string& name, std::string& place, const std::string& text);

/// Adds the options of a folder of meshes. `initial`: what they are without being given, for the help: "multires",
/// "sharded; legacy: flat".
void add_mesh_folder(CLI::App& app, MeshFolderOptions& options, const std::string& initial_format,
                     const std::string& initial_layout);

/// --threads, --memory, --scratch, --progress, --quiet, --log-level.
class RunGroup {
 public:
  void add_to(CLI::App& app);
  /// Only those that say what is told: for commands that need neither threads nor memory to speak of.
  void add_told_to(CLI::App& app);
  /// The options as typed; progress and notices go to context.teller as asked, from any thread. It must end() before
  /// results are printed.
  Result<RunOptions> resolve(const CommandContext& context) const;

 private:
  std::string threads_, memory_, scratch_, progress_ = "auto", log_level_ = "info";
  bool quiet_ = false;
};

/// The options that decide what a volume becomes; `convert` and `serve` share them.
class VolumeGroup {
 public:
  /// `writes`: also the options that only matter for files (layout, compression, sharding).
  void add_to(CLI::App& app, bool writes);
  Result<VolumeOptions> resolve() const;
  /// Errors: invalid_argument, naming the first of these options that was given: `place` is no volume.
  Result<void> refuse(const std::string& place) const;

 private:
  std::vector<const CLI::Option*> added_;
  VolumeOptions options_;
  std::map<std::string, std::string> encoding_options_;
  std::string level_, shard_size_, chunk_size_, block_, scales_, voxel_size_, voxel_offset_, window_, nan_, time_,
      shape_;
};

}  // namespace ngforge::cli
