// SPDX-License-Identifier: Apache-2.0
// zarr.json of version 3 (zarr-specs, v3/core) and .zarray of version 2 (zarr-specs, v2).
#include <algorithm>
#include <array>
#include <numeric>

#include "array/parse_parts.h"

namespace ngforge {
namespace {

constexpr StoredType kTypes[] = {StoredType::int8,      StoredType::uint8,   StoredType::int16,   StoredType::uint16,
                                 StoredType::int32,     StoredType::uint32,  StoredType::int64,   StoredType::uint64,
                                 StoredType::float16,   StoredType::float32, StoredType::float64, StoredType::complex64,
                                 StoredType::complex128};

Error unknown_type(std::string_view where, std::string_view found) {
  return make_error(ErrorCode::unsupported,
                    "{}: expected an integer, floating-point, complex or bool type, found \"{}\"", where, found);
}

Result<StoredType> parse_type(const Json& value, std::string_view where) {
  NGFORGE_TRY(const auto type, parse_extension(value, where));
  if (type.first == "bool") return StoredType::boolean;
  for (const StoredType known : kTypes)
    if (name_of(known) == type.first) return known;
  return unknown_type(where, type.first);
}

// Whoever does not know a member must not open the array, unless it says otherwise.
Result<void> check_members(const Json& json, std::string_view where) {
  constexpr std::array<std::string_view, 12> kKnown{"zarr_format",     "node_type",
                                                    "shape",           "data_type",
                                                    "chunk_grid",      "chunk_key_encoding",
                                                    "fill_value",      "codecs",
                                                    "attributes",      "storage_transformers",
                                                    "dimension_names", "consolidated_metadata"};
  for (const auto& [name, value] : json.items()) {
    if (std::ranges::find(kKnown, name) != kKnown.end() || value.is_null()) continue;
    if (member(value, "must_understand") != false)
      return make_error(ErrorCode::unsupported, "{}: expected members that this build knows, found \"{}\"", where,
                        name);
  }
  const Json& transformers = member(json, "storage_transformers");
  if (transformers.is_array() && !transformers.empty())
    return make_error(ErrorCode::unsupported, "{}: storage_transformers: expected none, found {}", where,
                      transformers.size());
  return {};
}

Result<ChunkKeys> parse_keys(const Json& value, std::string_view where) {
  const std::string path = fmt::format("{}: chunk_key_encoding", where);
  NGFORGE_TRY(const auto encoding, parse_extension(value, path));
  if (encoding.first != "default" && encoding.first != "v2")
    return make_error(ErrorCode::unsupported, "{}: expected default|v2, found \"{}\"", path, encoding.first);
  const bool is_default = encoding.first == "default";
  ChunkKeys keys{is_default ? "c" : "", is_default ? '/' : '.', false};
  const Json& separator = member(encoding.second, "separator");
  if (separator.is_null()) return keys;
  if (separator != "/" && separator != ".")
    return make_error(ErrorCode::invalid_data, "{}: expected the separator / or ., found {}", path, separator.dump());
  keys.separator = separator == "/" ? '/' : '.';
  return keys;
}

Result<Extents> parse_chunk_grid(const Json& value, std::size_t rank, std::string_view where) {
  const std::string path = fmt::format("{}: chunk_grid", where);
  NGFORGE_TRY(const auto grid, parse_extension(value, path));
  if (grid.first != "regular")
    return make_error(ErrorCode::unsupported, "{}: expected a regular grid, found \"{}\"", path, grid.first);
  return parse_extents(member(grid.second, "chunk_shape"), path + ".chunk_shape", rank);
}

Result<void> check_version(const Json& json, int version, std::string_view where) {
  if (!json.is_object())
    return make_error(ErrorCode::invalid_data, "{}: expected an object, found {}", where, json.type_name());
  if (member(json, "zarr_format") != version)
    return make_error(ErrorCode::unsupported, "{}: expected zarr_format {}, found {}", where, version,
                      member(json, "zarr_format").dump());
  return {};
}

// NumPy's typestr: "<u2", "|b1", ">f4".
Result<void> parse_typestr(const Json& value, std::string_view where, ArrayMetadata& array) {
  const std::string path = fmt::format("{}: dtype", where);
  if (!value.is_string())
    return make_error(ErrorCode::unsupported, "{}: expected a type of single values, found {}", path,
                      value.is_array() ? "a structure" : value.type_name());
  const auto text = value.get<std::string>();
  if (text.size() < 3 || (text[0] != '<' && text[0] != '>' && text[0] != '|')) return unknown_type(path, text);
  array.codecs.endian = text[0] == '>' ? std::endian::big : std::endian::little;
  const std::string rest = text.substr(1);
  if (rest == "b1") {
    array.type = StoredType::boolean;
    return {};
  }
  const std::string_view kind = rest[0] == 'u'   ? "uint"
                                : rest[0] == 'i' ? "int"
                                : rest[0] == 'f' ? "float"
                                : rest[0] == 'c' ? "complex"
                                                 : "?";
  for (const StoredType known : kTypes) {
    if (rest.substr(1) != fmt::format("{}", size_of(known))) continue;
    if (name_of(known) != fmt::format("{}{}", kind, 8 * size_of(known))) continue;
    array.type = known;
    return {};
  }
  return unknown_type(path, text);
}

Result<void> add_compressor(const Json& compressor, std::string_view where, ArrayMetadata& array) {
  const Json& id = member(compressor, "id");
  if (!id.is_string())
    return make_error(ErrorCode::invalid_data, "{}: compressor: expected an id, found {}", where,
                      compressor.type_name());
  auto codec = find_byte_codec(id.get<std::string>());
  if (!codec || codec->name.find('.') != std::string::npos)
    return make_error(ErrorCode::unsupported,
                      "{}: compressor: expected zlib, gzip, bz2, zstd, lz4 or blosc, found \"{}\"", where,
                      id.get<std::string>());
  array.codec_names = codec->name;
  array.codecs.byte_codecs.push_back(std::move(*codec));
  return {};
}

}  // namespace

Result<ArrayMetadata> parse_zarr3_array(std::string_view text, std::string_view where) {
  NGFORGE_TRY(const Json json, parse_json(text, where));
  NGFORGE_CHECK(check_version(json, 3, where));
  if (member(json, "node_type") != "array")
    return make_error(ErrorCode::invalid_data, "{}: node_type: expected array, found {}", where,
                      member(json, "node_type").dump());
  NGFORGE_CHECK(check_members(json, where));
  ArrayMetadata array;
  NGFORGE_TRY(array.shape, parse_extents(member(json, "shape"), fmt::format("{}: shape", where), 0));
  NGFORGE_TRY(array.type, parse_type(member(json, "data_type"), fmt::format("{}: data_type", where)));
  NGFORGE_TRY(array.chunk_shape, parse_chunk_grid(member(json, "chunk_grid"), array.rank(), where));
  NGFORGE_TRY(array.keys, parse_keys(member(json, "chunk_key_encoding"), where));
  NGFORGE_TRY(array.codecs, parse_codecs(member(json, "codecs"), array.chunk_shape, fmt::format("{}: codecs", where),
                                         array.codec_names));
  NGFORGE_TRY(array.fill,
              parse_fill_value(member(json, "fill_value"), array.type, fmt::format("{}: fill_value", where)));
  array.axis_names = parse_names(member(json, "dimension_names"), array.rank());
  NGFORGE_CHECK(check_sizes(array, where));
  return array;
}

Result<ArrayMetadata> parse_zarr2_array(std::string_view text, std::string_view attributes, std::string_view where) {
  NGFORGE_TRY(const Json json, parse_json(text, where));
  NGFORGE_CHECK(check_version(json, 2, where));
  ArrayMetadata array;
  NGFORGE_TRY(array.shape, parse_extents(member(json, "shape"), fmt::format("{}: shape", where), 0));
  NGFORGE_TRY(array.chunk_shape, parse_extents(member(json, "chunks"), fmt::format("{}: chunks", where), array.rank()));
  NGFORGE_CHECK(parse_typestr(member(json, "dtype"), where, array));
  const Json& order = member(json, "order");
  if (order != "C" && order != "F")
    return make_error(ErrorCode::invalid_data, "{}: order: expected C|F, found {}", where, order.dump());
  array.codecs.order.resize(array.rank());
  std::iota(array.codecs.order.begin(), array.codecs.order.end(), std::size_t{0});
  if (order == "F") std::ranges::reverse(array.codecs.order);
  const Json& filters = member(json, "filters");
  if (filters.is_array() && !filters.empty())
    return make_error(ErrorCode::unsupported, "{}: filters: expected none, found {}", where,
                      member(filters[0], "id").dump());
  if (!member(json, "compressor").is_null()) NGFORGE_CHECK(add_compressor(member(json, "compressor"), where, array));
  NGFORGE_TRY(array.fill,
              parse_fill_value(member(json, "fill_value"), array.type, fmt::format("{}: fill_value", where)));
  const Json& separator = member(json, "dimension_separator");
  if (!separator.is_null() && separator != "." && separator != "/")
    return make_error(ErrorCode::invalid_data, "{}: dimension_separator: expected . or /, found {}", where,
                      separator.dump());
  array.keys = {"", separator == "/" ? '/' : '.', false};
  if (!attributes.empty()) {
    NGFORGE_TRY(const Json attributes_json, parse_json(attributes, where));
    array.axis_names = parse_names(member(attributes_json, "_ARRAY_DIMENSIONS"), array.rank());
  }
  NGFORGE_CHECK(check_sizes(array, where));
  return array;
}

}  // namespace ngforge
