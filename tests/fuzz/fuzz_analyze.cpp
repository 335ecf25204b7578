// SPDX-License-Identifier: Apache-2.0
// A pair of files: the first 348 bytes are the header, the others the voxels.
#include <filesystem>
#include <fstream>

#include "volume_file.h"

namespace {

class Pair {
 public:
  Pair() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ngforge_fuzz_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }
  void write(const char* name, const std::uint8_t* data, std::size_t size) const {
    std::ofstream out(path(name), std::ios::binary | std::ios::trunc);
    if (!out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size))) std::abort();
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kHeaderBytes = 348;
  static const Pair pair;
  const std::size_t header_bytes = std::min(size, kHeaderBytes);
  pair.write("a.hdr", data, header_bytes);
  pair.write("a.img", data + header_bytes, size - header_bytes);
  if (auto source = ngforge::open_source(pair.path("a.hdr")); source.has_value()) ngforge::fuzz::read_some(**source);
  return 0;
}
