// SPDX-License-Identifier: Apache-2.0
// The member `sharding` of every `info` (precomputed specification, section 2.1).
#include "layout/sharding_json.h"

#include <string>
#include <string_view>
#include <utility>

#include "ngforge/text.h"

namespace ngforge {

Result<ShardingSpec> parse_sharding(const JsonPlace& place) {
  if (place.json.is_null())
    return make_error(ErrorCode::invalid_data, "{}: expected an object or no member at all, found null", place.path)
        .with_hint("the viewer refuses the whole dataset; remove the member");
  ShardingSpec spec;
  NGFORGE_TRY(const JsonPlace type, place.need("@type"));
  NGFORGE_TRY(const std::string type_name, json_string(type.json, type.path));
  if (type_name != "neuroglancer_uint64_sharded_v1")
    return make_error(ErrorCode::unsupported, "{}: expected \"neuroglancer_uint64_sharded_v1\", found \"{}\"",
                      type.path, type_name);
  const std::pair<const char*, int*> bits[] = {{"preshift_bits", &spec.preshift_bits},
                                               {"minishard_bits", &spec.minishard_bits},
                                               {"shard_bits", &spec.shard_bits}};
  for (const auto& [name, value] : bits) {
    NGFORGE_TRY(const JsonPlace member, place.need(name));
    // A shard index of more than 2^32 entries would be 64 GiB.
    NGFORGE_TRY(const Index number,
                json_integer(member.json, member.path, 0, std::string_view(name) == "minishard_bits" ? 32 : 64));
    *value = static_cast<int>(number);
  }
  if (spec.minishard_bits + spec.shard_bits > 64)
    return make_error(ErrorCode::invalid_data, "{}: expected minishard_bits + shard_bits <= 64, found {}", place.path,
                      spec.minishard_bits + spec.shard_bits);
  NGFORGE_TRY(const JsonPlace hash, place.need("hash"));
  NGFORGE_TRY(std::string hash_name, json_string(hash.json, hash.path));
  hash_name = lower_case(hash_name);
  if (hash_name != "identity" && hash_name != "murmurhash3_x86_128")
    return make_error(ErrorCode::invalid_data, "{}: expected identity|murmurhash3_x86_128, found \"{}\"", hash.path,
                      hash_name);
  spec.is_murmur = hash_name != "identity";
  const std::pair<const char*, bool*> encodings[] = {{"minishard_index_encoding", &spec.gzip_index},
                                                     {"data_encoding", &spec.gzip_data}};
  for (const auto& [name, value] : encodings) {
    if (!place.has(name)) continue;
    const JsonPlace member = place.at(name);
    NGFORGE_TRY(const std::string encoding, json_string(member.json, member.path));
    if (lower_case(encoding) != "raw" && lower_case(encoding) != "gzip")
      return make_error(ErrorCode::invalid_data, "{}: expected raw|gzip, found \"{}\"", member.path, encoding);
    *value = lower_case(encoding) == "gzip";
  }
  return spec;
}

Json to_json(const ShardingSpec& spec) {
  Json json;
  json["@type"] = "neuroglancer_uint64_sharded_v1";
  json["preshift_bits"] = spec.preshift_bits;
  json["hash"] = spec.is_murmur ? "murmurhash3_x86_128" : "identity";
  json["minishard_bits"] = spec.minishard_bits;
  json["shard_bits"] = spec.shard_bits;
  json["minishard_index_encoding"] = spec.gzip_index ? "gzip" : "raw";
  json["data_encoding"] = spec.gzip_data ? "gzip" : "raw";
  return json;
}

}  // namespace ngforge
