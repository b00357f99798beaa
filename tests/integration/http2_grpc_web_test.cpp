// SPDX-License-Identifier: Apache-2.0
// Browsers that speak gRPC-Web, over HTTP/1.1 and HTTP/2, in front of endpoints that speak gRPC.
#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <utility>

#include "dataplane/http/chunked.hpp"
#include "dataplane/http/grpc_web_body.hpp"
#include "tests/integration/http2_client.hpp"
#include "tests/integration/http2_upstream_rig.hpp"
#include "tests/support/bodies.hpp"

namespace evergate::test {
namespace {

using http::ProxyError;
using std::string_literals::operator""s;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kBinary = "application/grpc-web+proto";
constexpr const char* kText = "application/grpc-web-text";

std::string frame(char flag, std::string_view bytes) {
    std::string all(1, flag);
    for (int shift = 24; shift >= 0; shift -= 8)
        all.push_back(static_cast<char>(bytes.size() >> shift & 0xff));
    return all.append(bytes);
}

std::string trailers(std::string_view fields) {
    return frame('\x80', fields);
}

std::string run(http::BodyFilter& filter, std::string_view in) {
    std::string out(2 * in.size() + 64, '\0');
    const auto step = filter.step(in, out.data(), out.size(), http::BodyFilter::Until::end);
    EXPECT_TRUE(step.done && !step.failed);
    out.resize(step.produced);
    return out;
}

std::string encode(std::string_view bytes) {
    http::GrpcWebBody body(true);
    return run(body, bytes);
}

std::string decode(std::string_view text) {
    http::Base64Body body;
    return run(body, text);
}

// The whole groups of it.
std::string decodeBegun(std::string_view text) {
    http::Base64Body body;
    std::string out(text.size(), '\0');
    const auto step = body.step(text, out.data(), out.size(), http::BodyFilter::Until::more);
    EXPECT_FALSE(step.failed);
    out.resize(step.produced);
    return out;
}

std::string chunk(std::string_view bytes) {
    char size[24];
    return std::string(size, http::writeChunkHeader(bytes.size(), size)) + std::string(bytes) +
           "\r\n";
}

// What was asked, as the answer's first message; then the body back.
void answerCall(Http2Endpoint& peer, Http2Request& request) {
    const std::string said = request.value("content-type") + '|' + request.value("te") + '|' +
                             std::to_string(request.count("content-length"));
    peer.respond(request.id, "200", {{"content-type", "application/grpc"}, {"x-in", said}},
                 request.body, {{"grpc-status", "0"}, {"x-sum", "7"}});
}

class GrpcWeb : public Http2Upstream {
protected:
    GrpcWeb() { proxy.route().grpcWeb = true; }

    static std::string head(const char* type, const std::string& fields) {
        return "POST /shop.Cart/Get HTTP/1.1\r\nHost: a\r\nContent-Type: " + std::string(type) +
               "\r\n" + fields + "\r\n";
    }

    static std::string call(const char* type, const std::string& body,
                            const std::string& fields = "") {
        return head(type, fields + "Content-Length: " + std::to_string(body.size()) + "\r\n") +
               body;
    }

    static Http2Fields call2(const char* type) {
        Http2Fields fields = Http2Client::post("/shop.Cart/Get");
        fields.emplace_back("content-type", type);
        return fields;
    }
};

const std::string kAnswered = trailers("grpc-status: 0\r\nx-sum: 7\r\n");

TEST_F(GrpcWeb, BecomesGrpcAndComesBack) {
    answer(answerCall);
    RawConnection client = proxy.client();
    const std::string message = frame(0, "hello");
    for (int i = 0; i < 2; ++i) {
        const auto response = ask(client, call(kBinary, message));
        EXPECT_EQ(response.status, 200);
        EXPECT_TRUE(response.complete);
        EXPECT_THAT(response.head, HasSubstr("Content-Type: application/grpc-web+proto\r\n"));
        EXPECT_THAT(response.head, HasSubstr("x-in: application/grpc+proto|trailers|1\r\n"));
        EXPECT_THAT(response.head, Not(HasSubstr("Content-Length")));
        EXPECT_EQ(response.body, message + kAnswered);
    }
    EXPECT_EQ(proxy.counters().accepted, 1u);
}

TEST_F(GrpcWeb, TakesTextInAnyPieces) {
    answer(answerCall);
    const std::string message = frame(0, "hello") + frame(0, "");
    const std::string text = encode(frame(0, "hello")) + encode(frame(0, ""));
    RawConnection client = proxy.client();
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        std::string request = head(kText, "Transfer-Encoding: chunked\r\n");
        for (std::size_t at = 0; at < text.size(); at += piece)
            request += chunk(std::string_view(text).substr(at, piece));
        const auto response = ask(client, request + "0\r\n\r\n");
        EXPECT_THAT(response.head, HasSubstr("Content-Type: application/grpc-web-text+proto\r\n"));
        EXPECT_THAT(response.head, HasSubstr("x-in: application/grpc|trailers|0\r\n"));
        EXPECT_EQ(decode(response.body), message + kAnswered) << piece;
    }
    const auto response = ask(client, call(kText, text));
    EXPECT_EQ(decode(response.body), message + kAnswered);
}

TEST_F(GrpcWeb, AnswersAsAccepted) {
    answer(answerCall);
    const std::string message = frame(0, "hello");
    const auto text = ask(call(kBinary, message, "Accept: application/grpc-web-text\r\n"));
    EXPECT_EQ(decode(text.body), message + kAnswered);
    const auto binary = ask(call(kText, encode(message), "Accept: application/grpc-web\r\n"));
    EXPECT_EQ(binary.body, message + kAnswered);
}

TEST_F(GrpcWeb, IsSpokenOverHttp2Too) {
    answer(answerCall);
    Http2Client client(proxy.client());
    const std::string message = frame(0, "hello");
    for (const bool text : {false, true}) {
        const std::int32_t id = client.request(call2(text ? kText : kBinary), true);
        client.send(id, text ? encode(message) : message);
        client.end(id);
        const Http2Answer& answer = client.wait(id);
        EXPECT_EQ(answer.status, "200");
        EXPECT_TRUE(answer.ended);
        EXPECT_TRUE(answer.trailers.empty());
        EXPECT_THAT(answer.field("content-type"), HasSubstr("application/grpc-web"));
        EXPECT_EQ(text ? decode(answer.body) : answer.body, message + kAnswered);
    }
}

TEST_F(GrpcWeb, FindsTheStatusOfABareHeadInTheBody) {
    answer([](Http2Endpoint& peer, Http2Request& request) {
        peer.respondBare(request.id, "200",
                         {{"content-type", "application/grpc"},
                          {"grpc-status", "5"},
                          {"grpc-message", "no such cart"},
                          {"x-more", "1"}});
    });
    const std::string status =
        trailers("grpc-status: 5\r\ngrpc-message: no such cart\r\nx-more: 1\r\n");
    const auto binary = ask(call(kBinary, frame(0, "")));
    EXPECT_EQ(binary.body, status);
    EXPECT_THAT(binary.head, Not(HasSubstr("grpc-status")));
    EXPECT_THAT(binary.head, HasSubstr("x-more: 1\r\n"));
    EXPECT_EQ(ask(call(kText, encode(frame(0, "")))).body, encode(status));
}

TEST_F(GrpcWeb, HearsOurErrorsItsOwnWay) {
    proxy.route().maxBodyBytes = 10;
    proxy.serve({}, backend);
    const std::string none = trailers("grpc-status: 14\r\ngrpc-message: no endpoint available\r\n");
    const auto response = ask(call(kBinary, frame(0, "")));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, none);
    EXPECT_EQ(ask(call(kText, encode(frame(0, "")))).body, encode(none));
    EXPECT_EQ(ask(call(kText, encode(frame(0, "hello")))).body,
              encode(trailers("grpc-status: 8\r\ngrpc-message: request body too large\r\n")));
    EXPECT_EQ(errors(ProxyError::bodyTooLarge), 1u);
    EXPECT_EQ(ask(get()).status, 503) << "others do not";
}

TEST_F(GrpcWeb, RefusesWhatIsNoBase64) {
    Http2Endpoint::Options options;
    options.onHead = [&](Http2Endpoint&, Http2Request&) { ++asked; };
    options.onEnd = [](Http2Endpoint&, Http2Request&) { ADD_FAILURE() << "it never ends"; };
    serve(std::move(options));
    const std::string status =
        encode(trailers("grpc-status: 13\r\ngrpc-message: malformed gRPC-Web body\r\n"));
    EXPECT_EQ(ask(call(kText, "AAAA=AAA")).body, status);
    EXPECT_EQ(ask(call(kText, "AAAAAA")).body, status) << "cut off";
    EXPECT_EQ(errors(ProxyError::badGrpcWeb), 2u);
    // When the endpoint has some of it already.
    RawConnection client = proxy.client();
    ASSERT_TRUE(client.send(head(kText, "Transfer-Encoding: chunked\r\n") + chunk("AAAAAAVo")));
    EXPECT_TRUE(proxy.eventually([&] { return asked != 0; }));
    EXPECT_EQ(ask(client, chunk("ZWxsbw==?")).body, status);
    EXPECT_EQ(errors(ProxyError::badGrpcWeb), 3u);
}

TEST_F(GrpcWeb, LeavesOthersAlone) {
    answer([](Http2Endpoint& peer, Http2Request& request) {
        if (request.value("content-type") == "application/grpc")
            return answerCall(peer, request);
        peer.respond(request.id, "404", {{"content-type", "text/html"}}, "nothing here");
    });
    // A call of gRPC keeps its trailers.
    Http2Client client(proxy.client());
    const std::int32_t id = client.request(call2("application/grpc"), true);
    client.send(id, frame(0, "hello"));
    client.end(id);
    EXPECT_EQ(client.wait(id).body, frame(0, "hello"));
    EXPECT_EQ(client.answer(id).trailers, (Http2Fields{{"grpc-status", "0"}, {"x-sum", "7"}}));
    // An answer that is none of gRPC stays one.
    const auto page = ask(call(kBinary, frame(0, "hello")));
    EXPECT_EQ(page.status, 404);
    EXPECT_EQ(page.body, "nothing here");
    EXPECT_THAT(page.head, HasSubstr("content-type: text/html\r\n"));
}

TEST_F(GrpcWeb, WantsTheRoutesWordAndHttp2) {
    proxy.route().grpcWeb = false;
    answer(answerCall);
    EXPECT_THAT(ask(call(kText, "AAAAAAA=")).head,
                HasSubstr("x-in: application/grpc-web-text||1\r\n"));
    proxy.route().grpcWeb = true;
    ScriptedEndpoint plain([](RawConnection& connection, int) {
        const std::string head = connection.readUntil("\r\n\r\n");
        EXPECT_THAT(head, HasSubstr("Content-Type: application/grpc-web-text\r\n"));
        connection.send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n"
            "Content-Length: 2\r\n\r\nas");
    });
    proxy.serve({plain.port()});
    EXPECT_EQ(ask(call(kText, "AAAAAAA=")).body, "as");
}

// Every message reaches the client before the endpoint says the next one.
TEST_F(GrpcWeb, HoldsNothingBack) {
    Http2Endpoint::Options options;
    options.onHead = [](Http2Endpoint& peer, Http2Request& request) {
        peer.begin(request.id, "200", {{"content-type", "application/grpc"}});
    };
    options.onData = [](Http2Endpoint& peer, Http2Request& request) {
        peer.more(request.id, std::exchange(request.body, {}));
    };
    options.onEnd = [](Http2Endpoint& peer, Http2Request& request) {
        peer.last(request.id, {{"grpc-status", "0"}});
    };
    serve(std::move(options));
    Http2Client client(proxy.client());
    const std::int32_t id = client.request(call2(kText), true);
    std::string sent;
    for (const char* word : {"a", "bc", "def", "ghij"}) {
        sent += frame(0, word);
        client.send(id, encode(frame(0, word)));
        ASSERT_TRUE(client.until([&] { return decodeBegun(client.answer(id).body) == sent; }))
            << word;
    }
    client.end(id);
    EXPECT_EQ(decode(client.wait(id).body), sent + trailers("grpc-status: 0\r\n"));
}

// Base64 makes more of it than it was; whoever reads slowly gets it whole all the same.
TEST_F(GrpcWeb, CarriesLargeBodies) {
    answer(answerCall);
    const std::string message = frame(0, patterned(3'000'000));
    const std::string request = call(kText, encode(message));
    RawConnection one = proxy.client(4'096);
    EXPECT_TRUE(decode(ask(one, request).body) == message + kAnswered);
    Http2Client two(proxy.client(4'096));
    const std::int32_t id = two.request(call2(kText), true);
    two.send(id, encode(message));
    two.end(id);
    EXPECT_TRUE(decode(two.wait(id).body) == message + kAnswered);
    EXPECT_TRUE(two.answer(id).ended);
}

// As much as one read takes, there with the head, for a client that takes little at a time.
TEST_F(GrpcWeb, CarriesMuchThatComesAtOnce) {
    const std::string message = frame(0, patterned(240'000));
    answer([&](Http2Endpoint& peer, Http2Request& request) {
        peer.respond(request.id, "200", {{"content-type", "application/grpc"}}, message,
                     {{"grpc-status", "0"}});
    });
    Http2Client client(proxy.client());
    for (int i = 0; i < 10; ++i) {
        const std::int32_t id = client.request(call2(kText), true);
        client.end(id);
        EXPECT_TRUE(decode(client.wait(id).body) == message + trailers("grpc-status: 0\r\n"));
    }
}

// Half an answer never looks like a whole one.
TEST_F(GrpcWeb, BreaksOffWhatTheEndpointBreaksOff) {
    Http2Endpoint::Options options;
    options.onHead = [](Http2Endpoint& peer, Http2Request& request) {
        peer.begin(request.id, "200", {{"content-type", "application/grpc"}});
        peer.more(request.id, frame(0, "hello"));
    };
    options.onEnd = [](Http2Endpoint& peer, Http2Request& request) {
        peer.reset(request.id, NGHTTP2_INTERNAL_ERROR);
    };
    serve(std::move(options));
    RawConnection client = proxy.client();
    ASSERT_TRUE(client.send(head(kBinary, "Transfer-Encoding: chunked\r\n")));
    EXPECT_THAT(client.readUntil("hello"), HasSubstr("application/grpc-web+proto"));
    ASSERT_TRUE(client.send("0\r\n\r\n"));
    EXPECT_THAT(client.readAll(), Not(HasSubstr("0\r\n\r\n")));
    EXPECT_EQ(errors(ProxyError::upstreamTruncated), 1u);
}

}  // namespace
}  // namespace evergate::test
