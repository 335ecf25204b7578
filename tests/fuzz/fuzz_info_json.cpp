// SPDX-License-Identifier: Apache-2.0
// The JSON files of a dataset: `info`, transform.json, provenance. What is understood is written and understood again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/json.h"
#include "layout/provenance.h"
#include "layout/sharding.h"
#include "layout/transform.h"
#include "layout/volume_info.h"

namespace {

using namespace ngforge;

void demand(bool condition) {
  if (!condition) std::abort();
}

void visit_grid(const ScaleInfo& scale) {
  const GridVec grid = scale.grid_shape();
  const GridVec last{grid.x - 1, grid.y - 1, grid.z - 1};
  for (const GridVec& cell : {GridVec{}, last}) {
    const Box box = scale.chunk_box(cell);
    demand(!box.empty() && scale.box_vox().contains(box));
    demand(parse_chunk_name(chunk_name(box)) == box);
    if (morton_bits(grid) > 64) continue;
    const std::uint64_t code = encode_morton(cell, grid);
    demand(decode_morton(code, grid) == cell);
    if (scale.sharding) demand(!shard_file_name(*scale.sharding, shard_place(*scale.sharding, code).shard).empty());
  }
}

void read_info(std::string_view text) {
  const auto info = parse_volume_info(text, "fuzz");
  if (!info) return;
  for (const ScaleInfo& scale : info->scales) visit_grid(scale);
  const std::string written = write_volume_info(*info);
  const auto again = parse_volume_info(written, "fuzz");
  demand(again.has_value() && write_volume_info(*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto json = parse_json(text, "fuzz")) {
    const std::string written = dump_json(*json);
    const auto again = parse_json(written, "fuzz");
    demand(again.has_value() && dump_json(*again) == written);
  }
  read_info(text);
  if (const auto transform = parse_transform(text, "fuzz"))
    demand(parse_transform(write_transform(*transform), "fuzz").has_value());
  static_cast<void>(parse_provenance(text, "fuzz"));
  static_cast<void>(parse_chunk_name(text));
  return 0;
}
