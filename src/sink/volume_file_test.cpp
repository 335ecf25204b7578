// SPDX-License-Identifier: Apache-2.0
#include "sink/volume_file.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/byte_cursor.h"

namespace ngforge {
namespace {

// 2 x 3 x 4 mm, axes to the left, posterior and superior: a proper rotation by 180 degrees about z.
VolumeImage image_of(VoxelVec size) {
  VolumeImage image;
  image.size_vox = size;
  image.affine_centre_to_mm.m = {{{-2, 0, 0, 10}, {0, -3, 0, 20}, {0, 0, 4, -30}, {0, 0, 0, 1}}};
  return image;
}

std::vector<std::byte> nifti_header(const VolumeImage& image) {
  return find_volume_file("v.nii")->header(image);
}

TEST(NiftiHeader, StatesWhatNifti1Defines) {
  VolumeImage image = image_of({5, 6, 7});
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
  VolumeImage image = image_of({5, 6, 7});
  image.affine_centre_to_mm.m[0][1] = 0.5;
  const auto header = nifti_header(image);
  EXPECT_EQ(load<std::int16_t>(header.data() + 252), 0);
  EXPECT_GT(load<std::int16_t>(header.data() + 254), 0);
}

TEST(NiftiHeader, MirroredAxesHaveNegativeQfac) {
  VolumeImage image = image_of({5, 6, 7});
  image.affine_centre_to_mm.m[0][0] = 2;
  EXPECT_EQ(load<float>(nifti_header(image).data() + 76), -1);
}

TEST(NiftiHeader, ColoursAndChannels) {
  VolumeImage image = image_of({5, 6, 7});
  image.channels = 3;
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 40), 4);
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 48), 3);
  image.is_rgb = true;
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 40), 3);
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 70), 128);
  EXPECT_EQ(load<std::int16_t>(nifti_header(image).data() + 72), 24);
}

TEST(NiftiHeader, LabelsHaveTheIntent) {
  VolumeImage image = image_of({5, 6, 7});
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

TEST(VolumeFiles, AreFoundByTheirSuffix) {
  const std::pair<const char*, const char*> cases[] = {
      {"a.nii", "nifti"}, {"a.NII.GZ", "nifti"},  {"a/b.mgz", "mgh"}, {"a.mgh", "mgh"},
      {"a.tif", "tiff"},  {"a.ome.tiff", "tiff"}, {"a.npy", "npy"}};
  for (const auto& [path, name] : cases) {
    ASSERT_NE(find_volume_file(path), nullptr) << path;
    EXPECT_STREQ(find_volume_file(path)->name, name) << path;
  }
  for (const char* path : {"a", "a.gz", "nii", ".nii", "a.nii/", "a.npy.gz"})
    EXPECT_EQ(find_volume_file(path), nullptr) << path;
  EXPECT_TRUE(is_gzip_file("a.nii.gz") && is_gzip_file("a.MGZ"));
  EXPECT_FALSE(is_gzip_file("a.nii"));
}

// docs.scipy.org: the text of an array of shape (5, 6, 7, 2), aligned to 64 bytes.
TEST(VolumeFiles, NpyHeaderIsAligned) {
  VolumeImage image = image_of({5, 6, 7});
  image.channels = 2;
  image.type = DataType::uint16;
  const auto header = find_volume_file("a.npy")->header(image);
  ASSERT_EQ(header.size(), 128u);
  const std::string text(reinterpret_cast<const char*>(header.data()), header.size());
  EXPECT_EQ(text.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ(load<std::uint16_t>(header.data() + 8), 118);
  EXPECT_TRUE(text.substr(10).starts_with("{'descr': '<u2', 'fortran_order': True, 'shape': (5, 6, 7, 2), } "));
  EXPECT_EQ(text.back(), '\n');
}

TEST(VolumeFiles, SayWhichTypeTakesAnother) {
  const auto& mgh = *find_volume_file("a.mgz");
  EXPECT_EQ(mgh.stored_type(DataType::uint16, false), DataType::int32);
  EXPECT_EQ(mgh.stored_type(DataType::uint32, true), DataType::int32);
  EXPECT_EQ(mgh.stored_type(DataType::uint32, false), std::nullopt);
  EXPECT_EQ(mgh.stored_type(DataType::uint64, true), std::nullopt);
  EXPECT_EQ(find_volume_file("a.tif")->stored_type(DataType::uint64, true), std::nullopt);
}

}  // namespace
}  // namespace ngforge
