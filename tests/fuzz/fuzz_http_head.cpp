// SPDX-License-Identifier: Apache-2.0
// The head of an HTTP request as the server takes it: parsed by Beast, answered by a Site. Whatever stands in it, no
// store is asked for a key that could lead out of it, and an answer holds what its header says.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>

#include "server/answer.h"

namespace {

using namespace ngforge;
namespace http = boost::beast::http;

constexpr std::uint64_t kValueBytes = 1000;

std::byte value_byte(std::uint64_t at) {
  return static_cast<std::byte>(at % 251);
}

void require(bool condition) {
  if (!condition) std::abort();
}

void require_key(std::string_view key) {
  require(key.find('\0') == std::string_view::npos && key.find('\\') == std::string_view::npos);
  for (;;) {
    const auto part = key.substr(0, key.find('/'));
    require(!part.empty() && part != "." && part != "..");
    if (part.size() == key.size()) return;
    key.remove_prefix(part.size() + 1);
  }
}

// Has a value under every key, but none under keys that end in "none", and one gzipped empty value under those that end
// in "gz".
class WatchedStore final : public Store {
 public:
  std::string describe() const override { return "watched"; }
  Result<ObjectInfo> stat(const std::string& key) override {
    require_key(key);
    if (key.ends_with("none")) return make_error(ErrorCode::not_found, "{}: no such key", key);
    if (key.ends_with("gz")) return ObjectInfo{20, "packed", "gzip"};
    return ObjectInfo{kValueBytes, "plain", ""};
  }
  Result<Bytes> get(const std::string& key) override {
    require_key(key);
    if (!key.ends_with("gz")) return get_range(key, {0, kValueBytes});
    const unsigned char packed[20] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3};
    const auto bytes = std::as_bytes(std::span(packed));
    return Bytes(bytes.begin(), bytes.end());
  }
  Result<Bytes> get_range(const std::string& key, ByteRange range) override {
    require_key(key);
    require(range.offset <= kValueBytes && range.length <= kValueBytes - range.offset);
    Bytes bytes(range.length);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = value_byte(range.offset + i);
    return bytes;
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    require(prefix.empty() || prefix.ends_with('/'));
    if (!prefix.empty()) require_key(std::string_view(prefix).substr(0, prefix.size() - 1));
    return std::vector<std::string>{"<&\">", "folder/"};
  }
  Result<void> put(const std::string&, std::span<const std::byte>) override { std::abort(); }
};

void check(const HttpRequest& request, const HttpAnswer& answer) {
  bool has_cors = false;
  std::string content_range;
  for (const auto& [name, value] : answer.headers) {
    require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    has_cors |= name == "Access-Control-Allow-Origin" && value == "*";
    if (name == "Content-Range") content_range = value;
  }
  require(has_cors && answer.status >= 200 && answer.status < 600);
  require(answer.body.empty() ? true : answer.body.size() == answer.length && request.method != "HEAD");
  if (answer.status != 206) return;
  require(answer.length >= 1 && answer.length <= kValueBytes);
  const auto first = std::strtoull(content_range.c_str() + std::string_view("bytes ").size(), nullptr, 10);
  require(content_range == fmt::format("bytes {}-{}/{}", first, first + answer.length - 1, kValueBytes));
  for (std::size_t i = 0; i < answer.body.size(); ++i) require(answer.body[i] == value_byte(first + i));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  http::request_parser<http::empty_body> parser;
  boost::beast::error_code code;
  parser.put(boost::asio::buffer(data, size), code);
  if (!parser.is_header_done()) return 0;
  const auto& fields = parser.get();
  HttpRequest request;
  request.method = std::string(fields.method_string());
  request.target = std::string(fields.target());
  request.host = std::string(fields[http::field::host]);
  request.range = std::string(fields[http::field::range]);
  request.if_range = std::string(fields[http::field::if_range]);
  request.if_none_match = std::string(fields[http::field::if_none_match]);
  request.accept_encoding = std::string(fields[http::field::accept_encoding]);
  Site site;
  site.mounts.push_back({"/data/a/", std::make_shared<WatchedStore>(), ""});
  site.mounts.push_back({"/v/ngforge/", std::make_shared<WatchedStore>(), "index.html"});
  site.redirects.emplace_back("/viewer/", "/v/ngforge/");
  check(request, site.answer(request));
  return 0;
}
