// SPDX-License-Identifier: Apache-2.0
#include "core/system_error.h"

#include <cerrno>
#include <cstring>

namespace ngforge {
namespace {

bool is_denied(int number) {
  return number == EACCES || number == EPERM || number == EROFS;
}

bool is_absent(int number) {
  return number == ENOENT || number == ENOTDIR || number == ELOOP || number == ENAMETOOLONG;
}

}  // namespace

Error read_error(std::string_view place, std::string_view action) {
  const int number = errno;
  if (is_absent(number)) return make_error(ErrorCode::not_found, "{}: expected a file, found none", place);
  return make_error(is_denied(number) ? ErrorCode::permission : ErrorCode::io, "{}: {}: {}", place, action,
                    std::strerror(number));
}

Error write_error(std::string_view place, std::string_view action) {
  const int number = errno;
  const ErrorCode code = is_denied(number) ? ErrorCode::permission : ErrorCode::io;
  Error error = make_error(code, "{}: {}: {}", place, action, std::strerror(number));
  if (number == ENOSPC || number == EDQUOT) error.hint = "make room";
  return error;
}

}  // namespace ngforge
