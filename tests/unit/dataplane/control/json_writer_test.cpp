// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/json_writer.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

namespace evergate::dataplane {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
    JsonWriter json;
    json.beginObject().field("a", 1).key("b").beginArray().value("x").value(true).beginObject();
    json.endObject().endArray().field("c", 0.5).key("d").beginArray().endArray().endObject();
    EXPECT_EQ(json.take(), R"({"a":1,"b":["x",true,{}],"c":0.5,"d":[]})");
}

TEST(JsonWriter, EscapesWhatCouldBreakOut) {
    std::string out;
    appendJsonString(out, std::string("a\"\\\n\0\x7f</script>", 15));
    EXPECT_EQ(out, R"("a\"\\\n\u0000\u007f\u003c/script>")");
}

TEST(JsonWriter, ReplacesBytesThatAreNoUtf8) {
    std::string out;
    appendJsonString(out, "\xC3\xA9 \xC0\xAF \xED\xA0\x80 \xF0\x9F\x90\x98 \xE2\x82");
    EXPECT_EQ(out,
              "\"\xC3\xA9 \\ufffd\\ufffd \\ufffd\\ufffd\\ufffd \xF0\x9F\x90\x98 \\ufffd\\ufffd\"");
    EXPECT_TRUE(nlohmann::json::accept(out));
}

TEST(JsonWriter, HasNoWordForInfinity) {
    JsonWriter json;
    json.beginArray().value(std::numeric_limits<double>::infinity()).endArray();
    EXPECT_EQ(json.take(), "[null]");
}

TEST(JsonWriter, EveryByteGivesValidJson) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte)
        all += static_cast<char>(byte);
    std::string out;
    appendJsonString(out, all);
    EXPECT_TRUE(nlohmann::json::accept(out));
}

}  // namespace
}  // namespace evergate::dataplane
