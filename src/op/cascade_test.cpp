// SPDX-License-Identifier: Apache-2.0
// The one-pass pyramid against the same pyramid made whole, scale by scale, with the reference kernel: every way a
// source can be read, every strip axis and direction, chunks that cells cross, strips in memory and on disk.
#include "op/cascade.h"

#include <atomic>
#include <cstring>
#include <filesystem>
#include <map>
#include <new>
#include <random>
#include <stop_token>

#include <gtest/gtest.h>

#include "core/failing_new.h"
#include "op/feed.h"

namespace ngforge {
namespace {

// A volume in memory that insists on the order of reading that it promised.
class FakeSource final : public VolumeSource {
 public:
  FakeSource(VolumeHeader header, Access access) : header_(std::move(header)), access_(access) {
    std::mt19937 random(7);
    const auto s = header_.size_ijk;
    values_.resize(static_cast<std::size_t>(s.product() * header_.channels));
    for (auto& value : values_) value = static_cast<std::uint16_t>(random() % 50);
    // A corner of zeros, so that empty chunks occur.
    for (Index k = 0; k < s.z / 2; ++k)
      for (Index j = 0; j < s.y / 2; ++j)
        for (Index i = 0; i < s.x / 2; ++i)
          for (Index c = 0; c < header_.channels; ++c) values_[index(i, j, k, c)] = 0;
  }
  const VolumeHeader& header() const override { return header_; }
  Access access() const override { return access_; }
  std::uint16_t at(Index i, Index j, Index k, Index c) const { return values_[index(i, j, k, c)]; }

  Result<void> read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) override {
    if (access_ == Access::once) {
      EXPECT_EQ(box.begin.x, 0);
      EXPECT_EQ(box.end.x, header_.size_ijk.x);
      EXPECT_GE(index(box.begin.x, box.begin.y, box.begin.z, channels.begin), position_) << "a stream cannot go back";
      position_ = index(box.end.x - 1, box.end.y - 1, box.end.z - 1, channels.end - 1) + 1;
    }
    std::size_t n = 0;
    for (Index c = channels.begin; c < channels.end; ++c)
      for (Index k = box.begin.z; k < box.end.z; ++k)
        for (Index j = box.begin.y; j < box.end.y; ++j)
          for (Index i = box.begin.x; i < box.end.x; ++i, n += 2)
            std::memcpy(out.data() + n, &values_[index(i, j, k, c)], 2);
    EXPECT_EQ(n, out.size());
    return {};
  }

 private:
  std::size_t index(Index i, Index j, Index k, Index c) const {
    const auto s = header_.size_ijk;
    return static_cast<std::size_t>(i + s.x * (j + s.y * (k + s.z * c)));
  }
  VolumeHeader header_;
  Access access_;
  std::vector<std::uint16_t> values_;
  std::size_t position_ = 0;
};

class MemorySink final : public ChunkSink {
 public:
  bool is_finished(const GridVec&) const override { return false; }
  Result<void> put(Index sequence, const GridVec& cell, std::span<const std::byte> bytes) override {
    std::lock_guard lock(mutex);
    EXPECT_TRUE(sequences.emplace(sequence, cell).second);
    chunks[{cell.x, cell.y, cell.z}] = Bytes(bytes.begin(), bytes.end());
    return {};
  }
  Result<void> pass(Index sequence, const GridVec& cell) override {
    std::lock_guard lock(mutex);
    EXPECT_TRUE(sequences.emplace(sequence, cell).second);
    return {};
  }
  void abandon() override {}

  std::mutex mutex;
  std::map<Index, GridVec> sequences;
  std::map<std::array<Index, 3>, Bytes> chunks;
};

struct Case {
  std::array<Index, 3> size_ijk;
  Index channels;
  Access access;
  std::array<Index, 3> chunk_ijk;
  std::string orientation;
  std::array<Index, 3> chunk_xyz;
  std::string factor, crop;
  std::array<Index, 3> offset;
  bool on_disk;
  int threads;
};

Affine tilted() {
  // Axes i, j, k of the file point to P, S, L: all three orders differ from RAS.
  Affine affine;
  affine.m = {{{0, 0, -1, 0}, {-1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 0, 1}}};
  return affine;
}

void run_case(const Case& test) {
  VolumeHeader header;
  header.size_ijk = {test.size_ijk[0], test.size_ijk[1], test.size_ijk[2]};
  header.channels = test.channels;
  if (test.channels > 1) header.channel_axes = {test.channels};
  header.type = StoredType::uint16;
  header.affine_ijk_to_mm = tilted();
  header.has_voxel_size = header.is_anatomical = true;
  header.chunk_ijk = {test.chunk_ijk[0], test.chunk_ijk[1], test.chunk_ijk[2]};
  FakeSource source(header, test.access);

  VolumeOptions options;
  options.orientation = test.orientation;
  options.chunk_size_xyz = test.chunk_xyz;
  options.factor = test.factor;
  options.crop = test.crop;
  options.voxel_offset = test.offset;
  options.compress = "none";
  options.layout = "flat";
  options.scales = 4;
  const auto planned = plan_volume(header, options);
  ASSERT_TRUE(planned.has_value()) << planned.error().message;
  const VolumePlan& plan = *planned;
  auto strips = plan_strips(plan, header, test.access, 64 << 20, test.threads);
  ASSERT_TRUE(strips.has_value()) << strips.error().message;
  if (test.on_disk)
    for (LevelPlan& level : strips->levels) level.in_memory = false;
  strips->batch_planes = 3;
  std::vector<std::unique_ptr<ChunkSink>> sinks;
  for (std::size_t k = 0; k < plan.scales.size(); ++k) sinks.push_back(std::make_unique<MemorySink>());
  ThreadPool pool(test.threads);
  auto cascade = Cascade::create(plan, *strips, sinks, pool, std::filesystem::temp_directory_path().string());
  ASSERT_TRUE(cascade.has_value());
  const auto fed = feed(source, plan, *strips, pool, **cascade, {}, {});
  ASSERT_TRUE(fed.has_value()) << fed.error().message;

  Block whole(DataType::uint16, plan.scales[0].box_vox, plan.channels);
  const Box reordered = plan.to_reordered(whole.box());
  for (Index c = 0; c < plan.channels; ++c)
    for (Index z = 0; z < whole.box().size().z; ++z)
      for (Index y = 0; y < whole.box().size().y; ++y)
        for (Index x = 0; x < whole.box().size().x; ++x) {
          const std::array<Index, 3> out{reordered.begin.x + x, reordered.begin.y + y, reordered.begin.z + z};
          std::array<Index, 3> in{};
          for (std::size_t a = 0; a < 3; ++a) {
            const auto axis = static_cast<std::size_t>(plan.axis_map.source_axis[a]);
            in[axis] = plan.axis_map.reversed[a] ? test.size_ijk[axis] - 1 - out[a] : out[a];
          }
          const std::uint16_t value = source.at(in[0], in[1], in[2], plan.source_channels[static_cast<std::size_t>(c)]);
          std::memcpy(whole.view().row(whole.box().begin.y + y, whole.box().begin.z + z, c) + 2 * x, &value, 2);
        }
  for (std::size_t k = 0; k < plan.scales.size(); ++k) {
    if (k > 0) {
      Block coarse(DataType::uint16, plan.scales[k].box_vox, plan.channels);
      downsample_reference(std::as_const(whole).view(), whole.box(), plan.scales[k].factor, plan.method, plan.outside,
                           coarse.view());
      whole = std::move(coarse);
    }
    auto& sink = static_cast<MemorySink&>(*sinks[k]);
    const ScaleInfo& scale = plan.info.scales[k];
    const GridVec grid = scale.grid_shape();
    ASSERT_EQ(static_cast<Index>(sink.sequences.size()), grid.product());
    EXPECT_EQ(sink.sequences.rbegin()->first, grid.product() - 1);
    for (const auto& [sequence, cell] : sink.sequences) {
      Block expected(DataType::uint16, scale.chunk_box(cell), plan.channels);
      copy_common(std::as_const(whole).view(), expected.view());
      const auto found = sink.chunks.find({cell.x, cell.y, cell.z});
      if (found == sink.chunks.end()) {
        EXPECT_TRUE(is_all_zero(expected.bytes()))
            << "scale " << k << " cell " << cell.x << "," << cell.y << "," << cell.z;
        continue;
      }
      ASSERT_EQ(found->second.size(), expected.bytes().size());
      ASSERT_EQ(std::memcmp(found->second.data(), expected.bytes().data(), expected.bytes().size()), 0)
          << "scale " << k << " cell " << cell.x << "," << cell.y << "," << cell.z;
    }
  }
}

TEST(Cascade, EqualsThePyramidMadeWhole) {
  const Access kinds[] = {Access::any_box, Access::once};
  int count = 0;
  for (const char* orientation : {"PSL", "RAS", "LIA", "SRP", "ARI"})
    for (const Access access : kinds)
      for (const bool on_disk : {false, true})
        for (const int threads : {1, 3}) {
          // Aligned; chunks that cells cross; offsets that cut the first cell; factors of three; a crop.
          run_case(
              {{37, 29, 41}, 1, access, {0, 0, 0}, orientation, {8, 8, 8}, "2,2,2", "", {0, 0, 0}, on_disk, threads});
          run_case({{37, 29, 41},
                    1,
                    access,
                    {0, 0, 0},
                    orientation,
                    {7, 5, 9},
                    "2,2,1;2,2,2",
                    "",
                    {3, -5, 1},
                    on_disk,
                    threads});
          run_case(
              {{23, 31, 19}, 1, access, {0, 0, 0}, orientation, {5, 8, 4}, "3,2,3", "", {1, 0, 7}, on_disk, threads});
          run_case({{40, 33, 35},
                    2,
                    access,
                    {0, 0, 0},
                    orientation,
                    {8, 6, 8},
                    "2,2,2",
                    "3:19,5:18,1:17",
                    {0, 0, 0},
                    on_disk,
                    threads});
          count += 4;
        }
  EXPECT_EQ(count, 160);
}

TEST(Cascade, ReadsSourcesThatDecodeBoxes) {
  for (const bool on_disk : {false, true}) {
    run_case({{37, 29, 41}, 1, Access::any_box, {16, 8, 12}, "RAS", {8, 8, 8}, "2,2,2", "", {0, 0, 0}, on_disk, 3});
    run_case({{37, 29, 41},
              2,
              Access::any_box,
              {5, 7, 3},
              "LIP",
              {9, 8, 7},
              "2,2,2",
              "2:27,3:28,1:20",
              {0, 0, 0},
              on_disk,
              2});
  }
}

TEST(Cascade, EndsWithTheFirstErrorOfTheSource) {
  class Broken final : public VolumeSource {
   public:
    explicit Broken(const VolumeHeader& header) : header_(header) {}
    const VolumeHeader& header() const override { return header_; }
    Access access() const override { return Access::once; }
    Result<void> read(const SourceBox& box, ChannelRange, std::span<std::byte> out) override {
      if (box.begin.z > 20) return make_error(ErrorCode::invalid_data, "cut off");
      std::memset(out.data(), 1, out.size());
      return {};
    }
    VolumeHeader header_;
  };
  VolumeHeader header;
  header.size_ijk = {32, 32, 64};
  header.has_voxel_size = true;
  header.affine_ijk_to_mm = {};
  VolumeOptions options;
  options.chunk_size_xyz = {{8, 8, 8}};
  const auto plan = plan_volume(header, options);
  ASSERT_TRUE(plan.has_value());
  const auto strips = plan_strips(*plan, header, Access::once, 64 << 20, 2);
  ASSERT_TRUE(strips.has_value());
  std::vector<std::unique_ptr<ChunkSink>> sinks;
  for (std::size_t k = 0; k < plan->scales.size(); ++k) sinks.push_back(std::make_unique<MemorySink>());
  ThreadPool pool(2);
  auto cascade = Cascade::create(*plan, *strips, sinks, pool, ".");
  ASSERT_TRUE(cascade.has_value());
  Broken source(header);
  const auto fed = feed(source, *plan, *strips, pool, **cascade, {}, {});
  ASSERT_FALSE(fed.has_value());
  EXPECT_EQ(fed.error().message, "cut off");
  EXPECT_TRUE(fed.error().concerns_source);
}

// A small volume whose cells cross strips, on its way with 2 threads.
class SmallRun {
 public:
  explicit SmallRun(const std::function<std::unique_ptr<ChunkSink>()>& make_sink, bool on_disk = false)
      : source_(header(), Access::once) {
    VolumeOptions options;
    options.chunk_size_xyz = {{5, 5, 3}};
    options.factor = "2,2,2";
    options.scales = 3;
    options.layout = "flat";
    plan_ = *plan_volume(source_.header(), options);
    strips_ = *plan_strips(plan_, source_.header(), Access::once, 64 << 20, 2);
    EXPECT_GT(strips_.levels[0].carry_bytes, 0u);
    if (on_disk)
      for (LevelPlan& level : strips_.levels) level.in_memory = false;
    for (std::size_t k = 0; k < plan_.scales.size(); ++k) sinks_.push_back(make_sink());
  }
  Result<void> run(const std::stop_token& stop = {}, const std::function<void()>& on_progress = {}) {
    NGFORGE_TRY(const auto cascade,
                Cascade::create(plan_, strips_, sinks_, pool_, std::filesystem::temp_directory_path().string()));
    return feed(source_, plan_, strips_, pool_, *cascade, stop, on_progress);
  }

 private:
  static VolumeHeader header() {
    VolumeHeader header;
    header.size_ijk = {12, 10, 11};
    header.type = StoredType::uint16;
    header.has_voxel_size = true;
    return header;
  }

  FakeSource source_;
  VolumePlan plan_;
  StripPlan strips_;
  std::vector<std::unique_ptr<ChunkSink>> sinks_;
  ThreadPool pool_{2};
};

TEST(Cascade, EndsWhereverMemoryRunsOut) {
  // Takes no memory itself.
  class NoSink final : public ChunkSink {
   public:
    bool is_finished(const GridVec&) const override { return false; }
    Result<void> put(Index, const GridVec&, std::span<const std::byte>) override { return {}; }
    Result<void> pass(Index, const GridVec&) override { return {}; }
    void abandon() override {}
  };
  for (const bool on_disk : {false, true}) {
    bool has_failed = true;
    int failures = 0;
    for (std::int64_t n = 0; has_failed; ++n) {
      SmallRun small([] { return std::make_unique<NoSink>(); }, on_disk);
      failing_new::fail_after(n);
      try {
        const auto ended = small.run();
        has_failed = failing_new::stop_failing();
        ASSERT_EQ(ended.has_value(), !has_failed);
        if (!ended) {
          EXPECT_EQ(ended.error().code, ErrorCode::internal);
        }
      } catch (const std::bad_alloc&) {  // before the run, or while its error was made
        has_failed = failing_new::stop_failing();
      }
      failures += has_failed;
    }
    EXPECT_GT(failures, 50);
  }
}

// Holds every chunk until all is given up.
class SlowSink final : public ChunkSink {
 public:
  bool is_finished(const GridVec&) const override { return false; }
  Result<void> put(Index, const GridVec&, std::span<const std::byte>) override {
    is_abandoned.wait(false);
    return {};
  }
  Result<void> pass(Index, const GridVec&) override { return {}; }
  void abandon() override {
    is_abandoned = true;
    is_abandoned.notify_all();
  }
  std::atomic<bool> is_abandoned = false;
};

TEST(Cascade, IsWatchedAndStoppedWhileItFinishes) {
  SmallRun small([] { return std::make_unique<SlowSink>(); });
  std::stop_source stop;
  int calls = 0;
  const auto ended = small.run(stop.get_token(), [&] {
    if (++calls == 20) stop.request_stop();  // more often than there are batches
  });
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().code, ErrorCode::cancelled);
  EXPECT_EQ(calls, 20);
}

TEST(Cascade, EndsWhenItsWatchHasNoMemoryLeft) {
  SmallRun small([] { return std::make_unique<SlowSink>(); });
  int calls = 0;
  const auto ended = small.run({}, [&] {
    if (++calls == 20) throw std::bad_alloc();
  });
  ASSERT_FALSE(ended.has_value());
  EXPECT_EQ(ended.error().code, ErrorCode::internal);
}

}  // namespace
}  // namespace ngforge
