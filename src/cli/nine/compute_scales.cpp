// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/nine/arguments.h"
#include "cli/nine/dataset_files.h"
#include "cli/nine/dyadic_scales.h"
#include "cli/nine/nine.h"
#include "cli/nine/options.h"
#include "ngforge/scales.h"

namespace ngforge::cli::nine {
namespace {

struct Options {
  std::string url;
  StorageOptions storage;
  DownscalingOptions downscaling;
};

Result<int> run(const Options& options, const std::stop_token& stop) {
  NGFORGE_TRY(const DatasetFiles files, DatasetFiles::at(options.url));
  NGFORGE_TRY(const Json info, files.read_info());
  NGFORGE_CHECK(check_info(info, files.place() + "/info"));
  return run_with_progress(stop, [&](const RunOptions& run) {
    return ngforge::compute_scales(files.place(), computation_of(options.downscaling, info),
                                   chunk_storage(options.storage), run);
  });
}

Work add(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_place("work_dir", options->url, "folder or URL of the dataset");
  add_storage_options(arguments, options->storage, true);
  add_downscaling_options(arguments, options->downscaling);
  return [options](const std::stop_token& stop) { return run(*options, stop); };
}

}  // namespace

extern const Descriptor compute_scales_command;
const Descriptor compute_scales_command{
    .name = "compute-scales",
    .summary = "Computes the coarser scales that the info of a dataset lists from its finest one.",
    .example = "compute-scales brain/",
    .add = add};

}  // namespace ngforge::cli::nine
