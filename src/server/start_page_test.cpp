// SPDX-License-Identifier: Apache-2.0
#include "server/start_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

StartPageRow row(const std::string& name) {
  return {name,           "image, NIfTI-1",    {{"Extent", "2 x 3 x 4 um"}}, "/data/" + name,
          "/v/#!" + name, "thumbnail/" + name, "Middle slices of " + name};
}

TEST(StartPage, SetsNumbersAsPeopleWriteThem) {
  const std::vector<StartPageRow> rows{row("a x b")};
  EXPECT_THAT(start_page(rows, "/all"), AllOf(HasSubstr("2 × 3 × 4 µm"), HasSubstr("<bdi>a x b</bdi>")));
}

TEST(StartPage, NothingOfANameIsMarkup) {
  const std::vector<StartPageRow> rows{row("\"'><script>alert(1)</script>&amp;")};
  const std::string page = start_page(rows, "/all?\"");
  EXPECT_THAT(page,
              AllOf(Not(HasSubstr("<script")), HasSubstr("&quot;&#39;&gt;&lt;script&gt;"), HasSubstr("&amp;amp;")));
}

TEST(StartPage, AllTogetherIsOfferedForSeveral) {
  const std::vector<StartPageRow> one{row("a")}, two{row("a"), row("b")};
  EXPECT_THAT(start_page(one, "/all"), AllOf(HasSubstr("1 dataset<"), Not(HasSubstr("/all"))));
  EXPECT_THAT(start_page(two, "/all"), AllOf(HasSubstr("2 datasets<"), HasSubstr("href=\"/all\"")));
}

TEST(StartPage, SaysWhenThereIsNothing) {
  EXPECT_THAT(start_page({}, "/all"),
              AllOf(HasSubstr("0 datasets"), HasSubstr("Nothing is served"), Not(HasSubstr("<ul>"))));
}

}  // namespace
}  // namespace ngforge
