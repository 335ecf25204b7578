// SPDX-License-Identifier: Apache-2.0
#include "image/row_reader.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "core/block.h"
#include "image/pixels.h"

namespace ngforge {
namespace {

// Pictures up to this size are read as a whole: each is one task.
constexpr std::uint64_t kWholeBytes = 4 << 20;
constexpr std::uint64_t kRowsBytes = 1 << 20;

std::uint64_t row_bytes_of(const ImageShape& shape) {
  return static_cast<std::uint64_t>(shape.width * shape.samples) * size_of(shape.type);
}

class SequentialImage final : public ImageFile {
 public:
  SequentialImage(std::string_view format, const ImagePage& page,
                  std::function<Result<std::unique_ptr<RowDecoder>>()> open)
      : format_(format), page_(page), open_(std::move(open)), row_bytes_(row_bytes_of(page.shape)) {}

  std::string_view format() const override { return format_; }
  std::size_t page_count() const override { return 1; }
  ImagePage page(std::size_t) const override { return page_; }
  bool is_sequential() const override { return true; }

  Result<void> read(std::size_t, const PixelBox& box, ChannelRange samples, std::span<std::byte> out) override {
    const std::lock_guard lock(mutex_);
    Index j = box.j_begin;
    // What a reader of lower rows left behind.
    for (; j < box.j_end && j >= passed_begin_ && j < passed_end_; ++j)
      give(passed_.data() + static_cast<std::size_t>(j - passed_begin_) * row_bytes_, j, box, samples, out);
    if (j == box.j_end) return {};
    if (!decoder_ || position_ > j) {
      decoder_.reset();
      NGFORGE_TRY(decoder_, open_());
      position_ = 0;
    }
    if (row_.size() == 0) row_ = Buffer(row_bytes_);
    auto decoded = go_to(j);
    for (; decoded && j < box.j_end; ++j) {
      decoded = next(row_.span());
      if (decoded) give(row_.data(), j, box, samples, out);
    }
    if (!decoded) decoder_.reset();  // it cannot go on
    return decoded;
  }

 private:
  /// Decodes what lies above row `j`, and keeps the last rows of it.
  Result<void> go_to(Index j) {
    if (position_ == j) return {};
    const Index kept = std::min(j - position_, page_.unit_height);
    while (position_ < j - kept) NGFORGE_CHECK(next(row_.span()));
    const std::size_t bytes = static_cast<std::size_t>(kept) * row_bytes_;
    if (passed_.size() < bytes) passed_ = Buffer(bytes);
    passed_begin_ = passed_end_ = position_;
    for (; position_ < j; passed_end_ = position_)
      NGFORGE_CHECK(
          next(passed_.span().subspan(static_cast<std::size_t>(position_ - passed_begin_) * row_bytes_, row_bytes_)));
    return {};
  }
  Result<void> next(std::span<std::byte> row) {
    NGFORGE_CHECK(decoder_->next(row));
    if (++position_ == page_.shape.height) decoder_.reset();
    return {};
  }
  void give(const std::byte* row, Index j, const PixelBox& box, ChannelRange samples, std::span<std::byte> out) const {
    separate_samples({row, {0, page_.shape.width, j, j + 1}, page_.shape.samples, row_bytes_}, box, samples,
                     size_of(page_.shape.type), out.data());
  }

  const std::string_view format_;
  const ImagePage page_;
  const std::function<Result<std::unique_ptr<RowDecoder>>()> open_;
  const std::size_t row_bytes_;

  std::mutex mutex_;
  std::unique_ptr<RowDecoder> decoder_;
  Index position_ = 0;  // row that the decoder gives next
  Buffer row_, passed_;
  Index passed_begin_ = 0, passed_end_ = 0;
};

}  // namespace

Result<ImagePage> plan_rows(const ImageShape& shape, const std::string& name) {
  if (shape.width < 1 || shape.height < 1)
    return make_error(ErrorCode::invalid_data, "{}: expected a picture, found {}", name, describe(shape)).of_source();
  const std::uint64_t row = row_bytes_of(shape);
  if (row > kMaxUnitBytes || row * static_cast<std::uint64_t>(shape.height) > kMaxPictureBytes)
    return make_error(ErrorCode::limit, "{}: expected a picture of at most {} GiB, found {}", name,
                      kMaxPictureBytes >> 30, describe(shape))
        .of_source();
  ImagePage page;
  page.shape = shape;
  page.unit_width = shape.width;
  const std::uint64_t whole = row * static_cast<std::uint64_t>(shape.height);
  page.unit_height = whole <= kWholeBytes ? shape.height : std::max<Index>(1, static_cast<Index>(kRowsBytes / row));
  return page;
}

std::shared_ptr<ImageFile> make_sequential(std::string_view format, const ImagePage& page,
                                           std::function<Result<std::unique_ptr<RowDecoder>>()> open) {
  return std::make_shared<SequentialImage>(format, page, std::move(open));
}

}  // namespace ngforge
