// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ngforge/error.h"
#include "ngforge/store.h"

namespace ngforge {

/// Undoes the compression of a whole buffer. `where` begins every message; nothing is allocated that `in` could not
/// fill. Safe to call from any number of threads.
/// Errors: invalid_data (corrupt, truncated, other bytes behind the end), limit (more than `limit_bytes`).
using Unpack = Result<Bytes>(std::span<const std::byte> in, std::string_view where, std::uint64_t limit_bytes);

Unpack unpack_gzip;   // RFC 1952, any number of members
Unpack unpack_zlib;   // RFC 1950
Unpack unpack_zstd;   // RFC 8878, any number of frames, with or without their size
Unpack unpack_bzip2;  // any number of streams
Unpack unpack_blosc;  // c-blosc 1, with any of its compressors and shuffles
/// A little-endian 32-bit size and one block, as numcodecs stores LZ4.
Unpack unpack_lz4_sized;
/// The blocks of lz4-java ("LZ4Block", as N5 stores LZ4; their checksums are not verified), or an LZ4 frame.
Unpack unpack_lz4_stream;
Unpack unpack_lz4_hdf5;  // as HDF5's filter 32004 frames it
Unpack unpack_lzf;       // as h5py packs chunks

}  // namespace ngforge
