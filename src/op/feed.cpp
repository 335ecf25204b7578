// SPDX-License-Identifier: Apache-2.0
#include "op/feed.h"

#include <algorithm>
#include <new>
#include <vector>

#include "core/orientation.h"

namespace ngforge {
namespace {

// Pieces on their way to scratch are written together once they are this long.
constexpr std::size_t kAppendBytes = 4 << 20;

// Output channels that a single read of consecutive source channels brings.
struct ChannelRun {
  Index first_output = 0;
  ChannelRange source;
};

std::vector<ChannelRun> channel_runs(const std::vector<Index>& source_channels, bool one_by_one) {
  std::vector<ChannelRun> runs;
  for (std::size_t c = 0; c < source_channels.size(); ++c) {
    if (!one_by_one && !runs.empty() && runs.back().source.end == source_channels[c])
      ++runs.back().source.end;
    else
      runs.push_back({static_cast<Index>(c), {source_channels[c], source_channels[c] + 1}});
  }
  return runs;
}

// Brings boxes of the source into strips. One per thread.
class Loader {
 public:
  Loader(VolumeSource& source, const VolumePlan& volume, Cascade& cascade)
      : source_(source), volume_(volume), cascade_(cascade) {}

  /// Reads a box and puts what lies in the strip into it.
  Result<void> load(const SourceBox& box_ijk, const ChannelRun& run, Index ordinal, Strip& strip) {
    const auto count = static_cast<std::size_t>(box_ijk.volume() * run.source.size());
    const auto stored = ensure(stored_, count * size_of(volume_.values.from));
    if (auto read = source_.read(box_ijk, run.source, stored); !read) return std::move(read).error().of_source();
    std::span<const std::byte> values = stored;
    if (!volume_.values.is_identity()) {
      const auto mapped = ensure(mapped_, count * size_of(volume_.type));
      if (const auto bad = map_values(volume_.values, stored, mapped)) return bad_value_error(volume_, *bad, box_ijk);
      values = mapped;
    }
    return place(values, box_ijk, run, ordinal, strip);
  }

 private:
  Result<void> place(std::span<const std::byte> values, const SourceBox& box_ijk, const ChannelRun& run, Index ordinal,
                     Strip& strip) {
    const Box box = volume_.from_reordered(to_output(box_ijk, volume_.size_ijk, volume_.axis_map));
    const ChannelRange outputs{run.first_output, run.first_output + run.source.size()};
    Index written = 0;
    pieces_.clear();
    packed_used_ = 0;
    for (std::size_t brick = 0; brick < strip.bricks().size(); ++brick) {
      const Box part = strip.bricks()[brick].intersect(box);
      if (part.empty()) continue;
      if (strip.in_memory()) {
        MutableBlockView target = strip.brick_view(brick);
        target.box = volume_.to_reordered(target.box);
        copy_reordered(values, box_ijk, outputs, volume_.size_ijk, volume_.axis_map, target);
      } else {
        NGFORGE_CHECK(pack(values, box_ijk, outputs, brick, part, strip));
      }
      written += part.volume() * outputs.size();
    }
    if (!pieces_.empty()) NGFORGE_CHECK(flush(strip));
    if (written > 0) cascade_.add_written(ordinal, written);
    return {};
  }

  Result<void> pack(std::span<const std::byte> values, const SourceBox& box_ijk, ChannelRange outputs,
                    std::size_t brick, const Box& part, Strip& strip) {
    const auto bytes = static_cast<std::size_t>(part.volume() * outputs.size()) * size_of(volume_.type);
    if (packed_used_ > 0 && packed_used_ + bytes > packed_.size()) NGFORGE_CHECK(flush(strip));
    if (packed_.size() < bytes || packed_.size() < std::min(values.size(), kAppendBytes))
      packed_ = Buffer(std::max(bytes, std::min(values.size(), kAppendBytes)));
    MutableBlockView target =
        dense_view(packed_.data() + packed_used_, volume_.type, volume_.to_reordered(part), outputs.size());
    // The view holds only the channels of this run; copy_reordered counts from output channel 0.
    target.data -= outputs.begin * target.stride_channel;
    target.channels = outputs.end;
    copy_reordered(values, box_ijk, outputs, volume_.size_ijk, volume_.axis_map, target);
    pieces_.push_back({brick, part, outputs.begin, outputs.size()});
    packed_used_ += bytes;
    return {};
  }

  Result<void> flush(Strip& strip) {
    auto appended = strip.append(pieces_, packed_.span().first(packed_used_));
    pieces_.clear();
    packed_used_ = 0;
    return appended;
  }

  VolumeSource& source_;
  const VolumePlan& volume_;
  Cascade& cascade_;
  Buffer stored_, mapped_, packed_;
  std::size_t packed_used_ = 0;
  std::vector<Strip::Piece> pieces_;
};

// The part of the source that a strip needs.
SourceBox strip_source_box(const VolumePlan& volume, const StripPlan& strips, Index ordinal) {
  Box box = volume.scales[0].box_vox;
  const StripRange range = strip_range(volume.info.scales[0], strips, ordinal);
  box.begin[strips.axis] = range.begin;
  box.end[strips.axis] = range.end;
  return to_source(volume.to_reordered(box), volume.size_ijk, volume.axis_map);
}

class Feeder {
 public:
  Feeder(VolumeSource& source, const VolumePlan& volume, const StripPlan& strips, ThreadPool& pool, Cascade& cascade,
         const std::stop_token& stop, const std::function<void()>& on_progress)
      : source_(source),
        volume_(volume),
        strips_(strips),
        pool_(pool),
        cascade_(cascade),
        stop_(stop),
        on_progress_(on_progress) {}

  /// Whole rows in stored order, on this thread.
  Result<void> feed_rows() {
    Loader loader(source_, volume_, cascade_);
    const auto runs = channel_runs(volume_.source_channels, strips_.holds_whole_volume);
    const Index count = strips_.levels[0].strips;
    if (!strips_.holds_whole_volume) {
      for (Index ordinal = 0; ordinal < count; ++ordinal) {
        NGFORGE_TRY(Strip* const strip, cascade_.begin_strip(ordinal));
        NGFORGE_CHECK(feed_strip(loader, runs, ordinal, *strip));
      }
      return {};
    }
    std::vector<Strip*> held;
    for (const ChannelRun& run : runs)
      for (Index ordinal = 0; ordinal < count; ++ordinal) {
        if (held.size() <= static_cast<std::size_t>(ordinal)) {
          NGFORGE_TRY(Strip* const strip, cascade_.begin_strip(ordinal));
          held.push_back(strip);
        }
        NGFORGE_CHECK(feed_strip(loader, {run}, ordinal, *held[static_cast<std::size_t>(ordinal)]));
      }
    return {};
  }

  /// Boxes that the source decodes as a whole, in the pool.
  Result<void> feed_boxes() {
    const auto runs = channel_runs(volume_.source_channels, false);
    loaders_.reserve(static_cast<std::size_t>(pool_.size()));
    for (int i = 0; i < pool_.size(); ++i) loaders_.emplace_back(source_, volume_, cascade_);
    for (Index ordinal = 0; ordinal < strips_.levels[0].strips; ++ordinal) {
      NGFORGE_TRY(Strip* const strip, cascade_.begin_strip(ordinal));
      const SourceBox whole = strip_source_box(volume_, strips_, ordinal);
      const SourceVec chunk = source_.header().chunk_ijk;
      SourceVec first;
      for (int a = 0; a < 3; ++a) first[a] = whole.begin[a] / chunk[a] * chunk[a];
      for (Index k = first.z; k < whole.end.z; k += chunk.z)
        for (Index j = first.y; j < whole.end.y; j += chunk.y)
          for (Index i = first.x; i < whole.end.x; i += chunk.x) {
            const SourceBox box = SourceBox{{i, j, k}, {i + chunk.x, j + chunk.y, k + chunk.z}}.intersect(whole);
            pool_.submit(
                [this, box, runs, ordinal, strip](int worker) { load_in_pool(worker, box, runs, ordinal, *strip); });
          }
      NGFORGE_CHECK(between_batches());
    }
    return {};
  }

 private:
  Result<void> feed_strip(Loader& loader, const std::vector<ChannelRun>& runs, Index ordinal, Strip& strip) {
    const SourceBox whole = strip_source_box(volume_, strips_, ordinal);
    const bool is_stream = source_.access() == Access::once;
    // A stream hands out whole planes or rows anyway; what a crop leaves out is dropped on the way.
    const SourceVec size = volume_.size_ijk;
    const bool whole_planes = strips_.batch_rows >= size.y;
    const Index j_begin = whole_planes && is_stream ? 0 : whole.begin.y,
                j_end = whole_planes && is_stream ? size.y : whole.end.y;
    const Index i_begin = is_stream ? 0 : whole.begin.x, i_end = is_stream ? size.x : whole.end.x;
    for (Index k = whole.begin.z; k < whole.end.z; k += strips_.batch_planes) {
      const Index k_end = std::min(k + strips_.batch_planes, whole.end.z);
      for (Index j = j_begin; j < j_end; j += strips_.batch_rows) {
        const SourceBox box{{i_begin, j, k}, {i_end, std::min(j + strips_.batch_rows, j_end), k_end}};
        for (const ChannelRun& run : runs) NGFORGE_CHECK(loader.load(box, run, ordinal, strip));
        NGFORGE_CHECK(between_batches());
      }
    }
    return {};
  }

  Result<void> between_batches() {
    if (stop_.stop_requested()) return make_error(ErrorCode::cancelled, "interrupted");
    if (cascade_.has_failed()) return make_error(ErrorCode::cancelled, "interrupted");
    if (on_progress_) on_progress_();
    return {};
  }

  void load_in_pool(int worker, const SourceBox& box, const std::vector<ChannelRun>& runs, Index ordinal,
                    Strip& strip) {
    if (cascade_.has_failed()) return;
    try {
      for (const ChannelRun& run : runs)
        if (auto loaded = loaders_[static_cast<std::size_t>(worker)].load(box, run, ordinal, strip); !loaded)
          return cascade_.fail(std::move(loaded).error());
    } catch (const std::bad_alloc&) {
      cascade_.fail(make_error(ErrorCode::internal, "the machine has no memory left"));
    }
  }

  VolumeSource& source_;
  const VolumePlan& volume_;
  const StripPlan& strips_;
  ThreadPool& pool_;
  Cascade& cascade_;
  const std::stop_token& stop_;
  const std::function<void()>& on_progress_;
  std::vector<Loader> loaders_;
};

}  // namespace

Result<void> feed(VolumeSource& source, const VolumePlan& volume, const StripPlan& strips, ThreadPool& pool,
                  Cascade& cascade, const std::stop_token& stop, const std::function<void()>& on_progress) {
  Feeder feeder(source, volume, strips, pool, cascade, stop, on_progress);
  const bool decodes_boxes = source.access() == Access::any_box && source.header().chunk_ijk.product() > 0;
  auto fed = decodes_boxes ? feeder.feed_boxes() : feeder.feed_rows();
  if (!fed) cascade.fail(std::move(fed).error());  // keeps an earlier error of the pool
  // Boxes are loaded by pool tasks that use the feeder: all of them end in here.
  auto finished = cascade.finish();
  pool.wait_idle();
  return finished;
}

}  // namespace ngforge
