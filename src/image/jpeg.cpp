// SPDX-License-Identifier: Apache-2.0
// libjpeg's interface and not TurboJPEG's: it gives rows, so that a large picture needs little memory.
#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

#include <array>
#include <csetjmp>
#include <cstring>
#include <optional>
#include <utility>

#include "image/image_file.h"
#include "image/pixels.h"
#include "image/row_reader.h"

namespace ngforge {
namespace {

constexpr const char* kSuffixes[] = {".jpg", ".jpeg"};
constexpr std::size_t kBufferBytes = 64 << 10;

/// libjpeg reports by calls that must not return: they jump back to the member function that called it, over frames
/// that hold nothing to be destroyed.
class JpegRows final : public RowDecoder {
 public:
  explicit JpegRows(std::shared_ptr<ImageBytes> bytes) : bytes_(std::move(bytes)), buffer_(kBufferBytes) {
    jpeg_.err = jpeg_std_error(&errors_);
    jpeg_.client_data = this;
    errors_.error_exit = [](j_common_ptr jpeg) { self(jpeg).jump(); };
    errors_.emit_message = [](j_common_ptr jpeg, int level) {
      if (level < 0) self(jpeg).jump();  // data that libjpeg would make up
    };
    errors_.output_message = [](j_common_ptr) {};
  }
  JpegRows(const JpegRows&) = delete;
  JpegRows& operator=(const JpegRows&) = delete;
  ~JpegRows() override { jpeg_destroy_decompress(&jpeg_); }

  Result<ImageShape> read_header() {
    if (setjmp(back_) != 0) return failure();
    jpeg_create_decompress(&jpeg_);
    jpeg_.src = &input_;
    input_.init_source = [](j_decompress_ptr) {};
    input_.term_source = [](j_decompress_ptr) {};
    input_.fill_input_buffer = [](j_decompress_ptr jpeg) -> boolean {
      auto& rows = self(reinterpret_cast<j_common_ptr>(jpeg));
      if (!rows.fill()) rows.jump();
      return TRUE;
    };
    input_.skip_input_data = [](j_decompress_ptr jpeg, long count) {
      self(reinterpret_cast<j_common_ptr>(jpeg)).skip(count);
    };
    input_.resync_to_restart = jpeg_resync_to_restart;
    jpeg_read_header(&jpeg_, TRUE);
    return shape();
  }

  Result<void> begin() {
    if (setjmp(back_) != 0) return failure();
    jpeg_.out_color_space = jpeg_.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&jpeg_);
    return {};
  }

  Result<void> next(std::span<std::byte> row) override {
    if (setjmp(back_) != 0) return failure();
    auto* to = reinterpret_cast<JSAMPROW>(row.data());
    jpeg_read_scanlines(&jpeg_, &to, 1);
    if (jpeg_.output_scanline == jpeg_.output_height) jpeg_finish_decompress(&jpeg_);
    return {};
  }

  /// Whether the coefficients of the whole picture are held in memory.
  bool is_held() const { return jpeg_.progressive_mode != 0; }

 private:
  static JpegRows& self(j_common_ptr jpeg) { return *static_cast<JpegRows*>(jpeg->client_data); }
  [[noreturn]] void jump() { std::longjmp(back_, 1); }

  Result<ImageShape> shape() const {
    const bool is_grey = jpeg_.num_components == 1;
    if (!is_grey && jpeg_.num_components != 3)
      return make_error(ErrorCode::unsupported,
                        "{}: expected a JPEG of grey values or RGB, found {} components (CMYK?)", bytes_->name(),
                        jpeg_.num_components)
          .of_source();
    ImageShape shape;
    shape.width = jpeg_.image_width;
    shape.height = jpeg_.image_height;
    shape.samples = jpeg_.num_components;
    shape.samples_are_colors = !is_grey;
    return shape;
  }

  Error failure() {
    if (failed_) return *failed_;
    std::array<char, JMSG_LENGTH_MAX> text{};
    errors_.format_message(reinterpret_cast<j_common_ptr>(&jpeg_), text.data());
    return make_error(ErrorCode::invalid_data, "{}: expected a sound JPEG, found: {} (near byte {})", bytes_->name(),
                      text.data(), position_ - input_.bytes_in_buffer)
        .of_source();
  }

  bool fill() {
    auto count = read_some(*bytes_, position_, buffer_);
    if (count && *count == 0)
      failed_ = make_error(ErrorCode::invalid_data, "{}: expected more of a JPEG, found the end of the file at byte {}",
                           bytes_->name(), bytes_->size())
                    .of_source();
    if (!count) failed_ = std::move(count).error();
    if (failed_) return false;
    position_ += *count;
    input_.next_input_byte = reinterpret_cast<const JOCTET*>(buffer_.data());
    input_.bytes_in_buffer = *count;
    return true;
  }
  void skip(long count) {
    if (count <= 0) return;
    const auto wanted = static_cast<std::size_t>(count);
    const std::size_t here = std::min(wanted, input_.bytes_in_buffer);
    input_.next_input_byte += here;
    input_.bytes_in_buffer -= here;
    position_ += wanted - here;
  }

  const std::shared_ptr<ImageBytes> bytes_;
  std::vector<std::byte> buffer_;
  std::uint64_t position_ = 0;  // of the file behind the buffer
  std::optional<Error> failed_;
  jpeg_decompress_struct jpeg_{};
  jpeg_error_mgr errors_{};
  jpeg_source_mgr input_{};
  std::jmp_buf back_{};
};

bool matches(std::span<const std::byte> head) {
  return head.size() >= 3 && head[0] == std::byte{0xff} && head[1] == std::byte{0xd8} && head[2] == std::byte{0xff};
}

Result<std::shared_ptr<ImageFile>> open(std::shared_ptr<ImageBytes> bytes) {
  JpegRows header(bytes);
  NGFORGE_TRY(const ImageShape shape, header.read_header());
  NGFORGE_TRY(ImagePage page, plan_rows(shape, bytes->name()));
  if (header.is_held()) {
    constexpr std::uint64_t kBytesPerSample = 3;  // a coefficient and the value
    if (static_cast<std::uint64_t>(shape.width * shape.height * shape.samples) * kBytesPerSample > kMaxUnitBytes)
      return make_error(ErrorCode::limit, "{}: expected a progressive JPEG of at most {} MiB, found {}", bytes->name(),
                        kMaxUnitBytes / kBytesPerSample >> 20, describe(shape));
    page.unit_height = shape.height;
  }
  return make_sequential("JPEG", page, [bytes]() -> Result<std::unique_ptr<RowDecoder>> {
    auto rows = std::make_unique<JpegRows>(bytes);
    NGFORGE_CHECK(rows->read_header());
    NGFORGE_CHECK(rows->begin());
    return std::unique_ptr<RowDecoder>(std::move(rows));
  });
}

}  // namespace

extern const ImageDescriptor jpeg_image;
const ImageDescriptor jpeg_image{
    .name = "jpeg", .title = "JPEG", .suffixes = kSuffixes, .matches = matches, .open = open};

}  // namespace ngforge
