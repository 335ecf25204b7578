// SPDX-License-Identifier: Apache-2.0
#include "sink/partial_folder.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace ngforge {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class PartialFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("ngforge-partial-{}", ::getpid());
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    destination_ = (folder_ / "seg").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<PartialFolder> open(DestinationPolicy policy, const std::string& level = "6") {
    return PartialFolder::open(destination_, {{"source", "a.nii"}, {"level", level}}, policy);
  }
  void put(const std::string& place, const std::string& text) { std::ofstream(folder_ / place) << text; }

  fs::path folder_;
  std::string destination_;
};

TEST_F(PartialFolderTest, TakesItsNameWhenItIsWhole) {
  auto partial = open({});
  ASSERT_TRUE(partial.has_value());
  put("seg.partial/info", "{}");
  EXPECT_FALSE(fs::exists(destination_));
  ASSERT_TRUE(partial->commit().has_value());
  EXPECT_TRUE(fs::exists(destination_ + "/info"));
  EXPECT_FALSE(fs::exists(destination_ + ".partial"));
  EXPECT_FALSE(fs::exists(destination_ + "/.ngforge-plan.json"));
}

TEST_F(PartialFolderTest, StopsBeforeWhatIsThere) {
  fs::create_directory(destination_);
  const auto partial = open({});
  ASSERT_FALSE(partial.has_value());
  EXPECT_EQ(partial.error().code, ErrorCode::already_exists);
  EXPECT_THAT(partial.error().hint, HasSubstr("--overwrite"));
}

TEST_F(PartialFolderTest, ReplacesOnlyWhenTheNewOneIsWhole) {
  fs::create_directory(destination_);
  put("seg/old", "old");
  auto partial = open({.overwrite = true});
  ASSERT_TRUE(partial.has_value());
  put("seg.partial/new", "new");
  EXPECT_TRUE(fs::exists(destination_ + "/old"));
  ASSERT_TRUE(partial->commit().has_value());
  EXPECT_TRUE(fs::exists(destination_ + "/new"));
  EXPECT_FALSE(fs::exists(destination_ + "/old"));
  EXPECT_FALSE(fs::exists(destination_ + ".partial"));
}

TEST_F(PartialFolderTest, GoesOnOnlyWithTheSamePlan) {
  {
    ASSERT_TRUE(open({}).has_value());
  }
  put("seg.partial/finished", "1");
  const auto without = open({});
  ASSERT_FALSE(without.has_value());
  EXPECT_THAT(without.error().hint, HasSubstr("--resume"));
  const auto other = open({.resume = true}, "9");
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, ErrorCode::already_exists);
  EXPECT_THAT(other.error().message, HasSubstr("level was 6, now 9"));
  EXPECT_TRUE(fs::exists(destination_ + ".partial/finished"));
  const auto same = open({.resume = true});
  ASSERT_TRUE(same.has_value());
  EXPECT_TRUE(same->is_resumed());
  EXPECT_TRUE(fs::exists(destination_ + ".partial/finished"));
}

TEST_F(PartialFolderTest, ResumeWithoutAPartialStartsAnew) {
  const auto partial = open({.resume = true});
  ASSERT_TRUE(partial.has_value());
  EXPECT_FALSE(partial->is_resumed());
}

TEST_F(PartialFolderTest, ResumeOfAFinishedOneHasNothingToDo) {
  fs::create_directory(destination_);
  put("seg/info", "{}");
  auto partial = open({.resume = true});
  ASSERT_TRUE(partial.has_value());
  EXPECT_TRUE(partial->is_complete());
  partial->discard();
  EXPECT_TRUE(fs::exists(destination_ + "/info"));
}

TEST_F(PartialFolderTest, OneRunAtATime) {
  const auto first = open({});
  ASSERT_TRUE(first.has_value());
  const auto second = open({.resume = true});
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().message, HasSubstr("another run"));
}

TEST_F(PartialFolderTest, DiscardLeavesNothing) {
  auto partial = open({});
  ASSERT_TRUE(partial.has_value());
  partial->discard();
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(PartialFolderTest, LeavesAloneWhatIsNotOurs) {
  fs::create_directory(destination_ + ".partial");
  put("seg.partial/mine.txt", "hi");
  for (const DestinationPolicy policy :
       {DestinationPolicy{}, DestinationPolicy{.resume = true}, DestinationPolicy{.overwrite = true}}) {
    const auto partial = open(policy);
    ASSERT_FALSE(partial.has_value());
    EXPECT_EQ(partial.error().code, ErrorCode::already_exists);
    EXPECT_THAT(partial.error().hint, HasSubstr("move it away"));
    EXPECT_TRUE(fs::exists(destination_ + ".partial/mine.txt"));
  }
}

TEST_F(PartialFolderTest, AResumedRunReplacesWhatTheFirstWasToReplace) {
  fs::create_directory(destination_);
  put("seg/old", "old");
  {
    ASSERT_TRUE(open({.overwrite = true}).has_value());
  }
  put("seg.partial/new", "new");
  auto partial = open({.resume = true});
  ASSERT_TRUE(partial.has_value()) << partial.error().message;
  EXPECT_TRUE(partial->is_resumed());
  ASSERT_TRUE(partial->commit().has_value());
  EXPECT_TRUE(fs::exists(destination_ + "/new"));
  EXPECT_FALSE(fs::exists(destination_ + "/old"));
}

TEST_F(PartialFolderTest, AResumedRunStopsAtOnceBeforeWhatAppeared) {
  {
    ASSERT_TRUE(open({}).has_value());
  }
  fs::create_directory(destination_);
  const auto partial = open({.resume = true});
  ASSERT_FALSE(partial.has_value());
  EXPECT_EQ(partial.error().code, ErrorCode::already_exists);
}

// As a kill leaves it between the exchange of names and the removal of the old dataset.
TEST_F(PartialFolderTest, EndsACommitThatWasCutOff) {
  {
    auto partial = open({.overwrite = true});
    ASSERT_TRUE(partial.has_value());
    put("seg.partial/info", "{}");
  }
  fs::rename(destination_ + ".partial", destination_);
  fs::create_directory(destination_ + ".partial");
  put("seg.partial/old", "old");
  const auto again = open({.resume = true});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(again->is_complete());
  EXPECT_FALSE(fs::exists(destination_ + ".partial"));
  EXPECT_FALSE(fs::exists(destination_ + "/.ngforge-plan.json"));
}

TEST_F(PartialFolderTest, ComparesNamesThatAreNotText) {
  const RunIdentity identity{{"source", "z\xff.nii"}};
  {
    ASSERT_TRUE(PartialFolder::open(destination_, identity, {}).has_value());
  }
  EXPECT_TRUE(PartialFolder::open(destination_, identity, {.resume = true}).has_value());
}

TEST_F(PartialFolderTest, DiscardRemovesTheParentsThatWereMade) {
  destination_ = (folder_ / "p/q/seg").string();
  auto partial = open({});
  ASSERT_TRUE(partial.has_value());
  partial->discard();
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(PartialFolderTest, ANameThatIsTooLongIsAnError) {
  destination_ = (folder_ / std::string(300, 'a') / "b").string();
  const auto partial = open({});
  ASSERT_FALSE(partial.has_value());
  EXPECT_EQ(exit_status(partial.error()), 6);
}

TEST_F(PartialFolderTest, ANameTooLongForThePartialLeavesNothing) {
  destination_ = (folder_ / "p" / std::string(250, 'a')).string();
  EXPECT_FALSE(open({}).has_value());
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(PartialFolderTest, ATrailingDotIsTheFolderItself) {
  const std::string plain = destination_;
  destination_ += "/.";
  auto partial = open({});
  ASSERT_TRUE(partial.has_value());
  ASSERT_TRUE(partial->commit().has_value());
  EXPECT_TRUE(fs::is_directory(plain));
}

}  // namespace
}  // namespace ngforge
