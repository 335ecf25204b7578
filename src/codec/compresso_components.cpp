// SPDX-License-Identifier: Apache-2.0
#include "codec/compresso_components.h"

#include <algorithm>
#include <bit>

#include "codec/compresso_rows.h"

namespace ngforge {

void Components::clear() {
  runs_.clear();
  row_begins_.assign(1, 0);
  parents_.clear();
}

void Components::add_row(const std::uint64_t* bits, Index count) {
  // Where a bit is not what the one before it is, a run begins and ends in turn; before and behind the row are ones.
  std::uint64_t before = 1;
  std::uint32_t begin = 0;
  bool is_open = false;
  for (Index x = 0; x < count; x += kRowWordBits, ++bits) {
    std::uint64_t word = *bits;
    if (count - x < kRowWordBits) word |= ~std::uint64_t{0} << (count - x);
    for (std::uint64_t changes = word ^ (word << 1 | before); changes != 0; changes &= changes - 1) {
      const auto at = static_cast<std::uint32_t>(x + std::countr_zero(changes));
      if (is_open) {
        parents_.push_back(static_cast<std::uint32_t>(runs_.size()));
        runs_.push_back({begin, at});
      }
      begin = at;
      is_open = !is_open;
    }
    before = word >> 63;
  }
  if (is_open) {
    parents_.push_back(static_cast<std::uint32_t>(runs_.size()));
    runs_.push_back({begin, static_cast<std::uint32_t>(count)});
  }
  row_begins_.push_back(runs_.size());
}

std::uint32_t Components::root(std::uint32_t at) {
  while (parents_[at] != at) at = parents_[at] = parents_[parents_[at]];
  return at;
}

void Components::join(std::size_t row, std::size_t other) {
  const Run* const runs = runs_.data();
  const std::size_t end_a = end_of(row), end_b = end_of(other);
  for (std::size_t a = begin_of(row), b = begin_of(other); a < end_a && b < end_b;) {
    const Run one = runs[a], two = runs[b];
    if (one.begin < two.end && two.begin < one.end && parents_[a] != parents_[b]) {
      const std::uint32_t root_a = root(static_cast<std::uint32_t>(a)), root_b = root(static_cast<std::uint32_t>(b));
      parents_[std::max(root_a, root_b)] = std::min(root_a, root_b);
    }
    // Without a branch: which of them ends first cannot be foreseen.
    const bool ends_first = one.end < two.end;
    a += ends_first;
    b += !ends_first;
  }
}

std::size_t Components::number() {
  numbers_.resize(runs_.size());
  std::uint32_t next = 0;
  for (std::size_t at = 0; at < runs_.size(); ++at) numbers_[at] = is_first(at) ? next++ : numbers_[parents_[at]];
  return next;
}

}  // namespace ngforge
