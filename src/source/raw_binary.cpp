// SPDX-License-Identifier: Apache-2.0
// Values and nothing else, in the order [x, y, z, channel] with x fastest. What they are is said by --shape and
// --dtype.
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "source/plain_array.h"
#include "source/raster_source.h"

namespace ngforge {
namespace {

Error needs_shape(std::string_view place) {
  return make_error(ErrorCode::needs_decision, "{}: raw values do not say their sizes and type", place)
      .with_hint(
          "give them with --shape X,Y,Z[,CHANNELS] and --dtype T, for example --shape 512,512,100 --dtype uint16")
      .of_source();
}

const std::string& type_name_of(const SourceRequest& request) {
  return request.inside.empty() ? request.options.dtype : request.inside;
}

/// Nothing when there are sizes below 1 or too many values to be counted.
std::optional<std::uint64_t> bytes_wanted(const SourceOptions& options, StoredType type) {
  auto bytes = static_cast<std::int64_t>(size_of(type));
  for (const Index length : options.shape)
    if (length < 1 || __builtin_mul_overflow(bytes, length, &bytes)) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

bool has_exactly_its_bytes(const SourceRequest& request) {
  const auto number = parse_numpy_type(type_name_of(request));
  if (request.options.shape.empty() || !number) return false;
  std::error_code is_no_file;
  const std::uint64_t found = std::filesystem::file_size(request.place, is_no_file);
  return !is_no_file && found == bytes_wanted(request.options, number->type);
}

Result<std::unique_ptr<VolumeSource>> open_raw(std::shared_ptr<ByteSource> bytes, const SourceRequest& request) {
  const SourceOptions& options = request.options;
  const std::string& type_name = type_name_of(request);
  if (options.shape.empty() || type_name.empty()) return needs_shape(bytes->place());
  const auto number = parse_numpy_type(type_name);
  if (!number)
    return make_error(ErrorCode::invalid_argument,
                      "{}: expected a type such as uint16, float32, <u2 or >f4, found \"{}\"",
                      request.inside.empty() ? "--dtype" : "raw:", type_name);
  const auto wanted = bytes_wanted(options, number->type);
  if (!wanted)
    return make_error(ErrorCode::invalid_argument, "--shape: expected sizes >= 1 of less than 2^63 bytes, found {}",
                      fmt::join(options.shape, ","));
  if (const auto found = bytes->content_bytes(); found && *found != *wanted)
    return make_error(ErrorCode::invalid_data, "{}: expected {} bytes for {} {}, found {}", bytes->place(), *wanted,
                      fmt::join(options.shape, " x "), name_of(number->type), *found)
        .of_source();

  VolumeHeader header;
  header.type = number->type;
  header.type_is_asked = request.inside.empty();
  header.format = "raw binary";
  header.details = fmt::format("taken as {} {}", fmt::join(options.shape, " x "), type_name);
  header.fingerprint = header.details + ' ';
  std::vector<Index> shape = options.shape;
  // A fourth number always means channels, which come last.
  std::optional<Index> channels;
  if (shape.size() == 4) {
    channels = shape.back();
    shape.pop_back();
  }
  NGFORGE_CHECK(take_plain_axes(shape, bytes->place(), header));
  if (channels) {
    header.channels = *channels;
    if (header.channels > 1) header.channel_axes = {header.channels};
  }
  const RasterLayout layout{.data_offset = 0,
                            .is_foreign_order = number->is_foreign_order,
                            .number_bytes = number->number_bytes(),
                            .ends_content = true};
  return open_raster(std::move(bytes), std::move(header), layout);
}

int sniff_raw(std::span<const std::byte>, std::string_view name) {
  // Only when nothing else recognises the bytes: the answer is then what the file cannot say.
  return name.ends_with(".raw") || name.ends_with(".raw.gz") ? 5 : 0;
}

}  // namespace

extern const SourceDescriptor raw_binary_source;
const SourceDescriptor raw_binary_source = {
    .name = "raw",
    .title = "raw values [x, y, z, channel], x fastest (--shape, --dtype)",
    .url_scheme = "raw",
    .is_folder = false,
    .takes_inside = true,
    .suffixes = ".raw.gz .raw",
    .takes_shape = true,
    .is_plain = has_exactly_its_bytes,
    .sniff = sniff_raw,
    .open_bytes = open_raw,
};

}  // namespace ngforge
