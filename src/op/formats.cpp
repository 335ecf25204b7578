// SPDX-License-Identifier: Apache-2.0
#include <utility>
#include <vector>

#include "codec/codec.h"
#include "core/json.h"
#include "ngforge/op.h"
#include "source/source.h"

namespace ngforge {

std::string list_formats(bool as_json) {
  std::vector<std::pair<const char*, std::vector<std::pair<std::string, std::string>>>> tables{
      {"sources", {}}, {"encodings", {}}, {"layouts", {}}, {"destinations", {}}};
  for (const SourceDescriptor* source : all_sources()) tables[0].second.emplace_back(source->name, source->title);
  for (const CodecDescriptor* codec : all_codecs()) tables[1].second.emplace_back(codec->name, codec->title);
  tables[2].second = {{"sharded", "few files, each read by ranges (neuroglancer_uint64_sharded_v1)"},
                      {"flat", "a file per chunk"},
                      {"deep", "a file per chunk in nested folders, as neuroglancer-scripts"}};
  tables[3].second = {{"folder", "neuroglancer precomputed volume"}, {".nii, .nii.gz", "NIfTI-1 or NIfTI-2"}};
  if (as_json) {
    Json json = Json::object();
    for (const auto& [title, rows] : tables)
      for (const auto& [name, text] : rows) json[title].push_back({{"name", name}, {"title", text}});
    return dump_json(json);
  }
  std::string text;
  for (const auto& [title, rows] : tables) {
    text += fmt::format("{}\n", title);
    for (const auto& [name, what] : rows) text += fmt::format("  {:24} {}\n", name, what);
  }
  return text;
}

}  // namespace ngforge
