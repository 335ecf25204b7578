// SPDX-License-Identifier: Apache-2.0
#include "source/byte_source.h"

#include <sys/stat.h>

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/test_files.h"

namespace ngforge {
namespace {

using test::Data;
using ::testing::HasSubstr;

Data counting(std::size_t size) {
  Data data(size);
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::byte>(i * 7 + i / 256);
  return data;
}

Data part(const Data& data, std::size_t offset, std::size_t size) {
  return {data.begin() + static_cast<std::ptrdiff_t>(offset),
          data.begin() + static_cast<std::ptrdiff_t>(offset + size)};
}

Result<Data> read(ByteSource& source, std::uint64_t offset, std::size_t size) {
  Data out(size);
  NGFORGE_CHECK(source.read(offset, out));
  return out;
}

TEST(ByteSource, PlainFileReadsAnywhere) {
  const test::TempFolder folder;
  const Data data = counting(5000);
  auto source = ByteSource::open(folder.write("a", data)).value();
  EXPECT_TRUE(source->has_random_access());
  EXPECT_FALSE(source->is_gzip());
  EXPECT_EQ(source->content_bytes(), 5000u);
  EXPECT_EQ(source->stored_bytes(), 5000u);
  EXPECT_EQ(Data(source->head().begin(), source->head().end()), part(data, 0, 1024));
  EXPECT_EQ(read(*source, 4000, 1000).value(), part(data, 4000, 1000));
  EXPECT_EQ(read(*source, 3, 10).value(), part(data, 3, 10));
  const auto beyond = read(*source, 4990, 20);
  ASSERT_FALSE(beyond.has_value());
  EXPECT_EQ(beyond.error().code, ErrorCode::invalid_data);
  EXPECT_TRUE(beyond.error().concerns_source);
  EXPECT_THAT(beyond.error().message, HasSubstr("expected 20 bytes at byte 4990, found the end at byte 5000"));
}

/// Reads of a stream: head again, then onwards with gaps, then a way back that is refused.
void expect_stream(ByteSource& source, const Data& data) {
  EXPECT_FALSE(source.has_random_access());
  EXPECT_EQ(source.content_bytes(), std::nullopt);
  EXPECT_EQ(read(source, 10, 100).value(), part(data, 10, 100));
  EXPECT_EQ(read(source, 0, 1000).value(), part(data, 0, 1000));
  EXPECT_EQ(read(source, 1000, 2000).value(), part(data, 1000, 2000));
  EXPECT_EQ(read(source, 700000, 5).value(), part(data, 700000, 5));
  const auto back = read(source, 2000, 5);
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code, ErrorCode::internal);
  EXPECT_EQ(read(source, 700005, 10).value(), part(data, 700005, 10));
  ASSERT_TRUE(source.finish().has_value());
  const auto beyond = read(source, 800000, 1);
  ASSERT_FALSE(beyond.has_value());
  EXPECT_EQ(beyond.error().code, ErrorCode::invalid_data);
}

TEST(ByteSource, GzipFileIsAStreamWhateverItsName) {
  const test::TempFolder folder;
  const Data data = counting(800000), gz = test::gzip(data);
  auto source = ByteSource::open(folder.write("a.nii", gz)).value();
  EXPECT_TRUE(source->is_gzip());
  EXPECT_EQ(source->stored_bytes(), gz.size());
  expect_stream(*source, data);
}

TEST(ByteSource, FifoIsAStreamGzipOrNot) {
  const test::TempFolder folder;
  const Data data = counting(800000);
  for (const Data& sent : {data, test::gzip(data)}) {
    const std::string fifo = folder.path("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    std::jthread writer([&] { folder.write("fifo", sent); });
    auto source = ByteSource::open(fifo).value();
    EXPECT_EQ(source->stored_bytes(), 0u);
    expect_stream(*source, data);
    std::filesystem::remove(fifo);
  }
}

TEST(ByteSource, FinishFindsAWrongChecksum) {
  const test::TempFolder folder;
  const Data data = counting(3000);
  Data gz = test::gzip(data);
  gz[gz.size() - 5] ^= std::byte{1};  // the last byte of the CRC
  auto source = ByteSource::open(folder.write("a.gz", gz)).value();
  // Whether the last read or finish() meets the checksum is the engine's affair.
  const auto values = read(*source, 0, 3000);
  const auto finished = values.has_value() ? source->finish() : Result<void>(values.error());
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().code, ErrorCode::invalid_data);
  EXPECT_TRUE(finished.error().concerns_source);
}

TEST(ByteSource, ShortContent) {
  const test::TempFolder folder;
  for (const std::size_t size : {0, 1, 2, 3}) {
    auto plain = ByteSource::open(folder.write("a", counting(size))).value();
    EXPECT_EQ(plain->head().size(), size);
    auto zipped = ByteSource::open(folder.write("a.gz", test::gzip(counting(size)))).value();
    EXPECT_EQ(zipped->head().size(), size);
    EXPECT_FALSE(read(*zipped, size, 1).has_value());
  }
}

TEST(ByteSource, WhatCannotBeOpened) {
  const test::TempFolder folder;
  const auto absent = ByteSource::open(folder.path("nowhere"));
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().code, ErrorCode::not_found);
  EXPECT_TRUE(absent.error().concerns_source);
  const auto directory = ByteSource::open(folder.path(""));
  ASSERT_FALSE(directory.has_value());
  EXPECT_EQ(directory.error().code, ErrorCode::unsupported);
  const auto broken = ByteSource::open(folder.write("b.gz", Data{std::byte{0x1f}, std::byte{0x8b}, std::byte{8}}));
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().code, ErrorCode::invalid_data);
}

TEST(ByteSource, FingerprintFollowsTheFile) {
  const test::TempFolder folder;
  const auto path = folder.write("a", counting(3000));
  const auto before = ByteSource::open(path).value()->fingerprint();
  EXPECT_EQ(ByteSource::open(path).value()->fingerprint(), before);
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) - std::chrono::seconds(5));
  EXPECT_NE(ByteSource::open(path).value()->fingerprint(), before);
  folder.write("a", counting(3001));
  EXPECT_NE(ByteSource::open(path).value()->fingerprint(), before);
}

TEST(ByteSource, FingerprintOfAStreamIsThatOfItsFirstBytes) {
  const test::TempFolder folder;
  const auto fingerprint = [&](const Data& data) {
    const std::string fifo = folder.path("fifo");
    EXPECT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    std::jthread writer([&] { folder.write("fifo", data); });
    auto source = ByteSource::open(fifo).value();
    EXPECT_TRUE(source->finish().has_value());
    std::filesystem::remove(fifo);
    return source->fingerprint();
  };
  Data other = counting(3000);
  other[500] ^= std::byte{1};
  EXPECT_EQ(fingerprint(counting(3000)), fingerprint(counting(3000)));
  EXPECT_NE(fingerprint(counting(3000)), fingerprint(other));
}

}  // namespace
}  // namespace ngforge
