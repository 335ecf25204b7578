// SPDX-License-Identifier: Apache-2.0
#include "op/feed.h"

#include <algorithm>
#include <new>
#include <vector>

#include "core/orientation.h"
#include "op/box_reader.h"

namespace ngforge {
namespace {

// What is on its way to scratch is packed in parts of about this size, which stay in the caches.
constexpr std::size_t kAppendBytes = 4 << 20;

// Brings boxes of the source into strips. One per thread.
class Loader {
 public:
  Loader(VolumeSource& source, const VolumePlan& volume, Cascade& cascade)
      : reader_(source, volume), volume_(volume), cascade_(cascade) {}

  /// Reads a box and puts what lies in the strip into it.
  Result<void> load(const SourceBox& box_ijk, const ChannelRun& run, Index ordinal, Strip& strip) {
    auto values = reader_.read(box_ijk, run.source);
    if (!values) return std::move(values).error().of_source();
    return place(*values, box_ijk, run, ordinal, strip);
  }

 private:
  Result<void> place(std::span<const std::byte> values, const SourceBox& box_ijk, const ChannelRun& run, Index ordinal,
                     Strip& strip) {
    const Box box =
        volume_.from_reordered(to_output(box_ijk, volume_.size_ijk, volume_.axis_map)).intersect(strip.box());
    if (box.empty()) return {};
    const ChannelRange outputs = run.outputs();
    const auto copy = [&](MutableBlockView target) {
      target.box = volume_.to_reordered(target.box);
      copy_reordered(values, box_ijk, outputs, volume_.size_ijk, volume_.axis_map, target);
    };
    if (strip.in_memory()) {
      NGFORGE_CHECK(strip.visit_bricks(box, [&](Index brick, const Box&) -> Result<void> {
        copy(strip.brick_view(brick));
        return {};
      }));
    } else {
      NGFORGE_CHECK(append(copy, outputs, box, strip));
    }
    cascade_.add_written(ordinal, box.volume() * outputs.size());
    return {};
  }

  // `copy` fills a view with values.
  template <class Copy>
  Result<void> append(const Copy& copy, const ChannelRange& outputs, const Box& box, Strip& strip) {
    const auto bytes = static_cast<std::size_t>(box.volume() * outputs.size()) * size_of(volume_.type);
    const auto halves = bytes > kAppendBytes ? strip.halves(box) : std::nullopt;
    if (halves) {
      for (const Box& half : *halves) NGFORGE_CHECK(append(copy, outputs, half, strip));
      return {};
    }
    const auto packed = ensure(packed_, bytes);
    std::size_t used = 0;
    NGFORGE_CHECK(strip.visit_bricks(box, [&](Index, const Box& part) -> Result<void> {
      MutableBlockView target = dense_view(packed.data() + used, volume_.type, part, outputs.size());
      used += target.byte_count();
      // The view holds only the channels of this run; copy_reordered counts from output channel 0.
      target.data -= outputs.begin * target.stride_channel;
      target.channels = outputs.end;
      copy(target);
      return {};
    }));
    return strip.append(box, outputs.begin, outputs.size(), packed);
  }

  BoxReader reader_;
  const VolumePlan& volume_;
  Cascade& cascade_;
  Buffer packed_;
};

// The part of the source that a strip needs.
SourceBox strip_source_box(const VolumePlan& volume, const StripPlan& strips, Index ordinal) {
  const Box box = strip_box(volume.info.scales[0], strips, ordinal);
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
        on_progress_(on_progress),
        watch_([this] { return between_batches(); }) {}

  Result<void> feed() {
    const bool decodes_boxes = source_.access() == Access::any_box && source_.header().chunk_ijk.product() > 0;
    return decodes_boxes ? feed_boxes() : feed_rows();
  }
  const Cascade::Watch& watch() const { return watch_; }

 private:
  // Whole rows in stored order, on this thread.
  Result<void> feed_rows() {
    Loader loader(source_, volume_, cascade_);
    const auto runs = channel_runs(volume_.source_channels, strips_.holds_whole_volume);
    const Index count = strips_.levels[0].strips;
    if (!strips_.holds_whole_volume) {
      for (Index ordinal = 0; ordinal < count; ++ordinal) {
        NGFORGE_TRY(Strip* const strip, cascade_.begin_strip(ordinal, watch_));
        NGFORGE_CHECK(feed_strip(loader, runs, ordinal, *strip));
      }
      return {};
    }
    std::vector<Strip*> held;
    for (const ChannelRun& run : runs)
      for (Index ordinal = 0; ordinal < count; ++ordinal) {
        if (held.size() <= static_cast<std::size_t>(ordinal)) {
          NGFORGE_TRY(Strip* const strip, cascade_.begin_strip(ordinal, watch_));
          held.push_back(strip);
        }
        NGFORGE_CHECK(feed_strip(loader, {run}, ordinal, *held[static_cast<std::size_t>(ordinal)]));
      }
    return {};
  }

  // Boxes that the source decodes as a whole, in the pool.
  Result<void> feed_boxes() {
    runs_ = channel_runs(volume_.source_channels, false);
    loaders_.reserve(static_cast<std::size_t>(pool_.size()));
    for (int i = 0; i < pool_.size(); ++i) loaders_.emplace_back(source_, volume_, cascade_);
    for (Index ordinal = 0; ordinal < strips_.levels[0].strips; ++ordinal) {
      NGFORGE_TRY(Strip* const strip, cascade_.begin_strip(ordinal, watch_));
      const SourceBox whole = strip_source_box(volume_, strips_, ordinal);
      const SourceVec chunk = source_.header().chunk_ijk;
      SourceVec first, count;
      for (int a = 0; a < 3; ++a) {
        first[a] = whole.begin[a] / chunk[a];
        count[a] = ceil_div(whole.end[a], chunk[a]) - first[a];
      }
      const bool rows_first = source_.header().rows_come_in_order;
      pool_.submit_each(count.product(), [=, this](int worker, Index number) {
        const Index row = number / count.x;
        const SourceVec at =
            rows_first ? SourceVec{first.x + number % count.x, first.y + row / count.z, first.z + row % count.z}
                       : SourceVec{first.x + number % count.x, first.y + row % count.y, first.z + row / count.y};
        SourceBox box;
        for (int a = 0; a < 3; ++a) {
          box.begin[a] = at[a] * chunk[a];
          box.end[a] = box.begin[a] + chunk[a];
        }
        load_in_pool(worker, box.intersect(whole), ordinal, *strip);
      });
      NGFORGE_CHECK(between_batches());
    }
    return {};
  }

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

  void load_in_pool(int worker, const SourceBox& box, Index ordinal, Strip& strip) {
    if (cascade_.has_failed()) return;
    try {
      for (const ChannelRun& run : runs_)
        if (auto loaded = loaders_[static_cast<std::size_t>(worker)].load(box, run, ordinal, strip); !loaded)
          return cascade_.fail(std::move(loaded).error());
    } catch (const std::bad_alloc&) {
      cascade_.fail_without_memory();
    }
  }

  VolumeSource& source_;
  const VolumePlan& volume_;
  const StripPlan& strips_;
  ThreadPool& pool_;
  Cascade& cascade_;
  const std::stop_token& stop_;
  const std::function<void()>& on_progress_;
  const Cascade::Watch watch_;
  // Of feed_boxes, whose tasks may still run when it returns.
  std::vector<ChannelRun> runs_;
  std::vector<Loader> loaders_;
};

}  // namespace

Result<void> feed(VolumeSource& source, const VolumePlan& volume, const StripPlan& strips, ThreadPool& pool,
                  Cascade& cascade, const std::stop_token& stop, const std::function<void()>& on_progress) {
  Feeder feeder(source, volume, strips, pool, cascade, stop, on_progress);
  try {
    if (auto fed = feeder.feed(); !fed) cascade.fail(std::move(fed).error());  // keeps an earlier error of the pool
  } catch (const std::bad_alloc&) {
    cascade.fail_without_memory();
  }
  // Boxes are loaded by pool tasks that use the feeder: all of them end in here, also when the watch throws.
  try {
    return cascade.finish(feeder.watch());
  } catch (const std::bad_alloc&) {
    cascade.fail_without_memory();
  }
  return cascade.finish(feeder.watch());
}

}  // namespace ngforge
