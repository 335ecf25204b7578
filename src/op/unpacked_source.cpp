// SPDX-License-Identifier: Apache-2.0
#include "op/unpacked_source.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <system_error>

#include "core/block.h"
#include "pipeline/scratch_file.h"

namespace ngforge {
namespace {

// How much is taken from the stream at once, where the stream allows parts of planes.
constexpr std::uint64_t kBatchBytes = 4 << 20;
// Parts of rows are read from scratch together when as many rows fit into this: one long read is cheaper than many
// short.
constexpr std::uint64_t kGapBytes = 64 << 10;

class UnpackedSource : public VolumeSource {
 public:
  UnpackedSource(std::unique_ptr<VolumeSource> stream, Index k_begin, Index k_end, std::vector<Index> channels,
                 std::uint64_t memory_bytes, const RunOptions& run)
      : stream_(std::move(stream)),
        header_(stream_->header()),
        k_begin_(k_begin),
        k_end_(k_end),
        channels_(std::move(channels)),
        memory_bytes_(memory_bytes),
        run_(run),
        value_bytes_(size_of(header_.type)),
        row_bytes_(static_cast<std::uint64_t>(header_.size_ijk.x) * value_bytes_),
        plane_bytes_(static_cast<std::uint64_t>(header_.size_ijk.y) * row_bytes_),
        total_bytes_(plane_bytes_ * static_cast<std::uint64_t>(k_end - k_begin) * channels_.size()) {}

  const VolumeHeader& header() const override { return header_; }
  Access access() const override { return Access::any_box; }

  Result<void> read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) override {
    {
      const std::lock_guard lock(mutex_);
      if (!unpacked_) {
        // What an exception leaves: half a stream cannot be read again.
        unpacked_ = make_error(ErrorCode::internal, "the machine has no memory left");
        unpacked_ = unpack();
      }
      if (!*unpacked_) return unpacked_->error();
    }
    for (Index channel = channels.begin; channel < channels.end; ++channel) {
      for (Index k = box.begin.z; k < box.end.z; ++k) {
        const auto part = out.first(static_cast<std::size_t>(box.size().x * box.size().y) * value_bytes_);
        out = out.subspan(part.size());
        NGFORGE_CHECK(read_plane(channel, k, box, part));
      }
    }
    return {};
  }

 private:
  /// Of the part that is kept, which lies in stored order.
  std::uint64_t plane_offset(Index channel, Index k) const {
    const auto position = std::lower_bound(channels_.begin(), channels_.end(), channel) - channels_.begin();
    return static_cast<std::uint64_t>(position * (k_end_ - k_begin_) + k - k_begin_) * plane_bytes_;
  }

  /// The part of one plane that lies in `box`.
  Result<void> read_plane(Index channel, Index k, const SourceBox& box, std::span<std::byte> out) const {
    const auto x_bytes = static_cast<std::size_t>(box.size().x) * value_bytes_;
    const std::uint64_t begin = plane_offset(channel, k) + static_cast<std::uint64_t>(box.begin.y) * row_bytes_ +
                                static_cast<std::uint64_t>(box.begin.x) * value_bytes_;
    if (x_bytes == row_bytes_ && scratch_) return scratch_->read(begin, out);
    // Rows that are read together, with what lies between the wanted parts of them.
    const Index rows_at_once = std::clamp<Index>(static_cast<Index>(kGapBytes / row_bytes_), 1, box.size().y);
    Buffer space(scratch_ ? static_cast<std::uint64_t>(rows_at_once - 1) * row_bytes_ + x_bytes : 0);
    for (Index j = 0; j < box.size().y; j += rows_at_once) {
      const Index rows = std::min(rows_at_once, box.size().y - j);
      const std::uint64_t from = begin + static_cast<std::uint64_t>(j) * row_bytes_;
      if (scratch_)
        NGFORGE_CHECK(
            scratch_->read(from, space.span().first(static_cast<std::uint64_t>(rows - 1) * row_bytes_ + x_bytes)));
      const std::byte* const rows_begin = scratch_ ? space.data() : memory_.data() + from;
      for (Index row = 0; row < rows; ++row)
        std::memcpy(out.data() + static_cast<std::size_t>(j + row) * x_bytes,
                    rows_begin + static_cast<std::size_t>(row) * row_bytes_, x_bytes);
    }
    return {};
  }

  Result<void> unpack() {
    NGFORGE_CHECK(make_place());
    if (header_.channels_come_together()) {
      NGFORGE_CHECK(unpack_colors());
    } else {
      for (const Index channel : channels_) {
        for (Index k = k_begin_; k < k_end_; ++k) NGFORGE_CHECK(unpack_plane(channel, k));
      }
    }
    stream_.reset();
    batch_ = {};
    return {};
  }

  Result<void> make_place() {
    if (total_bytes_ <= memory_bytes_) {
      memory_ = Buffer(total_bytes_);
      return {};
    }
    std::string folder = run_.scratch;
    if (folder.empty()) {
      std::error_code none;
      const auto found = std::filesystem::temp_directory_path(none);
      folder = none ? "/tmp" : found.string();
    }
    if (run_.on_notice)
      run_.on_notice(
          fmt::format("unpacking {} MiB to scratch in {} (more than half of --memory)", total_bytes_ >> 20, folder));
    auto scratch = ScratchFile::create(folder);
    if (!scratch)
      return std::move(scratch).error().with_hint("name another folder with --scratch, or allow more with --memory");
    scratch_.emplace(std::move(*scratch));
    return {};
  }

  Result<void> unpack_plane(Index channel, Index k) {
    const SourceVec size = header_.size_ijk;
    const Index rows = std::max<Index>(1, static_cast<Index>(kBatchBytes / row_bytes_));
    for (Index j = 0; j < size.y; j += rows) {
      const SourceBox box{{0, j, k}, {size.x, std::min(j + rows, size.y), k + 1}};
      const std::uint64_t offset = plane_offset(channel, k) + static_cast<std::uint64_t>(j) * row_bytes_;
      NGFORGE_CHECK(take(box, {channel, channel + 1}, offset));
    }
    return {};
  }

  // Colours are interleaved in the stream, so all of a plane comes at once.
  Result<void> unpack_colors() {
    const SourceVec size = header_.size_ijk;
    Buffer planes(plane_bytes_ * static_cast<std::uint64_t>(header_.channels));
    for (Index k = k_begin_; k < k_end_; ++k) {
      NGFORGE_CHECK(read_stream({{0, 0, k}, {size.x, size.y, k + 1}}, {0, header_.channels}, planes.span()));
      for (const Index channel : channels_) {
        const auto plane = planes.span().subspan(static_cast<std::uint64_t>(channel) * plane_bytes_, plane_bytes_);
        if (scratch_) {
          NGFORGE_CHECK(scratch_->write(plane_offset(channel, k), plane));
        } else {
          std::memcpy(memory_.data() + plane_offset(channel, k), plane.data(), plane.size());
        }
      }
    }
    return {};
  }

  Result<void> take(const SourceBox& box, ChannelRange channels, std::uint64_t offset) {
    const std::uint64_t bytes = static_cast<std::uint64_t>(box.volume()) * value_bytes_;
    if (!scratch_) return read_stream(box, channels, memory_.span().subspan(offset, bytes));
    if (batch_.size() < bytes) batch_ = Buffer(bytes);
    const auto batch = batch_.span().first(bytes);
    NGFORGE_CHECK(read_stream(box, channels, batch));
    return scratch_->write(offset, batch);
  }

  Result<void> read_stream(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) {
    if (run_.stop.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
    if (auto read = stream_->read(box, channels, out); !read) return std::move(read).error().of_source();
    // Colours come together, also those that are not kept.
    taken_bytes_ += out.size() / channels.size() * std::min<std::uint64_t>(channels.size(), channels_.size());
    if (run_.on_progress) run_.on_progress({"unpacking", taken_bytes_, total_bytes_, "bytes"});
    return {};
  }

  std::unique_ptr<VolumeSource> stream_;  // until it is unpacked
  const VolumeHeader header_;
  const Index k_begin_, k_end_;
  const std::vector<Index> channels_;
  const std::uint64_t memory_bytes_;
  const RunOptions run_;
  const std::size_t value_bytes_;
  const std::uint64_t row_bytes_, plane_bytes_, total_bytes_;

  std::mutex mutex_;  // until unpacked_ says how it went; what is below does not change after
  std::optional<Result<void>> unpacked_;
  Buffer memory_, batch_;
  std::optional<ScratchFile> scratch_;
  std::uint64_t taken_bytes_ = 0;
};

}  // namespace

std::unique_ptr<VolumeSource> unpack_when_read(std::unique_ptr<VolumeSource> stream, Index k_begin, Index k_end,
                                               std::vector<Index> channels, std::uint64_t memory_bytes,
                                               const RunOptions& run) {
  return std::make_unique<UnpackedSource>(std::move(stream), k_begin, k_end, std::move(channels), memory_bytes, run);
}

}  // namespace ngforge
