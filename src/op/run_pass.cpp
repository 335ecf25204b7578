// SPDX-License-Identifier: Apache-2.0
#include "op/run_pass.h"

#include "op/cascade.h"
#include "op/feed.h"

namespace ngforge {

Result<std::uint64_t> run_pass(const Pass& pass, std::vector<std::unique_ptr<ChunkSink>>& sinks,
                               const std::string& scratch_folder, const RunOptions& run,
                               const std::function<void(std::uint64_t)>& tell) {
  ThreadPool pool(pass.strips.threads);
  NGFORGE_TRY(const auto cascade, Cascade::create(pass.plan, pass.strips, sinks, pool, scratch_folder));
  const auto tell_now = [&, c = cascade.get()] { tell(c->voxels_done()); };
  NGFORGE_CHECK(feed(*pass.source, pass.plan, pass.strips, pool, *cascade, run.stop, tell_now));
  tell_now();
  return cascade->voxels_done();
}

ScaleReport report_of(const ScaleInfo& scale) {
  ScaleReport report;
  report.key = scale.key;
  report.size_xyz = scale.size_xyz;
  report.voxel_offset = scale.voxel_offset;
  report.chunk_size_xyz = scale.chunk_size();
  report.resolution_nm = scale.resolution_nm;
  report.chunks = static_cast<std::uint64_t>(scale.grid_shape().product());
  return report;
}

void add_counts(ChunkSink& sink, ScaleReport& report) {
  const ChunkCounts& counts = sink.counts();
  report.stored_chunks = counts.stored;
  report.empty_chunks = counts.empty;
  report.files = counts.files;
  report.bytes = counts.bytes;
}

}  // namespace ngforge
