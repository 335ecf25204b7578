// SPDX-License-Identifier: Apache-2.0
#include "store/deep_names.h"

#include <utility>

#include "layout/volume_info.h"

namespace ngforge {
namespace {

std::optional<std::string> deep_key(const std::string& key) {
  const auto name_begin = key.rfind('/') + 1;  // 0 without a folder
  const auto box_vox = parse_chunk_name(std::string_view(key).substr(name_begin));
  if (!box_vox) return std::nullopt;
  return key.substr(0, name_begin) + deep_chunk_name(*box_vox);
}

class FlatView final : public Store {
 public:
  explicit FlatView(std::shared_ptr<Store> store) : store_(std::move(store)) {}

  std::string describe() const override { return store_->describe(); }
  Result<ObjectInfo> stat(const std::string& key) override {
    return either<ObjectInfo>(key, [&](const std::string& stored_key) { return store_->stat(stored_key); });
  }
  Result<Bytes> get(const std::string& key) override {
    return either<Bytes>(key, [&](const std::string& stored_key) { return store_->get(stored_key); });
  }
  Result<Bytes> get_range(const std::string& key, ByteRange range) override {
    return either<Bytes>(key, [&](const std::string& stored_key) { return store_->get_range(stored_key, range); });
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override { return store_->list(prefix); }
  Result<void> visit_names(const std::string& prefix,
                           const std::function<Result<void>(const std::string&)>& visit) override {
    return store_->visit_names(prefix, visit);
  }
  Result<void> put(const std::string& key, std::span<const std::byte> bytes) override {
    return store_->put(key, bytes);
  }

 private:
  template <class T, class Call>
  Result<T> either(const std::string& key, const Call& call) {
    Result<T> flat = call(key);
    if (flat || flat.error().code != ErrorCode::not_found) return flat;
    const auto other_key = deep_key(key);
    if (!other_key) return flat;
    Result<T> deep = call(*other_key);
    // The name that was asked for belongs into the message.
    if (!deep && deep.error().code == ErrorCode::not_found) return flat;
    return deep;
  }

  const std::shared_ptr<Store> store_;
};

}  // namespace

std::shared_ptr<Store> make_flat_view(std::shared_ptr<Store> store) {
  return std::make_shared<FlatView>(std::move(store));
}

}  // namespace ngforge
