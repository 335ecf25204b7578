// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>

#include "cli/nine/arguments.h"
#include "cli/nine/dataset_files.h"
#include "cli/nine/dyadic_scales.h"
#include "cli/nine/nine.h"
#include "cli/nine/options.h"

namespace ngforge::cli::nine {
namespace {

Result<Json> read_description(const std::string& path) {
  const std::filesystem::path file(path);
  const std::string folder = file.parent_path().string();
  NGFORGE_TRY(const auto store, open_store(folder.empty() ? "." : folder));
  NGFORGE_TRY(const Bytes bytes, store->get(file.filename().string()));
  return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

struct Options {
  std::string description, destination;
  ScalesRequest request;
  std::optional<Index> target;
};

Result<int> run(const Options& options) {
  ScalesRequest request = options.request;
  request.target_chunk_size = options.target.value_or(request.target_chunk_size);
  NGFORGE_TRY(Json info, read_description(options.description));
  NGFORGE_CHECK(describe_scales(info, request, options.description));
  NGFORGE_TRY(const DatasetFiles files, DatasetFiles::at(options.destination));
  NGFORGE_CHECK(files.add_info(info));
  return 0;
}

Work add(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_place("fullres_info", options->description,
                      "JSON file that describes the full resolution (info_fullres.json)");
  arguments.add_place("dest_url", options->destination, "folder or URL of the dataset, where info is written");
  arguments.add_integer("--max-scales", options->request.max_scales, "how many scales at most (default: no limit)");
  arguments.add_integer("--target-chunk-size", options->target,
                        "side of cubic chunks, a power of two; others have about as many voxels (default: 64)");
  add_kind_options(arguments, options->request.type, options->request.encoding);
  return [options](const std::stop_token&) { return run(*options); };
}

}  // namespace

extern const Descriptor generate_scales_info_command;
const Descriptor generate_scales_info_command{
    .name = "generate-scales-info",
    .summary = "Makes the \"info\" of a dataset, with all its scales, of a description of full resolution.",
    .example = "generate-scales-info brain/info_fullres.json brain/",
    .add = add};

}  // namespace ngforge::cli::nine
