// SPDX-License-Identifier: Apache-2.0
#include <charconv>
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
  std::string source, destination;
  bool copies_info = false;
  StorageOptions storage;
  int quality = 95;
  std::optional<std::string> plane;
};

void add_jpeg_options(Arguments& arguments, Options& options) {
  arguments.begin_group("JPEG");
  const auto take = [&options](const std::string& text) -> std::optional<std::string> {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), options.quality);
    if (code != std::errc{} || end != text.data() + text.size())
      return fmt::format("invalid jpeg_quality value: '{}'", text);
    if (options.quality >= 1 && options.quality <= 100) return std::nullopt;
    return "JPEG quality must be between 1 and 100";
  };
  arguments.add_value("--jpeg-quality", "Q", take, "1 (worst) to 100 (best) (default: 95)");
  arguments.add_choice("--jpeg-plane", {"xy", "xz"}, options.plane, "voxels that a row of pictures has (default: xy)");
}

Result<int> run(const Options& options, const std::stop_token& stop) {
  NGFORGE_TRY(const DatasetFiles source, DatasetFiles::at(options.source));
  NGFORGE_TRY(const DatasetFiles destination, DatasetFiles::at(options.destination));
  NGFORGE_TRY(const Json source_info, source.read_info());
  if (options.copies_info) NGFORGE_CHECK(destination.add_info(source_info));
  NGFORGE_TRY(const Json info, destination.read_info());
  NGFORGE_CHECK(check_info(info, destination.place() + "/info"));
  ChunkStorage storage = chunk_storage(options.storage);
  storage.encoding_options["jpeg-quality"] = options.quality;
  storage.encoding_options["jpeg-plane"] = encoding_choice("jpeg-plane", options.plane.value_or("xy"));
  auto status = run_with_progress(
      stop, [&](const RunOptions& run) { return recode_scales(source.place(), destination.place(), storage, run); });
  if (!status && options.copies_info) destination.remove_info();
  return status;
}

Work add(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_place("source_url", options->source, "folder or URL of the dataset that is read");
  arguments.add_place("dest_url", options->destination, "folder or URL of the dataset that is written");
  arguments.add_flag({"--copy-info"}, options->copies_info, true, "copy the info instead of using one that is there");
  add_storage_options(arguments, options->storage, true);
  add_jpeg_options(arguments, *options);
  return [options](const std::stop_token& stop) { return run(*options, stop); };
}

}  // namespace

extern const Descriptor convert_chunks_command;
const Descriptor convert_chunks_command{
    .name = "convert-chunks",
    .summary = "Encodes the chunks of a dataset as the info of another says, or, with --copy-info, as its own.",
    .example = "convert-chunks --copy-info brain/ copy/",
    .add = add};

}  // namespace ngforge::cli::nine
