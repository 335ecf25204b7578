// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include <signal.h>
#include <spawn.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "cli/segments.h"
#include "ngforge/op.h"
#include "ngforge/text.h"
#include "ngforge/thumbnail.h"
#include "server/lazy_value.h"
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
constexpr const char* kPictureName = "slices.png";
// A link should still fit a line of a terminal or two.
constexpr std::size_t kMostColorsInLink = 32;

struct Options {
  std::vector<std::string> places;
  VolumeGroup volume;
  RunGroup run;
  std::string bind = "127.0.0.1", port;
  SegmentsGroup segments;
  bool opens = false, json = false;
};

// Names end in URLs and must survive the server's rules for paths.
std::string url_safe(std::string name) {
  for (char& c : name)
    if (c == '\\' || static_cast<unsigned char>(c) < ' ') c = '_';
  return name;
}

// Says what the work is for, and takes the bar away when it is done: the server goes on.
void name_progress(RunOptions& run, const std::shared_ptr<Teller>& teller, std::shared_ptr<const std::string> name) {
  if (!run.on_progress) return;
  run.on_progress = [tell = run.on_progress, teller, name = std::move(name)](Progress progress) {
    progress.stage += ' ' + *name;
    tell(progress);
    if (progress.done == progress.total) teller->end();
  };
}

Result<std::vector<Dataset>> open_all(const Options& options, const RunOptions& run_options,
                                      const CommandContext& context) {
  NGFORGE_TRY(const VolumeOptions volume, options.volume.resolve());
  RunOptions run = run_options;
  run.memory_shares = std::max(1, static_cast<int>(std::ranges::count_if(options.places, takes_memory)));
  std::vector<Dataset> datasets;
  std::set<std::string> names;
  for (std::size_t i = 0; i < options.places.size(); ++i) {
    const std::string& place = options.places[i];
    const auto told_name = std::make_shared<std::string>(place);
    run.on_progress = run_options.on_progress;
    name_progress(run, context.teller, told_name);
    const bool has_regions = i + 1 < options.places.size() && is_called_regions(options.places[i + 1]);
    NGFORGE_TRY(Dataset dataset,
                has_regions ? open_regions(place, options.places[++i], run) : open_dataset(place, volume, run));
    const std::string name = dataset.name = url_safe(dataset.name);
    for (int n = 2; !names.insert(dataset.name).second; ++n) dataset.name = fmt::format("{}-{}", name, n);
    *told_name = dataset.name;
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

std::string size_text(const Dataset& dataset) {
  if (dataset.type == "surface") return fmt::format("{} triangles", dataset.triangles);
  return three(size_of_box(dataset), " x ") + " voxels";
}

// What the start page tells of a dataset.
std::vector<std::pair<std::string, std::string>> facts_of(const Dataset& dataset) {
  const auto size = size_of_box(dataset);
  std::array<double, 3> extent_nm{};
  for (std::size_t a = 0; a < 3; ++a) extent_nm[a] = size[a] * dataset.resolution_nm[a];
  std::vector<std::pair<std::string, std::string>> facts{{"Extent", lengths_text(extent_nm)}};
  if (dataset.type == "surface") {
    facts.emplace_back("Triangles", fmt::format("{}", dataset.triangles));
    return facts;
  }
  const auto bytes = static_cast<std::uint64_t>(dataset.box_vox.volume() * dataset.channels) *
                     static_cast<std::uint64_t>(size_of(dataset.data_type));
  const std::string channels = dataset.is_rgb         ? ", colours"
                               : dataset.channels > 1 ? fmt::format(", {} channels", dataset.channels)
                                                      : "";
  facts.emplace_back("Voxels", three(size, " x "));
  facts.emplace_back("Voxel size", lengths_text(dataset.resolution_nm));
  facts.emplace_back("Values", fmt::format("{}{}, {}", name_of(dataset.data_type), channels, bytes_text(bytes)));
  facts.emplace_back("Scales", fmt::format("{}", dataset.scales));
  return facts;
}

// The client's first page. Without a state in the URL it would start empty: it is told to show all that is served.
std::string client_page(const std::string& html) {
  constexpr std::string_view kScript =
      "<script>if (location.hash.length < 3) location.hash = '#!' + location.origin + '/state.json';</script>";
  const auto head = html.find("<head>");
  return head == std::string::npos ? html : html.substr(0, head + 6) + std::string(kScript) + html.substr(head + 6);
}

// A dataset and its contrast, which is found once: at the start, or when a viewer asks for its state if it takes long.
class Exhibit {
 public:
  /// `segments`: those that its layer selects, as in ViewerLayer.
  Exhibit(Dataset dataset, std::vector<std::string> segments)
      : dataset_(std::move(dataset)), segments_(std::move(segments)) {}

  const Dataset& dataset() const { return dataset_; }
  bool is_settled() const { return is_settled_; }
  bool fits_link() const { return !segments_.empty() || dataset_.segment_colors.size() <= kMostColorsInLink; }
  std::string url(const std::string& site_url) const {
    return site_url + "/data/" + percent_encoded(dataset_.name) + "/";
  }

  /// Finds the contrast. Errors: those of Dataset::contrast; only the first call may have one.
  Result<void> settle() {
    const std::lock_guard lock(mutex_);
    if (is_settled_) return {};
    ViewerLayer layer{&dataset_, "", {}, {}};
    Result<void> result = find_contrast(layer);
    contrast_ = layer.contrast;
    is_settled_ = true;
    return result;
  }

  /// A picture for the start page. Waits for the data. Errors: those of make_thumbnail.
  Result<Bytes> picture(const RunOptions& run) const {
    return make_thumbnail(dataset_, is_settled_ ? contrast_ : std::nullopt, run);
  }

  ViewerLayer layer(const std::string& site_url) const {
    return {&dataset_, url(site_url), segments_, is_settled_ ? contrast_ : std::nullopt};
  }

 private:
  const Dataset dataset_;
  const std::vector<std::string> segments_;
  std::mutex mutex_;
  std::atomic<bool> is_settled_ = false;  // contrast_ does not change any more
  std::optional<std::array<double, 2>> contrast_;
};

using Exhibits = std::vector<std::shared_ptr<Exhibit>>;

// What is served: datasets, the client, the start page. Whatever holds URLs is made for the name by which the client
// calls the server.
class Exhibition {
 public:
  /// `segments` are selected in each segmentation; empty: all are shown. `run.on_notice` is told what cannot be shown
  /// well, from any thread.
  Exhibition(std::vector<Dataset> datasets, const std::vector<std::string>& segments, RunOptions run)
      : exhibits_(exhibits_of(std::move(datasets), segments)), run_(std::move(run)) {
    for (const auto& exhibit : exhibits_)
      if (!exhibit->dataset().contrast_is_slow) settle({exhibit});
  }

  static Result<Site> site(const std::shared_ptr<Exhibition>& self) {
    Site site;
    const auto assets = make_asset_store();
    for (const auto& exhibit : self->exhibits_)
      site.mounts.push_back({"/data/" + exhibit->dataset().name + "/", exhibit->dataset().store, "", kLiveMeshFolder});
    site.mounts.push_back({kClientPath, assets, "index.html"});
    if (viewer_assets().empty()) {
      constexpr const char* kText =
          "This program was built without the viewer (-DNGFORGE_VIEWER=OFF). Any Neuroglancer of version 2.41 or "
          "later\n"
          "shows the datasets: give it the state at /state.json.\n";
      for (const char* path : {"/viewer/", "/viewer", kClientPath})
        site.pages.push_back({path, "text/plain; charset=utf-8", [](const std::string&) { return kText; }, 404});
    } else {
      NGFORGE_TRY(const Bytes html, get_decoded(*assets, "index.html"));
      const std::string page = client_page({reinterpret_cast<const char*>(html.data()), html.size()});
      site.pages.push_back({kClientPath, "text/html; charset=utf-8", [page](const std::string&) { return page; }});
      site.redirects = {{"/viewer/", kClientPath}, {"/viewer", kClientPath}};
    }
    site.redirects.emplace_back("/licenses/neuroglancer", std::string(kClientPath) + "LICENSE.txt");
    const auto add_state = [&](const std::string& path, const Exhibits& shown) {
      site.pages.push_back({path, "application/json", [self, shown](const std::string& url) {
                              self->settle(shown);
                              return viewer_state(layers(shown, url));
                            }});
      site.pages.back().may_wait = true;
    };
    add_state("/state.json", self->exhibits_);
    for (const auto& exhibit : self->exhibits_) add_state("/state/" + exhibit->dataset().name + ".json", {exhibit});
    site.pages.push_back({"/", "text/html; charset=utf-8", [self](const std::string& url) { return self->page(url); }});
    NGFORGE_CHECK(add_pictures(self, site));
    return site;
  }

  /// The link to all that is served.
  std::string link(const std::string& url) const { return link(exhibits_, url, url, "/state.json"); }

  std::string json(const std::string& url) const {
    Json json{{"url", url + "/"}, {"viewer", link(url)}, {"datasets", Json::array()}};
    for (const ViewerLayer& layer : layers(exhibits_, url)) {
      const Dataset& dataset = *layer.dataset;
      const auto size = dataset.box_vox.size();
      json["datasets"].push_back({{"name", dataset.name},
                                  {"type", dataset.type},
                                  {"url", layer.url},
                                  {"source", layer_source(layer.url)},
                                  {"transform", Json::parse(layer_transform(dataset))},
                                  {"layer", Json::parse(layer_json(layer))},
                                  {"size_xyz", {size.x, size.y, size.z}},
                                  {"resolution_nm", dataset.resolution_nm}});
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  void print(const std::string& url) const {
    for (const auto& exhibit : exhibits_)
      fmt::print("{}: {}, {}, {}\n", exhibit->dataset().name, exhibit->dataset().type, size_text(exhibit->dataset()),
                 exhibit->url(url));
    fmt::print("{}\n", link(url));
  }

 private:
  // Each in a folder of its own, so that none waits for the data of another.
  static Result<void> add_pictures(const std::shared_ptr<Exhibition>& self, Site& site) {
    NGFORGE_TRY(const Bytes blank, blank_thumbnail());
    for (const auto& exhibit : self->exhibits_) {
      LazyValue::Maker maker;
      maker.make = [self, exhibit] {
        self->settle({exhibit});
        return exhibit->picture(self->run_);
      };
      maker.substitute = blank;
      maker.on_failure = [self, exhibit](const Error& error) {
        self->tell(fmt::format("no picture of {} can be made: {}", exhibit->dataset().name, error.message));
      };
      site.mounts.push_back({"/thumbnail/" + exhibit->dataset().name + "/",
                             std::make_shared<LazyValue>(kPictureName, std::move(maker)), kPictureName});
    }
    return {};
  }

  void tell(const std::string& notice) const {
    if (run_.on_notice) run_.on_notice(notice);
  }

  static Exhibits exhibits_of(std::vector<Dataset> datasets, const std::vector<std::string>& segments) {
    Exhibits exhibits;
    for (Dataset& dataset : datasets) {
      const bool has_segments = dataset.type == "segmentation";
      exhibits.push_back(
          std::make_shared<Exhibit>(std::move(dataset), has_segments ? segments : std::vector<std::string>{}));
    }
    return exhibits;
  }

  static std::vector<ViewerLayer> layers(const Exhibits& shown, const std::string& url) {
    std::vector<ViewerLayer> layers;
    for (const auto& exhibit : shown) layers.push_back(exhibit->layer(url));
    return layers;
  }

  // The viewer is led to the data even so: it shows what can be read, and says what cannot.
  void settle(const Exhibits& shown) const {
    for (const auto& exhibit : shown) {
      const auto result = exhibit->settle();
      if (!result) tell("no contrast is known: " + result.error().message);
    }
  }

  // Holds the whole state, or, while a contrast is not known or when there are many colours, only where it is found.
  static std::string link(const Exhibits& shown, const std::string& client_url, const std::string& url,
                          const std::string& state_path) {
    const bool is_known =
        std::ranges::all_of(shown, [](const auto& exhibit) { return exhibit->is_settled() && exhibit->fits_link(); });
    const std::string client = viewer_assets().empty() ? kPublicViewer : client_url + kClientPath;
    return is_known ? viewer_link(client, viewer_state(layers(shown, url))) : client + "#!" + url + state_path;
  }

  std::string page(const std::string& url) const {
    std::vector<StartPageRow> rows;
    for (const auto& exhibit : exhibits_) {
      const Dataset& dataset = exhibit->dataset();
      const std::string path = percent_encoded(dataset.name);
      StartPageRow row;
      row.name = dataset.name;
      row.kind = dataset.type + ", " + dataset.format;
      row.facts = facts_of(dataset);
      row.data_url = exhibit->url(url);
      row.viewer_url = link({exhibit}, "", url, "/state/" + path + ".json");
      row.picture_url = "thumbnail/" + path + "/" + kPictureName;
      row.picture_text = dataset.type == "surface" ? dataset.name + " from above, from behind and from the right"
                                                   : "Middle slices of " + dataset.name;
      rows.push_back(std::move(row));
    }
    return start_page(rows, link(exhibits_, "", url, "/state.json"));
  }

  const Exhibits exhibits_;
  const RunOptions run_;
};

// The browser is a process of its own: it gets neither our signal mask nor our Ctrl-C, and does not write into results.
void open_browser(const std::string& url) {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t files;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_init(&files);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  ::posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  std::string program = "xdg-open", argument = url;
  char* const arguments[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  if (::posix_spawnp(&child, program.c_str(), &files, &attributes, arguments, environ) != 0)
    fmt::print(stderr, "ngforge: note: no browser could be started; open the link yourself\n");
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
}

// How other machines may reach a server that listens on all addresses; "" when it does not.
std::string notice_for_others(const std::string& bind, const std::string& url) {
  char name[256] = "";
  if ((bind != "0.0.0.0" && bind != "::") || ::gethostname(name, sizeof name - 1) != 0) return "";
  return fmt::format("other machines may find it at http://{}{}/", name, url.substr(url.rfind(':')));
}

// Passes on why data could not be read: once each, however often the viewer asks for them, and not without end.
class ProblemList {
 public:
  explicit ProblemList(std::function<void(const std::string&)> on_notice) : on_notice_(std::move(on_notice)) {}
  void operator()(const std::string& message) const {
    constexpr std::size_t kMost = 100;
    {
      const std::lock_guard lock(told_->mutex);
      if (told_->messages.size() >= kMost || !told_->messages.insert(message).second) return;
    }
    on_notice_(message);
  }

 private:
  struct Told {
    std::mutex mutex;
    std::set<std::string> messages;
  };
  std::function<void(const std::string&)> on_notice_;
  std::shared_ptr<Told> told_ = std::make_shared<Told>();
};

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
  NGFORGE_TRY(RunOptions run_options, options.run.resolve(context));
  ServerOptions server_options;
  server_options.bind = options.bind;
  server_options.port = kDefaultPort;
  if (!options.port.empty()) {
    NGFORGE_TRY(const Index port, parse_integer(options.port, "--port", 0, 65535));
    server_options.port = static_cast<int>(port);
  }
  NGFORGE_TRY(const std::vector<std::string> segments, options.segments.resolve());
  NGFORGE_TRY(auto datasets, open_all(options, run_options, context));
  NGFORGE_CHECK(options.segments.check_for(datasets));
  run_options.memory_shares = static_cast<int>(datasets.size());
  HttpServer::raise_descriptor_limit();
  NGFORGE_TRY(const auto server, HttpServer::listen(server_options));
  if (run_options.on_notice) run_options.on_notice = ProblemList(run_options.on_notice);
  const auto exhibition = std::make_shared<Exhibition>(std::move(datasets), segments, run_options);
  NGFORGE_TRY(Site site, Exhibition::site(exhibition));
  site.on_problem = run_options.on_notice;
  server->serve(std::move(site));
  const std::string url = server->url();
  if (options.json)
    fmt::print("{}\n", exhibition->json(url));
  else
    exhibition->print(url);
  if (std::fflush(stdout) != 0) return make_error(ErrorCode::io, "standard output: cannot be written");
  const std::string notice = notice_for_others(options.bind, url);
  if (!notice.empty() && run_options.on_notice) run_options.on_notice(notice);
  if (options.opens) open_browser(viewer_assets().empty() ? exhibition->link(url) : url + kClientPath);
  wait_for(context.stop);
  // A request may wait for a pipe that stays silent, and nothing wakes it. Nothing of ours is on the disk.
  std::_Exit(0);
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  app.add_option("SOURCE", options->places, "Files or datasets, each becomes a layer")->type_name("");
  app.add_option("--port", options->port, "Port; the next free one when it is taken [9123]")->type_name("N");
  app.add_option("--bind", options->bind, "Address to listen on; 0.0.0.0 lets other machines in [127.0.0.1]")
      ->type_name("ADDRESS");
  options->segments.add_to(app);
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
