// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/dyadic_scales.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "cli/nine/json.h"
#include "cli/nine/nine.h"
#include "cli/nine/texts.h"
#include "ngforge/op.h"

namespace ngforge::cli::nine {
namespace {

constexpr const char *kEncoding = "encoding", *kBlockSize = "compressed_segmentation_block_size";
constexpr const char* kSegmentation = "compressed_segmentation";
constexpr Index kMostChunkSize = 2048;

// log2 of the target; nothing when it is no power of two.
std::optional<int> exponent_of(Index target) {
  for (int exponent = 0; (Index{1} << exponent) <= kMostChunkSize; ++exponent)
    if (target == Index{1} << exponent) return exponent;
  return std::nullopt;
}

// What the description says of encoding and type, and what is asked for.
Result<void> choose(Json& info, const ScalesRequest& request, std::string_view where) {
  Json& scale = info["scales"][0];
  for (const char* name : {kEncoding, kBlockSize}) {
    if (!info.contains(name)) continue;
    if (!scale.contains(name)) scale[name] = info[name];
    info.erase(name);
  }
  if (request.encoding) scale[kEncoding] = *request.encoding;
  if (!scale.contains(kEncoding)) scale[kEncoding] = "raw";
  const bool is_compressed_segmentation = scale[kEncoding] == kSegmentation;
  if (request.type) info["type"] = *request.type;
  if (!info.contains("type")) info["type"] = is_compressed_segmentation ? "segmentation" : "image";
  NGFORGE_TRY(const std::string data_type, text_member(info, "data_type", where));
  NGFORGE_TRY(const Index channels, integer_member(info, "num_channels", 1, where));
  if (is_compressed_segmentation) {
    if (info["type"] != "segmentation")
      tell("WARNING", "compressed_segmentation encoding of a dataset whose type is not \"segmentation\"");
    if (!scale.contains(kBlockSize)) scale[kBlockSize] = {8, 8, 8};
    if (data_type == "uint8" || data_type == "uint16") info["data_type"] = "uint32";
  }
  if (info["type"] == "segmentation" && !data_type.starts_with("uint"))
    tell("WARNING", fmt::format("a segmentation has unsigned integers, found data_type {}", data_type));
  if (info["type"] == "segmentation" && channels != 1)
    tell("WARNING", fmt::format("a segmentation has one channel, found num_channels {}", channels));
  return {};
}

// How scales follow from the finest: an axis with longer voxels is halved some steps later.
struct Pyramid {
  std::array<Index, 3> size{}, offset{};
  std::array<double, 3> resolution_nm{};
  std::array<int, 3> delays{};
  int target_exponent = 0;
  std::string key_unit;

  Index factor(std::size_t axis, int level) const { return Index{1} << std::max(0, level - delays[axis]); }

  std::array<Index, 3> chunk_size(int level) const {
    const int most_delayed = std::ranges::max(delays);
    std::array<int, 3> stretch{};
    for (std::size_t a = 0; a < 3; ++a) stretch[a] = std::max(0, most_delayed - delays[a] - level);
    const auto sum = [&] { return std::accumulate(stretch.begin(), stretch.end(), 0); };
    // Voxels so unlike cubes that a side would fall below 1.
    if (const int excess = sum() - 3 * target_exponent; excess > 0) {
      const auto stretched = static_cast<int>(std::ranges::count_if(stretch, [](int s) { return s != 0; }));
      const int less = (excess + stretched - 1) / stretched;
      for (int& s : stretch) s = std::max(0, s - less);
    }
    const int base = target_exponent - (sum() + 1) / 3;
    std::array<Index, 3> sides{};
    for (std::size_t a = 0; a < 3; ++a) sides[a] = Index{1} << (base + stretch[a]);
    return sides;
  }

  // Until the volume fits into two chunks.
  int levels(const std::optional<Index>& most) const {
    int levels = 1;
    for (std::size_t a = 0; a < 3; ++a) {
      const double chunks = static_cast<double>(size[a]) / static_cast<double>(Index{1} << target_exponent);
      levels = std::max(levels, static_cast<int>(std::ceil(std::log2(chunks))) - delays[a]);
    }
    if (most && *most != 0) levels = static_cast<int>(std::min<Index>(levels, *most));
    return std::max(levels, 1);
  }
};

Result<Pyramid> plan(const Json& scale, const ScalesRequest& request, std::string_view where) {
  Pyramid pyramid;
  const auto exponent = exponent_of(request.target_chunk_size);
  if (!exponent)
    return make_error(ErrorCode::invalid_argument, "--target-chunk-size: expected a power of two up to {}, found {}",
                      kMostChunkSize, request.target_chunk_size);
  pyramid.target_exponent = *exponent;
  NGFORGE_TRY(pyramid.resolution_nm, lengths_member(scale, "resolution", where));
  NGFORGE_TRY(pyramid.size, integers_member(scale, "size", 1, where));
  if (scale.contains("voxel_offset")) {
    NGFORGE_TRY(pyramid.offset, integers_member(scale, "voxel_offset", -(Index{1} << 53), where));
  }
  const double finest = std::ranges::min(pyramid.resolution_nm);
  for (std::size_t a = 0; a < 3; ++a)
    pyramid.delays[a] = static_cast<int>(std::nearbyint(std::log2(pyramid.resolution_nm[a] / finest)));
  NGFORGE_TRY(pyramid.key_unit, unit_for_keys(finest));
  return pyramid;
}

Json scale_of(const Json& finest, const Pyramid& pyramid, int level) {
  Json scale = finest;
  double shortest = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    const Index factor = pyramid.factor(a, level), offset = pyramid.offset[a];
    Json& length = scale["resolution"][a];
    if (length.is_number_integer())
      length = length.get<Index>() * factor;
    else
      length = length.get<double>() * static_cast<double>(factor);
    const double nm = pyramid.resolution_nm[a] * static_cast<double>(factor);
    shortest = a == 0 ? nm : std::min(shortest, nm);
    scale["size"][a] = ceil_div(offset + pyramid.size[a], factor) - floor_div(offset, factor);
    if (scale.contains("voxel_offset")) scale["voxel_offset"][a] = floor_div(offset, factor);
  }
  scale["key"] = length_text(shortest, pyramid.key_unit);
  scale["chunk_sizes"] = Json::array({pyramid.chunk_size(level)});
  return scale;
}

}  // namespace

Result<void> describe_scales(Json& info, const ScalesRequest& request, std::string_view where) {
  NGFORGE_TRY(const Json* const scales, scales_member(info, 1, where));
  if (scales->size() > 1)
    tell("WARNING", fmt::format("{}: the first of its {} scales is taken for full resolution", where, scales->size()));
  NGFORGE_CHECK(choose(info, request, where));
  const Json finest = info["scales"][0];
  NGFORGE_TRY(const Pyramid pyramid, plan(finest, request, fmt::format("{}: scales[0]", where)));
  Json filled = Json::array();
  for (int level = 0; level < pyramid.levels(request.max_scales); ++level)
    filled.push_back(scale_of(finest, pyramid, level));
  info["scales"] = std::move(filled);
  return check_info(info, where);
}

Result<void> check_info(const Json& info, std::string_view where) {
  static const std::set<std::string> kTypes{"uint8", "uint16", "uint32", "uint64", "float32", "int8", "int16", "int32"};
  NGFORGE_TRY(const std::string type, text_member(info, "data_type", where));
  if (!kTypes.contains(type))
    return make_error(ErrorCode::invalid_data, "{}: data_type: expected {}, found \"{}\"", where,
                      "uint8|uint16|uint32|uint64|float32|int8|int16|int32", type);
  NGFORGE_TRY(const Index channels, integer_member(info, "num_channels", 1, where));
  NGFORGE_TRY(const Json* const scales, scales_member(info, 0, where));
  const auto encodings = all_encodings();
  for (std::size_t k = 0; k < scales->size(); ++k) {
    const std::string at = fmt::format("{}: scales[{}]", where, k);
    NGFORGE_TRY(const std::string encoding, text_member((*scales)[k], kEncoding, at));
    if (std::ranges::find(encodings, encoding, &EncodingName::name) == encodings.end())
      return make_error(ErrorCode::invalid_data, "{}: encoding: expected one that ngforge formats lists, found \"{}\"",
                        at, encoding);
    const bool has_room = encoding == kSegmentation ? type == "uint32" || type == "uint64"
                          : encoding == "jpeg"      ? type == "uint8" && (channels == 1 || channels == 3)
                                                    : true;
    if (!has_room)
      return make_error(ErrorCode::invalid_data, "{}: {} cannot hold {} with {} channel(s)", at, encoding, type,
                        channels);
    if (encoding == kSegmentation) NGFORGE_CHECK(integers_member((*scales)[k], kBlockSize, 1, at));
  }
  return {};
}

}  // namespace ngforge::cli::nine
