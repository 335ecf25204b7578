// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "ngforge/error.h"
#include "ngforge/store.h"
#include "store/http_connection.h"

namespace ngforge {

/// Where the viewer's own pages come from: a page of another origin to every other server.
inline constexpr const char* kViewerOrigin = "https://neuroglancer-demo.appspot.com";

/// Whether a store is a web server.
bool is_web_server(const Store& store);

/// What the web server behind a store answers to such a page, whatever the status; the body may be encoded.
/// Errors: unavailable (no answer), not_found (no key), invalid_argument (not a web server).
Result<HttpReply> ask_web_server(Store& store, bool is_head, const std::string& key,
                                 std::optional<ByteRange> range = std::nullopt);

}  // namespace ngforge
