// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "codec/compresso.h"
#include "codec/compresso_components.h"
#include "codec/compresso_rows.h"
#include "core/byte_cursor.h"

namespace ngforge::compresso {
namespace {

using Word = std::uint64_t;

template <class... Args>
Error corrupt(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::invalid_data, format, std::forward<Args>(args)...).in("compresso");
}

template <class T>
Result<T> read_one_of(ByteCursor& cursor, std::initializer_list<int> wanted, std::string_view expected) {
  const std::size_t at = cursor.position();
  NGFORGE_TRY(const T value, cursor.read<T>());
  if (std::find(wanted.begin(), wanted.end(), static_cast<int>(value)) == wanted.end())
    return corrupt("expected {} at byte {}, found {}", expected, at, value);
  return value;
}

Result<Header> read_header(ByteCursor& cursor, const MutableBlockView& view) {
  NGFORGE_TRY(const auto magic, cursor.take(4));
  if (std::memcmp(magic.data(), "cpso", 4) != 0) return corrupt("expected \"cpso\" at byte 0, found something else");
  Header header;
  NGFORGE_TRY(const auto version, read_one_of<std::uint8_t>(cursor, {0, 1}, "version 0 or 1"));
  header.has_index = version == 1;
  const auto width = static_cast<int>(view.value_bytes());
  NGFORGE_TRY(header.label_bytes, read_one_of<std::uint8_t>(cursor, {width}, fmt::format("labels of {} bytes", width)));
  for (int a = 0; a < 3; ++a) {
    NGFORGE_TRY(header.size[a], cursor.read<std::uint16_t>());
  }
  if (header.size != view.size())
    return corrupt("expected {} x {} x {} voxels, found {} x {} x {}", view.size().x, view.size().y, view.size().z,
                   header.size.x, header.size.y, header.size.z);
  for (int a = 0; a < 3; ++a) {
    NGFORGE_TRY(header.steps[a], cursor.read<std::uint8_t>());
  }
  if (const Index bits = header.steps.product(); bits < 1 || bits > kMostSteps)
    return corrupt("expected windows of 1 to {} voxels, found {} x {} x {}", kMostSteps, header.steps.x, header.steps.y,
                   header.steps.z);
  NGFORGE_TRY(header.ids, cursor.read<std::uint64_t>());
  NGFORGE_TRY(header.values, cursor.read<std::uint32_t>());
  NGFORGE_TRY(header.locations, cursor.read<std::uint64_t>());
  NGFORGE_TRY(header.connectivity, header.has_index
                                       ? read_one_of<std::uint8_t>(cursor, {4}, "connectivity 4 (of version 1)")
                                       : read_one_of<std::uint8_t>(cursor, {4, 6}, "connectivity 4 or 6"));
  return header;
}

// Numbers of one width, as they lie in the stream.
struct Numbers {
  std::span<const std::byte> bytes;
  std::size_t width = 1;

  std::size_t size() const { return bytes.size() / width; }
  std::uint64_t operator[](std::size_t i) const {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data() + i * width, width);
    return number;
  }
};

Result<Numbers> take(ByteCursor& cursor, std::uint64_t count, std::size_t width, std::string_view what) {
  if (count > cursor.remaining() / width)
    return corrupt("expected {} {} of {} bytes at byte {}, found {} bytes", count, what, width, cursor.position(),
                   cursor.remaining());
  NGFORGE_TRY(const auto bytes, cursor.take(count * width));
  return Numbers{bytes, width};
}

struct Stream {
  Header header;
  Numbers ids, values, locations, windows, index;
};

Result<Stream> split(std::span<const std::byte> bytes, const MutableBlockView& view) {
  ByteCursor cursor(bytes, "compresso");
  NGFORGE_TRY(const Header header, read_header(cursor, view));
  NGFORGE_TRY(const Numbers ids, take(cursor, header.ids, header.label_bytes, "labels of components"));
  NGFORGE_TRY(const Numbers values, take(cursor, header.values, header.window_bytes(), "values of windows"));
  NGFORGE_TRY(const Numbers locations, take(cursor, header.locations, header.label_bytes, "locations"));
  if (cursor.remaining() < header.index_bytes() ||
      (cursor.remaining() - header.index_bytes()) % header.window_bytes() != 0)
    return corrupt("expected windows of {} bytes and an index of {} at byte {}, found {} bytes", header.window_bytes(),
                   header.index_bytes(), cursor.position(), cursor.remaining());
  const std::size_t windows = (cursor.remaining() - header.index_bytes()) / header.window_bytes();
  NGFORGE_TRY(const Numbers runs, take(cursor, windows, header.window_bytes(), "windows"));
  NGFORGE_TRY(const auto index, cursor.take(header.index_bytes()));
  return Stream{header, ids, values, locations, runs, {index, header.index_number_bytes()}};
}

// Which voxels are boundaries, as rows of bits.
class Boundaries {
 public:
  Result<void> read(const Stream& stream) {
    size_ = stream.header.size, steps_ = stream.header.steps, windows_ = stream.header.windows();
    words_ = row_words(size_.x);
    bits_.assign(static_cast<std::size_t>(size_.z * size_.y * words_), 0);
    if (stream.values.size() == 0) return {};
    const auto count = static_cast<Word>(windows_.product());
    const Word first = stream.values[0];
    Word at = 0;
    for (std::size_t i = 0; i < stream.windows.size(); ++i) {
      const Word entry = stream.windows[i], number = entry >> 1;
      const Word repeated = (entry & 1) != 0 ? number : 1;
      if (repeated == 0 || repeated > count - at)
        return corrupt("expected runs of 1 to {} windows after {}, found {}", count - at, at, repeated);
      if ((entry & 1) == 0) {
        if (number >= stream.values.size())
          return corrupt("window {}: expected a number below {}, found {}", at, stream.values.size(), number);
        set(static_cast<Index>(at), stream.values[number]);
      } else if (first != 0) {
        for (Word j = 0; j < repeated; ++j) set(static_cast<Index>(at + j), first);
      }
      at += repeated;
    }
    if (at != count) return corrupt("expected {} windows, found {}", count, at);
    return {};
  }

  const Word* row(Index y, Index z) const { return bits_.data() + words_ * (y + size_.y * z); }
  bool at(Index x, Index y, Index z) const { return (row(y, z)[x / kRowWordBits] >> x % kRowWordBits & 1) != 0; }
  Index words() const { return words_; }

 private:
  // Bits beyond the chunk mean nothing: nobody looks at those in x, and those in y and z have no place.
  void set(Index window, Word value) {
    const Index x = window % windows_.x * steps_.x, y = window / windows_.x % windows_.y * steps_.y,
                z = window / windows_.x / windows_.y * steps_.z;
    const Word mask = ~Word{0} >> (64 - steps_.x);
    const Index word = x / kRowWordBits, shift = x % kRowWordBits;
    Index offset = 0;
    for (Index k = z; k < z + steps_.z; ++k)
      for (Index j = y; j < y + steps_.y; ++j, offset += steps_.x) {
        const Word part = value >> offset & mask;
        if (part == 0 || j >= size_.y || k >= size_.z) continue;
        Word* const bits = bits_.data() + words_ * (j + size_.y * k) + word;
        bits[0] |= part << shift;
        if (shift + steps_.x > kRowWordBits && word + 1 < words_) bits[1] |= part >> (kRowWordBits - shift);
      }
  }

  VoxelVec size_, steps_, windows_;
  Index words_ = 0;  // of a row
  std::vector<Word> bits_;
};

template <class T>
class Decoder {
 public:
  Result<void> decode(std::span<const std::byte> bytes, const MutableBlockView& view) {
    NGFORGE_TRY(stream_, split(bytes, view));
    view_ = view;
    NGFORGE_CHECK(boundaries_.read(stream_));
    ids_used_ = location_ = 0;
    // Components reach through all slices, or through one. Labels may be copied from the slice behind.
    const Index sz = view.size().z, step = stream_.header.connectivity == 6 ? sz : 1;
    for (Index z = 0; z < sz; z += step) {
      NGFORGE_CHECK(fill_components(z, z + step));
      if (z > 0) NGFORGE_CHECK(fill_boundaries(z - 1));
    }
    for (Index z = step == sz ? 0 : sz - 1; z < sz; ++z) NGFORGE_CHECK(fill_boundaries(z));
    if (ids_used_ != stream_.ids.size())
      return corrupt("expected labels of {} components, found {}", ids_used_, stream_.ids.size());
    if (location_ != stream_.locations.size())
      return corrupt("expected {} locations, found {}", location_, stream_.locations.size());
    return {};
  }

 private:
  T* row(Index y, Index z) const { return reinterpret_cast<T*>(view_.data + y * view_.stride_y + z * view_.stride_z); }

  Result<void> fill_components(Index first, Index last) {
    const VoxelVec size = view_.size();
    components_.clear();
    for (Index z = first; z < last; ++z)
      for (Index y = 0; y < size.y; ++y) {
        const std::size_t number = components_.rows();
        components_.add_row(boundaries_.row(y, z), size.x);
        if (y > 0) components_.join(number, number - 1);
        if (z > first) components_.join(number, number - static_cast<std::size_t>(size.y));
      }
    const std::size_t count = components_.number();
    if (count > stream_.ids.size() - ids_used_)
      return corrupt("expected labels of at least {} components, found {}", ids_used_ + count, stream_.ids.size());
    std::size_t number = 0;
    for (Index z = first; z < last; ++z)
      for (Index y = 0; y < size.y; ++y, ++number)
        fill_row(number, boundaries_.row(y, z), row(y, z), y > 0 ? row(y - 1, z) : nullptr,
                 y > 0 ? boundaries_.row(y - 1, z) : nullptr);
    ids_used_ += count;
    return {};
  }

  // What is no boundary, and boundaries whose label is that of x - 1, else y - 1.
  void fill_row(std::size_t number, const Word* bits, T* out, const T* above, const Word* bits_above) const {
    const auto count = static_cast<std::size_t>(view_.size().x);
    const T* const end = reinterpret_cast<const T*>(view_.data) + view_.size().product();
    for (std::size_t at = components_.begin_of(number); at < components_.end_of(number); ++at) {
      const Components::Run run = components_.run(at);
      const auto label = static_cast<T>(stream_.ids[ids_used_ + components_.number_of(at)]);
      fill(out + run.begin, out + std::min<std::size_t>(run.end + 1, count), label, end);
    }
    if (above == nullptr) return;
    Word carry = 1;
    for (Index word = 0; word < boundaries_.words(); ++word) {
      Word wanted = bits[word] & (bits[word] << 1 | carry) & ~bits_above[word];
      carry = bits[word] >> 63;
      for (; wanted != 0; wanted &= wanted - 1) {
        const Index x = kRowWordBits * word + std::countr_zero(wanted);
        if (x >= view_.size().x) break;
        out[x] = above[x];
      }
    }
  }

  // Most runs are short: steps of one size take less time than a loop that ends where they do. What lies behind, up to
  // `limit`, is not filled yet.
  static void fill(T* begin, T* end, T label, const T* limit) {
    constexpr std::ptrdiff_t kStep = 64 / sizeof(T);
    if (limit - end < kStep) {
      std::fill(begin, end, label);
      return;
    }
    for (; begin < end; begin += kStep) std::fill_n(begin, kStep, label);
  }

  // The other boundaries.
  Result<void> fill_boundaries(Index z) {
    const VoxelVec size = view_.size();
    const bool is_deep = stream_.header.connectivity == 6 && z > 0;
    for (Index y = 0; y < size.y; ++y) {
      const Word* const bits = boundaries_.row(y, z);
      const Word* const above = y > 0 ? boundaries_.row(y - 1, z) : nullptr;
      const Word* const before = is_deep ? boundaries_.row(y, z - 1) : nullptr;
      Word carry = 1;
      for (Index word = 0; word < boundaries_.words(); ++word) {
        const Index begin = kRowWordBits * word;
        Word wanted = bits[word] & (bits[word] << 1 | carry);
        carry = bits[word] >> 63;
        if (size.x - begin < kRowWordBits) wanted &= (Word{1} << (size.x - begin)) - 1;
        if (above != nullptr) wanted &= above[word];
        for (; wanted != 0; wanted &= wanted - 1) {
          const VoxelVec at{begin + std::countr_zero(wanted), y, z};
          if (before != nullptr && !boundaries_.at(at.x, y, z - 1))
            row(y, z)[at.x] = row(y, z - 1)[at.x];
          else
            NGFORGE_CHECK(fill_location(at));
        }
      }
    }
    return {};
  }

  Result<void> fill_location(const VoxelVec& at) {
    const std::size_t number = location_++;
    const auto fail = [&](std::string_view expected, std::string_view found) {
      return corrupt("location {} (voxel {} {} {}): expected {}, found {}", number, at.x, at.y, at.z, expected, found);
    };
    const std::size_t count = stream_.locations.size();
    if (number >= count) return fail("a code", "none");
    const Word code = stream_.locations[number];
    T& out = row(at.y, at.z)[at.x];
    if (code >= kFirstLabel) {
      out = static_cast<T>(code - kFirstLabel);
      return {};
    }
    if (code == Location::verbatim) {
      if (location_ >= count) return fail("a label behind code 6", "none");
      out = static_cast<T>(stream_.locations[location_++]);
      return {};
    }
    static constexpr VoxelVec kSteps[] = {{-1, 0, 0}, {1, 0, 0}, {0, -1, 0}, {0, 1, 0}, {0, 0, -1}, {0, 0, 1}};
    const VoxelVec from = at + kSteps[code];
    if (!Box{{}, view_.size()}.contains(from) || boundaries_.at(from.x, from.y, from.z))
      return fail("a neighbour that is no boundary", fmt::format("code {}", code));
    out = row(from.y, from.z)[from.x];
    return {};
  }

  Stream stream_;
  MutableBlockView view_;
  Boundaries boundaries_;
  Components components_;
  std::size_t ids_used_ = 0, location_ = 0;
};

}  // namespace

Result<void> decode_labels(std::span<const std::byte> bytes, const MutableBlockView& view) {
  const auto decode_as = [&]<class T>(T) {
    thread_local Decoder<T> decoder;  // its memory serves all chunks of a thread
    return decoder.decode(bytes, view);
  };
  switch (view.value_bytes()) {
    case 1: return decode_as(std::uint8_t{});
    case 2: return decode_as(std::uint16_t{});
    case 4: return decode_as(std::uint32_t{});
    default: return decode_as(std::uint64_t{});
  }
}

}  // namespace ngforge::compresso
