// SPDX-License-Identifier: Apache-2.0
#include "ngforge/error.h"

#include <cstdio>
#include <cstdlib>

namespace ngforge {
namespace {

struct Row {
  std::string_view name;
  int exit_status;
  int http_status;
};

constexpr Row kRows[] = {
#define NGFORGE_ERROR(code, exit_status, http_status, python_exception) {#code, exit_status, http_status},
#include "ngforge/errors.def"
#undef NGFORGE_ERROR
};

const Row& row(ErrorCode code) {
  return kRows[static_cast<std::size_t>(code)];
}

}  // namespace

std::string_view error_name(ErrorCode code) {
  return row(code).name;
}

int exit_status(const Error& error) {
  const int status = row(error.code).exit_status;
  return status == 6 && error.concerns_source ? 3 : status;
}

int http_status(const Error& error) {
  return row(error.code).http_status;
}

void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "ngforge: internal error: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace ngforge
