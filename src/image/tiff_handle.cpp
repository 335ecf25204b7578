// SPDX-License-Identifier: Apache-2.0
#include "image/tiff_handle.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "image/pixels.h"

namespace ngforge {
namespace {

struct FreeOptions {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

std::string one_line(const char* format, va_list arguments) {
  std::array<char, 512> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  std::string line(text.data());
  std::ranges::replace_if(line, [](unsigned char c) { return c < ' '; }, ' ');
  return line;
}

}  // namespace

Result<std::unique_ptr<TiffHandle>> TiffHandle::open(std::shared_ptr<ImageBytes> bytes, std::size_t level) {
  std::unique_ptr<TiffHandle> handle(new TiffHandle(std::move(bytes), level));
  const std::unique_ptr<TIFFOpenOptions, FreeOptions> options(TIFFOpenOptionsAlloc());
  if (!options) return make_error(ErrorCode::internal, "the machine has no memory left");
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(2 * kMaxUnitBytes));
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_error, handle.get());
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), keep_warning, handle.get());
  // m: never map the file, which another program may cut short. D: lists of strips are read when a strip is.
  handle->tiff_ = TIFFClientOpenExt(
      handle->bytes_->name().c_str(), "rmD", handle.get(), read, [](thandle_t, void*, tmsize_t) { return tmsize_t{0}; },
      seek, [](thandle_t) { return 0; },
      [](thandle_t h) { return static_cast<toff_t>(static_cast<TiffHandle*>(h)->bytes_->size()); },
      [](thandle_t, void**, toff_t*) { return 0; }, [](thandle_t, void*, toff_t) {}, options.get());
  if (handle->tiff_ == nullptr) return handle->failure(handle->bytes_->name(), "a TIFF");
  return handle;
}

TiffHandle::~TiffHandle() {
  if (tiff_ != nullptr) TIFFClose(tiff_);
}

Result<void> TiffHandle::go_to(std::size_t page, std::uint64_t directory_offset) {
  if (TIFFCurrentDirOffset(tiff_) == directory_offset) return {};
  listen();
  if (TIFFSetSubDirectory(tiff_, directory_offset) == 0)
    return failure(where(page), fmt::format("a directory at byte {}", directory_offset));
  return {};
}

void TiffHandle::listen() {
  error_.clear();
  warning_.clear();
  io_error_.reset();
  read_past_end_ = false;
}

Error TiffHandle::failure(std::string_view where, std::string_view expected) const {
  if (io_error_) return *io_error_;
  std::string_view said = error_.empty() ? warning_ : error_;
  // Some of libtiff's messages begin with the name of the file.
  const std::string name = bytes_->name() + ": ";
  if (said.starts_with(name)) said.remove_prefix(name.size());
  const char* const otherwise = read_past_end_ ? "the end of the file" : "none that can be read";
  return make_error(ErrorCode::invalid_data, "{}: expected {}, found: {}", where, expected,
                    said.empty() ? otherwise : said)
      .of_source();
}

std::byte* TiffHandle::scratch(std::size_t bytes) {
  if (scratch_.size() < bytes) scratch_ = Buffer(bytes);
  return scratch_.data();
}

tmsize_t TiffHandle::read(thandle_t handle, void* to, tmsize_t count) {
  auto& self = *static_cast<TiffHandle*>(handle);
  if (count < 0) return -1;
  auto moved = read_some(*self.bytes_, self.position_, {static_cast<std::byte*>(to), static_cast<std::size_t>(count)});
  if (!moved) {
    self.io_error_ = std::move(moved).error();
    return -1;
  }
  self.position_ += *moved;
  if (static_cast<tmsize_t>(*moved) < count) self.read_past_end_ = true;
  return static_cast<tmsize_t>(*moved);
}

toff_t TiffHandle::seek(thandle_t handle, toff_t offset, int whence) {
  auto& self = *static_cast<TiffHandle*>(handle);
  if (whence == SEEK_CUR) offset += self.position_;
  if (whence == SEEK_END) offset += self.bytes_->size();
  self.position_ = offset;
  return offset;
}

int TiffHandle::keep_error(TIFF*, void* handle, const char*, const char* format, va_list arguments) {
  auto& self = *static_cast<TiffHandle*>(handle);
  if (self.error_.empty()) self.error_ = one_line(format, arguments);
  return 1;
}

int TiffHandle::keep_warning(TIFF*, void* handle, const char*, const char* format, va_list arguments) {
  auto& self = *static_cast<TiffHandle*>(handle);
  if (self.warning_.empty()) self.warning_ = one_line(format, arguments);
  return 1;
}

}  // namespace ngforge
