// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "array/array_metadata.h"
#include "core/json.h"

// What the parsers of this room share. Include in .cpp files only.
namespace ngforge {

/// A member, or null when it is absent.
const Json& member(const Json& object, const char* name);
/// Integers >= 1, `rank` of them (0: at least one).
Result<Extents> parse_extents(const Json& value, std::string_view path, std::size_t rank);
/// Names or nulls, one for each axis; none when `value` is anything else.
std::vector<std::string> parse_names(const Json& value, std::size_t rank);
/// One value of `type` in the machine's byte order: numbers, booleans, "NaN", "Infinity", "-Infinity", "0x..." (bits of
/// a float), pairs of those for complex types; null is 0.
Result<Bytes> parse_fill_value(const Json& value, StoredType type, std::string_view path);
/// The list of codecs of a Zarr v3 array whose chunks have this shape.
Result<CodecChain> parse_codecs(const Json& list, const Extents& shape, std::string_view path, std::string& names);
/// A codec from bytes to bytes by its name in Zarr v2 ("zlib") or v3 ("zstd", "numcodecs.zlib").
std::optional<ByteCodec> find_byte_codec(std::string_view name);
/// Name and configuration of an extension point of Zarr v3: "name" or {"name": ..., "configuration": {...}}.
Result<std::pair<std::string, Json>> parse_extension(const Json& value, std::string_view path);
/// What all parsers verify at the end: chunks and volumes of sizes that can be handled.
Result<void> check_sizes(const ArrayMetadata& array, std::string_view where);

}  // namespace ngforge
