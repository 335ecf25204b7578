// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// A step in the making of HDF5 chunks (numbers as registered with The HDF Group).
struct Hdf5Filter {
  int id = 0;
  std::string name;  // as the file has it, or ours for the known ones
  std::vector<unsigned> parameters;
};

/// Whether undo_filters can undo it: deflate, shuffle, fletcher32, lzf, lz4, zstd, blosc, bzip2.
bool is_known_filter(int id);
/// "gzip", "shuffle" ... for known ones, else "".
std::string_view hdf5_filter_name(int id);

/// Undoes the filters of a chunk, the last one first, but those whose bit in `left_out` is set. All must be known.
/// `chunk_bytes`: what must come out. Safe to call from any number of threads. Errors: invalid_data (corrupt,
/// truncated, a checksum that differs, another size).
Result<Bytes> undo_filters(std::span<const Hdf5Filter> filters, std::uint32_t left_out, Bytes bytes,
                           std::uint64_t chunk_bytes, std::string_view where);

}  // namespace ngforge
