// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "dataplane/routing/routing_table.hpp"

namespace evergate::routing {
namespace {

TEST(NormalizePath, ReturnsANormalPathItself) {
    std::string scratch;
    for (const std::string_view path :
         {"/", "/a", "/a/", "/a/b.html", "/a.b/c..d/.e/..f/g.", "/.well-known/x",
          "/a;b=c/@:!$&'()*+,", "/...", "/a/.../b", "*"}) {
        const std::string_view normal = normalizePath(path, scratch);
        EXPECT_EQ(normal, path);
        EXPECT_EQ(normal.data(), path.data()) << path;
    }
}

TEST(NormalizePath, Normalises) {
    const std::pair<const char*, const char*> cases[] = {
        {"//", "/"},
        {"///a//b///", "/a/b/"},
        {"/.", "/"},
        {"/./", "/"},
        {"/a/.", "/a/"},
        {"/a/./b", "/a/b"},
        {"/a/..", "/"},
        {"/a/../", "/"},
        {"/a/b/..", "/a/"},
        {"/a/b/../c", "/a/c"},
        {"/a/b/../../c/./d/..", "/c/"},
        {"/a//../b", "/b"},
        {"/%61%7E%2d%5f%2E%39", "/a~-_.9"},
        {"/a/%2e%2E/b", "/b"},
        {"/a/%2e/b", "/a/b"},
        {"/a/.%2e", "/"},
        {"/a%2fb", "/a%2Fb"},
        {"/a%2Fb%5c", "/a%2Fb%5C"},
        {"/a%20b%c3%a9", "/a%20b%C3%A9"},
        {"/a%252e", "/a%252e"},
        {"/%25%32%65", "/%252e"},
        {"/a%3Fb%23", "/a%3Fb%23"},
        {"/a..%2Fb", "/a..%2Fb"},
        {"/a%2F..b", "/a%2F..b"},
        {"/a%2F.", "/a%2F."},
    };
    for (const auto& [path, normal] : cases) {
        std::string scratch = "left over";
        EXPECT_EQ(normalizePath(path, scratch), normal) << path;
    }
}

TEST(NormalizePath, IsIdempotent) {
    for (const char* path : {"//a/%2e/b", "/%41/..//c%2f", "/a%252e/%7e"}) {
        std::string scratch;
        std::string again;
        const std::string once(normalizePath(path, scratch));
        EXPECT_EQ(normalizePath(once, again), once);
    }
}

TEST(NormalizePath, RefusesInvalidPaths) {
    std::string scratch;
    for (const char* path :
         {"",          "a",          "a/b",          "?",           "**",      "/%",
          "/%4",       "/%zz",       "/%4g",         "/a%00b",      "/..",     "/../a",
          "/a/../..",  "/a/../../b", "/%2e%2e/a",    "//..",        "/./..",   "/a/..%2Fb",
          "/a/..%2fb", "/a%2F..",    "/a%2f../b",    "/a%2F..%2Fb", "/..%2Fa", "/a/%2E%2e%2Fb",
          "/a%5C..",   "/a/..%5cb",  "/a/b%2F%2e%2e"}) {
        EXPECT_EQ(normalizePath(path, scratch), "") << path;
    }
}

}  // namespace
}  // namespace evergate::routing
