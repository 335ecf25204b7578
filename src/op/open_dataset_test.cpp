// SPDX-License-Identifier: Apache-2.0
#include "op/open_dataset.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compress/gzip.h"
#include "core/byte_cursor.h"
#include "ngforge/op.h"
#include "op/contrast.h"
#include "source/precomputed.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OpenDataset : public ::testing::Test {
 protected:
  OpenDataset() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ngforge_open_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~OpenDataset() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// A NIfTI-1 file of int16 noise, 1 x 1 x 2 mm, with a quarter turn about z and an empty half.
  std::string write_nifti(const std::string& name, bool gzipped, std::int16_t intent = 0) const {
    constexpr Index kX = 90, kY = 70, kZ = 40;
    Bytes file(352 + kX * kY * kZ * 2);
    std::byte* const header = file.data();
    store(header, std::int32_t{348});
    const std::int16_t dim[] = {3, kX, kY, kZ, 1, 1, 1, 1};
    for (std::size_t i = 0; i < 8; ++i) store(header + 40 + 2 * i, dim[i]);
    store(header + 68, intent);
    store(header + 70, std::int16_t{4});  // int16
    store(header + 72, std::int16_t{16});
    const float pixdim[] = {1, 1, 1, 2};
    for (std::size_t i = 0; i < 4; ++i) store(header + 76 + 4 * i, pixdim[i]);
    store(header + 108, 352.f);
    header[123] = std::byte{2};  // mm
    store(header + 254, std::int16_t{1});
    const float sform[3][4] = {{0, -1, 0, 30}, {1, 0, 0, -20}, {0, 0, 2, 5}};
    std::memcpy(header + 280, sform, sizeof sform);
    std::memcpy(header + 344, "n+1", 4);
    std::mt19937 random(5);
    for (Index i = 0; i < kX * kY * kZ; ++i)
      store(file.data() + 352 + 2 * i, static_cast<std::int16_t>(i < kX * kY * kZ / 2 ? 0 : random() % 2000));
    Bytes packed;
    if (gzipped) GzipCompressor(6).compress(file, packed);
    const Bytes& bytes = gzipped ? packed : file;
    std::ofstream(path(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }

  std::filesystem::path folder_;
};

/// The same `info` but for how it is stored, and the same voxels in every scale.
void expect_same_volume(const std::shared_ptr<Store>& live_store, const std::string& converted_place) {
  const auto live = PrecomputedVolume::open(live_store);
  const auto converted = PrecomputedVolume::open(converted_place);
  ASSERT_TRUE(live.has_value()) << live.error().message;
  ASSERT_TRUE(converted.has_value()) << converted.error().message;
  EXPECT_EQ((*live)->transform_nm(), (*converted)->transform_nm());
  const VolumeInfo& a = (*live)->info();
  const VolumeInfo& b = (*converted)->info();
  ASSERT_EQ(a.scales.size(), b.scales.size());
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.is_segmentation, b.is_segmentation);
  for (std::size_t k = 0; k < a.scales.size(); ++k) {
    EXPECT_EQ(a.scales[k].key, b.scales[k].key);
    EXPECT_EQ(a.scales[k].chunk_sizes, b.scales[k].chunk_sizes);
    ASSERT_EQ(a.scales[k].box_vox(), b.scales[k].box_vox());
    Block from_live(a.type, a.scales[k].box_vox(), a.channels),
        from_converted(b.type, b.scales[k].box_vox(), b.channels);
    ASSERT_TRUE((*live)->read(k, from_live.box(), from_live.view()).has_value());
    ASSERT_TRUE((*converted)->read(k, from_converted.box(), from_converted.view()).has_value());
    EXPECT_TRUE(std::ranges::equal(from_live.bytes(), from_converted.bytes())) << a.scales[k].key;
    EXPECT_FALSE(is_all_zero(from_live.bytes()));
  }
}

TEST_F(OpenDataset, LiveAndConvertedAreTheSame) {
  const std::string plain = write_nifti("scan.nii", false), packed = write_nifti("packed.nii.gz", true);
  ConvertOptions options;
  options.chunk_size_xyz = {{32, 16, 16}};
  const auto converted = convert(plain, path("converted"), options, {});
  ASSERT_TRUE(converted.has_value()) << converted.error().message;
  for (const std::string& place : {plain, packed}) {
    const auto dataset = open_dataset(place, options, {});
    ASSERT_TRUE(dataset.has_value()) << dataset.error().message;
    EXPECT_EQ(dataset->type, "image");
    EXPECT_EQ(dataset->data_type, DataType::int16);
    EXPECT_EQ(dataset->box_vox, (Box{{0, 0, 0}, {70, 90, 40}}));
    EXPECT_THAT(dataset->resolution_nm, ElementsAre(1e6, 1e6, 2e6));
    EXPECT_FALSE(dataset->is_rgb);
    expect_same_volume(dataset->store, path("converted"));
  }
  ConvertOptions labels = options;
  labels.type = "segmentation";
  const auto segmentation = convert(plain, path("labels"), labels, {});
  ASSERT_TRUE(segmentation.has_value()) << segmentation.error().message;
  const auto dataset = open_dataset(plain, labels, {});
  ASSERT_TRUE(dataset.has_value()) << dataset.error().message;
  EXPECT_EQ(dataset->type, "segmentation");
  EXPECT_EQ(dataset->data_type, DataType::uint32);
  expect_same_volume(dataset->store, path("labels"));
}

TEST_F(OpenDataset, PrecomputedIsOpenedAsItLies) {
  ASSERT_TRUE(convert(write_nifti("scan.nii", false), path("converted"), {}, {}).has_value());
  for (const std::string& place : {path("converted"), path("converted") + "/", "precomputed://" + path("converted"),
                                   path("converted") + "|neuroglancer-precomputed:"}) {
    const auto dataset = open_dataset(place, {}, {});
    ASSERT_TRUE(dataset.has_value()) << dataset.error().message;
    EXPECT_EQ(dataset->name, "converted");
    EXPECT_EQ(dataset->source, place);
    EXPECT_EQ(dataset->data_type, DataType::int16);
    EXPECT_EQ(dataset->box_vox, (Box{{0, 0, 0}, {70, 90, 40}}));
    ASSERT_TRUE(dataset->transform_nm.has_value());
    const auto contrast = dataset->contrast();
    ASSERT_TRUE(contrast.has_value()) << contrast.error().message;
    EXPECT_LT((*contrast)[0], (*contrast)[1]);
    expect_same_volume(dataset->store, path("converted"));
  }
}

TEST_F(OpenDataset, DeepNamesAreAnsweredAsTheViewerAsks) {
  ConvertOptions options;
  options.layout = "deep";
  const auto converted = convert(write_nifti("scan.nii", false), path("deep"), options, {});
  ASSERT_TRUE(converted.has_value()) << converted.error().message;
  const auto dataset = open_dataset(path("deep"), {}, {});
  ASSERT_TRUE(dataset.has_value()) << dataset.error().message;
  const auto volume = PrecomputedVolume::open(path("deep"));
  ASSERT_TRUE(volume.has_value());
  EXPECT_EQ((*volume)->layout(0), Layout::deep);
  const ScaleInfo& scale = (*volume)->info().scales.front();
  const std::string flat = scale.key + '/' + chunk_name(scale.chunk_box({0, 0, scale.grid_shape().z - 1}));
  EXPECT_TRUE(dataset->store->stat(flat).has_value()) << flat;
  EXPECT_FALSE((*volume)->store()->stat(flat).has_value());
}

TEST_F(OpenDataset, LiveContrastIsThatOfTheConverted) {
  const std::string scan = write_nifti("scan.nii", false);
  ConvertOptions options;
  options.chunk_size_xyz = {{8, 8, 8}};
  options.scales = 2;
  ASSERT_TRUE(convert(scan, path("converted"), options, {}).has_value());
  const auto live = open_dataset(scan, options, {}), converted = open_dataset(path("converted"), {}, {});
  ASSERT_TRUE(live.has_value() && converted.has_value());
  EXPECT_EQ(*live->contrast(), *converted->contrast());
}

TEST_F(OpenDataset, ErrorsConcernTheSource) {
  const auto absent = open_dataset(path("nothing.nii"), {}, {});
  ASSERT_FALSE(absent.has_value());
  EXPECT_TRUE(absent.error().concerns_source);
  EXPECT_EQ(absent.error().code, ErrorCode::not_found);
  std::filesystem::create_directory(path("broken"));
  std::ofstream(path("broken/info")) << "{";
  const auto broken = open_dataset(path("broken"), {}, {});
  ASSERT_FALSE(broken.has_value());
  EXPECT_TRUE(broken.error().concerns_source);
  EXPECT_THAT(broken.error().message, HasSubstr("info"));
}

TEST_F(OpenDataset, TellsWhatItTakesForLabels) {
  std::vector<std::string> notices;
  RunOptions run;
  run.on_notice = [&](const std::string& text) { notices.push_back(text); };
  EXPECT_EQ(open_dataset(write_nifti("scan.nii", false), {}, run)->type, "image");
  EXPECT_TRUE(notices.empty());
  EXPECT_EQ(open_dataset(write_nifti("atlas.nii", false, 1002), {}, run)->type, "segmentation");
  EXPECT_THAT(notices, ElementsAre(HasSubstr("LABEL")));
}

TEST(DatasetName, IsTheLastPartWithoutSuffixes) {
  EXPECT_EQ(dataset_name("/data/scan.nii.gz"), "scan");
  EXPECT_EQ(dataset_name("scan.NII"), "scan");
  EXPECT_EQ(dataset_name("a/b.c/T1.mgz"), "T1");
  EXPECT_EQ(dataset_name("nifti://dir/sub-01_T1w.nii.gz"), "sub-01_T1w");
  EXPECT_EQ(dataset_name("dir/scan.nii|nifti:"), "scan");
  EXPECT_EQ(dataset_name("precomputed://file:///data/brain/"), "brain");
  EXPECT_EQ(dataset_name("brain//"), "brain");
  EXPECT_EQ(dataset_name("/data/brain/."), "brain");
  EXPECT_EQ(dataset_name("/data/brain/em/.."), "brain");
  EXPECT_EQ(dataset_name("/data/em/z*.png"), "em");
  EXPECT_EQ(dataset_name("/data/em/s?/0[01].tif"), "em");
  EXPECT_EQ(dataset_name("v1.2"), "v1.2");
  EXPECT_EQ(dataset_name(".nii"), ".nii");
  EXPECT_EQ(dataset_name("-"), "stdin");
  EXPECT_EQ(dataset_name("/"), "dataset");
}

TEST(Contrast, IsPercentilesOfWhatIsThere) {
  std::vector<double> values;
  for (int i = 1000; i >= 1; --i) values.push_back(i);
  EXPECT_THAT(contrast_of_values(values), ElementsAre(10, 995));
  values = {5};
  EXPECT_THAT(contrast_of_values(values), ElementsAre(0, 5));
  values = {-5, -5};
  EXPECT_THAT(contrast_of_values(values), ElementsAre(-5, 0));
  values = {-1, 1};
  EXPECT_THAT(contrast_of_values(values), ElementsAre(-1, 1));
  values = {};
  EXPECT_THAT(contrast_of_values(values), ElementsAre(0, 1));
}

}  // namespace
}  // namespace ngforge
