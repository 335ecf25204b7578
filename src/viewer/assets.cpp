// SPDX-License-Identifier: Apache-2.0
#include "viewer/assets.h"

#include <algorithm>
#include <cstring>

#include "ngforge/version.h"

namespace ngforge {
namespace {

class AssetStore final : public Store {
 public:
  std::string describe() const override { return "viewer"; }
  Result<ObjectInfo> stat(const std::string& key) override {
    NGFORGE_TRY(const ViewerAsset* const asset, find(key));
    const auto size = static_cast<std::uint64_t>(asset->end - asset->begin);
    return ObjectInfo{size, fmt::format("{}-{}", NGFORGE_VERSION, size), "gzip"};
  }
  Result<Bytes> get(const std::string& key) override {
    NGFORGE_TRY(const ViewerAsset* const asset, find(key));
    return Bytes(asset->begin, asset->end);
  }
  Result<Bytes> get_range(const std::string& key, ByteRange range) override {
    NGFORGE_TRY(const ViewerAsset* const asset, find(key));
    const auto size = static_cast<std::uint64_t>(asset->end - asset->begin);
    if (range.offset > size || range.length > size - range.offset)
      return make_error(ErrorCode::invalid_argument, "{}: expected a range within {} bytes", key, size);
    return Bytes(asset->begin + range.offset, asset->begin + range.offset + range.length);
  }
  Result<std::vector<std::string>> list(const std::string&) override {
    std::vector<std::string> names;
    for (const ViewerAsset& asset : viewer_assets()) names.emplace_back(asset.name);
    return names;
  }
  Result<void> put(const std::string& key, std::span<const std::byte>) override {
    return make_error(ErrorCode::unsupported, "viewer/{}: cannot be written", key);
  }

 private:
  static Result<const ViewerAsset*> find(const std::string& key) {
    for (const ViewerAsset& asset : viewer_assets())
      if (key == asset.name) return &asset;
    return make_error(ErrorCode::not_found, "viewer/{}: no such file", key);
  }
};

}  // namespace

std::shared_ptr<Store> make_asset_store() {
  return std::make_shared<AssetStore>();
}

}  // namespace ngforge
