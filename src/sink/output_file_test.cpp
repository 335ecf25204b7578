// SPDX-License-Identifier: Apache-2.0
#include "sink/output_file.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <vector>

#include <sys/syscall.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "core/byte_cursor.h"
#include "core/failing_new.h"

namespace {

bool has_no_replace = true;  // whether the file system knows renames that replace nothing

}  // namespace

// Takes the place of the C library's.
extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  if (has_no_replace) return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
  errno = EINVAL;
  return -1;
}

namespace ngforge {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() {
    std::string name = (fs::temp_directory_path() / "output_file_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~OutputFileTest() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.push_back(entry.path().filename().string());
    return names;
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder_;
};

// Compressible, and other values in each block of 1 MiB.
std::vector<std::byte> values_of(std::size_t count) {
  std::vector<std::byte> values(count);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    values[i] = static_cast<std::byte>((state >> 24) & 7);
  }
  return values;
}

std::string gunzipped(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  std::string text;
  char part[65536];
  for (int count = 0; (count = gzread(file, part, sizeof part)) > 0;)
    text.append(part, static_cast<std::size_t>(count));
  EXPECT_EQ(gzclose(file), Z_OK);
  return text;
}

TEST_F(OutputFileTest, PlainFileIsHeaderAndValues) {
  ThreadPool pool(2);
  auto writer = OutputFile::create(path("v"), {false, 6, false}, pool);
  ASSERT_TRUE(writer.has_value());
  const auto values = values_of(512);
  ASSERT_TRUE((*writer)->append(std::span(values).first(100)).has_value());
  ASSERT_TRUE((*writer)->append(std::span(values).subspan(100)).has_value());
  EXPECT_FALSE(fs::exists(path("v"))) << "no name before it is whole";
  ASSERT_TRUE((*writer)->finish().has_value());
  const auto& expected = values;
  EXPECT_EQ(content(path("v")), std::string(reinterpret_cast<const char*>(expected.data()), expected.size()));
  EXPECT_THAT(names(), testing::ElementsAre("v"));
}

TEST_F(OutputFileTest, GzipIsOneMemberWithTheSameBytesForAnyThreads) {
  const auto values = values_of(128 * 128 * 200);  // three blocks and a part
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    auto writer = OutputFile::create(path(fmt::format("{}.nii.gz", threads)), {true, 6, false}, pool);
    ASSERT_TRUE(writer.has_value());
    // Pieces of another size each time: where append() was cut must not show either.
    const auto piece = static_cast<std::size_t>(100000 * threads);
    for (std::size_t at = 0; at < values.size(); at += piece)
      ASSERT_TRUE((*writer)->append(std::span(values).subspan(at, std::min(piece, values.size() - at))).has_value());
    ASSERT_TRUE((*writer)->finish().has_value());
  }
  const std::string bytes = content(path("1.nii.gz"));
  EXPECT_EQ(bytes, content(path("3.nii.gz")));
  EXPECT_EQ(load<std::uint32_t>(bytes.data() + 4), 0u) << "no time";
  EXPECT_EQ(bytes[3], 0) << "no name";
  const auto& expected = values;
  EXPECT_EQ(gunzipped(path("1.nii.gz")), std::string(reinterpret_cast<const char*>(expected.data()), expected.size()));

  // One member: inflate reaches its end, checksum included, exactly where the file ends.
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 16 + 15), Z_OK);
  std::vector<unsigned char> out(expected.size() + 1);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  inflateEnd(&stream);
}

TEST_F(OutputFileTest, UnfinishedFilesLeaveNothing) {
  ThreadPool pool(2);
  for (const bool is_gzip : {false, true}) {
    auto writer = OutputFile::create(path(is_gzip ? "v.gz" : "v"), {is_gzip, 6, false}, pool);
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE((*writer)->append(values_of(128 * 128 * 200)).has_value());
  }
  EXPECT_THAT(names(), testing::IsEmpty());
}

TEST_F(OutputFileTest, EndsWhereverMemoryRunsOut) {
  const auto values = values_of((1 << 20) + 1000);  // two blocks
  ThreadPool pool(2);
  bool has_failed = true;
  int failures = 0;
  for (std::int64_t n = 0; has_failed; ++n) {
    failing_new::fail_after(n);
    try {
      auto writer = OutputFile::create(path("v.gz"), {true, 1, true}, pool);
      const bool is_written = writer && (*writer)->append(values) && (*writer)->finish();
      has_failed = failing_new::stop_failing();
      ASSERT_EQ(is_written, !has_failed);
    } catch (const std::bad_alloc&) {
      has_failed = failing_new::stop_failing();
    }
    failures += has_failed;
  }
  EXPECT_GT(failures, 10);
  EXPECT_EQ(gunzipped(path("v.gz")).size(), values.size());
  EXPECT_THAT(names(), testing::ElementsAre("v.gz"));
}

TEST_F(OutputFileTest, ReplacesOnlyWhenAsked) {
  ThreadPool pool(1);
  std::ofstream(path("v")) << "precious";
  auto refused = OutputFile::create(path("v"), {false, 6, false}, pool);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::already_exists);
  {
    auto dropped = OutputFile::create(path("v"), {false, 6, true}, pool);
    ASSERT_TRUE(dropped.has_value());
  }
  EXPECT_EQ(content(path("v")), "precious");
  auto writer = OutputFile::create(path("v"), {false, 6, true}, pool);
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE((*writer)->append(values_of(1)).has_value());
  ASSERT_TRUE((*writer)->finish().has_value());
  EXPECT_EQ(content(path("v")).size(), 1u);
}

TEST_F(OutputFileTest, FolderThatIsNotThere) {
  ThreadPool pool(1);
  auto writer = OutputFile::create(path("none/v"), {false, 6, false}, pool);
  ASSERT_FALSE(writer.has_value());
  EXPECT_EQ(exit_status(writer.error()), 6);
}

TEST_F(OutputFileTest, LeavesWhatLiesUnderTheNameOfThePartialFile) {
  ThreadPool pool(1);
  std::ofstream(path("a.nii.partial")) << "of another run";
  const auto file = OutputFile::create(path("a.nii"), {}, pool);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::already_exists);
  EXPECT_EQ(content(path("a.nii.partial")), "of another run");

  ASSERT_TRUE(OutputFile::create(path("a.nii"), {.overwrite = true}, pool));
  EXPECT_THAT(names(), testing::IsEmpty());
}

TEST_F(OutputFileTest, DoesNotBeginWhereAFolderIsToBeReplaced) {
  ThreadPool pool(1);
  fs::create_directory(path("a.nii"));
  const auto file = OutputFile::create(path("a.nii"), {.overwrite = true}, pool);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::already_exists);
  EXPECT_THAT(names(), testing::ElementsAre("a.nii"));
}

TEST_F(OutputFileTest, OneRunAtATimeWritesAFile) {
  ThreadPool pool(1);
  const auto values = values_of(10);
  const std::string expected(reinterpret_cast<const char*>(values.data()), values.size());
  for (const bool gzip : {false, true}) {
    const OutputFile::Options options{gzip, 6, true};
    auto first = OutputFile::create(path("v"), options, pool);
    ASSERT_TRUE(first.has_value());
    ASSERT_TRUE((*first)->append(values).has_value());
    const auto second = OutputFile::create(path("v"), options, pool);
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, ErrorCode::already_exists);
    EXPECT_THAT(second.error().message, testing::HasSubstr("another run is writing it now"));
    ASSERT_TRUE((*first)->finish().has_value());
    first->reset();
    EXPECT_EQ(gunzipped(path("v")), expected);  // which reads plain files too
    EXPECT_THAT(names(), testing::ElementsAre("v"));
    EXPECT_TRUE(OutputFile::create(path("v"), options, pool).has_value()) << "nobody writes it now";
    EXPECT_THAT(names(), testing::ElementsAre("v"));
  }
}

TEST_F(OutputFileTest, WhatARunLeftIsWrittenAnew) {
  ThreadPool pool(1);
  std::ofstream(path("v.partial")) << "more than what is written now";
  auto writer = OutputFile::create(path("v"), {false, 6, true}, pool);
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE((*writer)->append(values_of(3)).has_value());
  ASSERT_TRUE((*writer)->finish().has_value());
  EXPECT_EQ(content(path("v")).size(), 3u);
}

TEST_F(OutputFileTest, TakesItsNameWhereRenamesAlwaysReplace) {
  has_no_replace = false;
  ThreadPool pool(1);
  auto writer = OutputFile::create(path("v"), {false, 6, false}, pool);
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE((*writer)->append(values_of(3)).has_value());
  EXPECT_TRUE((*writer)->finish().has_value());
  writer->reset();
  EXPECT_EQ(content(path("v")).size(), 3u);
  EXPECT_THAT(names(), testing::ElementsAre("v"));

  auto late = OutputFile::create(path("w"), {false, 6, false}, pool);
  ASSERT_TRUE(late.has_value());
  std::ofstream(path("w")) << "of somebody else";
  const auto finished = (*late)->finish();
  has_no_replace = true;
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().code, ErrorCode::already_exists);
  late->reset();
  EXPECT_EQ(content(path("w")), "of somebody else");
  EXPECT_THAT(names(), testing::UnorderedElementsAre("v", "w"));
}

TEST_F(OutputFileTest, AFileThatAppearsMeanwhileStays) {
  ThreadPool pool(1);
  auto writer = OutputFile::create(path("v"), {false, 6, false}, pool);
  ASSERT_TRUE(writer.has_value());
  std::ofstream(path("v")) << "of somebody else";
  const auto finished = (*writer)->finish();
  ASSERT_FALSE(finished.has_value());
  EXPECT_EQ(finished.error().code, ErrorCode::already_exists);
  writer->reset();
  EXPECT_EQ(content(path("v")), "of somebody else");
  EXPECT_THAT(names(), testing::ElementsAre("v"));
}

}  // namespace
}  // namespace ngforge
