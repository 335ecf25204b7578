// SPDX-License-Identifier: Apache-2.0
// neuroglancer_segment_properties (precomputed specification, section 6):
//   {"@type": "neuroglancer_segment_properties",
//    "inline": {"ids": ["1", ...],
//               "properties": [{"id", "type": label|description|string|tags|number, "description"?, "values": [...]}]}}
// tags: "tags", "tag_descriptions"?, values lists of ascending indices; number: "data_type", of at most 32 bits.
#include "layout/segment_properties.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <type_traits>

#include "core/json.h"
#include "ngforge/text.h"

namespace ngforge {
namespace {

using Kind = SegmentProperty::Kind;
constexpr std::array kKinds{Kind::label, Kind::description, Kind::string, Kind::tags, Kind::number};
constexpr const char* kType = "neuroglancer_segment_properties";

// JSON is written piece by piece: a tree of a million values would take many times their bytes.
void write_text(std::string_view text, std::string& out) {
  out += dump_json(Json(text), -1);
}

template <class Values, class Write>
void write_list(const Values& values, std::string& out, const Write& write) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    write(values[i]);
  }
  out += ']';
}

void write_texts(const auto& texts, std::string& out) {
  write_list(texts, out, [&](std::string_view text) { write_text(text, out); });
}

void write_number(double value, DataType type, std::string& out) {
  std::array<char, 40> text;
  const auto end = type == DataType::float32
                       ? std::to_chars(text.data(), text.data() + text.size(), static_cast<float>(value)).ptr
                       : std::to_chars(text.data(), text.data() + text.size(), static_cast<std::int64_t>(value)).ptr;
  out.append(text.data(), end);
}

void write_property(const SegmentProperty& property, std::string& out) {
  out += R"({"id":)";
  write_text(property.id, out);
  out += fmt::format(R"(,"type":"{}")", name_of(property.kind));
  if (!property.description.empty() && property.kind != Kind::tags) {
    out += R"(,"description":)";
    write_text(property.description, out);
  }
  if (property.kind == Kind::number) out += fmt::format(R"(,"data_type":"{}")", name_of(property.type));
  if (property.kind == Kind::tags) {
    out += R"(,"tags":)";
    write_texts(property.tags, out);
    if (!property.tag_descriptions.empty()) {
      out += R"(,"tag_descriptions":)";
      write_texts(property.tag_descriptions, out);
    }
  }
  out += R"(,"values":)";
  if (property.kind == Kind::number) {
    write_list(property.numbers, out, [&](double value) { write_number(value, property.type, out); });
  } else if (property.kind == Kind::tags) {
    std::size_t begin = 0;
    write_list(property.tag_ends, out, [&](std::size_t end) {
      write_list(std::span(property.tag_numbers).subspan(begin, end - begin), out,
                 [&](std::uint32_t tag) { out += fmt::format("{}", tag); });
      begin = end;
    });
  } else {
    write_texts(property.texts, out);
  }
  out += '}';
}

std::string shown(const Json& value) {
  const std::string text = dump_json(value, -1);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

/// Reads "inline".
class Parser {
 public:
  Parser(std::string_view where, std::vector<std::string>& faults) : where_(where), faults_(faults) {}

  SegmentProperties read(const Json& content) {
    SegmentProperties read;
    if (!read_ids(content, read.ids)) return {};
    count_ = read.ids.size();
    const auto list = content.find("properties");
    if (list == content.end()) return read;
    if (!list->is_array()) {
      fault("inline.properties", "expected a list", *list);
      return read;
    }
    for (std::size_t i = 0; i < list->size(); ++i)
      if (auto property = read_property((*list)[i], fmt::format("inline.properties[{}]", i)))
        read.properties.push_back(std::move(*property));
    return read;
  }

 private:
  bool fault(std::string_view path, std::string_view expected, const Json& found) {
    faults_.push_back(fmt::format("{}: {}: {}, found {}", where_, path, expected, shown(found)));
    return false;
  }

  // Faults of one kind are told once.
  bool read_ids(const Json& content, std::vector<std::uint64_t>& ids) {
    const auto list = content.find("ids");
    if (list == content.end() || !list->is_array())
      return fault("inline.ids", "expected a list", list == content.end() ? Json() : *list);
    ids.reserve(list->size());
    bool is_ascending = true;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const Json& item = (*list)[i];
      const std::string text = item.is_string() ? item.get<std::string>() : "";
      std::uint64_t id = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
      if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() ||
          (text.size() > 1 && text.front() == '0'))
        return fault(fmt::format("inline.ids[{}]", i), "expected an id of up to 64 bits, a decimal number in a string",
                     item);
      if (is_ascending && !ids.empty() && id <= ids.back()) {
        is_ascending = false;
        fault(fmt::format("inline.ids[{}]", i), fmt::format("expected an id greater than {} before it", ids.back()),
              item);
      }
      ids.push_back(id);
    }
    return is_ascending;
  }

  std::optional<SegmentProperty> read_property(const Json& json, const std::string& path) {
    SegmentProperty property;
    if (!json.is_object()) {
      fault(path, "expected an object", json);
      return std::nullopt;
    }
    const auto member = [&](const char* name) {
      const auto found = json.find(name);
      return found == json.end() ? Json() : *found;
    };
    const Json id = member("id"), type = member("type"), description = member("description");
    if (!id.is_string()) {
      fault(path + ".id", "expected a string", id);
      return std::nullopt;
    }
    property.id = id.get<std::string>();
    if (!property_ids_.insert(property.id).second) {
      fault(path + ".id", "expected an id that no other property has", id);
      return std::nullopt;
    }
    const std::string name = type.is_string() ? lower_case(type.get<std::string>()) : "";
    const auto kind = std::ranges::find(kKinds, name, [](Kind k) { return name_of(k); });
    if (kind == kKinds.end()) {
      fault(path + ".type", "expected label, description, string, tags or number", type);
      return std::nullopt;
    }
    property.kind = *kind;
    const bool is_single = *kind == Kind::label || *kind == Kind::description || *kind == Kind::tags;
    if (is_single && !kinds_.insert(*kind).second) {
      fault(path + ".type", "expected one property of this type", type);
      return std::nullopt;
    }
    if (!description.is_null() && !description.is_string()) {
      fault(path + ".description", "expected a string", description);
      return std::nullopt;
    }
    if (description.is_string()) property.description = description.get<std::string>();
    if (!read_values(json, path, property)) return std::nullopt;
    return property;
  }

  bool read_values(const Json& json, const std::string& path, SegmentProperty& property) {
    const auto values = json.find("values");
    if (values == json.end() || !values->is_array())
      return fault(path + ".values", "expected a list", values == json.end() ? Json() : *values);
    if (values->size() != count_)
      return fault(path + ".values", fmt::format("expected {} values, one for each id", count_), values->size());
    if (property.kind == Kind::number) return read_numbers(json, *values, path, property);
    if (property.kind == Kind::tags) return read_tags(json, *values, path, property);
    for (std::size_t i = 0; i < values->size(); ++i) {
      const Json& value = (*values)[i];
      if (!value.is_string()) return fault(fmt::format("{}.values[{}]", path, i), "expected a string", value);
      property.texts.push_back(value.get_ref<const std::string&>());
    }
    return true;
  }

  bool read_numbers(const Json& json, const Json& values, const std::string& path, SegmentProperty& property) {
    const auto type = json.find("data_type");
    const auto found = type != json.end() && type->is_string()
                           ? parse_data_type(lower_case(type->get_ref<const std::string&>()))
                           : std::nullopt;
    if (!found || !is_property_type(*found))
      return fault(path + ".data_type", "expected float32 or an integer of at most 32 bits",
                   type == json.end() ? Json() : *type);
    property.type = *found;
    property.numbers.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Json& value = values[i];
      if (!value.is_number() || !holds(*found, value.get<double>()))
        return fault(fmt::format("{}.values[{}]", path, i), fmt::format("expected a {}", name_of(*found)), value);
      // Rounded as the viewer does, and without a negative zero.
      const auto number = value.get<double>();
      property.numbers.push_back(
          (*found == DataType::float32 ? static_cast<double>(static_cast<float>(number)) : number) + 0.0);
    }
    return true;
  }

  static bool holds(DataType type, double value) {
    return visit_type(type, [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_floating_point_v<T>)
        return std::isfinite(static_cast<float>(value));
      else
        return value == std::trunc(value) && value >= static_cast<double>(std::numeric_limits<T>::lowest()) &&
               value <= static_cast<double>(std::numeric_limits<T>::max());
    });
  }

  bool read_tags(const Json& json, const Json& values, const std::string& path, SegmentProperty& property) {
    if (!read_tag_names(json, path, property)) return false;
    property.tag_ends.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Json& list = values[i];
      const std::string place = fmt::format("{}.values[{}]", path, i);
      if (!list.is_array()) return fault(place, "expected a list of indices of tags", list);
      std::int64_t last = -1;
      for (const Json& item : list) {
        const auto tag = json_integer(item, place, 0, static_cast<Index>(property.tags.size()) - 1);
        if (!tag || *tag <= last) return fault(place, "expected ascending indices of tags", list);
        property.tag_numbers.push_back(static_cast<std::uint32_t>(*tag));
        last = *tag;
      }
      property.tag_ends.push_back(property.tag_numbers.size());
    }
    return true;
  }

  bool read_tag_names(const Json& json, const std::string& path, SegmentProperty& property) {
    const auto tags = json.find("tags"), descriptions = json.find("tag_descriptions");
    if (tags == json.end() || !tags->is_array() || tags->size() > kMaxTags)
      return fault(path + ".tags", fmt::format("expected a list of at most {} tags", kMaxTags),
                   tags == json.end() ? Json()
                   : tags->is_array() ? Json(tags->size())
                                      : *tags);
    std::set<std::string> lower;
    for (const Json& tag : *tags) {
      const std::string text = tag.is_string() ? tag.get<std::string>() : "";
      if (text.empty() || text.find_first_of("# \t\r\n") != std::string::npos || !lower.insert(lower_case(text)).second)
        return fault(path + ".tags", "expected different words without # and spaces", tag);
      property.tags.push_back(text);
    }
    if (descriptions == json.end()) return true;
    if (!descriptions->is_array() || descriptions->size() != tags->size() ||
        !std::ranges::all_of(*descriptions, [](const Json& text) { return text.is_string(); }))
      return fault(path + ".tag_descriptions", "expected a string for each tag", *descriptions);
    for (const Json& text : *descriptions) property.tag_descriptions.push_back(text.get<std::string>());
    return true;
  }

  const std::string_view where_;
  std::vector<std::string>& faults_;
  std::size_t count_ = 0;
  std::set<std::string> property_ids_;
  std::set<Kind> kinds_;
};

}  // namespace

std::string_view name_of(SegmentProperty::Kind kind) {
  switch (kind) {
    case Kind::label: return "label";
    case Kind::description: return "description";
    case Kind::string: return "string";
    case Kind::tags: return "tags";
    case Kind::number: return "number";
  }
  __builtin_unreachable();
}

const SegmentProperty* SegmentProperties::find(Kind kind) const {
  const auto found = std::ranges::find(properties, kind, &SegmentProperty::kind);
  return found == properties.end() ? nullptr : &*found;
}

const SegmentProperty* SegmentProperties::find(std::string_view id) const {
  const auto found = std::ranges::find(properties, id, &SegmentProperty::id);
  return found == properties.end() ? nullptr : &*found;
}

bool is_color(std::string_view text) {
  return text.size() == 7 && text.front() == '#' &&
         std::ranges::all_of(text.substr(1), [](char digit) { return hex_value(digit) >= 0; });
}

bool is_property_type(DataType type) {
  return type == DataType::float32 || (is_integer(type) && size_of(type) <= 4);
}

std::string write_segment_properties(const SegmentProperties& properties) {
  std::string out = fmt::format("{{\"@type\": \"{}\",\n \"inline\": {{\n  \"ids\": ", kType);
  write_list(properties.ids, out, [&](std::uint64_t id) { out += fmt::format("\"{}\"", id); });
  out += ",\n  \"properties\": [";
  for (std::size_t i = 0; i < properties.properties.size(); ++i) {
    out += i == 0 ? "\n   " : ",\n   ";
    write_property(properties.properties[i], out);
  }
  out += "]}}\n";
  return out;
}

Result<SegmentProperties> parse_segment_properties(std::string_view text, std::string_view where,
                                                   std::vector<std::string>& faults) {
  NGFORGE_TRY(const Json json, parse_json(text, where));
  const auto type = json.is_object() ? json.find("@type") : json.end();
  if (!json.is_object() || type == json.end() || *type != kType)
    return make_error(ErrorCode::unsupported, "{}: @type: expected {}, found {}", where, kType,
                      json.is_object() && type != json.end() ? shown(*type) : "none");
  const auto content = json.find("inline");
  if (content == json.end() || !content->is_object())
    return make_error(ErrorCode::invalid_data, "{}: inline: expected an object, found {}", where,
                      content == json.end() ? "nothing" : shown(*content));
  return Parser(where, faults).read(*content);
}

}  // namespace ngforge
