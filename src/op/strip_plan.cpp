// SPDX-License-Identifier: Apache-2.0
#include "op/strip_plan.h"

#include <algorithm>

#include "source/source.h"

namespace ngforge {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
// libdeflate's compressor and decompressor, the stack, allocator slack.
constexpr std::uint64_t kWorkerOverhead = 3 * kMiB / 2;
// Buffers of the streaming inflater, the plan itself.
constexpr std::uint64_t kFixedOverhead = 4 * kMiB;
// Entries of a shard index in vectors that double, and the table of shards.
constexpr std::uint64_t kBytesPerChunk = 56;

std::uint64_t bytes_of(Index values, DataType type) {
  return static_cast<std::uint64_t>(values) * size_of(type);
}

Index chunk_values(const ScaleInfo& scale) {
  Index values = 1;
  for (std::size_t a = 0; a < 3; ++a) values *= std::min(scale.chunk_size()[a], scale.size_xyz[a]);
  return values;
}

void plan_levels(const VolumePlan& volume, StripPlan& plan) {
  const auto& scales = volume.info.scales;
  const auto axis = static_cast<std::size_t>(plan.axis);
  for (std::size_t k = 0; k < scales.size(); ++k) {
    LevelPlan level;
    const ScaleInfo& scale = scales[k];
    level.strips = ceil_div(scale.size_xyz[axis], scale.chunk_size()[axis]);
    Index values = volume.channels;
    for (std::size_t a = 0; a < 3; ++a)
      values *= a == axis ? std::min(scale.chunk_size()[a], scale.size_xyz[a]) : scale.size_xyz[a];
    level.strip_bytes = bytes_of(values, volume.type);
    if (k + 1 < scales.size()) {
      const Factor& factor = volume.scales[k + 1].factor;
      for (std::size_t a = 0; a < 3; ++a) {
        const bool one_chunk = scale.size_xyz[a] <= scale.chunk_size()[a];
        if (one_chunk || (scale.voxel_offset[a] % factor[a] == 0 && scale.chunk_size()[a] % factor[a] == 0)) continue;
        level.is_aligned = false;
        if (a == axis)
          level.carry_bytes = level.strip_bytes /
                              static_cast<std::uint64_t>(std::min(scale.chunk_size()[a], scale.size_xyz[a])) *
                              static_cast<std::uint64_t>(factor[a] - 1);
      }
    }
    plan.levels.push_back(level);
  }
}

// The most strips of each coarser scale that one strip of scale 0 touches, and one more so that work overlaps.
void plan_slots(const VolumePlan& volume, StripPlan& plan) {
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
  for (std::size_t k = 0; k < scales.size(); ++k) plan.levels[k].slots = std::min(plan.levels[k].strips, most[k] + 1);
  if (plan.holds_whole_volume) plan.levels[0].slots = plan.levels[0].strips;
}

// What one worker needs at the same time.
std::uint64_t worker_bytes(const VolumePlan& volume, const VolumeHeader& header, const StripPlan& plan) {
  std::uint64_t most = 0;
  for (std::size_t k = 0; k < plan.levels.size(); ++k) {
    const std::uint64_t chunk = bytes_of(chunk_values(volume.info.scales[k]) * volume.channels, volume.type);
    std::uint64_t bytes = 5 * chunk / 2 + 64 * 1024;  // encoded (with its bound) and compressed
    if (!plan.levels[k].in_memory) bytes += chunk + chunk / 2;
    if (k + 1 < plan.levels.size()) {
      bytes += chunk;  // the coarse part on its way
      if (!plan.levels[k].is_aligned) {
        Index gathered = volume.channels;
        for (std::size_t a = 0; a < 3; ++a)
          gathered *= volume.info.scales[k].chunk_size()[a] + 2 * volume.scales[k + 1].factor[a];
        bytes += bytes_of(gathered, volume.type) + 2 * chunk;
      }
    }
    most = std::max(most, bytes);
  }
  if (header.chunk_ijk.product() > 0) {
    const auto values = static_cast<std::uint64_t>(header.chunk_ijk.product() * volume.channels);
    most += values * (3 * size_of(header.type) + 2 * size_of(volume.type));
  }
  return most + kWorkerOverhead;
}

void plan_batch(const VolumePlan& volume, const VolumeHeader& header, std::uint64_t target, StripPlan& plan) {
  const Index channels_at_once = header.channels_come_together() ? header.channels
                                 : plan.holds_whole_volume  ? 1
                                                            : volume.channels;
  const auto value_bytes = size_of(header.type) + (volume.values.is_identity() ? 0 : size_of(volume.type)) +
                           (plan.levels[0].in_memory ? 0 : size_of(volume.type));
  const std::uint64_t row = static_cast<std::uint64_t>(header.size_ijk.x * channels_at_once) * value_bytes;
  const std::uint64_t plane = row * static_cast<std::uint64_t>(header.size_ijk.y);
  if (plane <= target) {
    plan.batch_planes = std::min<Index>(static_cast<Index>(target / plane), header.size_ijk.z);
    plan.batch_rows = header.size_ijk.y;
  } else {
    plan.batch_planes = 1;
    plan.batch_rows = std::max<Index>(1, static_cast<Index>(target / row));
  }
  plan.peak_bytes += plan.batch_planes > 1 || plan.batch_rows == header.size_ijk.y
                         ? plane * static_cast<std::uint64_t>(plan.batch_planes)
                         : row * static_cast<std::uint64_t>(plan.batch_rows);
}

// Fills peak_bytes and scratch_bytes for the present choice of places.
void count_bytes(const VolumePlan& volume, const VolumeHeader& header, std::uint64_t memory_bytes, bool least,
                 StripPlan& plan) {
  plan.peak_bytes = kFixedOverhead;
  plan.scratch_bytes = 0;
  std::uint64_t largest_chunk = 0;
  for (std::size_t k = 0; k < plan.levels.size(); ++k) {
    const LevelPlan& level = plan.levels[k];
    const std::uint64_t strips = level.strip_bytes * static_cast<std::uint64_t>(level.slots);
    (level.in_memory ? plan.peak_bytes : plan.scratch_bytes) += strips;
    plan.peak_bytes += 2 * level.carry_bytes;
    const ScaleInfo& scale = volume.info.scales[k];
    plan.peak_bytes += static_cast<std::uint64_t>(scale.grid_shape().product()) * (scale.sharding ? kBytesPerChunk : 0);
    largest_chunk = std::max(largest_chunk, bytes_of(chunk_values(scale) * volume.channels, volume.type));
  }
  plan.peak_bytes += static_cast<std::uint64_t>(plan.threads) * worker_bytes(volume, header, plan);
  plan.window = 2 * plan.threads + 2;
  if (volume.layout == Layout::sharded) plan.peak_bytes += static_cast<std::uint64_t>(plan.window) * largest_chunk;
  // Small batches stay in the cache; on their way to scratch they should make long pieces.
  const std::uint64_t target = least                      ? 64 * 1024
                               : plan.levels[0].in_memory ? std::min(2 * kMiB, memory_bytes / 8)
                                                          : memory_bytes / 8;
  plan_batch(volume, header, target, plan);
}

}  // namespace

StripRange strip_range(const ScaleInfo& scale, const StripPlan& plan, Index ordinal) {
  const auto axis = static_cast<std::size_t>(plan.axis);
  const Index chunk = scale.chunk_size()[axis], size = scale.size_xyz[axis], offset = scale.voxel_offset[axis];
  const Index index = plan.descending ? ceil_div(size, chunk) - 1 - ordinal : ordinal;
  return {offset + index * chunk, offset + std::min((index + 1) * chunk, size)};
}

std::vector<GridVec> strip_cells(const ScaleInfo& scale, const StripPlan& plan, Index ordinal) {
  const GridVec grid = scale.grid_shape();
  GridBox box{{0, 0, 0}, grid};
  const Index index = plan.descending ? grid[plan.axis] - 1 - ordinal : ordinal;
  box.begin[plan.axis] = index;
  box.end[plan.axis] = index + 1;
  std::vector<GridVec> cells;
  cells.reserve(static_cast<std::size_t>(box.volume()));
  for (Index z = box.begin.z; z < box.end.z; ++z)
    for (Index y = box.begin.y; y < box.end.y; ++y)
      for (Index x = box.begin.x; x < box.end.x; ++x) cells.push_back({x, y, z});
  return cells;
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
    const auto largest =
        std::max_element(plan.levels.begin(), plan.levels.end(), [](const LevelPlan& a, const LevelPlan& b) {
          const auto held = [](const LevelPlan& l) {
            return l.in_memory ? l.strip_bytes * static_cast<std::uint64_t>(l.slots) : 0;
          };
          return held(a) < held(b);
        });
    // Strips of a few chunks gain nothing on disk.
    if (largest->in_memory && largest->strip_bytes * static_cast<std::uint64_t>(largest->slots) > kMiB) {
      largest->in_memory = false;
    } else if (plan.threads > 1) {
      --plan.threads;
    } else {
      break;
    }
  }
  count_bytes(volume, header, memory_bytes, true, plan);
  if (plan.peak_bytes <= memory_bytes) return plan;
  return make_error(ErrorCode::needs_decision, "--memory: expected at least {} MiB for this volume, found {} MiB",
                    (plan.peak_bytes + kMiB - 1) / kMiB, memory_bytes / kMiB)
      .with_hint(
          fmt::format("use --memory {}MiB, or smaller chunks with --chunk-size", (plan.peak_bytes + kMiB - 1) / kMiB));
}

}  // namespace ngforge
