// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ngforge/error.h"
#include "ngforge/webserver.h"
#include "publish/web_folder.h"

namespace ngforge {

/// A row of web_servers.def.
struct WebServerDescriptor {
  const char* name;       // "nginx"
  const char* form;       // other than the whole configuration; "": there is none
  const char* form_help;  // what that is
  bool listens;           // at an address and a port
  /// `options.form` is "" or `form`; address and port are given if the server listens; root and address hold nothing
  /// that a configuration cannot.
  std::string (*configure)(const WebFolder& folder, const WebServerOptions& options);
};
std::span<const WebServerDescriptor* const> all_web_server_descriptors();

/// `text` with each @NAME@ replaced by its value. A value of several lines is indented as the line that names it.
std::string filled(std::string_view text, std::initializer_list<std::pair<std::string_view, std::string_view>> values);

/// A line of comment for each dataset: its URL and what it is.
std::string dataset_lines(const WebFolder& folder, const WebServerOptions& options);
/// "127.0.0.1:8080", "[::1]:8080".
std::string address_text(const WebServerOptions& options);

}  // namespace ngforge
