// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <set>

#include <spawn.h>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/op.h"
#include "server/server.h"
#include "server/start_page.h"
#include "viewer/assets.h"
#include "viewer/state.h"

namespace ngforge::cli {
namespace {

using Json = nlohmann::ordered_json;

// The client insists on a path of this form.
constexpr const char* kClientPath = "/v/ngforge/";
constexpr int kDefaultPort = 9123;

struct Options {
  std::vector<std::string> places;
  VolumeGroup volume;
  RunGroup run;
  std::string bind = "127.0.0.1", port;
  bool opens = false, json = false;
};

Result<std::vector<Dataset>> open_all(const Options& options, const RunOptions& run) {
  NGFORGE_TRY(const VolumeOptions volume, options.volume.resolve());
  std::vector<Dataset> datasets;
  std::set<std::string> names;
  for (const std::string& place : options.places) {
    NGFORGE_TRY(Dataset dataset, open_dataset(place, volume, run));
    const std::string name = dataset.name;
    for (int n = 2; !names.insert(dataset.name).second; ++n) dataset.name = fmt::format("{}-{}", name, n);
    datasets.push_back(std::move(dataset));
  }
  return datasets;
}

std::string three(const auto& v, std::string_view between) {
  return fmt::format("{:.10g}{}{:.10g}{}{:.10g}", v[0], between, v[1], between, v[2]);
}

std::array<double, 3> size_of_box(const Dataset& dataset) {
  const auto size = dataset.box_vox.size();
  return {static_cast<double>(size.x), static_cast<double>(size.y), static_cast<double>(size.z)};
}

// What is served: datasets, the client, the start page.
class Exhibition {
 public:
  Exhibition(std::vector<Dataset> datasets, std::string url) : datasets_(std::move(datasets)), url_(std::move(url)) {
    for (const Dataset& dataset : datasets_) layers_.push_back({&dataset, data_url(dataset), {}});
  }

  Result<Site> site() {
    Site site;
    for (const Dataset& dataset : datasets_) site.mounts.push_back({"/data/" + dataset.name + "/", dataset.store, ""});
    site.mounts.push_back({kClientPath, make_asset_store(), "index.html"});
    NGFORGE_TRY(state_, viewer_state(layers_));
    if (viewer_assets().empty()) {
      const char* text =
          "This program was built without the viewer (-DNGFORGE_VIEWER=OFF). Any Neuroglancer of version 2.41 or later "
          "shows\n"
          "the datasets: give it the state at /state.json.\n";
      site.pages.push_back({"/viewer/", "text/plain; charset=utf-8", text});
    } else {
      site.redirects = {{"/viewer/", kClientPath}, {"/viewer", kClientPath}};
    }
    site.redirects.emplace_back("/licenses/neuroglancer", std::string(kClientPath) + "LICENSE.txt");
    site.pages.push_back({"/state.json", "application/json", state_});
    std::vector<StartPageRow> rows;
    for (std::size_t i = 0; i < datasets_.size(); ++i) {
      const Dataset& dataset = datasets_[i];
      NGFORGE_TRY(const std::string alone, viewer_state(std::span(layers_).subspan(i, 1)));
      rows.push_back({dataset.name, dataset.type, three(size_of_box(dataset), " x ") + " voxels",
                      three(dataset.resolution_nm, " x ") + " nm", "/data/" + dataset.name + "/",
                      viewer_link(kClientPath, alone)});
    }
    site.pages.push_back({"/", "text/html; charset=utf-8", start_page(rows, viewer_link(kClientPath, state_))});
    return site;
  }

  std::string link() const { return viewer_link(url_ + kClientPath, state_); }

  Result<std::string> json() const {
    Json json{{"url", url_ + "/"}, {"viewer", link()}, {"datasets", Json::array()}};
    for (const ViewerLayer& layer : layers_) {
      const Dataset& dataset = *layer.dataset;
      const auto size = dataset.box_vox.size();
      NGFORGE_TRY(const std::string whole_layer, layer_json(layer));
      json["datasets"].push_back({{"name", dataset.name},
                                  {"type", dataset.type},
                                  {"url", layer.url},
                                  {"source", layer_source(layer.url)},
                                  {"transform", Json::parse(layer_transform(dataset))},
                                  {"layer", Json::parse(whole_layer)},
                                  {"size_xyz", {size.x, size.y, size.z}},
                                  {"resolution_nm", dataset.resolution_nm}});
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  void print() const {
    for (const ViewerLayer& layer : layers_)
      fmt::print("{}: {}, {} voxels, {}\n", layer.dataset->name, layer.dataset->type,
                 three(size_of_box(*layer.dataset), " x "), layer.url);
    fmt::print("{}\n", link());
  }

 private:
  std::string data_url(const Dataset& dataset) const { return url_ + "/data/" + dataset.name + "/"; }

  const std::vector<Dataset> datasets_;
  const std::string url_;
  std::vector<ViewerLayer> layers_;
  std::string state_;
};

void open_browser(const std::string& link) {
  std::string program = "xdg-open", argument = link;
  char* const arguments[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  if (::posix_spawnp(&child, program.c_str(), nullptr, nullptr, arguments, environ) != 0)
    fmt::print(stderr, "ngforge: note: no browser could be started; open the link yourself\n");
}

void wait_for(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait(lock, stop, [] { return false; });
}

Result<int> run(const Options& options, const CommandContext& context) {
  if (options.places.empty())
    return make_error(ErrorCode::invalid_argument, "serve: expected at least one SOURCE, found none")
        .with_hint("see ngforge serve -h");
  NGFORGE_TRY(const RunOptions run_options, options.run.resolve(context));
  ServerOptions server_options;
  server_options.bind = options.bind;
  server_options.port = kDefaultPort;
  if (!options.port.empty()) {
    NGFORGE_TRY(const Index port, parse_integer(options.port, "--port", 0, 65535));
    server_options.port = static_cast<int>(port);
  }
  NGFORGE_TRY(auto datasets, open_all(options, run_options));
  NGFORGE_TRY(const auto server, HttpServer::listen(server_options));
  Exhibition exhibition(std::move(datasets), server->url());
  NGFORGE_TRY(Site site, exhibition.site());
  server->serve(std::move(site));
  if (options.json) {
    NGFORGE_TRY(const std::string line, exhibition.json());
    fmt::print("{}\n", line);
  } else {
    exhibition.print();
  }
  std::fflush(stdout);
  if (options.opens) open_browser(exhibition.link());
  wait_for(context.stop);
  return 0;
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  app.add_option("sources", options->places, "Files or datasets, each becomes a layer")->type_name("SOURCE");
  app.add_option("--port", options->port, "Port; the next free one when it is taken [9123]")->type_name("N");
  app.add_option("--bind", options->bind, "Address to listen on; 0.0.0.0 lets other machines in [127.0.0.1]")
      ->type_name("ADDRESS");
  app.add_flag("--open", options->opens, "Open the browser");
  app.add_flag("--json", options->json, "Print one line of JSON and go on");
  options->volume.add_to(app, false);
  options->run.add_to(app);
  return [options, &context] { return run(*options, context); };
}

}  // namespace

extern const CommandDescriptor serve_command;
const CommandDescriptor serve_command{.name = "serve",
                                      .summary = "Show files and datasets at once: a local server with the viewer",
                                      .example = "ngforge serve scan.nii.gz --open",
                                      .add = add};

}  // namespace ngforge::cli
