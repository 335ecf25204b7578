// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "compress/test_gzip.h"
#include "core/byte_cursor.h"
#include "source/source.h"

// What the tests of this room share: files made byte by byte, in a folder that goes away.
namespace ngforge::test {

using Data = std::vector<std::byte>;

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ngforge_source_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, std::span<const std::byte> data) const {
    std::ofstream out(path(name), std::ios::binary);
    out.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

/// Puts a number into bytes that are long enough.
template <class T>
void put(Data& bytes, std::size_t offset, T value, std::endian order = std::endian::little) {
  ASSERT_LE(offset + sizeof(T), bytes.size());
  if (order != std::endian::native) value = byte_swapped(value);
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

/// All values in the order of the file: channel slowest, or all channels of a plane together for colours.
inline Result<Data> read_all(VolumeSource& source) {
  const auto& header = source.header();
  const auto& n = header.size_ijk;
  const auto value = static_cast<Index>(size_of(header.type));
  Data all(static_cast<std::size_t>(n.product() * header.channels * value));
  const Index together = header.channels_come_together() ? header.channels : 1;
  for (Index c = 0; c < header.channels; c += together) {
    for (Index k = 0; k < n.z; ++k) {
      Data plane(static_cast<std::size_t>(n.x * n.y * together * value));
      NGFORGE_CHECK(source.read({{0, 0, k}, {n.x, n.y, k + 1}}, {c, c + together}, plane));
      for (Index t = 0; t < together; ++t)
        std::memcpy(all.data() + (k + n.z * (c + t)) * n.x * n.y * value, plane.data() + t * n.x * n.y * value,
                    static_cast<std::size_t>(n.x * n.y * value));
    }
  }
  return all;
}

}  // namespace ngforge::test
