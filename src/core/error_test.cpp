// SPDX-License-Identifier: Apache-2.0
#include "ngforge/error.h"

#include <gtest/gtest.h>

namespace ngforge {
namespace {

struct ExpectedRow {
  ErrorCode code;
  const char* name;
  int exit_status;
  int exit_status_of_source;
  int http_status;
};

// From HOUSE 4 and the exit statuses of COMMANDS.md, not from errors.def.
constexpr ExpectedRow kExpected[] = {
    {ErrorCode::invalid_argument, "invalid_argument", 2, 2, 400},
    {ErrorCode::invalid_data, "invalid_data", 3, 3, 500},
    {ErrorCode::not_found, "not_found", 3, 3, 404},
    {ErrorCode::unsupported, "unsupported", 3, 3, 501},
    {ErrorCode::limit, "limit", 3, 3, 413},
    {ErrorCode::needs_decision, "needs_decision", 4, 4, 409},
    {ErrorCode::already_exists, "already_exists", 5, 5, 409},
    {ErrorCode::permission, "permission", 6, 3, 403},
    {ErrorCode::unavailable, "unavailable", 6, 3, 503},
    {ErrorCode::io, "io", 6, 3, 500},
    {ErrorCode::cancelled, "cancelled", 130, 130, 503},
    {ErrorCode::internal, "internal", 1, 1, 500},
};

TEST(Error, EveryCodeHasItsOuterWorlds) {
  std::size_t rows = 0;
#define NGFORGE_ERROR(code, exit_status, http_status, python_exception) ++rows;
#include "ngforge/errors.def"
#undef NGFORGE_ERROR
  EXPECT_EQ(rows, std::size(kExpected));
  for (const auto& row : kExpected) {
    EXPECT_EQ(error_name(row.code), row.name);
    const Error error = make_error(row.code, "x");
    EXPECT_EQ(exit_status(error), row.exit_status) << row.name;
    EXPECT_EQ(exit_status(Error(error).of_source()), row.exit_status_of_source) << row.name;
    EXPECT_EQ(http_status(error), row.http_status) << row.name;
  }
}

Result<int> half(int value) {
  if (value % 2 != 0) return make_error(ErrorCode::invalid_argument, "expected an even number, found {}", value);
  return value / 2;
}

Result<int> quarter(int value) {
  NGFORGE_TRY(const int once, half(value));
  NGFORGE_CHECK(half(once));
  return half(once);
}

TEST(Error, TryPassesValuesAndErrorsUp) {
  EXPECT_EQ(quarter(8).value(), 2);
  const auto failed = quarter(6);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(failed.error().message, "expected an even number, found 3");
}

TEST(Error, PlaceAndHintAreAdded) {
  const Error error = make_error(ErrorCode::io, "disk full").in("a/b").with_hint("make room");
  EXPECT_EQ(error.message, "a/b: disk full");
  EXPECT_EQ(error.hint, "make room");
  EXPECT_FALSE(error.concerns_source);
}

}  // namespace
}  // namespace ngforge
