// SPDX-License-Identifier: Apache-2.0
#include "server/start_page.h"

#include <fmt/format.h>

namespace ngforge {
namespace {

constexpr const char* kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>ngforge</title><link rel="icon" href="data:,"><style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
ul { list-style: none; padding: 0; }
li { border: 1px solid #8888; border-radius: .5rem; padding: .75rem 1rem; margin: .75rem 0; }
h2 { margin: 0; font-size: 1.1rem; overflow-wrap: anywhere; }
p { margin: .25rem 0; }
a.open { display: inline-block; padding: .3rem .8rem; border-radius: .4rem; background: #1659c7; color: #fff; text-decoration: none; }
a:focus-visible { outline: 3px solid #e8a100; outline-offset: 2px; }
</style></head><body><main><h1>ngforge</h1>
)";

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace

std::string start_page(std::span<const StartPageRow> rows, const std::string& all_url) {
  std::string html = kHead;
  if (rows.size() > 1)
    html += fmt::format("<p><a class=\"open\" href=\"{}\">Open all in the viewer</a></p>\n", escaped(all_url));
  html += "<ul>\n";
  for (const StartPageRow& row : rows)
    html += fmt::format(
        "<li><h2>{}</h2><p>{}, {}, {}</p><p><a class=\"open\" href=\"{}\">Open in the viewer</a> &nbsp; <a "
        "href=\"{}\">data</a></p></li>\n",
        escaped(row.name), escaped(row.type), escaped(row.size), escaped(row.resolution), escaped(row.viewer_url),
        escaped(row.data_url));
  return html + "</ul><p><a href=\"/licenses/neuroglancer\">Licence of the viewer</a></p></main></body></html>\n";
}

}  // namespace ngforge
