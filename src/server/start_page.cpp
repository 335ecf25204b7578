// SPDX-License-Identifier: Apache-2.0
#include "server/start_page.h"

#include <string_view>

#include <fmt/format.h>

namespace ngforge {
namespace {

// Dots stand where a picture will be, which covers them. Whatever a name may smuggle in, nothing runs and nothing is
// fetched from elsewhere. Colours have a contrast of at least 4.5 to what they stand on, frames of what is focused 3.
constexpr const char* kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>ngforge</title>
<link rel="icon" href="data:,">
<style>
:root {
  --ground: #f6f6f4; --card: #fff; --text: #1c1e21; --quiet: #565c64; --line: #dddfe2;
  --link: #1557b0; --button: #1557b0; --button-text: #fff; --focus: #b84a00;
  font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131518; --card: #1c1f24; --text: #e6e8eb; --quiet: #a4abb4; --line: #343940;
    --link: #8ab4f8; --button: #8ab4f8; --button-text: #0e1420; --focus: #ffb454;
  }
}
* { box-sizing: border-box; }
body { max-width: 70rem; margin: 0 auto; padding: 2rem 1rem; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin-bottom: 1.5rem; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.2; }
header p { flex: 1; margin: 0; color: var(--quiet); white-space: nowrap; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem; }
li { position: relative; display: grid; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.picture { position: relative; aspect-ratio: 8 / 3; background: #000; border-radius: .7rem .7rem 0 0; }
.picture img { position: absolute; top: .75rem; left: .75rem; width: calc(100% - 1.5rem); height: calc(100% - 1.5rem); object-fit: contain; color: #bbb; font-size: .875rem; }
.picture::before { content: "\2026" / ""; position: absolute; inset: 0; width: 2em; height: 1em; margin: auto; color: #999; font-size: 1.5rem; line-height: .5; text-align: center; }
.about { min-width: 0; padding: 1rem 1.25rem; }
h2 { margin: 0; font-size: 1.125rem; line-height: 1.3; overflow-wrap: anywhere; }
.kind { margin: .125rem 0 .75rem; color: var(--quiet); overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: 5.5rem minmax(0, 1fr); margin: 0 0 1rem; font-size: .9375rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.links { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.25rem; margin: 0; }
a { color: var(--link); text-underline-offset: .15em; }
.open { padding: .375rem .875rem; border-radius: .5rem; background: var(--button); color: var(--button-text); font-weight: 600; text-decoration: none; }
.open:hover, .picture:hover + .about .open { text-decoration: underline; }
li .open::after { content: ""; position: absolute; inset: 0 0 auto 0; aspect-ratio: 8 / 3; }
a:focus-visible { outline: 3px solid var(--focus); outline-offset: 3px; border-radius: .5rem; }
li:has(.open:focus-visible) { border-color: var(--focus); }
footer { margin-top: 1.5rem; font-size: .875rem; color: var(--quiet); }
@media (min-width: 48rem) {
  li { grid-template-columns: 26rem minmax(0, 1fr); }
  .picture { aspect-ratio: auto; min-height: 10.5rem; border-radius: .7rem 0 0 .7rem; }
  li .open::after { inset: 0 auto 0 0; width: 26rem; aspect-ratio: auto; }
}
</style>
</head>
<body>
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

std::string quantity(std::string_view text) {
  std::string out = escaped(text);
  replace_all(out, " x ", " × ");
  replace_all(out, " um", " µm");
  return out;
}

std::string list_item(const StartPageRow& row) {
  std::string facts;
  for (const auto& [name, value] : row.facts)
    facts += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), quantity(value));
  // Names may run from right to left: they turn nothing around but themselves. Of links with the same words, each says
  // what it opens.
  const std::string name = escaped(row.name);
  return fmt::format(R"(<li>
<div class="picture"><img src="{}" alt="{}" loading="lazy" decoding="async"></div>
<div class="about">
<h2><bdi>{}</bdi></h2>
<p class="kind">{}</p>
<dl>
{}</dl>
<p class="links"><a class="open" href="{}" aria-label="Open in the viewer: {}">Open in the viewer</a> <a href="{}" aria-label="Data: {}">Data</a></p>
</div>
</li>
)",
                     escaped(row.picture_url), escaped(row.picture_text), name, escaped(row.kind), facts,
                     escaped(row.viewer_url), name, escaped(row.data_url), name);
}

}  // namespace

std::string start_page(std::span<const StartPageRow> rows, const std::string& all_url) {
  std::string html = kHead;
  html += fmt::format("<header>\n<h1>ngforge</h1>\n<p>{} dataset{}</p>\n", rows.size(), rows.size() == 1 ? "" : "s");
  if (rows.size() > 1)
    html += fmt::format("<a class=\"open\" href=\"{}\">Open all in the viewer</a>\n", escaped(all_url));
  html += "</header>\n<main>\n";
  if (rows.empty())
    html += "<p>Nothing is served: none of the places that were named could be read.</p>\n";
  else
    html += "<ul>\n";
  for (const StartPageRow& row : rows) html += list_item(row);
  if (!rows.empty()) html += "</ul>\n";
  return html +
         "</main>\n<footer><a href=\"/licenses/neuroglancer\">Licence of the viewer</a></footer>\n</body>\n</html>\n";
}

}  // namespace ngforge
