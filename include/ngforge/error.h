// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <tl/expected.hpp>

namespace ngforge {

/// What went wrong, from the caller's point of view. errors.def maps each code to the outer worlds.
enum class ErrorCode {
#define NGFORGE_ERROR(code, exit_status, http_status, python_exception) code,
#include "ngforge/errors.def"
#undef NGFORGE_ERROR
};

/// One failure, to be shown to a person.
///
/// `message` says what was expected, what was found and where (file, key, byte), in one line.
/// `hint` says what to do about it, or is empty.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string message;
  std::string hint;
  /// True when the failure concerns the input: permission, unavailable and io then end with exit status 3, not 6.
  bool concerns_source = false;

  Error&& with_hint(std::string text) && {
    hint = std::move(text);
    return std::move(*this);
  }
  Error&& of_source() && {
    concerns_source = true;
    return std::move(*this);
  }
  /// Puts "where: " before the message, for the caller who knows the place.
  Error&& in(std::string_view where) && {
    message = fmt::format("{}: {}", where, message);
    return std::move(*this);
  }
};

/// The code's name as it appears in errors.def.
std::string_view error_name(ErrorCode code);
/// The program's exit status for this error (0 is never returned).
int exit_status(const Error& error);
/// The HTTP status for this error.
int http_status(const Error& error);

/// A value or an Error. Errors travel as values; nothing in the library throws, prints or exits.
template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpected<Error>(std::move(error))) {}
};

/// Builds an Error from a format string.
template <class... Args>
Error make_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...), {}, false};
}

}  // namespace ngforge

#define NGFORGE_CONCAT_(a, b) a##b
#define NGFORGE_CONCAT(a, b) NGFORGE_CONCAT_(a, b)

/// NGFORGE_TRY(auto x, expr): passes the error of `expr` up, else binds its value to `x`.
#define NGFORGE_TRY(declaration, expression) NGFORGE_TRY_(NGFORGE_CONCAT(try_, __LINE__), declaration, expression)
#define NGFORGE_TRY_(result, declaration, expression)        \
  auto result = (expression);                                \
  if (!result.has_value()) return std::move(result).error(); \
  declaration = std::move(*result)

/// NGFORGE_CHECK(expr): passes the error of a Result<void> (or of an unused value) up.
#define NGFORGE_CHECK(expression)                              \
  do {                                                         \
    auto check_ = (expression);                                \
    if (!check_.has_value()) return std::move(check_).error(); \
  } while (false)

/// For our own mistakes, never for input.
#define NGFORGE_ASSERT(condition) ((condition) ? (void)0 : ::ngforge::assertion_failed(#condition, __FILE__, __LINE__))

namespace ngforge {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}
