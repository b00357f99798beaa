// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "dataplane/http/compose.hpp"

namespace evergate::http {
namespace {

TEST(Redirect, KeepsHostAndTarget) {
    EXPECT_EQ(composeRedirect({"shop.example", 443, "/a%20b//c?d=/e", false, "today"}),
              "HTTP/1.1 308 Permanent Redirect\r\n"
              "Location: https://shop.example/a%20b//c?d=/e\r\nDate: today\r\n"
              "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(composeRedirect({"[::1]", 8443, "/", true, "", "edge"}),
              "HTTP/1.1 308 Permanent Redirect\r\n"
              "Location: https://[::1]:8443/\r\nServer: edge\r\nContent-Length: 0\r\nConnection: "
              "close\r\n\r\n");
}

TEST(OptionsReply, IsEmptyAndComplete) {
    EXPECT_EQ(composeOptionsReply(false, "today", ""),
              "HTTP/1.1 200 OK\r\nDate: today\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(composeOptionsReply(true, "", "edge"),
              "HTTP/1.1 200 OK\r\nServer: edge\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(Redirect, GoesToPlainHostsOnly) {
    for (const char* host : {"", "a'b", "a%41", "a,b", "a;b", "a&b", "*", "(a)", "a=b", "[::1"})
        EXPECT_EQ(composeRedirect({host, 443, "/", false, ""}), "") << host;
    EXPECT_EQ(composeRedirect({"a", 443, "*", false, ""}), "");
    EXPECT_EQ(composeRedirect({"a", 443, "", false, ""}), "");
}

}  // namespace
}  // namespace evergate::http
