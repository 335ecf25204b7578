// SPDX-License-Identifier: Apache-2.0
#include "source/raster_source.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "core/byte_order.h"

namespace ngforge {
namespace {

template <std::size_t kBytes>
void take_every(const std::byte* from, std::byte* to, Index count, Index stride) {
  for (Index n = 0; n < count; ++n) std::memcpy(to + n * static_cast<Index>(kBytes), from + n * stride, kBytes);
}

/// Copies `count` values that lie `stride` bytes apart.
void take_channel(const std::byte* from, std::byte* to, Index count, Index stride, std::size_t value_bytes) {
  switch (value_bytes) {
    case 1: return take_every<1>(from, to, count, stride);
    case 2: return take_every<2>(from, to, count, stride);
    case 4: return take_every<4>(from, to, count, stride);
    case 8: return take_every<8>(from, to, count, stride);
    case 16: return take_every<16>(from, to, count, stride);
    default: return take_every<32>(from, to, count, stride);
  }
}

// Rows that are read only in part are read whole, many at a time, when what lies between costs less than another call.
constexpr Index kGapWorthReading = 8 << 10;
constexpr Index kScratchBytes = 1 << 20;

class RasterSource final : public VolumeSource {
 public:
  RasterSource(std::shared_ptr<ByteSource> bytes, VolumeHeader header, const RasterLayout& layout, std::uint64_t end)
      : bytes_(std::move(bytes)),
        header_(std::move(header)),
        layout_(layout),
        end_(end),
        value_bytes_(static_cast<Index>(size_of(header_.type))) {}

  const VolumeHeader& header() const override { return header_; }
  Access access() const override { return bytes_->has_random_access() ? Access::any_box : Access::once; }
  Result<void> read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) override;

 private:
  Index plane_bytes() const { return header_.size_ijk.x * header_.size_ijk.y * value_bytes_; }
  /// Where a value begins; for interleaved colours, where the first of its voxel's values does.
  std::uint64_t offset_of(Index i, Index j, Index k, Index channel) const {
    const SourceVec& n = header_.size_ijk;
    const Index together = layout_.is_interleaved ? header_.channels : 1;
    const Index voxel = i + n.x * (j + n.y * (k + (layout_.is_interleaved ? 0 : n.z * channel)));
    return layout_.data_offset + static_cast<std::uint64_t>(voxel * together * value_bytes_);
  }
  Result<void> read_bytes(std::uint64_t offset, std::span<std::byte> out);
  Result<void> read_whole_rows(const SourceBox& box, ChannelRange channels, std::span<std::byte> out);
  Result<void> read_parts_of_rows(const SourceBox& box, ChannelRange channels, std::span<std::byte> out);
  Result<void> read_interleaved(const SourceBox& box, ChannelRange channels, std::span<std::byte> out);

  std::shared_ptr<ByteSource> bytes_;
  VolumeHeader header_;
  RasterLayout layout_;
  std::uint64_t end_;  // of the values in the content
  Index value_bytes_;
};

Result<void> RasterSource::read_bytes(std::uint64_t offset, std::span<std::byte> out) {
  NGFORGE_CHECK(bytes_->read(offset, out));
  if (offset + out.size() < end_) return {};
  if (layout_.ends_content) {
    std::byte behind{};
    NGFORGE_TRY(const std::size_t count, bytes_->read_some(end_, {&behind, 1}));
    if (count > 0)
      return make_error(ErrorCode::invalid_data, "{}: expected the end behind {} bytes, found more", bytes_->place(),
                        end_)
          .of_source();
  }
  return bytes_->finish();
}

Result<void> RasterSource::read_whole_rows(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) {
  const SourceVec size = box.size();
  const bool whole_planes = size.y == header_.size_ijk.y;
  const bool whole_channels = whole_planes && size.z == header_.size_ijk.z;
  Index run = size.x * size.y * value_bytes_;  // bytes that lie together in the file
  if (whole_planes) run *= size.z;
  if (whole_channels) run *= channels.size();
  for (Index c = channels.begin; c < (whole_channels ? channels.begin + 1 : channels.end); ++c) {
    for (Index k = box.begin.z; k < (whole_planes ? box.begin.z + 1 : box.end.z); ++k) {
      NGFORGE_CHECK(read_bytes(offset_of(0, box.begin.y, k, c), out.first(static_cast<std::size_t>(run))));
      out = out.subspan(static_cast<std::size_t>(run));
    }
  }
  return {};
}

Result<void> RasterSource::read_parts_of_rows(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) {
  const SourceVec size = box.size();
  const Index pitch = header_.size_ijk.x * value_bytes_, wanted = size.x * value_bytes_;
  const bool reads_gaps = pitch - wanted <= kGapWorthReading;
  const Index rows_at_once = reads_gaps ? std::clamp<Index>(kScratchBytes / pitch, 1, size.y) : 1;
  std::vector<std::byte> scratch(rows_at_once > 1 ? static_cast<std::size_t>((rows_at_once - 1) * pitch + wanted) : 0);
  for (Index c = channels.begin; c < channels.end; ++c) {
    for (Index k = box.begin.z; k < box.end.z; ++k) {
      for (Index j = box.begin.y; j < box.end.y; j += rows_at_once) {
        const Index rows = std::min(rows_at_once, box.end.y - j);
        const std::uint64_t offset = offset_of(box.begin.x, j, k, c);
        const auto target = out.first(static_cast<std::size_t>(rows * wanted));
        out = out.subspan(target.size());
        if (rows == 1) {
          NGFORGE_CHECK(read_bytes(offset, target));
          continue;
        }
        NGFORGE_CHECK(
            read_bytes(offset, std::span(scratch).first(static_cast<std::size_t>((rows - 1) * pitch + wanted))));
        for (Index row = 0; row < rows; ++row)
          std::memcpy(target.data() + row * wanted, scratch.data() + row * pitch, static_cast<std::size_t>(wanted));
      }
    }
  }
  return {};
}

Result<void> RasterSource::read_interleaved(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) {
  const SourceVec size = box.size();
  const Index together = header_.channels, voxels = box.volume();
  const bool whole_rows = size.x == header_.size_ijk.x;
  const Index voxel_bytes = together * value_bytes_, row_bytes = size.x * voxel_bytes;
  const Index rows_at_once = whole_rows ? std::clamp<Index>(kScratchBytes / row_bytes, 1, size.y) : 1;
  std::vector<std::byte> scratch(static_cast<std::size_t>(rows_at_once * row_bytes));
  Index done = 0;
  for (Index k = box.begin.z; k < box.end.z; ++k) {
    for (Index j = box.begin.y; j < box.end.y; j += rows_at_once) {
      const Index count = std::min(rows_at_once, box.end.y - j) * size.x;
      NGFORGE_CHECK(read_bytes(offset_of(box.begin.x, j, k, 0),
                               std::span(scratch).first(static_cast<std::size_t>(count * voxel_bytes))));
      for (Index c = channels.begin; c < channels.end; ++c)
        take_channel(scratch.data() + c * value_bytes_,
                     out.data() + ((c - channels.begin) * voxels + done) * value_bytes_, count, voxel_bytes,
                     static_cast<std::size_t>(value_bytes_));
      done += count;
    }
  }
  return {};
}

Result<void> RasterSource::read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) {
  NGFORGE_ASSERT((SourceBox{{0, 0, 0}, header_.size_ijk}.contains(box)));
  NGFORGE_ASSERT(channels.begin >= 0 && channels.end <= header_.channels);
  NGFORGE_ASSERT(static_cast<Index>(out.size()) == box.volume() * channels.size() * value_bytes_);
  if (out.empty()) return {};
  NGFORGE_CHECK(layout_.is_interleaved               ? read_interleaved(box, channels, out)
                : box.size().x == header_.size_ijk.x ? read_whole_rows(box, channels, out)
                                                     : read_parts_of_rows(box, channels, out));
  if (layout_.is_foreign_order) swap_numbers(out, layout_.number_bytes);
  return {};
}

/// Where the values end, or nothing when that cannot be counted.
std::optional<std::uint64_t> end_of_values(const VolumeHeader& header, const RasterLayout& layout) {
  std::int64_t bytes = static_cast<std::int64_t>(size_of(header.type));
  for (const Index factor : {header.size_ijk.x, header.size_ijk.y, header.size_ijk.z, header.channels})
    if (__builtin_mul_overflow(bytes, factor, &bytes)) return std::nullopt;
  std::int64_t end = 0;
  if (__builtin_add_overflow(bytes, layout.data_offset, &end)) return std::nullopt;
  return static_cast<std::uint64_t>(end);
}

}  // namespace

Result<std::unique_ptr<VolumeSource>> open_raster(std::shared_ptr<ByteSource> bytes, VolumeHeader header,
                                                  const RasterLayout& layout) {
  const SourceVec& n = header.size_ijk;
  const auto end = end_of_values(header, layout);
  if (!end)
    return make_error(ErrorCode::invalid_data,
                      "{}: expected a volume of less than 2^63 bytes, found {} x {} x {} x {} {}", bytes->place(), n.x,
                      n.y, n.z, header.channels, name_of(header.type))
        .of_source();
  const auto found = bytes->content_bytes();
  if (found && *found < *end)
    return make_error(ErrorCode::invalid_data,
                      "{}: expected {} bytes for {} x {} x {} x {} {} from byte {}, found {} (truncated)",
                      bytes->place(), *end, n.x, n.y, n.z, header.channels, name_of(header.type), layout.data_offset,
                      *found)
        .of_source();
  header.fingerprint += bytes->fingerprint();
  header.stored_bytes += bytes->stored_bytes();
  header.is_compressed_stream = bytes->is_gzip();
  return std::make_unique<RasterSource>(std::move(bytes), std::move(header), layout, *end);
}

}  // namespace ngforge
