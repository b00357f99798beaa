// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/list_stream.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace evergate::controller::kubernetes {
namespace {

struct Read {
    std::vector<std::string> items;
    ListStream stream;
};

Read readIn(std::string_view text, std::size_t pieceSize) {
    Read read;
    for (std::size_t at = 0; at < text.size(); at += pieceSize) {
        if (!read.stream.feed(text.substr(at, pieceSize),
                              [&](std::string_view item) { read.items.emplace_back(item); })) {
            break;
        }
    }
    return read;
}

constexpr std::string_view kList =
    R"({"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":)"
    R"({"resourceVersion":"655","continue":"a\/b","remainingItemCount":2},"items":)"
    R"([{"metadata":{"name":"a"},"text":"]},{"}, {"b":[1,2,{"c":"\\"}]} ,3]})";

TEST(ListStream, YieldsItemsAndMetadataOverAnySplit) {
    for (std::size_t size = 1; size <= kList.size(); ++size) {
        const auto read = readIn(kList, size);
        ASSERT_TRUE(read.stream.complete()) << size << read.stream.error();
        EXPECT_EQ(read.items,
                  (std::vector<std::string>{R"({"metadata":{"name":"a"},"text":"]},{"})",
                                            R"({"b":[1,2,{"c":"\\"}]})", "3"}));
        EXPECT_EQ(read.stream.resourceVersion(), "655");
        EXPECT_EQ(read.stream.continueToken(), "a/b");
        EXPECT_FALSE(read.stream.refusal());
    }
}

TEST(ListStream, TakesMetadataAfterItemsAndNullItems) {
    auto read = readIn(R"({"items":[{}],"metadata":{"resourceVersion":"1"}})", 7);
    EXPECT_TRUE(read.stream.complete());
    EXPECT_EQ(read.items.size(), 1U);
    EXPECT_EQ(read.stream.resourceVersion(), "1");
    read = readIn(R"({"items":null,"metadata":{"resourceVersion":"2"}})", 7);
    EXPECT_TRUE(read.stream.complete());
    EXPECT_TRUE(read.items.empty());
    EXPECT_EQ(readIn(R"({"items":[]})", 100).items.size(), 0U);
}

TEST(ListStream, RecognisesStatus) {
    const auto read = readIn(
        R"({"kind":"Status","status":"Failure","message":"too old","reason":"Expired","code":410})",
        5);
    ASSERT_TRUE(read.stream.refusal());
    EXPECT_EQ(read.stream.refusal()->code, 410);
    EXPECT_EQ(read.stream.refusal()->text(), "Expired: too old");
}

TEST(ListStream, IsIncompleteWhenCutOff) {
    for (std::size_t size = 0; size < kList.size(); ++size) {
        const auto read = readIn(kList.substr(0, size), 16);
        EXPECT_FALSE(read.stream.complete());
        EXPECT_EQ(read.stream.error(), "");
    }
}

TEST(ListStream, RejectsWhatIsNoList) {
    for (const auto* text : {"[]", "x", R"({"items":[,]})", R"({"a":1}x)", R"({"a" "b"})", R"({,})",
                             R"({"items":[1 2]})", R"({"a"::1})"}) {
        const auto read = readIn(text, 100);
        EXPECT_FALSE(read.stream.error().empty()) << text;
    }
}

TEST(ListStream, BoundsOneItem) {
    ListStream stream(100);
    const auto ignore = [](std::string_view) {};
    EXPECT_TRUE(stream.feed(R"({"items":[")" + std::string(50, 'x'), ignore));
    EXPECT_FALSE(stream.feed(std::string(60, 'x'), ignore));
    EXPECT_EQ(stream.error(), "an item is too large");
    EXPECT_FALSE(stream.feed("]}", ignore));
}

TEST(ListStream, BoundsKeysMetadataAndDepth) {
    EXPECT_FALSE(readIn("{\"" + std::string(300, 'k'), 100).stream.error().empty());
    EXPECT_FALSE(readIn(R"({"metadata":")" + std::string(70'000, 'k'), 999).stream.error().empty());
    EXPECT_FALSE(readIn(R"({"items":[)" + std::string(300, '['), 100).stream.error().empty());
    // What we do not keep may be of any length.
    EXPECT_TRUE(readIn(R"({"other":")" + std::string(70'000, 'k') + "\"}", 999).stream.complete());
}

}  // namespace
}  // namespace evergate::controller::kubernetes
