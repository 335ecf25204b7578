// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy, format versions 1 to 3 (numpy.lib.format):
//   0 93 'N' 'U' 'M' 'P' 'Y'   6 uint8 major, minor   8 uint16 (version 1) or uint32 length of the text, little-endian
//   then the text: a Python dictionary {'descr': '<u2', 'fortran_order': False, 'shape': (3, 4, 5), }
//   then the values, the last axis fastest unless fortran_order
#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "core/byte_cursor.h"
#include "source/plain_array.h"
#include "source/raster_source.h"

namespace ngforge {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMostText = 64 << 10;  // NumPy itself stops at 10000

bool has_magic(std::span<const std::byte> head) {
  return head.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), head.begin(),
                                                    [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

/// The part of Python that NumPy writes into headers, read strictly.
class HeaderText {
 public:
  HeaderText(std::string_view text, std::size_t offset, const std::string& place)
      : text_(text), offset_(offset), place_(place) {}

  /// The next character but spaces, or '\0' at the end.
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  Result<void> expect(char c) {
    if (take(c)) return {};
    return wrong(fmt::format("'{}'", c));
  }
  Result<std::string_view> quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') return wrong("a string");
    const auto end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return wrong("a string that ends");
    const auto value = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return value;
  }
  Result<bool> boolean() {
    peek();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    return wrong("True or False");
  }
  Result<std::vector<Index>> tuple() {
    NGFORGE_CHECK(expect('('));
    std::vector<Index> values;
    while (!take(')')) {
      peek();
      Index value = 0;
      const auto parsed = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (parsed.ec != std::errc{} || value < 0) return wrong("a size");
      at_ = static_cast<std::size_t>(parsed.ptr - text_.data());
      take('L');  // Python 2
      values.push_back(value);
      if (peek() != ')') NGFORGE_CHECK(expect(','));
    }
    return values;
  }
  Error wrong(std::string_view expected) {
    const auto found =
        peek() == '\0' ? std::string("the end of the header") : fmt::format("{:?}", text_.substr(at_, 16));
    return make_error(ErrorCode::invalid_data, "{}: expected {}, found {} (byte {})", place_, expected, found,
                      offset_ + at_)
        .of_source();
  }

 private:
  std::string_view text_;
  std::size_t offset_, at_ = 0;
  const std::string& place_;
};

struct ArrayHeader {
  NumberType number;
  bool is_fortran = false;
  std::vector<Index> shape;
};

Result<NumberType> read_descr(HeaderText& text, const std::string& place) {
  const bool is_record = text.peek() == '[';
  std::string_view name = "a record";
  if (!is_record) {
    NGFORGE_TRY(name, text.quoted());
  }
  const auto number = is_record ? std::nullopt : parse_numpy_type(name);
  if (!number)
    return make_error(ErrorCode::unsupported, "{}: descr: expected a numeric type such as '<u2', found {}", place, name)
        .of_source();
  return *number;
}

Result<ArrayHeader> parse_header(HeaderText text, const std::string& place) {
  ArrayHeader header;
  bool has_descr = false, has_order = false, has_shape = false;
  NGFORGE_CHECK(text.expect('{'));
  while (!text.take('}')) {
    NGFORGE_TRY(const auto key, text.quoted());
    NGFORGE_CHECK(text.expect(':'));
    if (key == "descr") {
      NGFORGE_TRY(header.number, read_descr(text, place));
      has_descr = true;
    } else if (key == "fortran_order") {
      NGFORGE_TRY(header.is_fortran, text.boolean());
      has_order = true;
    } else if (key == "shape") {
      NGFORGE_TRY(header.shape, text.tuple());
      has_shape = true;
    } else {
      return text.wrong("descr, fortran_order and shape");
    }
    if (text.peek() != '}') NGFORGE_CHECK(text.expect(','));
  }
  if (!has_descr || !has_order || !has_shape) return text.wrong("descr, fortran_order and shape");
  return header;
}

Result<std::unique_ptr<VolumeSource>> open_npy(std::shared_ptr<ByteSource> bytes, const SourceRequest&) {
  const std::string& place = bytes->place();
  const auto truncated = [&](std::size_t wanted) {
    return make_error(ErrorCode::invalid_data, "{}: expected a .npy header of {} bytes, found {} bytes", place, wanted,
                      bytes->head().size())
        .of_source();
  };
  if (!has_magic(bytes->head()))
    return make_error(ErrorCode::invalid_data, "{}: expected 93 4e 55 4d 50 59 (\"\\x93NUMPY\") at byte 0", place)
        .of_source();
  if (bytes->head().size() < 12) return truncated(12);
  const int version = std::to_integer<int>(bytes->head()[6]);
  if (version < 1 || version > 3)
    return make_error(ErrorCode::unsupported, "{}: expected .npy version 1 to 3, found {} (byte 6)", place, version)
        .of_source();
  const std::size_t begin = version == 1 ? 10 : 12;
  const std::size_t length =
      version == 1 ? load<std::uint16_t>(bytes->head().data() + 8) : load<std::uint32_t>(bytes->head().data() + 8);
  if (length > kMostText)
    return make_error(ErrorCode::limit, "{}: expected a header of at most {} bytes, found {} (byte 8)", place,
                      kMostText, length)
        .of_source();
  NGFORGE_CHECK(bytes->extend_head(begin + length));
  if (bytes->head().size() < begin + length) return truncated(begin + length);
  const std::string text(reinterpret_cast<const char*>(bytes->head().data()) + begin, length);
  NGFORGE_TRY(ArrayHeader array, parse_header(HeaderText(text, begin, place), place));

  VolumeHeader header;
  header.type = array.number.type;
  header.format = "NumPy .npy";
  header.details =
      fmt::format("shape ({}), {} order, {}-endian", fmt::join(array.shape, ", "), array.is_fortran ? "Fortran" : "C",
                  array.number.is_foreign_order == (std::endian::native == std::endian::little) ? "big" : "little");
  if (!array.is_fortran) std::ranges::reverse(array.shape);
  NGFORGE_CHECK(take_plain_axes(array.shape, place, header));
  const RasterLayout layout{.data_offset = begin + length,
                            .is_foreign_order = array.number.is_foreign_order,
                            .number_bytes = array.number.number_bytes(),
                            .is_interleaved = header.channels_come_together()};
  return open_raster(std::move(bytes), std::move(header), layout);
}

int sniff_npy(std::span<const std::byte> head, std::string_view name) {
  return has_magic(head) ? 100 : name.ends_with(".npy") || name.ends_with(".npy.gz") ? 30 : 0;
}

}  // namespace

extern const SourceDescriptor npy_source;
const SourceDescriptor npy_source = {
    .name = "npy",
    .title = "NumPy array, C order [z, y, x] or Fortran order [x, y, z], with channels (.npy, .npy.gz)",
    .url_scheme = "npy",
    .is_folder = false,
    .suffixes = ".npy.gz .npy",
    .sniff = sniff_npy,
    .open_bytes = open_npy,
};

}  // namespace ngforge
