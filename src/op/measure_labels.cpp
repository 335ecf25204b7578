// SPDX-License-Identifier: Apache-2.0
#include "op/measure_labels.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "op/chunk_walk.h"
#include "op/table_properties.h"

namespace ngforge {
namespace {

using Totals = LabelTotals<LabelMeasure>;

// Errors: invalid_data (a negative label), which the viewer has not.
Result<void> refuse_negative(const BlockView& chunk) {
  Result<void> result;
  visit_type(chunk.type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
      for_each_run(chunk, [&](const LabelRun& run) {
        const auto label = static_cast<std::int64_t>(run.label);
        if (label >= 0 || !result) return;
        result = make_error(ErrorCode::invalid_data,
                            "voxel {},{},{}: expected a label of 0 or more, found {}: the viewer has no negative ones",
                            run.begin.x, run.begin.y, run.begin.z, label)
                     .of_source();
      });
  });
  return result;
}

Error too_many(std::uint64_t most_labels, std::uint64_t memory_bytes) {
  return make_error(ErrorCode::needs_decision,
                    "--memory: expected room for the measures of all labels, found more than {} of them: {} MiB are "
                    "too few",
                    most_labels, memory_bytes >> 20)
      .with_hint(fmt::format("try --memory {}MiB", 2 * (memory_bytes >> 20)));
}

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
      std::clamp<std::uint64_t>(run.memory_bytes / 4 / Totals::kOwnBytes, 1, static_cast<std::uint64_t>(run.threads)));
  const std::uint64_t for_tables = static_cast<std::uint64_t>(own_run.threads) * Totals::kOwnBytes;
  NGFORGE_TRY(ChunkWalk walk, ChunkWalk::plan(volume, 0, own_run, for_chunks, 3 * for_chunks));
  const std::uint64_t rest = run.memory_bytes - for_chunks;
  const std::uint64_t most_labels = (rest > for_tables ? rest - for_tables : 0) / kBytesPerMeasuredLabel;
  Totals totals(most_labels);
  NGFORGE_CHECK(walk.run("measuring", [&](int, const BlockView& chunk) -> Result<bool> {
    NGFORGE_CHECK(refuse_negative(chunk));
    totals.add(chunk);
    if (!totals.is_complete()) return too_many(most_labels, run.memory_bytes);
    return true;
  }));
  std::vector<LabelMeasure> measures = totals.take();
  if (!totals.is_complete()) return too_many(most_labels, run.memory_bytes);
  if (!measures.empty() && measures.front().label == 0) measures.erase(measures.begin());
  return measures;
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
                          property.id, measures[i].label, number)
            .with_hint("round with --round");
      number = rounded;
    }
  }
  return properties;
}

}  // namespace ngforge
