// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

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

Result<int> run(std::span<const std::string> words, const std::stop_token&) {
  std::string description, destination;
  ScalesRequest request;
  std::optional<Index> target;
  Arguments arguments("generate-scales-info",
                      "Makes the \"info\" of a dataset, with all its scales, of a description of full resolution.");
  arguments.add_place("fullres_info", description, "JSON file that describes the full resolution (info_fullres.json)");
  arguments.add_place("dest_url", destination, "folder or URL of the dataset, where info is written");
  arguments.add_integer("--max-scales", request.max_scales, "how many scales at most (default: no limit)");
  arguments.add_integer("--target-chunk-size", target,
                        "side of cubic chunks, a power of two (default: 64); others have about as many voxels");
  add_kind_options(arguments, request.type, request.encoding);
  if (const auto status = arguments.parse(words)) return *status;
  request.target_chunk_size = target.value_or(request.target_chunk_size);
  NGFORGE_TRY(Json info, read_description(description));
  NGFORGE_CHECK(describe_scales(info, request, description));
  NGFORGE_TRY(const DatasetFiles files, DatasetFiles::at(destination));
  NGFORGE_CHECK(files.add_info(info));
  return 0;
}

}  // namespace

extern const Descriptor generate_scales_info_command;
const Descriptor generate_scales_info_command{.name = "generate-scales-info", .run = run};

}  // namespace ngforge::cli::nine
