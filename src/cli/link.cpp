// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/segments.h"
#include "ngforge/op.h"
#include "viewer/state.h"

namespace ngforge::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> places;
  std::string viewer;
  SegmentsGroup segments;
  bool prints_state = false, json = false;
  RunGroup run;
};

// "http://HOST:PORT/data/NAME/" may be served by us: then its viewer is next to it.
std::string viewer_beside(const std::string& url) {
  const auto data = url.find("/data/");
  if (data == std::string::npos) return kPublicViewer;
  const std::string viewer = url.substr(0, data) + "/v/ngforge/";
  const auto store = open_store(viewer);
  return store && (*store)->get("index.html") ? viewer : kPublicViewer;
}

// The URL alone, of a place that may also be spelled precomputed://URL or URL|neuroglancer-precomputed:
std::string url_of(std::string_view place) {
  constexpr std::string_view kPrefix = "precomputed://";
  if (place.starts_with(kPrefix)) place.remove_prefix(kPrefix.size());
  return std::string(place.substr(0, place.find('|')));
}

Result<int> run(const Options& options, const CommandContext& context) {
  if (options.places.empty())
    return make_error(ErrorCode::invalid_argument, "link: expected at least one URL of a served dataset, found none")
        .with_hint("see ngforge link -h");
  NGFORGE_TRY(const RunOptions run_options, options.run.resolve(context));
  NGFORGE_TRY(const std::vector<std::string> segments, options.segments.resolve());
  RunOptions open_options = run_options;
  open_options.on_notice = nullptr;  // how a dataset is shown is told by who serves it
  std::vector<Dataset> datasets;
  std::vector<std::string> urls;
  for (const std::string& place : options.places) {
    urls.push_back(url_of(place));
    if (!urls.back().starts_with("http://"))
      return make_error(ErrorCode::invalid_argument, "{}: expected the http:// URL of a served dataset", place)
          .with_hint("ngforge serve shows files and folders, and prints their link");
    NGFORGE_TRY(Dataset dataset, open_dataset(place, VolumeOptions(), open_options));
    datasets.push_back(std::move(dataset));
  }
  NGFORGE_CHECK(options.segments.check_for(datasets));
  std::vector<ViewerLayer> layers;
  for (std::size_t i = 0; i < datasets.size(); ++i) {
    ViewerLayer layer{&datasets[i], urls[i], {}, {}};
    if (datasets[i].type == "segmentation") layer.segments = segments;
    if (segments.empty() && datasets[i].segment_colors.size() > kMostColors && run_options.on_notice)
      run_options.on_notice(
          fmt::format("{}: {} colours are too many for a link: the viewer chooses its own, unless "
                      "--segments names some",
                      options.places[i], datasets[i].segment_colors.size()));
    // The viewer may show what this build cannot read.
    const auto found = find_contrast(layer);
    if (!found && run_options.on_notice) run_options.on_notice("no contrast is known: " + found.error().message);
    layers.push_back(std::move(layer));
  }
  const std::string state = viewer_state(layers);
  const auto link = [&] {
    return viewer_link(options.viewer.empty() ? viewer_beside(urls[0]) : options.viewer, state);
  };
  if (options.json)
    fmt::print("{}\n", Json{{"viewer", link()}, {"state", Json::parse(state)}}.dump(1, ' ', false,
                                                                                    Json::error_handler_t::replace));
  else
    fmt::print("{}\n", options.prints_state ? state : link());
  return 0;
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  app.add_option("URL", options->places, "Served datasets")->type_name("");
  options->segments.add_to(app);
  app.add_option("--viewer", options->viewer, "Address of the viewer [the server's own, else a public one]")
      ->type_name("URL");
  app.add_flag("--state", options->prints_state, "Print the viewer's state as JSON instead");
  app.add_flag("--json", options->json, "Print one JSON object: the link and the state");
  options->run.add_told_to(app);
  return [options, &context] { return run(*options, context); };
}

}  // namespace

extern const CommandDescriptor link_command;
const CommandDescriptor link_command{.name = "link",
                                     .summary = "Print the viewer link for datasets that are served already",
                                     .example = "ngforge link http://127.0.0.1:9123/data/t1/",
                                     .add = add};

}  // namespace ngforge::cli
