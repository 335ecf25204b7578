// SPDX-License-Identifier: Apache-2.0
#include "op/strip_plan.h"

#include <algorithm>

#include "core/saturated.h"
#include "pipeline/strip.h"
#include "sink/chunk_sink.h"
#include "source/source.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
// libdeflate's compressor and decompressor, the stack, allocator slack.
constexpr std::uint64_t kWorkerOverhead = 3 * kMiB / 2;
// Buffers of the streaming inflater, the plan itself.
constexpr std::uint64_t kFixedOverhead = 4 * kMiB;
// A strip without its values.
constexpr std::uint64_t kBytesPerStrip = 512;
constexpr std::uint64_t kMostChunks = std::uint64_t{1} << 32;
// So many strips are followed one by one.
constexpr Index kMostFollowed = 4096;

// Chunks along one axis.
Index chunks_along(const ScaleInfo& scale, std::size_t axis) {
  return (scale.size_xyz[axis] - 1) / scale.chunk_size()[axis] + 1;
}

// The largest chunk as it is encoded: those of Zarr have their full shape wherever they lie.
VoxelVec encoded_shape(const VolumePlan& volume, const ScaleInfo& scale) {
  VoxelVec size;
  for (int a = 0; a < 3; ++a) {
    const auto i = static_cast<std::size_t>(a);
    size[a] = volume.ome_zarr ? scale.chunk_size()[i] : std::min(scale.chunk_size()[i], scale.size_xyz[i]);
  }
  return size;
}

std::uint64_t chunk_bytes(const VolumePlan& volume, const ScaleInfo& scale) {
  const VoxelVec size = encoded_shape(volume, scale);
  return times(volume.channels, size_of(volume.type), size.x, size.y, size.z);
}

// Of a chunk as it is stored, at most.
std::uint64_t encoded_bytes(const VolumePlan& volume, const ScaleInfo& scale) {
  constexpr std::uint64_t kMostBounded = std::uint64_t{1} << 40;
  const std::uint64_t chunk = chunk_bytes(volume, scale);
  if (chunk > kMostBounded) return chunk;  // more than there is of memory; its bound might not be a number
  const std::uint64_t encoded =
      volume.codec->most_bytes(encoded_shape(volume, scale), volume.type, volume.channels, volume.codec_options);
  return std::max(chunk, volume.compressor != nullptr ? volume.compressor->bound(encoded) : encoded);
}

Result<void> check_chunk_count(const VolumePlan& volume) {
  for (const ScaleInfo& scale : volume.info.scales) {
    const std::uint64_t chunks = times(chunks_along(scale, 0), chunks_along(scale, 1), chunks_along(scale, 2));
    if (chunks > kMostChunks)
      return make_error(ErrorCode::needs_decision, "expected a volume of at most {} chunks, found {} x {} x {}",
                        kMostChunks, chunks_along(scale, 0), chunks_along(scale, 1), chunks_along(scale, 2))
          .with_hint("use larger chunks with --chunk-size, or take a part with --crop");
  }
  return {};
}

void plan_levels(const VolumePlan& volume, StripPlan& plan) {
  const auto& scales = volume.info.scales;
  const auto axis = static_cast<std::size_t>(plan.axis);
  for (std::size_t k = 0; k < scales.size(); ++k) {
    LevelPlan level;
    const ScaleInfo& scale = scales[k];
    level.strips = chunks_along(scale, axis);
    level.strip_bytes = times(volume.channels, size_of(volume.type));
    for (std::size_t a = 0; a < 3; ++a)
      level.strip_bytes =
          times(level.strip_bytes, a == axis ? std::min(scale.chunk_size()[a], scale.size_xyz[a]) : scale.size_xyz[a]);
    if (k + 1 < scales.size()) {
      const Factor& factor = volume.scales[k + 1].factor;
      for (std::size_t a = 0; a < 3; ++a) {
        const bool one_chunk = scale.size_xyz[a] <= scale.chunk_size()[a];
        if (one_chunk || (scale.voxel_offset[a] % factor[a] == 0 && scale.chunk_size()[a] % factor[a] == 0)) continue;
        level.is_aligned = false;
        if (a == axis)
          level.carry_bytes =
              times(level.strip_bytes / static_cast<std::uint64_t>(std::min(scale.chunk_size()[a], scale.size_xyz[a])),
                    factor[a] - 1);
      }
    }
    plan.levels.push_back(level);
  }
}

// The most strips of each coarser scale that one strip of scale 0 touches.
std::vector<Index> most_touched(const VolumePlan& volume, const StripPlan& plan) {
  const auto& scales = volume.info.scales;
  std::vector<Index> fronts(scales.size());
  for (std::size_t k = 0; k < scales.size(); ++k) fronts[k] = first_front(scales[k], plan);
  std::vector<Index> most(scales.size(), 1);
  for (Index ordinal = 0; ordinal < plan.levels[0].strips; ++ordinal) {
    const StripRange range = strip_range(scales[0], plan, ordinal);
    fronts[0] = plan.descending ? range.begin : range.end;
    for (std::size_t k = 0; k + 1 < scales.size(); ++k) {
      const Index before = complete_strips(scales[k + 1], plan, fronts[k + 1]);
      fronts[k + 1] = next_front(volume, plan, k, fronts[k]);
      const Index chunk = scales[k + 1].chunk_size()[static_cast<std::size_t>(plan.axis)];
      const Index known = std::abs(fronts[k + 1] - first_front(scales[k + 1], plan));
      // Strips counted from the end need not begin with a whole chunk: one more never hurts.
      const Index after = std::min(plan.levels[k + 1].strips, ceil_div(known, chunk) + (plan.descending ? 1 : 0));
      most[k + 1] = std::max(most[k + 1], after - before);
    }
  }
  return most;
}

// At least as many, found without following the strips: wherever a strip begins, cells and chunks are cut at its ends.
std::vector<Index> bound_touched(const VolumePlan& volume, const StripPlan& plan) {
  const auto& scales = volume.info.scales;
  const auto axis = static_cast<std::size_t>(plan.axis);
  std::vector<Index> most(scales.size(), 1);
  Index completed = 1;  // strips of scale k that become complete together
  for (std::size_t k = 0; k + 1 < scales.size(); ++k) {
    const Index advance = ceil_div(completed * scales[k].chunk_size()[axis], volume.scales[k + 1].factor[axis]) + 1;
    completed = ceil_div(advance, scales[k + 1].chunk_size()[axis]) + 1;
    most[k + 1] = completed + 1;
  }
  return most;
}

// One slot more than strips are touched together, so that work overlaps.
void plan_slots(const VolumePlan& volume, StripPlan& plan) {
  const auto most = plan.levels[0].strips <= kMostFollowed ? most_touched(volume, plan) : bound_touched(volume, plan);
  for (std::size_t k = 0; k < plan.levels.size(); ++k)
    plan.levels[k].slots = std::min(plan.levels[k].strips, most[k] + 1);
  // Nothing is complete, and no strip free again, before all of them are there.
  if (plan.holds_whole_volume)
    for (LevelPlan& level : plan.levels) level.slots = level.strips;
}

// What one worker needs at the same time.
std::uint64_t worker_bytes(const VolumePlan& volume, const VolumeHeader& header, const StripPlan& plan) {
  std::uint64_t most = 0;
  for (std::size_t k = 0; k < plan.levels.size(); ++k) {
    const std::uint64_t chunk = chunk_bytes(volume, volume.info.scales[k]),
                        encoded = encoded_bytes(volume, volume.info.scales[k]);
    // Encoded or padded, and compressed.
    std::uint64_t bytes = plus(plus(times(encoded, 2), chunk / 2), 64 * 1024);
    if (volume.compressor != nullptr) bytes = plus(bytes, volume.compressor->memory_bytes(volume.level, encoded));
    if (!plan.levels[k].in_memory) bytes = plus(bytes, plus(chunk, chunk / 2));
    if (k + 1 < plan.levels.size()) {
      bytes = plus(bytes, chunk);  // the coarse part on its way
      if (!plan.levels[k].is_aligned) {
        std::uint64_t gathered = times(volume.channels, size_of(volume.type));
        for (std::size_t a = 0; a < 3; ++a)
          gathered = times(gathered, volume.info.scales[k].chunk_size()[a] + 2 * volume.scales[k + 1].factor[a]);
        bytes = plus(bytes, plus(gathered, times(chunk, 2)));
      }
    }
    most = std::max(most, bytes);
  }
  // Where the source decodes boxes: as it lies there, and decoded, with all channels of the box; then what is kept.
  const std::uint64_t values = times(header.chunk_ijk.x, header.chunk_ijk.y, header.chunk_ijk.z);
  most = plus(most, times(values, std::max(header.chunk_channels, volume.channels), 3 * size_of(header.type)));
  most = plus(most, times(values, volume.channels, size_of(header.type) + 2 * size_of(volume.type)));
  return plus(plus(most, volume.index_bytes), kWorkerOverhead);
}

// Decides how much is read at once, about `target` bytes; how many bytes that takes.
std::uint64_t plan_batch(const VolumePlan& volume, const VolumeHeader& header, std::uint64_t target, StripPlan& plan) {
  const Index channels_at_once = header.channels_come_together() ? header.channels
                                 : plan.holds_whole_volume       ? 1
                                                                 : volume.channels;
  const auto value_bytes = size_of(header.type) + (volume.values.is_identity() ? 0 : size_of(volume.type)) +
                           (plan.levels[0].in_memory ? 0 : size_of(volume.type));
  const std::uint64_t row = times(header.size_ijk.x, channels_at_once, value_bytes);
  const std::uint64_t plane = times(row, header.size_ijk.y);
  if (plane <= target) {
    plan.batch_planes = std::min<Index>(static_cast<Index>(target / plane), header.size_ijk.z);
    plan.batch_rows = header.size_ijk.y;
    return times(plane, plan.batch_planes);
  }
  plan.batch_planes = 1;
  plan.batch_rows = std::max<Index>(1, static_cast<Index>(target / row));
  return times(row, plan.batch_rows);
}

// How many pairs of overlapping parts two divisions of the same length have.
std::uint64_t overlaps(Index parts, Index other_parts, bool is_nested) {
  return static_cast<std::uint64_t>(is_nested ? std::max(parts, other_parts) : parts + other_parts);
}

// What a strip of scale 0 on disk remembers of the boxes that were appended to it.
std::uint64_t fed_bytes(const VolumePlan& volume, const VolumeHeader& header, const StripPlan& plan,
                        std::uint64_t bricks) {
  const ScaleInfo& scale = volume.info.scales[0];
  const auto axis = static_cast<std::size_t>(plan.axis);
  const Index planes = std::min(scale.chunk_size()[axis], scale.size_xyz[axis]);
  const auto& source_axis = volume.axis_map.source_axis;
  if (header.chunk_ijk.x > 0) {
    std::uint64_t parts = static_cast<std::uint64_t>(volume.channels);
    for (std::size_t a = 0; a < 3; ++a) {
      const Index chunk = header.chunk_ijk[source_axis[a]], length = a == axis ? planes : scale.size_xyz[a];
      parts = times(parts, overlaps(length / chunk + 2, a == axis ? 1 : chunks_along(scale, a), false));
    }
    return times(parts, Strip::kBytesPerBox + Strip::kBytesPerMention);
  }
  const std::uint64_t row_batches = static_cast<std::uint64_t>((header.size_ijk.y - 1) / plan.batch_rows + 1);
  const std::uint64_t plane_batches = times(volume.channels, (planes - 1) / std::min(planes, plan.batch_planes) + 2);
  const std::uint64_t boxes = plus(times(plane_batches, row_batches), plan.levels[0].strip_bytes / kMiB);
  // Rows that come one batch after the other, and bricks that lie side by side along them, share no groups; along
  // another axis each batch has a part of every brick.
  const std::size_t fastest = axis == 0 ? 1 : 0;
  const std::uint64_t passes = source_axis[fastest] == 1 ? times(plane_batches, row_batches) : plane_batches;
  return plus(times(boxes, Strip::kBytesPerBox),
              times(plus(times(passes, bricks / Strip::kGroupBricks + 1), boxes), Strip::kBytesPerMention));
}

// The same of a coarser scale: a box for every part of a brick that a brick of the finer scale becomes.
std::uint64_t handed_down_bytes(const VolumePlan& volume, const StripPlan& plan, std::size_t k) {
  const ScaleInfo &fine = volume.info.scales[k - 1], &scale = volume.info.scales[k];
  const Factor& factor = volume.scales[k].factor;
  std::uint64_t boxes = 1;
  for (std::size_t a = 0; a < 3; ++a) {
    const Index side = scale.chunk_size()[a] * factor[a], fine_side = fine.chunk_size()[a];
    const bool is_nested = (side % fine_side == 0 || fine_side % side == 0) && fine.voxel_offset[a] % side == 0;
    boxes = times(boxes, static_cast<int>(a) == plan.axis
                             ? overlaps(ceil_div(side, fine_side), 1, is_nested)
                             : overlaps(chunks_along(fine, a), chunks_along(scale, a), is_nested));
  }
  return times(boxes, Strip::kBytesPerBox + Strip::kBytesPerMention);
}

// What one strip of a scale takes in memory when it lies there, and when it is on disk.
std::uint64_t strip_memory(const VolumePlan& volume, const VolumeHeader& header, const StripPlan& plan, std::size_t k,
                           bool in_memory) {
  if (in_memory) return plus(plan.levels[k].strip_bytes, kBytesPerStrip);
  const ScaleInfo& scale = volume.info.scales[k];
  std::uint64_t bricks = 1;
  for (std::size_t a = 0; a < 3; ++a)
    if (static_cast<int>(a) != plan.axis) bricks = times(bricks, chunks_along(scale, a));
  const std::uint64_t boxes = k == 0 ? fed_bytes(volume, header, plan, bricks) : handed_down_bytes(volume, plan, k);
  return plus(plus(boxes, bricks / Strip::kGroupBricks * Strip::kBytesPerGroup), kBytesPerStrip);
}

// What the sink of a scale knows of its shards.
std::uint64_t sink_bytes(const VolumePlan& volume, std::size_t k, int threads) {
  const ScaleInfo& scale = volume.info.scales[k];
  if (volume.layout != Layout::sharded) return 0;
  return volume.ome_zarr ? zarr_shard_sink_bytes(scale.grid_shape(), volume.ome_zarr->shard_chunks_xyz[k], threads)
                         : shard_sink_bytes(scale, threads);
}

// Fills peak_bytes and scratch_bytes for the present choice of places.
void count_bytes(const VolumePlan& volume, const VolumeHeader& header, std::uint64_t memory_bytes, bool least,
                 StripPlan& plan) {
  // Small batches stay in the cache; on their way to scratch they should make long pieces.
  const std::uint64_t target = least                      ? 64 * 1024
                               : plan.levels[0].in_memory ? std::min(2 * kMiB, memory_bytes / 8)
                                                          : memory_bytes / 8;
  plan.peak_bytes = plus(kFixedOverhead, plan_batch(volume, header, target, plan));
  plan.scratch_bytes = 0;
  std::uint64_t largest_chunk = 0;  // as it is stored
  for (std::size_t k = 0; k < plan.levels.size(); ++k) {
    const LevelPlan& level = plan.levels[k];
    if (!level.in_memory) plan.scratch_bytes = plus(plan.scratch_bytes, times(level.strip_bytes, level.slots));
    plan.peak_bytes = plus(plan.peak_bytes, times(strip_memory(volume, header, plan, k, level.in_memory), level.slots));
    plan.peak_bytes = plus(plan.peak_bytes, times(2, level.carry_bytes));
    plan.peak_bytes = plus(plan.peak_bytes, sink_bytes(volume, k, plan.threads));
    largest_chunk = std::max(largest_chunk, encoded_bytes(volume, volume.info.scales[k]));
  }
  plan.peak_bytes = plus(plan.peak_bytes, times(plan.threads, worker_bytes(volume, header, plan)));
  plan.window = 2 * plan.threads + 2;
  // Those that wait, and one in the hands of each thread.
  if (volume.layout == Layout::sharded)
    plan.peak_bytes =
        plus(plan.peak_bytes,
             times(static_cast<std::uint64_t>(plan.window) + static_cast<std::uint64_t>(plan.threads), largest_chunk));
}

// Sends the strips to disk of which that makes most room; false when it would not make much.
bool spill_one(const VolumePlan& volume, const VolumeHeader& header, StripPlan& plan) {
  LevelPlan* best = nullptr;
  std::uint64_t most_saved = kMiB;  // strips of a few chunks gain nothing on disk
  for (std::size_t k = 0; k < plan.levels.size(); ++k) {
    LevelPlan& level = plan.levels[k];
    const std::uint64_t there = strip_memory(volume, header, plan, k, true),
                        on_disk = strip_memory(volume, header, plan, k, false);
    if (!level.in_memory || on_disk >= there) continue;
    const std::uint64_t saved = times(there - on_disk, level.slots);
    if (saved <= most_saved) continue;
    most_saved = saved;
    best = &level;
  }
  if (best != nullptr) best->in_memory = false;
  return best != nullptr;
}

}  // namespace

StripRange strip_range(const ScaleInfo& scale, const StripPlan& plan, Index ordinal) {
  const auto axis = static_cast<std::size_t>(plan.axis);
  const Index chunk = scale.chunk_size()[axis], size = scale.size_xyz[axis], offset = scale.voxel_offset[axis];
  const Index index = plan.descending ? ceil_div(size, chunk) - 1 - ordinal : ordinal;
  return {offset + index * chunk, offset + std::min((index + 1) * chunk, size)};
}

Box strip_box(const ScaleInfo& scale, const StripPlan& plan, Index ordinal) {
  Box box = scale.box_vox();
  const StripRange range = strip_range(scale, plan, ordinal);
  box.begin[plan.axis] = range.begin;
  box.end[plan.axis] = range.end;
  return box;
}

Index first_front(const ScaleInfo& scale, const StripPlan& plan) {
  return plan.descending ? scale.box_vox().end[plan.axis] : scale.box_vox().begin[plan.axis];
}

Index complete_strips(const ScaleInfo& scale, const StripPlan& plan, Index front) {
  const auto axis = static_cast<std::size_t>(plan.axis);
  const Index chunk = scale.chunk_size()[axis], size = scale.size_xyz[axis], strips = ceil_div(size, chunk);
  const Index from_start = front - scale.voxel_offset[axis];
  if (plan.descending) return strips - ceil_div(from_start, chunk);
  return from_start >= size ? strips : from_start / chunk;
}

Index next_front(const VolumePlan& volume, const StripPlan& plan, std::size_t level, Index front) {
  const ScaleInfo &fine = volume.info.scales[level], &coarse = volume.info.scales[level + 1];
  const Index done = complete_strips(fine, plan, front);
  if (done == 0) return first_front(coarse, plan);
  const StripRange range = strip_range(fine, plan, done - 1);
  const Index factor = volume.scales[level + 1].factor[static_cast<std::size_t>(plan.axis)];
  const Box box = fine.box_vox(), coarse_box = coarse.box_vox();
  if (plan.descending)
    return range.begin == box.begin[plan.axis] ? coarse_box.begin[plan.axis] : ceil_div(range.begin, factor);
  return range.end == box.end[plan.axis] ? coarse_box.end[plan.axis] : floor_div(range.end, factor);
}

Result<StripPlan> plan_strips(const VolumePlan& volume, const VolumeHeader& header, Access access,
                              std::uint64_t memory_bytes, int threads) {
  NGFORGE_CHECK(check_chunk_count(volume));
  StripPlan plan;
  for (int a = 0; a < 3; ++a)
    if (volume.axis_map.source_axis[static_cast<std::size_t>(a)] == 2) plan.axis = a;
  plan.descending = volume.axis_map.reversed[static_cast<std::size_t>(plan.axis)];
  plan.holds_whole_volume = access == Access::once && !header.channels_come_together() && volume.channels > 1;
  plan.threads = threads;
  plan_levels(volume, plan);
  plan_slots(volume, plan);
  while (true) {
    count_bytes(volume, header, memory_bytes, false, plan);
    if (plan.peak_bytes <= memory_bytes) return plan;
    if (spill_one(volume, header, plan)) continue;
    if (plan.threads == 1) break;
    --plan.threads;
  }
  count_bytes(volume, header, memory_bytes, true, plan);
  if (plan.peak_bytes <= memory_bytes) return plan;
  const std::uint64_t least = plan.peak_bytes / kMiB + (plan.peak_bytes % kMiB == 0 ? 0 : 1);
  return make_error(ErrorCode::needs_decision, "--memory: expected at least {} MiB for this volume, found {} MiB",
                    least, memory_bytes / kMiB)
      .with_hint(fmt::format("use --memory {}MiB, or another --chunk-size", least));
}

}  // namespace ngforge
