// SPDX-License-Identifier: Apache-2.0
#include "array/parse_parts.h"

namespace ngforge {
namespace {

constexpr Index kMaxSize = Index{1} << 53;
constexpr std::size_t kMaxRank = 32;
constexpr std::uint64_t kMaxChunkBytes = std::uint64_t{1} << 31;
constexpr std::uint64_t kMaxArrayBytes = std::uint64_t{1} << 62;

bool is_at_most(const Extents& shape, StoredType type, std::uint64_t limit_bytes) {
  std::uint64_t bytes = size_of(type);
  for (const Index size : shape)
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes)) return false;
  return bytes <= limit_bytes;
}

}  // namespace

const Json& member(const Json& object, const char* name) {
  static const Json kNull;
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() ? *found : kNull;
}

Result<Extents> parse_extents(const Json& value, std::string_view path, std::size_t rank) {
  if (!value.is_array() || value.empty() || value.size() > kMaxRank || (rank != 0 && value.size() != rank))
    return make_error(ErrorCode::invalid_data, "{}: expected {} sizes, found {}", path,
                      rank == 0 ? fmt::format("1 to {}", kMaxRank) : fmt::format("{}", rank),
                      value.is_array() ? fmt::format("{}", value.size()) : std::string(value.type_name()));
  Extents extents(value.size());
  for (std::size_t a = 0; a < extents.size(); ++a) {
    NGFORGE_TRY(extents[a], json_integer(value[a], fmt::format("{}[{}]", path, a), 1, kMaxSize));
  }
  return extents;
}

std::vector<std::string> parse_names(const Json& value, std::size_t rank) {
  std::vector<std::string> names;
  if (!value.is_array() || value.size() != rank) return names;
  for (const Json& name : value) names.push_back(name.is_string() ? name.get<std::string>() : std::string());
  return names;
}

Result<std::pair<std::string, Json>> parse_extension(const Json& value, std::string_view path) {
  if (value.is_string()) return std::pair(value.get<std::string>(), Json::object());
  const Json& name = member(value, "name");
  if (!name.is_string())
    return make_error(ErrorCode::invalid_data, "{}: expected a name, found {}", path, value.type_name());
  return std::pair(name.get<std::string>(), member(value, "configuration"));
}

Result<void> check_sizes(const ArrayMetadata& array, std::string_view where) {
  if (!is_at_most(array.shape, array.type, kMaxArrayBytes))
    return make_error(ErrorCode::limit, "{}: expected an array of less than 2^62 bytes, found more", where);
  if (!is_at_most(array.read_shape(), array.type, kMaxChunkBytes))
    return make_error(ErrorCode::limit, "{}: expected chunks of at most {} bytes, found more", where, kMaxChunkBytes);
  // Shards may be larger; whatever lies in them is found by 64-bit offsets.
  if (!is_at_most(array.chunk_shape, array.type, kMaxArrayBytes))
    return make_error(ErrorCode::limit, "{}: expected shards of less than 2^62 bytes, found more", where);
  return {};
}

}  // namespace ngforge
