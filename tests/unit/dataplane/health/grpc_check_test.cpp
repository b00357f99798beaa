// SPDX-License-Identifier: Apache-2.0
#include "dataplane/health/grpc_check.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/health/grpc_peer.hpp"

namespace evergate::health {
namespace {

using test::GrpcAnswer;
using test::GrpcPeer;

// Both sides, until the check is done or nobody has anything to say.
ProbeResult ask(GrpcPeer& peer, const GrpcQuestion& question = {"shop.example", "", false, {}}) {
    GrpcCheck check(question);
    for (;;) {
        const std::string asked = check.output();
        if (check.done())
            return check.result();
        peer.take(asked);
        const std::string answered = peer.output();
        if (asked.empty() && answered.empty())
            return {false, "silence"};
        for (const char byte : answered)
            check.take({&byte, 1});
    }
}

ProbeResult answered(GrpcAnswer answer) {
    GrpcPeer peer(std::move(answer));
    return ask(peer);
}

std::string message(std::string body) {
    std::string text(4, '\0');
    return text + static_cast<char>(body.size()) + body;
}

TEST(GrpcCheck, AsksForTheServersHealth) {
    GrpcPeer peer({});
    const ProbeResult result =
        ask(peer, {"shop.example:50051", "", false, std::chrono::milliseconds(1'500)});
    EXPECT_TRUE(result.good);
    EXPECT_EQ(result.detail, "SERVING");
    EXPECT_EQ(peer.message(), std::string(5, '\0'));
    const auto& headers = peer.headers();
    EXPECT_EQ(headers.at(":method"), "POST");
    EXPECT_EQ(headers.at(":scheme"), "http");
    EXPECT_EQ(headers.at(":path"), "/grpc.health.v1.Health/Check");
    EXPECT_EQ(headers.at(":authority"), "shop.example:50051");
    EXPECT_EQ(headers.at("te"), "trailers");
    EXPECT_EQ(headers.at("content-type"), "application/grpc");
    EXPECT_EQ(headers.at("grpc-timeout"), "1500m");
}

TEST(GrpcCheck, AsksForAService) {
    GrpcPeer peer({});
    const std::string service(200, 's');
    EXPECT_TRUE(ask(peer, {"a", service, true, {}}).good);
    EXPECT_EQ(peer.message(), std::string("\0\0\0\0\xcb\x0a\xc8\x01", 8) + service);
    EXPECT_EQ(peer.headers().at(":scheme"), "https");
}

TEST(GrpcCheck, BelievesServingOnly) {
    EXPECT_EQ(answered({"200", message("\x08\x02")}).detail, "NOT_SERVING");
    EXPECT_EQ(answered({"200", message("\x08\x03")}).detail, "SERVICE_UNKNOWN");
    EXPECT_EQ(answered({"200", message("")}).detail, "UNKNOWN");
    for (const char* body : {"\x08\x02", "\x08\x03", ""})
        EXPECT_FALSE(answered({"200", message(body)}).good);
    // A field of the future in front of it.
    EXPECT_TRUE(answered({"200", message("\x12\x02hi\x08\x01")}).good);
}

TEST(GrpcCheck, SaysWhatTheEndpointSays) {
    EXPECT_EQ(answered({"200", "", "12", true}).detail, "grpc-status 12 (no health service)");
    EXPECT_EQ(answered({"200", "", "5", true}).detail, "grpc-status 5 (service not found)");
    EXPECT_EQ(answered({"200", message("\x08\x01"), "14"}).detail, "grpc-status 14 (unavailable)");
    EXPECT_EQ(answered({"503", "", "", true}).detail, "status 503");
    EXPECT_EQ(answered({"200", message("\x08\x01"), ""}).detail, "response: no grpc-status");
}

TEST(GrpcCheck, RefusesWhatIsNoAnswer) {
    const GrpcAnswer broken[] = {{"200", ""},
                                 {"200", "\x08\x01"},
                                 {"200", message("\x08")},
                                 {"200", std::string("\1\0\0\0\2\x08\1", 7)},
                                 {"200", std::string("\0\0\0\0\3\x08\1", 7)},
                                 {"200", message("\x0b\x01")}};
    for (const GrpcAnswer& answer : broken)
        EXPECT_EQ(answered(answer).detail, "response: no HealthCheckResponse");
    EXPECT_EQ(answered({"200", std::string(2'000, 'x')}).detail, "response: too long");
}

TEST(GrpcCheck, RefusesWhatIsNoHttp2) {
    GrpcCheck check({"a", "", false, {}});
    check.output();
    check.take("HTTP/1.1 400 Bad Request\r\n\r\n");
    EXPECT_FALSE(check.output().empty());  // GOAWAY
    ASSERT_TRUE(check.done());
    EXPECT_FALSE(check.result().good);
    EXPECT_EQ(check.result().detail.substr(0, 10), "response: ");
    check.take("more of it");
    check.output();
}

TEST(GrpcMessages, ReadStatuses) {
    EXPECT_EQ(parseHealthResponse(message("\x08\x01")), 1);
    EXPECT_EQ(parseHealthResponse(message("\x08\x81\x80\x00")), -1);
    EXPECT_EQ(parseHealthResponse(message("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")), 127);
    EXPECT_EQ(parseHealthResponse(""), -1);
}

}  // namespace
}  // namespace evergate::health
