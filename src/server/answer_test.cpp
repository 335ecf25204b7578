// SPDX-License-Identifier: Apache-2.0
#include "server/answer.h"

#include <stdlib.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <set>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ngforge {
namespace {

// One value "abcdefghij" under "f/v", one gzipped empty value under "z" (a hand-made member: fixed block, CRC 0, size
// 0).
class FixedStore final : public Store {
 public:
  std::string describe() const override { return "fixed"; }
  Result<ObjectInfo> stat(const std::string& key) override {
    if (key == "f/v") return ObjectInfo{10, "e1", ""};
    if (key == "z") return ObjectInfo{20, "e2", "gzip"};
    if (key == "bomb") return ObjectInfo{65 << 20, "e3", "gzip"};
    if (key == "bad") return make_error(ErrorCode::invalid_data, "/srv/me/secret: is damaged");
    if (key == "thrown") throw std::length_error("too long");
    return make_error(ErrorCode::not_found, "{}: no such key", key);
  }
  Result<Bytes> get(const std::string& key) override {
    if (key == "z") {
      const unsigned char gz[20] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
      const auto bytes = std::as_bytes(std::span(gz));
      return Bytes(bytes.begin(), bytes.end());
    }
    return get_range(key, {0, 10});
  }
  Result<Bytes> get_range(const std::string&, ByteRange range) override {
    const auto bytes = std::as_bytes(std::span("abcdefghij", 10)).subspan(range.offset, range.length);
    return Bytes(bytes.begin(), bytes.end());
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    if (prefix.empty()) return std::vector<std::string>{"f/", "z"};
    return std::vector<std::string>{};
  }
  Result<void> put(const std::string&, std::span<const std::byte>) override {
    return make_error(ErrorCode::unsupported, "no");
  }
};

class SiteTest : public ::testing::Test {
 protected:
  SiteTest() { site_.mounts.push_back({"/data/a/", std::make_shared<FixedStore>(), ""}); }

  HttpAnswer get(const std::string& target, const std::string& range = "", const std::string& method = "GET") const {
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.host = "localhost:9123";
    request.range = range;
    request.accept_encoding = accept_;
    return site_.answer(request);
  }
  static std::string header(const HttpAnswer& answer, std::string_view name) {
    for (const auto& [key, value] : answer.headers)
      if (key == name) return value;
    return "none";
  }
  static std::string body(const HttpAnswer& answer) {
    return {reinterpret_cast<const char*>(answer.body.data()), answer.body.size()};
  }

  Site site_;
  std::string accept_;
};

TEST_F(SiteTest, RangesAreExact) {
  const auto closed = get("/data/a/f/v", "bytes=2-4");
  EXPECT_EQ(closed.status, 206);
  EXPECT_EQ(body(closed), "cde");
  EXPECT_EQ(header(closed, "Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(body(get("/data/a/f/v", "bytes=7-")), "hij");
  EXPECT_EQ(body(get("/data/a/f/v", "bytes=-2")), "ij");
  EXPECT_EQ(body(get("/data/a/f/v", "bytes=8-100")), "ij");
  EXPECT_EQ(body(get("/data/a/f/v", "Bytes=8-99999999999999999999")), "ij");
  EXPECT_EQ(get("/data/a/f/v", "bytes=99999999999999999999-").status, 416);
  EXPECT_EQ(get("/data/a/f/v", "bytes=5-2").status, 200);  // malformed: as if it were not there
  EXPECT_EQ(get("/data/a/f/v", "bytes=0-1,4-5").status, 200);
  const auto beyond = get("/data/a/f/v", "bytes=10-");
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(header(beyond, "Content-Range"), "bytes */10");
}

// Values in files: what is answered at once is what is answered.
TEST_F(SiteTest, AnswersAtOnceAreTheSame) {
  std::string name = (std::filesystem::temp_directory_path() / "ngforge-answer-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  const auto store = *open_store(folder.string());
  for (const char* key : {"info", "0/0-1_0-1_0-1", "packed.gz"})
    ASSERT_TRUE(store->put(key, std::as_bytes(std::span(std::string_view("abcdefghij")))));
  site_.mounts.push_back({"/files/", store, ""});
  const auto ask = [&](const std::string& method, const std::string& target, auto&& set, bool is_at_once) {
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.host = "localhost";
    request.accept_encoding = "gzip";
    set(request);
    const HttpAnswer expected = site_.answer(request);
    const auto answer = site_.answer_now(request);
    ASSERT_EQ(answer.has_value(), is_at_once) << method << " " << target;
    if (!answer) return;
    EXPECT_EQ(answer->status, expected.status);
    EXPECT_EQ(answer->headers, expected.headers);
    EXPECT_EQ(answer->length, expected.length);
    std::string sent = body(*answer);
    if (answer->file != nullptr) {
      sent.resize(answer->length);
      EXPECT_EQ(
          ::pread(answer->file->descriptor(), sent.data(), sent.size(), static_cast<off_t>(answer->stream_offset)),
          static_cast<ssize_t>(sent.size()));
    }
    EXPECT_EQ(sent, body(expected)) << method << " " << target;
  };
  const auto as_it_is = [](HttpRequest&) {};
  const std::string etag = "\"" + store->stat("info")->etag + "\"";
  ask("GET", "/files/info?x", as_it_is, true);
  ask("HEAD", "/files/info", as_it_is, true);
  ask("GET", "/files/0/0-1_0-1_0-1", [](HttpRequest& r) { r.range = "bytes=2-5"; }, true);
  ask("GET", "/files/info", [](HttpRequest& r) { r.range = "bytes=-3"; }, true);
  ask("GET", "/files/info", [](HttpRequest& r) { r.range = "bytes=10-"; }, true);
  ask("GET", "/files/info", [&](HttpRequest& r) { r.if_none_match = etag; }, true);
  ask("GET", "/files/packed", as_it_is, true);
  ask("GET", "/files/none", as_it_is, true);
  ask("GET", "/files/packed", [](HttpRequest& r) { r.accept_encoding = ""; }, false);
  ask("GET", "/files/", as_it_is, false);
  ask("OPTIONS", "/files/info", as_it_is, false);
  ask("GET", "/files/../info", as_it_is, false);
  ask("GET", "/files/info", [](HttpRequest& r) { r.host = "evil.example"; }, false);
  ask("GET", "/data/a/f/v", as_it_is, false);
  std::filesystem::remove_all(folder);
}

TEST_F(SiteTest, EveryAnswerCarriesCors) {
  for (const auto& answer :
       {get("/data/a/f/v"), get("/data/a/nothing"), get("/data/a/f/v", "bytes=99-"), get("/nowhere"),
        get("/data/a/%zz"), get("/data/a/f/v", "", "PUT"), get("/data/a/f/v", "", "OPTIONS")})
    EXPECT_EQ(header(answer, "Access-Control-Allow-Origin"), "*") << answer.status;
}

TEST_F(SiteTest, HeadHasTheLengthAndNoBody) {
  const auto head = get("/data/a/f/v", "", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.length, 10u);
  EXPECT_TRUE(head.body.empty());
  const auto part = get("/data/a/f/v", "bytes=2-4", "HEAD");
  EXPECT_EQ(part.status, 200) << "ranges are for GET";
  EXPECT_EQ(part.length, 10u);
}

TEST_F(SiteTest, AFolderWithoutSlashIsNotFound) {
  EXPECT_EQ(get("/data/a/f").status, 404);
  EXPECT_EQ(get("/data/a").status, 404);
  const auto listing = get("/data/a/");
  EXPECT_EQ(listing.status, 200);
  EXPECT_THAT(body(listing), ::testing::HasSubstr("<a href=\"f/\">"));
}

TEST_F(SiteTest, EncodedValuesAreNegotiated) {
  accept_ = "gzip, deflate";
  const auto encoded = get("/data/a/z");
  EXPECT_EQ(header(encoded, "Content-Encoding"), "gzip");
  EXPECT_EQ(encoded.body.size(), 20u);
  accept_ = "gzip;q=0";
  const auto decoded = get("/data/a/z");
  EXPECT_EQ(header(decoded, "Content-Encoding"), "none");
  EXPECT_TRUE(decoded.body.empty());
  EXPECT_NE(header(encoded, "ETag"), header(decoded, "ETag"));
}

TEST(Encoding, TheWeightOfGzipCounts) {
  for (const char* taken : {"gzip", "GZIP", "deflate, gzip;q=0.5", "br, *", "x-gzip", "*;q=0, gzip", "gzip; q=1.0"})
    EXPECT_TRUE(accepts_gzip(taken)) << taken;
  for (const char* refused : {"", "identity", "gzip;q=0", "gzip;q=0.000", "*, gzip;q=0", "*;q=0", "gzipped", ", ,"})
    EXPECT_FALSE(accepts_gzip(refused)) << refused;
}

TEST_F(SiteTest, PagesKnowHowTheClientNamesTheServer) {
  site_.url = "http://127.0.0.1:9123";
  site_.pages.push_back({"/p", "text/plain", [](const std::string& url) { return url + "/x"; }});
  EXPECT_EQ(body(get("/p")), "http://localhost:9123/x");
  site_.checks_host = false;
  HttpRequest request{"GET", "/p", "", "", "", "", ""};
  EXPECT_EQ(body(site_.answer(request)), "http://127.0.0.1:9123/x");
  request.host = "\"><script>";
  EXPECT_EQ(body(site_.answer(request)), "http://127.0.0.1:9123/x");
}

TEST_F(SiteTest, AbsentValuesDoNotTellWhereFilesLie) {
  EXPECT_THAT(body(get("/data/a/nothing")), ::testing::Not(::testing::HasSubstr("no such key")));
}

TEST_F(SiteTest, MessagesStayWithTheServer) {
  std::vector<std::string> told;
  site_.on_problem = [&](const std::string& message) { told.push_back(message); };
  const auto bad = get("/data/a/bad"), thrown = get("/data/a/thrown");
  EXPECT_EQ(bad.status, 500);
  EXPECT_THAT(body(bad), ::testing::Not(::testing::HasSubstr("secret")));
  EXPECT_EQ(thrown.status, 500);
  EXPECT_THAT(told, ::testing::ElementsAre("/srv/me/secret: is damaged", "/data/a/thrown: unexpected: too long"));
}

TEST_F(SiteTest, HeadDecodesNothingLarge) {
  const auto head = get("/data/a/bomb", "", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_FALSE(head.knows_length);
  EXPECT_EQ(get("/data/a/bomb").status, 413);
  accept_ = "gzip";
  const auto encoded = get("/data/a/bomb", "", "HEAD");
  EXPECT_TRUE(encoded.knows_length);
  EXPECT_EQ(encoded.length, std::uint64_t{65} << 20);
}

TEST_F(SiteTest, LanesPartWhatWaitsFromWhatDoesNot) {
  site_.pages.push_back({"/state.json", "application/json", [](const std::string&) { return ""; }, 200, true});
  site_.pages.push_back({"/", "text/html", [](const std::string&) { return ""; }});
  site_.mounts.push_back({"/data/b/", std::make_shared<FixedStore>(), "", "slow"});
  const auto lane = [&](const std::string& target) { return site_.lane({"GET", target, "", "", "", "", ""}); };
  EXPECT_EQ(lane("/data/a/f/v"), lane("/data/a/g/w?x"));
  EXPECT_EQ(lane("/data/a/info"), lane("/data/a/transform.json"));
  EXPECT_EQ(lane("/"), lane("/nothing"));
  const std::set<std::string> different{lane("/data/a/f/v"),  lane("/data/a/info"), lane("/data/b/f/v"),
                                        lane("/data/b/info"), lane("/state.json"),  lane("/")};
  EXPECT_EQ(different.size(), 6u);
  EXPECT_EQ(lane("/data/b/slow/1"), lane("/data/b/slow/2"));
  EXPECT_FALSE(different.contains(lane("/data/b/slow/1")));
  EXPECT_EQ(lane("/data/b/slow/info"), lane("/data/b/info"));
  EXPECT_EQ(lane("/data/a/slow/1"), lane("/data/a/f/v"));
}

TEST_F(SiteTest, ConditionsCompareTags) {
  HttpRequest request;
  request.method = "GET";
  request.target = "/data/a/f/v";
  request.host = "127.0.0.1";
  request.if_none_match = "\"other\", W/\"e1\"";
  EXPECT_EQ(site_.answer(request).status, 304);
  request.if_none_match = "";
  request.range = "bytes=1-2";
  request.if_range = "\"old\"";
  EXPECT_EQ(site_.answer(request).status, 200);
}

TEST_F(SiteTest, OtherHostsAreRefusedOnLoopback) {
  HttpRequest request;
  request.method = "GET";
  request.target = "/data/a/f/v";
  request.host = "evil.example:9123";
  EXPECT_EQ(site_.answer(request).status, 403);
  for (const char* host : {"localhost", "127.0.0.1:9123", "127.1.2.3", "[::1]:9123"}) {
    request.host = host;
    EXPECT_EQ(site_.answer(request).status, 200) << host;
  }
}

TEST(Target, StaysInside) {
  EXPECT_EQ(decode_target("/a%20b/c?q=/../x"), "/a b/c");
  EXPECT_EQ(decode_target("/a/%3A0"), "/a/:0");
  EXPECT_EQ(decode_target("/"), "/");
  EXPECT_EQ(decode_target("http://localhost:9123/a/b"), "/a/b");
  for (const char* wrong : {"", "a", "/../a", "/a/..", "/a/%2e%2e/b", "/a%2fb", "/a\\b", "/a%00", "/%", "/%4", "/%zz",
                            "/a//b", "/./a", "http://h", "//h/a"})
    EXPECT_EQ(decode_target(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace ngforge
