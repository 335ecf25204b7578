// SPDX-License-Identifier: Apache-2.0
// All of Boost.Asio and Beast is in this file: it is slow to compile. g++ 12 miscompiles some coroutine expressions
// (braced aggregates and conditionals inside a co_await's arguments): values are named first.
#include "server/server.h"

#include <chrono>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace ngforge {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using Stream = beast::tcp_stream;

constexpr std::uint64_t kPieceBytes = 256 * 1024;
constexpr std::uint32_t kHeaderLimit = 16 * 1024;
constexpr std::uint64_t kBodyLimit = 1024 * 1024;  // bodies are read and dropped
constexpr auto kEventInterval = std::chrono::seconds(20);

// Runs blocking work on the pool and comes back to the coroutine's own thread.
template <class T>
asio::awaitable<std::shared_ptr<T>> on_pool(asio::thread_pool& pool, std::function<T()> work) {
  auto executor = co_await asio::this_coro::executor;
  auto initiate = [&pool, executor, work = std::move(work)](auto handler) mutable {
    asio::post(pool, [executor, work = std::move(work), handler = std::move(handler)]() mutable {
      auto value = std::make_shared<T>(work());
      asio::post(executor, [handler = std::move(handler), value = std::move(value)]() mutable {
        std::move(handler)(std::move(value));
      });
    });
  };
  auto result = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::shared_ptr<T>)>(
      std::move(initiate), asio::use_awaitable);
  co_return result;
}

class Server final : public HttpServer {
 public:
  explicit Server(const ServerOptions& options)
      : options_(options),
        context_(options.io_threads),
        acceptor_(context_),
        pool_(static_cast<std::size_t>(options.store_threads)) {}

  ~Server() override {
    context_.stop();
    threads_.clear();
    pool_.join();
  }

  Result<void> listen() {
    beast::error_code code;
    const auto address = asio::ip::make_address(options_.bind, code);
    if (code)
      return make_error(ErrorCode::invalid_argument, "--bind: expected an IP address, found \"{}\"", options_.bind);
    for (int port = options_.port;; ++port) {
      const Tcp::endpoint endpoint(address, static_cast<std::uint16_t>(port));
      acceptor_.open(endpoint.protocol(), code);
      if (!code) acceptor_.set_option(asio::socket_base::reuse_address(true), code);
      if (!code) acceptor_.bind(endpoint, code);
      if (!code) acceptor_.listen(asio::socket_base::max_listen_connections, code);
      if (!code) return {};
      acceptor_.close();
      const bool is_taken = code == asio::error::address_in_use;
      if (is_taken && options_.takes_next_port && port < options_.port + 100 && port < 65535) continue;
      const ErrorCode kind = code == asio::error::access_denied ? ErrorCode::permission : ErrorCode::unavailable;
      return make_error(kind, "{}:{}: cannot be listened on: {}", options_.bind, port, code.message())
          .with_hint("choose another port with --port");
    }
  }

  std::string url() const override {
    const auto endpoint = acceptor_.local_endpoint();
    const auto address = endpoint.address();
    const std::string host = address.is_unspecified() ? "127.0.0.1"
                             : address.is_v6()        ? "[" + address.to_string() + "]"
                                                      : address.to_string();
    return fmt::format("http://{}:{}", host, endpoint.port());
  }

  void serve(Site site) override {
    site_ = std::move(site);
    site_.checks_host = acceptor_.local_endpoint().address().is_loopback();
    asio::co_spawn(context_, accept(), asio::detached);
    for (int i = 0; i < options_.io_threads; ++i) threads_.emplace_back([this] { context_.run(); });
  }

 private:
  asio::awaitable<void> accept() {
    while (true) {
      beast::error_code code;
      auto token = asio::redirect_error(asio::use_awaitable, code);
      // A strand per connection: its coroutine never runs on two threads.
      Tcp::socket socket = co_await acceptor_.async_accept(asio::make_strand(context_), token);
      if (code == asio::error::operation_aborted) co_return;
      if (code) {  // out of descriptors: others will end
        asio::steady_timer timer(context_);
        timer.expires_after(std::chrono::milliseconds(50));
        co_await timer.async_wait(token);
        continue;
      }
      auto executor = socket.get_executor();
      auto session = connection(Stream(std::move(socket)));
      asio::co_spawn(executor, std::move(session), asio::detached);
    }
  }

  asio::awaitable<void> connection(Stream stream) {
    beast::flat_buffer buffer(kHeaderLimit + kBodyLimit);
    bool is_first = true, goes_on = true;
    while (goes_on) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(kHeaderLimit);
      parser.body_limit(kBodyLimit);
      beast::error_code code;
      auto token = asio::redirect_error(asio::use_awaitable, code);
      stream.expires_after(std::chrono::seconds(is_first ? options_.request_seconds : options_.idle_seconds));
      is_first = false;
      co_await http::async_read(stream, buffer, parser, token);
      if (code == http::error::end_of_stream || code == asio::error::connection_reset || code == beast::error::timeout)
        break;
      if (code) {
        co_await refuse(stream, code);
        break;
      }
      goes_on = co_await respond(stream, parser.release());
    }
    beast::error_code ignored;
    stream.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  }

  asio::awaitable<void> refuse(Stream& stream, beast::error_code reason) {
    const bool is_large = reason == http::error::header_limit || reason == http::error::body_limit;
    http::response<http::string_body> response(
        is_large ? http::status::request_header_fields_too_large : http::status::bad_request, 11);
    response.set("Access-Control-Allow-Origin", "*");
    response.set(http::field::content_type, "text/plain; charset=utf-8");
    response.body() = is_large ? "the request is too large\n" : "not an HTTP request\n";
    response.keep_alive(false);
    response.prepare_payload();
    beast::error_code code;
    auto token = asio::redirect_error(asio::use_awaitable, code);
    stream.expires_after(std::chrono::seconds(options_.write_seconds));
    co_await http::async_write(stream, response, token);
  }

  // True when the connection can take another request.
  asio::awaitable<bool> respond(Stream& stream, http::request<http::string_body> received) {
    HttpRequest request;
    request.method = std::string(received.method_string());
    request.target = std::string(received.target());
    const std::pair<http::field, std::string*> fields[] = {{http::field::host, &request.host},
                                                           {http::field::range, &request.range},
                                                           {http::field::if_range, &request.if_range},
                                                           {http::field::if_none_match, &request.if_none_match},
                                                           {http::field::accept_encoding, &request.accept_encoding}};
    for (const auto& [field, value] : fields) *value = std::string(received[field]);
    const unsigned version = received.version();
    const bool keeps_alive = received.keep_alive();
    std::function<HttpAnswer()> work = [this, request] { return site_.answer(request); };
    const auto answer = co_await on_pool<HttpAnswer>(pool_, std::move(work));

    http::response<http::buffer_body> response(static_cast<http::status>(answer->status), version);
    for (const auto& [name, value] : answer->headers) response.insert(name, value);
    response.set(http::field::server, "ngforge");
    response.keep_alive(keeps_alive && !answer->is_event_stream);
    const bool has_length = !answer->is_event_stream && answer->status != 204 && answer->status != 304;
    if (has_length) response.content_length(answer->length);
    response.body().data = nullptr;
    response.body().more = true;
    beast::error_code code;
    auto token = asio::redirect_error(asio::use_awaitable, code);
    http::response_serializer<http::buffer_body> serializer(response);
    stream.expires_after(std::chrono::seconds(options_.write_seconds));
    co_await http::async_write_header(stream, serializer, token);
    if (code) co_return false;
    if (answer->is_event_stream) {
      co_await keep_silent_stream(stream);
      co_return false;
    }
    if (!answer->body.empty()) {
      const auto body = asio::buffer(answer->body.data(), answer->body.size());
      co_await asio::async_write(stream, body, token);
      co_return !code && keeps_alive;
    }
    if (answer->stream_store != nullptr && request.method != "HEAD") {
      const bool is_whole = co_await send_pieces(stream, *answer);
      co_return is_whole&& keeps_alive;
    }
    co_return keeps_alive;
  }

  // Reads and sends a piece at a time: a slow reader holds one piece, whatever the size of the value.
  asio::awaitable<bool> send_pieces(Stream& stream, const HttpAnswer& answer) {
    for (std::uint64_t sent = 0; sent < answer.length;) {
      const ByteRange range{answer.stream_offset + sent, std::min(kPieceBytes, answer.length - sent)};
      std::function<Result<Bytes>()> work = [store = answer.stream_store, key = answer.stream_key, range] {
        return store->get_range(key, range);
      };
      const auto piece = co_await on_pool<Result<Bytes>>(pool_, std::move(work));
      if (!piece->has_value()) co_return false;  // the length is promised already: only closing tells the client
      beast::error_code code;
      auto token = asio::redirect_error(asio::use_awaitable, code);
      const auto body = asio::buffer((*piece)->data(), (*piece)->size());
      stream.expires_after(std::chrono::seconds(options_.write_seconds));
      co_await asio::async_write(stream, body, token);
      if (code) co_return false;
      sent += range.length;
    }
    co_return true;
  }

  // The viewer's client wants an event stream; there is nothing to tell it. Comments keep proxies from closing it.
  asio::awaitable<void> keep_silent_stream(Stream& stream) {
    static constexpr std::string_view kComment = ": still here\n\n";
    beast::error_code code;
    auto token = asio::redirect_error(asio::use_awaitable, code);
    asio::steady_timer timer(stream.get_executor());
    while (!code) {
      stream.expires_after(std::chrono::seconds(options_.write_seconds));
      const auto body = asio::buffer(kComment.data(), kComment.size());
      co_await asio::async_write(stream, body, token);
      if (code) break;
      stream.expires_never();
      timer.expires_after(kEventInterval);
      co_await timer.async_wait(token);
    }
  }

  const ServerOptions options_;
  Site site_;
  asio::io_context context_;
  Tcp::acceptor acceptor_;
  asio::thread_pool pool_;
  std::vector<std::jthread> threads_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const ServerOptions& options) {
  auto server = std::make_unique<Server>(options);
  NGFORGE_CHECK(server->listen());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace ngforge
