// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "core/block.h"
#include "ngforge/error.h"
#include "ngforge/store.h"
#include "ngforge/types.h"

namespace ngforge {

/// A choice that an encoding leaves to whoever writes it, and no reader needs to know; --NAME on the command line.
struct CodecOption {
  const char* name;  // "jpeg-quality"
  int initial, low, high;
  const char* help;
  std::span<const char* const> names = {};  // of the values from `low` to `high`, where they are no quantity
};

/// Choices of one scale's encoding.
struct CodecOptions {
  std::array<Index, 3> block_size_xyz{8, 8, 8};       // `info`: compressed_segmentation_block_size
  std::map<std::string, int, std::less<>> numbers{};  // by CodecOption::name

  /// What was chosen, else the initial value.
  int number(const CodecOption& option) const {
    const auto found = numbers.find(option.name);
    return found == numbers.end() ? option.initial : found->second;
  }
  /// The same as it is written on the command line.
  std::string text(const CodecOption& option) const {
    const int value = number(option);
    return option.names.empty() ? std::to_string(value) : option.names[static_cast<std::size_t>(value - option.low)];
  }
};

/// A row of codecs.def: one encoding of the precomputed `encoding` member.
struct CodecDescriptor {
  const char* name;   // as in `info`
  const char* alias;  // short name on the command line ("cseg"), or ""
  const char* title;  // for `ngforge formats`
  bool is_lossy;
  bool is_compressed;   // true: gzip on top gains nothing and is not applied by default (jpeg, png, jxl)
  bool is_plain;        // true: the encoding of a dense block is its bytes (raw): writers need no copy
  bool has_block_size;  // true: `info` carries compressed_segmentation_block_size
  std::span<const CodecOption> options = {};
  const char* unread_by = "";  // common readers that do not know it: "tensorstore, WEBKNOSSOS"
  /// Whether this type and channel count can be encoded.
  bool (*supports)(DataType type, Index channels);
  /// What decode() takes although no reader gets it right, so that encode() does not make it; null: nothing.
  bool (*decodes_also)(DataType type, Index channels) = nullptr;
  /// Whether the format has room for a chunk of this size; null: for every one. Errors: limit.
  Result<void> (*check_size)(const VoxelVec& size, const CodecOptions& options) = nullptr;
  /// Encodes a dense view; replaces the content of `out`, whose capacity is reused.
  /// Errors: unsupported (type, channels), limit (a field of the format is too narrow).
  Result<void> (*encode)(const BlockView& view, const CodecOptions& options, Bytes& out);
  /// Most bytes that encode() can make of a block of this size; exact when is_plain.
  std::uint64_t (*most_bytes)(const VoxelVec& size, DataType type, Index channels, const CodecOptions& options);
  /// Decodes into a dense view whose box and type are what the grid says. All of it is written, or there is an error.
  /// Errors: invalid_data (wrong length, corrupt, with the place in the bytes).
  Result<void> (*decode)(std::span<const std::byte> bytes, const CodecOptions& options, const MutableBlockView& view);
};

std::span<const CodecDescriptor* const> all_codecs();
/// By name or alias; nullptr when unknown.
const CodecDescriptor* find_codec(std::string_view name);
/// By the name in `info`; nullptr when this build cannot decode such voxels.
const CodecDescriptor* find_decoder(std::string_view name, DataType type, Index channels);

}  // namespace ngforge
