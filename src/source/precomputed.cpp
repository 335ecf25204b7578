// SPDX-License-Identifier: Apache-2.0
// A precomputed volume (precomputed specification, sections 1 and 2) as a source: its finest scale, and all scales for
// those who ask for them.
#include "source/precomputed.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <fmt/ranges.h>

#include "core/affine.h"
#include "core/stored_type.h"
#include "layout/provenance.h"
#include "layout/transform.h"
#include "source/fingerprint.h"
#include "source/source.h"
#include "store/store.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMaxChunkBytes = std::uint64_t{1} << 31;
constexpr std::uint64_t kMaxJsonBytes = std::uint64_t{1} << 26;
// Minishard indices that are kept per scale.
constexpr std::size_t kIndexCacheBytes = std::size_t{4} << 20;
constexpr std::string_view kPrefix = "precomputed://", kSuffix = "|neuroglancer-precomputed:";

bool is_spelled(std::string_view place) {
  return place.starts_with(kPrefix) || place.ends_with(kSuffix);
}

std::string without_spelling(std::string_view place) {
  if (place.starts_with(kPrefix)) place.remove_prefix(kPrefix.size());
  if (place.ends_with(kSuffix)) place.remove_suffix(kSuffix.size());
  return std::string(place);
}

std::string text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Relative paths of `info` are split at '/', empty and "." parts skipped, ".." takes one away (specification, 0.2).
Result<std::string> resolved_key(const std::string& key, const std::string& where) {
  std::vector<std::string_view> parts;
  for (std::string_view rest = key; !rest.empty();) {
    const auto part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part == ".." && parts.empty())
      return make_error(ErrorCode::unsupported, "{}: expected a folder inside the dataset, found \"{}\"", where, key);
    if (part == "..")
      parts.pop_back();
    else if (!part.empty() && part != ".")
      parts.push_back(part);
  }
  if (parts.empty())
    return make_error(ErrorCode::unsupported, "{}: expected a folder inside the dataset, found \"{}\"", where, key);
  return fmt::format("{}", fmt::join(parts, "/"));
}

// Voxels of the largest chunk: no larger than the volume, whatever `info` says.
std::uint64_t chunk_bytes(const VolumeInfo& info, const ScaleInfo& scale) {
  auto bytes = static_cast<std::uint64_t>(info.channels) * size_of(info.type);
  for (std::size_t a = 0; a < 3; ++a)
    bytes *= static_cast<std::uint64_t>(std::min(scale.chunk_size()[a], scale.size_xyz[a]));
  return bytes;
}

// What the encoded bytes of a chunk may be: no encoding makes its voxels eight times larger, beside a small constant.
std::uint64_t encoded_limit(const VolumeInfo& info, const ScaleInfo& scale) {
  return 8 * chunk_bytes(info, scale) + (std::uint64_t{1} << 26);
}

void fill_zero(const MutableBlockView& view) {
  const auto row_bytes = static_cast<std::size_t>(view.size().x) * view.value_bytes();
  for (Index c = 0; c < view.channels; ++c)
    for (Index z = view.box.begin.z; z < view.box.end.z; ++z)
      for (Index y = view.box.begin.y; y < view.box.end.y; ++y) std::memset(view.row(y, z, c), 0, row_bytes);
}

}  // namespace

Result<std::shared_ptr<PrecomputedVolume>> PrecomputedVolume::open(const std::string& place) {
  NGFORGE_TRY(auto store, open_dataset_store(place));
  return open(std::move(store));
}

Result<std::shared_ptr<PrecomputedVolume>> PrecomputedVolume::open(std::shared_ptr<Store> store) {
  std::shared_ptr<PrecomputedVolume> volume(new PrecomputedVolume);
  volume->store_ = std::move(store);
  auto head = volume->read_head();
  if (!head) return std::move(head).error().of_source();
  return volume;
}

Result<void> PrecomputedVolume::read_head() {
  const std::string where = store_->describe() + "/info";
  NGFORGE_TRY(const ObjectInfo stored, store_->stat("info"));
  NGFORGE_TRY(const Bytes bytes, get_decoded(*store_, "info", kMaxJsonBytes));
  const std::string text = text_of(bytes);
  NGFORGE_TRY(info_, parse_volume_info(text, where));
  fingerprint_ = fingerprint_of(text, stored.etag);
  for (std::size_t i = 0; i < info_.scales.size(); ++i) {
    ScaleInfo& scale = info_.scales[i];
    NGFORGE_TRY(scale.key, resolved_key(scale.key, fmt::format("{}: scales[{}].key", where, i)));
    if (chunk_bytes(info_, scale) > kMaxChunkBytes)
      return make_error(ErrorCode::limit, "{}: scales[{}].chunk_sizes: expected chunks of at most {} bytes, found {}",
                        where, i, kMaxChunkBytes, chunk_bytes(info_, scale));
    if (scale.sharding && morton_bits(scale.grid_shape()) > 64)
      return make_error(ErrorCode::invalid_data, "{}: scales[{}]: expected a grid of at most 64 bits", where, i);
    shards_.push_back(scale.sharding
                          ? std::make_unique<ShardedReader>(store_, scale.key + "/", *scale.sharding, kIndexCacheBytes)
                          : nullptr);
  }
  auto transform = get_decoded(*store_, "transform.json", kMaxJsonBytes);
  if (!transform && transform.error().code == ErrorCode::not_found) return {};
  if (!transform) return std::move(transform).error();
  NGFORGE_TRY(transform_nm_, parse_transform(text_of(*transform), store_->describe() + "/transform.json"));
  return {};
}

Layout PrecomputedVolume::layout(std::size_t scale) const {
  if (info_.scales[scale].sharding) return Layout::sharded;
  const auto names = store_->list(info_.scales[scale].key + "/");
  const bool is_deep =
      names && std::ranges::any_of(*names, [](const std::string& name) { return name.ends_with('/'); });
  return is_deep ? Layout::deep : Layout::flat;
}

bool PrecomputedVolume::has_gzip_names() const {
  if (info_.scales.front().sharding) return false;
  std::string folder = info_.scales.front().key + "/";
  // Deep names have two folders above the files.
  for (int depth = 0; depth < 3; ++depth) {
    const auto names = store_->list(folder);
    if (!names || names->empty()) return false;
    if (!names->front().ends_with('/'))
      return std::ranges::any_of(*names, [](const std::string& name) { return name.ends_with(".gz"); });
    folder += names->front();
  }
  return false;
}

Result<std::optional<Bytes>> PrecomputedVolume::find_file(const ScaleInfo& scale, const Box& box_vox) const {
  for (const auto& name : {chunk_name(box_vox), deep_chunk_name(box_vox)}) {
    auto bytes = get_decoded(*store_, scale.key + "/" + name, encoded_limit(info_, scale));
    if (bytes) return std::optional<Bytes>(std::move(*bytes));
    if (bytes.error().code != ErrorCode::not_found) return std::move(bytes).error();
  }
  return std::optional<Bytes>();
}

Result<std::optional<Bytes>> PrecomputedVolume::read_chunk_bytes(std::size_t scale, const GridVec& cell) const {
  const ScaleInfo& of = info_.scales[scale];
  if (!shards_[scale]) {
    auto found = find_file(of, of.chunk_box(cell));
    if (!found) return std::move(found).error().of_source();
    return found;
  }
  auto bytes = shards_[scale]->get(encode_morton(cell, of.grid_shape()), encoded_limit(info_, of));
  if (bytes) return std::optional<Bytes>(std::move(*bytes));
  if (bytes.error().code == ErrorCode::not_found) return std::optional<Bytes>();
  return std::move(bytes).error().of_source();
}

Result<bool> PrecomputedVolume::read_chunk(std::size_t scale, const GridVec& cell, const MutableBlockView& view) const {
  const ScaleInfo& of = info_.scales[scale];
  const auto where = [&] {
    return fmt::format("{}/{}/{}", store_->describe(), of.key, chunk_name(of.chunk_box(cell)));
  };
  const CodecDescriptor* codec = find_decoder(of.encoding, info_.type, info_.channels);
  if (codec == nullptr)
    return make_error(ErrorCode::unsupported, "{}: this build cannot decode {} of {} channel(s) of {}", where(),
                      of.encoding, info_.channels, name_of(info_.type))
        .of_source();
  NGFORGE_TRY(const auto bytes, read_chunk_bytes(scale, cell));
  if (!bytes) {
    fill_zero(view);
    return false;
  }
  auto decoded = codec->decode(*bytes, {of.block_size_xyz}, view);
  if (!decoded) return std::move(decoded).error().in(where()).of_source();
  return true;
}

Result<void> PrecomputedVolume::read(std::size_t scale, const Box& box, ChannelRange channels,
                                     const MutableBlockView& view) const {
  const ScaleInfo& of = info_.scales[scale];
  NGFORGE_ASSERT(of.box_vox().contains(box) && view.box == box && view.channels == channels.size());
  if (box.empty()) return {};
  GridBox cells;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    cells.begin[a] = (box.begin[a] - of.voxel_offset[i]) / of.chunk_size()[i];
    cells.end[a] = ceil_div(box.end[a] - of.voxel_offset[i], of.chunk_size()[i]);
  }
  Buffer scratch;
  for (Index z = cells.begin.z; z < cells.end.z; ++z)
    for (Index y = cells.begin.y; y < cells.end.y; ++y)
      for (Index x = cells.begin.x; x < cells.end.x; ++x) {
        const GridVec cell{x, y, z};
        const Box chunk_box = of.chunk_box(cell);
        if (chunk_box == box && view.is_dense() && view.channels == info_.channels) {
          NGFORGE_CHECK(read_chunk(scale, cell, view));
          return {};
        }
        if (scratch.size() == 0) scratch = Buffer(static_cast<std::size_t>(chunk_bytes(info_, of)));
        const MutableBlockView chunk = dense_view(scratch.data(), info_.type, chunk_box, info_.channels);
        NGFORGE_CHECK(read_chunk(scale, cell, chunk));
        BlockView kept = chunk;
        kept.data += channels.begin * chunk.stride_channel;
        kept.channels = channels.size();
        copy_common(kept, view);
      }
  return {};
}

Result<std::shared_ptr<Store>> open_dataset_store(const std::string& place) {
  auto store = open_store(without_spelling(place));
  if (!store) return std::move(store).error().of_source();
  return store;
}

bool is_precomputed(const std::string& place) {
  if (is_spelled(place)) return true;
  const auto store = open_store(place);
  return store && (*store)->stat("info");
}

namespace {

class PrecomputedSource final : public VolumeSource {
 public:
  /// Errors: unsupported (an encoding that this build does not have).
  static Result<std::unique_ptr<VolumeSource>> open(std::shared_ptr<PrecomputedVolume> volume, std::size_t scale) {
    const VolumeInfo& info = volume->info();
    const std::string& encoding = info.scales[scale].encoding;
    if (find_decoder(encoding, info.type, info.channels) == nullptr)
      return make_error(ErrorCode::unsupported,
                        "{}/info: scales[{}].encoding: this build cannot decode {} of {} channel(s) of {}",
                        volume->store()->describe(), scale, encoding, info.channels, name_of(info.type))
          .of_source();
    return std::unique_ptr<VolumeSource>(std::make_unique<PrecomputedSource>(std::move(volume), scale));
  }

  PrecomputedSource(std::shared_ptr<PrecomputedVolume> volume, std::size_t scale_number)
      : volume_(std::move(volume)), scale_number_(scale_number) {
    const VolumeInfo& info = volume_->info();
    const ScaleInfo& scale = info.scales[scale_number];
    const auto vec = [](const std::array<Index, 3>& xyz) { return SourceVec{xyz[0], xyz[1], xyz[2]}; };
    header_.size_ijk = vec(scale.size_xyz);
    header_.channels = info.channels;
    if (info.channels > 1) header_.channel_axes = {info.channels};
    header_.channels_are_colors = has_channels_of_colors(volume_->info()) && says_colors(*volume_).value_or(false);
    header_.type = stored_type_of(info.type);
    header_.known_type = info.is_segmentation ? "segmentation" : "image";
    header_.voxel_offset_ijk = vec(scale.voxel_offset);
    // The header's indices begin at the volume's corner, the transform's coordinates at the dataset's origin.
    Affine from_corner;
    for (std::size_t a = 0; a < 3; ++a) from_corner.m[a][3] = static_cast<double>(scale.voxel_offset[a]);
    header_.affine_ijk_to_mm =
        multiply(centre_mm_affine(volume_->transform_nm().value_or(Affine{}), scale.resolution_nm), from_corner);
    header_.has_voxel_size = true;
    header_.format = "precomputed";
    header_.details = fmt::format("{}, {} scale{}, {}, {}", info.is_segmentation ? "segmentation" : "image",
                                  info.scales.size(), info.scales.size() == 1 ? "" : "s", scale.encoding,
                                  scale.sharding ? "sharded" : "a file per chunk");
    header_.fingerprint = volume_->fingerprint();
    // Clipped, since a chunk may be said to be far larger than the volume.
    for (int a = 0; a < 3; ++a)
      header_.chunk_ijk[a] = std::min(scale.chunk_size()[static_cast<std::size_t>(a)], header_.size_ijk[a]);
    header_.chunk_channels = info.channels;
  }

  const VolumeHeader& header() const override { return header_; }
  Access access() const override { return Access::any_box; }
  std::size_t level_count() const override { return volume_->info().scales.size() - scale_number_; }
  Result<std::unique_ptr<VolumeSource>> open_level(std::size_t level) override {
    if (level == 0 || level >= level_count()) return VolumeSource::open_level(level);
    return open(volume_, scale_number_ + level);
  }

  Result<void> read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) override {
    Box box_vox;
    for (int a = 0; a < 3; ++a) {
      box_vox.begin[a] = box.begin[a] + header_.voxel_offset_ijk[a];
      box_vox.end[a] = box.end[a] + header_.voxel_offset_ijk[a];
    }
    return volume_->read(scale_number_, box_vox, channels,
                         dense_view(out.data(), volume_->info().type, box_vox, channels.size()));
  }

 private:
  std::shared_ptr<PrecomputedVolume> volume_;
  const std::size_t scale_number_;
  VolumeHeader header_;
};

int sniff(std::span<const std::byte> names, std::string_view) {
  const std::string_view text(reinterpret_cast<const char*>(names.data()), names.size());
  return text.starts_with("info\n") || text.find("\ninfo\n") != std::string_view::npos ? 80 : 0;
}

Result<std::unique_ptr<VolumeSource>> open(const SourceRequest& request) {
  NGFORGE_TRY(auto volume, PrecomputedVolume::open(request.place));
  return PrecomputedSource::open(std::move(volume), 0);
}

}  // namespace

extern const SourceDescriptor precomputed_source;
const SourceDescriptor precomputed_source{.name = "precomputed",
                                          .title = "Neuroglancer precomputed volume (a folder with info)",
                                          .url_scheme = "neuroglancer-precomputed",
                                          .is_folder = true,
                                          .markers = {"info"},
                                          .sniff = sniff,
                                          .open = open};

bool has_channels_of_colors(const VolumeInfo& info) {
  return !info.is_segmentation && info.type == DataType::uint8 && (info.channels == 3 || info.channels == 4);
}

std::optional<bool> says_colors(const PrecomputedVolume& volume) {
  const auto bytes = get_decoded(*volume.store(), "provenance", kMaxJsonBytes);
  if (!bytes) return std::nullopt;
  const auto provenance = parse_provenance(text_of(*bytes), "provenance");
  if (!provenance || provenance->task.empty()) return std::nullopt;
  return provenance->option("colors") == "rgb";
}

}  // namespace ngforge
