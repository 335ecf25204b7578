// SPDX-License-Identifier: Apache-2.0
#include "source/array_source.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "array/copy_values.h"
#include "ngforge/text.h"
#include "store/store.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMaxJsonBytes = std::uint64_t{1} << 26;

// Axes behind x, y, z, the fastest first.
std::vector<std::size_t> outer_axes(const VolumeAxes& axes) {
  std::vector<std::size_t> outer;
  if (axes.time) outer.push_back(*axes.time);
  outer.insert(outer.end(), axes.channels.begin(), axes.channels.end());
  return outer;
}

class ArraySource final : public VolumeSource {
 public:
  ArraySource(std::shared_ptr<const ArrayReader> reader, const VolumeAxes& axes, VolumeHeader header,
              std::size_t level_count, LevelOpener open_level)
      : reader_(std::move(reader)),
        axes_(axes),
        outer_(outer_axes(axes)),
        header_(std::move(header)),
        level_count_(level_count),
        open_level_(std::move(open_level)) {}

  const VolumeHeader& header() const override { return header_; }
  Access access() const override { return Access::any_box; }
  std::size_t level_count() const override { return level_count_; }

  Result<std::unique_ptr<VolumeSource>> open_level(std::size_t level) override {
    if (level == 0 || level >= level_count_) return VolumeSource::open_level(level);
    NGFORGE_TRY(auto source, open_level_(level));
    const VolumeHeader& other = source->header();
    if (other.channels != header_.channels || other.type != header_.type)
      return make_error(ErrorCode::invalid_data, "level {}: expected {} channel(s) of {}, found {} of {}", level,
                        header_.channels, name_of(header_.type), other.channels, name_of(other.type))
          .of_source();
    return source;
  }

  Result<void> read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) override {
    const auto plane_bytes = box.volume() * static_cast<Index>(size_of(header_.type));
    for (Index channel = channels.begin; channel < channels.end;) {
      NGFORGE_TRY(const Index count,
                  read_some(box, channel, channels.end, out.data() + (channel - channels.begin) * plane_bytes));
      channel += count;
    }
    return {};
  }

 private:
  // Reads as many channels as are one box of the array.
  Result<Index> read_some(const SourceBox& box, Index first, Index end, std::byte* out) const {
    const ArrayMetadata& array = reader_->metadata();
    Extents begin(array.rank(), 0), shape(array.rank(), 1), strides(array.rank(), 0);
    auto stride = static_cast<Index>(size_of(header_.type));
    for (int a = 0; a < 3; ++a) {
      if (const auto axis = axes_.ijk[static_cast<std::size_t>(a)]) {
        begin[*axis] = box.begin[a];
        shape[*axis] = box.size()[a];
        strides[*axis] = stride;
      }
      stride *= box.size()[a];
    }
    Index count = 1;  // channels in the box so far
    Index rest = first;
    bool is_whole = true;  // it holds all of the axes before
    for (const std::size_t axis : outer_) {
      begin[axis] = rest % array.shape[axis];
      rest /= array.shape[axis];
      strides[axis] = stride * count;
      if (!is_whole) continue;
      shape[axis] = std::min(array.shape[axis] - begin[axis], (end - first) / count);
      count *= shape[axis];
      is_whole = shape[axis] == array.shape[axis];
    }
    auto read = reader_->read(begin, shape, out, strides);
    if (!read) return std::move(read).error().of_source();
    return count;
  }

  std::shared_ptr<const ArrayReader> reader_;
  const VolumeAxes axes_;
  const std::vector<std::size_t> outer_;  // flattened into channels, fastest first
  const VolumeHeader header_;
  const std::size_t level_count_;
  const LevelOpener open_level_;
};

}  // namespace

VolumeAxes find_axes(const std::vector<std::string>& names, std::size_t rank) {
  VolumeAxes axes;
  std::vector<bool> is_taken(rank);
  const auto take = [&](std::initializer_list<std::string_view> spellings) {
    std::optional<std::size_t> found;
    for (std::size_t a = 0; a < names.size() && !found; ++a)
      if (!is_taken[a] && std::ranges::find(spellings, lower_case(names[a])) != spellings.end()) found = a;
    if (found) is_taken[*found] = true;
    return found;
  };
  axes.time = take({"t", "time"});
  const auto channel = take({"c", "channel", "c^", "c'"});
  for (std::size_t i = 0; i < 3; ++i) axes.ijk[i] = take({std::string_view("xyz").substr(i, 1)});
  if (!axes.ijk[0] && !axes.ijk[1] && !axes.ijk[2]) {
    std::size_t next = 0;
    for (std::size_t a = rank; a-- > 0 && next < 3;) {
      if (is_taken[a]) continue;
      is_taken[a] = true;
      axes.ijk[next++] = a;
    }
  }
  if (channel) axes.channels.push_back(*channel);
  for (std::size_t a = rank; a-- > 0;)
    if (!is_taken[a]) axes.channels.push_back(a);
  return axes;
}

VolumeHeader make_array_header(const ArrayMetadata& array, const VolumeAxes& axes, const ArrayGeometry& geometry) {
  VolumeHeader header;
  header.type = array.type;
  header.size_ijk = header.chunk_ijk = {1, 1, 1};
  const Extents chunk = array.read_shape();
  for (std::size_t a = 0; a < 3; ++a) {
    if (!axes.ijk[a]) continue;
    const std::size_t axis = *axes.ijk[a];
    header.size_ijk[static_cast<int>(a)] = array.shape[axis];
    header.chunk_ijk[static_cast<int>(a)] = chunk[axis];
    header.affine_ijk_to_mm.m[a][a] = geometry.scale_mm[axis];
    header.affine_ijk_to_mm.m[a][3] = geometry.first_centre_mm[axis];
  }
  header.index_bytes = array.index_bytes();
  header.has_voxel_size = geometry.has_voxel_size;
  std::vector<Index> sizes;
  for (const std::size_t axis : outer_axes(axes)) {
    sizes.push_back(array.shape[axis]);
    header.channels *= array.shape[axis];
    header.chunk_channels *= chunk[axis];
  }
  // The first place is that of time, so that --channel and --time mean what the axes say.
  if (!axes.time) sizes.insert(sizes.begin(), 1);
  if (header.channels > 1) header.channel_axes = sizes;
  return header;
}

std::unique_ptr<VolumeSource> make_array_source(std::shared_ptr<const ArrayReader> reader, const VolumeAxes& axes,
                                                VolumeHeader header, std::size_t level_count, LevelOpener open_level) {
  return std::make_unique<ArraySource>(std::move(reader), axes, std::move(header), level_count, std::move(open_level));
}

Result<std::optional<std::string>> read_text(Store& store, const std::string& key) {
  auto bytes = get_decoded(store, key, kMaxJsonBytes);
  if (bytes) return std::optional(std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
  if (bytes.error().code == ErrorCode::not_found) return std::optional<std::string>();
  return std::move(bytes).error();
}

std::string without_slash(std::string place) {
  while (place.size() > 1 && place.back() == '/') place.pop_back();
  return place;
}

}  // namespace ngforge
