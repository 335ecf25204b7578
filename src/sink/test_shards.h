// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "ngforge/store.h"

// What the tests of shards share.
namespace ngforge::test {

/// A folder for them that goes away.
class ShardFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ngforge-shards-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static Bytes text(const std::string& s) {
    const auto bytes = std::as_bytes(std::span(s));
    return {bytes.begin(), bytes.end()};
  }
  Bytes file(const std::string& name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return text({std::istreambuf_iterator<char>(in), {}});
  }

  std::filesystem::path folder_;
};

}  // namespace ngforge::test
