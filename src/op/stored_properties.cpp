// SPDX-License-Identifier: Apache-2.0
#include "op/stored_properties.h"

#include <algorithm>

namespace ngforge {

std::optional<std::string> properties_folder(const VolumeInfo& info) {
  // As the viewer resolves it: parts that are empty or "." are skipped.
  std::string folder;
  for (std::string_view rest = info.segment_properties; !rest.empty();) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    if (part == "..") return std::nullopt;
    if (!part.empty() && part != ".") folder += fmt::format("{}{}", folder.empty() ? "" : "/", part);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (folder.empty()) return std::nullopt;
  return folder;
}

Result<SegmentProperties> read_stored_properties(Store& store, const std::string& folder, std::uint64_t limit_bytes,
                                                 std::vector<std::string>& faults) {
  const std::string key = folder + "/info";
  auto bytes = get_decoded(store, key, limit_bytes);
  if (!bytes) return std::move(bytes).error().of_source();
  auto read = parse_segment_properties({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, key, faults);
  if (!read) return std::move(read).error().of_source();
  return read;
}

std::vector<std::pair<std::uint64_t, std::string>> stored_colors(Store& store, const VolumeInfo& info) {
  constexpr std::uint64_t kMaxBytes = 16 << 20;
  const auto folder = properties_folder(info);
  if (!folder) return {};
  std::vector<std::string> ignored;
  const auto read = read_stored_properties(store, *folder, kMaxBytes, ignored);
  const SegmentProperty* const property = read ? read->find(kColorPropertyId) : nullptr;
  if (property == nullptr || property->kind != SegmentProperty::Kind::string) return {};
  std::vector<std::pair<std::uint64_t, std::string>> colors;
  for (std::size_t i = 0; i < read->ids.size(); ++i)
    if (is_color(property->texts[i])) colors.emplace_back(read->ids[i], property->texts[i]);
  return colors;
}

std::uint64_t properties_limit(std::uint64_t memory_bytes) {
  constexpr std::uint64_t kTimes = 32;
  return memory_bytes / kTimes;
}

std::string ids_text(const std::vector<std::uint64_t>& ids) {
  constexpr std::size_t kShown = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(ids.size(), kShown); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", ids[i]);
  return ids.size() > kShown ? fmt::format("{} and {} others", text, ids.size() - kShown) : text;
}

}  // namespace ngforge
