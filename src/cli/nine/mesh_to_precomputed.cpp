// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <filesystem>
#include <memory>

#include "cli/nine/arguments.h"
#include "cli/nine/dataset_files.h"
#include "cli/nine/nine.h"
#include "cli/nine/options.h"
#include "ngforge/surfaces.h"

namespace ngforge::cli::nine {
namespace {

struct Options {
  std::string mesh, destination;
  std::optional<std::string> mesh_dir, mesh_name, coord_transform;
  StorageOptions storage;
};

std::vector<double> numbers_of(std::string_view text) {
  std::vector<double> numbers;
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    while (part.starts_with(' ') || part.starts_with('+')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), numbers.emplace_back());
    if (code != std::errc{} || end != part.data() + part.size()) return {};
  }
  return numbers;
}

// The name of a file without its folders and its last suffix.
std::string stem_of(const std::string& path) {
  return std::filesystem::path(path).stem().string();
}

// The folder of meshes, named in info when it is not there yet.
Result<std::string> mesh_folder(const Options& options, const DatasetFiles& files) {
  NGFORGE_TRY(Json info, files.read_info());
  const std::string wanted = options.mesh_dir.value_or("mesh"), where = files.place() + "/info";
  if (!info.contains("mesh")) {
    info["mesh"] = wanted;
    NGFORGE_CHECK(files.replace_info(info));
  }
  NGFORGE_TRY(const std::string linked, text_member(info, "mesh", where));
  if (linked != wanted)
    return make_error(ErrorCode::invalid_argument, "--mesh-dir: expected \"{}\" as {} says, found \"{}\"", linked,
                      where, wanted);
  NGFORGE_TRY(const std::string type, text_member(info, "type", where));
  if (type != "segmentation")
    tell("WARNING", fmt::format("{}: its type is \"{}\": viewers show meshes of a \"segmentation\" only", where, type));
  return linked;
}

Result<int> convert(const Options& options, const FragmentOptions& fragment, const std::stop_token& stop) {
  NGFORGE_TRY(const DatasetFiles files, DatasetFiles::at(options.destination));
  NGFORGE_TRY(const std::string folder, mesh_folder(options, files));
  RunOptions run;
  run.stop = stop;
  const std::string key = folder + "/" + options.mesh_name.value_or(stem_of(options.mesh));
  NGFORGE_CHECK(write_mesh_fragment(options.mesh, files.place(), key, fragment, run));
  return 0;
}

Result<int> run(const Arguments& arguments, const Options& options, const std::stop_token& stop) {
  FragmentOptions fragment;
  fragment.has_gzip = options.storage.has_gzip;
  fragment.level = options.storage.level;
  if (options.coord_transform) {
    const std::vector<double> numbers = numbers_of(*options.coord_transform);
    if (numbers.size() != 12 && numbers.size() != 16)
      return arguments.fail(fmt::format("--coord-transform must have 12 or 16 elements ({} passed)", numbers.size()));
    fragment.coord_transform.emplace();
    for (std::size_t i = 0; i < numbers.size(); ++i) fragment.coord_transform->m[i / 4][i % 4] = numbers[i];
    if (fragment.coord_transform->m[3] != Affine{}.m[3])
      return make_error(ErrorCode::invalid_argument, "--coord-transform: expected 0,0,0,1 as its last row");
  }
  return convert(options, fragment, stop);
}

Work add(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_place("input_mesh", options->mesh, "surface file (GIfTI, FreeSurfer, VTK, PLY, STL, OBJ, ...)");
  arguments.add_place("dest_url", options->destination, "folder or URL of the dataset");
  arguments.add_text("--mesh-dir", options->mesh_dir,
                     "folder of meshes in the dataset, as its info says if it names one (default: mesh)");
  arguments.add_text("--mesh-name", options->mesh_name, "name of the fragment (default: that of the file)");
  arguments.add_text(
      "--coord-transform", options->coord_transform,
      "4x4 matrix for the coordinates, in millimetres, row by row with commas between; 0,0,0,1 at the end "
      "may be left out");
  add_storage_options(arguments, options->storage, false);
  return [options, &arguments](const std::stop_token& stop) { return run(arguments, *options, stop); };
}

}  // namespace

extern const Descriptor mesh_to_precomputed_command;
const Descriptor mesh_to_precomputed_command{
    .name = "mesh-to-precomputed",
    .summary =
        "Writes a surface file as a mesh fragment into a dataset. It shows when link-mesh-fragments has put it under a "
        "label.",
    .example = "mesh-to-precomputed lh.pial.gii seg/",
    .add = add};

}  // namespace ngforge::cli::nine
