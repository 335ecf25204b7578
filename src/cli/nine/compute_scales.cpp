// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/arguments.h"
#include "cli/nine/dataset_files.h"
#include "cli/nine/dyadic_scales.h"
#include "cli/nine/nine.h"
#include "cli/nine/options.h"
#include "ngforge/scales.h"

namespace ngforge::cli::nine {
namespace {

Result<int> run(std::span<const std::string> words, const std::stop_token& stop) {
  std::string url;
  StorageOptions storage;
  DownscalingOptions downscaling;
  Arguments arguments("compute-scales",
                      "Computes the coarser scales that the info of a dataset lists from its finest one.");
  arguments.add_place("work_dir", url, "folder or URL of the dataset");
  add_storage_options(arguments, storage, true);
  add_downscaling_options(arguments, downscaling);
  if (const auto status = arguments.parse(words)) return *status;
  NGFORGE_TRY(const DatasetFiles files, DatasetFiles::at(url));
  NGFORGE_TRY(const Json info, files.read_info());
  NGFORGE_CHECK(check_info(info, files.place() + "/info"));
  return run_with_progress(stop, [&](const RunOptions& run) {
    return ngforge::compute_scales(files.place(), computation_of(downscaling, info), chunk_storage(storage), run);
  });
}

}  // namespace

extern const Descriptor compute_scales_command;
const Descriptor compute_scales_command{.name = "compute-scales", .run = run};

}  // namespace ngforge::cli::nine
