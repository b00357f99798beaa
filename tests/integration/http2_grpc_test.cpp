// SPDX-License-Identifier: Apache-2.0
// What gRPC's clients hear when a call fails in the middle: a status, not a broken stream.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/http2_client.hpp"
#include "tests/support/proxy_fixture.hpp"

namespace evergate::test {
namespace {

using testing::Contains;
using testing::Pair;

Http2Fields call() {
    Http2Fields fields = Http2Client::post("/shop.Cart/Get");
    fields.emplace_back("content-type", "application/grpc");
    fields.emplace_back("te", "trailers");
    return fields;
}

// A response that has begun; more of it is in `rest`.
ScriptedEndpoint::Script answering(std::string rest, bool stays = false) {
    return [rest = std::move(rest), stays](RawConnection& connection, int) {
        connection.readUntil("\r\n\r\n");
        connection.send("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n" + rest);
        if (stays)
            connection.eof();
    };
}

TEST(Http2Grpc, SaysThatTheEndpointIsGone) {
    ScriptedEndpoint endpoint(answering("Transfer-Encoding: chunked\r\n\r\n7\r\nabcdefg\r\n"));
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    const Http2Answer& answer = client.wait(client.request(call()));
    EXPECT_EQ(answer.status, "200");
    EXPECT_TRUE(answer.ended);
    EXPECT_THAT(answer.trailers, Contains(Pair("grpc-status", "14")));
    EXPECT_THAT(answer.trailers, Contains(Pair("grpc-message", "response ended early")));
    EXPECT_TRUE(proxy.eventually([&] { return proxy.counters().http2.activeStreams == 0; }));
}

TEST(Http2Grpc, SaysThatTheEndpointWentSilent) {
    ScriptedEndpoint endpoint(answering("Transfer-Encoding: chunked\r\n\r\n", true));
    ProxyFixture proxy;
    model::Backend policy;
    policy.inactivityTimeout = std::chrono::milliseconds(200);
    proxy.serve({endpoint.port()}, policy);
    Http2Client client(proxy.client());
    const Http2Answer& answer = client.wait(client.request(call()));
    EXPECT_TRUE(answer.ended);
    EXPECT_THAT(answer.trailers, Contains(Pair("grpc-status", "4")));
}

// A length that is not kept is a broken message whatever the trailers say.
TEST(Http2Grpc, BreaksOffWhereALengthWasPromised) {
    ScriptedEndpoint endpoint(answering("Content-Length: 100\r\n\r\nab"));
    ProxyFixture proxy;
    proxy.serve({endpoint.port()});
    Http2Client client(proxy.client());
    const Http2Answer& answer = client.wait(client.request(call()));
    EXPECT_FALSE(answer.ended);
    EXPECT_TRUE(answer.reset);
}

}  // namespace
}  // namespace evergate::test
