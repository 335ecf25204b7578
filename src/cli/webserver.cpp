// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/options.h"
#include "ngforge/webserver.h"

namespace ngforge::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string server, place, port;
  bool json = false;
  WebServerOptions web;
  RunGroup run;
};

void print_json(const std::string& server, const WebServerReport& report) {
  Json json{{"server", server}, {"root", report.root}, {"datasets", Json::array()}};
  for (const WebDataset& dataset : report.datasets)
    json["datasets"].push_back({{"name", dataset.name}, {"description", dataset.description}});
  json["notices"] = report.notices;
  json["configuration"] = report.text;
  // Names of files are bytes, not always UTF-8.
  std::puts(json.dump(1, ' ', false, Json::error_handler_t::replace).c_str());
}

CommandRun add(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<Options>();
  std::string names;
  for (const WebServerName& server : all_web_servers()) names += (names.empty() ? "" : "|") + server.name;
  app.add_option("SERVER", options->server, "The web server; s3: a bucket")->required()->type_name(names);
  add_place(app, "DIR", options->place, "A dataset, or a folder of datasets");
  app.add_option("--port", options->port, "Port to listen at [8080]")->type_name("N");
  app.add_option("--bind", options->web.bind, "Address to listen at; 0.0.0.0 for other machines [127.0.0.1]")
      ->type_name("ADDRESS");
  for (const WebServerName& server : all_web_servers())
    for (const WebServerForm& form : server.forms)
      app.add_flag_callback(
          "--" + form.name, [options, name = form.name] { options->web.form = name; },
          fmt::format("{}: {}", server.name, form.help));
  app.add_flag("--json", options->json, "Print one JSON object");
  options->run.add_told_to(app);
  return [options, &context]() -> Result<int> {
    NGFORGE_TRY(const RunOptions run, options->run.resolve(context));
    if (!options->port.empty()) {
      NGFORGE_TRY(const Index port, parse_integer(options->port, "--port", 1, 65535));
      options->web.port = static_cast<int>(port);
    }
    NGFORGE_TRY(const auto report, web_server_configuration(options->server, options->place, options->web));
    if (run.on_notice)
      for (const std::string& notice : report.notices) run.on_notice(notice);
    if (options->json)
      print_json(options->server, report);
    else
      std::fputs(report.text.c_str(), stdout);
    return 0;
  };
}

}  // namespace

extern const CommandDescriptor webserver_command;
const CommandDescriptor webserver_command{
    .name = "webserver",
    .summary = "Print a configuration with which a real web server shows datasets",
    .example = "ngforge webserver nginx brain/ > nginx.conf",
    .add = add};

}  // namespace ngforge::cli
