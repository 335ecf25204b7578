// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "array/array_metadata.h"
#include "array/parse_parts.h"
#include "core/byte_cursor.h"

namespace ngforge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A version 3 array with one member put in place of another.
std::string zarr3(const std::string& name = "", const std::string& value = "") {
  Json json = Json::parse(R"({"zarr_format": 3, "node_type": "array", "shape": [100, 30, 20], "data_type": "uint16",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [64, 16, 8]}},
    "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}, "fill_value": 3,
    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}], "attributes": {}})");
  if (!name.empty()) json[name] = Json::parse(value);
  return json.dump();
}

std::string zarr2(const std::string& name = "", const std::string& value = "") {
  Json json = Json::parse(R"({"zarr_format": 2, "shape": [100, 30], "chunks": [64, 16], "dtype": "<u2",
    "compressor": null, "fill_value": null, "order": "C", "filters": null})");
  if (!name.empty()) json[name] = Json::parse(value);
  return json.dump();
}

std::string message(const Result<ArrayMetadata>& array) {
  return array ? "no error" : array.error().message;
}

std::string error3(const std::string& name, const std::string& value) {
  return message(parse_zarr3_array(zarr3(name, value), "zarr.json"));
}
std::string error2(const std::string& name, const std::string& value) {
  return message(parse_zarr2_array(zarr2(name, value), "", ".zarray"));
}

TEST(Zarr3, SaysWhatTheArrayIs) {
  const auto array = parse_zarr3_array(zarr3("dimension_names", R"(["z", null, "x"])"), "zarr.json");
  ASSERT_TRUE(array.has_value()) << array.error().message;
  EXPECT_THAT(array->shape, ElementsAre(100, 30, 20));
  EXPECT_THAT(array->chunk_shape, ElementsAre(64, 16, 8));
  EXPECT_EQ(array->type, StoredType::uint16);
  EXPECT_EQ(load<std::uint16_t>(array->fill.data()), 3);
  EXPECT_THAT(array->axis_names, ElementsAre("z", "", "x"));
  EXPECT_EQ(array->keys.key({1, 0, 12}), "c/1/0/12");
  EXPECT_EQ(array->codec_names, "bytes");
  EXPECT_EQ(array->read_shape(), array->chunk_shape);
}

TEST(Zarr3, NamesKeysInFourWays) {
  const auto key = [](const std::string& encoding) {
    return parse_zarr3_array(zarr3("chunk_key_encoding", encoding), "").value().keys.key({1, 0, 12});
  };
  EXPECT_EQ(key(R"("default")"), "c/1/0/12");
  EXPECT_EQ(key(R"({"name": "default", "configuration": {"separator": "."}})"), "c.1.0.12");
  EXPECT_EQ(key(R"({"name": "v2"})"), "1.0.12");
  EXPECT_EQ(key(R"({"name": "v2", "configuration": {"separator": "/"}})"), "1/0/12");
}

// Shards of 64 x 16 x 8, turned to 8 x 64 x 16, in chunks of 4 x 32 x 16, which are in the array's axes 32 x 16 x 4.
constexpr const char* kTurnedShards = R"([{"name": "transpose", "configuration": {"order": [2, 0, 1]}},
  {"name": "sharding_indexed", "configuration": {"chunk_shape": [4, 32, 16],
    "codecs": [{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "gzip", "configuration": {"level": 1}}],
    "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
    "index_location": "start"}}])";

TEST(Zarr3, ReadsChunksOfShardsInTheArraysAxes) {
  const auto array = parse_zarr3_array(zarr3("codecs", kTurnedShards), "zarr.json");
  ASSERT_TRUE(array.has_value()) << array.error().message;
  EXPECT_THAT(array->read_shape(), ElementsAre(32, 16, 4));
  const Sharding& sharding = *array->codecs.sharding;
  EXPECT_FALSE(sharding.index_at_end);
  EXPECT_EQ(sharding.index_checksums, 1);
  EXPECT_EQ(sharding.chunk_codecs.endian, std::endian::big);
  EXPECT_EQ(array->codec_names, "transpose, sharding_indexed(bytes, gzip)");
  EXPECT_EQ(array->index_bytes(), 4 * (16 + 16) + 4);  // 2 x 2 x 1 chunks, and a checksum
}

TEST(Zarr3, RefusesWhatItDoesNotKnowByName) {
  EXPECT_THAT(error3("codecs", R"([{"name": "bytes"}, {"name": "brotli"}])"), HasSubstr("found \"brotli\""));
  EXPECT_THAT(error3("codecs", R"([{"name": "numcodecs.delta"}, {"name": "bytes"}])"), HasSubstr("numcodecs.delta"));
  EXPECT_THAT(error3("data_type", R"("string")"), HasSubstr("found \"string\""));
  EXPECT_THAT(error3("data_type", R"({"name": "numpy.datetime64", "configuration": {}})"), HasSubstr("datetime64"));
  EXPECT_THAT(error3("chunk_grid", R"({"name": "rectilinear"})"), HasSubstr("rectilinear"));
  EXPECT_THAT(error3("chunk_key_encoding", R"({"name": "flat"})"), HasSubstr("flat"));
  EXPECT_THAT(error3("storage_transformers", R"([{"name": "x"}])"), HasSubstr("storage_transformers"));
  EXPECT_THAT(error3("future", R"({"name": "x"})"), HasSubstr("future"));
  EXPECT_EQ(error3("future", R"({"name": "x", "must_understand": false})"), "no error");
}

TEST(Zarr3, RefusesCodecsInTheWrongOrder) {
  EXPECT_THAT(error3("codecs", "[]"), HasSubstr("a list of codecs"));
  EXPECT_THAT(error3("codecs", R"([{"name": "gzip"}, {"name": "bytes"}])"), HasSubstr("before values have become"));
  EXPECT_THAT(error3("codecs", R"([{"name": "bytes"}, {"name": "bytes"}])"), HasSubstr("after values have become"));
  EXPECT_THAT(error3("codecs", R"([{"name": "transpose", "configuration": {"order": [0, 1, 2]}}])"),
              HasSubstr("found none"));
  EXPECT_THAT(error3("codecs", R"([{"name": "transpose", "configuration": {"order": [0, 1, 1]}}, "bytes"])"),
              HasSubstr("found 1 twice"));
  EXPECT_THAT(error3("codecs", R"([{"name": "transpose", "configuration": {"order": [0, 1]}}, "bytes"])"),
              HasSubstr("0 to 2"));
}

TEST(Zarr3, RefusesSizesThatCannotBe) {
  EXPECT_THAT(error3("shape", "[100, 0, 20]"), HasSubstr("shape[1]"));
  EXPECT_THAT(error3("shape", "[]"), HasSubstr("expected 1 to 32 sizes"));
  EXPECT_THAT(error3("shape", "[4503599627370496, 4503599627370496, 1]"), HasSubstr("2^62"));
  EXPECT_THAT(error3("chunk_grid", R"({"name": "regular", "configuration": {"chunk_shape": [65536, 65536, 1]}})"),
              HasSubstr("2147483648 bytes"));
  EXPECT_THAT(error3("chunk_grid", R"({"name": "regular", "configuration": {"chunk_shape": [64, 16]}})"),
              HasSubstr("expected 3 sizes, found 2"));
  const auto shards = [](const std::string& chunk_shape, const std::string& index_codecs) {
    return R"([{"name": "sharding_indexed", "configuration": {"chunk_shape": )" + chunk_shape +
           R"(, "codecs": ["bytes"], "index_codecs": )" + index_codecs + "}}]";
  };
  EXPECT_THAT(error3("codecs", shards("[48, 16, 8]", R"(["bytes"])")), HasSubstr("a divisor of 64, found 48"));
  EXPECT_THAT(error3("codecs", shards("[32, 16, 8]", R"(["bytes", "gzip"])")), HasSubstr("codec \"gzip\""));
  EXPECT_THAT(error3("codecs", shards("[32, 16, 8]", "[]")), HasSubstr("index_codecs"));
}

TEST(Zarr2, SaysWhatTheArrayIs) {
  const auto array = parse_zarr2_array(zarr2(), R"({"_ARRAY_DIMENSIONS": ["y", "x"]})", ".zarray");
  ASSERT_TRUE(array.has_value()) << array.error().message;
  EXPECT_THAT(array->shape, ElementsAre(100, 30));
  EXPECT_THAT(array->axis_names, ElementsAre("y", "x"));
  EXPECT_EQ(array->keys.key({1, 12}), "1.12");
  EXPECT_THAT(array->codecs.order, ElementsAre(0, 1));
  EXPECT_EQ(array->codecs.endian, std::endian::little);
  const auto other = parse_zarr2_array(zarr2("order", R"("F")"), "", "").value();
  EXPECT_THAT(other.codecs.order, ElementsAre(1, 0));
  EXPECT_EQ(parse_zarr2_array(zarr2("dimension_separator", R"("/")"), "", "").value().keys.key({1, 12}), "1/12");
}

TEST(Zarr2, ReadsNumPysTypes) {
  const auto type = [](const std::string& text) {
    const auto array = parse_zarr2_array(zarr2("dtype", '"' + text + '"'), "", ".zarray");
    return array ? std::string(name_of(array->type)) + (array->codecs.endian == std::endian::big ? " big" : "") : "-";
  };
  EXPECT_EQ(type("|u1"), "uint8");
  EXPECT_EQ(type("|b1"), "bool");
  EXPECT_EQ(type(">i8"), "int64 big");
  EXPECT_EQ(type("<f2"), "float16");
  EXPECT_EQ(type(">c16"), "complex128 big");
  for (const char* text : {"<U4", "|S3", "<M8[ns]", "u2", "<u3", "<i16", ""}) EXPECT_EQ(type(text), "-") << text;
  EXPECT_THAT(error2("dtype", R"([["a", "<u2"]])"), HasSubstr("a structure"));
}

TEST(Zarr2, RefusesWhatItDoesNotKnowByName) {
  EXPECT_THAT(error2("compressor", R"({"id": "lzma"})"), HasSubstr("found \"lzma\""));
  EXPECT_THAT(error2("filters", R"([{"id": "delta"}])"), HasSubstr("found \"delta\""));
  EXPECT_THAT(error2("order", R"("A")"), HasSubstr("C|F"));
  EXPECT_THAT(error2("zarr_format", "3"), HasSubstr("zarr_format 2, found 3"));
}

TEST(N5, TurnsItsAxesRound) {
  const auto array = parse_n5_array(
      R"({"dimensions": [20, 30, 100], "blockSize": [8, 16, 64], "dataType": "int16", "axes": ["x", "y", "z"],
          "compression": {"type": "gzip", "level": -1, "useZlib": true}})",
      "attributes.json");
  ASSERT_TRUE(array.has_value()) << array.error().message;
  EXPECT_THAT(array->shape, ElementsAre(100, 30, 20));
  EXPECT_THAT(array->chunk_shape, ElementsAre(64, 16, 8));
  EXPECT_THAT(array->axis_names, ElementsAre("z", "y", "x"));
  EXPECT_EQ(array->keys.key({2, 1, 0}), "0/1/2");
  EXPECT_EQ(array->codecs.endian, std::endian::big);
  EXPECT_EQ(array->codecs.byte_codecs.at(0).unpack, unpack_zlib);
}

TEST(N5, RefusesWhatItDoesNotKnowByName) {
  const auto error = [](const std::string& type, const std::string& compression) {
    return message(parse_n5_array(
        R"({"dimensions": [20], "blockSize": [8], "dataType": ")" + type + R"(", "compression": )" + compression + "}",
        "attributes.json"));
  };
  EXPECT_EQ(error("uint8", R"({"type": "raw"})"), "no error");
  EXPECT_THAT(error("uint8", R"({"type": "xz"})"), HasSubstr("found \"xz\""));
  EXPECT_THAT(error("string", R"({"type": "raw"})"), HasSubstr("found \"string\""));
  EXPECT_THAT(error("uint8", "null"), HasSubstr("compression.type"));
}

template <class T>
T fill_as(StoredType type, const std::string& json) {
  const auto bytes = parse_fill_value(Json::parse(json), type, "fill_value");
  EXPECT_TRUE(bytes.has_value()) << json;
  return bytes ? load<T>(bytes->data()) : T{};
}

TEST(FillValue, IsWrittenInManyWays) {
  EXPECT_EQ(fill_as<std::uint64_t>(StoredType::uint64, "18446744073709551615"), ~std::uint64_t{0});
  EXPECT_EQ(fill_as<std::int64_t>(StoredType::int64, "-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(fill_as<std::int8_t>(StoredType::int8, "-128"), -128);
  EXPECT_EQ(fill_as<std::uint8_t>(StoredType::boolean, "true"), 1);
  EXPECT_EQ(fill_as<float>(StoredType::float32, "0.1"), 0.1F);
  EXPECT_EQ(fill_as<std::uint32_t>(StoredType::float32, "\"0x7fc00001\""), 0x7fc00001u);
  EXPECT_TRUE(std::isnan(fill_as<double>(StoredType::float64, "\"NaN\"")));
  EXPECT_EQ(fill_as<double>(StoredType::float64, "\"-Infinity\""), -HUGE_VAL);
  EXPECT_EQ(fill_as<float>(StoredType::complex64, "[1.5, \"Infinity\"]"), 1.5F);
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::uint16, "null"), 0);
}

TEST(FillValue, RoundsToHalf) {
  // Bits from the standard: 1, the largest, what rounds up to infinity, the least normal and subnormal, ties to even.
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::float16, "1"), 0x3c00);
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::float16, "-2.5"), 0xc100);
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::float16, "65504"), 0x7bff);
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::float16, "65520"), 0x7c00);
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::float16, "1e300"), 0x7c00);
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::float16, "6.103515625e-05"), 0x0400);
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::float16, "5.9604644775390625e-08"), 0x0001);
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::float16, "1.00048828125"), 0x3c00);
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::float16, "1.00146484375"), 0x3c02);
  EXPECT_EQ(fill_as<std::uint16_t>(StoredType::float16, "0"), 0x0000);
}

TEST(FillValue, MustFitTheType) {
  for (const auto& [type, json] : {std::pair(StoredType::uint8, "256"),
                                   {StoredType::uint8, "-1"},
                                   {StoredType::int8, "-129"},
                                   {StoredType::uint16, "1.5"},
                                   {StoredType::float32, "\"0x7fc0\""},
                                   {StoredType::float32, "\"many\""},
                                   {StoredType::boolean, "2"},
                                   {StoredType::uint8, "\"AA==\""},
                                   {StoredType::complex64, "[1]"},
                                   {StoredType::int64, "9223372036854775808"}})
    EXPECT_FALSE(parse_fill_value(Json::parse(json), type, "fill_value").has_value()) << json;
}

}  // namespace
}  // namespace ngforge
