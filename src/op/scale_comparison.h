// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "layout/provenance.h"
#include "ngforge/error.h"
#include "op/finding_list.h"
#include "op/stored_chunks.h"
#include "pyramid/downsample.h"
#include "source/precomputed.h"

namespace ngforge {

/// A set of cells that many threads add to, each cell any number of times.
class CellSet {
 public:
  /// Thread-safe.
  void add(Index cell);
  /// All of them, ascending.
  std::vector<Index> take();

 private:
  void compact();
  std::mutex mutex_;          // guards all below
  std::vector<Index> cells_;  // ascending up to compacted_
  std::size_t compacted_ = 0;
};

/// One side of a comparison.
struct ComparedScale {
  std::size_t number = 0;
  const StoredChunks* stored = nullptr;
  /// Chunks may be absent that were written: what was written is not known, or more than what is there.
  bool may_miss_chunks = false;
  bool is_lossy = false;
  CellSet* missing = nullptr;  // takes the cells of chunks that the other scale shows to be missing
};

/// How a coarse scale was made of the finer one.
struct ScaleMethod {
  Factor factor{1, 1, 1};
  /// Nothing: by another program. Then a voxel need only lie between the least and the greatest of its cell (labels: be
  /// one of them) in most places.
  std::optional<Downsampling> downsampling;
  Outside outside;
  /// Without `downsampling`: how many cells to each side its voxels may also have come from.
  Index reach_cells = 0;
};

/// Compares the voxels of a scale with what the finer one makes of them: exactly when this program made a lossless
/// scale, within kLossyNoise otherwise.
class ScaleComparison {
 public:
  // Lossy encodings: the root mean square difference of a chunk may be this much, or this share of the spread.
  static constexpr double kLossyNoise = 24, kLossyShare = 1;
  // Scales of other programs: the share of voxels that may lie outside of their cells (images, labels), and how far
  // values may lie outside (lossless, lossy).
  static constexpr double kStrangeImageShare = 1.0 / 16, kStrangeLabelShare = 1.0 / 4;
  static constexpr double kRounding = 1, kLossyRounding = 16;
  // Scales that were kept: filters that ring or reach farther than a cell may lie outside by this share of the standard
  // deviation.
  static constexpr double kFilterRoom = 0.125;

  /// `piece_bytes`: how much one comparison may hold beside the coarse chunk.
  ScaleComparison(const PrecomputedVolume& volume, ComparedScale finer, ComparedScale coarse, ScaleMethod method,
                  std::uint64_t piece_bytes, FindingList& findings);

  /// Compares a stored chunk. Thread-safe.
  void compare_stored(Index coarse_cell);
  /// Compares the coarse cells that a stored finer chunk lies in, where nothing is stored and no lower finer chunk has
  /// done it. Thread-safe.
  void compare_around(Index finer_cell);

 private:
  const ScaleInfo& info(const ComparedScale& scale) const { return volume_.info().scales[scale.number]; }
  GridBox cells_of(const ComparedScale& scale, const Box& box) const;
  Box cells_under(const Box& coarse_part) const;
  Box needed_for(const Box& coarse_part) const;
  bool is_told(const Box& fine_vox) const;
  void compare(Index coarse_cell, bool is_stored);
  bool compare_piece(const Block& chunk, const Box& part, bool is_stored);
  bool disagree(const BlockView& fine, const BlockView& found, std::span<const Box> excused) const;
  bool is_strange(const BlockView& fine, const BlockView& found) const;
  std::vector<Box> excuse_missing(const BlockView& fine, const MutableBlockView& found) const;

  const PrecomputedVolume& volume_;
  const ComparedScale finer_, coarse_;
  const ScaleMethod method_;
  const std::uint64_t piece_bytes_;
  FindingList& findings_;
  const Box fine_bounds_;
};

/// The place of a chunk for findings: its file, and the chunk itself when the file has several.
std::string place_of_chunk(const ScaleInfo& scale, bool is_deep, const GridVec& cell);

}  // namespace ngforge
