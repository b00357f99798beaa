// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/main_listeners.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/validation.hpp"

namespace evergate::controller {
namespace {

using ::testing::IsEmpty;

const model::Listener* listener(const model::Config& config, const char* name) {
    return config.find<model::Listener>({model::Kind::listener, name});
}

TEST(MainListeners, HaveNothingNobodyAskedFor) {
    model::Config config;
    emitMainListeners({}, config);
    ASSERT_NE(listener(config, "http"), nullptr);
    EXPECT_EQ(*listener(config, "http"),
              (model::Listener{"0.0.0.0", 80, model::ListenerProtocol::http}));
    EXPECT_EQ(listener(config, "https"), nullptr);
}

TEST(MainListeners, ShareTheirPolicy) {
    TranslateOptions options;
    options.https = HttpsOptions{"::1", 8443, 443, std::nullopt};
    options.listenerMaxConnections = 7;
    options.proxyProtocolFrom = {"10.0.0.0/8"};
    model::Config config;
    emitMainListeners(options, config);
    for (const char* name : {"http", "https"}) {
        ASSERT_NE(listener(config, name), nullptr) << name;
        EXPECT_EQ(listener(config, name)->maxConnections, 7U);
        EXPECT_EQ(listener(config, name)->proxyProtocolFrom, options.proxyProtocolFrom);
        EXPECT_THAT(model::validate({model::Kind::listener, name}, *listener(config, name)),
                    IsEmpty());
    }
    EXPECT_EQ(listener(config, "https")->address, "::1");
    EXPECT_EQ(listener(config, "https")->protocol, model::ListenerProtocol::https);
}

}  // namespace
}  // namespace evergate::controller
