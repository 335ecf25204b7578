// SPDX-License-Identifier: Apache-2.0
#include "op/volume_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <tuple>

#include "core/affine.h"
#include "layout/sharding.h"
#include "op/ome_zarr_plan.h"
#include "op/value_plan.h"

namespace ngforge {
namespace {

constexpr Index kMaxChannels = 64;

// Seven significant digits: what a float32 header can say, without the noise of its last bits in keys and `info`.
double tidy(double length) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, length, std::chars_format::scientific, 6).ptr;
  double value = length;
  std::from_chars(text, end, value);
  return value;
}

Result<Index> parse_index(std::string_view text, std::string_view option) {
  Index value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size())
    return make_error(ErrorCode::invalid_argument, "{}: expected a whole number, found \"{}\"", option, text);
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0;;) {
    const auto next = text.find(separator, at);
    parts.push_back(text.substr(at, next - at));
    if (next == std::string_view::npos) return parts;
    at = next + 1;
  }
}

Result<std::vector<Factor>> parse_factors(const std::string& text) {
  std::vector<Factor> factors;
  if (text == "auto") return factors;
  for (const auto step : split(text, ';')) {
    const auto parts = split(step, ',');
    if (parts.size() != 1 && parts.size() != 3)
      return make_error(ErrorCode::invalid_argument, "--factor: expected X,Y,Z, found \"{}\"", step);
    Factor factor{};
    for (std::size_t a = 0; a < 3; ++a) {
      NGFORGE_TRY(factor[a], parse_index(parts[parts.size() == 1 ? 0 : a], "--factor"));
      if (factor[a] < 1 || factor[a] > 64)
        return make_error(ErrorCode::invalid_argument, "--factor: expected 1 to 64, found {}", factor[a]);
    }
    factors.push_back(factor);
  }
  return factors;
}

Result<Box> parse_crop(const std::string& text, const Box& whole) {
  if (text.empty()) return whole;
  const auto parts = split(text, ',');
  if (parts.size() != 3)
    return make_error(ErrorCode::invalid_argument, "--crop: expected X0:X1,Y0:Y1,Z0:Z1, found \"{}\"", text);
  Box crop = whole;
  for (int a = 0; a < 3; ++a) {
    const auto range = split(parts[static_cast<std::size_t>(a)], ':');
    if (range.size() != 2)
      return make_error(ErrorCode::invalid_argument, "--crop: expected X0:X1,Y0:Y1,Z0:Z1, found \"{}\"", text);
    if (!range[0].empty()) {
      NGFORGE_TRY(crop.begin[a], parse_index(range[0], "--crop"));
    }
    if (!range[1].empty()) {
      NGFORGE_TRY(crop.end[a], parse_index(range[1], "--crop"));
    }
    if (crop.begin[a] < whole.begin[a] || crop.end[a] > whole.end[a] || crop.begin[a] >= crop.end[a])
      return make_error(ErrorCode::invalid_argument, "--crop: expected a part of {}:{} on axis {}, found {}:{}",
                        whole.begin[a], whole.end[a], "xyz"[a], crop.begin[a], crop.end[a]);
  }
  return crop;
}

// Which source channels become output channels: COMMANDS.md, --channel and --time.
Result<std::vector<Index>> choose_channels(const VolumeHeader& header, const VolumeOptions& options) {
  // Axes behind k, fastest first. The first is time unless it has length 1 or means colours.
  std::vector<Index> axes = header.channel_axes;
  if (axes.empty()) axes.push_back(header.channels);
  const Index time_length = header.channels_are_colors ? 1 : axes.front();
  const Index channel_length = header.channels / time_length;
  Index time = -1, channel = -1;
  if (options.channel != "all") {
    NGFORGE_TRY(channel, parse_index(options.channel, "--channel"));
  }
  if (options.time) time = *options.time;
  // With a single axis there is no telling channels from time: both options mean it.
  const bool single_axis = channel_length == 1 && !header.channels_are_colors;
  if (single_axis && channel >= 0) {
    if (time >= 0 && time != channel)
      return make_error(ErrorCode::invalid_argument,
                        "--time and --channel: expected one of them, for the volume has a single further axis");
    time = channel;
    channel = -1;
  }
  if (options.time && (time < 0 || time >= time_length))
    return make_error(ErrorCode::invalid_argument, "--time: expected 0 to {}, found {}", time_length - 1, time);
  const Index limit = single_axis ? time_length : channel_length;
  const Index asked = single_axis ? time : channel;
  if (options.channel != "all" && (asked < 0 || asked >= limit))
    return make_error(ErrorCode::invalid_argument, "--channel: expected 0 to {}, found {}", limit - 1, options.channel);
  std::vector<Index> chosen;
  for (Index c = 0; c < channel_length; ++c)
    for (Index t = 0; t < time_length; ++t)
      if ((channel < 0 || c == channel) && (time < 0 || t == time)) chosen.push_back(c * time_length + t);
  if (static_cast<Index>(chosen.size()) > kMaxChannels)
    return make_error(ErrorCode::needs_decision,
                      "expected at most {} channels, found {} (time points, vector components)", kMaxChannels,
                      chosen.size())
        .with_hint("choose with --time N or --channel N");
  return chosen;
}

struct Grid {
  AxisMap axis_map;
  std::array<double, 3> resolution_nm{};
  VoxelVec size_vox, origin_vox;
  std::optional<Affine> transform_nm;
};

// Up to the rounding of the way to millimetres and back: a thousandth of a nanometre.
bool is_identity(const Affine& corner_nm_to_world_nm) {
  const Affine identity;
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t column = 0; column < 4; ++column)
      if (std::abs(corner_nm_to_world_nm.m[row][column] - identity.m[row][column]) > (column == 3 ? 1e-3 : 1e-9))
        return false;
  return true;
}

// The source says nothing of lengths, and so of no place either: its corner is where --voxel-offset says.
bool is_plain_grid(const VolumeHeader& header) {
  return !header.is_anatomical && !header.has_voxel_size;
}

Result<Grid> plan_grid(const VolumeHeader& header, const VolumeOptions& options) {
  Grid grid;
  NGFORGE_TRY(const AxisMap oriented,
              orient(header.is_anatomical ? header.affine_ijk_to_mm : Affine{}, options.orientation));
  if (header.is_anatomical)
    grid.axis_map = oriented;
  else if (options.orientation != VolumeOptions{}.orientation)
    return make_error(
        ErrorCode::invalid_argument,
        "--orientation: expected a source with anatomical axes (NIfTI, MGH, OME-Zarr), found none in this one");
  grid.size_vox = reordered_size(header.size_ijk, grid.axis_map);
  Affine affine_mm = reordered_affine(header.affine_ijk_to_mm, header.size_ijk, grid.axis_map);
  if (!header.has_voxel_size && !options.voxel_size_nm)
    return make_error(ErrorCode::needs_decision, "the source does not say its voxel size")
        .with_hint("give it with --voxel-size, for example --voxel-size 1mm");
  const auto lengths_mm = column_lengths(affine_mm);
  for (std::size_t a = 0; a < 3; ++a) {
    const double length_nm = options.voxel_size_nm ? (*options.voxel_size_nm)[a] : tidy(lengths_mm[a] * 1e6);
    if (!(length_nm > 0) || !std::isfinite(length_nm))
      return make_error(ErrorCode::needs_decision, "voxel size along {}: expected a length > 0, found {} nm", "xyz"[a],
                        length_nm)
          .with_hint("give it with --voxel-size, for example --voxel-size 1mm");
    grid.resolution_nm[a] = length_nm;
    if (!options.voxel_size_nm || !(lengths_mm[a] > 0)) continue;
    const double stretch = length_nm * 1e-6 / lengths_mm[a];
    for (std::size_t row = 0; row < 3; ++row) {
      // A volume that knows no world, or not its lengths, keeps its corner; else the first voxel keeps its centre.
      if (!header.is_anatomical || !header.has_voxel_size)
        affine_mm.m[row][3] += affine_mm.m[row][a] * (stretch - 1) / 2;
      affine_mm.m[row][a] *= stretch;
    }
  }
  for (int a = 0; a < 3; ++a)
    grid.origin_vox[a] = options.voxel_offset
                             ? (*options.voxel_offset)[static_cast<std::size_t>(a)]
                             : header.voxel_offset_ijk[grid.axis_map.source_axis[static_cast<std::size_t>(a)]];
  // The affine speaks of indices from 0; the dataset's coordinates begin at origin_vox.
  Affine shift;
  for (int a = 0; a < 3; ++a) shift.m[static_cast<std::size_t>(a)][3] = -static_cast<double>(grid.origin_vox[a]);
  const Affine transform = corner_nm_transform(multiply(affine_mm, shift), grid.resolution_nm);
  if (header.is_anatomical || !(is_identity(transform) || is_plain_grid(header))) grid.transform_nm = transform;
  return grid;
}

Result<ShardingSpec> parse_sharding(const std::string& text, bool gzip) {
  const auto parts = split(text, ',');
  ShardingSpec spec;
  spec.gzip_index = spec.gzip_data = gzip;
  if (parts.size() != 3 && parts.size() != 4)
    return make_error(ErrorCode::invalid_argument, "--sharding: expected PRESHIFT,MINISHARD,SHARD[,HASH], found \"{}\"",
                      text);
  int* const bits[] = {&spec.preshift_bits, &spec.minishard_bits, &spec.shard_bits};
  for (std::size_t i = 0; i < 3; ++i) {
    NGFORGE_TRY(const Index value, parse_index(parts[i], "--sharding"));
    // 32 minishard bits are a shard index of 64 GiB: no reader goes further.
    if (value < 0 || value > (i == 1 ? 32 : 64))
      return make_error(ErrorCode::invalid_argument, "--sharding: expected bits from 0 to {}, found {}",
                        i == 1 ? 32 : 64, value);
    *bits[i] = static_cast<int>(value);
  }
  if (spec.minishard_bits + spec.shard_bits > 64)
    return make_error(ErrorCode::invalid_argument, "--sharding: expected minishard + shard <= 64 bits, found {}",
                      spec.minishard_bits + spec.shard_bits);
  if (parts.size() == 4) {
    spec.is_murmur = parts[3] == "murmurhash3_x86_128";
    if (!spec.is_murmur && parts[3] != "identity")
      return make_error(ErrorCode::invalid_argument,
                        "--sharding: expected the hash identity|murmurhash3_x86_128, found \"{}\"", parts[3]);
  }
  return spec;
}

Result<void> plan_compressor(const VolumeOptions& options, VolumePlan& plan) {
  std::string name = options.compress, known = "none";
  if (name == "auto") name = plan.ome_zarr ? "zstd" : "gzip";
  for (const CompressorDescriptor* row : all_compressors())
    if (plan.ome_zarr || std::string_view(row->name) == "gzip") known = fmt::format("{}|{}", row->name, known);
  const CompressorDescriptor* const found = find_compressor(name);
  if (name != "none" && (found == nullptr || (!plan.ome_zarr && name != "gzip")))
    return make_error(ErrorCode::invalid_argument, "--compress: expected {}, found \"{}\"", known, options.compress);
  if (found == nullptr || plan.codec->is_compressed) return {};
  plan.compressor = found;
  plan.level = options.level.value_or(found->initial_level);
  if (plan.level < found->lowest_level || plan.level > found->highest_level)
    return make_error(ErrorCode::invalid_argument, "--level: expected {} to {} for {}, found {}", found->lowest_level,
                      found->highest_level, found->name, plan.level);
  return {};
}

Result<void> plan_encoding(const VolumeOptions& options, VolumePlan& plan) {
  std::string encoding = options.encoding;
  if (plan.ome_zarr) {
    if (encoding != "auto" && encoding != "raw")
      return make_error(ErrorCode::invalid_argument, "--encoding: expected raw for OME-Zarr, found \"{}\"", encoding)
          .with_hint("--compress says how its chunks are packed");
    encoding = "raw";
  }
  if (encoding == "auto")
    encoding = plan.is_segmentation && size_of(plan.type) >= 4 ? "compressed_segmentation" : "raw";
  plan.codec = find_codec(encoding);
  if (plan.codec == nullptr) {
    std::string names = "auto";
    for (const auto* codec : all_codecs()) names += fmt::format("|{}", codec->name);
    return make_error(ErrorCode::invalid_argument, "--encoding: expected {}, found \"{}\"", names, options.encoding);
  }
  if (!plan.codec->supports(plan.type, plan.channels))
    return make_error(ErrorCode::invalid_argument, "--encoding {}: cannot hold {} with {} channel(s)", plan.codec->name,
                      name_of(plan.type), plan.channels)
        .with_hint("use --encoding raw, or convert the values with --dtype");
  plan.codec_options.block_size_xyz = options.block_size_xyz;
  for (const Index side : options.block_size_xyz)
    if (plan.codec->has_block_size && (side < 1 || side > 64))
      return make_error(ErrorCode::invalid_argument, "--block: expected sides of 1 to 64, found {}", side);
  for (const auto& [name, value] : options.encoding_options) {
    const auto option = std::ranges::find(plan.codec->options, name, &CodecOption::name);
    if (option == plan.codec->options.end())
      return make_error(ErrorCode::invalid_argument, "--{}: means nothing for --encoding {}", name, plan.codec->name);
    if (value < option->low || value > option->high)
      return make_error(ErrorCode::invalid_argument, "--{}: expected {} to {}, found {}", name, option->low,
                        option->high, value);
    plan.codec_options.numbers[name] = value;
  }
  if (options.layout == "sharded")
    plan.layout = Layout::sharded;
  else if (options.layout == "flat")
    plan.layout = Layout::flat;
  else if (options.layout == "deep")
    plan.layout = Layout::deep;
  else
    return make_error(ErrorCode::invalid_argument, "--layout: expected sharded|flat|deep, found \"{}\"",
                      options.layout);
  if (plan.ome_zarr && plan.layout == Layout::deep)
    return make_error(ErrorCode::invalid_argument, "--layout: expected sharded|flat for OME-Zarr, found \"deep\"");
  if (plan.ome_zarr && !options.sharding.empty())
    return make_error(ErrorCode::invalid_argument, "--sharding: means nothing for OME-Zarr")
        .with_hint("--shard-size says how large its shards are");
  plan.keep_empty = options.keep_empty;
  return plan_compressor(options, plan);
}

Result<void> plan_downsampling(const VolumeOptions& options, VolumePlan& plan) {
  if (options.downsample == "auto") {
    plan.method = plan.is_segmentation ? Downsampling::majority : Downsampling::average;
  } else if (const auto method = find_downsampling(options.downsample)) {
    plan.method = *method;
  } else {
    std::string names = "auto";
    for (const Downsampling known : kDownsamplings) names += fmt::format("|{}", name_of(known));
    return make_error(ErrorCode::invalid_argument, "--downsample: expected {}, found \"{}\"", names,
                      options.downsample);
  }
  if (options.outside != "edge") {
    double value = 0;
    const auto* end = options.outside.data() + options.outside.size();
    const auto parsed = std::from_chars(options.outside.data(), end, value);
    const bool fits =
        parsed.ec == std::errc{} && parsed.ptr == end && visit_type(plan.type, [&](auto zero) {
          using T = decltype(zero);
          return !std::is_integral_v<T> ||
                 (value == std::nearbyint(value) && value >= static_cast<double>(std::numeric_limits<T>::lowest()) &&
                  value <= static_cast<double>(std::numeric_limits<T>::max()));
        });
    if (!fits)
      return make_error(ErrorCode::invalid_argument, "--outside: expected edge or a {} value, found \"{}\"",
                        name_of(plan.type), options.outside);
    plan.outside = {false, value};
  }
  return {};
}

// That the encoding has room for whole chunks and for those that the upper edges cut.
Result<void> check_chunk_sizes(const CodecDescriptor& codec, const CodecOptions& options, const ScaleInfo& scale) {
  if (codec.check_size == nullptr) return {};
  for (int cut = 0; cut < 8; ++cut) {
    VoxelVec size;
    for (int a = 0; a < 3; ++a) {
      const auto i = static_cast<std::size_t>(a);
      const Index whole = scale.size_xyz[i], side = scale.chunk_size()[i];
      size[a] = (cut >> a & 1) != 0 ? whole % side : std::min(whole, side);
    }
    if (size.product() == 0) continue;
    auto checked = codec.check_size(size, options);
    if (!checked)
      return make_error(ErrorCode::invalid_argument, "{}", checked.error().message)
          .with_hint("use another --chunk-size or --encoding");
  }
  return {};
}

// Options that say how scales are computed.
Result<void> check_kept(const VolumeOptions& options) {
  const VolumeOptions defaults;
  for (const auto& [name, value, initial] : {std::tuple("factor", &options.factor, &defaults.factor),
                                             {"downsample", &options.downsample, &defaults.downsample},
                                             {"outside", &options.outside, &defaults.outside}})
    if (*value != *initial)
      return make_error(ErrorCode::invalid_argument, "--{}: means nothing with --scales keep, which computes no scales",
                        name);
  return {};
}

Result<void> plan_pyramid(std::span<const VolumeHeader> levels, const VolumeOptions& options,
                          const std::array<double, 3>& resolution_nm, const Box& box_vox, VolumePlan& plan) {
  ScaleRequest request;
  request.box_vox = box_vox;
  request.resolution_nm = resolution_nm;
  request.type = plan.type;
  request.channels = plan.channels;
  request.chunk_size_xyz = options.chunk_size_xyz;
  request.scales = options.scales;
  if (options.chunk_size_xyz)
    for (const Index side : *options.chunk_size_xyz)
      if (side < 1 || side > 2048)
        return make_error(ErrorCode::invalid_argument, "--chunk-size: expected sides of 1 to 2048, found {}", side);
  NGFORGE_TRY(request.factors, parse_factors(options.factor));
  if (options.keep_scales) {
    NGFORGE_CHECK(check_kept(options));
    NGFORGE_TRY(KeptScales kept, plan_kept_scales(levels, plan.axis_map, plan.origin_vox, request));
    plan.scales = std::move(kept.scales);
    plan.kept_levels = std::move(kept.levels);
    plan.notices.insert(plan.notices.end(), kept.notices.begin(), kept.notices.end());
  } else {
    NGFORGE_TRY(plan.scales, plan_scales(request));
  }

  VolumeInfo& info = plan.info;
  info.is_segmentation = plan.is_segmentation;
  info.type = plan.type;
  info.channels = plan.channels;
  for (const ScaleGeometry& geometry : plan.scales) {
    ScaleInfo scale;
    scale.key = geometry.key;
    const auto size = geometry.box_vox.size();
    for (int a = 0; a < 3; ++a) {
      const auto i = static_cast<std::size_t>(a);
      scale.size_xyz[i] = size[a];
      scale.voxel_offset[i] = geometry.box_vox.begin[a];
    }
    scale.resolution_nm = geometry.resolution_nm;
    scale.chunk_sizes = {geometry.chunk_size_xyz};
    scale.encoding = plan.codec->name;
    scale.block_size_xyz = plan.codec_options.block_size_xyz;
    if (plan.ome_zarr) {
      NGFORGE_CHECK(plan_ome_zarr_array(options, scale, plan));
    } else if (plan.layout == Layout::sharded) {
      const auto chunk_values = static_cast<std::uint64_t>(geometry.chunk_size_xyz[0] * geometry.chunk_size_xyz[1] *
                                                           geometry.chunk_size_xyz[2] * plan.channels);
      if (options.sharding.empty()) {
        NGFORGE_TRY(scale.sharding, plan_sharding(scale.grid_shape(), chunk_values * size_of(plan.type),
                                                  options.shard_bytes, plan.compressor != nullptr));
      } else {
        NGFORGE_TRY(scale.sharding, parse_sharding(options.sharding, plan.compressor != nullptr));
      }
    }
    NGFORGE_CHECK(check_chunk_sizes(*plan.codec, plan.codec_options, scale));
    info.scales.push_back(std::move(scale));
  }
  return {};
}

}  // namespace

std::vector<EncodingOption> all_encoding_options() {
  std::vector<EncodingOption> options;
  for (const CodecDescriptor* codec : all_codecs())
    for (const CodecOption& option : codec->options)
      options.push_back({option.name,
                         codec->name,
                         option.help,
                         option.initial,
                         option.low,
                         option.high,
                         {option.names.begin(), option.names.end()}});
  return options;
}

Result<VolumePlan> plan_volume(const VolumeHeader& header, const VolumeOptions& options, DatasetKind kind) {
  return plan_volume(std::span(&header, 1), options, kind);
}

Result<VolumePlan> plan_volume(std::span<const VolumeHeader> levels, const VolumeOptions& options, DatasetKind kind) {
  const VolumeHeader& header = levels.front();
  VolumePlan plan;
  if (kind == DatasetKind::ome_zarr) plan.ome_zarr.emplace();
  plan.size_ijk = header.size_ijk;
  plan.index_bytes = std::ranges::max(levels, {}, &VolumeHeader::index_bytes).index_bytes;
  const bool scaled = !options.ignore_scaling && (header.slope != 1 || header.intercept != 0);
  const auto same = same_data_type(header.type);
  const bool wide_integer = same && is_integer(*same) && size_of(*same) >= 4;
  if (options.type.empty() && !header.known_type.empty()) {
    plan.is_segmentation = header.known_type == "segmentation";
  } else if (options.type.empty()) {
    plan.is_segmentation = header.has_label_intent || (wide_integer && !scaled && !header.channels_are_colors);
    if (plan.is_segmentation)
      plan.notices.push_back(fmt::format(
          "taken as a segmentation ({}); --type image would change that",
          header.has_label_intent ? "its intent is LABEL" : fmt::format("its type is {}", name_of(header.type))));
  } else if (options.type == "image" || options.type == "segmentation") {
    plan.is_segmentation = options.type == "segmentation";
  } else {
    return make_error(ErrorCode::invalid_argument, "--type: expected image|segmentation, found \"{}\"", options.type);
  }
  NGFORGE_TRY(plan.source_channels, choose_channels(header, options));
  plan.channels = static_cast<Index>(plan.source_channels.size());
  plan.is_rgb = header.channels_are_colors && plan.channels == header.channels;
  if (plan.is_segmentation && plan.channels > 1)
    return make_error(ErrorCode::needs_decision, "a segmentation has one channel, found {}", plan.channels)
        .with_hint("choose with --time N or --channel N, or take it as an image with --type image");
  NGFORGE_TRY(plan.values, plan_values(header, options, plan.is_segmentation, kind));
  plan.type = plan.values.to;
  NGFORGE_TRY(Grid grid, plan_grid(header, options));
  plan.axis_map = grid.axis_map;
  plan.origin_vox = grid.origin_vox;
  plan.transform_nm = grid.transform_nm;
  NGFORGE_TRY(const Box box_vox, parse_crop(options.crop, {grid.origin_vox, grid.origin_vox + grid.size_vox}));
  NGFORGE_CHECK(plan_encoding(options, plan));
  NGFORGE_CHECK(plan_downsampling(options, plan));
  NGFORGE_CHECK(plan_pyramid(levels, options, grid.resolution_nm, box_vox, plan));
  if (plan.ome_zarr) describe_ome_zarr(header, options, plan);
  return plan;
}

VolumePlan plan_of_level(const VolumePlan& plan, std::size_t level) {
  VolumePlan one = plan;
  one.size_ijk = plan.kept_levels[level].size_ijk;
  one.origin_vox = plan.kept_levels[level].origin_vox;
  one.scales = {plan.scales[level]};
  one.scales[0].factor = {1, 1, 1};
  one.kept_levels = {plan.kept_levels[level]};
  one.info.scales = {plan.info.scales[level]};
  if (plan.ome_zarr && !plan.ome_zarr->shard_chunks_xyz.empty())
    one.ome_zarr->shard_chunks_xyz = {plan.ome_zarr->shard_chunks_xyz[level]};
  return one;
}

Error bad_value_error(const VolumePlan& plan, const BadValue& bad, const SourceBox& box_ijk) {
  const auto size = box_ijk.size();
  Index rest = static_cast<Index>(bad.index) % size.product();
  SourceVec at;
  for (int a = 0; a < 3; ++a) {
    at[a] = box_ijk.begin[a] + rest % size[a];
    rest /= size[a];
  }
  const bool is_nan = bad.text == "nan" || bad.text == "-nan";
  return make_error(ErrorCode::needs_decision,
                    "expected values that fit {}, found {} at voxel ({}, {}, {}) of the file", name_of(plan.type),
                    bad.text, at.x, at.y, at.z)
      .with_hint(is_nan ? "say what NaN becomes with --nan VALUE"
                        : "convert with rounding and clamping by --dtype, or take it as an image with --type image");
}

}  // namespace ngforge
