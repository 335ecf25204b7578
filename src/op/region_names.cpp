// SPDX-License-Identifier: Apache-2.0
#include "op/region_names.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "layout/segment_properties.h"
#include "op/local_dataset.h"
#include "op/stored_properties.h"
#include "op/table_properties.h"
#include "sink/folder_writer.h"
#include "sink/partial_folder.h"
#include "table/table_lines.h"

namespace ngforge {
namespace {

using Kind = SegmentProperty::Kind;

std::string text_of(const std::array<std::uint8_t, 3>& rgb) {
  return color_text({rgb[0], rgb[1], rgb[2]});
}

// The property of texts that regions go into: made, of empty texts, when there is none.
SegmentProperty& find_or_add(SegmentProperties& properties, const SegmentProperty* found, SegmentProperty made) {
  if (found != nullptr) return properties.properties[static_cast<std::size_t>(found - properties.properties.data())];
  for (std::size_t i = 0; i < properties.ids.size(); ++i) made.texts.push_back("");
  return properties.properties.emplace_back(std::move(made));
}

// Puts names and colours where the label has no name. Returns how many there were.
std::uint64_t fill_in(SegmentProperties& properties, std::span<const SurfaceJob> jobs) {
  SegmentProperty label_property, color_property;
  label_property.kind = Kind::label;
  label_property.id = "label";
  color_property.id = kColorPropertyId;
  color_property.description = "#rrggbb";
  SegmentProperty& labels = find_or_add(properties, properties.find(Kind::label), std::move(label_property));
  const TextList names = std::exchange(labels.texts, {});
  std::vector<const SurfaceJob*> named(properties.ids.size());
  for (const SurfaceJob& job : jobs) {
    const auto place = std::ranges::lower_bound(properties.ids, job.label);
    if (job.name.empty() || place == properties.ids.end() || *place != job.label) continue;
    const auto row = static_cast<std::size_t>(place - properties.ids.begin());
    if (names[row].empty()) named[row] = &job;
  }
  for (std::size_t row = 0; row < named.size(); ++row)
    labels.texts.push_back(named[row] != nullptr ? std::string_view(named[row]->name) : names[row]);
  // Adding it may have moved the labels.
  SegmentProperty& colors = find_or_add(properties, properties.find(kColorPropertyId), std::move(color_property));
  if (colors.kind == Kind::string) {
    const TextList before = std::exchange(colors.texts, {});
    for (std::size_t row = 0; row < named.size(); ++row)
      colors.texts.push_back(named[row] != nullptr ? text_of(named[row]->rgb) : std::string(before[row]));
  }
  return named.size() - static_cast<std::uint64_t>(std::ranges::count(named, nullptr));
}

}  // namespace

Table table_of_regions(const RegionLabels& regions) {
  Table table{.format = "names of regions", .has_names = true, .is_palette = false, .columns = {}, .lines = {}};
  table.columns = {{"id", {}}, {"label", {}}, {"color", {}}};
  for (const RegionName& region : regions.names) {
    if (region.number < 0) continue;
    table.columns[0].cells.push_back(fmt::format("{}", region.number));
    table.columns[1].cells.push_back(region.name);
    table.columns[2].cells.push_back(text_of(region.rgb));
  }
  return table;
}

Result<NamedRegions> add_region_names(const PrecomputedVolume& volume, const std::string& folder,
                                      std::span<const SurfaceJob> jobs, std::uint64_t memory_bytes) {
  const std::string name = properties_folder(volume.info()).value_or(kPropertiesFolder);
  std::vector<std::string> faults;
  auto read = read_stored_properties(*volume.store(), name, properties_limit(memory_bytes), faults);
  if (!read && read.error().code == ErrorCode::not_found) read = SegmentProperties();
  const auto kept = [&](const std::string& why) {
    return NamedRegions{0, fmt::format("names of regions were not added to {}: {}", name, why)};
  };
  if (!read) return kept(read.error().message);
  if (!faults.empty()) return kept(faults.front());
  std::vector<std::uint64_t> ids, named;
  for (const SurfaceJob& job : jobs)
    if (!job.name.empty()) named.push_back(job.label);
  std::ranges::sort(named);
  std::ranges::set_union(read->ids, named, std::back_inserter(ids));
  auto properties = with_ids(*read, ids, std::nullopt);
  if (!properties) return kept(properties.error().message);
  const std::uint64_t count = fill_in(*properties, jobs);
  if (count == 0) return NamedRegions();
  NGFORGE_TRY(PartialFolder partial, PartialFolder::open(folder + "/" + name, {}, {false, true, false}));
  const std::string text = write_segment_properties(*properties);
  FolderWriter writer;
  auto written = writer.open(partial.path());
  if (written) written = writer.write_synced("info", std::as_bytes(std::span(text)));
  if (written) written = partial.commit();
  if (!written) {
    partial.discard();
    return std::move(written).error();
  }
  if (properties_folder(volume.info()) != name) NGFORGE_CHECK(link_folder(volume, folder, kPropertiesLink, name));
  return NamedRegions{count, {}};
}

}  // namespace ngforge
