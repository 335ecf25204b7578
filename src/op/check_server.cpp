// SPDX-License-Identifier: Apache-2.0
#include "op/check_server.h"

#include <algorithm>
#include <ranges>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compress/gzip.h"
#include "layout/sharding.h"
#include "op/stored_chunks.h"
#include "store/http.h"
#include "store/viewer_names.h"

namespace ngforge {
namespace {

constexpr int kOk = 200, kPart = 206, kForbidden = 403, kNotFound = 404, kNoMethod = 405, kNotImplemented = 501;
// No writer makes it.
constexpr const char* kAbsentKey = "ngforge-check/no-such-name";
constexpr const char* kServeHint =
    "ngforge webserver nginx DIR prints a configuration that does (or apache, caddy); so does ngforge serve";
constexpr int kMostAsked = 16;  // names of a scale
constexpr std::uint64_t kMostChunkBytes = std::uint64_t{1} << 30;

void find(FindingList& findings, FindingCode code, const std::string& where, std::string message, std::string hint) {
  findings.add(FindingList::kDataset, code, where, std::move(message), std::move(hint));
}

// Whether a page of another origin may.
bool may_be_read(const HttpReply& reply) {
  return reply.allow_origin == "*" || reply.allow_origin == kViewerOrigin;
}

bool is_there(const HttpReply& reply) {
  return reply.status == kOk || reply.status == kPart;
}

// A shard that the server has, among those of the first chunks of each scale; "" when there is none.
Result<std::string> find_shard(Store& store, const VolumeInfo& info) {
  for (const ScaleInfo& scale : info.scales) {
    if (!scale.sharding) continue;
    const GridVec grid = scale.grid_shape();
    std::set<std::uint64_t> asked;
    for (Index number = 0; number < grid.product() && std::ssize(asked) < kMostAsked; ++number) {
      const std::uint64_t code = encode_morton(cell_of_number(number, grid), grid);
      const std::uint64_t shard = shard_place(*scale.sharding, code).shard;
      if (!asked.insert(shard).second) continue;
      std::string key = fmt::format("{}/{}", scale.key, shard_file_name(*scale.sharding, shard));
      NGFORGE_TRY(const HttpReply reply, ask_web_server(store, false, key, ByteRange{0, 16}));
      if (is_there(reply)) return key;
    }
  }
  return std::string();
}

bool is_gzip_twice(const HttpReply& reply) {
  if (reply.content_encoding != "gzip") return false;
  const auto once = gunzip(reply.body, "value", kMostChunkBytes);
  return once && gunzip(*once, "value", kMostChunkBytes);
}

}  // namespace

Result<bool> check_server(Store& store, FindingList& findings) {
  if (!is_web_server(store)) return true;
  NGFORGE_TRY(const HttpReply body, ask_web_server(store, false, "info"));
  if (body.status != kOk) return true;  // opening it tells why
  if (!may_be_read(body))
    find(findings, FindingCode::no_cors, "info",
         fmt::format("expected Access-Control-Allow-Origin: *, found {}: a viewer from another server shows nothing",
                     body.allow_origin.empty() ? "none" : body.allow_origin),
         kServeHint);
  bool goes_on = true;
  NGFORGE_TRY(const HttpReply head, ask_web_server(store, true, "info"));
  const bool is_refused = head.status == kNoMethod || head.status == kNotImplemented;  // then the viewer asks by range
  if (!is_refused && (head.status != kOk || (!head.length && head.content_encoding.empty()))) {
    find(findings, FindingCode::no_head, "info",
         fmt::format("expected HEAD to be answered with status 200 and Content-Length, found {}: the viewer does not "
                     "recognise the dataset",
                     head.status != kOk ? fmt::format("status {}", head.status) : "no length"),
         kServeHint);
    goes_on = head.status == kOk;
  }
  NGFORGE_TRY(const HttpReply absent, ask_web_server(store, false, kAbsentKey));
  if (absent.status != kNotFound && absent.status != kForbidden) {
    find(findings, FindingCode::no_404, kAbsentKey,
         fmt::format("expected status 404 for what is not there, found {}: chunks that were left out become errors",
                     absent.status),
         "have the server answer 404 and no page of its own; ngforge webserver prints configurations that do");
    goes_on = false;
  } else if (may_be_read(body) && !may_be_read(absent)) {
    find(findings, FindingCode::no_cors_404, kAbsentKey,
         fmt::format(
             "expected Access-Control-Allow-Origin: * also with status {}, found {}: where chunks were left out a "
             "viewer from another server finds the network broken",
             absent.status, absent.allow_origin.empty() ? "none" : absent.allow_origin),
         kServeHint);
  }
  return goes_on;
}

Result<bool> check_server_range(Store& store, const std::string& key, FindingList& findings) {
  if (!is_web_server(store)) return true;
  NGFORGE_TRY(const HttpReply part, ask_web_server(store, false, key, ByteRange{0, 16}));
  if (!is_there(part)) return true;
  if (!part.content_encoding.empty()) {
    find(findings, FindingCode::packed_shard, key,
         fmt::format("expected it as it is, since parts of it are asked for, found Content-Encoding: {}: the viewer "
                     "shows nothing of it",
                     part.content_encoding),
         "take shards and fragments out of what the server compresses, and leave no .gz beside them; ngforge webserver "
         "prints configurations that do");
    return false;
  }
  if (part.status == kPart && part.body.size() == 16) return true;
  find(findings, FindingCode::no_range, key,
       fmt::format("expected status 206 and the 16 bytes of a Range request, found status {} and {} bytes: the viewer "
                   "shows nothing of shards and of multi-resolution meshes",
                   part.status, part.length ? fmt::format("{}", *part.length) : "any number of"),
       "use a server that knows Range: ngforge webserver nginx DIR prints a configuration; or convert with --layout "
       "flat");
  return false;
}

Result<ServedName> check_server_name(Store& store, const std::string& key, FindingList& findings) {
  if (!is_web_server(store)) return ServedName::good;
  NGFORGE_TRY(const HttpReply asked, ask_web_server(store, false, key));
  if (is_there(asked)) {
    if (!is_gzip_twice(asked)) return ServedName::good;
    find(findings, FindingCode::double_gzip, key,
         "expected what Content-Encoding: gzip says, found gzip in gzip: the viewer shows a hole",
         "let the server not compress what is stored in gzip; ngforge webserver prints configurations that do not");
    return ServedName::unreadable;
  }
  const bool is_chunk = parse_chunk_name(std::string_view(key).substr(key.rfind('/') + 1)).has_value();
  std::vector<std::string> names = other_names(key);
  names.insert(names.begin(), key);
  for (const bool is_packed : {false, true})
    for (const std::string& name : names) {
      const std::string stored = is_packed ? name + ".gz" : name;
      if (stored == key) continue;
      NGFORGE_TRY(const HttpReply reply, ask_web_server(store, true, stored));
      if (!is_there(reply)) continue;
      if (name != key)
        find(findings, is_chunk ? FindingCode::unserved_deep : FindingCode::unserved_colon, key,
             fmt::format("expected {} under the name that the viewer asks for, found it only as {}: the viewer shows "
                         "nothing of it",
                         is_chunk ? "a chunk" : "a manifest", stored),
             kServeHint);
      if (is_packed)
        find(findings, FindingCode::unserved_gzip, key,
             fmt::format("expected it with Content-Encoding: gzip, found it only as {}: the viewer shows nothing of it",
                         stored),
             kServeHint);
      return is_packed ? ServedName::unreadable : ServedName::misnamed;
    }
  return ServedName::absent;
}

Result<bool> check_server_volume(Store& store, const VolumeInfo& info, FindingList& findings) {
  if (!is_web_server(store)) return true;
  NGFORGE_TRY(const std::string shard, find_shard(store, info));
  if (!shard.empty()) {
    NGFORGE_TRY(const bool goes_on, check_server_range(store, shard, findings));
    if (!goes_on) return false;
  }
  // A chunk of the coarsest scale is the likeliest to be stored; servers leave small values as they are.
  for (const ScaleInfo& scale : info.scales | std::views::reverse) {
    if (scale.sharding) continue;
    const GridVec grid = scale.grid_shape();
    for (Index number = 0; number < std::min<Index>(grid.product(), kMostAsked); ++number) {
      const std::string key = scale.key + "/" + chunk_name(scale.chunk_box(cell_of_number(number, grid)));
      NGFORGE_TRY(const ServedName served, check_server_name(store, key, findings));
      if (served == ServedName::misnamed || served == ServedName::unreadable) return served == ServedName::misnamed;
      if (served == ServedName::good) break;
    }
  }
  return true;
}

}  // namespace ngforge
