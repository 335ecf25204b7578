// SPDX-License-Identifier: Apache-2.0
// Codecs of Zarr v3 by their names, and those that Zarr v2 and N5 share with it.
#include <algorithm>
#include <array>
#include <numeric>

#include "array/parse_parts.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{1} << 28;
constexpr int kMaxNesting = 4;

struct Row {
  std::string_view name;
  Unpack* unpack;
};
// "numcodecs." before the name is how zarr-python spells the codecs of version 2 that the specification does not have.
constexpr std::array kRows{
    Row{"gzip", unpack_gzip},   Row{"zlib", unpack_zlib}, Row{"zstd", unpack_zstd},     Row{"bz2", unpack_bzip2},
    Row{"blosc", unpack_blosc}, Row{"crc32c", nullptr},   Row{"lz4", unpack_lz4_sized},
};

std::string all_names() {
  std::string names = "bytes, transpose, sharding_indexed";
  for (const Row& row : kRows) names += fmt::format(", {}", row.name);
  return names;
}

Result<void> parse_transpose(const Json& configuration, std::string_view path, std::vector<std::size_t>& order) {
  const Json& list = member(configuration, "order");
  std::vector<std::size_t> next(order.size());
  std::vector<bool> seen(order.size());
  if (!list.is_array() || list.size() != order.size())
    return make_error(ErrorCode::invalid_data, "{}.configuration.order: expected the numbers 0 to {}", path,
                      order.size() - 1);
  for (std::size_t a = 0; a < order.size(); ++a) {
    NGFORGE_TRY(const Index axis, json_integer(list[a], fmt::format("{}.configuration.order[{}]", path, a), 0,
                                               static_cast<Index>(order.size()) - 1));
    const auto i = static_cast<std::size_t>(axis);
    if (seen[i])
      return make_error(ErrorCode::invalid_data, "{}.configuration.order: expected each axis once, found {} twice",
                        path, axis);
    seen[i] = true;
    next[a] = order[i];
  }
  order = std::move(next);
  return {};
}

Result<std::endian> parse_endian(const Json& configuration, std::string_view path) {
  const Json& endian = member(configuration, "endian");
  if (endian.is_null() || endian == "little") return std::endian::little;
  if (endian == "big") return std::endian::big;
  return make_error(ErrorCode::invalid_data, "{}.configuration.endian: expected little|big, found {}", path,
                    endian.dump());
}

// The index has a size that is known before it is read: only checksums may follow.
Result<void> parse_index_codecs(const Json& list, std::string_view path, Sharding& sharding) {
  if (!list.is_array() || list.empty())
    return make_error(ErrorCode::invalid_data, "{}: expected a list of codecs", path);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = fmt::format("{}[{}]", path, i);
    NGFORGE_TRY(const auto codec, parse_extension(list[i], at));
    if (i == 0 && (codec.first == "bytes" || codec.first == "endian")) {
      NGFORGE_TRY(sharding.index_endian, parse_endian(codec.second, at));
    } else if (i > 0 && codec.first == "crc32c") {
      ++sharding.index_checksums;
    } else {
      return make_error(ErrorCode::unsupported, "{}: expected bytes and crc32c for a shard's index, found codec \"{}\"",
                        at, codec.first);
    }
  }
  return {};
}

class ChainParser {
 public:
  explicit ChainParser(std::string& names) : names_(names) {}

  Result<CodecChain> parse(const Json& list, const Extents& shape, const std::string& path, int depth) {
    if (!list.is_array() || list.empty())
      return make_error(ErrorCode::invalid_data, "{}: expected a list of codecs", path);
    CodecChain chain;
    chain.order.resize(shape.size());
    std::iota(chain.order.begin(), chain.order.end(), std::size_t{0});
    bool are_bytes = false;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::string at = fmt::format("{}[{}]", path, i);
      NGFORGE_TRY(const auto codec, parse_extension(list[i], at));
      const auto& [name, configuration] = codec;
      names_ += (names_.empty() || names_.ends_with("(") ? "" : ", ") + name;
      const auto byte_codec = find_byte_codec(name);
      const bool makes_bytes = name == "bytes" || name == "endian" || name == "sharding_indexed";
      if (!byte_codec && !makes_bytes && name != "transpose")
        return make_error(ErrorCode::unsupported, "{}: expected a codec that this build knows ({}), found \"{}\"", at,
                          all_names(), name);
      if (byte_codec.has_value() != are_bytes)
        return make_error(ErrorCode::invalid_data, "{}: codec \"{}\" cannot stand {} values have become bytes", at,
                          name, are_bytes ? "after" : "before");
      if (byte_codec) {
        chain.byte_codecs.push_back(*byte_codec);
      } else if (name == "transpose") {
        NGFORGE_CHECK(parse_transpose(configuration, at, chain.order));
      } else if (name == "sharding_indexed") {
        NGFORGE_CHECK(parse_sharding(configuration, permuted(shape, chain.order), at, depth, chain));
      } else {
        NGFORGE_TRY(chain.endian, parse_endian(configuration, at));
      }
      are_bytes = are_bytes || makes_bytes;
    }
    if (!are_bytes)
      return make_error(ErrorCode::invalid_data, "{}: expected the codec bytes or sharding_indexed, found none", path);
    return chain;
  }

 private:
  Result<void> parse_sharding(const Json& configuration, const Extents& shape, const std::string& path, int depth,
                              CodecChain& chain) {
    if (depth == kMaxNesting)
      return make_error(ErrorCode::limit, "{}: expected shards nested at most {} times", path, kMaxNesting);
    auto sharding = std::make_shared<Sharding>();
    const std::string at = path + ".configuration.";
    NGFORGE_TRY(sharding->chunk_shape,
                parse_extents(member(configuration, "chunk_shape"), at + "chunk_shape", shape.size()));
    std::uint64_t chunks = 1;
    for (std::size_t a = 0; a < shape.size(); ++a) {
      if (shape[a] % sharding->chunk_shape[a] != 0)
        return make_error(ErrorCode::invalid_data, "{}chunk_shape[{}]: expected a divisor of {}, found {}", at, a,
                          shape[a], sharding->chunk_shape[a]);
      if (__builtin_mul_overflow(chunks, static_cast<std::uint64_t>(shape[a] / sharding->chunk_shape[a]), &chunks) ||
          chunks > kMaxIndexBytes / 16)
        return make_error(ErrorCode::limit, "{}chunk_shape: expected at most {} chunks in a shard, found more", at,
                          kMaxIndexBytes / 16);
    }
    names_ += "(";
    NGFORGE_TRY(sharding->chunk_codecs,
                parse(member(configuration, "codecs"), sharding->chunk_shape, at + "codecs", depth + 1));
    names_ += ")";
    NGFORGE_CHECK(parse_index_codecs(member(configuration, "index_codecs"), at + "index_codecs", *sharding));
    const Json& location = member(configuration, "index_location");
    if (!location.is_null() && location != "start" && location != "end")
      return make_error(ErrorCode::invalid_data, "{}index_location: expected start|end, found {}", at, location.dump());
    sharding->index_at_end = location != "start";
    chain.sharding = std::move(sharding);
    return {};
  }

  std::string& names_;
};

}  // namespace

std::optional<ByteCodec> find_byte_codec(std::string_view name) {
  constexpr std::string_view kPrefix = "numcodecs.";
  const bool is_prefixed = name.starts_with(kPrefix);
  const std::string_view bare = is_prefixed ? name.substr(kPrefix.size()) : name;
  for (const Row& row : kRows)
    if (row.name == bare && (row.unpack != nullptr || !is_prefixed)) return ByteCodec{std::string(name), row.unpack};
  return std::nullopt;
}

Result<CodecChain> parse_codecs(const Json& list, const Extents& shape, std::string_view path, std::string& names) {
  return ChainParser(names).parse(list, shape, std::string(path), 0);
}

}  // namespace ngforge
