// SPDX-License-Identifier: Apache-2.0
#include "op/local_dataset.h"

#include <filesystem>

#include "compress/gzip.h"
#include "core/json.h"
#include "sink/folder_writer.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxInfoBytes = std::uint64_t{1} << 26;
constexpr int kGzipLevel = 6;

}  // namespace

Result<std::string> local_folder(const PrecomputedVolume& volume, const std::string& place) {
  std::string folder = volume.store()->describe();
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    return make_error(ErrorCode::unsupported, "{}: expected a dataset in a folder of this machine", place).of_source();
  return folder;
}

Result<void> link_folder(const PrecomputedVolume& volume, const std::string& folder, const std::string& member,
                         const std::string& name) {
  NGFORGE_TRY(const Bytes bytes, get_decoded(*volume.store(), "info", kMaxInfoBytes));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  NGFORGE_TRY(Json json, parse_json(text, folder + "/info"));
  json[member] = name;
  const std::string changed = dump_json(json);
  const auto plain = std::as_bytes(std::span(changed));
  FolderWriter writer;
  NGFORGE_CHECK(writer.open(folder));
  NGFORGE_TRY(const ObjectInfo stored, volume.store()->stat("info"));
  if (stored.content_encoding.empty()) return writer.write_synced("info", plain);
  Bytes packed;
  GzipCompressor(kGzipLevel).compress(plain, packed);
  return writer.write_synced("info.gz", packed);
}

}  // namespace ngforge
