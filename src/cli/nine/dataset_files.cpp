// SPDX-License-Identifier: Apache-2.0
#include "cli/nine/dataset_files.h"

#include <filesystem>
#include <span>

#include "ngforge/text.h"

namespace ngforge::cli::nine {
namespace {

constexpr std::uint64_t kMostInfoBytes = std::uint64_t{1} << 26;

bool is_remote(std::string_view place) {
  return place.starts_with("http://") || place.starts_with("https://");
}

std::string text_of(const Json& info) {
  return info.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Result<std::string> place_of(std::string_view url) {
  constexpr std::string_view kPrefix = "precomputed://", kFile = "file://", kLocal = "localhost/";
  const std::string_view given = url;
  if (url.starts_with(kPrefix)) url.remove_prefix(kPrefix.size());
  if (is_remote(url)) return std::string(url);
  if (url.starts_with(kFile)) {
    url.remove_prefix(kFile.size());
    if (url.starts_with(kLocal)) url.remove_prefix(kLocal.size() - 1);
    const auto path = percent_decoded(url);
    if (!url.starts_with('/') || !path)
      return make_error(ErrorCode::invalid_argument, "{}: expected file:/// and the path of a file on this machine",
                        given);
    return *path;
  }
  if (url.find("://") != std::string_view::npos || url.empty())
    return make_error(ErrorCode::invalid_argument, "{}: expected a path, file://, http:// or https://", given);
  return std::string(url);
}

Result<DatasetFiles> DatasetFiles::at(std::string_view url) {
  DatasetFiles files;
  NGFORGE_TRY(files.place_, place_of(url));
  return files;
}

Result<Json> DatasetFiles::read_info() const {
  NGFORGE_TRY(const auto store, open_store(place_));
  NGFORGE_TRY(const Bytes bytes, get_decoded(*store, "info", kMostInfoBytes));
  return parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, store->describe() + "/info");
}

Result<bool> DatasetFiles::has(const std::string& name) const {
  const auto store = open_store(place_);
  if (!store && store.error().code == ErrorCode::not_found) return false;
  if (!store) return store.error();
  const auto found = (*store)->stat(name);
  if (!found && found.error().code != ErrorCode::not_found) return found.error();
  return found.has_value();
}

Result<void> DatasetFiles::put(const std::string& name, std::string_view bytes) const {
  if (!is_remote(place_)) {
    std::error_code ignored;  // opening it will say so
    std::filesystem::create_directories(place_, ignored);
  }
  NGFORGE_TRY(const auto store, open_store(place_));
  return store->put(name, std::as_bytes(std::span(bytes)));
}

Result<void> DatasetFiles::add(const std::string& name, std::string_view bytes) const {
  NGFORGE_TRY(const bool is_there, has(name));
  if (is_there)
    return make_error(ErrorCode::already_exists, "{}/{}: exists already", place_, name)
        .with_hint("remove it, or choose another destination");
  return put(name, bytes);
}

Result<void> DatasetFiles::replace_info(const Json& info) const {
  return put("info", text_of(info));
}

Result<void> DatasetFiles::add_info(const Json& info) const {
  return add("info", text_of(info));
}

void DatasetFiles::remove_info() const {
  std::error_code ignored;
  std::filesystem::remove(place_ + "/info", ignored);
}

}  // namespace ngforge::cli::nine
