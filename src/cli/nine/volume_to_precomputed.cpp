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

constexpr int kNeedsEditing = 4;

struct Options {
  std::string volume, destination;
  bool generate_info = false;
  ReadingOptions reading;
  std::optional<std::string> sharding;
  StorageOptions storage;
};

Result<int> generate_info(const Options& options, const DatasetFiles& files) {
  NGFORGE_TRY(const VolumeFacts facts, read_facts(options.volume, options.reading));
  NGFORGE_TRY(const std::string description,
              facts.description(options.sharding.value_or(""), options.storage.has_gzip));
  tell("INFO", fmt::format("the following info has been generated:\n{}", description));
  NGFORGE_CHECK(files.add("info_fullres.json", description));
  tell("INFO",
       "The metadata above was written to info_fullres.json. Now run generate-scales-info on that file, which "
       "makes the 'info' file, then this program again without --generate-info.");
  store_transform(facts, files);
  return facts.is_perfect() ? 0 : kNeedsEditing;
}

Result<int> write_chunks(const Options& options, const DatasetFiles& files, const std::stop_token& stop) {
  NGFORGE_TRY(const bool has_info, files.has("info"));
  if (!has_info)
    return make_error(ErrorCode::not_found, "{}: no 'info' file was found", files.place())
        .with_hint(
            "make one: run this program with --generate-info, then generate-scales-info on the "
            "info_fullres.json that it writes");
  NGFORGE_TRY(const Json info, files.read_info());
  NGFORGE_CHECK(check_info(info, files.place() + "/info"));
  if (options.sharding && !info["scales"][0].contains("sharding"))
    return make_error(ErrorCode::invalid_argument, "--sharding: expected an info with shards, found none in {}/info",
                      files.place())
        .with_hint("give --sharding to --generate-info too, then run generate-scales-info");
  const FillOptions fill = fill_options(options.reading, options.storage);
  return run_with_progress(stop, [&](const RunOptions& run) {
    return fill_scales(std::span(&options.volume, 1), files.place(), fill, run);
  });
}

Result<int> run(const Arguments& arguments, const Options& options, const std::stop_token& stop) {
  if (const auto status = check_reading_options(arguments, options.reading)) return *status;
  NGFORGE_TRY(const DatasetFiles files, DatasetFiles::at(options.destination));
  return options.generate_info ? generate_info(options, files) : write_chunks(options, files, stop);
}

Work add(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_place("volume_filename", options->volume, "volume file (NIfTI, MGH, ...)");
  arguments.add_place("dest_url", options->destination, "folder or URL of the dataset");
  arguments.add_flag(
      {"--generate-info"}, options->generate_info, true,
      "write what the volume says of itself into info_fullres.json and transform.json, and nothing else");
  add_reading_options(arguments, options->reading);
  arguments.add_text("--sharding", options->sharding, "store chunks in shards: MINISHARD,SHARD,PRESHIFT bits");
  add_storage_options(arguments, options->storage, true);
  return [options, &arguments](const std::stop_token& stop) { return run(arguments, *options, stop); };
}

}  // namespace

extern const Descriptor volume_to_precomputed_command;
const Descriptor volume_to_precomputed_command{
    .name = "volume-to-precomputed",
    .summary =
        "Writes a volume into the finest scale of a dataset, whose info must be there. Axes stay as they are in the "
        "file; transform.json says how they lie.",
    .example = "volume-to-precomputed scan.nii.gz brain/",
    .add = add};

}  // namespace ngforge::cli::nine
