// SPDX-License-Identifier: Apache-2.0
#include "store/viewer_names.h"

#include <stdlib.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "store/memory.h"

namespace ngforge {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(const Result<Bytes>& bytes) {
  if (!bytes) return std::string(error_name(bytes.error().code));
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

class ViewerNamesTest : public ::testing::Test {
 protected:
  ViewerNamesTest() : memory_(std::make_shared<MemoryStore>()), view_(make_viewer_view(memory_)) {}

  std::shared_ptr<MemoryStore> memory_;
  std::shared_ptr<Store> view_;
};

TEST_F(ViewerNamesTest, DeepChunksAnswerUnderFlatNames) {
  ASSERT_TRUE(memory_->put_encoded("s/0-64/-32-32/64-100", bytes_of("deep"), "gzip"));
  const std::string key = "s/0-64_-32-32_64-100";
  EXPECT_EQ(text_of(view_->get(key)), "deep");
  EXPECT_EQ(text_of(view_->get_range(key, {1, 2})), "ee");
  const auto info = view_->stat(key);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, 4u);
  EXPECT_EQ(info->content_encoding, "gzip");
  EXPECT_EQ(text_of(view_->get("s/0-64/-32-32/64-100")), "deep");
}

TEST(ViewerNames, OpensDeepChunksAtOnceWhenThereAreNoFlatOnes) {
  std::string name = (std::filesystem::temp_directory_path() / "ngforge-names-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  const auto view = make_viewer_view(*open_store(folder.string()));
  ASSERT_TRUE(view->put("s/0-1/0-1/0-1.gz", bytes_of("deep")));
  ASSERT_TRUE(view->stat("s/0-1_0-1_0-1"));
  const auto deep = view->open_now("s/0-1_0-1_0-1");
  ASSERT_TRUE(deep && *deep != nullptr);
  EXPECT_EQ((*deep)->info().content_encoding, "gzip");
  ASSERT_TRUE(view->put("s/0-1_0-1_0-1", bytes_of("flat chunk")));
  const auto flat = view->open_now("s/0-1_0-1_0-1");
  ASSERT_TRUE(flat && *flat != nullptr);
  EXPECT_EQ((*flat)->info().size, 10u);
  std::filesystem::remove_all(folder);
}

TEST_F(ViewerNamesTest, FlatChunksComeFirst) {
  ASSERT_TRUE(memory_->put("a/b/0-1_0-1_0-1", bytes_of("flat")));
  ASSERT_TRUE(memory_->put("a/b/0-1/0-1/0-1", bytes_of("deep")));
  EXPECT_EQ(text_of(view_->get("a/b/0-1_0-1_0-1")), "flat");
}

TEST_F(ViewerNamesTest, ManifestsWithoutColonAnswerUnderTheirNameWithIt) {
  ASSERT_TRUE(memory_->put("mesh/7", bytes_of("plain")));
  EXPECT_EQ(text_of(view_->get("mesh/7:0")), "plain");
  ASSERT_TRUE(memory_->put("mesh/7.json", bytes_of("json")));
  EXPECT_EQ(text_of(view_->get("mesh/7:0")), "json");
  ASSERT_TRUE(memory_->put("mesh/7:0", bytes_of("colon")));
  EXPECT_EQ(text_of(view_->get("mesh/7:0")), "colon");
  EXPECT_EQ(text_of(view_->get("mesh/7:1")), "not_found");
  EXPECT_EQ(text_of(view_->get("mesh/8:0")), "not_found");
  for (const char* key : {"mesh/:0", "mesh/x7:0", "mesh/7:0:0", ":0", ""}) EXPECT_TRUE(other_names(key).empty()) << key;
}

TEST_F(ViewerNamesTest, AbsentIsAbsentUnderTheNameThatWasAskedFor) {
  const auto missing = view_->get("s/0-64_0-64_0-64");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_NE(missing.error().message.find("s/0-64_0-64_0-64"), std::string::npos) << missing.error().message;
  EXPECT_EQ(text_of(view_->get("info")), "not_found");
  EXPECT_EQ(text_of(view_->get("s/0-64_0-64")), "not_found");
}

TEST_F(ViewerNamesTest, OtherErrorsArePassedOn) {
  ASSERT_TRUE(memory_->put("s/0-1/0-1/0-1", bytes_of("deep")));
  const auto outside = view_->get_range("s/0-1_0-1_0-1", {3, 2});
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().code, ErrorCode::invalid_argument);
}

TEST_F(ViewerNamesTest, TheRestIsPassedOn) {
  ASSERT_TRUE(view_->put("info", bytes_of("{}")));
  EXPECT_EQ(text_of(memory_->get("info")), "{}");
  EXPECT_EQ(*view_->list(""), std::vector<std::string>{"info"});
  EXPECT_EQ(view_->describe(), memory_->describe());
}

}  // namespace
}  // namespace ngforge
