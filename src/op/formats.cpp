// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <vector>

#include "codec/codec.h"
#include "core/json.h"
#include "ngforge/op.h"
#include "ngforge/properties.h"
#include "op/mesh_folder.h"
#include "sink/volume_file.h"
#include "source/source.h"
#include "store/store.h"
#include "surface/surface.h"

namespace ngforge {
namespace {

struct Row {
  std::string name, alias, title;
};
struct Table {
  std::string title;
  std::vector<Row> rows;
};

// Some tables of the rooms begin a title with the name, which stands beside it here.
std::string without_name(std::string_view title, std::string_view name) {
  if (title.starts_with(name) && title.substr(name.size()).starts_with(": ")) title.remove_prefix(name.size() + 2);
  return std::string(title);
}

std::vector<Table> tables() {
  Table sources{"sources", {}}, encodings{"encodings", {}}, stores{"stores", {}};
  for (const SourceDescriptor* source : all_sources()) sources.rows.push_back({source->name, "", source->title});
  for (const CodecDescriptor* codec : all_codecs())
    encodings.rows.push_back({codec->name, codec->alias, without_name(codec->title, codec->name)});
  for (const StoreDescriptor* store : all_stores())
    stores.rows.push_back({store->scheme, "", without_name(store->title, store->scheme)});
  const Table layouts{"layouts",
                      {{"sharded", "", "few files, each read by ranges (neuroglancer_uint64_sharded_v1)"},
                       {"flat", "", "a file per chunk"},
                       {"deep", "", "a file per chunk in nested folders, as neuroglancer-scripts"}}};
  Table destinations{"destinations",
                     {{"folder", "", "Neuroglancer precomputed volume"}, {"folder.zarr", "", "OME-Zarr 0.5 image"}}};
  for (const VolumeFileDescriptor* file : all_volume_files())
    destinations.rows.push_back({file->suffixes, "", file->title});
  const Table meshes{
      "meshes",
      {{std::string(name_of(MeshFormat::multires)), "", "levels of detail in Draco (neuroglancer_multilod_draco)"},
       {std::string(name_of(MeshFormat::legacy)), "", "a plain mesh for each label (neuroglancer_legacy_mesh)"}}};
  Table surfaces{"surfaces", {}};
  for (const SurfaceDescriptor* surface : all_surface_formats()) {
    surfaces.rows.push_back({surface->name, "", surface->title});
    if (surface->write != nullptr) destinations.rows.push_back({surface->suffixes, "", "surface file"});
  }
  Table labels{"tables of labels", {}};
  for (const TableFormat& format : all_table_formats()) labels.rows.push_back({format.name, "", format.title});
  return {sources, surfaces, encodings, meshes, layouts, destinations, stores, labels};
}

}  // namespace

std::vector<EncodingName> all_encodings() {
  std::vector<EncodingName> names;
  for (const CodecDescriptor* codec : all_codecs()) names.push_back({codec->name, codec->alias});
  return names;
}

std::string list_formats(bool as_json) {
  if (as_json) {
    Json json = Json::object();
    for (const Table& table : tables()) {
      Json& rows = json[table.title] = Json::array();
      for (const Row& row : table.rows) {
        Json item{{"name", row.name}};
        if (!row.alias.empty()) item["alias"] = row.alias;
        item["title"] = row.title;
        rows.push_back(std::move(item));
      }
    }
    return dump_json(json);
  }
  std::string text;
  for (const Table& table : tables()) {
    text += table.title + '\n';
    for (const Row& row : table.rows)
      text += fmt::format("  {:30} {}\n", row.alias.empty() ? row.name : fmt::format("{} ({})", row.name, row.alias),
                          row.title);
  }
  return text;
}

}  // namespace ngforge
