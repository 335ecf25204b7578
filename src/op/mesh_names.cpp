// SPDX-License-Identifier: Apache-2.0
#include "op/mesh_names.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/fnv.h"
#include "layout/sharding.h"

namespace ngforge {
namespace {

std::uint64_t hash_of(std::string_view name) {
  Fnv1a hash;
  hash.add(name);
  return hash.value();
}

bool remove_suffix(std::string_view& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.remove_suffix(suffix.size());
  return true;
}

// The number in front; what follows it is left in `text`.
std::optional<std::uint64_t> take_number(std::string_view& text, int base = 10) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// A name as manifests have it, whatever cloud-volume has packed the file with.
std::string_view without_packing(std::string_view name) {
  if (!remove_suffix(name, ".gz") && !remove_suffix(name, ".br")) remove_suffix(name, ".zstd");
  return name;
}

}  // namespace

MeshNames::Name MeshNames::read(std::string_view name) const {
  if (name.ends_with('/') || name.starts_with('.')) return {Kind::other};
  name = without_packing(name);
  // cloud-volume looks labels up in the places of igneous' .spatial files.
  if (name == "info" || name == "provenance" || name.ends_with(".spatial")) return {Kind::other};
  if (name.ends_with(".frags") || name.ends_with(".labels")) return {Kind::aside};
  if (info_.sharding) {
    std::string_view rest = name;
    const auto shard = take_number(rest, 16);
    const bool is_shard = shard && name == shard_file_name(*info_.sharding, *shard) &&
                          (info_.sharding->shard_bits >= 64 || *shard >> info_.sharding->shard_bits == 0);
    return is_shard ? Name{Kind::shard, *shard} : Name{};
  }
  std::string_view rest = name;
  const auto label = take_number(rest);
  if (!label) return {};
  if (info_.format == MeshFormat::legacy)
    return rest.empty() || rest == ":0" || rest == ".json" ? Name{Kind::manifest, *label} : Name{};
  if (rest == ".index") return {Kind::manifest, *label};
  if (rest.empty()) return {Kind::fragments, *label};
  // The pieces that igneous has made a mesh of.
  return rest.starts_with(":0:") ? Name{Kind::aside, *label} : Name{};
}

void MeshNames::add(const Name& name) {
  if (name.kind == Kind::manifest) labels_.push_back(name.number);
  if (name.kind == Kind::shard) shards_.push_back(name.number);
}

void MeshNames::sort() {
  for (auto* const numbers : {&labels_, &shards_}) {
    std::ranges::sort(*numbers);
    numbers->erase(std::ranges::unique(*numbers).begin(), numbers->end());
  }
}

void MeshNames::add_fragments(std::span<const std::string> names) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : names) fragments_.push_back(hash_of(without_packing(name)));
  is_sorted_ = false;
}

bool MeshNames::is_stray(std::string_view name, std::span<const std::uint64_t> missing) {
  const Name read_name = read(name);
  if (read_name.kind != Kind::unknown && read_name.kind != Kind::fragments) return false;
  const std::string_view plain = without_packing(name);
  std::string_view rest = plain;
  const auto label = take_number(rest);
  if (label && !info_.sharding && std::ranges::binary_search(missing, *label)) return false;
  if (read_name.kind == Kind::fragments) return !std::ranges::binary_search(labels_, read_name.number);
  if (info_.format == MeshFormat::multires) return true;
  const std::lock_guard lock(mutex_);
  if (!is_sorted_) std::ranges::sort(fragments_);
  is_sorted_ = true;
  return !std::ranges::binary_search(fragments_, hash_of(plain));
}

}  // namespace ngforge
