// SPDX-License-Identifier: Apache-2.0
#include "source/page_stack.h"

#include <algorithm>
#include <cstring>
#include <list>
#include <mutex>
#include <utility>

#include "core/orientation.h"

namespace ngforge {
namespace {

// A box should be worth a task, and stay in the cache.
constexpr std::uint64_t kBoxBytes = 1 << 20;
// Files that stay open. Pictures that are read in rows go on where they were only while they are open, so all slices of
// a layer of chunks have to be.
constexpr std::size_t kOpenFiles = 16, kOpenSequentialFiles = 512;

class ByteSourceBytes final : public ImageBytes {
 public:
  ByteSourceBytes(std::shared_ptr<ByteSource> bytes, std::uint64_t size) : bytes_(std::move(bytes)), size_(size) {}
  const std::string& name() const override { return bytes_->place(); }
  std::uint64_t size() const override { return size_; }
  Result<void> read(std::uint64_t offset, std::span<std::byte> out) override { return bytes_->read(offset, out); }

 private:
  const std::shared_ptr<ByteSource> bytes_;
  const std::uint64_t size_;
};

/// Files that are open, those that were not used for longest closed first. Any thread. `level`: which smaller copies of
/// their pages are wanted; `first` has them already.
class OpenFiles {
 public:
  OpenFiles(const std::vector<std::string>& paths, std::shared_ptr<ImageFile> first, std::size_t level)
      : paths_(paths), first_(std::move(first)), level_(level) {}

  const std::string& path(std::uint32_t file) const { return paths_[file]; }
  void set_capacity(std::size_t capacity) { capacity_ = capacity; }

  Result<std::shared_ptr<ImageFile>> get(std::uint32_t file) {
    if (file == 0) return first_;
    if (auto open = find(file)) return open;
    NGFORGE_TRY(auto bytes, open_image_bytes(paths_[file]));
    NGFORGE_TRY(auto opened, open_image(std::move(bytes)));
    if (level_ > 0) {
      NGFORGE_TRY(opened, opened->open_copies(level_));
    }
    const std::lock_guard lock(mutex_);
    open_.emplace_front(file, opened);
    if (open_.size() > capacity_) open_.pop_back();
    return opened;
  }

 private:
  std::shared_ptr<ImageFile> find(std::uint32_t file) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(open_, file, [](const auto& entry) { return entry.first; });
    if (found == open_.end()) return nullptr;
    open_.splice(open_.begin(), open_, found);
    return found->second;
  }

  const std::vector<std::string>& paths_;
  const std::shared_ptr<ImageFile> first_;
  const std::size_t level_;
  std::size_t capacity_ = kOpenFiles;
  std::mutex mutex_;
  std::list<std::pair<std::uint32_t, std::shared_ptr<ImageFile>>> open_;
};

class StackSource final : public VolumeSource {
 public:
  StackSource(std::shared_ptr<const PageStack> stack, std::shared_ptr<ImageFile> first, std::string orientation,
              std::size_t level = 0)
      : stack_(std::move(stack)),
        header_(stack_->header),
        level_(level),
        orientation_(std::move(orientation)),
        first_(std::move(first)),
        files_(stack_->files, first_, level) {}

  /// `finest`: nullptr, or the first picture of the source that this is a level of.
  Result<void> prepare(const ImageShape* finest);
  const VolumeHeader& header() const override { return header_; }
  Access access() const override { return Access::any_box; }
  Result<void> read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) override;
  std::size_t level_count() const override {
    return 1 + (stack_->copies.empty() ? copies_ - level_ : stack_->copies.size());
  }
  Result<std::unique_ptr<VolumeSource>> open_level(std::size_t level) override;

 private:
  Result<void> check_pages();
  std::string where(const PlanePlace& place) const;
  Result<std::shared_ptr<ImageFile>> file_of(const PlanePlace& place);
  void choose_boxes(const ImagePage& page, bool is_sequential);
  Result<void> set_geometry(const ImageShape& finest);
  Result<void> read_plane(Index channel, Index time, Index slice, const PixelBox& box, ChannelRange samples,
                          std::size_t sample_stride, std::span<std::byte> out);

  const std::shared_ptr<const PageStack> stack_;
  VolumeHeader header_;
  const std::size_t level_;  // of the pages' smaller copies; 0: the pages
  const std::string orientation_;
  const std::shared_ptr<ImageFile> first_;
  ImageShape shape_;
  std::size_t copies_ = 0;  // of each page
  OpenFiles files_;
};

Result<void> StackSource::prepare(const ImageShape* finest) {
  const PlanePlace& place = stack_->planes.front();
  NGFORGE_TRY(const auto first, files_.get(place.file));
  if (place.page >= first->page_count())
    return make_error(ErrorCode::invalid_data, "{}: expected a page {}, found {}", files_.path(place.file), place.page,
                      first->page_count());
  const ImagePage page = first->page(place.page);
  shape_ = page.shape;
  if (finest != nullptr && (shape_.type != finest->type || shape_.samples != finest->samples))
    return make_error(ErrorCode::invalid_data, "{}: expected pixels of {} x {} as in level 0, found {}", where(place),
                      finest->samples, name_of(finest->type), describe(shape_));
  copies_ = page.copies;
  const Index times = stack_->times, channels = stack_->channels;
  header_.size_ijk = {shape_.width, shape_.height, stack_->slices};
  header_.type = shape_.type;
  header_.channels = shape_.samples * channels * times;
  header_.channels_are_colors = shape_.samples_are_colors && channels == 1 && times == 1;
  if (header_.channels > 1 && !header_.channels_are_colors) header_.channel_axes = {times, shape_.samples * channels};
  if (copies_ > 0) header_.details += fmt::format("; level {} of {}", level_, copies_ + 1);
  if (page.has_palette) header_.details += "; values are indices of a palette, which is not applied";
  choose_boxes(page, first->is_sequential());
  NGFORGE_CHECK(set_geometry(finest != nullptr ? *finest : shape_));
  return check_pages();
}

Result<std::unique_ptr<VolumeSource>> StackSource::open_level(std::size_t level) {
  if (level == 0 || level >= level_count()) return VolumeSource::open_level(level);
  std::unique_ptr<StackSource> source;
  if (stack_->copies.empty()) {
    NGFORGE_TRY(auto first, first_->open_copies(level_ + level));
    source = std::make_unique<StackSource>(stack_, std::move(first), orientation_, level_ + level);
  } else {
    auto copy = std::make_shared<PageStack>(*stack_);
    copy->planes = {stack_->copies[level - 1]};
    copy->copies.erase(copy->copies.begin(), copy->copies.begin() + static_cast<std::ptrdiff_t>(level));
    source = std::make_unique<StackSource>(std::move(copy), first_, orientation_);
  }
  if (auto prepared = source->prepare(&shape_); !prepared) return std::move(prepared).error().of_source();
  return std::unique_ptr<VolumeSource>(std::move(source));
}

/// A page, for messages.
std::string StackSource::where(const PlanePlace& place) const {
  return fmt::format("{}: page {}{}", files_.path(place.file), place.page,
                     level_ > 0 ? fmt::format(", level {}", level_) : "");
}

Result<void> StackSource::check_pages() {
  std::shared_ptr<ImageFile> file;
  std::uint32_t open = 0;
  for (const PlanePlace& place : stack_->planes) {
    if (!file || place.file != open) {
      NGFORGE_TRY(file, files_.get(place.file));
      open = place.file;
    }
    const std::string& path = files_.path(place.file);
    if (place.page >= file->page_count())
      return make_error(ErrorCode::invalid_data, "{}: expected a page {}, found {}", path, place.page,
                        file->page_count());
    const ImagePage page = file->page(place.page);
    if (level_ > 0 && page.copies != copies_)
      return make_error(ErrorCode::invalid_data, "{}: page {}: expected {} smaller copies like the first, found {}",
                        path, place.page, copies_, page.copies);
    if (page.shape == shape_) continue;
    return make_error(ErrorCode::invalid_data, "{}: expected {} like the first, found {}",
                      file->page_count() > 1 || level_ > 0 ? where(place) : path, describe(shape_),
                      describe(page.shape));
  }
  return {};
}

void StackSource::choose_boxes(const ImagePage& page, bool is_sequential) {
  const auto pixel_bytes = static_cast<std::uint64_t>(shape_.samples) * size_of(shape_.type);
  const auto units = [](std::uint64_t unit_bytes) {
    return static_cast<Index>(std::max<std::uint64_t>(1, kBoxBytes / std::max<std::uint64_t>(1, unit_bytes)));
  };
  Index width = std::min(page.unit_width, shape_.width), height = std::min(page.unit_height, shape_.height);
  if (!is_sequential) {
    width =
        std::min(shape_.width,
                 page.unit_width * units(static_cast<std::uint64_t>(page.unit_width * page.unit_height) * pixel_bytes));
    height = std::min(shape_.height,
                      page.unit_height * units(static_cast<std::uint64_t>(width * page.unit_height) * pixel_bytes));
  }
  header_.chunk_ijk = {width, height, 1};
  header_.chunk_channels = shape_.samples;
  header_.rows_come_in_order = is_sequential && height < shape_.height;
  if (header_.rows_come_in_order) files_.set_capacity(kOpenSequentialFiles);
}

/// Columns, rows and slices run along x, y and z from the corner of the world, or as an orientation code says, with the
/// corner where RAS+ axes begin.
/// Copies lie from corner to corner, whatever their sizes.
Result<void> StackSource::set_geometry(const ImageShape& finest) {
  AxisMap world;
  if (!orientation_.empty()) {
    auto map = orient(Affine{}, orientation_);
    if (!map) return std::move(map).error().in("--input-orientation");
    world = *map;
    header_.is_anatomical = true;
    header_.details += fmt::format("; columns, rows and slices point to {}", orientation_);
  }
  header_.has_voxel_size = stack_->voxel_size_mm.has_value();
  std::array<double, 3> lengths = stack_->voxel_size_mm.value_or(std::array<double, 3>{1, 1, 1});
  lengths[0] *= static_cast<double>(finest.width) / static_cast<double>(shape_.width);
  lengths[1] *= static_cast<double>(finest.height) / static_cast<double>(shape_.height);
  Affine& affine = header_.affine_ijk_to_mm;
  affine = {};
  for (int a = 0; a < 3; ++a) affine.m[static_cast<std::size_t>(a)][static_cast<std::size_t>(a)] = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    const double length = lengths[a];
    const auto row = static_cast<std::size_t>(world.source_axis[a]);
    affine.m[row][a] = world.reversed[a] ? -length : length;
    affine.m[row][3] =
        length * (world.reversed[a] ? static_cast<double>(header_.size_ijk[static_cast<int>(a)]) - 0.5 : 0.5);
  }
  return {};
}

Result<std::shared_ptr<ImageFile>> StackSource::file_of(const PlanePlace& place) {
  NGFORGE_TRY(auto file, files_.get(place.file));
  // The file may have been replaced since it was looked at.
  if (place.page >= file->page_count() || file->page(place.page).shape != shape_)
    return make_error(ErrorCode::invalid_data, "{}: expected {} as when it was first opened, found another picture",
                      files_.path(place.file), describe(shape_))
        .of_source();
  return file;
}

Result<void> StackSource::read(const SourceBox& box, ChannelRange channels, std::span<std::byte> out) {
  const PixelBox pixels{box.begin.x, box.end.x, box.begin.y, box.end.y};
  const auto plane_bytes = static_cast<std::size_t>(pixels.width() * pixels.height()) * size_of(shape_.type);
  const std::size_t channel_bytes = plane_bytes * static_cast<std::size_t>(box.size().z);
  for (Index channel = channels.begin; channel < channels.end;) {
    const Index times = stack_->times, time = channel % times, sample = channel / times % shape_.samples;
    const Index page_channel = channel / times / shape_.samples;
    // Without times, samples of a page are channels that follow each other.
    const Index count = times > 1 ? 1 : std::min(shape_.samples - sample, channels.end - channel);
    for (Index k = box.begin.z; k < box.end.z; ++k)
      NGFORGE_CHECK(read_plane(page_channel, time, k, pixels, {sample, sample + count}, channel_bytes,
                               out.subspan(static_cast<std::size_t>(channel - channels.begin) * channel_bytes +
                                           static_cast<std::size_t>(k - box.begin.z) * plane_bytes)));
    channel += count;
  }
  return {};
}

/// `out` begins with the first sample; the next comes `sample_stride` bytes later.
Result<void> StackSource::read_plane(Index channel, Index time, Index slice, const PixelBox& box, ChannelRange samples,
                                     std::size_t sample_stride, std::span<std::byte> out) {
  const PlanePlace& place =
      stack_->planes[static_cast<std::size_t>((channel * stack_->times + time) * stack_->slices + slice)];
  NGFORGE_TRY(const auto file, file_of(place));
  const auto plane_bytes = static_cast<std::size_t>(box.width() * box.height()) * size_of(shape_.type);
  const auto count = static_cast<std::size_t>(samples.size());
  if (count == 1 || plane_bytes == sample_stride)
    return file->read(place.page, box, samples, out.first(plane_bytes * count));
  std::vector<std::byte> together(plane_bytes * count);
  NGFORGE_CHECK(file->read(place.page, box, samples, together));
  for (std::size_t s = 0; s < count; ++s)
    std::memcpy(out.data() + s * sample_stride, together.data() + s * plane_bytes, plane_bytes);
  return {};
}

}  // namespace

Result<std::unique_ptr<VolumeSource>> open_stack(PageStack stack, std::shared_ptr<ImageFile> first,
                                                 const SourceOptions& options) {
  auto source = std::make_unique<StackSource>(std::make_shared<const PageStack>(std::move(stack)), std::move(first),
                                              options.input_orientation);
  NGFORGE_CHECK(source->prepare(nullptr));
  return std::unique_ptr<VolumeSource>(std::move(source));
}

std::string describe_axes(const PageStack& stack) {
  std::string text = fmt::format("{} slice{}", stack.slices, stack.slices == 1 ? "" : "s");
  if (stack.channels > 1) text += fmt::format(", {} channels", stack.channels);
  if (stack.times > 1) text += fmt::format(", {} times", stack.times);
  return text;
}

Result<std::shared_ptr<ImageBytes>> image_bytes_of(std::shared_ptr<ByteSource> bytes) {
  const auto size = bytes->content_bytes();
  if (!bytes->has_random_access() || !size)
    return make_error(ErrorCode::unsupported,
                      "{}: expected a file of its own, found {}: pictures are read in any order", bytes->place(),
                      bytes->is_gzip() ? "gzip" : "a stream")
        .of_source();
  return std::shared_ptr<ImageBytes>(std::make_shared<ByteSourceBytes>(std::move(bytes), *size));
}

}  // namespace ngforge
