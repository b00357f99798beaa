// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/proxy_error.hpp"

#include <gtest/gtest.h>

#include <set>

namespace evergate::http {
namespace {

TEST(ProxyError, HasAStatusAndADistinctLabelForEachValue) {
    std::set<std::string_view> reasons;
    for (int i = 1; i < static_cast<int>(ProxyError::count_); ++i) {
        const ProxyErrorInfo& row = info(static_cast<ProxyError>(i));
        EXPECT_GE(row.status, 400) << i;
        EXPECT_LT(row.status, 600) << i;
        EXPECT_TRUE(reasons.insert(row.reason).second) << row.reason;
        EXPECT_EQ(row.reason.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"),
                  std::string_view::npos);
        EXPECT_FALSE(row.text.empty()) << i;
    }
    EXPECT_EQ(info(ProxyError::none).status, 0);
}

TEST(ProxyError, AnswersAsPromised) {
    const std::pair<ProxyError, int> cases[] = {{ProxyError::badRequest, 400},
                                                {ProxyError::uriTooLong, 414},
                                                {ProxyError::headTooLarge, 431},
                                                {ProxyError::unsupportedVersion, 505},
                                                {ProxyError::methodNotSupported, 501},
                                                {ProxyError::expectationFailed, 417},
                                                {ProxyError::headTimeout, 408},
                                                {ProxyError::clientClosed, 499},
                                                {ProxyError::noRoute, 404},
                                                {ProxyError::noEndpoint, 503},
                                                {ProxyError::forbiddenSource, 403},
                                                {ProxyError::bodyTooLarge, 413},
                                                {ProxyError::queueFull, 503},
                                                {ProxyError::queueTimeout, 503},
                                                {ProxyError::connectFailed, 502},
                                                {ProxyError::connectTimeout, 504},
                                                {ProxyError::upstreamTimeout, 504},
                                                {ProxyError::overloaded, 503},
                                                {ProxyError::noDescriptors, 503},
                                                {ProxyError::noLocalPorts, 503},
                                                {ProxyError::tooManyConnections, 503},
                                                {ProxyError::listenerConnections, 503},
                                                {ProxyError::clientConnections, 429},
                                                {ProxyError::bufferMemory, 503},
                                                {ProxyError::draining, 503}};
    for (const auto& [error, status] : cases) {
        EXPECT_EQ(info(error).status, status) << info(error).reason;
    }
}

}  // namespace
}  // namespace evergate::http
