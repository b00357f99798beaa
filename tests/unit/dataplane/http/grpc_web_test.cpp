// SPDX-License-Identifier: Apache-2.0
#include "dataplane/http/grpc_web.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace evergate::http {
namespace {

using std::string_literals::operator""s;

class GrpcWebHeads : public testing::Test {
protected:
    const RequestHead& request(const std::string& fields,
                               std::string_view line = "POST /a.B/C HTTP/1.1") {
        text_ = std::string(line) + "\r\nHost: a\r\n" + fields + "\r\n";
        std::size_t scanned = 0;
        const auto result = parseRequestHead(text_, {}, scanned, request_);
        EXPECT_EQ(result.status, ParseStatus::complete) << result.detail;
        return request_;
    }

    ResponseHead& answer(const std::string& fields, std::string_view status = "200") {
        text_ = "HTTP/1.1 " + std::string(status) + " \r\n" + fields + "\r\n";
        std::size_t scanned = 0;
        const auto result = parseResponseHead(text_, {}, false, scanned, answer_);
        EXPECT_EQ(result.status, ParseStatus::complete) << result.detail;
        return answer_;
    }

    std::optional<GrpcWeb> of(const std::string& type, const std::string& more = "") {
        return grpcWebOf(request("Content-Type: " + type + "\r\n" + more));
    }

    std::string text_;
    RequestHead request_;
    ResponseHead answer_;
};

TEST_F(GrpcWebHeads, KnowsTheContentTypes) {
    const auto plain = of("application/grpc-web");
    ASSERT_TRUE(plain);
    EXPECT_FALSE(plain->textRequest || plain->textAnswer);
    EXPECT_EQ(plain->format, "");
    const auto proto = of("Application/gRPC-Web+proto; charset=utf-8");
    ASSERT_TRUE(proto);
    EXPECT_EQ(proto->format, "+proto");
    const auto text = of("application/grpc-web-text");
    ASSERT_TRUE(text);
    EXPECT_TRUE(text->textRequest && text->textAnswer);
    const auto json = of("application/grpc-web-text+json");
    ASSERT_TRUE(json);
    EXPECT_EQ(json->format, "+json");
    EXPECT_TRUE(of("application/grpc-web-text-base64"));
}

TEST_F(GrpcWebHeads, LeavesOthersAlone) {
    for (const char* type :
         {"application/grpc", "application/grpc+proto", "application/grpc-webx",
          "application/grpc-web+", "application/grpc-web+a b", "application/grpc-web-textx",
          "text/plain", "application/grpc-web+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
        EXPECT_FALSE(of(type)) << type;
    const std::string type = "Content-Type: application/grpc-web\r\n";
    EXPECT_FALSE(grpcWebOf(request(type, "GET / HTTP/1.1")));
    EXPECT_FALSE(grpcWebOf(request(type, "POST / HTTP/1.0")));
    EXPECT_FALSE(grpcWebOf(request(type + type))) << "which one?";
    EXPECT_FALSE(grpcWebOf(request("")));
    EXPECT_FALSE(grpcWebOf(request(type + "Connection: Upgrade\r\nUpgrade: websocket\r\n")));
}

TEST_F(GrpcWebHeads, AnswersAsTheClientAccepts) {
    const auto text = [&](const char* type, const std::string& accept) {
        return of(type, "Accept: " + accept + "\r\n")->textAnswer;
    };
    EXPECT_TRUE(text("application/grpc-web+proto", "application/grpc-web-text"));
    EXPECT_TRUE(text("application/grpc-web", "*/*, application/grpc-web-text+proto;q=0.5"));
    EXPECT_FALSE(text("application/grpc-web-text", "application/grpc-web+proto"));
    EXPECT_TRUE(text("application/grpc-web-text", "*/*"));
    EXPECT_FALSE(text("application/grpc-web", "*/*"));
}

TEST_F(GrpcWebHeads, BecomesARequestOfGrpc) {
    std::string type;
    request("Content-Type: application/grpc-web+proto\r\nContent-Length: 5\r\n");
    becomeGrpc(*grpcWebOf(request_), request_, type);
    EXPECT_EQ(type, "application/grpc+proto");
    EXPECT_EQ(request_.fields.at(1).value, "application/grpc+proto");
    EXPECT_TRUE(request_.teTrailers);
    EXPECT_EQ(request_.framing, Framing::length) << "the body stays as it is";
    request("Content-Type: application/grpc-web-text\r\nContent-Length: 8\r\n");
    becomeGrpc(*grpcWebOf(request_), request_, type);
    EXPECT_EQ(type, "application/grpc");
    EXPECT_EQ(request_.framing, Framing::chunked);
    request("Content-Type: application/grpc-web-text\r\nContent-Length: 0\r\n");
    becomeGrpc(*grpcWebOf(request_), request_, type);
    EXPECT_EQ(request_.framing, Framing::length);
}

TEST_F(GrpcWebHeads, KnowsAnswersOfGrpc) {
    EXPECT_TRUE(isGrpcAnswer(answer("Content-Type: application/grpc+proto\r\n")));
    EXPECT_FALSE(isGrpcAnswer(answer("Content-Type: application/grpc\r\n", "503")));
    EXPECT_FALSE(isGrpcAnswer(answer("Content-Type: text/html\r\n")));
    EXPECT_FALSE(isGrpcAnswer(answer("")));
}

TEST_F(GrpcWebHeads, MovesTheStatusOfAHead) {
    std::string status;
    const std::vector<std::string> dropped{"x-gone"};
    const std::string added = becomeGrpcWeb(
        {.textAnswer = true, .format = ""}, {&dropped, {}, {}},
        answer("Content-Type: application/grpc\r\nGrpc-Status: 5\r\nX-A: b\r\nTrailer: x\r\n"
               "Set-Cookie: c\r\nAccess-Control-Allow-Origin: *\r\nX-Gone: 1\r\n"
               "grpc-message: not there\r\ngrpc-status-details-bin: AA\r\n"),
        status);
    EXPECT_EQ(added, "Content-Type: application/grpc-web-text+proto\r\n");
    EXPECT_EQ(status,
              "Grpc-Status: 5\r\ngrpc-message: not there\r\ngrpc-status-details-bin: AA\r\n"
              "X-A: b\r\n");
    for (const HeaderField& field : answer_.fields)
        EXPECT_EQ(field.hopByHop, field.name.starts_with("grpc-") || field.name == "Grpc-Status" ||
                                      field.name == "Content-Type" || field.name == "Trailer")
            << field.name;
}

TEST_F(GrpcWebHeads, SaysTheFormatOfTheAnswer) {
    std::string status;
    const GrpcWeb json{.format = "+json"};
    EXPECT_EQ(becomeGrpcWeb(json, {}, answer("Content-Type: application/grpc\r\n"), status),
              "Content-Type: application/grpc-web+json\r\n");
    EXPECT_EQ(
        becomeGrpcWeb(json, {}, answer("Content-Type: application/grpc+proto ;a=b\r\n"), status),
        "Content-Type: application/grpc-web+proto\r\n");
    EXPECT_EQ(status, "") << "it will come behind the messages";
    const std::vector<std::string> dropped{"content-type"};
    EXPECT_EQ(becomeGrpcWeb(json, {&dropped, {}, {}}, answer("Content-Type: application/grpc\r\n"),
                            status),
              "")
        << "the route has the last word";
}

std::string compose(const GrpcWeb& web, ErrorReply reply, std::size_t capacity = 1'024) {
    std::string out(capacity, '\0');
    out.resize(composeGrpcWebReply(web, reply, out.data(), out.size()));
    return out;
}

TEST(GrpcWebReply, HasTheStatusInItsBody) {
    const std::string frame =
        "\x80\0\0\0\x36"
        "grpc-status: 14\r\ngrpc-message: no endpoint available\r\n"s;
    EXPECT_EQ(compose({.format = "+proto"}, {.error = ProxyError::noEndpoint,
                                             .close = true,
                                             .retryAfterSeconds = 1,
                                             .date = "now",
                                             .server = "us"}),
              "HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web+proto\r\nServer: us\r\n"
              "Date: now\r\nContent-Length: " +
                  std::to_string(frame.size()) + "\r\nRetry-After: 1\r\nConnection: close\r\n\r\n" +
                  frame);
    const std::string text =
        compose({.textAnswer = true, .format = ""}, {.error = ProxyError::noRoute, .date = ""});
    EXPECT_NE(text.find("Content-Type: application/grpc-web-text+proto\r\n"), std::string::npos);
    EXPECT_NE(text.find("\r\n\r\ngAAAAClncnBjLXN0YXR1czogMTINCmdycGMtbWVzc2FnZTogbm8gcm91dGUNCg=="),
              std::string::npos)
        << text;
}

TEST(GrpcWebReply, FitsWhereTheOthersFit) {
    const GrpcWeb web{true, true, "+" + std::string(31, 'x')};
    const std::string server(kMaxServerName, 's');
    const std::string date(29, 'd');
    for (unsigned i = 1; i < static_cast<unsigned>(ProxyError::count_); ++i) {
        const ErrorReply reply{static_cast<ProxyError>(i), true, false, 3, date, server};
        const std::string text = compose(web, reply, 1'024 + kMaxServerName);
        EXPECT_FALSE(text.empty()) << i;
        EXPECT_LE(text.size(),
                  640 + date.size() + server.size() + 2 * info(reply.error).text.size());
    }
    EXPECT_EQ(compose(web, {.error = ProxyError::noRoute, .date = ""}, 64), "");
    EXPECT_EQ(compose(web, {.error = ProxyError::none, .date = ""}), "");
}

}  // namespace
}  // namespace evergate::http
