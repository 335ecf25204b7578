// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/http_connection.h"
#include "store/store.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A server that sends prepared answers, one per request, whatever is asked, and keeps the heads of the requests. An
// empty answer closes the connection; the next request is then expected on another one.
class ScriptedServer {
 public:
  /// `pause`: before each byte of a body, which are then sent one by one.
  explicit ScriptedServer(std::vector<std::string> answers, std::chrono::milliseconds pause = {})
      : answers_(std::move(answers)), pause_(pause) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url(const std::string& path = "/data/a") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::string port() const { return std::to_string(port_); }
  const std::vector<std::string>& requests() const { return requests_; }
  int connections() const { return connections_; }

 private:
  void serve() {
    std::size_t next = 0;
    while (next < answers_.size()) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      ++connections_;
      for (; next < answers_.size() && !answers_[next].empty(); ++next) {
        std::string head;
        char c = 0;
        while (!head.ends_with("\r\n\r\n") && ::recv(client, &c, 1, 0) == 1) head += c;
        if (!head.ends_with("\r\n\r\n")) break;
        requests_.push_back(head);
        send(client, answers_[next]);
      }
      if (next < answers_.size() && answers_[next].empty()) ++next;
      ::close(client);
    }
  }

  void send(int client, const std::string& answer) const {
    const std::size_t slow_from = pause_.count() > 0 ? answer.find("\r\n\r\n") + 4 : answer.size();
    ::send(client, answer.data(), slow_from, MSG_NOSIGNAL);
    for (std::size_t i = slow_from; i < answer.size(); ++i) {
      std::this_thread::sleep_for(pause_);
      if (::send(client, answer.data() + i, 1, MSG_NOSIGNAL) < 0) return;
    }
  }

  const std::vector<std::string> answers_;
  const std::chrono::milliseconds pause_;
  std::vector<std::string> requests_;
  int listener_ = -1, port_ = 0, connections_ = 0;
  std::thread thread_;
};

std::string answer(const std::string& status, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::shared_ptr<Store> open(const ScriptedServer& server) {
  auto store = open_store(server.url());
  EXPECT_TRUE(store.has_value());
  return *store;
}

std::string text_of(const Result<Bytes>& bytes) {
  if (!bytes) return std::string(error_name(bytes.error().code));
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

TEST(HttpStore, AsksForWhatIsWanted) {
  ScriptedServer server({answer("200 OK", "abc"), answer("206 Partial Content", "bc", "Content-Range: bytes 1-2/3\r\n"),
                         "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: \"e1\"\r\nContent-Encoding: gzip\r\n\r\n",
                         answer("404 Not Found", "no"), answer("200 OK", "last")});
  const auto store = open(server);
  EXPECT_EQ(text_of(store->get("s/0-64_0-64_0-64")), "abc");
  EXPECT_EQ(text_of(store->get_range("a b", {1, 2})), "bc");
  const auto info = store->stat("info");
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->size, 3u);
  EXPECT_EQ(info->etag, "e1");
  EXPECT_EQ(info->content_encoding, "gzip");
  EXPECT_EQ(text_of(store->get("none")), "not_found");
  EXPECT_EQ(text_of(store->get("last")), "last");
  EXPECT_EQ(server.connections(), 1) << "kept, after an error too";
  const auto& heads = server.requests();
  ASSERT_EQ(heads.size(), 5u);
  EXPECT_THAT(heads[0], HasSubstr("GET /data/a/s/0-64_0-64_0-64 HTTP/1.1\r\n"));
  EXPECT_THAT(heads[0], HasSubstr("Host: 127.0.0.1:"));
  EXPECT_THAT(heads[1], HasSubstr("GET /data/a/a%20b HTTP/1.1\r\n"));
  EXPECT_THAT(heads[1], HasSubstr("Range: bytes=1-2\r\n"));
  EXPECT_THAT(heads[2], HasSubstr("HEAD /data/a/info HTTP/1.1\r\n"));
}

TEST(HttpStore, LengthsThatHeadDoesNotTellAreCounted) {
  ScriptedServer server({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"});
  const auto info = open(server)->stat("info");
  ASSERT_TRUE(info.has_value()) << info.error().message;
  EXPECT_EQ(info->size, 5u);
}

TEST(HttpStore, PathsAreEncodedAsTyped) {
  const std::pair<std::string, std::string> cases[] = {
      {"/my data/ds", "/my%20data/ds/info"},
      {"/my%20data/100%/", "/my%20data/100%25/info"},
      {"/g\xc3\xbc\"<>[]{}|\\^`#", "/g%C3%BC%22%3C%3E%5B%5D%7B%7D%7C%5C%5E%60%23/info"},
      {"/a-._~!$&'()*+,;=:@b", "/a-._~!$&'()*+,;=:@b/info"}};
  for (const auto& [typed, sent] : cases) {
    ScriptedServer server({answer("200 OK", "{}")});
    const auto store = open_store(server.url(typed));
    ASSERT_TRUE(store.has_value());
    EXPECT_EQ(text_of((*store)->get("info")), "{}");
    ASSERT_EQ(server.requests().size(), 1u);
    EXPECT_THAT(server.requests()[0], HasSubstr("GET " + sent + " HTTP/1.1\r\n"));
  }
}

TEST(HttpConnection, WaitsForASlowBodyNotForSilence) {
  using std::chrono::milliseconds;
  const HttpRequest request{false, "/x", std::nullopt};
  ScriptedServer slow({answer("200 OK", "0123456789")}, milliseconds(50));
  HttpConnection patient(milliseconds(300));  // less than the body takes
  ASSERT_TRUE(patient.connect("127.0.0.1", slow.port()).has_value());
  const auto reply = patient.exchange(request, "h");
  ASSERT_TRUE(reply.has_value()) << reply.error().message;
  EXPECT_EQ(reply->body.size(), 10u);
  EXPECT_TRUE(patient.is_open());

  ScriptedServer silent({answer("200 OK", "0123456789")}, milliseconds(500));
  HttpConnection waiting(milliseconds(100));
  ASSERT_TRUE(waiting.connect("127.0.0.1", silent.port()).has_value());
  const auto none = waiting.exchange(request, "h");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::unavailable);
}

TEST(HttpStore, TriesAgainWhenAKeptConnectionIsGone) {
  ScriptedServer server({answer("200 OK", "first"), "", answer("200 OK", "second")});
  const auto store = open(server);
  EXPECT_EQ(text_of(store->get("x")), "first");
  EXPECT_EQ(text_of(store->get("x")), "second");
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpStore, StatusesBecomeErrors) {
  const std::pair<const char*, std::string> cases[] = {{"403 Forbidden", "not_found"},
                                                       {"416 Range Not Satisfiable", "invalid_argument"},
                                                       {"302 Found", "unavailable"},
                                                       {"500 Internal Server Error", "unavailable"}};
  for (const auto& [status, error] : cases) {
    ScriptedServer server({answer(status, "")});
    EXPECT_EQ(text_of(open(server)->get("x")), error) << status;
  }
  ScriptedServer moved({answer("301 Moved Permanently", "", "Location: https://h/x\r\n")});
  EXPECT_THAT(open(moved)->get("x").error().message, HasSubstr("found 301, which leads to \"https://h/x\""));
}

TEST(HttpStore, AServerWithoutRangesIsNamed) {
  // The whole value, a terabyte, is not waited for.
  ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\nabc"});
  const auto part = open(server)->get_range("x", {1, 2});
  ASSERT_FALSE(part.has_value());
  EXPECT_EQ(part.error().code, ErrorCode::unavailable);
  EXPECT_THAT(part.error().message, HasSubstr("ranges"));
}

TEST(HttpStore, LargeValuesAreReadByRanges) {
  ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n",
                         answer("206 Partial Content", "x", "Content-Range: bytes 999999999999-999999999999/*\r\n")});
  const auto store = open(server);
  const auto info = store->stat("x");
  ASSERT_TRUE(info.has_value()) << info.error().message;
  EXPECT_EQ(info->size, 1'000'000'000'000u);
  EXPECT_EQ(text_of(store->get_range("x", {999'999'999'999, 1})), "x");
}

TEST(HttpStore, PartsMustBeTheOnesAskedFor) {
  for (const char* found : {"bytes 0-1/3", "bytes 1-1/3", ""}) {
    const std::string header = *found == '\0' ? "" : "Content-Range: " + std::string(found) + "\r\n";
    ScriptedServer server({answer("206 Partial Content", "bc", header)});
    EXPECT_EQ(text_of(open(server)->get_range("x", {1, 2})), "invalid_argument") << found;
  }
  ScriptedServer server({answer("206 Partial Content", "b", "Content-Range: bytes 1-1/2\r\n")});
  EXPECT_EQ(text_of(open(server)->get_range("x", {1, 2})), "invalid_argument");
}

TEST(HttpStore, LiesAndNoiseAreErrors) {
  for (const char* bad : {"HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n", "not http at all\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}) {
    ScriptedServer server({bad});
    EXPECT_EQ(text_of(open(server)->get("x")), "unavailable") << bad;
  }
}

TEST(HttpStore, ReadsListings) {
  ScriptedServer server(
      {answer("200 OK",
              "<a href=\"../\">up</a><a href=\"?C=N\">sort</a><a href=\"s%20t/\">s</a>"
              "<a href=\"http://x/\">x</a><a href=\"./dot\">d</a><a href=\"1%3A0\">m</a><a href=\"info\">info</a>",
              "Content-Type: text/html; charset=utf-8\r\n"),
       answer("200 OK", "{}")});
  const auto store = open(server);
  EXPECT_THAT(*store->list("s/"), ElementsAre("1:0", "dot", "info", "s t/"));
  EXPECT_FALSE(store->list("").has_value()) << "not a page";
  EXPECT_THAT(server.requests()[0], HasSubstr("GET /data/a/s/ HTTP/1.1\r\n"));
  ScriptedServer other({answer("200 OK", "<a href=\"/\">home</a>", "Content-Type: text/html\r\n")});
  EXPECT_EQ(open(other)->list("s/").error().code, ErrorCode::unsupported) << "a page, but not a list";
}

TEST(HttpStore, NobodyThere) {
  std::string url;
  {
    const ScriptedServer server({});
    url = server.url();
  }
  const auto store = open_store(url);
  ASSERT_TRUE(store.has_value());
  EXPECT_EQ(text_of((*store)->get("x")), "unavailable");
  EXPECT_FALSE((*store)->put("x", {}).has_value());
  for (const char* wrong : {"http://", "http://:80/", "http://h:/", "http://h:8x/"})
    EXPECT_FALSE(open_store(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace ngforge
