// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "codec/codec.h"
#include "core/block.h"
#include "layout/volume_info.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "ngforge/types.h"
#include "store/sharded.h"

namespace ngforge {

/// A precomputed volume that is open for reading: all scales, sharded or a file per chunk (flat and deep names), chunks
/// that are absent as zeros. Safe to use from any number of threads. Every error has concerns_source.
class PrecomputedVolume {
 public:
  /// `place`: the dataset's folder, or its URL in one of the viewer's spellings ("precomputed://DIR",
  /// "DIR|neuroglancer-precomputed:").
  /// Errors: those of open_store, parse_volume_info and parse_transform; limit (a chunk of more than 2 GiB).
  static Result<std::shared_ptr<PrecomputedVolume>> open(const std::string& place);
  /// The same for a dataset at the root of a store.
  static Result<std::shared_ptr<PrecomputedVolume>> open(std::shared_ptr<Store> store);

  /// What `info` says. Keys of scales are resolved: folders below the store's root, without "." and "..".
  const VolumeInfo& info() const { return info_; }
  /// transform.json: corner coordinates in nm to world nm, if there is one.
  const std::optional<Affine>& transform_nm() const { return transform_nm_; }
  const std::shared_ptr<Store>& store() const { return store_; }
  /// Changes when `info` does.
  const std::string& fingerprint() const { return fingerprint_; }

  /// How a scale is stored. Without shards it is found by the names in its folder; flat when there are none.
  Layout layout(std::size_t scale) const;
  /// Whether chunk files of the finest scale are called NAME.gz.
  bool has_gzip_names() const;

  /// The encoded bytes of one chunk, any gzip around them undone; nothing when it is absent.
  Result<std::optional<Bytes>> read_chunk_bytes(std::size_t scale, const GridVec& cell) const;
  /// Decodes one chunk into a dense view of its box. False (and zeros) when it is absent.
  /// Errors: invalid_data (does not decode), unsupported (an encoding that this build does not have), those of the
  /// store.
  Result<bool> read_chunk(std::size_t scale, const GridVec& cell, const MutableBlockView& view) const;
  /// Reads `channels` of `box`, which must lie in the scale, into a view of that box. Errors: as read_chunk().
  Result<void> read(std::size_t scale, const Box& box, ChannelRange channels, const MutableBlockView& view) const;
  /// The same for all channels.
  Result<void> read(std::size_t scale, const Box& box, const MutableBlockView& view) const {
    return read(scale, box, {0, info_.channels}, view);
  }

 private:
  PrecomputedVolume() = default;
  Result<void> read_head();
  Result<std::optional<Bytes>> find_file(const ScaleInfo& scale, const Box& box_vox) const;

  std::shared_ptr<Store> store_;
  VolumeInfo info_;
  std::optional<Affine> transform_nm_;
  std::string fingerprint_;
  std::vector<std::unique_ptr<ShardedReader>> shards_;  // one per scale; null when it has a file per chunk
};

/// The store of a dataset, at its root; `place` as in PrecomputedVolume::open. Errors: those of open_store.
Result<std::shared_ptr<Store>> open_dataset_store(const std::string& place);

/// Whether a place is a precomputed dataset: a folder with an `info` in it, or spelled as one.
bool is_precomputed(const std::string& place);

/// Whether the channels may mean colours: an image with three or four of uint8.
bool has_channels_of_colors(const VolumeInfo& info);
/// Whether the channels mean colours, which the format has no word for: `convert` writes it down in `provenance`;
/// nothing when others wrote the dataset.
std::optional<bool> says_colors(const PrecomputedVolume& volume);

}  // namespace ngforge
