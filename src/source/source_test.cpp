// SPDX-License-Identifier: Apache-2.0
#include "source/source.h"

#include <sys/stat.h>

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "source/test_files.h"

namespace ngforge {
namespace {

using test::Data;
using ::testing::HasSubstr;

/// 1 x 1 x 1 uint8 with the given voxel.
Data tiny_mgh(std::byte voxel) {
  Data bytes(285);
  for (const std::size_t offset : {0, 4, 8, 12, 16}) test::put(bytes, offset, std::int32_t{1}, std::endian::big);
  bytes[284] = voxel;
  return bytes;
}

void expect_error(const std::string& place, ErrorCode code, const std::string& message) {
  const auto source = open_source(place);
  ASSERT_FALSE(source.has_value()) << place;
  EXPECT_EQ(source.error().code, code) << source.error().message;
  EXPECT_THAT(source.error().message, HasSubstr(message));
  EXPECT_EQ(source.error().message.find('\n'), std::string::npos);
  EXPECT_TRUE(source.error().concerns_source);
}

TEST(OpenSource, TableIsWhole) {
  for (const auto* source : all_sources()) {
    EXPECT_NE(source->sniff, nullptr) << source->name;
    EXPECT_EQ(source->is_folder, source->open != nullptr) << source->name;
    EXPECT_EQ(source->is_folder, source->open_bytes == nullptr) << source->name;
  }
}

TEST(OpenSource, TheContentDecidesNotTheName) {
  const test::TempFolder folder;
  const auto path = folder.write("wrong.nii.gz", tiny_mgh(std::byte{5}));
  auto source = open_source(path);
  ASSERT_TRUE(source.has_value()) << source.error().message;
  EXPECT_EQ((*source)->header().format, "MGH");
  EXPECT_EQ(test::read_all(**source).value(), Data{std::byte{5}});
}

TEST(OpenSource, FormatsCanBeForcedInEverySpelling) {
  const test::TempFolder folder;
  const auto path = folder.write("a.dat", tiny_mgh(std::byte{5}));
  for (const auto& place : {"mgh://" + path, path + "|mgh:", "mgh://file://" + path, "file://" + path}) {
    const auto source = open_source(place);
    ASSERT_TRUE(source.has_value()) << place << ": " << source.error().message;
    EXPECT_EQ((*source)->header().format, "MGH");
  }
  expect_error("nifti://" + path, ErrorCode::invalid_data,
               path + ": sizeof_hdr: expected 348 or 540, found 16777216 (byte 0)");
  expect_error(path + "|nifti:", ErrorCode::invalid_data, "sizeof_hdr");
  expect_error(path + "|bogus:", ErrorCode::invalid_argument, "found \"bogus\"");
}

TEST(OpenSource, FifoIsOpenedOnce) {
  const test::TempFolder folder;
  for (const Data& sent : {tiny_mgh(std::byte{7}), test::gzip(tiny_mgh(std::byte{7}))}) {
    const std::string fifo = folder.path("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    std::jthread writer([&] { folder.write("fifo", sent); });
    auto source = open_source(fifo);
    ASSERT_TRUE(source.has_value()) << source.error().message;
    EXPECT_EQ((*source)->access(), Access::once);
    EXPECT_EQ(test::read_all(**source).value(), Data{std::byte{7}});
    std::filesystem::remove(fifo);
  }
}

TEST(OpenSource, WhatIsNoVolumeIsSaidInOneLine) {
  const test::TempFolder folder;
  expect_error(folder.path("absent.nii"), ErrorCode::not_found,
               "absent.nii: expected a file or a dataset, found nothing");
  expect_error(folder.write("a.txt", Data(20, std::byte{0x41})), ErrorCode::unsupported,
               "a.txt: expected a volume (tried nifti, mgh");
  expect_error(folder.write("a.txt", Data(20, std::byte{0x41})), ErrorCode::unsupported,
               "found a file that begins with 41 41 41 41 41 41 41 41");
  expect_error("s3://bucket/a.nii", ErrorCode::unsupported, "found \"s3://\"");
  expect_error(folder.write("empty", {}), ErrorCode::unsupported, "found an empty file");
  expect_error(folder.write("empty.nii", {}), ErrorCode::invalid_data,
               "expected a NIfTI header of 348 or 540 bytes, found 0 bytes");
  expect_error(folder.write("empty.nii.gz", test::gzip({})), ErrorCode::invalid_data, "expected a NIfTI header");
  expect_error(folder.path(""), ErrorCode::unsupported, "expected a file or the folder of a dataset");
}

}  // namespace
}  // namespace ngforge
