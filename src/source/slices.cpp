// SPDX-License-Identifier: Apache-2.0
#include "source/slices.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "core/fnv.h"
#include "source/page_stack.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return text.substr(at, end - at);
}

using Less = bool (*)(std::string_view, std::string_view);

bool byte_less(std::string_view a, std::string_view b) {
  return a < b;
}

/// The image files of a folder, in order.
Result<std::vector<std::string>> files_of_folder(const std::string& folder, Less less) {
  std::vector<std::string> names;
  std::error_code failed;
  fs::directory_iterator entry(folder, failed);
  for (const fs::directory_iterator end; !failed && entry != end; entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.') && find_image_by_name(name) != nullptr) names.push_back(name);
  }
  if (failed) return make_error(ErrorCode::permission, "{}: cannot be listed ({})", folder, failed.message());
  std::ranges::sort(names, less);
  const auto kind = [](const std::string& name) { return find_image_by_name(name); };
  for (const std::string& name : names)
    if (kind(name) != kind(names.front()))
      return make_error(ErrorCode::invalid_data, "{}: expected slices of one kind, found {} and {}", folder,
                        names.front(), name)
          .with_hint("say which with a pattern in quotes, for example '" + (fs::path(folder) / "*.tif").string() + "'");
  for (std::string& name : names) name = (fs::path(folder) / name).string();
  return names;
}

std::vector<std::string> matches_of(const std::string& pattern) {
  struct Free {
    void operator()(glob_t* found) const { ::globfree(found); }
  };
  glob_t found{};
  const std::unique_ptr<glob_t, Free> owner(&found);
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
  return paths;
}

/// The slices of every channel.
Result<std::vector<std::vector<std::string>>> find_slices(std::span<const std::string> given, Less less) {
  std::vector<std::string> places;
  for (const std::string& place : given) {
    if (!is_pattern(place)) {
      places.push_back(place);
      continue;
    }
    const auto matches = matches_of(place);
    if (matches.empty())
      return make_error(ErrorCode::not_found, "{}: expected slices, found nothing of that name", place);
    places.insert(places.end(), matches.begin(), matches.end());
  }
  std::vector<std::vector<std::string>> channels;
  std::error_code ignored;
  const bool are_folders = fs::is_directory(places.front(), ignored);
  for (const std::string& place : places)
    if (fs::is_directory(place, ignored) != are_folders)
      return make_error(ErrorCode::invalid_data, "{}: expected {} like {}, found {}", place,
                        are_folders ? "a folder" : "a file", places.front(), are_folders ? "a file" : "a folder")
          .with_hint("give either folders, one for each channel, or the files of one channel");
  if (!are_folders) {
    std::ranges::sort(places, less);
    channels.push_back(std::move(places));
    return channels;
  }
  for (const std::string& folder : places) {
    NGFORGE_TRY(auto files, files_of_folder(folder, less));
    if (files.empty())
      return make_error(ErrorCode::not_found, "{}: expected images (.tif, .png, .jpg, .bmp), found none", folder);
    if (!channels.empty() && files.size() != channels.front().size())
      return make_error(ErrorCode::invalid_data, "{}: expected {} slices as in {}, found {}", folder,
                        channels.front().size(), places.front(), files.size());
    channels.push_back(std::move(files));
  }
  return channels;
}

/// Changes when a slice does: names, sizes and times of change.
class Fingerprint {
 public:
  void add(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return;  // opening it will say so
    bytes_ += static_cast<std::uint64_t>(status.st_size);
    hash_.add(fmt::format("{} {} {} {}", path, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec));
  }
  std::uint64_t bytes() const { return bytes_; }
  std::string text() const { return fmt::format("{}-{:016x}", bytes_, hash_.value()); }

 private:
  Fnv1a hash_;
  std::uint64_t bytes_ = 0;
};

int sniff(std::span<const std::byte> names, std::string_view) {
  const std::string_view text(reinterpret_cast<const char*>(names.data()), names.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    if (text[at] != '.' && find_image_by_name(text.substr(at, end - at)) != nullptr) return 20;
    at = end + 1;
  }
  return 0;
}

Result<std::unique_ptr<VolumeSource>> open(const SourceRequest& request) {
  return open_slices(std::span(&request.place, 1), request.options);
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string_view x = digits_at(a, i), y = digits_at(b, j);
      const auto value = [](std::string_view digits) {
        return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
      };
      const std::string_view m = value(x), n = value(y);
      if (m.size() != n.size()) return m.size() < n.size();
      if (m != n) return m < n;
      i += x.size();
      j += y.size();
    } else {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i;
      ++j;
    }
  }
  if ((i < a.size()) != (j < b.size())) return i == a.size();
  return a < b;  // they differ in leading zeros at most
}

bool is_pattern(const std::string& place) {
  std::error_code ignored;
  return place.find_first_of("*?[") != std::string::npos && !fs::exists(place, ignored);
}

Result<std::unique_ptr<VolumeSource>> open_slices(std::span<const std::string> places, const SourceOptions& options) {
  NGFORGE_TRY(auto channels, find_slices(places, options.slices_in_byte_order ? byte_less : natural_less));
  PageStack stack;
  stack.channels = static_cast<Index>(channels.size());
  stack.slices = static_cast<Index>(channels.front().size());
  Fingerprint fingerprint;
  for (auto& files : channels)
    for (std::string& path : files) {
      fingerprint.add(path);
      stack.planes.push_back({static_cast<std::uint32_t>(stack.files.size()), 0});
      stack.files.push_back(std::move(path));
    }
  NGFORGE_TRY(auto bytes, open_image_bytes(stack.files.front()));
  NGFORGE_TRY(auto first, open_image(std::move(bytes)));
  if (first->page_count() > 1 && stack.files.size() > 1)
    return make_error(ErrorCode::invalid_data, "{}: expected a slice of one page, found {} pages", stack.files.front(),
                      first->page_count())
        .with_hint("convert files of several pages one by one");
  stack.header.format = fmt::format("{} slices", first->format());
  stack.header.details =
      fmt::format("{} to {}", fs::path(stack.files[0]).filename().string(),
                  fs::path(stack.files[static_cast<std::size_t>(stack.slices) - 1]).filename().string());
  stack.header.fingerprint = fingerprint.text();
  stack.header.stored_bytes = fingerprint.bytes();
  return open_stack(std::move(stack), std::move(first), options);
}

extern const SourceDescriptor slices_source;
const SourceDescriptor slices_source{.name = "slices",
                                     .title = "slice series (folder or pattern) of TIFF, PNG, JPEG or BMP",
                                     .url_scheme = "slices",
                                     .is_folder = true,
                                     .takes_orientation = true,
                                     .sniff = sniff,
                                     .open = open};

}  // namespace ngforge
