// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/types.h"

namespace ngforge {

/// What an OME-Zarr image (NGFF 0.5, Zarr v3) says beside what VolumeInfo says. Arrays have the axes z, y, x, with c in
/// front when there is more than one channel; a chunk holds all channels.
struct OmeZarr {
  std::string downsampling;  // "average"; "": of scales that were not computed
  bool is_rgb = false;
  std::string orientation;             // anatomical directions of x, y, z ("RAS"), "" when nothing is known of them
  std::optional<Affine> transform_nm;  // corner nm to world nm, as in transform.json
  std::string compressor;              // of chunks, as Zarr calls it; "": none
  int level = 0;                       // of the compressor
  /// Chunks along x, y, z of a shard, for each scale; empty: a file per chunk.
  std::vector<std::array<Index, 3>> shard_chunks_xyz;
};

/// What NGFF calls an anatomical direction: "left-to-right" is R. Nothing for words that are none of R, L, A, P, S, I.
std::optional<char> anatomical_letter(std::string_view words);

/// zarr.json of the group. Voxel centres lie in the world where axes need not be turned for that, else at the dataset's
/// nm. What is left on the way to the world, from nm to nm, is the attribute `ngforge.transform`. Lengths are in the
/// unit that suits them.
std::string write_ome_zarr_group(const VolumeInfo& info, const OmeZarr& image);
/// zarr.json of the array of a scale, which lies in the folder ScaleInfo::key.
std::string write_ome_zarr_array(const VolumeInfo& info, const OmeZarr& image, std::size_t scale);

/// Key of a chunk or shard below the array: "c/z/y/x", "c/0/z/y/x" when there are channels.
std::string zarr_chunk_key(const GridVec& cell, Index channels);
/// Bytes of a shard's index: where each of its chunks is, and a checksum.
std::uint64_t zarr_shard_index_bytes(const std::array<Index, 3>& shard_chunks_xyz);
/// The shape of shards in chunks: the least elongated in nm that hold at most `shard_bytes` (of `chunk_bytes` each) and
/// a number of chunks whose index is small, and no more than the grid.
std::array<Index, 3> plan_zarr_shards(const ScaleInfo& scale, std::uint64_t chunk_bytes, std::uint64_t shard_bytes);

}  // namespace ngforge
