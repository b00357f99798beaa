// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/grpc.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace evergate::http {
namespace {

using std::chrono::milliseconds;

TEST(Grpc, IsKnownByItsContentType) {
    for (const char* type : {"application/grpc", "application/grpc+proto", "APPLICATION/gRPC",
                             "application/grpc;charset=utf-8", "application/grpc ; a=b"})
        EXPECT_TRUE(isGrpc(type)) << type;
    for (const char* type : {"", "application/grp", "application/grpc-web", "application/grpcx",
                             "application/grpc-web+proto", "text/plain"})
        EXPECT_FALSE(isGrpc(type)) << type;
}

TEST(Grpc, ReadsTimeouts) {
    EXPECT_EQ(parseGrpcTimeout("1H"), milliseconds(3'600'000));
    EXPECT_EQ(parseGrpcTimeout("2M"), milliseconds(120'000));
    EXPECT_EQ(parseGrpcTimeout("10S"), milliseconds(10'000));
    EXPECT_EQ(parseGrpcTimeout("250m"), milliseconds(250));
    EXPECT_EQ(parseGrpcTimeout("1500u"), milliseconds(2)) << "never shorter than asked";
    EXPECT_EQ(parseGrpcTimeout("1n"), milliseconds(1));
    EXPECT_EQ(parseGrpcTimeout("99999999H"), milliseconds(99'999'999LL * 3'600'000LL));
}

TEST(Grpc, PassesOverWhatIsNoTimeout) {
    for (const char* text : {"", "5", "S", "5s", "-5S", " 5S", "5 S", "123456789S", "1.5S", "5SS"})
        EXPECT_EQ(parseGrpcTimeout(text), milliseconds(0)) << text;
}

TEST(Grpc, MapsStatuses) {
    EXPECT_EQ(grpcStatusOf(400), 13u);
    EXPECT_EQ(grpcStatusOf(401), 16u);
    EXPECT_EQ(grpcStatusOf(403), 7u);
    EXPECT_EQ(grpcStatusOf(404), 12u);
    EXPECT_EQ(grpcStatusOf(429), 8u);
    EXPECT_EQ(grpcStatusOf(502), 14u);
    EXPECT_EQ(grpcStatusOf(503), 14u);
    EXPECT_EQ(grpcStatusOf(504), 4u);
    EXPECT_EQ(grpcStatusOf(418), 2u);
}

std::string compose(ErrorReply reply) {
    std::array<char, 1024> out;
    return {out.data(), composeGrpcReply(reply, out.data(), out.size())};
}

TEST(Grpc, SaysErrorsWithoutABody) {
    EXPECT_EQ(compose({.error = ProxyError::noEndpoint,
                       .close = true,
                       .retryAfterSeconds = 1,
                       .date = "now",
                       .server = "us"}),
              "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nServer: us\r\nDate: now\r\n"
              "Content-Length: 0\r\nGrpc-Status: 14\r\nGrpc-Message: no endpoint available\r\n"
              "Retry-After: 1\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(compose({.error = ProxyError::none, .date = ""}), "");
    std::array<char, 64> small;
    EXPECT_EQ(
        composeGrpcReply({.error = ProxyError::noRoute, .date = ""}, small.data(), small.size()),
        0u);
}

// What would have to be percent-encoded in grpc-message is in none of our texts.
TEST(Grpc, SaysTextsAsTheyAre) {
    for (unsigned i = 0; i < static_cast<unsigned>(ProxyError::count_); ++i) {
        for (const char c : info(static_cast<ProxyError>(i)).text)
            EXPECT_TRUE(c >= ' ' && c <= '~' && c != '%') << i;
    }
}

}  // namespace
}  // namespace evergate::http
