// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/nine/arguments.h"
#include "cli/nine/dataset_files.h"
#include "cli/nine/dyadic_scales.h"
#include "cli/nine/nine.h"
#include "cli/nine/options.h"
#include "cli/nine/volume_facts.h"
#include "ngforge/scales.h"

namespace ngforge::cli::nine {
namespace {

struct Options {
  std::string volume, destination;
  ReadingOptions reading;
  ScalesRequest scales;
  StorageOptions storage;
  DownscalingOptions downscaling;
};

Result<int> convert(const Options& options, const DatasetFiles& files, const std::stop_token& stop) {
  NGFORGE_TRY(const VolumeFacts facts, read_facts(options.volume, options.reading));
  NGFORGE_TRY(const std::string description, facts.description("", true));
  NGFORGE_TRY(Json info, parse(description, options.volume));
  NGFORGE_CHECK(describe_scales(info, options.scales, options.volume));
  NGFORGE_CHECK(files.add_info(info));
  FillOptions fill = fill_options(options.reading, options.storage);
  fill.all_scales = true;
  fill.computation = computation_of(options.downscaling, info);
  auto status = run_with_progress(stop, [&](const RunOptions& run) {
    return fill_scales(std::span(&options.volume, 1), files.place(), fill, run);
  });
  if (!status) {
    files.remove_info();
    return status;
  }
  store_transform(facts, files);
  return status;
}

Result<int> run(const Arguments& arguments, const Options& options, const std::stop_token& stop) {
  if (const auto status = check_reading_options(arguments, options.reading)) return *status;
  NGFORGE_TRY(const DatasetFiles files, DatasetFiles::at(options.destination));
  return convert(options, files, stop);
}

Work add(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_place("volume_filename", options->volume, "volume file (NIfTI, MGH, ...)");
  arguments.add_place("dest_url", options->destination, "folder or URL of the dataset");
  add_reading_options(arguments, options->reading);
  add_kind_options(arguments, options->scales.type, options->scales.encoding);
  add_storage_options(arguments, options->storage, true);
  add_downscaling_options(arguments, options->downscaling);
  return [options, &arguments](const std::stop_token& stop) { return run(arguments, *options, stop); };
}

}  // namespace

extern const Descriptor volume_to_precomputed_pyramid_command;
const Descriptor volume_to_precomputed_pyramid_command{
    .name = "volume-to-precomputed-pyramid",
    .summary =
        "Makes a dataset with all its scales of a volume. Axes stay as they are in the file; transform.json says how "
        "they lie.",
    .example = "volume-to-precomputed-pyramid scan.nii.gz brain/",
    .add = add};

}  // namespace ngforge::cli::nine
