// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/op.h"
#include "viewer/state.h"

namespace ngforge::cli {
namespace {

struct Options {
  std::vector<std::string> places;
  std::string segments, viewer;
  bool prints_state = false;
};

Result<std::vector<std::string>> parse_segments(const std::string& text) {
  std::vector<std::string> ids;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    ids.push_back(text.substr(begin, comma - begin));
    const char* const end = ids.back().data() + ids.back().size();
    std::uint64_t id = 0;
    const auto parsed = std::from_chars(ids.back().data(), end, id);
    if (parsed.ec != std::errc{} || parsed.ptr != end)
      return make_error(ErrorCode::invalid_argument, "--segments: expected ids such as 17,42, found \"{}\"", text);
    begin = comma + 1;
  }
  return ids;
}

// "http://HOST:PORT/data/NAME/" is served by us: its viewer is next to it.
std::string viewer_beside(const std::string& url) {
  const auto data = url.find("/data/");
  return url.starts_with("http://") && data != std::string::npos ? url.substr(0, data) + "/v/ngforge/" : kPublicViewer;
}

// The URL alone, of a place that may also be spelled precomputed://URL or URL|neuroglancer-precomputed:
std::string url_of(std::string_view place) {
  constexpr std::string_view kPrefix = "precomputed://";
  if (place.starts_with(kPrefix)) place.remove_prefix(kPrefix.size());
  return std::string(place.substr(0, place.find('|')));
}

Result<int> run(const Options& options) {
  if (options.places.empty())
    return make_error(ErrorCode::invalid_argument, "link: expected at least one URL of a served dataset, found none")
        .with_hint("see ngforge link -h");
  NGFORGE_TRY(const auto segments, parse_segments(options.segments));
  std::vector<Dataset> datasets;
  std::vector<std::string> urls;
  for (const std::string& place : options.places) {
    urls.push_back(url_of(place));
    if (!urls.back().starts_with("http://"))
      return make_error(ErrorCode::invalid_argument, "{}: expected the http:// URL of a served dataset", place)
          .with_hint("ngforge serve shows files and folders, and prints their link");
    NGFORGE_TRY(Dataset dataset, open_dataset(place, VolumeOptions(), RunOptions()));
    datasets.push_back(std::move(dataset));
  }
  std::vector<ViewerLayer> layers;
  for (std::size_t i = 0; i < datasets.size(); ++i) {
    ViewerLayer layer{&datasets[i], urls[i], {}, {}};
    if (datasets[i].type == "segmentation") layer.segments = segments;
    NGFORGE_CHECK(find_contrast(layer));
    layers.push_back(std::move(layer));
  }
  const std::string state = viewer_state(layers);
  fmt::print("{}\n", options.prints_state
                         ? state
                         : viewer_link(options.viewer.empty() ? viewer_beside(urls[0]) : options.viewer, state));
  return 0;
}

CommandRun add(CLI::App& app, CommandContext&) {
  auto options = std::make_shared<Options>();
  app.add_option("sources", options->places, "URLs of served datasets")->type_name("URL");
  app.add_option("--segments", options->segments, "Segments to select; without them all are shown")->type_name("ID,ID");
  app.add_option("--viewer", options->viewer, "Address of the viewer [the server's own, else a public one]")
      ->type_name("URL");
  app.add_flag("--state", options->prints_state, "Print the viewer's state as JSON instead");
  return [options] { return run(*options); };
}

}  // namespace

extern const CommandDescriptor link_command;
const CommandDescriptor link_command{.name = "link",
                                     .summary = "Print the viewer link for datasets that are served already",
                                     .example = "ngforge link http://127.0.0.1:9123/data/t1/",
                                     .add = add};

}  // namespace ngforge::cli
