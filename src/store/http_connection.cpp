// SPDX-License-Identifier: Apache-2.0
#include "store/http_connection.h"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace ngforge {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 32, kSmallBytes = 1 << 16;

}  // namespace

// The operations are asynchronous only to end in time.
class HttpConnection::Stream {
 public:
  explicit Stream(std::chrono::milliseconds patience) : patience_(patience) {}

  beast::error_code connect(const std::string& host, const std::string& port) {
    beast::error_code code;
    Tcp::resolver resolver(context_);
    const auto places = resolver.resolve(host, port, code);
    if (code) return code;
    return run([&](auto handler) { stream_.async_connect(places, std::move(handler)); });
  }

  beast::error_code exchange(const HttpRequest& asked, const std::string& authority, HttpReply& reply) {
    http::request<http::empty_body> request(asked.is_head ? http::verb::head : http::verb::get, asked.target, 11);
    request.set(http::field::host, authority);
    request.set(http::field::user_agent, "ngforge");
    if (!asked.origin.empty()) request.set(http::field::origin, asked.origin);
    if (!asked.accept_encoding.empty()) request.set(http::field::accept_encoding, asked.accept_encoding);
    if (asked.range)
      request.set(http::field::range,
                  fmt::format("bytes={}-{}", asked.range->offset, asked.range->offset + asked.range->length - 1));
    auto code = run([&](auto handler) { http::async_write(stream_, request, std::move(handler)); });
    if (code) return code;
    http::response_parser<http::vector_body<std::byte>> parser;
    parser.body_limit(boost::none);  // a head may tell of any size
    parser.skip(asked.is_head);
    code = run([&](auto handler) { http::async_read_header(stream_, buffer_, parser, std::move(handler)); });
    if (code) return code;
    const auto& head = parser.get();
    reply.status = static_cast<int>(head.result_int());
    if (const auto length = parser.content_length()) reply.length = *length;
    reply.etag = std::string(head[http::field::etag]);
    std::erase(reply.etag, '"');
    reply.content_encoding = std::string(head[http::field::content_encoding]);
    reply.content_range = std::string(head[http::field::content_range]);
    // Twice is as good as never for a browser.
    const auto [first, last] = head.equal_range(http::field::access_control_allow_origin);
    for (auto field = first; field != last; ++field)
      reply.allow_origin += (field == first ? "" : ", ") + std::string(field->value());
    reply.location = std::string(head[http::field::location]);
    reply.is_html = head[http::field::content_type].starts_with("text/html");
    const bool is_wanted =
        asked.range ? reply.status == 206 && reply.length == asked.range->length : reply.status == 200;
    // The text of an error is read only to keep the connection.
    if (!parser.is_done() && (is_wanted || reply.length.value_or(kMostBytes) <= kSmallBytes)) {
      if (reply.length.value_or(0) > kMostBytes) return make_error_code(http::error::body_limit);
      parser.body_limit(kMostBytes);
      // Part by part: the time is for silence, not for the whole of a large body on a slow line.
      while (!parser.is_done()) {
        code = run([&](auto handler) { http::async_read_some(stream_, buffer_, parser, std::move(handler)); });
        if (code) return code;
      }
    }
    is_open_ = parser.is_done() && parser.keep_alive();
    reply.body = std::move(parser.get().body());
    return {};
  }

  bool is_open() const { return is_open_; }

 private:
  template <class Start>
  beast::error_code run(const Start& start) {
    beast::error_code result;
    stream_.expires_after(patience_);
    start([&](beast::error_code code, const auto&...) { result = code; });
    context_.restart();
    context_.run();
    return result;
  }

  const std::chrono::milliseconds patience_;
  asio::io_context context_{1};
  beast::tcp_stream stream_{context_};
  beast::flat_buffer buffer_;
  bool is_open_ = false;
};

HttpConnection::HttpConnection(std::chrono::milliseconds patience) : stream_(std::make_unique<Stream>(patience)) {}
HttpConnection::~HttpConnection() = default;

Result<void> HttpConnection::connect(const std::string& host, const std::string& port) {
  if (const auto code = stream_->connect(host, port)) return make_error(ErrorCode::unavailable, "{}", code.message());
  return {};
}

Result<HttpReply> HttpConnection::exchange(const HttpRequest& request, const std::string& authority) {
  HttpReply reply;
  if (const auto code = stream_->exchange(request, authority, reply))
    return make_error(ErrorCode::unavailable, "{}", code.message());
  return reply;
}

bool HttpConnection::is_open() const {
  return stream_->is_open();
}

}  // namespace ngforge
