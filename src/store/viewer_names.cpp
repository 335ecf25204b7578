// SPDX-License-Identifier: Apache-2.0
#include "store/viewer_names.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "layout/volume_info.h"

namespace ngforge {
namespace {

class ViewerView final : public Store {
 public:
  explicit ViewerView(std::shared_ptr<Store> store) : store_(std::move(store)) {}

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
  Result<std::unique_ptr<OpenFile>> open_now(const std::string& key) override {
    return either<std::unique_ptr<OpenFile>>(
        key, [&](const std::string& stored_key) { return store_->open_now(stored_key); });
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
    Result<T> asked = call(key);
    if (asked || asked.error().code != ErrorCode::not_found) return asked;
    for (const std::string& other_key : other_names(key)) {
      Result<T> other = call(other_key);
      if (other || other.error().code != ErrorCode::not_found) return other;
    }
    return asked;  // the name that was asked for belongs into the message
  }

  const std::shared_ptr<Store> store_;
};

}  // namespace

std::vector<std::string> other_names(const std::string& key) {
  constexpr std::string_view kColonSuffix = ":0";
  const auto name_begin = key.rfind('/') + 1;  // 0 without a folder
  const std::string_view name = std::string_view(key).substr(name_begin);
  if (const auto box_vox = parse_chunk_name(name)) return {key.substr(0, name_begin) + deep_chunk_name(*box_vox)};
  if (!name.ends_with(kColonSuffix)) return {};
  const std::string_view label = name.substr(0, name.size() - kColonSuffix.size());
  const bool is_label = !label.empty() && std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_label) return {};
  const std::string plain = key.substr(0, key.size() - kColonSuffix.size());
  return {plain + ".json", plain};
}

std::shared_ptr<Store> make_viewer_view(std::shared_ptr<Store> store) {
  return std::make_shared<ViewerView>(std::move(store));
}

}  // namespace ngforge
