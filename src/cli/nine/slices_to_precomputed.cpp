// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/nine/arguments.h"
#include "cli/nine/dataset_files.h"
#include "cli/nine/dyadic_scales.h"
#include "cli/nine/nine.h"
#include "cli/nine/options.h"
#include "ngforge/scales.h"
#include "ngforge/text.h"

namespace ngforge::cli::nine {
namespace {

constexpr const char* kOrientations =
    "The three letters of --input-orientation say where the axes of the slices point to: along a row (left to right "
    "on\n"
    "the screen), along a column (top to bottom), and from slice to slice in the order of their names. Each is one of\n"
    "R (right), L (left), A (anterior), P (posterior), S (superior), I (inferior). The dataset's axes point to R, A "
    "and S.\n"
    "Coronal slices are RIA or RIP, or LIA or LIP with the subject's left on the right; axial ones RPS, RPI, LPS or "
    "LPI.\n";

// One of R|L, A|P, S|I each.
bool is_orientation(const std::string& code) {
  const auto has_one_of = [&](char a, char b) {
    return (code.find(a) == std::string::npos) != (code.find(b) == std::string::npos);
  };
  return code.size() == 3 && has_one_of('R', 'L') && has_one_of('A', 'P') && has_one_of('S', 'I');
}

struct Options {
  std::vector<std::string> folders;
  std::string url;
  std::optional<std::string> orientation;
  StorageOptions storage;
};

Result<int> run(const Arguments& arguments, const Options& options, const std::stop_token& stop) {
  std::string orientation = options.orientation.value_or("RAS");
  for (char& c : orientation) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (!is_orientation(orientation)) return arguments.fail("input_orientation is invalid");
  NGFORGE_TRY(const DatasetFiles files, DatasetFiles::at(options.url));
  NGFORGE_TRY(const Json info, files.read_info());
  NGFORGE_CHECK(check_info(info, files.place() + "/info"));
  FillOptions fill;
  fill.source.input_orientation = orientation;
  fill.source.slices_in_byte_order = true;
  fill.orientation = "RAS";
  fill.storage = chunk_storage(options.storage);
  return run_with_progress(
      stop, [&](const RunOptions& run) { return fill_scales(options.folders, files.place(), fill, run); });
}

Work add(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.set_epilog(kOrientations);
  arguments.add_places("slice_dirs", options->folders,
                       "folders of slices in the order of their names; each is a channel");
  arguments.add_place("dest_url", options->url, "folder or URL of the dataset");
  arguments.add_text("--input-orientation", options->orientation,
                     "where the axes of the slices point to, see below (default: RAS)");
  add_storage_options(arguments, options->storage, true);
  return [options, &arguments](const std::stop_token& stop) { return run(arguments, *options, stop); };
}

}  // namespace

extern const Descriptor slices_to_precomputed_command;
const Descriptor slices_to_precomputed_command{
    .name = "slices-to-precomputed",
    .summary =
        "Writes folders of pictures, which are the slices of a volume, into the finest scale of a dataset, whose info "
        "must be there.",
    .example = "slices-to-precomputed --input-orientation RIA slices/ brain/",
    .add = add};

}  // namespace ngforge::cli::nine
