// SPDX-License-Identifier: Apache-2.0
#include "sink/nifti_writer.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "core/byte_cursor.h"

namespace ngforge {
namespace {

namespace fs = std::filesystem;

class NiftiWriterTest : public testing::Test {
 protected:
  NiftiWriterTest() {
    std::string name = (fs::temp_directory_path() / "nifti_writer_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~NiftiWriterTest() override { fs::remove_all(folder_); }

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

// 2 x 3 x 4 mm, axes to the left, posterior and superior: a proper rotation by 180 degrees about z.
NiftiImage image_of(VoxelVec size) {
  NiftiImage image;
  image.size_vox = size;
  image.affine_centre_to_mm.m = {{{-2, 0, 0, 10}, {0, -3, 0, 20}, {0, 0, 4, -30}, {0, 0, 0, 1}}};
  return image;
}

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

TEST(NiftiHeader, StatesWhatNifti1Defines) {
  NiftiImage image = image_of({5, 6, 7});
  image.type = DataType::int16;
  const auto header = nifti_header(image);
  ASSERT_EQ(header.size(), 352u);
  const std::byte* h = header.data();
  EXPECT_EQ(load<std::int32_t>(h), 348);
  EXPECT_EQ(load<std::int16_t>(h + 40), 3);
  EXPECT_EQ(load<std::int16_t>(h + 42), 5);
  EXPECT_EQ(load<std::int16_t>(h + 44), 6);
  EXPECT_EQ(load<std::int16_t>(h + 46), 7);
  EXPECT_EQ(load<std::int16_t>(h + 48), 1);
  EXPECT_EQ(load<std::int16_t>(h + 70), 4);   // DT_INT16
  EXPECT_EQ(load<std::int16_t>(h + 72), 16);  // bitpix
  EXPECT_EQ(load<float>(h + 76), 1);          // qfac
  EXPECT_EQ(load<float>(h + 80), 2);
  EXPECT_EQ(load<float>(h + 84), 3);
  EXPECT_EQ(load<float>(h + 88), 4);
  EXPECT_EQ(load<float>(h + 108), 352);  // vox_offset
  EXPECT_EQ(load<float>(h + 112), 1);    // scl_slope
  EXPECT_EQ(load<float>(h + 116), 0);
  EXPECT_EQ(std::to_integer<int>(h[123]), 2);  // mm
  EXPECT_GT(load<std::int16_t>(h + 252), 0);   // qform_code
  EXPECT_GT(load<std::int16_t>(h + 254), 0);   // sform_code
  // 180 degrees about z is the quaternion 0, 0, 0, 1; of it the file holds the last three.
  EXPECT_FLOAT_EQ(load<float>(h + 256), 0);
  EXPECT_FLOAT_EQ(load<float>(h + 260), 0);
  EXPECT_FLOAT_EQ(std::abs(load<float>(h + 264)), 1);
  EXPECT_EQ(load<float>(h + 268), 10);
  EXPECT_EQ(load<float>(h + 272), 20);
  EXPECT_EQ(load<float>(h + 276), -30);
  const float srow[12] = {-2, 0, 0, 10, 0, -3, 0, 20, 0, 0, 4, -30};
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(load<float>(h + 280 + 4 * i), srow[i]) << i;
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(h) + 344, 4), std::string("n+1\0", 4));
}

TEST(NiftiHeader, ShearHasNoQform) {
  NiftiImage image = image_of({5, 6, 7});
  image.affine_centre_to_mm.m[0][1] = 0.5;
  const auto header = nifti_header(image);
  EXPECT_EQ(load<std::int16_t>(header.data() + 252), 0);
  EXPECT_GT(load<std::int16_t>(header.data() + 254), 0);
}

TEST(NiftiHeader, MirroredAxesHaveNegativeQfac) {
  NiftiImage image = image_of({5, 6, 7});
  image.affine_centre_to_mm.m[0][0] = 2;
  EXPECT_EQ(load<float>(nifti_header(image).data() + 76), -1);
}

TEST(NiftiHeader, ColoursAndChannels) {
  NiftiImage image = image_of({5, 6, 7});
  image.channels = 3;
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 40), 4);
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 48), 3);
  image.is_rgb = true;
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 40), 3);
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 70), 128);
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 72), 24);
}

TEST(NiftiHeader, LabelsHaveTheIntent) {
  NiftiImage image = image_of({5, 6, 7});
  image.is_label = true;
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 68), 1002);
}

TEST(NiftiHeader, LongSidesNeedNifti2) {
  EXPECT_EQ(load<std::int32_t>(nifti_header(image_of({32767, 1, 1})).data()), 348);
  const auto header = nifti_header(image_of({32768, 6, 7}));
  ASSERT_EQ(header.size(), 544u);
  const std::byte* h = header.data();
  EXPECT_EQ(load<std::int32_t>(h), 540);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(h) + 4, 8), std::string("n+2\0\r\n\x1a\n", 8));
  EXPECT_EQ(load<std::int16_t>(h + 12), 2);  // DT_UINT8
  EXPECT_EQ(load<std::int64_t>(h + 16), 3);
  EXPECT_EQ(load<std::int64_t>(h + 24), 32768);
  EXPECT_EQ(load<double>(h + 112), 2);          // pixdim[1]
  EXPECT_EQ(load<std::int64_t>(h + 168), 544);  // vox_offset
  EXPECT_EQ(load<double>(h + 176), 1);          // scl_slope
  EXPECT_GT(load<std::int32_t>(h + 348), 0);    // sform_code
  EXPECT_EQ(load<double>(h + 400), -2);         // srow_x
  EXPECT_EQ(load<std::int32_t>(h + 500), 2);    // mm
}

TEST_F(NiftiWriterTest, PlainFileIsHeaderAndValues) {
  ThreadPool pool(2);
  const NiftiImage image = image_of({8, 8, 8});
  auto writer = NiftiWriter::create(path("v.nii"), image, 6, false, pool);
  ASSERT_TRUE(writer.has_value());
  const auto values = values_of(512);
  ASSERT_TRUE((*writer)->append(std::span(values).first(100)).has_value());
  ASSERT_TRUE((*writer)->append(std::span(values).subspan(100)).has_value());
  EXPECT_FALSE(fs::exists(path("v.nii"))) << "no name before it is whole";
  ASSERT_TRUE((*writer)->finish().has_value());
  auto expected = nifti_header(image);
  expected.insert(expected.end(), values.begin(), values.end());
  EXPECT_EQ(content(path("v.nii")), std::string(reinterpret_cast<const char*>(expected.data()), expected.size()));
  EXPECT_THAT(names(), testing::ElementsAre("v.nii"));
}

TEST_F(NiftiWriterTest, GzipIsOneMemberWithTheSameBytesForAnyThreads) {
  const NiftiImage image = image_of({128, 128, 200});
  const auto values = values_of(128 * 128 * 200);  // three blocks and a part
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    auto writer = NiftiWriter::create(path(fmt::format("{}.nii.gz", threads)), image, 6, false, pool);
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
  auto expected = nifti_header(image);
  expected.insert(expected.end(), values.begin(), values.end());
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

TEST_F(NiftiWriterTest, UnfinishedFilesLeaveNothing) {
  ThreadPool pool(2);
  for (const char* name : {"v.nii", "v.nii.gz"}) {
    auto writer = NiftiWriter::create(path(name), image_of({128, 128, 200}), 6, false, pool);
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE((*writer)->append(values_of(128 * 128 * 200)).has_value());
  }
  EXPECT_THAT(names(), testing::IsEmpty());
}

TEST_F(NiftiWriterTest, ReplacesOnlyWhenAsked) {
  ThreadPool pool(1);
  std::ofstream(path("v.nii")) << "precious";
  auto refused = NiftiWriter::create(path("v.nii"), image_of({1, 1, 1}), 6, false, pool);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::already_exists);
  {
    auto dropped = NiftiWriter::create(path("v.nii"), image_of({1, 1, 1}), 6, true, pool);
    ASSERT_TRUE(dropped.has_value());
  }
  EXPECT_EQ(content(path("v.nii")), "precious");
  auto writer = NiftiWriter::create(path("v.nii"), image_of({1, 1, 1}), 6, true, pool);
  ASSERT_TRUE(writer.has_value());
  ASSERT_TRUE((*writer)->append(values_of(1)).has_value());
  ASSERT_TRUE((*writer)->finish().has_value());
  EXPECT_EQ(content(path("v.nii")).size(), 353u);
}

TEST_F(NiftiWriterTest, FolderThatIsNotThere) {
  ThreadPool pool(1);
  auto writer = NiftiWriter::create(path("none/v.nii"), image_of({1, 1, 1}), 6, false, pool);
  ASSERT_FALSE(writer.has_value());
  EXPECT_EQ(exit_status(writer.error()), 6);
}

}  // namespace
}  // namespace ngforge
