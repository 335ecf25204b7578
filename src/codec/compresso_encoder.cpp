// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "codec/compresso.h"
#include "codec/compresso_components.h"
#include "codec/compresso_rows.h"
#include "core/byte_cursor.h"

namespace ngforge::compresso {
namespace {

static_assert(std::endian::native == std::endian::little, "labels and windows are copied as they lie in memory");

using Word = std::uint64_t;

// The largest label that is written as a code. Neuroglancer keeps the upper half of verbatim labels only: its codes
// have 32 bits, whatever the labels have.
template <class T>
constexpr T kMostCoded =
    static_cast<T>(std::min<std::uint64_t>(std::numeric_limits<T>::max(), 0xffffffff) - kFirstLabel);

// Four bits from `from` on to the low end of each byte pair.
Word spread_nibbles(Word row, int from) {
  Word x = row >> from & 0xffff;
  x = (x | x << 24) & 0x000000ff000000ff;
  return (x | x << 12) & 0x000f000f000f000f;
}

// Windows of 4 x 4 x 1 voxels in the order of the stream, their distinct values and their runs.
class SmallWindows {
 public:
  using Value = std::uint16_t;
  static constexpr VoxelVec kSteps{4, 4, 1};

  void clear(std::size_t count) {
    windows_.resize(count + kWindowsOfWord);  // words are written whole
    end_ = windows_.data();
    seen_.fill(0);
  }
  // Of four rows, the windows of one word of each, of which `count` are inside.
  void add(const std::array<const Word*, 4>& rows, std::size_t word, std::size_t count) {
    const Word a = rows[0][word], b = rows[1][word], c = rows[2][word], d = rows[3][word];
    if ((a | b | c | d) == 0) {
      std::memset(end_, 0, sizeof(Value) * kWindowsOfWord);
      seen_[0] |= 1;
    } else {
      for (int i = 0; i < 4; ++i) {
        const Word four = spread_nibbles(a, 16 * i) | spread_nibbles(b, 16 * i) << 4 | spread_nibbles(c, 16 * i) << 8 |
                          spread_nibbles(d, 16 * i) << 12;
        std::memcpy(end_ + 4 * i, &four, sizeof four);
      }
      for (std::size_t i = 0; i < count; ++i) seen_[end_[i] / 64] |= Word{1} << end_[i] % 64;
    }
    end_ += count;
  }
  // False when there are more values than a window has numbers.
  bool finish() {
    values.clear();
    for (std::size_t i = 0; i < seen_.size(); ++i)
      for (Word bits = seen_[i]; bits != 0; bits &= bits - 1)
        values.push_back(static_cast<Value>(64 * i + static_cast<std::size_t>(std::countr_zero(bits))));
    if (values.size() > std::size_t{kMost} + 1) return false;
    for (std::size_t i = 0; i < values.size(); ++i) numbers_[values[i]] = static_cast<Value>(i);
    runs.clear();
    Value zeros = 0;
    for (const Value* window = windows_.data(); window != end_; ++window) {
      const Value number = numbers_[*window];
      if (number == 0) {
        if (++zeros < kMost) continue;
        runs.push_back(static_cast<Value>(zeros << 1 | 1));
        zeros = 0;
      } else {
        if (zeros > 0) runs.push_back(static_cast<Value>(zeros << 1 | 1));
        zeros = 0;
        runs.push_back(static_cast<Value>(number << 1));
      }
    }
    if (zeros > 0) runs.push_back(static_cast<Value>(zeros << 1 | 1));
    return true;
  }

  std::vector<Value> values, runs;

 private:
  static constexpr std::size_t kWindowsOfWord = 16;
  static constexpr Value kMost = std::numeric_limits<Value>::max() / 2;

  std::vector<Value> windows_, numbers_ = std::vector<Value>(std::size_t{1} << 16);
  Value* end_ = nullptr;
  std::array<Word, (std::size_t{1} << 16) / 64> seen_;
};

// The same of 8 x 8 x 1 voxels, of which there are never too many.
class LargeWindows {
 public:
  using Value = std::uint64_t;
  static constexpr VoxelVec kSteps{8, 8, 1};

  void clear() { windows_.clear(); }
  void add(const std::array<const Word*, 8>& rows, std::size_t word, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Value window = 0;
      for (std::size_t y = 0; y < 8; ++y) window |= (rows[y][word] >> (8 * i) & 0xff) << (8 * y);
      windows_.push_back(window);
    }
  }
  void finish() {
    values = windows_;
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    runs.clear();
    Value zeros = 0;
    const auto end_zeros = [&] {
      if (zeros > 0) runs.push_back(zeros << 1 | 1);
      zeros = 0;
    };
    for (const Value window : windows_) {
      const auto number = static_cast<Value>(std::lower_bound(values.begin(), values.end(), window) - values.begin());
      if (number == 0) {
        ++zeros;
        continue;
      }
      end_zeros();
      runs.push_back(number << 1);
    }
    end_zeros();
  }

  std::vector<Value> values, runs;

 private:
  std::vector<Value> windows_;
};

template <class V>
void append(Bytes& out, const std::vector<V>& values) {
  const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
  out.insert(out.end(), bytes, bytes + sizeof(V) * values.size());
}

template <class T>
class Encoder {
 public:
  void encode(const BlockView& view, Bytes& out) {
    labels_ = reinterpret_cast<const T*>(view.data);
    size_ = view.size();
    words_ = static_cast<std::size_t>(row_words(size_.x));
    bits_.resize(static_cast<std::size_t>(size_.y) * words_);
    no_bits_.assign(words_, 0);
    ids_.clear();
    locations_.clear();
    components_per_slice_.clear();
    locations_per_slice_.assign(1, 0);
    const Header header{.size = size_, .steps = SmallWindows::kSteps};
    small_.clear(static_cast<std::size_t>(header.windows().product()));
    for (Index z = 0; z < size_.z; ++z) {
      find_boundaries_of(z);
      add_components(z);
      add_windows(small_);
      const std::size_t before = locations_.size();
      for (Index y = 0; y < size_.y; ++y) add_locations(y, z);
      if (z + 1 < size_.z) locations_per_slice_.push_back(locations_.size() - before);
    }
    if (small_.finish()) return write(small_, out);
    large_.clear();
    for (Index z = 0; z < size_.z; ++z) {
      find_boundaries_of(z);
      add_windows(large_);
    }
    large_.finish();
    write(large_, out);
  }

 private:
  const T* label(Index x, Index y, Index z) const { return labels_ + x + size_.x * (y + size_.y * z); }
  const Word* row(Index y) const { return bits_.data() + static_cast<std::size_t>(y) * words_; }

  void find_boundaries_of(Index z) {
    const T* const end = labels_ + size_.product();
    for (Index y = 0; y < size_.y; ++y) {
      Word* const bits = bits_.data() + static_cast<std::size_t>(y) * words_;
      const T *values = label(0, y, z), *below = y + 1 < size_.y ? values + size_.x : nullptr;
      const Index readable = readable_values(size_.x);
      if (end - values < readable + size_.x) {  // one could be read past the block's end
        copies_.resize(static_cast<std::size_t>(2 * readable));
        std::copy_n(values, size_.x, copies_.data());
        values = copies_.data();
        if (below != nullptr) {
          std::copy_n(below, size_.x, copies_.data() + readable);
          below = copies_.data() + readable;
        }
      }
      find_boundaries(values, below, size_.x, bits);
    }
  }

  void add_components(Index z) {
    components_.clear();
    for (Index y = 0; y < size_.y; ++y) {
      components_.add_row(row(y), size_.x);
      if (y > 0) components_.join(static_cast<std::size_t>(y), static_cast<std::size_t>(y - 1));
    }
    const std::size_t before = ids_.size();
    for (Index y = 0; y < size_.y; ++y) {
      const auto number = static_cast<std::size_t>(y);
      for (std::size_t run = components_.begin_of(number); run < components_.end_of(number); ++run)
        if (components_.is_first(run)) ids_.push_back(*label(components_.run(run).begin, y, z));
    }
    components_per_slice_.push_back(ids_.size() - before);
  }

  template <class Windows>
  void add_windows(Windows& windows) const {
    constexpr Index kPerWord = kRowWordBits / Windows::kSteps.x;
    const Index per_row = ceil_div(size_.x, Windows::kSteps.x);
    std::array<const Word*, static_cast<std::size_t>(Windows::kSteps.y)> rows;
    for (Index y = 0; y < size_.y; y += Windows::kSteps.y) {
      for (Index i = 0; i < Windows::kSteps.y; ++i)
        rows[static_cast<std::size_t>(i)] = y + i < size_.y ? row(y + i) : no_bits_.data();
      for (std::size_t word = 0; word < words_; ++word)
        windows.add(rows, word,
                    static_cast<std::size_t>(std::min(kPerWord, per_row - kPerWord * static_cast<Index>(word))));
    }
  }

  void add_locations(Index y, Index z) {
    const Word *const bits = row(y), *const above = y > 0 ? row(y - 1) : nullptr;
    Word carry = 1;
    for (std::size_t word = 0; word < words_; ++word) {
      Word wanted = bits[word] & (bits[word] << 1 | carry);
      carry = bits[word] >> 63;
      if (above != nullptr) wanted &= above[word];
      for (; wanted != 0; wanted &= wanted - 1)
        add_location(kRowWordBits * static_cast<Index>(word) + std::countr_zero(wanted), y, z);
    }
  }

  // Of a boundary whose neighbours at x - 1 and y - 1, if any, are boundaries too.
  void add_location(Index x, Index y, Index z) {
    const T* const at = label(x, y, z);
    if (x + 1 < size_.x && at[1] == at[0] && !is_boundary(x + 1, y)) {
      locations_.push_back(Location::right);
    } else if (y + 1 < size_.y && at[size_.x] == at[0] && !is_boundary(x, y + 1)) {
      locations_.push_back(Location::down);
    } else if (*at > kMostCoded<T>) {
      locations_.push_back(Location::verbatim);
      locations_.push_back(*at);
    } else {
      locations_.push_back(static_cast<T>(*at + kFirstLabel));
    }
  }
  bool is_boundary(Index x, Index y) const { return (row(y)[x / kRowWordBits] >> x % kRowWordBits & 1) != 0; }

  template <class Windows>
  void write(const Windows& windows, Bytes& out) const {
    const Header header{.label_bytes = sizeof(T),
                        .size = size_,
                        .steps = Windows::kSteps,
                        .ids = ids_.size(),
                        .values = windows.values.size(),
                        .locations = locations_.size()};
    out.resize(kHeaderBytes);
    write_header(header, out.data());
    append(out, ids_);
    append(out, windows.values);
    append(out, locations_);
    append(out, windows.runs);
    const std::size_t width = header.index_number_bytes();
    for (const auto* numbers : {&components_per_slice_, &locations_per_slice_})
      for (const std::uint64_t number : *numbers) {
        const auto* bytes = reinterpret_cast<const std::byte*>(&number);
        out.insert(out.end(), bytes, bytes + width);
      }
  }

  static void write_header(const Header& header, std::byte* out) {
    std::memcpy(out, "cpso", 4);
    store(out + 4, static_cast<std::uint8_t>(header.has_index));
    store(out + 5, static_cast<std::uint8_t>(header.label_bytes));
    for (int a = 0; a < 3; ++a) {
      store(out + 6 + 2 * a, static_cast<std::uint16_t>(header.size[a]));
      store(out + 12 + a, static_cast<std::uint8_t>(header.steps[a]));
    }
    store(out + 15, header.ids);
    store(out + 23, static_cast<std::uint32_t>(header.values));
    store(out + 27, header.locations);
    store(out + 35, static_cast<std::uint8_t>(header.connectivity));
  }

  const T* labels_ = nullptr;
  VoxelVec size_;
  std::size_t words_ = 0;             // of a row
  std::vector<Word> bits_, no_bits_;  // boundaries of the slice at hand
  Components components_;
  std::vector<T> copies_, ids_, locations_;
  std::vector<std::uint64_t> components_per_slice_, locations_per_slice_;
  SmallWindows small_;
  LargeWindows large_;
};

}  // namespace

void encode_labels(const BlockView& view, Bytes& out) {
  const auto encode_as = [&]<class T>(T) {
    thread_local Encoder<T> encoder;  // its memory serves all chunks of a thread
    encoder.encode(view, out);
  };
  switch (view.value_bytes()) {
    case 1: return encode_as(std::uint8_t{});
    case 2: return encode_as(std::uint16_t{});
    case 4: return encode_as(std::uint32_t{});
    default: return encode_as(std::uint64_t{});
  }
}

}  // namespace ngforge::compresso
