// SPDX-License-Identifier: Apache-2.0
// attributes.json of an N5 dataset (N5 specification 4.0.0).
#include <algorithm>
#include <numeric>

#include "array/parse_parts.h"

namespace ngforge {
namespace {

constexpr StoredType kTypes[] = {StoredType::int8,    StoredType::uint8,  StoredType::int16, StoredType::uint16,
                                 StoredType::int32,   StoredType::uint32, StoredType::int64, StoredType::uint64,
                                 StoredType::float32, StoredType::float64};

Result<void> add_compression(const Json& json, std::string_view where, ArrayMetadata& array) {
  // Version 1 had a name, later versions an object.
  const Json& compression = member(json, "compression");
  const Json& type = compression.is_object() ? member(compression, "type") : member(json, "compressionType");
  if (!type.is_string())
    return make_error(ErrorCode::invalid_data, "{}: compression.type: expected a name, found {}", where,
                      type.type_name());
  const auto name = type.get<std::string>();
  array.codec_names = name;
  if (name == "raw") return {};
  if (name == "lz4") {
    array.codecs.byte_codecs.push_back({name, unpack_lz4_stream});
  } else if (name == "gzip" && member(compression, "useZlib") == true) {
    array.codecs.byte_codecs.push_back({name, unpack_zlib});
  } else if (name == "bzip2") {
    array.codecs.byte_codecs.push_back({name, unpack_bzip2});
  } else if (name == "gzip" || name == "zlib" || name == "zstd" || name == "blosc") {
    array.codecs.byte_codecs.push_back(*find_byte_codec(name));
  } else {
    return make_error(ErrorCode::unsupported,
                      "{}: compression.type: expected raw, gzip, zlib, bzip2, lz4, zstd or blosc, found \"{}\"", where,
                      name);
  }
  return {};
}

}  // namespace

Result<ArrayMetadata> parse_n5_array(std::string_view text, std::string_view where) {
  NGFORGE_TRY(const Json json, parse_json(text, where));
  ArrayMetadata array;
  NGFORGE_TRY(array.shape, parse_extents(member(json, "dimensions"), fmt::format("{}: dimensions", where), 0));
  NGFORGE_TRY(array.chunk_shape,
              parse_extents(member(json, "blockSize"), fmt::format("{}: blockSize", where), array.rank()));
  NGFORGE_TRY(const std::string type, json_string(member(json, "dataType"), fmt::format("{}: dataType", where)));
  const auto* const known = std::ranges::find_if(kTypes, [&](StoredType t) { return name_of(t) == type; });
  if (known == std::end(kTypes))
    return make_error(ErrorCode::unsupported, "{}: dataType: expected uint8 ... float64, found \"{}\"", where, type);
  array.type = *known;
  NGFORGE_CHECK(add_compression(json, where, array));
  array.axis_names = parse_names(member(json, "axes"), array.rank());
  std::ranges::reverse(array.shape);
  std::ranges::reverse(array.chunk_shape);
  std::ranges::reverse(array.axis_names);
  array.keys = {"", '/', true};
  array.codecs.order.resize(array.rank());
  std::iota(array.codecs.order.begin(), array.codecs.order.end(), std::size_t{0});
  array.codecs.endian = std::endian::big;
  array.codecs.has_n5_header = true;
  array.fill.resize(size_of(array.type));
  NGFORGE_CHECK(check_sizes(array, where));
  return array;
}

}  // namespace ngforge
