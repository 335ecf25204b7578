// SPDX-License-Identifier: Apache-2.0
#include "publish/web_server.h"

#include <algorithm>

#include "ngforge/text.h"

namespace ngforge {

#define WEB_SERVER(name, target) extern const WebServerDescriptor name##_web_server;
#include "publish/web_servers.def"
#undef WEB_SERVER

std::span<const WebServerDescriptor* const> all_web_server_descriptors() {
  static constexpr const WebServerDescriptor* kServers[] = {
#define WEB_SERVER(name, target) &name##_web_server,
#include "publish/web_servers.def"
#undef WEB_SERVER
  };
  return kServers;
}

namespace {

// What has a meaning of its own in the configuration of some server, with no escape in another.
constexpr std::string_view kSpecial = "\"'\\$`{}*?[]<>";

Result<const WebServerDescriptor*> find_server(std::string_view name) {
  std::string names;
  for (const WebServerDescriptor* const server : all_web_server_descriptors()) {
    if (name == server->name) return server;
    names += fmt::format("{}{}", names.empty() ? "" : "|", server->name);
  }
  return make_error(ErrorCode::invalid_argument, "webserver: expected {}, found \"{}\"", names, name);
}

Result<void> check_options(const WebServerDescriptor& server, const WebServerOptions& options) {
  if (!options.form.empty() && options.form != server.form)
    return make_error(ErrorCode::invalid_argument, "--{}: expected another server, found {}", options.form,
                      server.name);
  if (!server.listens && (!options.bind.empty() || options.port != 0))
    return make_error(ErrorCode::invalid_argument, "{}: expected a server that listens, found {}",
                      options.bind.empty() ? "--port" : "--bind", server.name);
  const bool is_address = std::ranges::all_of(options.bind, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == ':' ||
           c == '-';
  });
  if (!is_address)
    return make_error(ErrorCode::invalid_argument, "--bind: expected an address such as 0.0.0.0, found \"{}\"",
                      options.bind);
  if (options.port < 0 || options.port > 65535)
    return make_error(ErrorCode::invalid_argument, "--port: expected 1 to 65535, found {}", options.port);
  return {};
}

Result<void> check_root(const std::string& place, const std::string& root) {
  const auto special = std::ranges::find_if(
      root, [](char c) { return static_cast<unsigned char>(c) < 0x20 || kSpecial.find(c) != std::string_view::npos; });
  if (special == root.end()) return {};
  return make_error(ErrorCode::invalid_argument, "{}: expected a path without {} and line ends, found '{}'", place,
                    kSpecial, static_cast<unsigned char>(*special) < 0x20 ? ' ' : *special)
      .with_hint("make a symbolic link to the folder, under a plain name");
}

}  // namespace

std::string filled(std::string_view text, std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  std::string out(text);
  for (const auto& [name, value] : values) {
    const std::string mark = fmt::format("@{}@", name);
    for (auto at = out.find(mark); at != std::string::npos; at = out.find(mark, at)) {
      const auto line = out.rfind('\n', at) + 1;  // 0 in the first
      const std::string before = out.substr(line, at - line);
      std::string lines;
      for (std::size_t i = 0; i < value.size(); ++i) {
        lines += value[i];
        if (value[i] == '\n' && i + 1 < value.size() && value[i + 1] != '\n') lines += before;
      }
      out.replace(at, mark.size(), lines);
      at += lines.size();
    }
  }
  return out;
}

std::string address_text(const WebServerOptions& options) {
  const bool is_ipv6 = options.bind.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_ipv6 ? "[" : "", options.bind, is_ipv6 ? "]" : "", options.port);
}

std::string dataset_lines(const WebFolder& folder, const WebServerOptions& options) {
  std::string lines;
  for (const WebDataset& dataset : folder.datasets)
    lines += fmt::format("{}http://{}/{}{}   {}", lines.empty() ? "" : "\n", address_text(options),
                         percent_encoded(dataset.name), dataset.name.empty() ? "" : "/", dataset.description);
  return lines;
}

std::vector<WebServerName> all_web_servers() {
  std::vector<WebServerName> servers;
  for (const WebServerDescriptor* const server : all_web_server_descriptors()) {
    servers.push_back({server->name, {}});
    if (*server->form != '\0') servers.back().forms.push_back({server->form, server->form_help});
  }
  return servers;
}

Result<WebServerReport> web_server_configuration(std::string_view name, const std::string& place,
                                                 const WebServerOptions& given) {
  NGFORGE_TRY(const WebServerDescriptor* const server, find_server(name));
  NGFORGE_CHECK(check_options(*server, given));
  WebServerOptions options = given;
  if (options.bind.empty()) options.bind = "127.0.0.1";
  if (options.port == 0) options.port = 8080;
  NGFORGE_TRY(WebFolder folder, look_at_web_folder(place));
  NGFORGE_CHECK(check_root(place, folder.root));
  WebServerReport report;
  report.text = server->configure(folder, options);
  report.root = std::move(folder.root);
  report.datasets = std::move(folder.datasets);
  report.notices = std::move(folder.notices);
  return report;
}

}  // namespace ngforge
