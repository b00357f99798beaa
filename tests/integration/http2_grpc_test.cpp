// SPDX-License-Identifier: Apache-2.0
// What gRPC's clients hear when a call fails in the middle: a status, not a broken stream.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/integration/http2_client.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using testing::Contains;
using testing::Pair;

// A call whose response has begun; more of it is in `rest`.
class Http2Grpc : public testing::Test {
protected:
    const Http2Answer& call(std::string rest, bool stays = false, model::Backend policy = {}) {
        endpoint.emplace([rest = std::move(rest), stays](RawConnection& connection, int) {
            connection.readUntil("\r\n\r\n");
            connection.send("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n" + rest);
            if (stays)
                connection.eof();
        });
        proxy.serve({endpoint->port()}, std::move(policy));
        client.emplace(proxy.client());
        Http2Fields fields = Http2Client::post("/shop.Cart/Get");
        fields.emplace_back("content-type", "application/grpc");
        fields.emplace_back("te", "trailers");
        return client->wait(client->request(fields));
    }

    std::optional<ScriptedEndpoint> endpoint;
    ProxyFixture proxy;
    std::optional<Http2Client> client;
};

TEST_F(Http2Grpc, SaysThatTheEndpointIsGone) {
    const Http2Answer& answer = call("Transfer-Encoding: chunked\r\n\r\n7\r\nabcdefg\r\n");
    EXPECT_EQ(answer.status, "200");
    EXPECT_TRUE(answer.ended);
    EXPECT_THAT(answer.trailers, Contains(Pair("grpc-status", "14")));
    EXPECT_THAT(answer.trailers, Contains(Pair("grpc-message", "response ended early")));
    EXPECT_TRUE(proxy.eventually([&] { return proxy.counters().http2.activeStreams == 0; }));
}

TEST_F(Http2Grpc, SaysThatTheEndpointWentSilent) {
    model::Backend policy;
    policy.inactivityTimeout = std::chrono::milliseconds(200);
    const Http2Answer& answer = call("Transfer-Encoding: chunked\r\n\r\n", true, policy);
    EXPECT_TRUE(answer.ended);
    EXPECT_THAT(answer.trailers, Contains(Pair("grpc-status", "4")));
}

// A length that is not kept is a broken message whatever the trailers say.
TEST_F(Http2Grpc, BreaksOffWhereALengthWasPromised) {
    const Http2Answer& answer = call("Content-Length: 100\r\n\r\nab");
    EXPECT_FALSE(answer.ended);
    EXPECT_TRUE(answer.reset);
}

}  // namespace
}  // namespace evergate::test
