// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compress/gzip.h"
#include "store/memory.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes packed(std::string_view text) {
  Bytes out;
  GzipCompressor(6).compress(bytes_of(text), out);
  return out;
}

ErrorCode code_of(const auto& result) {
  return result ? ErrorCode::internal : result.error().code;
}

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "ngforge-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }
  void write(const std::string& name, const Bytes& bytes) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void write(const std::string& name, std::string_view text) const { write(name, bytes_of(text)); }

 private:
  fs::path path_;
};

// What every store that can be written does.
class AnyStore : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string_view(GetParam()) == "memory") {
      store_ = std::make_shared<MemoryStore>();
    } else {
      auto store = open_store("file://" + folder_.path().string() + "/");
      ASSERT_TRUE(store.has_value()) << store.error().message;
      store_ = *store;
    }
  }
  Folder folder_;
  std::shared_ptr<Store> store_;
};

TEST_P(AnyStore, GivesBackWhatWasPut) {
  for (const std::string text : {"", "x", "hello"})
    for (const std::string key : {"a", "f/g/h", "f/g/0-64_0-64_0-64", "with space", "f/%41", "f/?#|:@", "f/\xc3\xa4"}) {
      ASSERT_TRUE(store_->put(key, bytes_of(text)).has_value()) << key;
      const auto bytes = store_->get(key);
      ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
      EXPECT_EQ(*bytes, bytes_of(text));
      const auto info = store_->stat(key);
      ASSERT_TRUE(info.has_value());
      EXPECT_EQ(info->size, text.size());
      EXPECT_EQ(info->content_encoding, "");
    }
}

TEST_P(AnyStore, ReadsRangesExactly) {
  ASSERT_TRUE(store_->put("f/x", bytes_of("0123456789")).has_value());
  EXPECT_EQ(store_->get_range("f/x", {2, 3}), bytes_of("234"));
  EXPECT_EQ(store_->get_range("f/x", {0, 10}), bytes_of("0123456789"));
  EXPECT_EQ(store_->get_range("f/x", {10, 0}), Bytes{});
  for (const ByteRange range :
       {ByteRange{0, 11}, ByteRange{11, 0}, ByteRange{9, ~std::uint64_t{0}}, ByteRange{~std::uint64_t{0}, 2}})
    EXPECT_EQ(code_of(store_->get_range("f/x", range)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(store_->get_range("f/y", {0, 1})), ErrorCode::not_found);
}

TEST_P(AnyStore, KnowsNoOtherKeys) {
  ASSERT_TRUE(store_->put("f/x", bytes_of("1")).has_value());
  for (const std::string key :
       {"", "f", "f/", "/f/x", "f//x", "./f/x", "f/./x", "f/../f/x", "..", "f/x/", "f/x/y", "F/x"}) {
    EXPECT_EQ(code_of(store_->get(key)), ErrorCode::not_found) << key;
    EXPECT_EQ(code_of(store_->stat(key)), ErrorCode::not_found) << key;
  }
  const std::string with_nul("f/x\0", 4);
  EXPECT_EQ(code_of(store_->get(with_nul)), ErrorCode::not_found);
  EXPECT_EQ(code_of(store_->get(std::string(5000, 'a'))), ErrorCode::not_found);
  for (const std::string key : {"", "/x", "../x", "a/../x", "a//x"})
    EXPECT_EQ(code_of(store_->put(key, {})), ErrorCode::invalid_argument) << key;
}

TEST_P(AnyStore, ListsNamesBelow) {
  for (const std::string key : {"info", "s/b", "s/a", "s/deep/x", "t/y"}) ASSERT_TRUE(store_->put(key, {}).has_value());
  EXPECT_THAT(*store_->list(""), ElementsAre("info", "s/", "t/"));
  EXPECT_THAT(*store_->list("s/"), ElementsAre("a", "b", "deep/"));
  EXPECT_THAT(*store_->list("s/deep/"), ElementsAre("x"));
}

TEST_P(AnyStore, ChangesTheEtagWithTheValue) {
  ASSERT_TRUE(store_->put("x", bytes_of("1")).has_value());
  const auto first = store_->stat("x"), again = store_->stat("x");
  ASSERT_TRUE(store_->put("x", bytes_of("2")).has_value());
  const auto changed = store_->stat("x");
  EXPECT_EQ(first->etag, again->etag);
  EXPECT_NE(first->etag, changed->etag);
  EXPECT_THAT(first->etag, Not(HasSubstr("\"")));
}

TEST_P(AnyStore, NeverShowsAHalfWrittenValue) {
  const Bytes a(100'000, std::byte{'a'}), b(200'000, std::byte{'b'});
  ASSERT_TRUE(store_->put("f/x", a).has_value());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(store_->put("f/x", i % 2 == 0 ? b : a).has_value());
    done = true;
  });
  while (!done) {
    const auto value = store_->get("f/x");
    ASSERT_TRUE(value.has_value());
    ASSERT_TRUE(*value == a || *value == b);
  }
  writer.join();
  EXPECT_THAT(*store_->list("f/"), ElementsAre("x"));  // no temporary files left
}

INSTANTIATE_TEST_SUITE_P(Stores, AnyStore, ::testing::Values("file", "memory"));

TEST(GetDecoded, UndoesTheContentEncoding) {
  MemoryStore store;
  ASSERT_TRUE(store.put("plain", bytes_of("hello")).has_value());
  ASSERT_TRUE(store.put_encoded("packed", packed("hello"), "gzip").has_value());
  ASSERT_TRUE(store.put_encoded("corrupt", bytes_of("hello"), "gzip").has_value());
  ASSERT_TRUE(store.put_encoded("other", bytes_of("hello"), "br").has_value());
  EXPECT_EQ(get_decoded(store, "plain"), bytes_of("hello"));
  EXPECT_EQ(get_decoded(store, "packed"), bytes_of("hello"));
  EXPECT_EQ(code_of(get_decoded(store, "corrupt")), ErrorCode::invalid_data);
  EXPECT_EQ(code_of(get_decoded(store, "other")), ErrorCode::unsupported);
  EXPECT_EQ(code_of(get_decoded(store, "none")), ErrorCode::not_found);
}

TEST(GetDecoded, HoldsToItsLimit) {
  MemoryStore store;
  const std::string zeros(100'000, '\0');
  ASSERT_LT(packed(zeros).size(), 1000u);
  ASSERT_TRUE(store.put("plain", bytes_of(zeros)).has_value());
  ASSERT_TRUE(store.put_encoded("packed", packed(zeros), "gzip").has_value());
  for (const char* key : {"plain", "packed"}) {
    EXPECT_EQ(get_decoded(store, key, zeros.size()), bytes_of(zeros));
    EXPECT_EQ(code_of(get_decoded(store, key, zeros.size() - 1)), ErrorCode::limit);
  }
}

class FileStore : public ::testing::Test {
 protected:
  // The folder "data" is the store; beside it lies what must not be reached.
  void SetUp() override {
    outer_.write("secret", "secret");
    outer_.write("data/plain", "plain");
    outer_.write("data/f/x.gz", packed("packed"));
    auto store = open_store((outer_.path() / "data").string());
    ASSERT_TRUE(store.has_value()) << store.error().message;
    store_ = *store;
  }
  void link(const fs::path& target, const std::string& name) {
    fs::create_symlink(target, outer_.path() / "data" / name);
  }

  Folder outer_;
  std::shared_ptr<Store> store_;
};

TEST_F(FileStore, FindsGzippedFilesUnderThePlainName) {
  const auto info = store_->stat("f/x");
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->content_encoding, "gzip");
  EXPECT_EQ(info->size, packed("packed").size());
  EXPECT_EQ(store_->get("f/x"), packed("packed"));
  EXPECT_EQ(store_->get_range("f/x", {0, 2}), (Bytes{std::byte{0x1f}, std::byte{0x8b}}));
  EXPECT_EQ(get_decoded(*store_, "f/x"), bytes_of("packed"));
  EXPECT_EQ(store_->stat("f/x.gz")->content_encoding, "");
  // A plain file comes first, as cloud-volume reads.
  outer_.write("data/f/x", "plain");
  EXPECT_EQ(store_->stat("f/x")->content_encoding, "");
  EXPECT_EQ(store_->get("f/x"), bytes_of("plain"));
}

TEST_F(FileStore, FollowsLinksInside) {
  link("plain", "relative");
  link(outer_.path() / "data" / "plain", "absolute");
  link("f", "folder");
  link(outer_.path() / "data" / "f", "absolute_folder");
  EXPECT_EQ(store_->get("relative"), bytes_of("plain"));
  EXPECT_EQ(store_->get("absolute"), bytes_of("plain"));
  EXPECT_EQ(get_decoded(*store_, "folder/x"), bytes_of("packed"));
  EXPECT_EQ(get_decoded(*store_, "absolute_folder/x"), bytes_of("packed"));
  EXPECT_THAT(*store_->list(""), ElementsAre("absolute", "absolute_folder/", "f/", "folder/", "plain", "relative"));
}

TEST_F(FileStore, RefusesLinksOut) {
  link("../secret", "relative");
  link(outer_.path() / "secret", "absolute");
  link("..", "folder");
  link(outer_.path(), "absolute_folder");
  // A neighbour whose name begins like the folder's.
  outer_.write("data2/x", "neighbour");
  link(outer_.path() / "data2" / "x", "neighbour");
  for (const std::string key : {"relative", "absolute", "folder/secret", "absolute_folder/secret", "neighbour"}) {
    EXPECT_EQ(code_of(store_->get(key)), ErrorCode::permission) << key;
    EXPECT_EQ(code_of(store_->stat(key)), ErrorCode::permission) << key;
    EXPECT_EQ(code_of(store_->get_range(key, {0, 1})), ErrorCode::permission) << key;
  }
  EXPECT_EQ(code_of(store_->list("folder/")), ErrorCode::permission);
  EXPECT_EQ(code_of(store_->put("folder/new", bytes_of("x"))), ErrorCode::permission);
  EXPECT_FALSE(fs::exists(outer_.path() / "new"));
}

TEST_F(FileStore, TakesLinksToNothingAndOddFilesForAbsent) {
  link("nothing", "dangling");
  link("loop", "loop");
  ASSERT_EQ(::mkfifo((outer_.path() / "data" / "fifo").c_str(), 0600), 0);
  for (const std::string key : {"dangling", "loop", "fifo", "f"})
    EXPECT_EQ(code_of(store_->get(key)), ErrorCode::not_found) << key;
  EXPECT_EQ(code_of(store_->list("none/")), ErrorCode::not_found);
  EXPECT_EQ(code_of(store_->list("../")), ErrorCode::not_found);
  EXPECT_EQ(code_of(store_->list("plain/")), ErrorCode::not_found);
}

TEST_F(FileStore, OpensAtOnceWhatTheSystemHasInMemory) {
  for (const std::string key : {"plain", "f/x"}) {
    const auto info = store_->stat(key);
    const Bytes bytes = *store_->get(key);
    const auto file = store_->open_now(key);
    ASSERT_TRUE(file && *file != nullptr) << key;
    EXPECT_EQ((*file)->info().size, info->size);
    EXPECT_EQ((*file)->info().etag, info->etag);
    EXPECT_EQ((*file)->info().content_encoding, info->content_encoding);
    EXPECT_TRUE((*file)->bring_in({0, info->size}));
    EXPECT_TRUE((*file)->is_in_memory({0, info->size}));
    EXPECT_FALSE((*file)->bring_in({info->size, 1})) << "nothing lies behind the end";
    EXPECT_FALSE((*file)->is_in_memory({info->size, 1}));
    // What is put under the key later does not change what is open.
    ASSERT_TRUE(store_->put(key, bytes_of("something else")));
    Bytes again(bytes.size());
    EXPECT_EQ(::pread((*file)->descriptor(), again.data(), again.size(), 0), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(again, bytes);
  }
}

TEST_F(FileStore, OpensNothingAtOnceThatItDoesNotGive) {
  link("../secret", "out");
  link(outer_.path() / "secret", "absolute");
  link("..", "folder");
  ASSERT_EQ(::mkfifo((outer_.path() / "data" / "fifo").c_str(), 0600), 0);
  for (const std::string key : {"out", "absolute", "folder/secret", "fifo", "f", "../secret", "/plain", "none"}) {
    const auto told = store_->stat(key);
    ASSERT_FALSE(told) << key;
    const auto file = store_->open_now(key);
    EXPECT_TRUE(file ? *file == nullptr : told.error().code == ErrorCode::not_found) << key;
  }
  // After stat() the system knows that there is no such name.
  EXPECT_EQ(code_of(store_->open_now("none")), ErrorCode::not_found);
}

TEST_F(FileStore, ReplacesALinkInsteadOfItsTarget) {
  link("../secret", "x");
  ASSERT_TRUE(store_->put("x", bytes_of("new")).has_value());
  EXPECT_EQ(store_->get("x"), bytes_of("new"));
  EXPECT_EQ(fs::file_size(outer_.path() / "secret"), 6u);
}

TEST_F(FileStore, WorksThroughALinkedRoot) {
  fs::create_symlink(outer_.path() / "data", outer_.path() / "linked");
  link(outer_.path() / "data" / "plain", "absolute");
  auto store = open_store((outer_.path() / "linked").string() + "///");
  ASSERT_TRUE(store.has_value());
  EXPECT_EQ((*store)->get("absolute"), bytes_of("plain"));
  EXPECT_THAT((*store)->describe(), ::testing::EndsWith("/linked"));
}

TEST_F(FileStore, NamesThePlaceInErrors) {
  const auto missing = store_->get("f/none");
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message, HasSubstr("data/f/none: expected a file, found none"));
}

TEST(OpenStore, SaysWhatItExpected) {
  Folder folder;
  folder.write("file", "x");
  EXPECT_EQ(code_of(open_store((folder.path() / "none").string())), ErrorCode::not_found);
  EXPECT_EQ(code_of(open_store((folder.path() / "file").string())), ErrorCode::unsupported);
  EXPECT_EQ(code_of(open_store((folder.path() / "file" / "x").string())), ErrorCode::not_found);
  const auto ftp = open_store("ftp://host/x");
  ASSERT_FALSE(ftp.has_value());
  EXPECT_EQ(ftp.error().code, ErrorCode::unsupported);
  std::string schemes;
  for (const StoreDescriptor* store : all_stores()) schemes += fmt::format("|{}://", store->scheme);
  EXPECT_EQ(ftp.error().message, "ftp://host/x: expected a path or " + schemes.substr(1) + ", found \"ftp://\"");
}

}  // namespace
}  // namespace ngforge
