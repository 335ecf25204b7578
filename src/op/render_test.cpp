// SPDX-License-Identifier: Apache-2.0
#include "op/render.h"

#include <atomic>
#include <cstring>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/orientation.h"
#include "core/value_map.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A volume in memory. As a stream it insists on the order of Access::once.
class FakeSource : public VolumeSource {
 public:
  struct Log {
    std::atomic<int> reads = 0;
    std::atomic<std::uint64_t> values = 0;
  };

  FakeSource(VolumeHeader header, Access access, std::vector<std::byte> values, std::shared_ptr<Log> log)
      : header_(std::move(header)), access_(access), values_(std::move(values)), log_(std::move(log)) {}
  const VolumeHeader& header() const override { return header_; }
  Access access() const override { return access_; }
  Result<void> read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) override {
    ++log_->reads;
    log_->values += static_cast<std::uint64_t>(box.volume() * channels.size());
    const auto v = static_cast<Index>(size_of(header_.type));
    const SourceVec n = header_.size_ijk, size = box.size();
    if (access_ == Access::once) {
      EXPECT_EQ(size.x, n.x) << "a stream gives whole rows";
      const bool slowest = !header_.channels_are_colors;  // interleaved colours all come at once
      const Index from = (slowest ? channels.begin * n.product() : 0) + (box.begin.z * n.y + box.begin.y) * n.x;
      EXPECT_GE(from, next_) << "a stream goes forward";
      next_ = (slowest ? (channels.end - 1) * n.product() : 0) + ((box.end.z - 1) * n.y + box.end.y) * n.x;
    }
    EXPECT_EQ(out.size(), static_cast<std::size_t>(box.volume() * channels.size() * v));
    std::byte* to = out.data();
    for (Index c = channels.begin; c < channels.end; ++c) {
      for (Index k = box.begin.z; k < box.end.z; ++k) {
        for (Index j = box.begin.y; j < box.end.y; ++j, to += size.x * v)
          std::memcpy(to, &values_[static_cast<std::size_t>((((c * n.z + k) * n.y + j) * n.x + box.begin.x) * v)],
                      static_cast<std::size_t>(size.x * v));
      }
    }
    return {};
  }

 private:
  const VolumeHeader header_;
  const Access access_;
  const std::vector<std::byte> values_;
  const std::shared_ptr<Log> log_;
  Index next_ = 0;
};

SourceLevels only(std::unique_ptr<VolumeSource> source) {
  SourceLevels levels;
  levels.push_back(std::move(source));
  return levels;
}

/// A volume of noise with an empty corner, its plan, and all scales made whole by the reference.
struct Fixture {
  VolumeHeader header;
  std::vector<std::byte> values;
  VolumePlan plan;
  std::vector<Block> scales;
  std::shared_ptr<FakeSource::Log> log = std::make_shared<FakeSource::Log>();

  Fixture(StoredType type, SourceVec size, Index channels, VolumeOptions options, bool colors = false) {
    header.size_ijk = size;
    header.channels = channels;
    header.channels_are_colors = colors;
    if (channels > 1) header.channel_axes = {channels};
    header.type = type;
    header.has_voxel_size = header.is_anatomical = true;
    values.resize(static_cast<std::size_t>(size.product() * channels) * size_of(type));
    std::mt19937 random(1);
    for (auto& b : values) b = static_cast<std::byte>(random() % 7);
    std::fill_n(values.begin(), values.size() / 3, std::byte{0});
    options.layout = "flat";
    options.compress = "none";
    auto planned = plan_volume(header, options);
    EXPECT_TRUE(planned.has_value()) << planned.error().message;
    plan = std::move(*planned);
    make_scales();
  }

  void make_scales() {
    std::vector<std::byte> mapped(values.size() / size_of(header.type) * size_of(plan.type));
    EXPECT_FALSE(map_values(plan.values, values, mapped).has_value());
    scales.emplace_back(plan.type, plan.scales[0].box_vox, plan.channels);
    MutableBlockView target = scales[0].view();
    target.box = plan.to_reordered(target.box);
    const auto channel_bytes = mapped.size() / static_cast<std::size_t>(header.channels);
    for (std::size_t c = 0; c < plan.source_channels.size(); ++c) {
      const auto from = static_cast<std::size_t>(plan.source_channels[c]) * channel_bytes;
      const auto output = static_cast<Index>(c);
      copy_reordered(std::span<const std::byte>(mapped).subspan(from, channel_bytes), {{}, header.size_ijk},
                     {output, output + 1}, header.size_ijk, plan.axis_map, target);
    }
    for (std::size_t k = 1; k < plan.scales.size(); ++k) {
      scales.emplace_back(plan.type, plan.scales[k].box_vox, plan.channels);
      downsample_reference(scales[k - 1].view(), plan.scales[k - 1].box_vox, plan.scales[k].factor, plan.method,
                           plan.outside, scales[k].view());
    }
  }

  std::shared_ptr<Store> open(Access access, RunOptions run = {}) {
    auto store = render("scan", only(std::make_unique<FakeSource>(header, access, values, log)), plan, run);
    EXPECT_TRUE(store.has_value()) << store.error().message;
    return *store;
  }

  /// Every chunk of every scale, coarsest first, against the reference. Returns how many are absent.
  int expect_all_chunks(Store& store) const {
    int absent = 0;
    for (std::size_t k = scales.size(); k-- > 0;) {
      const ScaleInfo& scale = plan.info.scales[k];
      const GridVec grid = scale.grid_shape();
      for (Index i = 0; i < grid.product(); ++i)
        absent += expect_chunk(store, k, {i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y}) ? 0 : 1;
    }
    return absent;
  }

  bool expect_chunk(Store& store, std::size_t k, const GridVec& cell) const {
    const ScaleInfo& scale = plan.info.scales[k];
    Block expected(plan.type, scale.chunk_box(cell), plan.channels);
    copy_common(scales[k].view(), expected.view());
    const std::string key = scale.key + '/' + chunk_name(expected.box());
    const auto bytes = store.get(key);
    if (!bytes) {
      EXPECT_EQ(bytes.error().code, ErrorCode::not_found) << key << ": " << bytes.error().message;
      EXPECT_TRUE(is_all_zero(expected.bytes())) << key;
      return false;
    }
    EXPECT_FALSE(!plan.keep_empty && is_all_zero(expected.bytes())) << key;
    Bytes encoded;
    EXPECT_TRUE(plan.codec->encode(std::as_const(expected).view(), plan.codec_options, encoded).has_value());
    EXPECT_TRUE(*bytes == encoded) << key;
    return true;
  }
};

VolumeOptions small_chunks(std::array<Index, 3> chunk = {16, 8, 8}) {
  VolumeOptions options;
  options.chunk_size_xyz = chunk;
  return options;
}

TEST(Render, GivesTheVoxelsOfEveryScale) {
  Fixture image(StoredType::uint8, {50, 37, 29}, 1, small_chunks());
  EXPECT_GT(image.scales.size(), 2u);
  EXPECT_GT(image.expect_all_chunks(*image.open(Access::any_box)), 0);
}

TEST(Render, GivesThemWhereCellsCrossChunksAndAxesAreTurned) {
  auto options = small_chunks({7, 5, 9});
  options.voxel_offset = {{-3, 5, 1}};
  options.factor = "3,2,2;2,2,2";
  options.orientation = "SPL";
  options.crop = "-1:,:30,3:";
  options.outside = "3";
  Fixture image(StoredType::int16, {40, 33, 31}, 1, options);
  EXPECT_GT(image.scales.size(), 2u);
  image.expect_all_chunks(*image.open(Access::any_box));
  image.expect_all_chunks(*image.open(Access::once));
}

TEST(Render, GivesLabelsChannelsAndColors) {
  auto labels = small_chunks();
  labels.type = "segmentation";
  labels.encoding = "raw";
  Fixture segmentation(StoredType::uint32, {40, 20, 20}, 1, labels);
  EXPECT_EQ(segmentation.plan.method, Downsampling::majority);
  segmentation.expect_all_chunks(*segmentation.open(Access::any_box));

  Fixture time_series(StoredType::int8, {20, 20, 20}, 3, small_chunks());
  time_series.expect_all_chunks(*time_series.open(Access::once));

  auto one = small_chunks();
  one.time = 1;
  Fixture chosen(StoredType::uint16, {20, 20, 20}, 3, one);
  EXPECT_EQ(chosen.plan.channels, 1);
  chosen.expect_all_chunks(*chosen.open(Access::once));
  EXPECT_EQ(chosen.log->values, 20u * 20 * 20) << "the other time points are skipped";

  Fixture colors(StoredType::uint8, {20, 20, 20}, 3, small_chunks(), true);
  colors.expect_all_chunks(*colors.open(Access::once));
}

TEST(Render, KeepsEmptyChunksWhenTold) {
  auto options = small_chunks();
  options.keep_empty = true;
  Fixture image(StoredType::uint8, {50, 37, 29}, 1, options);
  EXPECT_EQ(image.expect_all_chunks(*image.open(Access::any_box)), 0);
}

TEST(Render, ReadsNothingBeforeAChunkIsAskedForAndAStreamOnce) {
  Fixture image(StoredType::uint8, {50, 37, 29}, 1, small_chunks());
  const auto store = image.open(Access::once);
  const auto info = store->get("info");
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(info->data()), info->size()), write_volume_info(image.plan.info));
  EXPECT_TRUE(store->get("transform.json").has_value());
  EXPECT_EQ(image.log->reads, 0);
  image.expect_all_chunks(*store);
  EXPECT_EQ(image.log->values, 50u * 37 * 29);
}

TEST(Render, ReadsEachVoxelOnceForAllCoarseScales) {
  Fixture image(StoredType::uint8, {64, 64, 64}, 1, small_chunks({8, 8, 8}));
  const auto store = image.open(Access::any_box);
  for (std::size_t k = image.scales.size(); k-- > 1;) image.expect_chunk(*store, k, {0, 0, 0});
  EXPECT_EQ(image.log->values, 64u * 64 * 64);
}

TEST(Render, KeepsCoarseBlocksLongestWhenMemoryIsShort) {
  Fixture image(StoredType::uint8, {64, 64, 64}, 1, small_chunks({8, 8, 8}));
  RunOptions run;
  run.threads = 1;
  run.memory_bytes = 140 << 10;  // a quarter of the volume is kept; all coarse scales are a seventh
  const auto store = image.open(Access::any_box, run);
  for (int round = 0; round < 2; ++round) {
    for (std::size_t k = image.scales.size(); k-- > 1;) {
      for (Index x = 0; x < image.plan.info.scales[k].grid_shape().x; ++x) image.expect_chunk(*store, k, {x, 0, 0});
    }
  }
  EXPECT_EQ(image.log->values, 64u * 64 * 64);
}

TEST(Render, UnpacksToScratchWhatDoesNotFitHalfOfTheMemory) {
  Fixture image(StoredType::uint8, {128, 128, 128}, 1, small_chunks({16, 16, 16}));
  std::vector<std::string> notices;
  RunOptions run;
  run.memory_bytes = 3 << 20;
  run.on_notice = [&](const std::string& text) { notices.push_back(text); };
  run.scratch = "/nonexistent/folder";
  const auto failing = image.open(Access::once, run);
  const auto chunk = failing->get(image.plan.info.scales[0].key + "/0-16_0-16_112-128");
  ASSERT_FALSE(chunk.has_value());
  EXPECT_THAT(chunk.error().hint, HasSubstr("--scratch"));
  EXPECT_THAT(notices, ElementsAre(HasSubstr("unpacking 2 MiB to scratch in /nonexistent/folder")));

  run.scratch = testing::TempDir();
  notices.clear();
  const auto store = image.open(Access::once, run);
  image.expect_all_chunks(*store);
  EXPECT_EQ(notices.size(), 1u);

  run.memory_bytes = 64 << 20;
  notices.clear();
  image.expect_all_chunks(*image.open(Access::once, run));
  EXPECT_TRUE(notices.empty());
}

TEST(Render, SaysHowMuchMemoryItNeeds) {
  Fixture image(StoredType::uint8, {300, 128, 128}, 1, small_chunks({64, 64, 64}));
  RunOptions run;
  run.memory_bytes = 1 << 20;
  const auto store =
      render("scan", only(std::make_unique<FakeSource>(image.header, Access::any_box, image.values, image.log)),
             image.plan, run);
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, ErrorCode::needs_decision);
  EXPECT_THAT(store.error().hint, HasSubstr("--memory"));
}

TEST(Render, AnswersOnlyTheNamesOfTheGrid) {
  Fixture image(StoredType::uint8, {50, 37, 29}, 1, small_chunks());
  const auto store = image.open(Access::any_box);
  const std::string scale = image.plan.info.scales[0].key;
  for (const std::string key : {"", "infos", "info/", "1_2_3/0-16_0-8_0-8", "0-16_0-8_0-8", "/0-16_0-8_0-8"}) {
    EXPECT_EQ(store->get(key).error().code, ErrorCode::not_found) << key;
  }
  for (const char* name : {"", "0-16_0-8", "0-15_0-8_0-8", "1-17_0-8_0-8", "0-16_0-8_24-32", "0-16_0-8_32-40",
                           "00-16_0-8_0-8", "-16-0_0-8_0-8", "+0-16_0-8_0-8", "0-16_0-8_0-8.gz"}) {
    EXPECT_EQ(store->stat(scale + '/' + name).error().code, ErrorCode::not_found) << name;
  }
  EXPECT_EQ(image.log->reads, 0);
  EXPECT_TRUE(store->get(scale + "/0-16_0-8_24-29").has_value());
}

TEST(Render, KnowsSizesRangesAndFolders) {
  Fixture image(StoredType::uint8, {50, 37, 29}, 1, small_chunks());
  const auto store = image.open(Access::any_box);
  const std::string key = image.plan.info.scales[0].key + "/48-50_32-37_24-29";
  const auto whole = store->get(key);
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->size(), 2u * 5 * 5);
  EXPECT_EQ(store->stat(key)->size, 50u);
  EXPECT_EQ(store->stat(key)->etag, store->stat(key)->etag);
  EXPECT_NE(store->stat(key)->etag, store->stat("info")->etag);
  EXPECT_EQ(*store->get_range(key, {10, 5}), Bytes(whole->begin() + 10, whole->begin() + 15));
  EXPECT_EQ(store->get_range(key, {48, 3}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(store->get_range(key, {~0ull, 2}).error().code, ErrorCode::invalid_argument);
  const auto names = store->list("");
  ASSERT_TRUE(names.has_value());
  EXPECT_EQ(names->size(), image.scales.size() + 2);
  EXPECT_THAT(*names, testing::Contains(image.plan.info.scales[1].key + "/"));
  EXPECT_EQ(store->list("nothing/").error().code, ErrorCode::not_found);
  EXPECT_EQ(store->list(names->front()).error().code, ErrorCode::unsupported);
  EXPECT_EQ(store->put(key, {}).error().code, ErrorCode::unsupported);
}

TEST(Render, ServesManyThreadsInLittleMemory) {
  Fixture image(StoredType::uint8, {100, 90, 80}, 1, small_chunks({16, 16, 16}));
  RunOptions run;
  run.memory_bytes = 4 << 20;
  run.threads = 3;
  const auto store = image.open(Access::once, run);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { image.expect_all_chunks(*store); });
}

TEST(Render, StopsWhenTold) {
  Fixture image(StoredType::uint8, {50, 37, 29}, 1, small_chunks());
  std::stop_source stop;
  RunOptions run;
  run.stop = stop.get_token();
  const auto store = image.open(Access::once, run);
  stop.request_stop();
  EXPECT_EQ(store->get(image.plan.info.scales[0].key + "/0-16_0-8_24-29").error().code, ErrorCode::cancelled);
}

TEST(Render, NamesTheVoxelThatDoesNotFit) {
  auto options = small_chunks();
  options.type = "segmentation";
  options.encoding = "raw";
  Fixture labels(StoredType::int16, {20, 20, 20}, 1, options);
  const std::int16_t minus_one = -1;
  std::memcpy(&labels.values[2 * (7 + 20 * (6 + 20 * 5))], &minus_one, 2);
  const auto store = labels.open(Access::any_box);
  const auto coarsest = store->get(labels.plan.info.scales.back().key + '/' +
                                   chunk_name(labels.plan.info.scales.back().chunk_box({0, 0, 0})));
  ASSERT_FALSE(coarsest.has_value());
  EXPECT_EQ(coarsest.error().code, ErrorCode::needs_decision);
  EXPECT_THAT(coarsest.error().message, HasSubstr("-1 at voxel (7, 6, 5)"));
}

}  // namespace
}  // namespace ngforge
