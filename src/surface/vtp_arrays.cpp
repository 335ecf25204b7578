// SPDX-License-Identifier: Apache-2.0
#include "surface/vtp_arrays.h"

#include <span>
#include <utility>

#include "compress/unpack.h"
#include "core/base64.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

constexpr std::size_t base64_length(std::size_t bytes) {
  return (bytes + 2) / 3 * 4;
}

/// Takes bytes from packed data, which in Base64 come in pieces that were encoded one by one.
class PieceReader {
 public:
  PieceReader(const VtpPacked& packed, std::string_view place)
      : rest_(packed.data), is_base64_(packed.is_base64), place_(place) {
    const std::size_t begin = is_base64_ ? rest_.find_first_not_of(" \t\r\n") : 0;
    rest_.remove_prefix(begin == std::string_view::npos ? rest_.size() : begin);
  }

  /// At most this many bytes are left.
  std::size_t remaining() const { return is_base64_ ? rest_.size() / 4 * 3 : rest_.size(); }
  /// Whether a piece of so many bytes stands on its own, with padding behind it.
  bool ends_behind(std::size_t bytes) const {
    const std::size_t length = base64_length(bytes);
    return is_base64_ && bytes % 3 != 0 && length <= rest_.size() && rest_[length - 1] == '=';
  }
  Result<std::vector<std::byte>> take(std::size_t bytes) {
    NGFORGE_TRY(auto piece, peek(bytes));
    rest_.remove_prefix(is_base64_ ? base64_length(bytes) : bytes);
    return piece;
  }
  Result<std::vector<std::byte>> peek(std::size_t bytes) const {
    const std::size_t length = is_base64_ && bytes <= rest_.size() ? base64_length(bytes) : bytes;
    if (length > rest_.size())
      return make_error(ErrorCode::invalid_data, "{}: expected an array of {} more bytes, found {}", place_, bytes,
                        remaining());
    const std::string_view text = rest_.substr(0, length);
    const auto plain = std::as_bytes(std::span(text));
    std::vector<std::byte> piece(plain.begin(), plain.end());
    if (is_base64_) {
      NGFORGE_TRY(piece, base64_decoded(text, place_));
    }
    if (piece.size() < bytes)
      return make_error(ErrorCode::invalid_data, "{}: expected {} bytes as Base64, found {}", place_, bytes,
                        piece.size());
    piece.resize(bytes);
    return piece;
  }

 private:
  std::string_view rest_;
  const bool is_base64_;
  std::string_view place_;
};

std::uint64_t size_at(const std::vector<std::byte>& header, std::size_t index, const VtpPacking& packing) {
  const std::byte* const p = &header[index * packing.header_bytes];
  const bool is_big = packing.order == std::endian::big;
  if (packing.header_bytes == 8) return is_big ? load<std::uint64_t, std::endian::big>(p) : load<std::uint64_t>(p);
  return is_big ? load<std::uint32_t, std::endian::big>(p) : load<std::uint32_t>(p);
}

Result<std::vector<std::byte>> take_plain(PieceReader& reader, const VtpPacking& packing) {
  const std::size_t head = packing.header_bytes;
  NGFORGE_TRY(const auto header, reader.peek(head));
  const std::uint64_t size = size_at(header, 0, packing);
  if (size > reader.remaining())
    return make_error(ErrorCode::invalid_data, "{}: expected an array of {} bytes, found {}", packing.place, size,
                      reader.remaining());
  if (reader.ends_behind(head)) {
    NGFORGE_CHECK(reader.take(head));
    return reader.take(static_cast<std::size_t>(size));
  }
  NGFORGE_TRY(auto bytes, reader.take(head + static_cast<std::size_t>(size)));
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(head));
  return bytes;
}

Result<std::vector<std::byte>> take_blocks(PieceReader& reader, const VtpPacking& packing) {
  NGFORGE_TRY(const auto head, reader.peek(3 * packing.header_bytes));
  const std::uint64_t blocks = size_at(head, 0, packing), block_bytes = size_at(head, 1, packing),
                      last_bytes = size_at(head, 2, packing);
  if (blocks > reader.remaining() / packing.header_bytes)
    return make_error(ErrorCode::invalid_data, "{}: expected an array of {} blocks, found {} bytes", packing.place,
                      blocks, reader.remaining());
  NGFORGE_TRY(const auto header, reader.take((3 + static_cast<std::size_t>(blocks)) * packing.header_bytes));
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < blocks; ++i)
    if (__builtin_add_overflow(total, size_at(header, 3 + i, packing), &total) || total > reader.remaining())
      return make_error(ErrorCode::invalid_data, "{}: expected at most {} packed bytes, found blocks of more",
                        packing.place, reader.remaining());
  NGFORGE_TRY(const auto packed, reader.take(static_cast<std::size_t>(total)));
  std::vector<std::byte> out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < blocks; ++i) {
    const auto size = static_cast<std::size_t>(size_at(header, 3 + i, packing));
    const std::uint64_t expected = i + 1 == blocks && last_bytes != 0 ? last_bytes : block_bytes;
    if (expected > packing.most_bytes - out.size())
      return make_error(ErrorCode::limit, "{}: expected arrays of at most {} bytes, found more", packing.place,
                        packing.most_bytes)
          .with_hint("use a larger --memory");
    NGFORGE_TRY(const auto block, unpack_zlib(std::span(packed).subspan(at, size), packing.place, expected));
    if (block.size() != expected)
      return make_error(ErrorCode::invalid_data, "{}: block {}: expected {} bytes, found {}", packing.place, i,
                        expected, block.size());
    out.insert(out.end(), block.begin(), block.end());
    at += size;
  }
  return out;
}

}  // namespace

Result<std::vector<std::byte>> unpack_vtp_array(const VtpPacked& packed, const VtpPacking& packing) {
  PieceReader reader(packed, packing.place);
  return packing.is_zlib ? take_blocks(reader, packing) : take_plain(reader, packing);
}

}  // namespace ngforge
