// SPDX-License-Identifier: Apache-2.0
// The server over real sockets: connections, limits and ends. What it answers is tested in answer_test.cpp.
#include "server/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kLargeBytes = 32 << 20;

std::byte byte_at(std::uint64_t offset) {
  return static_cast<std::byte>((offset * 2654435761u) >> 13);
}

// "large": many megabytes. "cut": promises as many, but only the first megabyte can be read. "slow" and all
// in the folder "slow/": come when release() is called.
class TestStore final : public Store {
 public:
  std::string describe() const override { return "test"; }
  Result<ObjectInfo> stat(const std::string& key) override {
    if (key.starts_with("slow")) {
      ++waiting_;
      std::unique_lock lock(mutex_);
      released_.wait(lock, [&] { return is_released_; });
      return ObjectInfo{4, "s", ""};
    }
    if (key == "large" || key == "cut") return ObjectInfo{kLargeBytes, "l", ""};
    return make_error(ErrorCode::not_found, "{}: no such key", key);
  }
  Result<Bytes> get(const std::string&) override { return Bytes(4); }
  Result<Bytes> get_range(const std::string& key, ByteRange range) override {
    if (key == "cut" && range.offset >= 1 << 20) return make_error(ErrorCode::io, "cut");
    largest_range_ = std::max(largest_range_.load(), range.length);
    Bytes bytes(range.length);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_at(range.offset + i);
    return bytes;
  }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>{"large"}; }
  Result<void> put(const std::string&, std::span<const std::byte>) override {
    return make_error(ErrorCode::unsupported, "no");
  }

  void release() {
    const std::lock_guard lock(mutex_);
    is_released_ = true;
    released_.notify_all();
  }
  int waiting() const { return waiting_; }
  std::uint64_t largest_range() const { return largest_range_; }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  bool is_released_ = false;
  std::atomic<int> waiting_ = 0;
  std::atomic<std::uint64_t> largest_range_ = 0;
};

class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const int small = 65536;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    const timeval limit{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  Client(const Client&) = delete;
  ~Client() { ::close(socket_); }

  void send(const std::string& text) const {
    EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  void ask(const std::string& target, const std::string& headers = "") const {
    send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  }
  // All that comes until the server closes or `size` bytes are there.
  std::string receive(std::size_t size = SIZE_MAX) const {
    std::string text;
    std::vector<char> piece(1 << 16);
    while (text.size() < size) {
      const auto count = ::recv(socket_, piece.data(), std::min(piece.size(), size - text.size()), 0);
      if (count <= 0) break;
      text.append(piece.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  std::string receive_head() const {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
      const std::string c = receive(1);
      if (c.empty()) break;
      head += c;
    }
    return head;
  }

 private:
  const int socket_;
};

class ServerTest : public ::testing::Test {
 protected:
  void start(ServerOptions options = {}) {
    options.port = 0;
    auto server = HttpServer::listen(options);
    ASSERT_TRUE(server.has_value()) << server.error().message;
    server_ = std::move(*server);
    Site site;
    site.mounts.push_back({"/data/", store_, ""});
    if (files_ != nullptr) site.mounts.push_back({"/files/", files_, ""});
    site.pages.push_back({"/", "text/plain", [](const std::string& url) { return url; }});
    server_->serve(std::move(site));
    const std::string url = server_->url();
    EXPECT_THAT(url, StartsWith("http://127.0.0.1:"));
    port_ = std::stoi(url.substr(url.rfind(':') + 1));
  }

  std::shared_ptr<TestStore> store_ = std::make_shared<TestStore>();
  std::shared_ptr<Store> files_;
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

TEST_F(ServerTest, AnswersOneAfterTheOther) {
  start();
  const Client client(port_);
  client.send("GET / HTTP/1.1\r\nHost: localhost:1\r\n\r\nHEAD /data/large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  client.ask("/none", "Connection: close\r\n");
  const std::string text = client.receive();
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(text, HasSubstr("Connection: keep-alive\r\n\r\nhttp://localhost:1HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(text, HasSubstr("Content-Length: 33554432\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(text, HasSubstr("Connection: close\r\n\r\n"));
}

TEST_F(ServerTest, SendsLargeValuesInPieces) {
  start();
  const Client client(port_);
  client.ask("/data/large", "Range: bytes=1000001-\r\nConnection: close\r\n");
  EXPECT_THAT(client.receive_head(), StartsWith("HTTP/1.1 206 "));
  const std::string body = client.receive();
  ASSERT_EQ(body.size(), kLargeBytes - 1000001);
  for (std::size_t i = 0; i < body.size(); ++i)
    ASSERT_EQ(static_cast<std::byte>(body[i]), byte_at(1000001 + i)) << "byte " << i;
  EXPECT_LE(store_->largest_range(), 256u * 1024);
}

// A folder with a large file.
class ServedFiles : public ServerTest {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ngforge-served-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    files_ = *open_store(folder_.string());
    Bytes bytes(kLargeBytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_at(i);
    ASSERT_TRUE(files_->put("file", bytes));
    start();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(ServedFiles, AreSentWholeAndInParts) {
  const Client client(port_);
  client.ask("/files/file", "Range: bytes=1000001-1000100\r\n");
  EXPECT_THAT(client.receive_head(), HasSubstr("Content-Range: bytes 1000001-1000100/33554432\r\n"));
  EXPECT_EQ(static_cast<std::byte>(client.receive(100)[99]), byte_at(1000100));
  client.ask("/files/file", "Connection: close\r\n");
  EXPECT_THAT(client.receive_head(), StartsWith("HTTP/1.1 200 "));
  const std::string body = client.receive();
  ASSERT_EQ(body.size(), kLargeBytes);
  for (std::size_t i = 0; i < body.size(); ++i) ASSERT_EQ(static_cast<std::byte>(body[i]), byte_at(i)) << "byte " << i;
}

TEST_F(ServedFiles, ThatShrinkOnTheirWayEndTheConnection) {
  const Client client(port_);
  client.ask("/files/file");
  EXPECT_THAT(client.receive_head(), HasSubstr("Content-Length: 33554432\r\n"));
  std::filesystem::resize_file(folder_ / "file", 20 << 20);
  EXPECT_LT(client.receive().size(), kLargeBytes);
}

TEST_F(ServedFiles, ClientsThatReadNothingAreCutOff) {
  ServerOptions options;
  options.write_seconds = 1;
  start(options);
  const Client client(port_);
  client.ask("/files/file");
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  EXPECT_LT(client.receive().size(), kLargeBytes);
}

TEST_F(ServedFiles, ClientsThatLeaveDoNotEndTheServer) {
  for (int i = 0; i < 20; ++i) {
    const Client client(port_);
    client.ask("/files/file");
    EXPECT_THAT(client.receive_head(), StartsWith("HTTP/1.1 200 "));
  }
  const Client client(port_);
  client.ask("/files/file", "Range: bytes=0-0\r\n");
  EXPECT_THAT(client.receive_head(), StartsWith("HTTP/1.1 206 "));
}

TEST_F(ServerTest, AValueThatFailsOnItsWayEndsTheConnection) {
  start();
  const Client client(port_);
  client.ask("/data/cut");
  EXPECT_THAT(client.receive_head(), HasSubstr("Content-Length: 33554432\r\n"));
  EXPECT_EQ(client.receive().size(), std::size_t{1} << 20);
}

TEST_F(ServerTest, ClientsThatSendSlowlyAreCutOff) {
  ServerOptions options;
  options.request_seconds = 1;
  start(options);
  const Client client(port_);
  client.send("GET / HTTP/1.1\r\nHo");
  const auto begin = Clock::now();
  EXPECT_EQ(client.receive(), "");
  EXPECT_GT(seconds_since(begin), 0.5);
  EXPECT_LT(seconds_since(begin), 10);
}

TEST_F(ServerTest, SilentConnectionsEnd) {
  ServerOptions options;
  options.idle_seconds = 1;
  start(options);
  const Client silent(port_), used(port_);
  used.ask("/");
  EXPECT_THAT(used.receive(), EndsWith("http://localhost"));
  EXPECT_EQ(silent.receive(), "");
}

TEST_F(ServerTest, ClientsThatReadNothingAreCutOff) {
  ServerOptions options;
  options.write_seconds = 1;
  start(options);
  const Client client(port_);
  client.ask("/data/large");
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  EXPECT_LT(client.receive().size(), kLargeBytes / 2) << "what was on its way";
}

TEST_F(ServerTest, ManyClientsAtOnce) {
  ServerOptions options;
  options.io_threads = 2;
  start(options);
  std::atomic<int> good = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 24; ++i)
    threads.emplace_back([&, i] {
      const Client client(port_);
      for (int k = 0; k < 10; ++k) {
        const std::uint64_t offset = static_cast<std::uint64_t>(i * 1000 + k);
        client.ask("/data/large", fmt::format("Range: bytes={}-{}\r\n", offset, offset + 299'999));
        client.receive_head();
        const std::string body = client.receive(300'000);
        if (body.size() == 300'000 && static_cast<std::byte>(body.front()) == byte_at(offset) &&
            static_cast<std::byte>(body.back()) == byte_at(offset + 299'999))
          ++good;
      }
    });
  threads.clear();
  EXPECT_EQ(good, 240);
}

TEST_F(ServerTest, EndsWhileRequestsWait) {
  ServerOptions options;
  options.store_threads = 2;
  start(options);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<Client>(port_));
    clients.back()->ask(i < 4 ? "/data/slow" : "/data/large");
  }
  while (store_->waiting() < 2) std::this_thread::yield();
  std::jthread releaser([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    store_->release();
  });
  const auto begin = Clock::now();
  server_.reset();
  EXPECT_LT(seconds_since(begin), 5);
  EXPECT_EQ(store_->waiting(), 2) << "what had not begun is dropped";
  for (const auto& client : clients) client->receive();  // all are closed
}

TEST_F(ServerTest, WhatWaitsLetsOthersPass) {
  ServerOptions options;
  options.store_threads = 2;
  start(options);
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 6; ++i) {
    waiting.push_back(std::make_unique<Client>(port_));
    waiting.back()->ask("/data/slow/chunk");
  }
  while (store_->waiting() < 2) std::this_thread::yield();
  const Client other(port_);
  for (const char* target : {"/", "/data/cut"}) {
    other.send(std::string("HEAD ") + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_THAT(other.receive_head(), StartsWith("HTTP/1.1 200 ")) << target;
  }
  waiting.clear();
  const Client last(port_);
  last.ask("/data/slow/chunk");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // what is not wanted any more is in the queue before it
  store_->release();
  EXPECT_THAT(last.receive_head(), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(store_->waiting(), 3) << "what had not begun is dropped";
}

TEST_F(ServerTest, TooManyThatWaitAreToldToComeAgain) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{128, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  ServerOptions options;
  options.io_threads = 1;  // takes requests in the order in which they come
  options.store_threads = 1;
  start(options);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 25; ++i) {  // one runs, 128 * 3 / 4 / 4 = 24 wait
    waiting.push_back(std::make_unique<Client>(port_));
    waiting.back()->ask("/data/slow/chunk");
    while (store_->waiting() < 1) std::this_thread::yield();
  }
  const Client refused(port_);
  refused.ask("/data/slow/chunk");
  const std::string head = refused.receive_head();
  EXPECT_THAT(head, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(head, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_THAT(head, HasSubstr("Access-Control-Allow-Origin: *\r\n"));
  waiting.erase(waiting.begin() + 5, waiting.end());
  const Client taken(port_);
  taken.ask("/data/slow/chunk");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  store_->release();
  EXPECT_THAT(taken.receive_head(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, BodiesAreDropped) {
  start();
  const Client client(port_);
  client.send("POST /state/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" +
              std::string(1'000'000, 'x'));
  EXPECT_THAT(client.receive_head(), StartsWith("HTTP/1.1 204 "));
  client.send("POST /state/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n");
  EXPECT_THAT(client.receive_head(), StartsWith("HTTP/1.1 204 "));
  client.ask("/", "Connection: close\r\n");
  EXPECT_THAT(client.receive(), EndsWith("http://localhost"));
}

TEST_F(ServerTest, RefusesWhatIsNoRequest) {
  start();
  const std::pair<std::string, std::string> cases[] = {
      {"\x16\x03\x01\x02", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n", "HTTP/1.1 431 "},
      {"POST / HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n", "HTTP/1.1 413 "}};
  for (const auto& [text, status] : cases) {
    const Client client(port_);
    client.send(text);
    const std::string answer = client.receive();
    EXPECT_THAT(answer, StartsWith(status));
    EXPECT_THAT(answer, HasSubstr("Access-Control-Allow-Origin: *\r\n"));
  }
}

TEST(Listen, SaysWhatIsWrong) {
  ServerOptions options;
  options.bind = "not an address";
  EXPECT_EQ(HttpServer::listen(options).error().code, ErrorCode::invalid_argument);
  options.bind = "127.0.0.1";
  options.port = 0;
  const auto first = HttpServer::listen(options);
  ASSERT_TRUE(first.has_value());
  const std::string url = (*first)->url();
  options.port = std::stoi(url.substr(url.rfind(':') + 1));
  const auto next = HttpServer::listen(options);
  ASSERT_TRUE(next.has_value());
  EXPECT_NE((*next)->url(), url);
  options.takes_next_port = false;
  EXPECT_EQ(HttpServer::listen(options).error().code, ErrorCode::unavailable);
}

TEST(Listen, OnIpv6) {
  ServerOptions options;
  options.bind = "::1";
  options.port = 0;
  const auto server = HttpServer::listen(options);
  if (server) {
    EXPECT_THAT((*server)->url(), StartsWith("http://[::1]:"));
    return;
  }
  // A machine without IPv6 is told so, and not by a crash.
  EXPECT_EQ(server.error().code, ErrorCode::unavailable);
  EXPECT_THAT(server.error().message, StartsWith("::1:"));
}

}  // namespace
}  // namespace ngforge
