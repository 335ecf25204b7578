// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/op.h"
#include "ngforge/source_options.h"

// Scales of a dataset whose `info` is there: written, computed or encoded anew in their folders on this machine. Each
// scale appears whole or not at all and replaces a former one. Chunks are as `info` says.
namespace ngforge {

/// What `info` does not say of chunks.
struct ChunkStorage {
  std::string layout = "flat";                  // flat, deep; of scales without shards
  std::string compress = "gzip";                // gzip, none; of scales without shards
  int level = 6;                                // of gzip
  std::map<std::string, int> encoding_options;  // by EncodingOption::name; those of other encodings mean nothing
  bool keep_empty = false;                      // write chunks of zeros too
};

/// How coarser scales are computed; meanings and defaults as in VolumeOptions.
struct ScaleComputation {
  std::string downsample = "auto", outside = "edge";
};

struct ScalesReport {
  std::string destination;
  std::vector<ScaleReport> scales;   // that were written
  std::vector<std::string> notices;  // what a user should know
};

struct FillOptions {
  SourceOptions source;
  std::string orientation;  // of the output axes, one of 48 codes; "": the axes of the source as they are
  bool ignore_scaling = false;
  /// These values of the source become the ends of the range of an integer type, 0 and 1 of float32; what lies beyond
  /// is clamped to the range of integers only. The first may be the larger.
  std::optional<std::array<double, 2>> ends;
  bool all_scales = false;  // compute the coarser ones too
  ScaleComputation computation;
  ChunkStorage storage;
};
/// Brings a volume into scale 0 of a dataset, perhaps into all. Values are rounded half to even and clamped to the type
/// of `info`, NaN becomes 0 in integers. Errors: those of the source and of the dataset; invalid_data (a volume of
/// another size or number of channels), invalid_argument, unsupported (not a folder of this machine, no factors between
/// scales), needs_decision (--memory), permission, io, cancelled.
Result<ScalesReport> fill_scales(std::span<const std::string> sources, const std::string& dataset,
                                 const FillOptions& options, const RunOptions& run);

/// Computes all scales but the finest from it. Factors are whole numbers up to 64 along each axis. Errors: as
/// fill_scales; not_found (nothing in the finest scale).
Result<ScalesReport> compute_scales(const std::string& dataset, const ScaleComputation& computation,
                                    const ChunkStorage& storage, const RunOptions& run);

struct DownsampleOptions {
  ScaleComputation computation;
  std::string factor = "auto";  // as in VolumeOptions
  std::optional<int> scales;    // how many there will be
  std::optional<std::array<Index, 3>> chunk_size_xyz;
  ChunkStorage storage;  // layout and compression are those of the finest scale
  bool dry_run = false;  // report what would be written
};
/// `downsample`: computes the scales that `info` lists anew. Where it lists the finest only, or where factors, their
/// number or chunks are given, those that `convert` would make; `info` is then replaced, and scales that it no longer
/// lists go. Errors: as compute_scales; invalid_argument.
Result<ScalesReport> downsample_scales(const std::string& dataset, const DownsampleOptions& options,
                                       const RunOptions& run);

/// Encodes the voxels of another dataset, the same or a remote one, as `info` says: each scale from the one with its
/// key there, whose size and place it has. Errors: as fill_scales; not_found (a key that the source has not).
Result<ScalesReport> recode_scales(const std::string& source, const std::string& dataset, const ChunkStorage& storage,
                                   const RunOptions& run);

}  // namespace ngforge
