// SPDX-License-Identifier: Apache-2.0
#include "op/measure_labels.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <type_traits>

#include "op/chunk_walk.h"
#include "op/table_properties.h"

namespace ngforge {
namespace {

constexpr std::size_t kStripes = 64;
// Labels of one thread's own table before they go into the shared ones: some 8 MiB.
constexpr std::size_t kOwnLabels = 1 << 16;
constexpr std::uint64_t kOwnBytes = 2 * kOwnLabels * sizeof(LabelMeasure);

/// Adds up the runs of one chunk after the other.
class ChunkMeasurer {
 public:
  /// Calls `flush(table)` whenever the table is full, and clears it then. Errors: invalid_data (a negative label).
  template <class Flush>
  Result<void> add(const BlockView& chunk, const Flush& flush) {
    Result<void> result;
    visit_type(chunk.type, [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_integral_v<T>) result = add_rows<T>(chunk, flush);
    });
    return result;
  }
  LabelTable& table() { return table_; }

 private:
  template <class T, class Flush>
  Result<void> add_rows(const BlockView& chunk, const Flush& flush) {
    const Box& box = chunk.box;
    for (Index c = 0; c < chunk.channels; ++c)
      for (Index z = box.begin.z; z < box.end.z; ++z)
        for (Index y = box.begin.y; y < box.end.y; ++y) {
          if (table_.size() > kOwnLabels) NGFORGE_CHECK(flush(table_));
          const auto* row = reinterpret_cast<const T*>(chunk.row(y, z, c));
          const Index size = box.size().x;
          for (Index begin = 0, end = 0; begin < size; begin = end) {
            const T label = row[begin];
            for (end = begin + 1; end < size && row[end] == label;) ++end;
            if (label == 0) continue;
            if constexpr (std::is_signed_v<T>)
              if (label < 0)
                return make_error(ErrorCode::invalid_data,
                                  "voxel {},{},{}: expected a label of 0 or more, found {}: the viewer has no negative "
                                  "ones",
                                  box.begin.x + begin, y, z, label)
                    .of_source();
            table_[static_cast<std::uint64_t>(label)].add({static_cast<std::uint64_t>(label),
                                                           static_cast<std::uint64_t>(end - begin),
                                                           {box.begin.x + begin, y, z},
                                                           {box.begin.x + end, y + 1, z + 1}});
          }
        }
    return {};
  }

  LabelTable table_;
};

/// Tables that all threads add to, each for some of the labels.
class SharedTables {
 public:
  explicit SharedTables(std::uint64_t memory_bytes, const RunOptions& run)
      : most_labels_(memory_bytes / kBytesPerMeasuredLabel), run_(run) {}

  /// Adds what is in `table`, which is empty then. Errors: needs_decision (too many labels).
  Result<void> add(LabelTable& table) {
    // By stripes, so that a lock is taken once for many labels.
    std::array<std::vector<LabelMeasure>, kStripes> parts;
    table.for_each([&](const LabelMeasure& measure) { parts[stripe_of(measure.id)].push_back(measure); });
    table.clear();
    for (std::size_t s = 0; s < kStripes; ++s) {
      if (parts[s].empty()) continue;
      const std::lock_guard lock(mutexes_[s]);
      const std::size_t before = tables_[s].size();
      for (const LabelMeasure& measure : parts[s]) tables_[s][measure.id].add(measure);
      labels_ += tables_[s].size() - before;
    }
    if (labels_ <= most_labels_) return {};
    const std::uint64_t wanted = 2 * (run_.memory_bytes >> 20);
    return make_error(ErrorCode::needs_decision,
                      "--memory: expected room for the measures of all labels, found more than {} of them: {} MiB are "
                      "too few",
                      most_labels_, run_.memory_bytes >> 20)
        .with_hint(fmt::format("try --memory {}MiB", wanted));
  }

  std::vector<LabelMeasure> take() {
    std::vector<LabelMeasure> all;
    all.reserve(labels_);
    for (LabelTable& table : tables_) {
      table.for_each([&](const LabelMeasure& measure) { all.push_back(measure); });
      table = LabelTable();
    }
    std::ranges::sort(all, {}, &LabelMeasure::id);
    return all;
  }

 private:
  // Other bits than those that choose a slot.
  static std::size_t stripe_of(std::uint64_t id) { return LabelTable::hash(id) >> 58; }

  const std::uint64_t most_labels_;
  const RunOptions& run_;
  std::array<std::mutex, kStripes> mutexes_;  // each guards the table of its number
  std::array<LabelTable, kStripes> tables_;
  std::atomic<std::uint64_t> labels_ = 0;
};

}  // namespace

Result<std::vector<LabelMeasure>> measure_labels(const PrecomputedVolume& volume, const RunOptions& run) {
  if (!is_integer(volume.info().type))
    return make_error(ErrorCode::unsupported, "data_type: expected integers as labels, found {}",
                      name_of(volume.info().type))
        .of_source();
  const std::uint64_t for_chunks = run.memory_bytes / 4;
  RunOptions own_run = run;
  // Each thread has a table of its own beside its chunk.
  own_run.threads = static_cast<int>(
      std::clamp<std::uint64_t>(run.memory_bytes / 4 / kOwnBytes, 1, static_cast<std::uint64_t>(run.threads)));
  const std::uint64_t for_tables = static_cast<std::uint64_t>(own_run.threads) * kOwnBytes;
  NGFORGE_TRY(ChunkWalk walk, ChunkWalk::plan(volume, 0, own_run, for_chunks, 3 * for_chunks));
  const std::uint64_t rest = run.memory_bytes - for_chunks;
  SharedTables shared(rest > for_tables ? rest - for_tables : 0, run);
  std::vector<ChunkMeasurer> measurers(static_cast<std::size_t>(walk.threads()));
  const auto flush = [&](LabelTable& table) { return shared.add(table); };
  NGFORGE_CHECK(walk.run("measuring", [&](int worker, const BlockView& chunk) -> Result<bool> {
    ChunkMeasurer& measurer = measurers[static_cast<std::size_t>(worker)];
    NGFORGE_CHECK(measurer.add(chunk, flush));
    return true;
  }));
  for (ChunkMeasurer& measurer : measurers) NGFORGE_CHECK(shared.add(measurer.table()));
  measurers.clear();
  return shared.take();
}

Result<std::vector<SegmentProperty>> properties_of_measures(std::span<const LabelMeasure> measures,
                                                            const std::array<double, 3>& resolution_nm, bool rounds) {
  std::vector<SegmentProperty> properties;
  const auto add = [&](std::string id, std::string description, const auto& value_of) {
    SegmentProperty property;
    property.kind = SegmentProperty::Kind::number;
    property.id = std::move(id);
    property.description = std::move(description);
    property.numbers.reserve(measures.size());
    for (const LabelMeasure& measure : measures) property.numbers.push_back(value_of(measure));
    properties.push_back(std::move(property));
  };
  add("voxels", "voxels at full resolution", [](const LabelMeasure& m) { return static_cast<double>(m.voxels); });
  const auto voxel_mm3 = resolution_nm[0] * resolution_nm[1] * resolution_nm[2] * 1e-18;
  add("volume_mm3", "volume in cubic millimetres", [&](const LabelMeasure& m) {
    return static_cast<double>(static_cast<float>(static_cast<double>(m.voxels) * voxel_mm3));
  });
  properties.back().type = DataType::float32;
  for (const bool is_end : {false, true})
    for (int a = 0; a < 3; ++a)
      add(fmt::format("{}_{}", is_end ? "end" : "begin", "xyz"[a]),
          fmt::format("{} voxel of the bounding box along {}", is_end ? "behind the last" : "first", "xyz"[a]),
          [&](const LabelMeasure& m) { return static_cast<double>((is_end ? m.end : m.begin)[a]); });
  for (SegmentProperty& property : properties) {
    if (property.id == "volume_mm3" || property.numbers.empty()) continue;
    const auto [low, high] = std::ranges::minmax(property.numbers);
    property.type = integer_type(low, high);
    if (property.type != DataType::float32) continue;
    for (std::size_t i = 0; i < measures.size(); ++i) {
      double& number = property.numbers[i];
      const auto rounded = static_cast<double>(static_cast<float>(number));
      if (rounded != number && !rounds)
        return make_error(ErrorCode::needs_decision,
                          "{} of {}: expected a number that a property can hold exactly (float32, or integers of 32 "
                          "bits), found {}",
                          property.id, measures[i].id, number)
            .with_hint("round with --round");
      number = rounded;
    }
  }
  return properties;
}

}  // namespace ngforge
