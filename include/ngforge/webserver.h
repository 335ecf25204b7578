// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ngforge/error.h"

namespace ngforge {

/// A form of a configuration other than the whole that is run as it is.
struct WebServerForm {
  std::string name, help;  // "compose"
};
/// A web server that a configuration can be written for.
struct WebServerName {
  std::string name;  // "nginx"
  std::vector<WebServerForm> forms;
};
/// Those of this build.
std::vector<WebServerName> all_web_servers();

struct WebServerOptions {
  std::string form;  // "": whole, to be run as it is; or the name of one of its forms
  std::string bind;  // address or name to listen at; "": 127.0.0.1
  int port = 0;      // 0: 8080
};

/// A dataset that is served.
struct WebDataset {
  std::string name;         // of its folder in the one that is served; "": that itself
  std::string description;  // "segmentation, deep, .gz; legacy meshes"
  bool is_precomputed = false;
  /// Whether it is certain that every file has the name that the viewer asks for, and is not packed.
  bool has_asked_names = false;
  /// Folder of single-resolution meshes, in the dataset, whose manifests are called ID or ID.json; "": there are none.
  std::string manifests_without_colon;
};
struct WebServerReport {
  std::string text;  // the configuration
  std::string root;  // absolute path of the folder
  std::vector<WebDataset> datasets;
  std::vector<std::string> notices;  // what would keep the server from showing a dataset
};

/// `webserver`: what makes a web server answer for a folder on this machine, which is a dataset or holds some, as the
/// viewer needs it. Nothing is written. Errors: invalid_argument (unknown server or form, an option that means nothing
/// to it, a path or address that a configuration cannot hold), not_found (no dataset), unsupported (not on this
/// machine), permission, io.
Result<WebServerReport> web_server_configuration(std::string_view server, const std::string& place,
                                                 const WebServerOptions& options);

}  // namespace ngforge
