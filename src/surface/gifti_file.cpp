// SPDX-License-Identifier: Apache-2.0
// The arrays of GIfTI 1.0: DataArray with DataType, Dim0.., ArrayIndexingOrder, and Data as text (ASCII), Base64,
// Base64 of zlib data (or gzip, as some have it), or bytes of another file from ExternalFileOffset on.
#include "surface/gifti_file.h"

#include <type_traits>

#include "compress/unpack.h"
#include "core/base64.h"
#include "ngforge/text.h"
#include "surface/numbers.h"
#include "surface/text_reader.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMostValues = std::uint64_t{1} << 40;

std::string_view attribute(pugi::xml_node array, const char* name) {
  return array.attribute(name).value();
}

Error wrong(const SurfaceInput& input, pugi::xml_node array, const char* name, std::string_view expected) {
  return make_error(ErrorCode::invalid_data, "{}: {}: {}: expected {}, found {:?}", input.place,
                    attribute(array, "Intent"), name, expected, attribute(array, name));
}

enum class Encoding { text, base64, zlib, external };

// As the specification spells them, and as old files do.
Result<Encoding> encoding_of(pugi::xml_node array, const SurfaceInput& input) {
  constexpr std::pair<std::string_view, Encoding> kNames[] = {{"ASCII", Encoding::text},
                                                              {"Base64Binary", Encoding::base64},
                                                              {"GZipBase64Binary", Encoding::zlib},
                                                              {"ExternalFileBinary", Encoding::external},
                                                              {"GIFTI_ENCODING_ASCII", Encoding::text},
                                                              {"GIFTI_ENCODING_B64BIN", Encoding::base64},
                                                              {"GIFTI_ENCODING_B64GZ", Encoding::zlib},
                                                              {"GIFTI_ENCODING_EXTBIN", Encoding::external}};
  for (const auto& [name, encoding] : kNames)
    if (attribute(array, "Encoding") == name) return encoding;
  return wrong(input, array, "Encoding", "ASCII, Base64Binary, GZipBase64Binary or ExternalFileBinary");
}

std::optional<DataType> type_of(pugi::xml_node array) {
  constexpr std::string_view kPrefix = "NIFTI_TYPE_";
  std::string_view name = attribute(array, "DataType");
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  for (const DataType type :
       {DataType::uint8, DataType::int8, DataType::uint16, DataType::int16, DataType::uint32, DataType::int32,
        DataType::uint64, DataType::int64, DataType::float32, DataType::float64}) {
    std::string upper(name_of(type));
    for (char& c : upper)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (name == upper) return type;
  }
  return std::nullopt;
}

Result<std::uint64_t> value_count(pugi::xml_node array, const SurfaceInput& input) {
  NGFORGE_TRY(const std::uint64_t rows, gifti_dimension(array, 0, input));
  NGFORGE_TRY(const std::uint64_t columns, gifti_dimension(array, 1, input));
  return rows * columns;
}

Result<Bytes> unpack_array(std::span<const std::byte> packed, std::string_view place, std::uint64_t bytes) {
  const bool is_gzip = packed.size() > 1 && packed[0] == std::byte{0x1f} && packed[1] == std::byte{0x8b};
  return is_gzip ? unpack_gzip(packed, place, bytes) : unpack_zlib(packed, place, bytes);
}

Result<Bytes> read_external(pugi::xml_node array, const SurfaceInput& input, std::uint64_t bytes) {
  const std::string_view name = attribute(array, "ExternalFileName");
  const std::string_view text = attribute(array, "ExternalFileOffset");
  const auto offset = text.empty() ? 0 : parse_whole(text);
  if (!offset || *offset < 0) return wrong(input, array, "ExternalFileOffset", "a number of bytes");
  if (name.empty() || !input.read_beside) return wrong(input, array, "ExternalFileName", "a file beside this one");
  return input.read_beside(name, {static_cast<std::uint64_t>(*offset), bytes});
}

Result<Bytes> read_packed(pugi::xml_node array, const SurfaceInput& input, Encoding encoding, std::uint64_t bytes) {
  Bytes data;
  switch (encoding) {
    case Encoding::external: {
      NGFORGE_TRY(data, read_external(array, input, bytes));
      break;
    }
    case Encoding::zlib: {
      NGFORGE_TRY(const Bytes packed, base64_decoded(array.child("Data").child_value(), input.place));
      NGFORGE_TRY(data, unpack_array(packed, input.place, bytes));
      break;
    }
    default: {
      NGFORGE_TRY(data, base64_decoded(array.child("Data").child_value(), input.place));
      break;
    }
  }
  if (data.size() != bytes)
    return make_error(ErrorCode::invalid_data, "{}: {}: expected {} bytes of values, found {}", input.place,
                      attribute(array, "Intent"), bytes, data.size());
  return data;
}

template <class T>
std::vector<T> rows_first(std::vector<T> columns_first, std::size_t rows) {
  const std::size_t columns = rows == 0 ? 0 : columns_first.size() / rows;
  std::vector<T> out(columns_first.size());
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column)
      out[row * columns + column] = columns_first[column * rows + row];
  return out;
}

template <class T>
Result<std::vector<T>> read_text(pugi::xml_node array, const SurfaceInput& input, std::uint64_t count) {
  TextReader reader(array.child("Data").child_value(), input.place);
  if constexpr (std::is_integral_v<T>) {
    return read_wholes(reader, count);
  } else {
    return read_reals(reader, count);
  }
}

template <class T>
Result<std::vector<T>> read_array(pugi::xml_node array, const SurfaceInput& input) {
  const auto type = type_of(array);
  if (!type || (std::is_integral_v<T> && !is_integer(*type)))
    return wrong(input, array, "DataType", std::is_integral_v<T> ? "NIFTI_TYPE_INT32" : "NIFTI_TYPE_FLOAT32");
  NGFORGE_TRY(const std::uint64_t count, value_count(array, input));
  std::vector<T> values;
  NGFORGE_TRY(const Encoding encoding, encoding_of(array, input));
  if (encoding == Encoding::text) {
    NGFORGE_TRY(values, read_text<T>(array, input, count));
  } else {
    // "LittleEndian" by the specification; some write GIFTI_ENDIAN_LITTLE.
    const std::string endian = lower_case(attribute(array, "Endian"));
    const bool is_big = endian.find("big") != std::string::npos;
    if (!is_big && endian.find("little") == std::string::npos)
      return wrong(input, array, "Endian", "LittleEndian or BigEndian");
    const std::uint64_t size = count * size_of(*type);
    if (size > input.most_array_bytes)
      return make_error(ErrorCode::limit, "{}: {}: expected at most {} bytes of values, found {}", input.place,
                        attribute(array, "Intent"), input.most_array_bytes, size)
          .with_hint("use a larger --memory");
    NGFORGE_TRY(const Bytes bytes, read_packed(array, input, encoding, size));
    values = numbers_as<T>(bytes, *type, is_big ? std::endian::big : std::endian::little);
  }
  if (attribute(array, "ArrayIndexingOrder") == "ColumnMajorOrder") {
    NGFORGE_TRY(const std::uint64_t rows, gifti_dimension(array, 0, input));
    return rows_first(std::move(values), static_cast<std::size_t>(rows));
  }
  return values;
}

}  // namespace

Result<void> parse_gifti(const SurfaceInput& input, pugi::xml_document& document) {
  const auto parsed = document.load_buffer(input.bytes.data(), input.bytes.size());
  if (!parsed)
    return make_error(ErrorCode::invalid_data, "{}: expected XML, found a fault at byte {}: {}", input.place,
                      parsed.offset, parsed.description());
  if (!document.child("GIFTI"))
    return make_error(ErrorCode::invalid_data, "{}: expected an element GIFTI, found none", input.place);
  return {};
}

pugi::xml_node find_gifti_array(const pugi::xml_document& document, std::string_view intent) {
  for (const auto array : document.child("GIFTI").children("DataArray"))
    if (attribute(array, "Intent") == intent) return array;
  return {};
}

Result<std::uint64_t> gifti_dimension(pugi::xml_node array, std::size_t dimension, const SurfaceInput& input) {
  const auto dimensions = parse_whole(attribute(array, "Dimensionality"));
  if (!dimensions || *dimensions < 1 || *dimensions > 2) return wrong(input, array, "Dimensionality", "1 or 2");
  const char* const name = dimension == 0 ? "Dim0" : "Dim1";
  if (static_cast<std::int64_t>(dimension) >= *dimensions) return 1;
  const auto size = parse_whole(attribute(array, name));
  if (!size || *size < 0 || *size > static_cast<std::int64_t>(kMostValues) / 1024)
    return wrong(input, array, name, "a size");
  return static_cast<std::uint64_t>(*size);
}

Result<std::vector<float>> read_gifti_reals(pugi::xml_node array, const SurfaceInput& input) {
  return read_array<float>(array, input);
}

Result<std::vector<std::int64_t>> read_gifti_wholes(pugi::xml_node array, const SurfaceInput& input) {
  return read_array<std::int64_t>(array, input);
}

}  // namespace ngforge
