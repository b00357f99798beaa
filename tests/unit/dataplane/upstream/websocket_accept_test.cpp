// SPDX-License-Identifier: Apache-2.0
#include "dataplane/upstream/websocket_accept.hpp"

#include <gtest/gtest.h>

namespace evergate::upstream {
namespace {

TEST(WebSocketAccept, IsThatOfTheRfc) {
    EXPECT_EQ(webSocketAccept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
}  // namespace evergate::upstream
