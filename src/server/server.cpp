// SPDX-License-Identifier: Apache-2.0
// All of Boost.Asio and Beast is in this file: it is slow to compile. g++ 12 miscompiles some coroutine expressions
// (braced aggregates and conditionals inside a co_await's arguments): values are named first.
#include "server/server.h"

#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <exception>
#include <functional>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "server/lanes.h"

namespace ngforge {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using Stream = beast::tcp_stream;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kHeaderLimit = 16 * 1024;
constexpr std::uint64_t kBodyLimit = 1024 * 1024;  // bodies are dropped as they come
constexpr std::size_t kFirstBytes = 4096, kBufferBytes = kHeaderLimit + 2 * kFirstBytes;
constexpr int kRefuseSeconds = 5;
// What all answers together may hold in memory while they are sent: a chunk each for a thousand slow readers. Small
// ones are sent even then.
constexpr std::size_t kMostHeldBytes = 256 << 20, kSmallBytes = 16 * 1024;
constexpr auto kHeldPause = std::chrono::milliseconds(50);
constexpr auto kAcceptPause = std::chrono::milliseconds(50);
constexpr auto kEventInterval = std::chrono::seconds(20);

// The status line and header of an answer, with the empty line.
std::string head_of(const HttpAnswer& answer, bool keeps_alive) {
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(answer.status)));
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\nServer: ngforge\r\n",
                                 answer.status, std::string_view(reason), fmt::gmtime(now));
  for (const auto& [name, value] : answer.headers) {
    head += name;
    head += ": ";
    // Tags come from stores: nothing in them may end the line.
    for (const char c : value)
      if (static_cast<unsigned char>(c) >= ' ') head += c;
    head += "\r\n";
  }
  if (!answer.is_event_stream && answer.knows_length && answer.status != 204 && answer.status != 304)
    head += fmt::format("Content-Length: {}\r\n", answer.length);
  return head + (keeps_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
}

Result<Bytes> read_piece(Store& store, const std::string& key, ByteRange range) {
  try {
    return store.get_range(key, range);
  } catch (const std::exception& error) {
    return make_error(ErrorCode::internal, "{}: unexpected: {}", key, error.what());
  }
}

// Most connections at a time, and most files that are open because slow readers get them: most of the descriptors that
// the process may have. Stores need the rest.
struct DescriptorLimits {
  std::size_t connections = 256, files = 32;
};

DescriptorLimits descriptor_limits() {
  constexpr std::size_t kMost = 10'000;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
  return {std::clamp<std::size_t>(limit.rlim_cur / 4 * 3, 1, kMost), std::min<std::size_t>(limit.rlim_cur / 8, kMost)};
}

// Whether the client has closed the connection (or its half of it).
bool has_left(int socket) {
  char byte = 0;
  const auto count = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

// Runs blocking work, which must not throw, in a lane and comes back to the coroutine's own executor. Null when the
// client left before the work's turn came. `stream` must be the coroutine's own, so that it outlives the job.
template <class T>
asio::awaitable<std::shared_ptr<T>> in_lane(Lanes& lanes, const std::string& lane, Stream& stream,
                                            std::function<T()> work) {
  auto executor = co_await asio::this_coro::executor;
  const int socket = stream.socket().native_handle();
  auto initiate = [&lanes, &lane, socket, executor, work = std::move(work)](auto handler) mutable {
    const auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    const auto finish = [executor, shared](std::shared_ptr<T> value) {
      asio::post(executor, [shared, value = std::move(value)]() mutable { std::move (*shared)(std::move(value)); });
    };
    Lanes::Job job;
    job.work = [finish, work = std::move(work)] { finish(std::make_shared<T>(work())); };
    job.drop = [finish] { finish(nullptr); };
    job.is_wanted = [socket] { return !has_left(socket); };
    lanes.submit(lane, std::move(job));
  };
  auto result = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::shared_ptr<T>)>(
      std::move(initiate), asio::use_awaitable);
  co_return result;
}

// So many more, as long as it lives.
class Counted {
 public:
  explicit Counted(std::atomic<std::size_t>& count, std::size_t number = 1) : count_(count), number_(number) {
    count_ += number_;
  }
  Counted(const Counted&) = delete;
  ~Counted() { count_ -= number_; }

 private:
  std::atomic<std::size_t>& count_;
  const std::size_t number_;
};

class Server final : public HttpServer {
 public:
  explicit Server(const ServerOptions& options)
      : options_(options),
        context_(options.io_threads),
        acceptor_(context_),
        lanes_(options.store_threads, std::max<std::size_t>(limits_.connections / 4, 8)) {}

  ~Server() override {
    context_.stop();
    threads_.clear();
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
    const std::string host = address.is_unspecified() ? "127.0.0.1" : address.to_string();
    const char* form = address.is_v6() && !address.is_unspecified() ? "http://[{}]:{}" : "http://{}:{}";
    return fmt::format(fmt::runtime(form), host, endpoint.port());
  }

  void serve(Site site) override {
    site_ = std::move(site);
    site_.checks_host = acceptor_.local_endpoint().address().is_loopback();
    site_.url = url();
    asio::co_spawn(context_, accept(), asio::detached);
    for (int i = 0; i < options_.io_threads; ++i)
      threads_.emplace_back([this] {
        // sendfile(2) sends it when the client has gone, and cannot be told not to.
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
        context_.run();
      });
  }

 private:
  asio::awaitable<void> accept() {
    while (true) {
      beast::error_code code;
      auto token = asio::redirect_error(asio::use_awaitable, code);
      // Stores need descriptors too: what is beyond the limit waits in the kernel's queue.
      while (connections_ >= limits_.connections) {
        lanes_.drop_unwanted();
        co_await pause(kAcceptPause);
      }
      // A strand per connection: its coroutine never runs on two threads.
      Tcp::socket socket = co_await acceptor_.async_accept(asio::make_strand(context_), token);
      if (code == asio::error::operation_aborted) co_return;
      if (code) {  // out of descriptors after all: others will end
        co_await pause(kAcceptPause);
        continue;
      }
      auto executor = socket.get_executor();
      auto session = connection(Stream(std::move(socket)));
      ++connections_;
      // A connection that fails (no memory, say) ends alone.
      asio::co_spawn(executor, std::move(session), [this](const std::exception_ptr&) { --connections_; });
    }
  }

  asio::awaitable<void> pause(std::chrono::milliseconds duration) {
    asio::steady_timer timer(context_);
    timer.expires_after(duration);
    beast::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer.async_wait(token);
  }

  asio::awaitable<void> connection(Stream stream) {
    beast::error_code ignored;
    stream.socket().set_option(Tcp::no_delay(true), ignored);
    stream.socket().native_non_blocking(true, ignored);
    beast::flat_buffer buffer(kBufferBytes);
    bool goes_on = true;
    while (goes_on) {
      if (buffer.size() == 0) {
        const bool is_request = co_await begins(stream, buffer);
        if (!is_request) break;
      }
      http::request_parser<http::buffer_body> parser;
      parser.header_limit(kHeaderLimit);
      parser.body_limit(kBodyLimit);
      const beast::error_code code = co_await receive(stream, buffer, parser);
      if (code) {
        // Else the connection is lost or the client too slow.
        if (code.category() == make_error_code(http::error::bad_target).category()) co_await refuse(stream, code);
        break;
      }
      goes_on = co_await respond(stream, parser.get());
    }
    stream.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  }

  // Reads a request whole and drops its body.
  asio::awaitable<beast::error_code> receive(Stream& stream, beast::flat_buffer& buffer,
                                             http::request_parser<http::buffer_body>& parser) {
    std::array<char, kFirstBytes> dropped;
    beast::error_code code;
    auto token = asio::redirect_error(asio::use_awaitable, code);
    stream.expires_after(std::chrono::seconds(options_.request_seconds));
    co_await http::async_read_header(stream, buffer, parser, token);
    while (!code && !parser.is_done()) {
      parser.get().body().data = dropped.data();
      parser.get().body().size = dropped.size();
      co_await http::async_read(stream, buffer, parser, token);
      if (code == http::error::need_buffer) code = {};
    }
    co_return code;
  }

  // Waits for the first bytes of a request. False when none come.
  asio::awaitable<bool> begins(Stream& stream, beast::flat_buffer& buffer) {
    beast::error_code code;
    auto token = asio::redirect_error(asio::use_awaitable, code);
    stream.expires_after(std::chrono::seconds(options_.idle_seconds));
    const auto space = buffer.prepare(kFirstBytes);
    const std::size_t count = co_await stream.async_read_some(space, token);
    buffer.commit(count);
    co_return !code;
  }

  // Sends an answer and no more: the connection ends.
  asio::awaitable<void> refuse(Stream& stream, beast::error_code reason) {
    HttpAnswer answer;
    answer.status = reason == http::error::header_limit ? 431 : reason == http::error::body_limit ? 413 : 400;
    answer.headers = {{"Access-Control-Allow-Origin", "*"}, {"Content-Type", "text/plain; charset=utf-8"}};
    const std::string_view text = answer.status == 400 ? "not an HTTP request\n" : "the request is too large\n";
    answer.length = text.size();
    const std::string sent = head_of(answer, false).append(text);
    beast::error_code code;
    auto token = asio::redirect_error(asio::use_awaitable, code);
    stream.expires_after(std::chrono::seconds(kRefuseSeconds));
    co_await asio::async_write(stream, asio::buffer(sent), token);
    // Closing while the client still sends would take the answer from it.
    stream.socket().shutdown(Tcp::socket::shutdown_send, code);
    std::vector<char> dropped(kFirstBytes);
    const auto space = asio::buffer(dropped);
    for (std::size_t total = 0; !code && total < kBodyLimit;) total += co_await stream.async_read_some(space, token);
  }

  // True when the connection can take another request.
  asio::awaitable<bool> respond(Stream& stream, const http::request<http::buffer_body>& received) {
    HttpRequest request;
    request.method = std::string(received.method_string());
    request.target = std::string(received.target());
    const std::pair<http::field, std::string*> fields[] = {{http::field::host, &request.host},
                                                           {http::field::range, &request.range},
                                                           {http::field::if_range, &request.if_range},
                                                           {http::field::if_none_match, &request.if_none_match},
                                                           {http::field::accept_encoding, &request.accept_encoding}};
    for (const auto& [field, value] : fields) *value = std::string(received[field]);
    std::optional<HttpAnswer> ready;
    if (files_ < limits_.files) ready = site_.answer_now(request);
    if (!ready) {
      const auto made = co_await answer_in_lane(stream, request);
      if (made == nullptr) co_return false;
      ready = std::move(*made);
    }
    const Counted held(held_bytes_, ready->body.size());
    if (held_bytes_ > kMostHeldBytes && ready->body.size() > kSmallBytes) ready = busy_answer();
    const HttpAnswer& answer = *ready;

    const bool keeps_alive = received.keep_alive() && !answer.is_event_stream;
    const std::string head = head_of(answer, keeps_alive);
    if (answer.file != nullptr) {
      const Counted counted(files_);
      const bool is_whole = co_await send_file(stream, request, head, answer);
      co_return is_whole&& keeps_alive;
    }
    const std::array<asio::const_buffer, 2> sent{asio::buffer(head), asio::buffer(answer.body)};
    beast::error_code code;
    auto token = asio::redirect_error(asio::use_awaitable, code);
    stream.expires_after(std::chrono::seconds(options_.write_seconds));
    co_await asio::async_write(stream, sent, token);
    if (code) co_return false;
    if (answer.is_event_stream) {
      co_await keep_silent_stream(stream);
      co_return false;
    }
    if (answer.stream_store == nullptr || request.method == "HEAD") co_return keeps_alive;
    const bool is_whole = co_await send_pieces(stream, request, answer);
    co_return is_whole&& keeps_alive;
  }

  // Null when the client has left.
  asio::awaitable<std::shared_ptr<HttpAnswer>> answer_in_lane(Stream& stream, const HttpRequest& request) {
    const std::string lane = site_.lane(request);
    if (!lanes_.has_room(lane)) co_return std::make_shared<HttpAnswer>(busy_answer());
    std::function<HttpAnswer()> work = [this, request] { return site_.answer(request); };
    co_return co_await in_lane<HttpAnswer>(lanes_, lane, stream, std::move(work));
  }

  // Sends a head and the part of a file behind it from the system's memory, not by ours: a slow reader holds none.
  asio::awaitable<bool> send_file(Stream& stream, const HttpRequest& request, std::string_view head,
                                  const HttpAnswer& answer) {
    const int socket = stream.socket().native_handle();
    beast::error_code code;
    auto token = asio::redirect_error(asio::use_awaitable, code);
    stream.expires_after(std::chrono::seconds(options_.write_seconds));
    // With MSG_MORE the head goes out together with what follows.
    const auto taken = ::send(socket, head.data(), head.size(), MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
    head.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(taken, 0)));
    if (!head.empty()) {
      const auto rest = asio::buffer(head.data(), head.size());
      co_await asio::async_write(stream, rest, token);
      if (code) co_return false;
    }
    for (std::uint64_t sent = 0; sent < answer.length;) {
      const ByteRange piece{answer.stream_offset + sent, std::min(kPieceBytes, answer.length - sent)};
      if (sent > 0) {
        const bool is_there = co_await bring_in(stream, request, *answer.file, piece);
        if (!is_there) co_return false;
      }
      const bool is_sent = co_await send_piece(stream, answer.file->descriptor(), piece);
      if (!is_sent) co_return false;
      sent += piece.length;
    }
    co_return true;
  }

  // Between two pieces: others have their turn, and a disk is waited for elsewhere. False when it cannot be read.
  asio::awaitable<bool> bring_in(Stream& stream, const HttpRequest& request, const OpenFile& file, ByteRange piece) {
    if (file.is_in_memory(piece)) {
      auto executor = stream.get_executor();
      co_await asio::post(executor, asio::use_awaitable);
      co_return true;
    }
    const std::string lane = site_.lane(request);
    std::function<bool()> work = [&file, piece] { return file.bring_in(piece); };
    const auto is_there = co_await in_lane<bool>(lanes_, lane, stream, std::move(work));
    co_return is_there != nullptr && *is_there;
  }

  asio::awaitable<bool> send_piece(Stream& stream, int file, ByteRange piece) {
    const int socket = stream.socket().native_handle();
    const auto until = Clock::now() + std::chrono::seconds(options_.write_seconds);
    while (piece.length > 0) {
      off_t offset = static_cast<off_t>(piece.offset);
      const auto count = ::sendfile(socket, file, &offset, static_cast<std::size_t>(piece.length));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        const bool is_ready = co_await takes_more(stream, until);
        if (!is_ready) co_return false;
        continue;
      }
      if (count <= 0) co_return false;  // the client has left, or the file was cut
      piece.offset += static_cast<std::uint64_t>(count);
      piece.length -= static_cast<std::uint64_t>(count);
    }
    co_return true;
  }

  // Waits until the client takes more. False when it does not in time.
  asio::awaitable<bool> takes_more(Stream& stream, Clock::time_point until) {
    asio::steady_timer timer(stream.get_executor(), until);
    const auto is_over = std::make_shared<bool>(false);
    // The stream lives at least until the wait is over; both run on its strand.
    timer.async_wait([&stream, is_over](beast::error_code code) {
      beast::error_code ignored;
      if (!code && !*is_over) stream.socket().cancel(ignored);
    });
    beast::error_code code;
    auto token = asio::redirect_error(asio::use_awaitable, code);
    co_await stream.socket().async_wait(Tcp::socket::wait_write, token);
    *is_over = true;
    co_return !code;
  }

  // Reads and sends a piece at a time: a slow reader holds one piece, whatever the size of the value.
  asio::awaitable<bool> send_pieces(Stream& stream, const HttpRequest& request, const HttpAnswer& answer) {
    const std::string lane = site_.lane(request);
    for (std::uint64_t sent = 0; sent < answer.length;) {
      const ByteRange range{answer.stream_offset + sent, std::min(kPieceBytes, answer.length - sent)};
      while (held_bytes_ > kMostHeldBytes) co_await pause(kHeldPause);
      const Counted held(held_bytes_, static_cast<std::size_t>(range.length));
      std::function<Result<Bytes>()> work = [store = answer.stream_store, key = answer.stream_key, range] {
        return read_piece(*store, key, range);
      };
      const auto piece = co_await in_lane<Result<Bytes>>(lanes_, lane, stream, std::move(work));
      // The length is promised already: only closing tells the client.
      if (piece == nullptr || !piece->has_value() || (*piece)->size() != range.length) co_return false;
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
  const DescriptorLimits limits_ = descriptor_limits();
  Site site_;
  std::atomic<std::size_t> connections_ = 0, files_ = 0, held_bytes_ = 0;
  asio::io_context context_;
  Tcp::acceptor acceptor_;
  Lanes lanes_;  // ends before the context: what waits in it are sessions
  std::vector<std::jthread> threads_;
};

}  // namespace

void HttpServer::raise_descriptor_limit() {
  constexpr rlim_t kEnough = 65'536;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kEnough) return;
  limit.rlim_cur = std::min(limit.rlim_max, kEnough);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const ServerOptions& options) {
  auto server = std::make_unique<Server>(options);
  NGFORGE_CHECK(server->listen());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace ngforge
