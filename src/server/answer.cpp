// SPDX-License-Identifier: Apache-2.0
#include "server/answer.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <exception>
#include <limits>
#include <new>

#include "ngforge/error.h"
#include "ngforge/text.h"

namespace ngforge {
namespace {

// Most that a stored gzip is decoded to for clients that do not take it as it is; larger than any sensible chunk.
constexpr std::uint64_t kMostDecodedBytes = 64 << 20;
// Stored values up to this size, most chunks among them, are decoded to tell HEAD their length.
constexpr std::uint64_t kHeadDecodesBytes = 128 << 10;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Decimal digits. What does not fit lies beyond the end of any value.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range) return std::numeric_limits<std::uint64_t>::max();
  return parsed.ec == std::errc{} ? std::optional(value) : std::nullopt;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Takes the next item of a comma-separated list off `list`.
std::string_view next_item(std::string_view& list) {
  const std::string_view item = list.substr(0, list.find(','));
  list.remove_prefix(std::min(list.size(), item.size() + 1));
  return trimmed(item);
}

std::string_view content_type(std::string_view key) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"}, {".js", "text/javascript"}, {".css", "text/css"},
      {".wasm", "application/wasm"},         {".svg", "image/svg+xml"},  {".json", "application/json"},
      {".txt", "text/plain; charset=utf-8"}, {".png", "image/png"}};
  for (const auto& [suffix, type] : kTypes)
    if (key.ends_with(suffix)) return type;
  const auto name = key.substr(key.rfind('/') == std::string_view::npos ? 0 : key.rfind('/') + 1);
  if (name == "info" || name == "provenance") return "application/json";
  return "application/octet-stream";
}

void add_common_headers(HttpAnswer& answer) {
  auto& headers = answer.headers;
  headers.emplace_back("Access-Control-Allow-Origin", "*");
  headers.emplace_back("Access-Control-Expose-Headers",
                       "Accept-Ranges, Content-Encoding, Content-Length, Content-Range, ETag");
  headers.emplace_back("Cross-Origin-Resource-Policy", "cross-origin");
  headers.emplace_back("X-Content-Type-Options", "nosniff");
}

HttpAnswer text_answer(int status, std::string_view text, std::string_view type = "text/plain; charset=utf-8") {
  HttpAnswer answer;
  answer.status = status;
  answer.headers.emplace_back("Content-Type", type);
  const auto bytes = std::as_bytes(std::span(text));
  answer.body.assign(bytes.begin(), bytes.end());
  answer.length = text.size();
  return answer;
}

std::string_view text_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::not_found: return "there is nothing under this name\n";
    case ErrorCode::permission: return "this must not be read\n";
    case ErrorCode::unsupported: return "this is not offered here\n";
    case ErrorCode::limit: return "the value is too large to be decoded here: ask with Accept-Encoding: gzip\n";
    case ErrorCode::unavailable: return "the place of the data does not answer\n";
    default: return "the data cannot be read; the server says more\n";
  }
}

// Messages name files: they are for who runs the server.
HttpAnswer error_answer(const Error& error) {
  HttpAnswer answer = text_answer(http_status(error), text_of(error.code));
  if (answer.status >= 500 && error.code != ErrorCode::cancelled && error.code != ErrorCode::unsupported)
    answer.problem = error.message;
  return answer;
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

HttpAnswer listing(Store& store, const std::string& prefix) {
  const auto names = store.list(prefix);
  if (!names) return error_answer(names.error());
  if (names->empty() && !prefix.empty()) return text_answer(404, "there is no such folder\n");
  std::string html = "<!doctype html><title>" + escape_html(prefix) + "</title><ul>\n";
  for (const std::string& name : *names)
    html += "<li><a href=\"" + percent_encoded(name) + "\">" + escape_html(name) + "</a>\n";
  return text_answer(200, html + "</ul>\n", "text/html; charset=utf-8");
}

bool matches_etag(std::string_view header, std::string_view etag) {
  if (trimmed(header) == "*") return true;
  while (!header.empty()) {
    std::string_view item = next_item(header);
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == etag) return true;
  }
  return false;
}

// What is said of a value before its bytes.
struct ValueHead {
  HttpAnswer answer;
  std::string etag;
  std::string_view range;          // the header, when it counts
  bool has_to_be_decoded = false;  // the client does not take it as it is stored
};

// Negotiation of encoding and condition. 304 when the client has the value.
ValueHead value_head(const ObjectInfo& info, const std::string& key, const HttpRequest& request) {
  ValueHead head;
  auto& headers = head.answer.headers;
  headers.emplace_back("Content-Type", content_type(key));
  headers.emplace_back("Accept-Ranges", "bytes");
  // Chunks are named by place, not by content: a browser may keep them but has to ask whether they changed.
  headers.emplace_back("Cache-Control", "no-cache");
  const bool is_encoded = info.content_encoding == "gzip";
  // Ranges are defined for GET alone (RFC 9110, 14.2).
  const std::string_view asked_range = request.method == "GET" ? request.range : std::string_view();
  const bool sends_encoded = is_encoded && asked_range.empty() && accepts_gzip(request.accept_encoding);
  head.has_to_be_decoded = is_encoded && !sends_encoded;
  head.etag = "\"" + info.etag + (sends_encoded ? "-gzip\"" : "\"");
  if (is_encoded) headers.emplace_back("Vary", "Accept-Encoding");
  headers.emplace_back("ETag", head.etag);
  if (!request.if_none_match.empty() && matches_etag(request.if_none_match, head.etag)) {
    head.answer.status = 304;
    return head;
  }
  if (sends_encoded) headers.emplace_back("Content-Encoding", "gzip");
  if (request.if_range.empty() || trimmed(request.if_range) == head.etag) head.range = asked_range;
  return head;
}

// The part of a value of `size` bytes that is asked for; the answer becomes 206, or 416: then there is none.
std::optional<ByteRange> choose_part(ValueHead& head, std::uint64_t size) {
  HttpAnswer& answer = head.answer;
  const RangeChoice choice = choose_range(head.range, size);
  if (choice.kind == RangeChoice::unsatisfiable) {
    answer = text_answer(416, fmt::format("the value has {} bytes\n", size));
    answer.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    return std::nullopt;
  }
  const ByteRange range = choice.kind == RangeChoice::part ? choice.range : ByteRange{0, size};
  if (choice.kind == RangeChoice::part) {
    answer.status = 206;
    answer.headers.emplace_back("Content-Range",
                                fmt::format("bytes {}-{}/{}", range.offset, range.offset + range.length - 1, size));
  }
  answer.length = range.length;
  return range;
}

HttpAnswer value_answer(const std::shared_ptr<Store>& store, const std::string& key, const HttpRequest& request) {
  auto info = store->stat(key);
  if (!info) return error_answer(info.error());
  ValueHead head = value_head(*info, key, request);
  HttpAnswer& answer = head.answer;
  if (answer.status == 304) return std::move(answer);
  std::uint64_t size = info->size;
  Bytes decoded;
  if (head.has_to_be_decoded) {
    if (request.method == "HEAD" && info->size > kHeadDecodesBytes) {
      answer.knows_length = false;
      return std::move(answer);
    }
    auto bytes = get_decoded(*store, key, kMostDecodedBytes);
    if (!bytes) return error_answer(bytes.error());
    decoded = std::move(*bytes);
    size = decoded.size();
  }
  const auto range = choose_part(head, size);
  if (!range || request.method == "HEAD") return std::move(answer);
  if (head.has_to_be_decoded) {
    decoded.resize(static_cast<std::size_t>(range->offset + range->length));
    decoded.erase(decoded.begin(), decoded.begin() + static_cast<std::ptrdiff_t>(range->offset));
    answer.body = std::move(decoded);
  } else if (range->length > kPieceBytes) {
    answer.stream_store = store;
    answer.stream_key = key;
    answer.stream_offset = range->offset;
  } else {
    auto bytes = answer.status == 206 ? store->get_range(key, *range) : store->get(key);
    if (!bytes) return error_answer(bytes.error());
    answer.body = std::move(*bytes);
    answer.length = answer.body.size();
  }
  return std::move(answer);
}

std::optional<HttpAnswer> value_answer_now(Store& store, const std::string& key, const HttpRequest& request) {
  auto file = store.open_now(key);
  if (!file)
    return file.error().code == ErrorCode::not_found ? std::optional(error_answer(file.error())) : std::nullopt;
  if (*file == nullptr) return std::nullopt;
  ValueHead head = value_head((*file)->info(), key, request);
  HttpAnswer& answer = head.answer;
  if (answer.status == 304) return std::move(answer);
  if (head.has_to_be_decoded) return std::nullopt;
  const auto range = choose_part(head, (*file)->info().size);
  if (!range || request.method == "HEAD") return std::move(answer);
  if (!(*file)->is_in_memory({range->offset, std::min(range->length, kPieceBytes)})) return std::nullopt;
  answer.file = std::move(*file);
  answer.stream_offset = range->offset;
  return std::move(answer);
}

bool is_this_machine(std::string_view host) {
  if (host.starts_with("[")) {
    const auto end = host.find(']');
    return host.substr(0, end + 1) == "[::1]";
  }
  const auto name = lower(host.substr(0, host.find(':')));
  // An address cannot be rebound: whoever names it means it.
  const bool is_loopback = name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string::npos;
  return name.empty() || name == "localhost" || is_loopback;
}

// What can stand in a URL as a host; anything else in a Host header is not worth repeating.
bool is_host(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
           c == '_' || c == ':' || c == '[' || c == ']';
  });
}

HttpAnswer preflight_answer() {
  HttpAnswer answer;
  answer.status = 204;
  answer.headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
  answer.headers.emplace_back("Access-Control-Allow-Headers", "*, range");
  answer.headers.emplace_back("Access-Control-Allow-Private-Network", "true");
  answer.headers.emplace_back("Access-Control-Max-Age", "86400");
  return answer;
}

HttpAnswer event_stream_answer(bool is_get) {
  HttpAnswer answer;
  answer.headers.emplace_back("Content-Type", "text/event-stream");
  answer.headers.emplace_back("Cache-Control", "no-store");
  answer.is_event_stream = is_get;
  return answer;
}

HttpAnswer redirect_answer(const std::string& target) {
  HttpAnswer answer = text_answer(302, "");
  answer.headers.emplace_back("Location", target);
  return answer;
}

}  // namespace

std::optional<std::string> decode_target(std::string_view target) {
  if (target.starts_with("http://")) target.remove_prefix(std::min(target.size(), target.find('/', 7)));
  target = target.substr(0, target.find_first_of("?#"));
  if (target.empty() || target.front() != '/') return std::nullopt;
  std::string path;
  for (std::size_t i = 0; i < target.size(); ++i) {
    char c = target[i];
    if (c == '%') {
      if (i + 2 >= target.size()) return std::nullopt;
      const int high = hex_value(target[i + 1]), low = hex_value(target[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      if (c == '/') return std::nullopt;
      i += 2;
    }
    if (c == '\0' || c == '\\') return std::nullopt;
    path += c;
  }
  for (std::size_t begin = 1; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const std::string_view part = std::string_view(path).substr(begin, end - begin);
    if (part == "." || part == ".." || (part.empty() && end < path.size())) return std::nullopt;
    begin = end + 1;
  }
  return path;
}

RangeChoice choose_range(std::string_view header, std::uint64_t size) {
  header = trimmed(header);
  constexpr std::string_view kUnit = "bytes=";
  if (lower(header.substr(0, kUnit.size())) != kUnit) return {};
  header.remove_prefix(kUnit.size());
  const auto dash = header.find('-');
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) return {};
  const std::string_view first_text = trimmed(header.substr(0, dash)), last_text = trimmed(header.substr(dash + 1));
  const auto first = number(first_text), last = number(last_text);
  if (first_text.empty()) {
    if (!last) return {};
    if (*last == 0 || size == 0) return {RangeChoice::unsatisfiable, {}};
    const std::uint64_t length = std::min(*last, size);
    return {RangeChoice::part, {size - length, length}};
  }
  if (!first || (!last_text.empty() && (!last || *last < *first))) return {};
  if (*first >= size) return {RangeChoice::unsatisfiable, {}};
  const std::uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return {RangeChoice::part, {*first, end - *first + 1}};
}

bool accepts_gzip(std::string_view header) {
  bool takes_any = false;
  while (!header.empty()) {
    const std::string_view item = next_item(header);
    const auto semicolon = item.find(';');
    const std::string name = lower(trimmed(item.substr(0, semicolon)));
    const std::string_view weight = semicolon == std::string_view::npos ? "q=1" : trimmed(item.substr(semicolon + 1));
    const bool is_taken = weight.find_first_of("123456789") != std::string_view::npos;
    if (name == "gzip" || name == "x-gzip") return is_taken;
    if (name == "*") takes_any = is_taken;
  }
  return takes_any;
}

HttpAnswer busy_answer() {
  HttpAnswer answer = text_answer(503, "too many requests wait for this dataset\n");
  answer.headers.emplace_back("Retry-After", "1");
  add_common_headers(answer);
  return answer;
}

std::string Site::lane(const HttpRequest& request) const {
  const auto path = request.method == "GET" || request.method == "HEAD" ? decode_target(request.target) : std::nullopt;
  if (!path) return "";
  for (const Page& page : pages)
    if (*path == page.path) return page.may_wait ? page.path : "";
  for (const Mount& mount : mounts) {
    if (!path->starts_with(mount.path)) continue;
    const std::string_view key = std::string_view(*path).substr(mount.path.size());
    const auto slash = key.find('/');
    if (slash == std::string_view::npos) return mount.path;
    if (key.substr(0, slash) != mount.slow_folder) return mount.path + '*';
    return key.substr(slash + 1) == "info" ? mount.path : mount.path + mount.slow_folder + "/*";
  }
  return "";
}

HttpAnswer Site::choose(const HttpRequest& request) const {
  if (checks_host && !is_this_machine(request.host))
    return text_answer(403, "this server answers only requests to localhost; --bind makes it answer others\n");
  if (request.method == "OPTIONS") return preflight_answer();
  const auto path = decode_target(request.target);
  if (!path) return text_answer(400, "the path is malformed\n");
  // The viewer's client tells its server of its state; nobody wants to know.
  if (request.method == "POST" && path->starts_with("/state/")) {
    HttpAnswer answer;
    answer.status = 204;
    return answer;
  }
  if (request.method != "GET" && request.method != "HEAD") {
    HttpAnswer answer = text_answer(405, "only GET, HEAD and OPTIONS are answered\n");
    answer.headers.emplace_back("Allow", "GET, HEAD, OPTIONS");
    return answer;
  }
  for (const auto& [from, to] : redirects)
    if (*path == from) return redirect_answer(to);
  for (const Page& page : pages)
    if (*path == page.path) {
      const std::string site_url = is_host(request.host) ? "http://" + request.host : url;
      HttpAnswer answer = text_answer(page.status, page.body(site_url), page.content_type);
      answer.headers.emplace_back("Cache-Control", "no-cache");
      return answer;
    }
  if (path->starts_with("/events/")) return event_stream_answer(request.method == "GET");
  for (const Mount& mount : mounts) {
    if (!path->starts_with(mount.path)) continue;
    std::string key = path->substr(mount.path.size());
    if (key.empty()) key = mount.index;
    if (key.empty() || key.back() == '/') return listing(*mount.store, key);
    return value_answer(mount.store, key, request);
  }
  return text_answer(404, "there is nothing under this name\n");
}

std::optional<HttpAnswer> Site::choose_now(const HttpRequest& request) const {
  if (request.method != "GET" && request.method != "HEAD") return std::nullopt;
  if (checks_host && !is_this_machine(request.host)) return std::nullopt;
  const auto path = decode_target(request.target);
  if (!path) return std::nullopt;
  for (const auto& [from, to] : redirects)
    if (*path == from) return std::nullopt;
  for (const Page& page : pages)
    if (*path == page.path) return std::nullopt;
  for (const Mount& mount : mounts) {
    if (!path->starts_with(mount.path)) continue;
    const std::string key = path->substr(mount.path.size());
    if (key.empty() || key.back() == '/') return std::nullopt;
    return value_answer_now(*mount.store, key, request);
  }
  return std::nullopt;
}

std::optional<HttpAnswer> Site::answer_now(const HttpRequest& request) const {
  std::optional<HttpAnswer> answer;
  try {
    answer = choose_now(request);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  if (!answer) return std::nullopt;
  add_common_headers(*answer);
  if (request.method == "HEAD") answer->body.clear();
  return answer;
}

HttpAnswer Site::answer(const HttpRequest& request) const {
  HttpAnswer answer;
  try {
    answer = choose(request);
  } catch (const std::bad_alloc&) {
    answer = text_answer(503, "the machine has no memory left\n");
  } catch (const std::exception& error) {
    answer = text_answer(500, text_of(ErrorCode::internal));
    answer.problem = fmt::format("{}: unexpected: {}", request.target, error.what());
  }
  if (!answer.problem.empty() && on_problem) on_problem(answer.problem);
  add_common_headers(answer);
  if (request.method == "HEAD") answer.body.clear();
  return answer;
}

}  // namespace ngforge
