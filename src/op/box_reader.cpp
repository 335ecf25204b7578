// SPDX-License-Identifier: Apache-2.0
#include "op/box_reader.h"

namespace ngforge {

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

Result<std::span<const std::byte>> BoxReader::read(const SourceBox& box_ijk, ChannelRange channels) {
  const auto count = static_cast<std::size_t>(box_ijk.volume() * channels.size());
  const auto stored = ensure(stored_, count * size_of(plan_.values.from));
  NGFORGE_CHECK(source_.read(box_ijk, channels, stored));
  if (plan_.values.is_identity()) return stored;
  const auto mapped = ensure(mapped_, count * size_of(plan_.type));
  if (const auto bad = map_values(plan_.values, stored, mapped)) return bad_value_error(plan_, *bad, box_ijk);
  return mapped;
}

}  // namespace ngforge
