// SPDX-License-Identifier: Apache-2.0
#include "core/base64.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace ngforge {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST(Base64, TheVectorsOfTheRfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encoded(bytes_of(plain)), encoded);
    EXPECT_EQ(base64_decoded(encoded, "x").value(), bytes_of(plain));
  }
}

TEST(Base64, SpaceAndMissingPaddingAreTakenAndGroupsGoOnBehindPadding) {
  EXPECT_EQ(base64_decoded(" Zm\n9v\tYg ", "x").value(), bytes_of("foob"));
  EXPECT_EQ(base64_decoded("Zg==Zm8=", "x").value(), bytes_of("ffo"));
}

TEST(Base64, OtherTextIsRefused) {
  EXPECT_THAT(base64_decoded("Zm9*", "data").error().message, testing::StartsWith("data: expected Base64, found"));
  EXPECT_FALSE(base64_decoded("Zm9vY", "data").has_value());
  EXPECT_FALSE(base64_decoded("Z===", "data").has_value());
}

TEST(Base64, AnyBytesComeBack) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    RC_ASSERT(base64_decoded(base64_encoded(bytes), "x").value() == std::vector<std::byte>(bytes.begin(), bytes.end()));
  }));
}

}  // namespace
}  // namespace ngforge
