// SPDX-License-Identifier: Apache-2.0
#include "source/source.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "ngforge/text.h"
#include "source/byte_source.h"
#include "source/slices.h"
#include "store/store.h"

namespace ngforge {

#define SOURCE(name, target) extern const SourceDescriptor name##_source;
#include "source/sources.def"
#undef SOURCE

namespace {

constexpr const SourceDescriptor* kSources[] = {
#define SOURCE(name, target) &name##_source,
#include "source/sources.def"
#undef SOURCE
};

// Of files, of folders, or of both.
std::string names_of_sources(std::optional<bool> is_folder = std::nullopt) {
  std::string names;
  for (const auto* source : kSources)
    if (is_folder.value_or(source->is_folder) == source->is_folder)
      names += fmt::format("{}{}", names.empty() ? "" : ", ", source->name);
  return names;
}

const SourceDescriptor* find_source(std::string_view name) {
  const auto is_called = [&](const char* spelling) { return spelling != nullptr && name == spelling; };
  for (const auto* source : kSources)
    if (is_called(source->name) || is_called(source->url_scheme) ||
        std::ranges::any_of(source->other_schemes, is_called))
      return source;
  return nullptr;
}

bool is_http(std::string_view place) {
  return place.starts_with("http://");
}

/// A place and the format that it forces.
struct ParsedPlace {
  SourceRequest request;
  const SourceDescriptor* forced = nullptr;
};

Result<ParsedPlace> parse_place(const std::string& given) {
  ParsedPlace parsed{{given, "", "", {}}, nullptr};
  std::string& place = parsed.request.place;
  const auto bar = given.rfind('|');
  const auto behind = bar == std::string::npos ? bar : given.find(':', bar);
  const std::string name = behind == std::string::npos ? "" : given.substr(bar + 1, behind - bar - 1);
  parsed.forced = find_source(name);
  if (parsed.forced != nullptr || (behind != std::string::npos && given.back() == ':')) {
    if (parsed.forced == nullptr)
      return make_error(ErrorCode::invalid_argument,
                        "{}: expected the name of a volume format ({}) behind '|', found \"{}\"", given,
                        names_of_sources(), name);
    parsed.request.inside = given.substr(behind + 1);
    if (!parsed.request.inside.empty() && !parsed.forced->takes_inside)
      return make_error(ErrorCode::invalid_argument, "{}: expected nothing behind \"{}:\", found \"{}\"", given, name,
                        parsed.request.inside);
    place.resize(bar);
    parsed.request.scheme = name;
  } else if (const auto colon = given.find("://"); colon != std::string::npos && !is_http(given)) {
    parsed.forced = find_source(std::string_view(given).substr(0, colon));
    if (parsed.forced != nullptr) {
      place = given.substr(colon + 3);
      parsed.request.scheme = given.substr(0, colon);
    }
  }
  constexpr std::string_view kFile = "file://";
  if (const auto colon = place.find("://");
      parsed.forced == nullptr && colon != std::string::npos && !place.starts_with(kFile) && !is_http(place))
    return make_error(ErrorCode::unsupported,
                      "{}: expected a path, file://, http:// or the name of a volume format ({}), found \"{}\"", given,
                      names_of_sources(), place.substr(0, colon + 3));
  if (place.starts_with(kFile)) place.erase(0, kFile.size());
  return parsed;
}

/// The row that is surest of `head` and `name`, or nullptr.
const SourceDescriptor* sniff(bool is_folder, std::span<const std::byte> head, std::string_view name) {
  const SourceDescriptor* best = nullptr;
  int best_score = 0;
  for (const auto* source : kSources) {
    const int score = source->is_folder == is_folder ? source->sniff(head, name) : 0;
    if (score > best_score) std::tie(best, best_score) = std::pair(source, score);
  }
  return best;
}

std::string begin_in_hex(std::span<const std::byte> head) {
  if (head.empty()) return "an empty file";
  std::string text = "a file that begins with";
  for (const std::byte byte : head.first(std::min<std::size_t>(head.size(), 8)))
    text += fmt::format(" {:02x}", std::to_integer<unsigned>(byte));
  return text;
}

/// Options that mean nothing for a format are mistakes, not wishes.
Result<void> check_options(const SourceDescriptor& source, const SourceRequest& request) {
  if (request.options.input_orientation.empty() || source.takes_orientation) return {};
  return make_error(ErrorCode::invalid_argument, "--input-orientation: means nothing for {}, whose axes are known",
                    source.name)
      .with_hint("turn the output with --orientation");
}

Result<std::unique_ptr<VolumeSource>> open_file(const ParsedPlace& parsed) {
  const bool has_shape = !parsed.request.options.shape.empty();
  const auto* source = parsed.forced != nullptr ? parsed.forced
                       : has_shape              ? *std::ranges::find(kSources, true, &SourceDescriptor::takes_shape)
                                                : nullptr;
  const auto is_plain = [&](const SourceDescriptor* row) {
    return row->is_plain != nullptr && row->is_plain(parsed.request);
  };
  const bool inflates = source != nullptr ? !is_plain(source) : std::ranges::none_of(kSources, is_plain);
  NGFORGE_TRY(auto bytes, ByteSource::open(parsed.request.place, inflates));
  const std::string name = lower_case(std::filesystem::path(parsed.request.place).filename().string());
  if (source == nullptr) source = sniff(false, bytes->head(), name);
  if (has_shape && !source->takes_shape)
    return make_error(ErrorCode::invalid_argument, "--shape: means nothing for {}, which says its sizes", source->name);
  if (source == nullptr)
    return make_error(ErrorCode::unsupported, "{}: expected a volume (tried {}), found {}", bytes->place(),
                      names_of_sources(false), begin_in_hex(bytes->head()));
  NGFORGE_CHECK(check_options(*source, parsed.request));
  return source->open_bytes(std::move(bytes), parsed.request);
}

/// Names in a folder, sorted, one per line.
std::string list_folder(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored))
    names.push_back(entry->path().filename().string());
  std::ranges::sort(names);
  std::string text;
  for (const auto& name : names) text += name + '\n';
  return text;
}

Result<std::unique_ptr<VolumeSource>> open_folder(const ParsedPlace& parsed) {
  const std::string& place = parsed.request.place;
  const auto* source = parsed.forced;
  if (source == nullptr) {
    const std::string names = list_folder(place);
    source = sniff(true, std::as_bytes(std::span(names)), lower_case(place));
  }
  if (source == nullptr)
    return make_error(ErrorCode::unsupported,
                      "{}: expected a file or the folder of a dataset (tried {}), found another folder", place,
                      names_of_sources(true));
  NGFORGE_CHECK(check_options(*source, parsed.request));
  return source->open(parsed.request);
}

// A server need not list its folders: it is asked for the keys that formats have.
Result<std::unique_ptr<VolumeSource>> open_url(const ParsedPlace& parsed) {
  const std::string& place = parsed.request.place;
  NGFORGE_TRY(const auto store, open_store(place));
  std::string asked;
  for (const auto* source : kSources) {
    for (const char* marker : source->markers) {
      if (marker == nullptr) break;
      const auto found = store->stat(marker);
      if (found) return source->open(parsed.request);
      if (found.error().code != ErrorCode::not_found) return found.error();
      asked += fmt::format("{}{}", asked.empty() ? "" : ", ", marker);
    }
  }
  return make_error(ErrorCode::not_found, "{}: expected a dataset with one of {}, found none", place, asked);
}

Result<std::unique_ptr<VolumeSource>> open_parsed(const ParsedPlace& parsed) {
  if (parsed.forced != nullptr) return parsed.forced->is_folder ? open_folder(parsed) : open_file(parsed);
  std::error_code ignored;
  const std::string& place = parsed.request.place;
  if (is_http(place)) return open_url(parsed);
  if (place != "-" && std::filesystem::is_directory(place, ignored)) return open_folder(parsed);
  if (is_pattern(place)) return open_slices(std::span(&place, 1), parsed.request.options);
  return open_file(parsed);
}

}  // namespace

Result<std::unique_ptr<VolumeSource>> VolumeSource::open_level(std::size_t level) {
  return make_error(ErrorCode::invalid_argument, "expected a level below {}, found {}", level_count(), level);
}

std::span<const SourceDescriptor* const> all_sources() {
  return kSources;
}

Result<std::unique_ptr<VolumeSource>> open_source(const std::string& place, const SourceOptions& options) {
  auto parsed = parse_place(place);
  if (!parsed) return std::move(parsed).error().of_source();
  parsed->request.options = options;
  auto source = open_parsed(*parsed);
  if (!source) return std::move(source).error().of_source();
  return source;
}

Result<std::unique_ptr<VolumeSource>> open_source(std::span<const std::string> places, const SourceOptions& options) {
  if (places.size() == 1) return open_source(places.front(), options);
  auto source = open_slices(places, options);
  if (!source) return std::move(source).error().of_source();
  return source;
}

}  // namespace ngforge
